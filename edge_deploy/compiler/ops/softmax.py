"""SOFTMAX over the last dimension. Kernel: firmware/src/nn/softmax.h, for every target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_deploy.compiler import fixed_point, quantization
from edge_deploy.compiler.ops.element import ELEMENTS, forward
from edge_deploy.compiler.ops.layer import Code, Constant, Overlap, Shape, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.rows import Rows
from edge_deploy.compiler.quantization import SoftmaxScaling
from edge_deploy.model.graph import DType, Tensor

# The sum of exponentials is Q12.19: this many ones fit.
_MAX_DEPTH = 4095
# From this many values on, exponentials are looked up: a table has at most 256 words, and a look
# costs a tenth of what it saves. Below, they are computed once and kept.
_MANY_VALUES = 512

_BYTES = (DType.INT8, DType.UINT8)
_OUTPUTS = {DType.INT8: (DType.INT8, DType.INT16), DType.UINT8: (DType.UINT8, DType.INT16)}


@dataclass(frozen=True)
class Softmax(Rows):
    """Of one 8-bit type, to the same or to int16."""

    scaling: SoftmaxScaling
    source_type: DType
    output_type: DType

    @property
    def _many(self) -> bool:
        return self.rows * self.depth >= _MANY_VALUES

    def scratch_bytes(self, target: str) -> int:
        """A word for each exponential of a row, where they are not looked up."""
        del target
        return 0 if self._many else 4 * self.depth

    def overlap(self, target: str, position: int) -> Overlap | None:
        """How the output may share the input's memory."""
        del target, position
        return forward(self.source_type, self.output_type, self.rows * self.depth)

    def code(self, target: str) -> Code:
        """The layer in C."""
        del target
        types = f"{ELEMENTS[self.source_type]}, {ELEMENTS[self.output_type]}"
        many = self._many
        last, given = (
            ("const int32_t *terms", "terms, 0") if many else ("uint32_t *kept", "0, kept")
        )
        return Code(
            include="nn/softmax.h",
            stem="softmax",
            parameters=f"const ed_softmax_shape *shape, const void *input, void *output, {last}",
            body=f"    ed_softmax(shape, {types}, input, output, {given});",
            constants=(Constant("terms", "int32_t", self.terms()),) if many else (),
            shape=Shape("ed_softmax_shape", fields(self.rows, self.depth, self.scaling)),
        )

    def terms(self) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        """Exponentials of differences 0, -1, ... that count, Q0.31."""
        least = max(self.scaling.lowest_difference, -255)
        scaled = fixed_point.high(
            fixed_point.wrapped(np.arange(0, least - 1, -1) << self.scaling.left_shift),
            self.scaling.multiplier,
        )
        return fixed_point.exp_of_negative(scaled).astype(np.int32)


def fields(rows: int, depth: int, scaling: SoftmaxScaling) -> dict[str, int]:
    """What ed_softmax_shape and ed_log_softmax_shape begin with."""
    return {
        "rows": rows,
        "depth": depth,
        "scale.multiplier": scaling.multiplier,
        "scale.left_shift": scaling.left_shift,
        "scale.lowest_difference": scaling.lowest_difference,
    }


def depth_of(site: Site, source: Tensor, output: Tensor) -> int:
    """The last dimension of two tensors of one shape, checked. Raises UnsupportedModel."""
    if not source.shape or source.shape != output.shape:
        raise unsupported(site, f"has shapes {source.shape} and {output.shape}")
    depth = source.shape[-1]
    if depth > _MAX_DEPTH:
        raise unsupported(site, f"is over {depth} values; {_MAX_DEPTH} is the most")
    return depth


def read(site: Site) -> Softmax:
    """A SOFTMAX of the file, checked. Raises UnsupportedModel."""
    source = site.activation(site.tensor(0), "an input", _BYTES)
    output = site.activation(site.output, "an output", _OUTPUTS[source.dtype])
    depth = depth_of(site, source, output)
    # The reference allows the scale to be off by this much, but does not use it.
    near = abs(site.scale(output) - 1 / 256) <= 0.001 / 256
    if output.dtype is DType.INT8 and not (near and site.zero_point(output) == -128):
        raise unsupported(site, "has an output of other scale than 1/256 or zero point than -128")
    scaling = quantization.softmax_scaling(float(site.option("beta")), site.scale(source))
    if scaling is None:
        raise unsupported(site, "has a product of beta and input scale below 2^-26")
    return Softmax(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index,),
        outputs=(output.index,),
        rows=source.elements // depth,
        depth=depth,
        scaling=scaling,
        source_type=source.dtype,
        output_type=output.dtype,
    )
