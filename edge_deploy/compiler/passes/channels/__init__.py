"""Channels that are constant or that nobody reads are taken out of a program.

A channel is an index of a tensor's last dimension. It is needed if the model's inputs, outputs
or states have it, if a layer without a rule reads or writes it, if a needed channel cannot be
computed without it, or if it is tied to a needed one (both sides of a depthwise convolution, all
parties of a sum). All others go at once: constants into the biases of what reads them, the
rest without a trace. Which layers can do that is said by `RULES`; what is known of the values,
by ranges that are carried from layer to layer (`values.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

import numpy as np

from edge_deploy.compiler.ops.add import Add
from edge_deploy.compiler.ops.conv import Conv
from edge_deploy.compiler.ops.depthwise import Depthwise
from edge_deploy.compiler.ops.fully_connected import FullyConnected
from edge_deploy.compiler.ops.layer import Layer
from edge_deploy.compiler.ops.lookup import Lookup
from edge_deploy.compiler.ops.min_max import MinMax
from edge_deploy.compiler.ops.mul import Mul
from edge_deploy.compiler.ops.pool import Pool
from edge_deploy.compiler.ops.prelu import Prelu
from edge_deploy.compiler.ops.reduce import Reduce
from edge_deploy.compiler.ops.squared_difference import SquaredDifference
from edge_deploy.compiler.ops.strided import Strided
from edge_deploy.compiler.ops.transpose_conv import TransposeConv
from edge_deploy.compiler.ops.uniform import Uniform
from edge_deploy.compiler.passes.channels.elementwise import ElementwiseRule
from edge_deploy.compiler.passes.channels.joined import StridedRule
from edge_deploy.compiler.passes.channels.preserving import (
    LookupRule,
    PoolRule,
    ReduceRule,
    UniformRule,
)
from edge_deploy.compiler.passes.channels.rule import Link, Mask, Need, Rule
from edge_deploy.compiler.passes.channels.values import Values, unknown
from edge_deploy.compiler.passes.channels.weighted import (
    ConvRule,
    DepthwiseRule,
    FullyConnectedRule,
    TransposeConvRule,
)
from edge_deploy.compiler.passes.program import Program

__all__ = ["countable", "ranges", "remove_channels"]

# Of all tensors together. No board holds a network of so many; a damaged file that says so must
# not cost the time and memory of their ranges.
_MOST_CHANNELS = 1 << 18

# To let channels be removed around another kind of layer, give it a rule.
RULES: Mapping[type[Layer], Rule[Any]] = {
    Add: ElementwiseRule(),
    Conv: ConvRule(),
    Depthwise: DepthwiseRule(),
    FullyConnected: FullyConnectedRule(),
    Lookup: LookupRule(),
    MinMax: ElementwiseRule(),
    Mul: ElementwiseRule(),
    Pool: PoolRule(),
    Prelu: ElementwiseRule(),
    Reduce: ReduceRule(),
    SquaredDifference: ElementwiseRule(),
    Strided: StridedRule(),
    TransposeConv: TransposeConvRule(),
    Uniform: UniformRule(),
}


def countable(program: Program) -> bool:
    """Whether the program has so few channels that it is worth looking at each."""
    tensors = program.graph.tensors
    shapes = [tensors[t].shape for layer in program.layers for t in (*layer.inputs, *layer.outputs)]
    return sum(shape[-1] for shape in shapes if shape) <= _MOST_CHANNELS


def ranges(program: Program) -> dict[int, Values]:
    """What is known of every tensor that the layers read or write, by its index."""
    return _known(program)[0]


def _known(program: Program) -> tuple[dict[int, Values], set[int]]:
    """What is known of every tensor; and those whose channels are not what a rule says.

    A tensor may be written part by part, by layers that follow each other.
    """
    tensors = program.graph.tensors
    given = {*program.inputs, *(state.tensor for state in program.states)}
    known = {tensor: unknown(tensors[tensor]) for tensor in given}
    others: set[int] = set(given)
    for layer in program.layers:
        rule = RULES.get(type(layer))
        found = rule.ranges(layer, [known[x] for x in layer.inputs]) if rule else None
        for position, tensor in enumerate(layer.outputs):
            mine = unknown(tensors[tensor]) if found is None else found[position]
            before = known.get(tensor)
            if before is None:
                known[tensor] = mine
            elif before.channels == mine.channels and tensor not in others:
                known[tensor] = before.joined(mine)
            else:
                known[tensor] = unknown(tensors[tensor])
                others.add(tensor)
    return known, others


def remove_channels(program: Program) -> Program:
    """Take out every channel that is not needed, and layers of which nothing is left."""
    if not countable(program):
        return program
    known, others = _known(program)
    needed = _needed(program, known, others)
    sizes = dict(program.sizes)
    for tensor, mask in needed.items():
        if not mask.all():
            sizes[tensor] = program.bytes_of(tensor) // mask.size * int(mask.sum())
    layers: list[Layer] = []
    for layer in program.layers:
        left: Layer | None = layer
        read = [needed[tensor] for tensor in layer.inputs]
        written = [needed[tensor] for tensor in layer.outputs]
        if written and not any(mask.any() for mask in written):
            continue
        if not all(mask.all() for mask in (*read, *written)):
            inputs = [known[tensor] for tensor in layer.inputs]
            left = RULES[type(layer)].keep(layer, inputs, read, written)
        if left is not None:
            layers.append(left)
    return replace(program, layers=tuple(layers), sizes=sizes)


def _needed(
    program: Program, known: Mapping[int, Values], others: AbstractSet[int]
) -> dict[int, Mask]:
    """The channels that must stay, at least one of every tensor that a layer computes with.

    others: tensors that are not to be touched.
    """
    needed = {tensor: np.zeros(values.channels, np.bool_) for tensor, values in known.items()}
    for tensor in (*program.inputs, *program.outputs, *(s.tensor for s in program.states)):
        needed[tensor][:] = True
    linked: list[tuple[Layer, tuple[Link, ...]]] = []
    for layer in program.layers:
        rule = RULES.get(type(layer))
        links = rule.links(layer, [known[x] for x in layer.inputs]) if rule else None
        if links is None or not others.isdisjoint(layer.outputs):
            for tensor in (*layer.inputs, *layer.outputs):
                needed[tensor][:] = True
        else:
            linked.append((layer, links))
    spread = _Spread(linked, needed)
    spread.from_all(tensor for tensor, mask in needed.items() if mask.any())
    for layer, links in reversed(linked):
        for link in links:
            read, written = layer.inputs[link.input], layer.outputs[link.output]
            if isinstance(link, Need) and needed[written].any() and not needed[read].any():
                needed[read][0] = True
                spread.from_all([read])
    return needed


class _Spread:
    """Marks what marked channels need. linked: layers with what their rules say of them."""

    def __init__(
        self, linked: Iterable[tuple[Layer, tuple[Link, ...]]], needed: Mapping[int, Mask]
    ) -> None:
        self._needed = needed
        # By tensor: links that it takes part in, each with the tensors that it reads and writes.
        self._links: dict[int, list[tuple[Link, int, int]]] = {tensor: [] for tensor in needed}
        for layer, links in linked:
            for link in links:
                read, written = layer.inputs[link.input], layer.outputs[link.output]
                for tensor in {read, written}:
                    self._links[tensor].append((link, read, written))

    def from_all(self, tensors: Iterable[int]) -> None:
        """Mark all that marked channels of these tensors need, until nothing more is marked."""
        waiting = dict.fromkeys(tensors)  # a set that keeps its order
        while waiting:
            changed, _ = waiting.popitem()
            for link, *ends in self._links[changed]:
                masks = [self._needed[tensor] for tensor in ends]
                before = [mask.sum() for mask in masks]
                link.spread(*masks)
                for tensor, mask, count in zip(ends, masks, before, strict=True):
                    if mask.sum() != count:
                        waiting[tensor] = None
