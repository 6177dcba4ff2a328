"""MINIMUM and MAXIMUM. Kernels: firmware/src/nn/min_max.h (portable), firmware/src/nn/m4/min_max.h.

The reference compares the stored values, whatever their scales are; so does this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_deploy.compiler.fixed_point import EVERY_FIRST, EVERY_SECOND, Words
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

    def outputs_of_all(self) -> Words:
        """(256, 256): the output of every first and second operand, from -128 up."""
        choose = np.minimum if self.operator == "MINIMUM" else np.maximum
        chosen: Words = choose(EVERY_FIRST, EVERY_SECOND)
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
