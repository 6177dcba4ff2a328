"""Where every activation, state and scratch buffer lies in the arena, decided before run time.

Turns a program into buffers with lifetimes (in layers), lets outputs lie over inputs as their
layers allow, and packs the buffers: first fit in the usual greedy orders, then in improved
ones; the best is kept, so the result is never worse than greedy. Exact and deterministic.
Knows nothing about what layers compute.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from edge_deploy.compiler.ops.layer import Layer, Overlap
from edge_deploy.compiler.passes import Program

# Kernels read activations by words.
ALIGNMENT = 4
# Placements of one buffer that the search may try beyond the greedy orders: well under a second
# a model, in which it sees 400 orders of 30 buffers.
_PLACEMENTS = 12_000
_MOST_ORDERS = 400


@dataclass(frozen=True)
class Buffer:
    """Bytes of the arena that hold something from layer `first` to layer `last`, both included.

    name: `tensor <index>`, `state <index>` or `scratch <layer>`. first is -1 for what is there
    before the first layer, last is the number of layers for what must be there after the last.
    """

    name: str
    offset: int
    bytes: int
    first: int
    last: int

    @property
    def kind(self) -> str:
        """`tensor`, `state` or `scratch`."""
        return self.name.partition(" ")[0]

    @property
    def number(self) -> int:
        """Which tensor or layer it is of."""
        return int(self.name.partition(" ")[2])


@dataclass(frozen=True)
class Plan:
    """All buffers, and how many bytes they span: the arena."""

    buffers: tuple[Buffer, ...]
    arena_bytes: int
    tensor_offsets: dict[int, int]
    scratch_offsets: dict[int, int]
    inputs_preserved: bool


# Overlaps that layers allow, by (buffer of the input, buffer of the output).
Chances = Mapping[tuple[int, int], Overlap]


@dataclass
class _Wanted:
    """The buffers of a program, at offset 0; which of them is a tensor's or layer's scratch.

    views: how far in its buffer a tensor begins.
    """

    buffers: list[Buffer]
    tensors: dict[int, int]
    views: dict[int, int]
    scratches: dict[int, int]


def choose(programs: Iterable[Program], target: str) -> tuple[Program, Plan]:
    """The program that needs the least arena, the first of equals, and its plan."""
    plans = [(program, plan(program, target)) for program in programs]
    return min(plans, key=lambda pair: pair[1].arena_bytes)


def plan(program: Program, target: str) -> Plan:
    """The least arena found for a program. Tensors are those of `Program`."""
    wanted = _lifetimes(program, target)
    inputs = {wanted.tensors[tensor] for tensor in program.inputs}
    chances = _chances(program, target, wanted)
    # Inputs that nothing may write over, tried second: kept where the arena is no larger.
    kept = [
        replace(b, last=len(program.layers)) if i in inputs else b
        for i, b in enumerate(wanted.buffers)
    ]
    apart = {pair: overlap for pair, overlap in chances.items() if pair[0] not in inputs}
    best: list[int] = []
    best_key: tuple[int, int] | None = None
    for buffers, allowed in ((wanted.buffers, chances), (kept, apart)):
        offsets = place(buffers, allowed)
        span = max(
            (o + _aligned(b.bytes) for o, b in zip(offsets, buffers, strict=True)), default=0
        )
        preserved = _preserved(inputs, wanted.buffers, offsets)
        key = (span, 0 if preserved else 1)
        if best_key is None or key < best_key:
            best, best_key = offsets, key
    assert best_key is not None
    return Plan(
        buffers=tuple(
            replace(b, offset=offset) for b, offset in zip(wanted.buffers, best, strict=True)
        ),
        arena_bytes=best_key[0],
        tensor_offsets={
            tensor: best[i] + wanted.views[tensor] for tensor, i in wanted.tensors.items()
        },
        scratch_offsets={layer: best[i] for layer, i in wanted.scratches.items()},
        inputs_preserved=best_key[1] == 0,
    )


def _lifetimes(program: Program, target: str) -> _Wanted:
    end = len(program.layers)
    states = {state.tensor: state for state in program.states}
    first: dict[int, int] = dict.fromkeys(program.inputs, -1)
    first.update(dict.fromkeys(states, -1))
    last: dict[int, int] = dict(first)
    for i, layer in enumerate(program.layers):
        for tensor in layer.inputs:
            first.setdefault(tensor, i)  # a whole that is written in pieces, or a piece of one
            last[tensor] = i
        for tensor in layer.outputs:
            first.setdefault(tensor, i)
            last[tensor] = i
    for tensor in (*program.outputs, *states):
        first.setdefault(tensor, end)
        last[tensor] = end
    found = _Wanted([], {}, {}, {})
    buffer_of: dict[int, int] = {}
    for tensor, begin in first.items():
        whole, found.views[tensor] = program.place_of(tensor)
        if whole not in buffer_of:
            state = states.get(whole)
            kind = "tensor" if state is None else "state"
            size = program.bytes_of(whole) if state is None else state.bytes
            buffer_of[whole] = len(found.buffers)
            found.buffers.append(Buffer(f"{kind} {whole}", 0, size, begin, last[tensor]))
        at = found.tensors[tensor] = buffer_of[whole]
        known = found.buffers[at]
        found.buffers[at] = replace(
            known, first=min(known.first, begin), last=max(known.last, last[tensor])
        )
    for i, layer in enumerate(program.layers):
        size = layer.scratch_bytes(target)
        if size:
            found.scratches[i] = len(found.buffers)
            found.buffers.append(Buffer(f"scratch {i}", 0, size, i, i))
    return found


def _chances(program: Program, target: str, wanted: _Wanted) -> dict[tuple[int, int], Overlap]:
    """What layers allow their first output to lie over: inputs that end with the layer."""
    chances: dict[tuple[int, int], Overlap] = {}
    for i, layer in enumerate(program.layers):
        output = wanted.tensors[layer.outputs[0]]
        if wanted.buffers[output].first != i:
            continue  # a state
        for source in dict.fromkeys(wanted.tensors[tensor] for tensor in layer.inputs):
            overlap = _overlap(layer, target, wanted, source)
            if overlap is not None and wanted.buffers[source].last == i:
                chances[source, output] = overlap
    return chances


def _overlap(layer: Layer, target: str, wanted: _Wanted, source: int) -> Overlap | None:
    """What a layer allows for a buffer, at all the positions where it reads something of it."""
    least, most = -(2**62), 2**62
    for position, tensor in enumerate(layer.inputs):
        if wanted.tensors[tensor] == source:
            allowed = layer.overlap(target, position)
            if allowed is None:
                return None
            # From the tensors' addresses to those of their buffers.
            shift = wanted.views[layer.outputs[0]] - wanted.views[tensor]
            least = max(least, allowed.least + shift)
            most = min(most, 2**62 if allowed.most is None else allowed.most + shift)
    return Overlap(least, most) if least <= most else None


def place(wanted: Sequence[Buffer], chances: Chances) -> list[int]:
    """An offset for each buffer, the lowest 0.

    What is alive at once does not overlap, but for the pairs of `chances`, within their bounds.
    """
    return _Search(wanted, chances).run()


class _Search:
    """First fit in many orders."""

    def __init__(self, wanted: Sequence[Buffer], chances: Chances) -> None:
        self._wanted = wanted
        self._chances = chances
        self._sizes = [_aligned(b.bytes) for b in wanted]
        # For each buffer those that are alive at some time when it is.
        self._beside = [
            [j for j, b in enumerate(wanted) if j != i and b.first <= a.last and a.first <= b.last]
            for i, a in enumerate(wanted)
        ]

    def run(self) -> list[int]:
        """The best offsets found, never worse than greedy without any overlap."""
        wanted, count = self._wanted, len(self._wanted)
        by_size = sorted(range(count), key=lambda i: (-wanted[i].bytes, wanted[i].first, i))
        greedy = [
            by_size,
            sorted(range(count), key=lambda i: (wanted[i].first - wanted[i].last, i)),
            sorted(range(count), key=lambda i: (wanted[i].first, -wanted[i].bytes, i)),
        ]
        tries: list[tuple[list[int], Chances]] = [
            *((order, self._chances) for order in greedy),
            *((order, {}) for order in greedy),
        ]
        bound = self._least()
        best_span, best_order, best_allowed, best = -1, by_size, self._chances, [0] * count
        for order, allowed in tries:
            span, offsets = self._first_fit(order, allowed)
            if best_span < 0 or span < best_span:
                best_span, best_order, best_allowed, best = span, order, allowed, offsets
        chance = random.Random(0)  # noqa: S311 (the same plan every time)
        orders = min(_MOST_ORDERS, _PLACEMENTS // max(1, count)) if count > 2 else 0
        for _ in range(orders):
            if best_span <= bound:
                break
            order = list(best_order)
            moved = order.pop(chance.randrange(count))
            order.insert(chance.randrange(count), moved)
            allowed = self._chances if chance.random() < 0.75 else best_allowed
            span, offsets = self._first_fit(order, allowed)
            if span <= best_span:
                best_span, best_order, best_allowed, best = span, order, allowed, offsets
        lowest = min(best, default=0)
        return [offset - lowest for offset in best]

    def _least(self) -> int:
        """A bound that no placement can beat.

        The most bytes alive at once, less what outputs can at best have in common with inputs.
        """
        saved = [0] * len(self._wanted)
        for (source, output), overlap in self._chances.items():
            room = self._sizes[output] - max(0, overlap.least)
            saved[output] += max(0, min(self._sizes[source], room))
        changes: Counter[int] = Counter()  # of the bytes alive
        new: Counter[int] = Counter()  # bytes in common with inputs, of what begins then
        for size, common, b in zip(self._sizes, saved, self._wanted, strict=True):
            changes[b.first] += size
            changes[b.last + 1] -= size
            new[b.first] += min(size, common)
        least = alive = 0
        for time in sorted(changes):
            alive += changes[time]
            least = max(least, alive - new[time])
        return least

    def _first_fit(self, order: Sequence[int], allowed: Chances) -> tuple[int, list[int]]:
        """Each buffer, in order, where the span grows least, and there lowest.

        Offsets may be negative: an output that must begin before its input, which is placed
        already, is put there. Returns span and offsets.
        """
        offsets = [0] * len(self._wanted)
        done = [False] * len(self._wanted)
        low = high = 0
        for i in order:
            size = self._sizes[i]
            beside = [j for j in self._beside[i] if done[j]]
            candidates = set(self._candidates(i, beside, offsets, allowed, low))
            ranked = sorted((max(high, at + size) - min(low, at), at) for at in candidates)
            taken = [(offsets[j], offsets[j] + self._sizes[j], j) for j in beside]
            at = next(at for _, at in ranked if self._fits(i, at, taken, allowed))
            offsets[i] = at
            done[i] = True
            low, high = min(low, at), max(high, at + size)
        return high - low, offsets

    def _candidates(
        self, i: int, beside: Iterable[int], offsets: Sequence[int], allowed: Chances, low: int
    ) -> Iterable[int]:
        """Offsets at which buffer i touches another, or reaches the bound of an overlap."""
        yield low
        for j in beside:
            yield offsets[j] + self._sizes[j]
            yield offsets[j] - self._sizes[i]
            if (over := allowed.get((j, i))) is not None:  # i is written over j
                yield (offsets[j] - over.least) // ALIGNMENT * ALIGNMENT
                if over.most is not None:
                    yield _aligned(offsets[j] - over.most)
            if (under := allowed.get((i, j))) is not None:  # j is written over i
                yield _aligned(offsets[j] + under.least)
                if under.most is not None:
                    yield (offsets[j] + under.most) // ALIGNMENT * ALIGNMENT

    def _fits(
        self, i: int, at: int, taken: Iterable[tuple[int, int, int]], allowed: Chances
    ) -> bool:
        """Whether buffer i at `at` gets along with what is placed: begin, end and buffer each."""
        end = at + self._sizes[i]
        for other, other_end, j in taken:
            if at < other_end and other < end and not self._may_overlap(i, at, j, other, allowed):
                return False
        return True

    def _may_overlap(self, i: int, at: int, j: int, other: int, allowed: Chances) -> bool:
        """Whether buffers i at `at` and j at `other` may have bytes in common."""
        if (over := allowed.get((j, i))) is not None:
            return over.least <= other - at and (over.most is None or other - at <= over.most)
        if (under := allowed.get((i, j))) is not None:
            return under.least <= at - other and (under.most is None or at - other <= under.most)
        return False


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _preserved(inputs: set[int], wanted: Sequence[Buffer], offsets: Sequence[int]) -> bool:
    """True where nothing is ever written over an input."""
    spans = [(offset, offset + b.bytes) for offset, b in zip(offsets, wanted, strict=True)]
    return not any(
        spans[i][0] < spans[j][1] and spans[j][0] < spans[i][1]
        for i in inputs
        for j in range(len(wanted))
        if j not in inputs
    )
