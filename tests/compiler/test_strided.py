"""Strided copies by themselves: merged loops, and outputs that lie over their source."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy import compiler, model
from edge_deploy.compiler import ops
from edge_deploy.compiler.ops.strided import Strided
from tests.model_file import ModelBuilder
from tests.nn.cases import Seeded
from tests.nn.cases_move import FAMILIES


def _layers(family, seed):
    graph = model.read(FAMILIES[family](Seeded(seed)).data)
    return [layer for layer in ops.read(graph) if isinstance(layer, Strided) and layer.inputs]


def _run_as_the_kernel_does(layer, memory, source_at, output_at):
    """Byte after byte, run after run, as C does it in one memory."""
    read, write = layer._offsets()
    for r, w in zip(read.tolist(), write.tolist(), strict=True):
        for i in range(layer.run):
            memory[output_at + w + i] = memory[source_at + r + i]


@pytest.mark.parametrize("family", FAMILIES)
def test_an_output_may_lie_over_its_source_as_far_as_the_layer_says(family):
    checked = 0
    for seed in range(25):
        for layer in _layers(family, seed):
            overlap = layer.overlap("portable", 0)
            if overlap is None:
                continue
            source = np.random.default_rng(seed).integers(0, 256, layer.source_bytes, np.uint8)
            wanted = np.zeros(layer.output_bytes, np.uint8)
            layer.apply(source, wanted)
            begin = max(0, -overlap.least)
            size = layer.source_bytes + layer.output_bytes + abs(overlap.least)
            memory = np.zeros(size, np.uint8)
            source_at = begin + overlap.least
            memory[source_at : source_at + layer.source_bytes] = source
            _run_as_the_kernel_does(layer, memory, source_at, begin)
            write = layer._offsets()[1]
            covered = (write[:, None] + np.arange(layer.run)).ravel()
            np.testing.assert_array_equal(memory[begin:][covered], wanted[covered])
            checked += 1
    assert checked > 10 or family == "reshape"


def _slice(begin, size):
    builder = ModelBuilder()
    x = builder.tensor((8, 6, 4), scale=0.1)
    y = builder.tensor(size, scale=0.1)
    numbers = [builder.tensor((3,), "int32", values=values) for values in (begin, size)]
    builder.op("SLICE", [x, *numbers], [y])
    return model.read(builder.finish([x], [y]))


def test_a_slice_of_whole_rows_is_one_run():
    (layer,) = ops.read(_slice((2, 0, 0), (3, 6, 4)))
    assert (layer.loops, layer.run, layer.read_at) == ((), 72, 48)


def test_a_slice_is_made_in_place():
    graph = _slice((2, 1, 0), (3, 4, 4))
    (layer,) = ops.read(graph)
    assert [loop.size for loop in layer.loops] == [3]
    assert layer.run == 16
    assert layer.overlap("portable", 0).least <= 0
    assert compiler.compile(graph, target="portable").arena_bytes == 8 * 6 * 4
