"""DEPTHWISE_CONV_2D. Kernels: firmware/src/nn/depthwise.h; in m4/ and s3/ beside it likewise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops import single_shift, vectors, window
from edge_deploy.compiler.ops.layer import (
    CORTEX_M4,
    ESP32S3,
    Code,
    Constant,
    Overlap,
    Shape,
    Site,
    struct_body,
)
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.single_shift import Channel
from edge_deploy.compiler.ops.weighted import Weighted, convolution_requantization
from edge_deploy.compiler.ops.window import Window
from edge_deploy.compiler.quantization import INT8_MAX, INT8_MIN

_PARAMETERS = (
    "const int8_t *input, int8_t *output, const int8_t *weights, const int32_t *bias, "
    "const int32_t *multiplier, const int8_t *shift"
)
_SHIFT = 10  # ED_M4_DEPTHWISE_SHIFT of the 3x3 kernel
# Words of a column in that kernel's scratch: bands of 12 rows, or of 28 where little is needed.
_WORDS = (7, 15)
_TALL_SCRATCH = 1024
# Beyond this a kernel without scratch serves: most taps of such a dilation are outside.
_MOST_SCRATCH = 16384
# Columns up to which four channels at a time are faster, without padding: 4 of 8 by 5x5 kernels
# take 5.6 cycles a product instead of 8.2; 17 of 25 by 1x9 kernels 8.8 instead of 7.6.
_NARROW = 4
_VECTORS_OF_SUMS = 4  # ED_S3_SUMS_BYTES of the ESP32-S3 kernel
_SIZES_3X3 = (
    "batches",
    "input_height",
    "input_width",
    "input_channels",
    "output_height",
    "output_width",
)
_LARGEST_SIZE = 2**15 - 1  # of those, in that kernel's shape


@dataclass(frozen=True)
class Depthwise(Weighted):
    """weights: (kernel height, kernel width, channels * multiples) int8."""

    window: Window
    multiples: int

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        return self.window.shapes

    @property
    def rows(self) -> NDArray[np.int8]:
        """The weights as (output channels, taps)."""
        taps = self.weights.shape[0] * self.weights.shape[1]
        return np.ascontiguousarray(self.weights.reshape(taps, -1).T)

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        w = self.window
        return w.batches * w.output_height * w.output_width * int(self.weights.size)

    @property
    def _ring(self) -> tuple[int, int, int]:
        """Of the general Cortex-M4 kernel: lines, columns of a section, columns of the input."""
        w = self.window
        width = (w.output_width - 1) * w.stride_x + (w.kernel_width - 1) * w.dilation_x + 1
        lines = (w.kernel_height - 1) * w.dilation_y + 1
        # One column more: an odd kernel width reads its last tap as half of a pair.
        return lines, -(-width // w.dilation_x) + 1, min(w.input_width, width - w.pad_left)

    @property
    def _ring_bytes(self) -> int:
        """Scratch of the general Cortex-M4 kernel."""
        w = self.window
        lines, section, _ = self._ring
        words = w.kernel_height * (-(-w.kernel_width // 2) + 1)
        # Four outputs are computed at once: up to three columns' strides beyond the last line.
        beyond = (3 * w.stride_x + 1) // 2 * 2
        return 4 * words + 2 * (lines * w.dilation_x * section + beyond)

    @property
    def _by_fours(self) -> bool:
        """True where the kernel that takes four channels at a time serves best: narrow maps."""
        w = self.window
        bottom = (w.output_height - 1) * w.stride_y + (w.kernel_height - 1) * w.dilation_y
        right = (w.output_width - 1) * w.stride_x + (w.kernel_width - 1) * w.dilation_x
        padded = (w.pad_top, w.pad_left) != (0, 0) or (
            bottom >= w.input_height or right >= w.input_width
        )
        return (
            self.multiples == 1
            and w.input_channels % 4 == 0
            and not self._is_3x3
            and w.output_width <= (1 if padded else _NARROW)
        )

    def _dsp(self, target: str) -> bool:
        """True where a Cortex-M4 kernel runs; a far dilation goes through the portable one."""
        w = self.window
        ring = min(w.stride_x, w.dilation_x) == 1 and self._ring_bytes <= _MOST_SCRATCH
        return target == CORTEX_M4 and (self._is_3x3 or self._by_fours or ring)

    def _vectors(self, target: str) -> bool:
        """True where the ESP32-S3 kernel runs."""
        w = self.window
        return (
            target == ESP32S3
            and self.multiples == w.dilation_x == 1
            and w.kernel_height * w.kernel_width <= vectors.MOST_LANE_PRODUCTS
            and self._vector_bytes <= _MOST_SCRATCH
        )

    @property
    def _vector_bytes(self) -> int:
        """Scratch of the ESP32-S3 kernel: the rows of the map that a row of outputs reaches."""
        w = self.window
        columns = (w.output_width - 1) * w.stride_x + w.kernel_width
        groups = vectors.count(w.input_channels)
        return vectors.scratch_bytes(
            vectors.LANES * (columns * w.kernel_height * groups + _VECTORS_OF_SUMS)
        )

    @property
    def _is_3x3(self) -> bool:
        """True where the 3x3 kernel of Cortex-M4 serves."""
        w = self.window
        return (
            (w.kernel_height, w.kernel_width, w.dilation_y, w.dilation_x) == (3, 3, 1, 1)
            and (w.stride_y, w.stride_x) in ((1, 1), (2, 2))
            and w.output_channels <= _LARGEST_SIZE
            # One row of padding above, one below; a folded PAD may bring more.
            and max(w.pad_top, w.pad_left) <= 1
            and (w.output_height - 1) * w.stride_y + 2 - w.pad_top <= w.input_height
            and all(vars(w)[name] <= _LARGEST_SIZE for name in _SIZES_3X3)
        )

    @cached_property
    def _single_shift(self) -> tuple[Channel, ...] | None:
        """Constants for one shift in all channels; None where requantization wants more."""
        r = self.requantization
        if (r.zero_point, r.lowest, r.highest) != (INT8_MIN, INT8_MIN, INT8_MAX):
            return None
        bounds = list(zip(*self.channel_bounds(), strict=True))
        return single_shift.channels(
            _SHIFT, r.zero_point, self.bias.tolist(), r.multipliers, bounds
        )

    @property
    def _plane_width(self) -> int:
        """Columns of the 3x3 kernel's planes."""
        w = self.window
        return (w.output_width - 1) * w.stride_x + 3

    @property
    def _words(self) -> int:
        """Words of a column of the 3x3 kernel's planes: one of two, so that functions are few."""
        few, many = _WORDS
        tall = self.window.input_height > 2 * few - 2
        return many if tall and 8 * self._plane_width * many <= _TALL_SCRATCH else few

    def scratch_bytes(self, target: str) -> int:
        """Bytes beside input and output."""
        if self._vectors(target):
            return self._vector_bytes
        if not self._dsp(target):
            return 0
        if self._by_fours:
            return 0
        if not self._is_3x3:
            return self._ring_bytes
        w = self.window
        sums = 0 if self._single_shift is not None else 4 * w.output_width * (4 // w.stride_x)
        return 8 * self._plane_width * self._words + sums

    def overlap(self, target: str, position: int) -> Overlap | None:
        """How the output may share the input's memory."""
        del position
        # The Cortex-M4 kernels have read what a channel's output lies over: outputs of a channel
        # lie where that channel's inputs were, and never behind the rows that were read, unless
        # padding makes the map larger.
        w = self.window
        grows = w.output_height > w.input_height or w.output_width > w.input_width
        single = (w.batches, w.output_height, w.output_width) == (1, 1, 1)
        keeps = self._dsp(target) and self.multiples == 1 and (single or not self._by_fours)
        return Overlap(0, 0) if keeps and not grows else None

    def code(self, target: str) -> Code:
        """The layer in C."""
        fields = dict(vars(self.window))
        fields["channels"] = fields.pop("input_channels")
        del fields["output_channels"]
        fields["multiples"] = self.multiples
        fields |= {"input_zero_point": self.input_zero_point, **self.scale_fields()}
        call = "(&shape, input, weights, bias, multiplier, shift, output"
        if self._vectors(target):
            taps = self.weights.transpose(1, 0, 2).reshape(-1, self.window.output_channels)
            return Code(
                include="nn/s3/depthwise.h",
                stem="depthwise_conv_2d",
                parameters=f"{_PARAMETERS}, uint32_t *scratch",
                body=struct_body("ed_depthwise_shape", f"ed_s3_depthwise{call}, scratch)", fields),
                constants=(vectors.rows(taps), *self.scale_constants()),
            )
        if not self._dsp(target):
            weights = Constant("weights", "int8_t", self.weights.reshape(-1))
            return Code(
                include="nn/depthwise.h",
                stem="depthwise_conv_2d",
                parameters=_PARAMETERS,
                body=struct_body("ed_depthwise_shape", f"ed_depthwise{call})", fields),
                constants=(weights, *self.scale_constants()),
            )
        if self._is_3x3:
            return self._code_3x3()
        if self._by_fours:
            return self._code_by_fours(fields)
        lines, section, columns = self._ring
        fields |= {"quick": int(self.quick)}
        fields |= {"lines": lines, "section": section, "columns": columns}
        plain = int(self.quick and not self.clamped)
        arguments = "shape, input, weights, bias, multiplier, shift, output, scratch"
        return Code(
            include="nn/m4/depthwise.h",
            stem="depthwise_conv_2d",
            parameters=f"const ed_m4_depthwise_shape *shape, {_PARAMETERS}, uint32_t *scratch",
            body=f"    ed_m4_depthwise({arguments}, {plain});",
            constants=(self._by_channel((2, 0, 1)), *self.scale_constants()),
            shape=Shape("ed_m4_depthwise_shape", fields),
        )

    def _code_3x3(self) -> Code:
        """The layer by the 3x3 kernel."""
        w = self.window
        channels = self._single_shift
        fields = {name: vars(w)[name] for name in (*_SIZES_3X3, "pad_top", "pad_left")}
        fields["channels"] = fields.pop("input_channels")
        fields |= {"multiples": self.multiples, "stride": w.stride_y, "words": self._words}
        fields |= {"input_zero_point": self.input_zero_point, **self.scale_fields()}
        fields |= {"single_shift": int(channels is not None), "quick": int(self.quick)}
        kind = "any_" if self.clamped or not self.quick else "quick_"
        loops = f"{kind if channels is None else ''}{w.stride_y}_{self._words}"
        one = "_one" if w.input_channels == 1 else ""
        arguments = "shape, input, weights, bias, multiplier, shift, output, scratch"
        scaling = self.scale_constants()
        if channels is not None:
            scaling = (
                Constant("bias", "int32_t", np.array([c.bias for c in channels], "i4")),
                Constant("multiplier", "int32_t", np.array([c.multiplier for c in channels], "i4")),
                Constant("shift", "int8_t", np.array([c.shift for c in channels], "i1")),
            )
        return Code(
            include="nn/m4/depthwise_3x3.h",
            stem="depthwise_conv_2d",
            parameters=f"const ed_m4_depthwise_3x3_shape *shape, {_PARAMETERS}, uint32_t *scratch",
            body=f"    ed_m4_depthwise_3x3{one}({arguments}, ed_m4_depthwise_{loops});",
            constants=(self._by_channel((2, 1, 0)), *scaling),
            shape=Shape("ed_m4_depthwise_3x3_shape", fields),
        )

    def _code_by_fours(self, fields: dict[str, int]) -> Code:
        """The layer by the kernel that takes four channels at a time."""
        del fields["multiples"]
        if self.window.input_width == self.window.kernel_width == 1:  # a column is a row, too
            fields |= _turned(fields)
        r = self.requantization
        clamped = (r.lowest, r.highest) != (INT8_MIN, INT8_MAX)
        fields["rectified"] = int(r.rectified)
        fields["padding"] = 0x01010101 * (fields.pop("input_zero_point") & 0xFF)
        return Code(
            include="nn/m4/depthwise_fours.h",
            stem="depthwise_conv_2d",
            parameters=f"const ed_m4_depthwise_fours_shape *shape, {_PARAMETERS}",
            body=(
                f"    ed_m4_depthwise_fours(shape, {int(self.quick)}, {int(clamped)}, input,\n"
                "                          weights, bias, multiplier, shift, output);"
            ),
            constants=(
                Constant("weights", "int8_t", self.weights.reshape(-1)),
                *self.scale_constants(),
            ),
            shape=Shape("ed_m4_depthwise_fours_shape", fields),
        )

    def _by_channel(self, order: tuple[int, int, int]) -> Constant:
        """The weights, one channel after the other: axes in `order`."""
        return Constant("weights", "int8_t", self.weights.transpose(order).reshape(-1))


def _turned(fields: Mapping[str, int]) -> dict[str, int]:
    """The fields of a window with rows and columns exchanged."""
    pairs = [("height", "width"), ("_y", "_x"), ("top", "left")]
    found = {}
    for first, second in (*pairs, *((b, a) for a, b in pairs)):
        for name, value in fields.items():
            if name.endswith(first):
                found[name.removesuffix(first) + second] = value
    return found


def read(site: Site) -> Depthwise:
    """A DEPTHWISE_CONV_2D of the file, checked. Raises UnsupportedModel."""
    source = site.activation(site.tensor(0), "an input")
    output = site.activation(site.output, "an output")
    weights = site.weights(1, rank=4, axis=3)
    ones, kernel_height, kernel_width, outputs = weights.shape
    where = window.read(site, source, (kernel_height, kernel_width), outputs)
    multiples = outputs // where.input_channels
    declared = int(site.option("depth_multiplier"))
    if ones != 1 or outputs % where.input_channels:
        raise unsupported(
            site, f"has weights of shape {weights.shape} for {where.input_channels} channels"
        )
    if declared not in (0, multiples):  # 0: the file leaves it to the shapes
        raise unsupported(site, f"has depth_multiplier {declared}; its shapes give {multiples}")
    assert weights.values is not None
    return Depthwise(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index,),
        outputs=(output.index,),
        weights=weights.values.astype(np.int8).reshape(kernel_height, kernel_width, outputs),
        bias=site.bias(2, outputs),
        input_zero_point=site.zero_point(source),
        requantization=convolution_requantization(site, source, weights, outputs),
        folded=False,
        window=where,
        multiples=multiples,
    )
