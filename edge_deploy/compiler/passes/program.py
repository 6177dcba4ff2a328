"""What passes rewrite: a Program is what is left of the graph.

Layers in order, which tensors' memory holds the model's inputs and outputs, and how many bytes
each tensor has by now. Knows nothing about targets, memory or C.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge_deploy.compiler.ops.layer import Layer, State
from edge_deploy.model.graph import Graph


@dataclass(frozen=True)
class View:
    """A tensor that is a piece of another one, `offset` bytes from its beginning."""

    whole: int
    offset: int


@dataclass(frozen=True)
class Program:
    """Layers in order. inputs, outputs: for each of the graph's, the tensor whose memory it is.

    A tensor is named by its index in the graph. sizes: bytes of the tensors that are no longer
    as large as in the graph. views: the tensors that have no memory of their own.
    """

    graph: Graph
    layers: tuple[Layer, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    sizes: Mapping[int, int] = field(default_factory=dict)
    views: Mapping[int, View] = field(default_factory=dict)

    def bytes_of(self, tensor: int) -> int:
        """Bytes of a tensor as the layers have it."""
        found = self.sizes.get(tensor)
        return self.graph.tensors[tensor].bytes if found is None else found

    def place_of(self, tensor: int) -> tuple[int, int]:
        """The tensor whose memory holds a tensor, and how many bytes from its beginning."""
        offset = 0
        while (view := self.views.get(tensor)) is not None:
            tensor, offset = view.whole, offset + view.offset
        return tensor, offset

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers."""
        return sum(layer.macs for layer in self.layers)

    @property
    def states(self) -> tuple[State, ...]:
        """What lives from one inference to the next, in the order of its first use."""
        found = {state.tensor: state for layer in self.layers for state in layer.states}
        return tuple(found.values())
