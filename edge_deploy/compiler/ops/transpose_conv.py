"""TRANSPOSE_CONV. Kernel: firmware/src/nn/transpose_conv.h; firmware/src/nn/m4/dot.h in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops.layer import CORTEX_M4, Code, Constant, Layer, Shape, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.weighted import Requantization, convolution_requantization
from edge_deploy.model.graph import DType, Tensor

# Places in the output are 32-bit numbers.
_MOST_REACH = 2**30


@dataclass(frozen=True)
class TransposeConv(Layer):
    """weights: (outputs, kernel height, kernel width, inputs) int8; bias: (outputs,) int64.

    input_shape, output_shape: batches, height, width, channels. strides, pads: y, x.
    """

    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    strides: tuple[int, int]
    pads: tuple[int, int]
    weights: NDArray[np.int8]
    bias: NDArray[np.int64]
    input_zero_point: int
    requantization: Requantization

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        return f"{_times(self.input_shape)} -> {_times(self.output_shape)}"

    @property
    def macs(self) -> int:
        """Multiply-accumulates, with those of taps that fall outside the output."""
        batches, height, width, _ = self.input_shape
        return batches * height * width * int(self.weights.size)

    def limited(self, lowest: int, highest: int) -> TransposeConv:
        """The layer with an activation after it."""
        return replace(self, requantization=self.requantization.limited(lowest, highest))

    def code(self, target: str) -> Code:
        """The layer in C."""
        batches, input_height, input_width, input_channels = self.input_shape
        _, output_height, output_width, output_channels = self.output_shape
        fields = {
            "batches": batches,
            "input_height": input_height,
            "input_width": input_width,
            "input_channels": input_channels,
            "output_height": output_height,
            "output_width": output_width,
            "output_channels": output_channels,
            "kernel_height": self.weights.shape[1],
            "kernel_width": self.weights.shape[2],
            "stride_y": self.strides[0],
            "stride_x": self.strides[1],
            "pad_top": self.pads[0],
            "pad_left": self.pads[1],
            "input_zero_point": self.input_zero_point,
            "output_zero_point": self.requantization.zero_point,
            "lowest": self.requantization.lowest,
            "highest": self.requantization.highest,
        }
        multipliers = self.requantization.multipliers
        fast = target == CORTEX_M4
        dot = "ed_m4_dot_offset" if fast else "ed_dot_offset"
        arguments = "input, weights, bias, multiplier, shift, output"
        return Code(
            include="nn/m4/transpose_conv.h" if fast else "nn/transpose_conv.h",
            stem="transpose_conv",
            parameters=(
                "const ed_transpose_conv_shape *shape, const int8_t *input, int8_t *output, "
                "const int8_t *weights, const int32_t *bias, const int32_t *multiplier, "
                "const int8_t *shift"
            ),
            body=f"    ed_transpose_conv(shape, {dot}, {arguments});",
            constants=(
                Constant("weights", "int8_t", self.weights.reshape(-1)),
                Constant("bias", "int32_t", self.bias.astype(np.int32)),
                Constant(
                    "multiplier", "int32_t", np.array([m.multiplier for m in multipliers], "i4")
                ),
                Constant("shift", "int8_t", np.array([m.shift for m in multipliers], "i1")),
            ),
            shape=Shape("ed_transpose_conv_shape", fields),
        )


def read(site: Site) -> TransposeConv:
    """A TRANSPOSE_CONV of the file, checked. Raises UnsupportedModel."""
    source = site.activation(site.tensor(2), "an input")
    output = site.activation(site.output, "an output")
    weights = site.weights(1, rank=4, axis=0)
    outputs, kernel_height, kernel_width, depth = weights.shape
    if len(source.shape) != 4 or source.shape[3] != depth:
        raise unsupported(site, f"has filters of shape {weights.shape} for input {source.shape}")
    _check_output_shape(site, output)
    if len(output.shape) != 4 or (output.shape[0], output.shape[3]) != (source.shape[0], outputs):
        raise unsupported(
            site, f"turns shape {source.shape} into {output.shape} with {outputs} filters"
        )
    assert weights.quantization is not None
    if len(weights.quantization.scales) != outputs:
        raise unsupported(
            site,
            f"has one weight scale for {outputs} channels; the reference reads one a channel",
            ("a converter that quantizes weights per channel (its default)",),
        )
    padding = str(site.option("padding"))
    if padding not in ("SAME", "VALID"):
        raise unsupported(site, f"has padding {padding}")
    strides = site.positive("stride_h"), site.positive("stride_w")
    if any(a * b >= _MOST_REACH for a, b in zip(strides, source.shape[1:3], strict=True)):
        raise unsupported(site, f"has strides of {strides} over an input of {source.shape}")
    sizes = zip(output.shape[1:3], (kernel_height, kernel_width), strides, strict=True)
    pads = [_pad(padding, *each) for each in sizes]
    assert weights.values is not None
    return TransposeConv(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index,),
        outputs=(output.index,),
        input_shape=source.shape,
        output_shape=output.shape,
        strides=strides,
        pads=(pads[0], pads[1]),
        weights=weights.values.astype(np.int8),
        bias=site.bias(3, outputs),
        input_zero_point=site.zero_point(source),
        requantization=convolution_requantization(site, source, weights, outputs),
    )


def _check_output_shape(site: Site, output: Tensor) -> None:
    """The first input is the output's shape, which must not wait for run time."""
    shape = site.tensor(0)
    if shape.values is None or shape.dtype is not DType.INT32:
        raise unsupported(site, "has an output shape that is not constant int32")
    if tuple(shape.values.reshape(-1).tolist()) != output.shape:
        raise unsupported(
            site, f"has output shape {output.shape}, and {shape.values.tolist()} as its input"
        )


def _pad(padding: str, size: int, taps: int, stride: int) -> int:
    """Rows (or columns) of the full output that lie before its first kept one.

    As if the output were convolved back. Source: ComputePaddingHeightWidth (padding.h), whose
    divisions round towards zero.
    """
    wanted = size + stride - 1 if padding == "SAME" else size + stride - taps
    count = wanted // stride if wanted >= 0 else -(-wanted // stride)
    return max(0, (count - 1) * stride + taps - size) // 2


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
