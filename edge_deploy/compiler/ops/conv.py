"""CONV_2D. Kernels: firmware/src/nn/conv.h (portable), m4/conv.h and s3/conv.h beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops import conv_m4, vectors, window
from edge_deploy.compiler.ops.layer import (
    CORTEX_M4,
    Code,
    Constant,
    Overlap,
    Site,
    struct_body,
)
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.weighted import Weighted, convolution_requantization
from edge_deploy.compiler.ops.window import Window


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

    def _vectors(self, target: str) -> bool:
        """True where the ESP32-S3 kernel runs; groups go through the portable one."""
        return self.groups == 1 and vectors.serve(target, self.rows.shape[1])

    def scratch_bytes(self, target: str) -> int:
        """Bytes beside input and output."""
        if self._vectors(target):
            return vectors.scratch_bytes(self.rows.shape[1])
        return conv_m4.scratch_bytes(self.window) if self._dsp(target) else 0

    def overlap(self, target: str, position: int) -> Overlap | None:
        """How the output may share the input's memory."""
        del position
        return Overlap(conv_m4.least_distance(self.window)) if self._dsp(target) else None

    def code(self, target: str) -> Code:
        """The layer in C."""
        if self._dsp(target):
            return self._m4_code()
        fields = {**vars(self.window), "groups": self.groups}
        fields |= {"input_zero_point": self.input_zero_point, **self.scale_fields()}
        parameters = (
            "const int8_t *input, int8_t *output, const int8_t *weights, "
            "const int32_t *bias, const int32_t *multiplier, const int8_t *shift"
        )
        arguments = "&shape, input, weights, bias, multiplier, shift, output"
        if self._vectors(target):
            return Code(
                include="nn/s3/conv.h",
                stem="conv_2d",
                parameters=f"{parameters}, uint32_t *scratch",
                body=struct_body("ed_conv_shape", f"ed_s3_conv({arguments}, scratch)", fields),
                constants=(vectors.rows(self.rows), *self.scale_constants()),
            )
        return Code(
            include="nn/conv.h",
            stem="conv_2d",
            parameters=parameters,
            body=struct_body("ed_conv_shape", f"ed_conv({arguments})", fields),
            constants=(
                Constant("weights", "int8_t", self.weights.reshape(-1)),
                *self.scale_constants(),
            ),
        )

    def _m4_code(self) -> Code:
        product = conv_m4.Product(self.window, self.rows, self.bias, self.requantization)
        kind = product.kind
        kernel, shape = conv_m4.shape(self.window, self.input_zero_point, self.requantization)
        scaling = "0, 0, 0" if kind.scaled else "bias, multiplier, shift"
        storage = "static const" if kind.scaled else "const"
        facts = f"{kind.name}, {int(kind.paired)}, {scaling}"
        parameters = [
            f"const {shape.ctype} *shape, const int8_t *input, int8_t *output",
            "const uint32_t *words",
            *([] if kind.scaled else ["const int32_t *bias, const int32_t *multiplier"]),
            *([] if kind.scaled else ["const int8_t *shift"]),
            "uint32_t *scratch",
        ]
        return Code(
            include="nn/m4/conv.h",
            stem="conv_2d",
            parameters=", ".join(parameters),
            body=(
                f"    {storage} ed_m4_conv_kind kind = {{{facts}}};\n"
                f"    {kernel}(shape, &kind, input, output, words, scratch);"
            ),
            constants=(
                Constant("words", "uint32_t", product.words),
                *(() if kind.scaled else self.scale_constants()),
            ),
            shape=shape,
        )


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
