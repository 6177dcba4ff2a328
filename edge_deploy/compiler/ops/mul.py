"""MUL. Kernels: firmware/src/nn/mul.h (portable), firmware/src/nn/m4/mul.h."""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.compiler import fixed_point, quantization
from edge_deploy.compiler.fixed_point import Words
from edge_deploy.compiler.ops import broadcast
from edge_deploy.compiler.ops.broadcast import Clamped
from edge_deploy.compiler.ops.layer import CORTEX_M4, Shape, Site
from edge_deploy.compiler.quantization import INT8_MAX, INT8_MIN, Multiplier

# The dimensions that the reference stretches: BroadcastMul4DSlow.
_MOST_DIMENSIONS = 4


@dataclass(frozen=True)
class Mul(Clamped):
    """factor: from the product of both operands to the output."""

    factor: Multiplier

    def kernel(self, target: str) -> tuple[str, str, Shape]:
        """The header, the function in it, and its shape without `broadcast`."""
        quick = self._quick() if target == CORTEX_M4 else None
        if quick is not None:
            clamped = (self.lowest, self.highest) != (INT8_MIN, INT8_MAX)
            function = "ed_m4_mul_clamped" if clamped else "ed_m4_mul"
            if self.lowest >= self.output_zero_point:
                function = "ed_m4_mul_rectified"
            return "nn/m4/mul.h", function, Shape("ed_m4_mul_shape", quick)
        fields = {
            "zero_point[0]": self.zero_points[0],
            "zero_point[1]": self.zero_points[1],
            "multiplier": self.factor.multiplier,
            "shift": self.factor.shift,
            "output_zero_point": self.output_zero_point,
            "lowest": self.lowest,
            "highest": self.highest,
        }
        return "nn/mul.h", "ed_mul", Shape("ed_mul_shape", fields)

    @property
    def extreme_at_ends(self) -> bool:
        """A product is monotonic in each operand; 16 bits and so many more do not overflow."""
        return self.factor.shift < 16

    def outputs_of(self, first: Words, second: Words) -> Words:
        """The outputs of pairs of operands, int8 values, broadcast."""
        products = (first - self.zero_points[0]) * (second - self.zero_points[1])
        raw = fixed_point.scaled(products, self.factor)
        return fixed_point.clamped(raw + self.output_zero_point, self.lowest, self.highest)

    def _quick(self) -> dict[str, int] | None:
        """The fields of ed_m4_mul_shape; None for factors that it does not take."""
        if not -22 <= self.factor.shift <= -1:
            return None
        before = -1 - self.factor.shift
        return {
            "offset[0]": broadcast.as_pair(-self.zero_points[0]),
            "offset[1]": broadcast.as_pair(-self.zero_points[1]),
            "scale.multiplier": self.factor.multiplier,
            "scale.shift": before,
            "scale.round": (2 * self.output_zero_point + 1) << before,
            **broadcast.clamp_words(self.lowest, self.highest),
        }


def read(site: Site) -> Mul:
    """A MUL of the file, checked. Raises UnsupportedModel."""
    operands = broadcast.read(site, most_dimensions=_MOST_DIMENSIONS)
    first, second = operands.tensors
    lowest, highest = site.activation_range(operands.output)
    factor = quantization.product_factor(
        site.scale(first), site.scale(second), site.scale(operands.output)
    )
    return Mul(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=operands.inputs,
        outputs=(operands.output.index,),
        operands=operands,
        zero_points=(site.zero_point(first), site.zero_point(second)),
        factor=factor,
        output_zero_point=site.zero_point(operands.output),
        lowest=lowest,
        highest=highest,
    )
