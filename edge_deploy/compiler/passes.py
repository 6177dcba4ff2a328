"""Rewrites of a program, each exact, each alone: a Program in, a Program out.

A Program is what is left of the graph: layers in order, and which tensors' memory holds the
model's inputs and outputs. Knows nothing about targets, memory or C.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge_deploy.compiler.ops.layer import Layer, State
from edge_deploy.compiler.ops.reshape import Reshape
from edge_deploy.compiler.ops.weighted import Weighted
from edge_deploy.model.graph import Graph


@dataclass(frozen=True)
class Program:
    """Layers in order. inputs, outputs: for each of the graph's, the tensor whose memory it is.

    A tensor is named by its index in the graph.
    """

    graph: Graph
    layers: tuple[Layer, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers."""
        return sum(layer.macs for layer in self.layers)

    @property
    def states(self) -> tuple[State, ...]:
        """What lives from one inference to the next, in the order of its first use."""
        found = {state.tensor: state for layer in self.layers for state in layer.states}
        return tuple(found.values())


def run(program: Program) -> Program:
    """All passes, in order."""
    return fold_zero_points(remove_unread(remove_reshapes(program)))


def remove_reshapes(program: Program) -> Program:
    """Let what reads a RESHAPE read its source: the bytes are the same."""
    source_of: dict[int, int] = {}
    kept: list[Layer] = []
    for layer in program.layers:
        moved = replace(layer, inputs=tuple(source_of.get(x, x) for x in layer.inputs))
        if isinstance(moved, Reshape):
            source_of[moved.outputs[0]] = moved.inputs[0]
        else:
            kept.append(moved)
    outputs = tuple(source_of.get(tensor, tensor) for tensor in program.outputs)
    return replace(program, layers=tuple(kept), outputs=outputs)


def remove_unread(program: Program) -> Program:
    """Drop layers whose outputs nothing reads, now or in the next inference."""
    read = set(program.outputs) | {state.tensor for state in program.states}
    kept: list[Layer] = []
    for layer in reversed(program.layers):
        if read.intersection(layer.outputs):
            read.update(layer.inputs)
            kept.append(layer)
    return replace(program, layers=tuple(reversed(kept)))


def fold_zero_points(program: Program) -> Program:
    """Put each input's zero point into the bias, so that no kernel adds it.

    sum(w * (x - z)) + bias = sum(w * x) + (bias - z * sum(w)), modulo 2^32 too.
    """
    folded = [layer.fold() if isinstance(layer, Weighted) else layer for layer in program.layers]
    return replace(program, layers=tuple(folded))
