"""Padded, repeated, gathered and resized elements against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy import compiler, model
from edge_deploy.errors import UnsupportedModel
from tests import compiled_model
from tests.model_file import ModelBuilder
from tests.nn import checks
from tests.nn.cases_pick import FAMILIES

test_family = checks.of(FAMILIES)


def _gather(shape, indices, output, axis, batch_dims, dtype="int32"):
    """A GATHER of int8 by indices that are an input."""
    builder = ModelBuilder()
    x = builder.tensor(shape, scale=0.1, zero_point=3)
    i = builder.tensor(indices, dtype)
    y = builder.tensor(output, scale=0.1, zero_point=3)
    builder.op("GATHER", [x, i], [y], {"axis": axis, "batch_dims": batch_dims})
    return builder.finish([x, i], [y])


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize(
    ("shape", "indices", "output", "axis", "batch_dims"),
    [
        ((5, 3), (4,), (4, 3), 0, 0),
        ((2, 5, 3), (2, 2), (2, 2, 2, 3), 1, 0),
        ((2, 3, 7), (), (2, 3), 2, 0),
        ((2, 5, 3), (2, 4), (2, 4, 3), 1, 1),
        ((2, 3, 5), (2, 4), (2, 3, 4), 2, 1),
        ((2, 3, 5, 2), (2, 3, 2), (2, 3, 2, 2), -2, -1),
    ],
)
def test_indices_of_run_time(shape, indices, output, axis, batch_dims, dtype):
    data = _gather(shape, indices, output, axis, batch_dims, dtype)
    draw = np.random.default_rng(0)
    size = shape[axis]
    inputs = [
        [draw.integers(-128, 128, shape, np.int8), draw.integers(0, size, indices).astype(dtype)]
        for _ in range(3)
    ]
    inputs[-1][1] = np.full(indices, size - 1, dtype)
    wanted = compiled_model.expected(data, inputs)
    for got in (
        compiled_model.run_on_host(data, inputs),
        compiled_model.run_on_m4(data, inputs).outputs,
    ):
        compiled_model.assert_equal(data, got, wanted, what="GATHER at run time")


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_an_index_that_does_not_exist_is_the_nearest_that_does(dtype):
    """The reference stops with an error at the first kind and reads beyond at the other."""
    data = _gather((5, 3), (8,), (8, 3), 0, 0, dtype)
    x = np.arange(15, dtype=np.int8).reshape(5, 3)
    limits = np.iinfo(dtype)
    indices = np.array([-1, 5, limits.min, limits.max, 2, 4, 0, 2**31 - 1], dtype)
    ((got,),) = compiled_model.run_on_host(data, [[x, indices]])
    np.testing.assert_array_equal(got, x[indices.clip(0, 4)])
    ((got,),) = compiled_model.run_on_m4(data, [[x, indices]]).outputs
    np.testing.assert_array_equal(got, x[indices.clip(0, 4)])


def test_float_padding_other_than_zero_is_refused_where_its_bytes_differ():
    builder = ModelBuilder()
    x = builder.tensor((2,), "int32")
    y = builder.tensor((4,), "int32")
    sides = builder.tensor((1, 2), "int32", values=[[1, 1]])
    value = builder.tensor((), "int32", values=7)
    builder.op("PADV2", [x, sides, value], [y])
    graph = model.read(builder.finish([x], [y]))
    with pytest.raises(UnsupportedModel, match="07000000"):
        compiler.compile(graph, target="portable")
