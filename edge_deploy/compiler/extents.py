"""What a person is told of a memory plan: each buffer with its name and kind, and the peak.

Turns a compiled model and its Graph into Extents, which the picture draws and `inspect` lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edge_deploy.compiler import Compiled
from edge_deploy.compiler.plan import Buffer
from edge_deploy.model.graph import Graph
from edge_deploy.model.names import safe_name

INPUT, BETWEEN, OUTPUT, SCRATCH, STATE = KINDS = ("input", "tensor", "output", "scratch", "state")


@dataclass(frozen=True)
class Extent:
    """A buffer of the arena. first, last: positions in `Compiled.layers`, as Buffer has them."""

    name: str
    kind: str
    offset: int
    bytes: int
    first: int
    last: int


def extents(compiled: Compiled, graph: Graph) -> tuple[Extent, ...]:
    """All buffers of a plan, named, in the order of their first layer and then of their offset."""
    found = [
        Extent(
            _name(buffer, compiled, graph),
            _kind(buffer, len(compiled.layers)),
            buffer.offset,
            buffer.bytes,
            buffer.first,
            buffer.last,
        )
        for buffer in compiled.plan.buffers
    ]
    return tuple(sorted(found, key=lambda e: (e.first, e.offset, e.last)))


def peak(found: Iterable[Extent], layers: int) -> tuple[int, int]:
    """The layer with the most bytes in use, the first of several, and how many those are.

    -1 where that is before the first layer, in a model without any.
    """
    all_of_them = tuple(found)
    used = {at: in_use(all_of_them, at) for at in (range(layers) if layers else (-1,))}
    most = max(used.values(), default=0)
    return next(at for at, size in used.items() if size == most), most


def in_use(found: Iterable[Extent], at: int) -> int:
    """Bytes in use at a layer: those that two buffers share count once."""
    end = total = 0
    alive = sorted((e.offset, e.offset + e.bytes) for e in found if e.first <= at <= e.last)
    for start, stop in alive:
        total += max(0, stop - max(start, end))
        end = max(end, stop)
    return total


def _kind(buffer: Buffer, layers: int) -> str:
    if buffer.kind != "tensor":
        return buffer.kind
    if buffer.first < 0:
        return INPUT
    return OUTPUT if buffer.last >= layers else BETWEEN


def _name(buffer: Buffer, compiled: Compiled, graph: Graph) -> str:
    if buffer.kind == SCRATCH:
        layer = compiled.layers[buffer.number]
        return f"scratch of {layer.index} {layer.operator}"
    return safe_name(graph.tensors[buffer.number].name)
