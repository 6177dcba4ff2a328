"""Whatever the bytes: a Graph or one of the reader's two errors, soon, in little memory."""

from __future__ import annotations

import time
import tracemalloc

import flatbuffers
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge_deploy import model
from edge_deploy.errors import UnsupportedModel
from edge_deploy.model import schema
from tests import model_builder
from tests.mutants import EDGES, mutant
from tests.nn.cases import Seeded
from tests.nn.cases_state import streaming_conv
from tests.shared_models import MLPERF_TINY, mlperf

# Of processor time, so that a loaded machine does not count; most mutants take a millisecond.
LONGEST_S = 1.0
MUTANTS_EACH = 1500
SEEDS = {
    "sine_like": model_builder.sine_like(),
    "tiny_conv": model_builder.tiny_conv(),
    "softmax": model_builder.softmax(),
    "depthwise_conv2d": model_builder.depthwise_conv2d(),
    "streaming_conv": streaming_conv(Seeded(0)).data,
}


def check(data: bytes) -> str:
    """Read, and return what came out; anything but a Graph or our two errors is raised."""
    begin = time.process_time()
    graph = refused = None
    try:
        graph = model.read(data, name="hostile")
    except (model.BadModel, UnsupportedModel) as error:
        refused = error
    assert time.process_time() - begin < LONGEST_S
    if graph is not None:
        consistent(graph)
        return "Graph"
    assert refused.message.isascii()
    assert refused.message.isprintable()
    assert len(refused.message) < 400
    return type(refused).__name__


def consistent(graph: model.Graph) -> None:
    """What the Graph's documentation promises, whatever file it came from."""
    count = len(graph.tensors)
    for tensor in graph.tensors:
        assert all(size >= 0 for size in tensor.shape)
        if tensor.values is not None:
            assert tensor.values.shape == tensor.shape
            assert tensor.values.dtype == np.dtype(tensor.dtype.value)
        if tensor.quantization is not None:
            scales = np.array(tensor.quantization.scales)
            assert np.all(np.isfinite(scales) & (scales > 0))
            assert len(tensor.quantization.zero_points) == len(scales)
            assert len(scales) in (1, tensor.shape[tensor.quantization.axis] if tensor.shape else 1)
    ready = {t.index for t in graph.tensors if t.is_constant or t.is_variable} | {*graph.inputs}
    for operator in graph.operators:
        assert all(index == -1 or index in ready for index in operator.inputs)
        assert not ready.intersection(operator.outputs)
        assert all(0 <= index < count for index in operator.outputs)
        ready.update(operator.outputs)
    assert ready.issuperset(graph.outputs)
    assert all(number >= 0 for number in model.macs(graph))
    assert model.weights_bytes(graph) <= graph.file_bytes * (1 + count)


def test_truncated_at_every_byte():
    data = SEEDS["tiny_conv"]
    outcomes = [check(data[:size]) for size in range(len(data))]
    # The builder writes buffers last to first and the root in front: nothing may be missing.
    assert outcomes.count("BadModel") > 0.99 * len(data)
    assert check(data) == "Graph"


@pytest.mark.parametrize("name", SEEDS)
def test_mutants_of_small_models(name):
    outcomes = [check(mutant(SEEDS[name], seed)) for seed in range(MUTANTS_EACH)]
    # Were one of these never reached, the mutants would not test what they are for.
    assert outcomes.count("BadModel") > MUTANTS_EACH // 10
    assert outcomes.count("Graph") > MUTANTS_EACH // 50


@pytest.mark.parametrize("name", SEEDS)
def test_every_number_at_the_edge_of_its_type(name):
    data = SEEDS[name]
    numbers = EDGES if len(data) < 1000 else (0, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
    for at in range(0, len(data) - 3, 4):
        for number in numbers:
            check(data[:at] + number.to_bytes(4, "little") + data[at + 4 :])


@pytest.mark.parametrize("name", MLPERF_TINY)
def test_mutants_of_real_models(name):
    data = mlperf(name)
    for seed in range(100):
        check(mutant(data, seed))


@pytest.mark.slow
@pytest.mark.parametrize("name", SEEDS)
def test_many_mutants_of_small_models(name):
    for seed in range(MUTANTS_EACH, MUTANTS_EACH + 25_000):
        check(mutant(SEEDS[name], seed))


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=400), st.booleans())
@example(b"", False)
@example(b"\0\0\0\0", True)
def test_random_bytes(data, header):
    if header:
        data = data[:4] + schema.FILE_IDENTIFIER + data[4:]
    # A handful of random bytes is no model; should one be found, it is worth a look.
    assert check(data) in ("BadModel", "UnsupportedModel")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_drawn_changes(data):
    damaged = bytearray(SEEDS["softmax"])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(damaged) - 4))
        damaged[at : at + 4] = data.draw(st.binary(min_size=4, max_size=4))
    check(bytes(damaged))


def shared_parts(*, tensors: int, name: bytes, dimensions: int = 1) -> bytes:
    """A small file whose list of tensors names one tensor over and over."""
    fb = flatbuffers.Builder(0)
    slots = schema.Tensor
    shape = fb.CreateNumpyVector(np.ones(dimensions, np.int32))
    text = fb.CreateString(name)
    fb.StartObject(4)
    fb.PrependUOffsetTRelativeSlot(slots.SHAPE, shape, 0)
    fb.PrependInt8Slot(slots.TYPE, schema.TENSOR_TYPES.index("INT8"), 0)
    fb.PrependUOffsetTRelativeSlot(slots.NAME, text, 0)
    tensor = fb.EndObject()
    fb.StartVector(4, tensors, 4)
    for _ in range(tensors):
        fb.PrependUOffsetTRelative(tensor)
    vector = fb.EndVector()
    fb.StartObject(4)
    fb.PrependUOffsetTRelativeSlot(schema.SubGraph.TENSORS, vector, 0)
    subgraph = fb.EndObject()
    fb.StartVector(4, 1, 4)
    fb.PrependUOffsetTRelative(subgraph)
    subgraphs = fb.EndVector()
    fb.StartObject(5)
    fb.PrependUint32Slot(schema.Model.VERSION, schema.SCHEMA_VERSION, 0)
    fb.PrependUOffsetTRelativeSlot(schema.Model.SUBGRAPHS, subgraphs, 0)
    fb.Finish(fb.EndObject(), file_identifier=schema.FILE_IDENTIFIER)
    return bytes(fb.Output())


def test_a_name_that_is_repeated_without_end_is_refused_early():
    data = shared_parts(tensors=10_000, name=b"x" * 1_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(model.BadModel, match="repeats its parts too often"):
            model.read(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Read as the file says, it would take 10 GB.
    assert peak < 16_000_000


def test_a_shape_of_a_million_dimensions_is_refused():
    assert check(shared_parts(tensors=1, name=b"x", dimensions=1_000_000)) == "UnsupportedModel"


def test_memory_is_bounded():
    """On a sample: no more than the file a few times over, for any mutant."""
    data = SEEDS["tiny_conv"]
    model.read(data)  # what is imported and cached once is not the file's
    peaks = []
    for seed in range(200):
        damaged = mutant(data, seed)
        tracemalloc.start()
        check(damaged)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) < 1_000_000
