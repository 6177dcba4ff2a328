"""DEPTHWISE_CONV_2D. Kernels: firmware/src/nn/depthwise.h, firmware/src/nn/m4/depthwise.h."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops import window
from edge_deploy.compiler.ops.layer import CORTEX_M4, Code, Constant, Overlap, Site, struct_body
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.weighted import Weighted, convolution_requantization
from edge_deploy.compiler.ops.window import Window

_PARAMETERS = (
    "const int8_t *input, int8_t *output, const int8_t *weights, const int32_t *bias, "
    "const int32_t *multiplier, const int8_t *shift"
)


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

    def _dsp(self, target: str) -> bool:
        """True where the Cortex-M4 kernel runs; dilation goes through the portable one."""
        w = self.window
        return target == CORTEX_M4 and (w.dilation_y, w.dilation_x) == (1, 1)

    @property
    def _plane(self) -> tuple[int, int]:
        """Columns and rows of one padded channel; rows even, so that columns are aligned."""
        w = self.window
        width = (w.output_width - 1) * w.stride_x + w.kernel_width
        height = (w.output_height - 1) * w.stride_y + w.kernel_height
        # An odd kernel height reads its last tap as half of a pair; two rows at a time reach
        # one row further where the output's height is odd.
        height += w.kernel_height % 2 + (w.output_height % 2) * w.stride_y
        return width, height + height % 2

    def scratch_bytes(self, target: str) -> int:
        """Bytes beside input and output."""
        if not self._dsp(target):
            return 0
        width, height = self._plane
        return width * height * 2

    def overlap(self, target: str, position: int) -> Overlap | None:
        """How the output may share the input's memory."""
        del position
        # The Cortex-M4 kernel copies a whole channel of one image out before it writes that
        # channel; outputs of a channel lie where that channel's inputs were.
        w = self.window
        smaller = w.output_height * w.output_width <= w.input_height * w.input_width
        return Overlap(0, 0) if self._dsp(target) and self.multiples == 1 and smaller else None

    def code(self, target: str) -> Code:
        """The layer in C."""
        fields = dict(vars(self.window))
        fields["channels"] = fields.pop("input_channels")
        del fields["output_channels"]
        fields["multiples"] = self.multiples
        fields |= {"input_zero_point": self.input_zero_point, **self.scale_fields()}
        if not self._dsp(target):
            weights = Constant("weights", "int8_t", self.weights.reshape(-1))
            call = "ed_depthwise(&shape, input, weights, bias, multiplier, shift, output)"
            return Code(
                include="nn/depthwise.h",
                stem="depthwise_conv_2d",
                parameters=_PARAMETERS,
                body=struct_body("ed_depthwise_shape", call, fields),
                constants=(weights, *self.scale_constants()),
            )
        del fields["dilation_y"], fields["dilation_x"]
        width, height = self._plane
        fields |= {"plane_width": width, "plane_height": height, **self.quick_fields()}
        call = "ed_m4_depthwise(&shape, input, weights, bias, multiplier, shift, output, scratch)"
        return Code(
            include="nn/m4/depthwise.h",
            stem="depthwise_conv_2d",
            parameters=_PARAMETERS + ", uint32_t *scratch",
            body=struct_body("ed_m4_depthwise_shape", call, fields),
            constants=(self._by_channel(), *self.scale_constants()),
        )

    def _by_channel(self) -> Constant:
        """One channel after the other, column after column, each column top to bottom."""
        by_column = self.weights.transpose(2, 1, 0)
        return Constant("weights", "int8_t", np.ascontiguousarray(by_column).reshape(-1))


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
