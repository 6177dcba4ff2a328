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


def _refusal(first, second, output, *, scales=(0.1, 0.1, 0.1)) -> str:
    builder = ModelBuilder()
    shapes = (first, second, output)
    x, y, z = (builder.tensor(shape, scale=s) for shape, s in zip(shapes, scales, strict=True))
    builder.op("BATCH_MATMUL", [x, y], [z], {}, version=2)
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
