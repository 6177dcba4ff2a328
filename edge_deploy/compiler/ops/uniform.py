"""What is left of an operator whose output is always the same: each channel has one value.

passes/constants.py makes these; no operator of a file is read as one. Kernels:
firmware/src/nn/copy.h, firmware/src/nn/strided.h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops.layer import Code, Layer
from edge_deploy.compiler.ops.strided import Loop, Strided
from edge_deploy.model.graph import DType


@dataclass(frozen=True)
class Uniform(Layer):
    """values: (channels,) bytes, written `positions` times. dtype: INT8 or UINT8."""

    values: NDArray[np.uint8]
    positions: int
    dtype: DType

    @property
    def shapes(self) -> str:
        """What is written, for a person."""
        return f"constant -> {self.positions}x{self.values.size}"

    def code(self, target: str) -> Code:
        """The layer in C."""
        channels = self.values.size
        if (self.values == self.values[0]).all():
            value = int(self.values.view(np.int8)[0])
            return Code(
                include="nn/copy.h",
                stem="fill",
                parameters="void *output",
                body=f"    ed_fill({self.positions * channels}, {value}, output);",
            )
        return Strided(
            index=self.index,
            operator=self.operator,
            inputs=(),
            outputs=self.outputs,
            loops=(Loop(self.positions, 0, channels),),
            run=channels,
            read_at=0,
            write_at=0,
            source_bytes=channels,
            output_bytes=self.positions * channels,
            fill=None,
            shapes_text=self.shapes,
            values=self.values,
        ).code(target)
