"""ADD and SUB. Kernels: firmware/src/nn/add.h (portable), firmware/src/nn/m4/add.h."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_deploy.compiler import fixed_point, quantization
from edge_deploy.compiler.fixed_point import EVERY_FIRST, EVERY_SECOND, Words
from edge_deploy.compiler.ops import broadcast
from edge_deploy.compiler.ops.broadcast import Clamped
from edge_deploy.compiler.ops.layer import CORTEX_M4, Shape, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.quantization import INT8_MAX, INT8_MIN, Multiplier

# ED_ADD_FRACTION_BITS.
_FRACTION_BITS = 20
# Bits below the point in ed_m4_add_shape's arithmetic.
_SHIFT = 20
# The dimensions that the reference stretches: BroadcastBinaryFunction6DSlow, BroadcastSub5D.
_MOST_DIMENSIONS = {"ADD": 6, "SUB": 5}


@dataclass(frozen=True)
class Add(Clamped):
    """factors: of both operands; a difference has a negative second factor."""

    factors: tuple[Multiplier, Multiplier]
    output_factor: Multiplier

    def kernel(self, target: str) -> tuple[str, str, Shape]:
        """The header, the function in it, and its shape without `broadcast`."""
        quick = self._quick() if target == CORTEX_M4 else None
        if quick is not None:
            clamped = (self.lowest, self.highest) != (INT8_MIN, INT8_MAX)
            function = "ed_m4_add_clamped" if clamped else "ed_m4_add"
            return "nn/m4/add.h", function, Shape("ed_m4_add_shape", quick)
        fields = broadcast.operand_fields(self.zero_points, self.factors)
        fields |= {
            "output_multiplier": self.output_factor.multiplier,
            "output_shift": self.output_factor.shift,
            "output_zero_point": self.output_zero_point,
            "lowest": self.lowest,
            "highest": self.highest,
        }
        return "nn/add.h", "ed_add", Shape("ed_add_shape", fields)

    @property
    def extreme_at_ends(self) -> bool:
        """A sum is monotonic in both operands."""
        return True

    def outputs_of(self, first: Words, second: Words) -> Words:
        """The outputs of pairs of operands, int8 values, broadcast."""
        terms = [
            fixed_point.scaled((every - zero_point) << _FRACTION_BITS, factor)
            for every, zero_point, factor in zip(
                (first, second), self.zero_points, self.factors, strict=True
            )
        ]
        raw = fixed_point.scaled(terms[0] + terms[1], self.output_factor)
        return fixed_point.clamped(raw + self.output_zero_point, self.lowest, self.highest)

    def _quick(self) -> dict[str, int] | None:
        """The fields of ed_m4_add_shape; None where its arithmetic differs for some pair."""
        reals = [
            math.ldexp(f.multiplier, f.shift - 31)
            * math.ldexp(self.output_factor.multiplier, self.output_factor.shift - 31)
            * 2**_FRACTION_BITS
            for f in self.factors
        ]
        factors = [round(math.ldexp(real, _SHIFT + 8)) for real in reals]
        if any(abs(factor) >= 2**31 for factor in factors):
            return None
        sums = (factors[0] * EVERY_FIRST >> 8) + (factors[1] * EVERY_SECOND >> 8)
        rounding = fixed_point.rounding(
            sums, self.outputs_of_all(), _SHIFT, self.lowest, self.highest
        )
        if rounding is None:
            return None
        fields = {"factor[0]": factors[0], "factor[1]": factors[1], "round": rounding}
        return fields | broadcast.clamp_words(self.lowest, self.highest)


def read(site: Site) -> Add:
    """An ADD or SUB of the file, checked. Raises UnsupportedModel."""
    operands = broadcast.read(site, most_dimensions=_MOST_DIMENSIONS[site.operator.name])
    first, second = operands.tensors
    scaling = quantization.add_scaling(
        site.scale(first),
        site.scale(second),
        site.scale(operands.output),
        fraction_bits=_FRACTION_BITS,
    )
    if scaling is None:
        raise unsupported(site, "has an output scale that is 2^-19 of an input's, or less")
    factors = scaling.operands
    if site.operator.name == "SUB":
        factors = (factors[0], Multiplier(-factors[1].multiplier, factors[1].shift))
    lowest, highest = site.activation_range(operands.output)
    return Add(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=operands.inputs,
        outputs=(operands.output.index,),
        operands=operands,
        zero_points=(site.zero_point(first), site.zero_point(second)),
        factors=factors,
        output_factor=scaling.output,
        output_zero_point=site.zero_point(operands.output),
        lowest=lowest,
        highest=highest,
    )
