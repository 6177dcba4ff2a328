"""PRELU. Kernels: firmware/src/nn/prelu.h (portable), firmware/src/nn/m4/prelu.h."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_deploy.compiler import fixed_point, quantization
from edge_deploy.compiler.fixed_point import Words
from edge_deploy.compiler.ops import broadcast
from edge_deploy.compiler.ops.broadcast import Elementwise
from edge_deploy.compiler.ops.layer import CORTEX_M4, Shape, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.quantization import INT8_MAX, INT8_MIN, Multiplier

# How far ed_m4_prelu_side shifts: an input less its zero point has 9 bits, 22 leave room for the
# output's zero point.
_MOST_LEFT, _MOST_RIGHT = 20, 22
# The dimensions that the reference stretches: BroadcastPrelu4DSlow.
_MOST_DIMENSIONS = 4


@dataclass(frozen=True)
class Prelu(Elementwise):
    """zero_points: of input and alpha. factors: of inputs above zero, and of products below."""

    zero_points: tuple[int, int]
    factors: tuple[Multiplier, Multiplier]
    output_zero_point: int

    def kernel(self, target: str) -> tuple[str, str, Shape]:
        """The header, the function in it, and its shape without `broadcast`."""
        if target == CORTEX_M4 and self._quick:
            return "nn/m4/prelu.h", "ed_m4_prelu", Shape("ed_m4_prelu_shape", self._m4_fields())
        fields = broadcast.operand_fields(self.zero_points, self.factors)
        fields |= {"output_zero_point": self.output_zero_point}
        return "nn/prelu.h", "ed_prelu", Shape("ed_prelu_shape", fields)

    @property
    def _quick(self) -> bool:
        """True where ed_m4_prelu_side can express both factors."""
        above, below = (factor.shift for factor in self.factors)
        return -_MOST_RIGHT <= above <= _MOST_LEFT and -_MOST_RIGHT <= below <= -1

    def _m4_fields(self) -> dict[str, int]:
        """The fields of ed_m4_prelu_shape."""
        fields: dict[str, int] = {}
        for i, factor in enumerate(self.factors):
            right = max(-factor.shift, 0)
            half = 1 << right >> 1
            fields |= {
                f"offset[{i}]": broadcast.as_pair(-self.zero_points[i]),
                f"side[{i}].lift": 1 + max(factor.shift, 0),
                f"side[{i}].multiplier": factor.multiplier,
                f"side[{i}].round": (self.output_zero_point << right) + half,
                f"side[{i}].shift": right,
            }
        return fields

    def outputs_of(self, first: Words, second: Words) -> Words:
        """The outputs of pairs of operands, int8 values, broadcast."""
        value, alpha = first - self.zero_points[0], second - self.zero_points[1]
        above = fixed_point.scaled(value + 0 * alpha, self.factors[0])
        below = fixed_point.scaled(value * alpha, self.factors[1])
        raw = np.where(value < 0, below, above) + self.output_zero_point
        return fixed_point.clamped(raw, INT8_MIN, INT8_MAX)


def read(site: Site) -> Prelu:
    """A PRELU of the file, checked. Raises UnsupportedModel."""
    operands = broadcast.read(site, most_dimensions=_MOST_DIMENSIONS)
    source, alpha = operands.tensors
    if source.shape != operands.output.shape:
        raise unsupported(site, f"has alphas of shape {alpha.shape} for {source.shape}")
    scale = site.scale(operands.output)
    above = quantization.product_factor(site.scale(source), 1.0, scale)
    below = quantization.product_factor(site.scale(source), site.scale(alpha), scale)
    return Prelu(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=operands.inputs,
        outputs=(operands.output.index,),
        operands=operands,
        zero_points=(site.zero_point(source), site.zero_point(alpha)),
        factors=(above, below),
        output_zero_point=site.zero_point(operands.output),
    )
