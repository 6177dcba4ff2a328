"""MINIMUM and MAXIMUM. Kernels: firmware/src/nn/min_max.h (portable), firmware/src/nn/m4/min_max.h.

The reference compares the stored values, whatever their scales are; so does this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_deploy.compiler.fixed_point import Words
from edge_deploy.compiler.ops import broadcast
from edge_deploy.compiler.ops.broadcast import Elementwise
from edge_deploy.compiler.ops.layer import CORTEX_M4, Shape, Site

# The dimensions that the reference stretches: MaximumMinimumBroadcastSlow.
_MOST_DIMENSIONS = 5


@dataclass(frozen=True)
class MinMax(Elementwise):
    """The lesser or the greater of two operands, as the operator's name says."""

    def kernel(self, target: str) -> tuple[str, str, Shape]:
        """The header, the function in it, and its shape without `broadcast`."""
        folder, prefix = ("nn/m4", "ed_m4") if target == CORTEX_M4 else ("nn", "ed")
        function = f"{prefix}_{self.operator.lower()}"
        return f"{folder}/min_max.h", function, Shape("ed_min_max_shape", {})

    @property
    def extreme_at_ends(self) -> bool:
        """Monotonic in both operands."""
        return True

    def outputs_of(self, first: Words, second: Words) -> Words:
        """The outputs of pairs of operands, int8 values, broadcast."""
        choose = np.minimum if self.operator == "MINIMUM" else np.maximum
        chosen: Words = choose(first, second)
        return chosen


def read(site: Site) -> MinMax:
    """A MINIMUM or MAXIMUM of the file, checked. Raises UnsupportedModel."""
    operands = broadcast.read(site, most_dimensions=_MOST_DIMENSIONS)
    return MinMax(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=operands.inputs,
        outputs=(operands.output.index,),
        operands=operands,
    )
