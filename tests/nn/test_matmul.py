"""Products of matrices against the reference."""

from __future__ import annotations

import pytest

from edge_deploy import compiler, model
from edge_deploy.errors import UnsupportedModel
from tests.compiled_model import compile_graph
from tests.model_file import ModelBuilder
from tests.nn import checks
from tests.nn.cases import Seeded
from tests.nn.cases_matmul import FAMILIES

test_family = checks.of(FAMILIES)


def test_the_generator_reaches_weights_and_matrices():
    """A constant matrix with zero point 0 goes through the kernels of fully connected layers."""
    seen = set()
    for seed in range(60):
        data = FAMILIES["batch_matmul"](Seeded(seed)).data
        text = compile_graph(data, "cortex_m4")[1].files["ed_model.c"]
        seen |= {line for line in text.splitlines() if line.startswith('#include "nn/')}
    for kernel in ("m4/fully_connected", "m4/batch_matmul", "batch_matmul"):
        assert f'#include "nn/{kernel}.h"' in seen


def _refusal(first, second, output, *, scales=(0.1, 0.1, 0.1), adj_x=False) -> str:
    builder = ModelBuilder()
    shapes = (first, second, output)
    x, y, z = (builder.tensor(shape, scale=s) for shape, s in zip(shapes, scales, strict=True))
    builder.op("BATCH_MATMUL", [x, y], [z], {"adj_x": adj_x}, version=2)
    with pytest.raises(UnsupportedModel) as refused:
        compiler.compile(model.read(builder.finish([x, y], [z])), target="portable")
    assert refused.value.exit_code == 15
    return refused.value.message


def test_what_the_reference_does_not_take_is_refused():
    assert "2 to 5 dimensions" in _refusal((4,), (4, 3), (3,))
    assert "2 to 5 dimensions" in _refusal((1,) * 6, (1, 1), (1,) * 6)
    assert "4 columns by 5 rows" in _refusal((3, 4), (5, 2), (3, 2))
    assert "for (3, 3)" in _refusal((3, 4), (4, 2), (3, 3))
    assert "for (2, 3, 2)" in _refusal((2, 3, 4), (3, 4, 2), (2, 3, 2))
    assert "ratio" in _refusal((3, 4), (4, 2), (3, 2), scales=(1e9, 1e9, 1e-9))


def test_one_second_matrix_for_several_transposed_ones_is_refused():
    """There the reference reads beyond its matrices."""
    assert "computes wrongly" in _refusal((2, 3, 4), (1, 3, 5), (2, 4, 5), adj_x=True)


def test_a_product_written_as_a_layer_keeps_to_its_shapes():
    builder = ModelBuilder()
    x = builder.tensor((2, 3), scale=0.1)
    y = builder.tensor((4, 3), scale=0.1)
    z = builder.tensor((2, 4), scale=0.1)
    bias = builder.tensor((4,), "int32", scale=0.01, values=[1, 2, 3, 4])
    for operands, options, what in (
        ([x, y, bias], {}, "a bias"),
        ([x, y, -1], {"fused_activation_function": "RELU"}, "a fused activation"),
        ([y, x, -1], {}, "output shape"),
    ):
        one = ModelBuilder()
        one.tensors, one.buffers = list(builder.tensors), list(builder.buffers)
        one.op("FULLY_CONNECTED", operands, [z], options, version=9)
        with pytest.raises(UnsupportedModel, match=what):
            compiler.compile(model.read(one.finish([x, y], [z])), target="portable")
