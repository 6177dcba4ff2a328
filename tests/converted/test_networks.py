"""Whole networks as TensorFlow's converter writes them, against the reference, bit for bit.

On this computer under sanitizers, and on an emulated Cortex-M4. `tests/sweep.py` has many more
of each kind, and thousands of those that are drawn.
"""

from __future__ import annotations

import pytest

from edge_deploy import compiler, model
from edge_deploy.model.graph import Graph
from tests.converted import checks
from tests.converted.networks import APPLICATIONS, NETWORKS

# Seeds whose networks the reference takes: a constant less itself, say, ends it.
DRAWN = (0, 2, 3, 8, 9, 10)
# TensorFlow Lite Micro's kBufferAlignment.
ALIGNMENT = 16


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "drawn"])
def test_network(name):
    checked = checks.check(name, 0, NETWORKS)
    assert checked.compared > 0
    _arena_is_no_larger_than_greedy(checked.data)


@pytest.mark.parametrize("seed", DRAWN)
def test_drawn_network(seed):
    checked = checks.check("drawn", seed, NETWORKS)
    assert checked.compared > 0
    _arena_is_no_larger_than_greedy(checked.data)


@pytest.mark.slow
@pytest.mark.parametrize("name", APPLICATIONS)
def test_application(name):
    checked = checks.check(name, 0, APPLICATIONS)
    assert checked.compared > 0
    _arena_is_no_larger_than_greedy(checked.data)


def _arena_is_no_larger_than_greedy(data: bytes) -> None:
    """Portable kernels' arena against what TensorFlow Lite Micro plans for the file's tensors.

    SOFTMAX keeps its exponentials in the arena, where that computes them twice: in networks of a
    few dozen bytes that shows.
    """
    graph = model.read(data)
    plan = compiler.compile(graph, target="portable").plan
    scratch = max((b.bytes for b in plan.buffers if b.kind == "scratch"), default=0)
    assert plan.arena_bytes <= _greedy(graph) + scratch


def _greedy(graph: Graph) -> int:
    """Each tensor, the largest first, at the lowest place that is free while it lives.

    Source: tflite-micro, micro/memory_planner/greedy_memory_planner.cc.
    """
    first = dict.fromkeys(graph.inputs, -1)
    last = dict(first)
    for at, operator in enumerate(graph.operators):
        for tensor in (*operator.inputs, *operator.outputs):
            if tensor >= 0 and not graph.tensors[tensor].is_constant:
                first.setdefault(tensor, at)
                last[tensor] = at
    last.update(dict.fromkeys(graph.outputs, len(graph.operators)))
    sizes = {t: -(-graph.tensors[t].bytes // ALIGNMENT) * ALIGNMENT for t in first}
    placed: dict[int, int] = {}
    for tensor in sorted(first, key=lambda t: (-sizes[t], first[t])):
        offset = 0
        for begin, end in sorted(
            (placed[other], placed[other] + sizes[other])
            for other in placed
            if first[other] <= last[tensor] and first[tensor] <= last[other]
        ):
            if offset + sizes[tensor] <= begin:
                break
            offset = max(offset, end)
        placed[tensor] = offset
    return max(placed[tensor] + sizes[tensor] for tensor in placed)
