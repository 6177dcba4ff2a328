"""The memory plan: nothing alive overlaps, never worse than greedy, in place where it may."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_deploy import compiler, model
from edge_deploy.compiler import plan
from edge_deploy.compiler.ops.layer import Overlap
from edge_deploy.compiler.plan import Buffer
from tests import model_builder as models


def _greedy(buffers: list[Buffer]) -> int:
    """First fit by size: what TensorFlow Lite Micro's planner does. Returns its span."""
    placed: list[tuple[int, Buffer]] = []
    for buffer in sorted(buffers, key=lambda b: -b.bytes):
        offset = 0
        for start, other in sorted(placed, key=lambda item: item[0]):
            together = other.first <= buffer.last and buffer.first <= other.last
            if together and start < offset + buffer.bytes:
                offset = max(offset, -(-(start + other.bytes) // 4) * 4)
        placed.append((offset, buffer))
    return max(-(-(offset + b.bytes) // 4) * 4 for offset, b in placed)


def _overlap(a: Buffer, b: Buffer) -> bool:
    in_time = a.first <= b.last and b.first <= a.last
    in_space = a.offset < b.offset + b.bytes and b.offset < a.offset + a.bytes
    return in_time and in_space


@pytest.mark.parametrize("target", compiler.TARGETS)
@pytest.mark.parametrize("make", [models.sine_like, models.tiny_conv, models.kws_like])
def test_what_is_alive_at_once_does_not_overlap(make, target):
    compiled = compiler.compile(model.read(make(0)), target=target)
    buffers = compiled.plan.buffers
    for i, a in enumerate(buffers):
        assert a.offset % plan.ALIGNMENT == 0
        assert a.offset + a.bytes <= compiled.arena_bytes
        for b in buffers[:i]:
            if _overlap(a, b):
                # Written over an input: one ends where the other begins. How far they may lie
                # apart is for the layer to say (below, and tests/nn, which run it).
                assert a.first == b.last or b.first == a.last


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 5000), st.integers(0, 12), st.integers(0, 5)),
        min_size=1,
        max_size=20,
    )
)
def test_never_worse_than_greedy(drawn):
    wanted = [
        Buffer(f"tensor {i}", 0, size, first, first + life)
        for i, (size, first, life) in enumerate(drawn)
    ]
    offsets = plan.place(wanted, {})
    placed = [
        Buffer(b.name, offset, b.bytes, b.first, b.last)
        for b, offset in zip(wanted, offsets, strict=True)
    ]
    for i, a in enumerate(placed):
        assert not any(_overlap(a, b) for b in placed[:i])
    assert max(b.offset + b.bytes for b in placed) <= _greedy(wanted)


@st.composite
def _chains(draw):
    """Buffers of a chain of layers, some beside it, and what each layer allows."""
    sizes = draw(st.lists(st.integers(1, 4000), min_size=2, max_size=12))
    wanted = [Buffer(f"tensor {i}", 0, size, i - 1, i) for i, size in enumerate(sizes)]
    chances = {}
    for i in range(1, len(sizes)):
        least = draw(st.one_of(st.none(), st.integers(-2000, 3000)))
        if least is not None:
            most = draw(st.one_of(st.none(), st.integers(0, 500)))
            chances[i - 1, i] = Overlap(least, None if most is None else least + most)
    for _ in range(draw(st.integers(0, 3))):
        first = draw(st.integers(0, len(sizes) - 1))
        last = first + draw(st.integers(0, 4))
        wanted.append(Buffer("scratch", 0, draw(st.integers(1, 500)), first, last))
    return wanted, chances


@settings(max_examples=100, deadline=None)
@given(_chains())
def test_overlaps_keep_within_their_bounds_and_never_cost(drawn):
    wanted, chances = drawn
    offsets = plan.place(wanted, chances)
    placed = [replace(b, offset=offset) for b, offset in zip(wanted, offsets, strict=True)]
    assert min(offsets) == 0
    for i, a in enumerate(placed):
        assert a.offset % plan.ALIGNMENT == 0
        for j, b in enumerate(placed[:i]):
            if _overlap(a, b):
                allowed = chances[j, i]
                lead = b.offset - a.offset
                assert allowed.least <= lead
                assert allowed.most is None or lead <= allowed.most
    span = max(b.offset + b.bytes for b in placed)
    alone = plan.place(wanted, {})
    assert span <= max(o + b.bytes for o, b in zip(alone, wanted, strict=True)) + 3


def test_an_output_that_must_lead_takes_just_that_much():
    wanted = [Buffer("tensor 0", 0, 1000, -1, 0), Buffer("tensor 1", 0, 1600, 0, 1)]
    assert plan.place(wanted, {(0, 1): Overlap(604)}) == [604, 0]
    assert plan.place(wanted, {(0, 1): Overlap(602)}) == [604, 0]
    assert plan.place(wanted, {(0, 1): Overlap(0)}) == [0, 0]


def test_kws_works_in_one_activation():
    compiled = compiler.compile(model.read(models.kws_like(0)), target="cortex_m4")
    largest = max(b.bytes for b in compiled.plan.buffers)
    scratch = max(b.bytes for b in compiled.plan.buffers if b.name.startswith("scratch"))
    inputs = compiled.plan.buffers[0].bytes
    assert compiled.arena_bytes <= largest + scratch + inputs + 8


def test_preserved_inputs_are_preserved_and_others_said_to_be_lost():
    graph = model.read(models.sine_like(0))
    compiled = compiler.compile(graph, target="cortex_m4")
    (start,) = (b for b in compiled.plan.buffers if b.first == -1)
    hit = any(
        b.offset < start.offset + start.bytes and start.offset < b.offset + b.bytes
        for b in compiled.plan.buffers
        if b is not start
    )
    assert compiled.plan.inputs_preserved is not hit
    flag = f"#define ED_MODEL_INPUT_PRESERVED {int(compiled.plan.inputs_preserved)}"
    assert flag in compiled.files["ed_model_config.h"]
