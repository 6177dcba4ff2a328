"""CONV_2D. Kernels: firmware/src/nn/conv.h (portable), firmware/src/nn/m4/conv.h."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops import window
from edge_deploy.compiler.ops.layer import CORTEX_M4, Code, Constant, Overlap, Site, struct_body
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.weighted import (
    Weighted,
    convolution_requantization,
    may_pair,
    paired_words,
)
from edge_deploy.compiler.ops.window import Window

# Pixels that the Cortex-M4 kernel computes at once (ED_M4_CONV_PIXELS).
_PIXELS = 3


@dataclass(frozen=True)
class Conv(Weighted):
    """weights: (outputs, kernel height, kernel width, inputs / groups) int8."""

    window: Window
    groups: int

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        return self.window.shapes

    @property
    def rows(self) -> NDArray[np.int8]:
        """The weights as (output channels, taps)."""
        return self.weights.reshape(self.weights.shape[0], -1)

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        w = self.window
        return w.batches * w.output_height * w.output_width * int(self.weights.size)

    def _dsp(self, target: str) -> bool:
        """True where the Cortex-M4 kernel runs; groups go through the portable one."""
        return target == CORTEX_M4 and self.groups == 1

    @property
    def _run(self) -> int:
        """Taps in a row that are neighbours in memory."""
        w = self.window
        return w.input_channels * (w.kernel_width if w.dilation_x == 1 else 1)

    def scratch_bytes(self, target: str) -> int:
        """Bytes beside input and output."""
        if not self._dsp(target):
            return 0
        taps = -(-self.rows.shape[1] // 4) * 4
        column = taps * 2 * _PIXELS  # int16, of every pixel
        return column if self._run % 4 == 0 else column + taps

    def overlap(self, target: str, position: int) -> Overlap | None:
        """How the output may share the input's memory."""
        del position
        # A 1x1 kernel has read its pixels before it writes them, and all that it writes lies
        # behind what it has still to read.
        w = self.window
        behind = (
            self._dsp(target)
            and (w.kernel_height, w.kernel_width) == (1, 1)
            and (w.pad_top, w.pad_left) == (0, 0)
            and w.output_channels <= w.input_channels
        )
        return Overlap(0, 0) if behind else None

    def code(self, target: str) -> Code:
        """The layer in C."""
        fields = {**vars(self.window), "groups": self.groups}
        fields |= {"input_zero_point": self.input_zero_point, **self.scale_fields()}
        parameters = (
            "const int8_t *input, int8_t *output, const {} *weights, const int32_t *bias, "
            "const int32_t *multiplier, const int8_t *shift"
        )
        if not self._dsp(target):
            weights = Constant("weights", "int8_t", self.weights.reshape(-1))
            call = "ed_conv(&shape, input, weights, bias, multiplier, shift, output)"
            return Code(
                include="nn/conv.h",
                stem="conv_2d",
                parameters=parameters.format("int8_t"),
                body=struct_body("ed_conv_shape", call, fields),
                constants=(weights, *self.scale_constants()),
            )
        rows = self._padded_rows()
        paired = may_pair(rows)
        fields |= {**self.quick_fields(), "paired": int(paired)}
        del fields["groups"]
        words = paired_words(rows, paired=paired).reshape(-1)
        call = "ed_m4_conv(&shape, input, weights, bias, multiplier, shift, output, scratch)"
        return Code(
            include="nn/m4/conv.h",
            stem="conv_2d",
            parameters=parameters.format("uint32_t") + ", uint32_t *scratch",
            body=struct_body("ed_m4_conv_shape", call, fields),
            constants=(Constant("weights", "uint32_t", words), *self.scale_constants()),
        )

    def _padded_rows(self) -> NDArray[np.int8]:
        """The rows with zeros up to an even number of rows and a multiple of four taps."""
        outputs, taps = self.rows.shape
        return np.pad(self.rows, ((0, outputs % 2), (0, -taps % 4)))


def read(site: Site) -> Conv:
    """A CONV_2D of the file, checked. Raises UnsupportedModel."""
    source = site.activation(site.tensor(0), "an input")
    output = site.activation(site.output, "an output")
    weights = site.weights(1, rank=4, axis=0)
    outputs, kernel_height, kernel_width, depth = weights.shape
    where = window.read(site, source, (kernel_height, kernel_width), outputs)
    if where.input_channels % depth or outputs % (where.input_channels // depth):
        raise unsupported(
            site, f"has filters of {depth} channels for an input of {where.input_channels}"
        )
    assert weights.values is not None
    return Conv(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index,),
        outputs=(output.index,),
        weights=weights.values.astype(np.int8),
        bias=site.bias(2, outputs),
        input_zero_point=site.zero_point(source),
        requantization=convolution_requantization(site, source, weights, outputs),
        folded=False,
        window=where,
        groups=where.input_channels // depth,
    )
