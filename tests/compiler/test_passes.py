"""Each pass by itself: what it changes, and that the sums stay what they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_deploy import model
from edge_deploy.compiler import ops, passes
from edge_deploy.compiler.ops.weighted import Weighted
from edge_deploy.compiler.passes import Program
from tests import compiled_model
from tests import model_builder as models
from tests.nn.cases_state import Memory


def _program(data: bytes) -> Program:
    graph = model.read(data)
    return Program(graph, ops.read(graph), graph.inputs, graph.outputs)


def test_reshapes_vanish_and_their_readers_read_the_source():
    program = _program(models.kws_like(0, filters=8))
    before = [layer.operator for layer in program.layers]
    after = passes.remove_reshapes(program)
    assert "RESHAPE" in before
    assert [layer.operator for layer in after.layers] == [x for x in before if x != "RESHAPE"]
    made = {*after.inputs, *(tensor for layer in after.layers for tensor in layer.outputs)}
    assert {tensor for layer in after.layers for tensor in layer.inputs} <= made
    assert set(after.outputs) <= made


def test_a_reshape_at_the_end_moves_the_output():
    builder = models.LayerBuilder(0)
    x = builder.input((1, 6))
    y = builder.softmax(x)
    z = builder.reshape(y, (2, 3))
    program = passes.remove_reshapes(_program(builder.done(x, z)))
    assert [layer.operator for layer in program.layers] == ["SOFTMAX"]
    assert program.outputs == (y.index,)


def test_layers_that_nothing_reads_vanish():
    program = _program(models.tiny_conv(0))
    shorter = replace(program, outputs=program.layers[0].outputs)
    assert len(passes.remove_unread(shorter).layers) == 1
    assert passes.remove_unread(program) == program


def test_folding_keeps_every_sum():
    data = models.fully_connected(4, inputs=9, outputs=5, input_zero_point=-37)
    layer = _program(data).layers[0]
    assert isinstance(layer, Weighted)
    folded = passes.fold_zero_points(_program(data)).layers[0]
    assert isinstance(folded, Weighted)
    assert folded.folded
    x = np.random.default_rng(0).integers(-128, 128, 9)
    rows = layer.rows.astype(np.int64)
    np.testing.assert_array_equal(rows @ (x + 37) + layer.bias, rows @ x + folded.bias)
    assert folded.fold() == folded


def test_folding_wraps_as_the_accumulators_do():
    data = models.fully_connected(4, inputs=2, outputs=3, input_zero_point=127)
    layer = _program(data).layers[0]
    assert isinstance(layer, Weighted)
    high = replace(layer, bias=np.full(3, 2**31 - 1), weights=np.full((3, 2), -128, np.int8))
    words = high.fold().bias_words
    wrapped = (2**31 - 1 + 127 * 2 * 128) - 2**32
    np.testing.assert_array_equal(words, np.full(3, wrapped))
    assert not high.fold().quick


def test_bounds_hold_for_extreme_inputs():
    layer = passes.fold_zero_points(_program(models.conv2d(3, channels=5, filters=4))).layers[0]
    assert isinstance(layer, Weighted)
    low, high = layer.accumulator_bounds()
    rows = layer.rows.astype(np.int64)
    worst = np.where(rows > 0, 127, -128)
    assert ((rows * worst).sum(axis=1) + layer.bias).max() == high
    best = np.where(rows > 0, -128, 127)
    assert ((rows * best).sum(axis=1) + layer.bias).min() == low


def _reads_left(late: bool, output: bool, dtype: str = "int8") -> int:
    """READ_VARIABLEs that still copy, of one whose copy a SOFTMAX reads.

    late: after the variable is assigned. output: the copy is an output of the model.
    """
    memory = Memory()
    x = memory.model.tensor((1, 4), scale=1 / 256, zero_point=-128)
    memory.initialise("past", np.ones((1, 4), dtype))
    memory.begin()
    past = memory.read("past", (1, 4), dtype=dtype, scale=1 / 256, zero_point=-128)
    y = memory.model.tensor((1, 4), scale=1 / 256, zero_point=-128)
    assign = x if dtype == "int8" else memory.read("past", (1, 4), dtype=dtype)
    if late:
        memory.assign("past", assign)
    memory.model.op("SOFTMAX", [past if dtype == "int8" else x], [y], {"beta": 1.0})
    if not late:
        memory.assign("past", assign)
    program = _program(memory.finish([x], [y, past] if output else [y]))
    after = passes.read_variables_in_place(passes.remove_unread(program))
    return [layer.operator for layer in after.layers].count("READ_VARIABLE")


def test_a_variable_is_copied_only_where_it_shows():
    assert _reads_left(late=False, output=False) == 0
    assert _reads_left(late=True, output=False) == 1
    assert _reads_left(late=False, output=True) == 1
    assert _reads_left(late=False, output=False, dtype="int16") == 1


@pytest.mark.parametrize("operator", ["TRANSPOSE", "SLICE", "PAD", "CONCATENATION"])
def test_copies_of_all_that_there_is_vanish(operator: str):
    builder = models.LayerBuilder(0)
    x = builder.input((1, 4, 1, 3))
    y = builder.softmax(x)
    shape = (4, 1, 1, 3) if operator == "TRANSPOSE" else y.shape
    z = builder.tensor(shape, scale=y.scale, zero_point=y.zero_point)
    numbers = {
        "TRANSPOSE": [np.array([1, 2, 0, 3])],
        "SLICE": [np.zeros(4), np.array([1, 4, 1, 3])],
        "PAD": [np.zeros((4, 2))],
        "CONCATENATION": [],
    }[operator]
    operands = [builder.tensor(each.shape, "int32", values=each) for each in numbers]
    options = {"axis": 1} if operator == "CONCATENATION" else None
    builder.op(operator, [y.index, *operands], [z], options)
    data = builder.finish([x.index], [z])
    program = passes.remove_reshapes(_program(data))
    assert [layer.operator for layer in program.layers] == ["SOFTMAX"]
    assert program.outputs == (y.index,)
    inputs = compiled_model.random_inputs(model.read(data), 4)
    wanted = compiled_model.expected(data, inputs)
    compiled_model.assert_equal(
        data, compiled_model.run_on_host(data, inputs), wanted, what=operator
    )


def test_a_copy_of_a_part_stays():
    builder = models.LayerBuilder(0)
    x = builder.input((1, 4, 1, 3))
    y = builder.softmax(x)
    z = builder.tensor((1, 3, 1, 3), scale=y.scale, zero_point=y.zero_point)
    numbers = [builder.tensor((4,), "int32", values=v) for v in ([0, 0, 0, 0], [1, 3, 1, 3])]
    builder.op("SLICE", [y.index, *numbers], [z])
    program = passes.remove_reshapes(_program(builder.finish([x.index], [z])))
    assert [layer.operator for layer in program.layers] == ["SOFTMAX", "SLICE"]
