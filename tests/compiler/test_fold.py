"""Constants computed before run time: what comes out, what is refused, and how much at most."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy import compiler, model
from edge_deploy.compiler.fold import MOST_BYTES, fold
from edge_deploy.errors import UnsupportedModel
from tests.model_file import ModelBuilder


def _folded(build):
    """The graph of a model in which `build` makes a constant: its values, folded."""
    builder = ModelBuilder()
    x = builder.tensor((2, 3), scale=0.1)
    y = builder.tensor((3, 2), scale=0.1)
    builder.op("RESHAPE", [x], [y], {"new_shape": [3, 2]})
    result = build(builder, x)
    graph = fold(model.read(builder.finish([x], [y])))
    assert [operator.name for operator in graph.operators] == ["RESHAPE"]
    return graph.tensors[result]


def _int32(builder, values):
    return builder.tensor(np.shape(values), "int32", values=values)


def _one(name, operands, shape, dtype="int32", options=None):
    """A builder of one operator over int32 constants."""

    def build(builder, x):
        result = builder.tensor(shape, dtype)
        inputs = [_int32(builder, values) for values in operands]
        builder.op(name, inputs, [result], options)
        return result

    return build


def test_what_is_folded_is_read_only_and_of_its_type():
    tensor = _folded(_one("ADD", [[1, 2], [10, 20]], (2,)))
    assert tensor.is_constant
    assert tensor.values.dtype == np.int32
    assert tensor.values.tolist() == [11, 22]
    with pytest.raises(ValueError, match="read-only"):
        tensor.values[0] = 0


def test_a_shape_needs_no_values():
    def build(builder, x):
        result = builder.tensor((2,), "int32")
        builder.op("SHAPE", [x], [result], {"out_type": "INT32"})
        return result

    assert _folded(build).values.tolist() == [2, 3]


def test_quantized_constants_move_and_keep_their_scale():
    def build(builder, x):
        source = builder.tensor((2, 2), scale=0.5, values=[[1, 2], [3, 4]])
        result = builder.tensor((2, 2), scale=0.5)
        builder.op("TRANSPOSE", [source, _int32(builder, [1, 0])], [result])
        return result

    tensor = _folded(build)
    assert tensor.values.tolist() == [[1, 3], [2, 4]]
    assert tensor.quantization.scale == 0.5


def test_parts_of_a_constant_are_constants():
    def build(builder, x):
        source = builder.tensor((2, 4), "int32", values=[[1, 2, 3, 4], [5, 6, 7, 8]])
        parts = [builder.tensor((2, 2), "int32") for _ in range(2)]
        builder.op("SPLIT", [_int32(builder, 1), source], parts, {"num_splits": 2})
        return parts[1]

    assert _folded(build).values.tolist() == [[3, 4], [7, 8]]


@pytest.mark.parametrize(
    ("build", "why"),
    [
        (_one("FLOOR_DIV", [[1], [0]], (1,)), "divides by 0"),
        (_one("ADD", [[1, 2], [1, 2, 3]], (3,)), "has shapes"),
        (_one("ADD", [[1, 2], [1, 2]], (3,)), "where 2 results"),
        (_one("ADD", [[1, 2], [1, 2]], (2,), "int64"), "of type int64"),
        (_one("RANGE", [0, 10, 0], (10,)), "steps of 0"),
        (_one("RANGE", [0, 2**31 - 1, 1], (4,)), "where 2147483647 results"),
        (_one("FILL", [[2**30], 1], (4,)), "where 1073741824 results"),
        (_one("TRANSPOSE", [[[1, 2]], [0, 0]], (2, 1)), "no permutation"),
        (_one("GATHER", [[1, 2], [2]], (1,)), "takes indices 2 to 2 of 2"),
        (_one("SUM", [[1, 2], [3]], (), options={"keep_dims": False}), "axis 3"),
    ],
)
def test_what_cannot_be_computed_is_refused(build, why):
    with pytest.raises(UnsupportedModel, match=why):
        _folded(build)


def test_there_are_no_more_constants_than_any_board_holds():
    size = MOST_BYTES // 8
    _folded(_one("FILL", [[size], 1], (size,)))
    with pytest.raises(UnsupportedModel, match="bytes; 16,777,216 is most"):
        _folded(_one("FILL", [[4 * size], 1], (4 * size,)))
    with pytest.raises(UnsupportedModel, match="bytes; 16,777,216 is most"):
        _folded(_one("TILE", [[[1]], [2**13, 2**13]], (2**13, 2**13)))


def test_what_is_computed_at_run_time_stays():
    builder = ModelBuilder()
    x = builder.tensor((2, 3), scale=0.1)
    y = builder.tensor((3, 2), scale=0.1)
    builder.op("TRANSPOSE", [x, _int32(builder, [1, 0])], [y])
    graph = model.read(builder.finish([x], [y]))
    assert fold(graph) == graph


def test_no_tensor_of_run_time_is_larger_than_any_board():
    builder = ModelBuilder()
    x = builder.tensor((MOST_BYTES + 1,), scale=0.1)
    y = builder.tensor((1, MOST_BYTES + 1), scale=0.1)
    builder.op("RESHAPE", [x], [y], {"new_shape": [1, -1]})
    graph = model.read(builder.finish([x], [y]))
    with pytest.raises(UnsupportedModel, match="takes 16,777,217 bytes of RAM"):
        compiler.compile(graph, target="portable")
