"""Where every activation and scratch buffer lies in the arena, decided before run time.

Turns a program into buffers with lifetimes (in layers), lets layers that can write over their
input do so, and packs the buffers by first fit in several orders, the usual greedy ones first
and then improved ones; the best is kept, so the result is never worse than greedy. Exact and
deterministic. Knows nothing about what layers compute.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge_deploy.compiler.passes import Program

# Kernels read activations by words.
ALIGNMENT = 4
# Orders tried beyond the greedy ones; small enough for well under a second a model.
_TRIES = 400


@dataclass(frozen=True)
class Buffer:
    """Bytes of the arena that hold something from layer `first` to layer `last`, both included.

    name: `tensor <index>` or `scratch <layer>`. first is -1 for what is there before the first
    layer, last is the number of layers for what must be there after the last.
    """

    name: str
    offset: int
    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Plan:
    """All buffers, and how many bytes they span: the arena."""

    buffers: tuple[Buffer, ...]
    arena_bytes: int
    tensor_offsets: dict[int, int]
    scratch_offsets: dict[int, int]
    inputs_preserved: bool


@dataclass
class _Block:
    """Buffers that begin at the same offset: one, or a chain of layers working in place."""

    members: list[int]
    bytes: int
    first: int
    last: int


def plan(program: Program, target: str) -> Plan:
    """The least arena found for a program. Tensors are those of `Program`."""
    wanted, tensors, scratches = _lifetimes(program, target)
    chances = _in_place(program, target, wanted, tensors)
    best: list[int] | None = None
    best_key: tuple[int, int] | None = None
    for chosen in _subsets(chances):
        offsets = place(wanted, chosen)
        span = max((o + b.bytes for o, b in zip(offsets, wanted, strict=True)), default=0)
        preserved = _preserved(program, tensors, wanted, offsets)
        key = (-(-span // ALIGNMENT) * ALIGNMENT, 0 if preserved else 1)
        if best_key is None or key < best_key:
            best, best_key = offsets, key
    assert best is not None
    assert best_key is not None
    buffers = tuple(
        Buffer(b.name, offset, b.bytes, b.first, b.last)
        for b, offset in zip(wanted, best, strict=True)
    )
    return Plan(
        buffers=buffers,
        arena_bytes=best_key[0],
        tensor_offsets={tensor: best[i] for tensor, i in tensors.items()},
        scratch_offsets={layer: best[i] for layer, i in scratches.items()},
        inputs_preserved=best_key[1] == 0,
    )


def _lifetimes(
    program: Program, target: str
) -> tuple[list[Buffer], dict[int, int], dict[int, int]]:
    """All buffers at offset 0; which of them is a tensor's, and which a layer's scratch."""
    end = len(program.layers)
    first: dict[int, int] = dict.fromkeys(program.inputs, -1)
    last: dict[int, int] = dict(first)
    for i, layer in enumerate(program.layers):
        last[layer.input] = i
        first.setdefault(layer.output, i)
        last[layer.output] = i
    for tensor in program.outputs:
        last[tensor] = end
    wanted: list[Buffer] = []
    tensors: dict[int, int] = {}
    scratches: dict[int, int] = {}
    for tensor, begin in first.items():
        tensors[tensor] = len(wanted)
        size = program.graph.tensors[tensor].bytes
        wanted.append(Buffer(f"tensor {tensor}", 0, size, begin, last[tensor]))
    for i, layer in enumerate(program.layers):
        size = layer.scratch_bytes(target)
        if size:
            scratches[i] = len(wanted)
            wanted.append(Buffer(f"scratch {i}", 0, size, i, i))
    return wanted, tensors, scratches


def _in_place(
    program: Program, target: str, wanted: Sequence[Buffer], tensors: dict[int, int]
) -> list[tuple[int, int]]:
    """Pairs of buffers (input, output) that a layer allows at one offset."""
    return [
        (tensors[layer.input], tensors[layer.output])
        for i, layer in enumerate(program.layers)
        if layer.in_place(target) and wanted[tensors[layer.input]].last == i
    ]


def _subsets(chances: list[tuple[int, int]]) -> Iterable[list[tuple[int, int]]]:
    """Which layers work in place: all, none, all but one."""
    yield chances
    if chances:
        yield []
    if 1 < len(chances) <= 64:
        for left_out in range(len(chances)):
            yield chances[:left_out] + chances[left_out + 1 :]


def place(wanted: Sequence[Buffer], chosen: list[tuple[int, int]]) -> list[int]:
    """An offset for each buffer, those of `chosen` pairs at one."""
    block_of = {i: _Block([i], b.bytes, b.first, b.last) for i, b in enumerate(wanted)}
    for source, result in chosen:
        block, other = block_of[source], block_of[result]
        block.members += other.members
        block.bytes = max(block.bytes, other.bytes)
        block.first = min(block.first, other.first)
        block.last = max(block.last, other.last)
        for member in other.members:
            block_of[member] = block
    blocks = [block for i, block in block_of.items() if block.members[0] == i]
    placed = _search(blocks)
    offsets = [0] * len(wanted)
    for block, offset in zip(blocks, placed, strict=True):
        for member in block.members:
            offsets[member] = offset
    return offsets


def _search(blocks: Sequence[_Block]) -> list[int]:
    """The best offsets found: first fit in the greedy orders, then in changed ones."""
    count = len(blocks)
    bound = _least(blocks)
    greedy = [
        sorted(range(count), key=lambda i: (-blocks[i].bytes, blocks[i].first, i)),
        sorted(range(count), key=lambda i: (blocks[i].first - blocks[i].last, i)),
        sorted(range(count), key=lambda i: (blocks[i].first, -blocks[i].bytes, i)),
    ]
    best_span = -1
    best_order: list[int] = []
    best: list[int] = []
    for order in greedy:
        span, offsets = _first_fit(blocks, order)
        if best_span < 0 or span < best_span:
            best_span, best_order, best = span, order, offsets
    chance = random.Random(0)  # noqa: S311 (the same plan every time)
    for _ in range(_TRIES if count > 2 else 0):
        if best_span <= bound:
            break
        order = list(best_order)
        moved = order.pop(chance.randrange(count))
        order.insert(chance.randrange(count), moved)
        span, offsets = _first_fit(blocks, order)
        if span <= best_span:
            best_span, best_order, best = span, order, offsets
    return best


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _least(blocks: Sequence[_Block]) -> int:
    """A bound that no placement can beat: the most bytes alive at once."""
    times = {block.first for block in blocks}
    return max(
        (sum(_aligned(b.bytes) for b in blocks if b.first <= t <= b.last) for t in times),
        default=0,
    )


def _first_fit(blocks: Sequence[_Block], order: Sequence[int]) -> tuple[int, list[int]]:
    """Each block, in order, at the lowest offset free during its life. Returns span, offsets."""
    offsets = [0] * len(blocks)
    placed: list[int] = []
    span = 0
    for i in order:
        block = blocks[i]
        taken = sorted(
            (offsets[j], offsets[j] + _aligned(blocks[j].bytes))
            for j in placed
            if blocks[j].first <= block.last and block.first <= blocks[j].last
        )
        offset = 0
        for start, stop in taken:
            if offset + block.bytes <= start:
                break
            offset = max(offset, stop)
        offsets[i] = offset
        placed.append(i)
        span = max(span, offset + _aligned(block.bytes))
    return span, offsets


def _preserved(
    program: Program,
    tensors: dict[int, int],
    wanted: Sequence[Buffer],
    offsets: Sequence[int],
) -> bool:
    """True where nothing is ever written over an input."""
    inputs = {tensors[tensor] for tensor in program.inputs}
    spans = [(offset, offset + b.bytes) for offset, b in zip(offsets, wanted, strict=True)]
    return not any(
        spans[i][0] < spans[j][1] and spans[j][0] < spans[i][1]
        for i in inputs
        for j in range(len(wanted))
        if j not in inputs
    )
