"""Layers that see each row of values, the last dimension, by itself."""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.compiler.ops.layer import Layer, Overlap


@dataclass(frozen=True)
class Rows(Layer):
    """rows of depth values, as many and as long behind it as before."""

    rows: int
    depth: int

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        return f"{self.rows}x{self.depth} -> {self.rows}x{self.depth}"

    def overlap(self, target: str, position: int) -> Overlap | None:
        """How the output may share the input's memory: rows are read before they are written."""
        del target, position
        return Overlap(0)
