"""SQUARED_DIFFERENCE. Kernel: firmware/src/nn/squared_difference.h, for every target."""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.compiler import fixed_point, quantization
from edge_deploy.compiler.fixed_point import Words
from edge_deploy.compiler.ops import broadcast
from edge_deploy.compiler.ops.broadcast import Elementwise
from edge_deploy.compiler.ops.layer import Shape, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.quantization import INT8_MAX, INT8_MIN, CommonScaling

# ED_SQUARED_DIFFERENCE_FRACTION_BITS.
_FRACTION_BITS = 7
# The dimensions that the reference stretches: BroadcastBinaryFunction6DSlow.
_MOST_DIMENSIONS = 6


@dataclass(frozen=True)
class SquaredDifference(Elementwise):
    """zero_points: of both operands."""

    zero_points: tuple[int, int]
    scaling: CommonScaling
    output_zero_point: int

    def kernel(self, target: str) -> tuple[str, str, Shape]:
        """The header, the function in it, and its shape without `broadcast`."""
        del target
        fields = broadcast.operand_fields(self.zero_points, self.scaling.operands)
        fields |= {
            "output_multiplier": self.scaling.output.multiplier,
            "output_shift": self.scaling.output.shift,
            "output_zero_point": self.output_zero_point,
        }
        shape = Shape("ed_squared_difference_shape", fields)
        return "nn/squared_difference.h", "ed_squared_difference", shape

    def outputs_of(self, first: Words, second: Words) -> Words:
        """The outputs of pairs of operands, int8 values, broadcast."""
        one, other = (
            fixed_point.scaled((every - zero_point) << _FRACTION_BITS, factor)
            for every, zero_point, factor in zip(
                (first, second), self.zero_points, self.scaling.operands, strict=True
            )
        )
        squares = fixed_point.wrapped((one - other) ** 2)
        raw = fixed_point.scaled(squares, self.scaling.output)
        return fixed_point.clamped(raw + self.output_zero_point, INT8_MIN, INT8_MAX)


def read(site: Site) -> SquaredDifference:
    """A SQUARED_DIFFERENCE of the file, checked. Raises UnsupportedModel."""
    operands = broadcast.read(site, most_dimensions=_MOST_DIMENSIONS)
    first, second = operands.tensors
    scaling = quantization.squared_difference_scaling(
        site.scale(first),
        site.scale(second),
        site.scale(operands.output),
        fraction_bits=_FRACTION_BITS,
    )
    if scaling is None:
        raise unsupported(site, "has an output scale that is too small for its inputs'")
    return SquaredDifference(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=operands.inputs,
        outputs=(operands.output.index,),
        operands=operands,
        zero_points=(site.zero_point(first), site.zero_point(second)),
        scaling=scaling,
        output_zero_point=site.zero_point(operands.output),
    )
