"""Reductions against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy import compiler, model
from edge_deploy.errors import UnsupportedModel
from tests.compiled_model import compile_graph
from tests.model_file import ModelBuilder
from tests.nn import checks
from tests.nn.cases import Case, Seeded
from tests.nn.cases_reduce import FAMILIES

test_family = checks.of(FAMILIES)


def _model(operator, shape, axes, output, *, scales=(0.1, 0.1), dtypes=("int32", "int8"), options):
    """One operator over constant axes. dtypes: of the axes and of the output."""
    builder = ModelBuilder()
    x = builder.tensor(shape, scale=scales[0], zero_point=5)
    inputs = [x]
    if axes is not None:
        inputs.append(builder.tensor((len(axes),), dtypes[0], values=np.array(axes)))
    quantized = {"scale": scales[1], "zero_point": 5} if dtypes[1] == "int8" else {}
    y = builder.tensor(output, dtypes[1], **quantized)
    builder.op(operator, inputs, [y], options, version=2)
    return builder.finish([x], [y])


@pytest.mark.parametrize(
    ("axes", "output"), [((1, 2), (2, 5)), ((0, 3), (6, 7)), ((3,), (2, 6, 7))]
)
def test_the_output_lies_over_the_input(axes, output):
    data = _model("MEAN", (2, 6, 7, 5), axes, output, options={"keep_dims": False})
    for target in compiler.TARGETS:
        assert compile_graph(data, target)[1].arena_bytes == 2 * 6 * 7 * 5
        checks.check_on_m4(Case(f"MEAN {axes}", data), target, None)
    checks.check_on_host(Case(f"MEAN {axes}", data))


def test_the_generator_reaches_every_kernel():
    seen = set()
    for seed in range(150):
        data = FAMILIES["reduction"](Seeded(seed)).data
        text = compile_graph(data, "cortex_m4")[1].files["ed_model.c"]
        seen |= {line.split("(")[0].strip() for line in text.splitlines() if "(shape, " in line}
    names = {f"ed_reduce_{kind}" for kind in ("mean", "sum", "max", "min")}
    names |= {f"ed_m4_reduce_{kind}_beside" for kind in ("mean", "max", "min")}
    assert seen == names | {"ed_m4_reduce_mean_along"}


def test_long_sums_do_not_leave_16_bits():
    """All lowest and all highest are among the inputs."""
    for shape, axes in (((1, 20, 26, 8), (1, 2)), ((2, 3000), (1,))):
        output = tuple(n for axis, n in enumerate(shape) if axis not in axes)
        data = _model("MEAN", shape, axes, output, options={"keep_dims": False})
        checks.check_on_m4(Case(f"MEAN {shape}", data), compiler.CORTEX_M4, None)


def _refusal(data: bytes) -> str:
    with pytest.raises(UnsupportedModel) as refused:
        compiler.compile(model.read(data), target="portable")
    assert refused.value.exit_code == 15
    return refused.value.message


def test_what_the_reference_does_not_take_is_refused():
    drop, keep = {"keep_dims": False}, {"keep_dims": True}
    assert "names dimension 2 of 2" in _refusal(_model("SUM", (3, 4), (2,), (3,), options=drop))
    assert "names dimension -3" in _refusal(_model("SUM", (3, 4), (-3,), (3,), options=drop))
    assert "instead of (3,)" in _refusal(_model("MEAN", (3, 4), (1,), (4,), options=drop))
    assert "instead of (3, 1)" in _refusal(_model("MEAN", (3, 4), (1,), (3,), options=keep))
    other = _model("REDUCE_MAX", (3, 4), (1,), (3,), scales=(0.1, 0.2), options=drop)
    assert "different scale" in _refusal(other)
    wide = _model("SUM", (3, 4), (1,), (3,), dtypes=("int64", "int8"), options=drop)
    assert "type int64" in _refusal(wide)
    far = _model("MEAN", (3, 4), (1,), (3,), scales=(1e9, 1e-9), options=drop)
    assert "ratio" in _refusal(far)
    huge = _model("SUM", (2**23, 1), (0,), (1,), options=drop)
    assert "8,388,608 values" in _refusal(huge)
    index = {"output_type": "INT32"}
    both = _model("ARG_MAX", (3, 4), (0, 1), (), dtypes=("int32", "int32"), options=index)
    assert "2 dimensions" in _refusal(both)
    narrow = _model("ARG_MAX", (3, 4), (1,), (3,), dtypes=("int32", "int64"), options=index)
    assert "INT32 into int64" in _refusal(narrow)
    whole = {"fused_activation_function": "NONE"}
    assert "1/128" in _refusal(_model("L2_NORMALIZATION", (3, 4), None, (3, 4), options=whole))
    deep = _model("L2_NORMALIZATION", (1,) * 5, None, (1,) * 5, options=whole)
    assert "has shapes" in _refusal(deep)
