"""Operators of two operands against the reference."""

from __future__ import annotations

import math

import pytest

from edge_deploy import compiler, model
from edge_deploy.errors import UnsupportedModel
from tests.compiled_model import compile_graph
from tests.model_file import ModelBuilder
from tests.nn import checks
from tests.nn.cases import Case, Seeded
from tests.nn.cases_binary import FAMILIES

test_family = checks.of(FAMILIES)

_NONE = {"fused_activation_function": "NONE"}


def _model(operator, first, second, output, *, scales=(0.1, 0.2, 0.3), constants=(), options=_NONE):
    """One operator; first, second, output: shapes. constants: which operands are zeros."""
    builder = ModelBuilder()
    operands = [
        builder.tensor(
            shape,
            scale=scales[i],
            zero_point=3 * i - 1,
            values=bytes(math.prod(shape)) if i in constants else None,
        )
        for i, shape in enumerate((first, second))
    ]
    y = builder.tensor(output, scale=scales[2])
    arithmetic = operator in ("ADD", "MUL", "SUB")
    version = 1 if operator in ("PRELU", "SQUARED_DIFFERENCE") else 2
    builder.op(operator, operands, [y], options if arithmetic else None, version=version)
    other = builder.tensor((1,), scale=1.0)  # a model needs an input, read or not
    inputs = [x for i, x in enumerate(operands) if i not in constants] or [other]
    return builder.finish(inputs, [y])


OPERATORS = ("ADD", "MAXIMUM", "MINIMUM", "MUL", "PRELU", "SQUARED_DIFFERENCE", "SUB")


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("shapes", [((9, 21), (21,)), ((21,), (9, 21)), ((9, 21), (9, 21))])
def test_the_output_lies_over_an_operand_of_its_size(operator, shapes):
    if operator == "PRELU" and shapes[0] != (9, 21):
        return  # its first operand has the output's shape
    data = _model(operator, *shapes, (9, 21))
    for target in compiler.TARGETS:
        arena_bytes = compile_graph(data, target)[1].arena_bytes
        operands = sum(t.bytes for t in model.read(data).tensors[:2])
        assert 0 <= arena_bytes - operands < 8  # aligned to words, and nothing for the output
        checks.check_on_m4(Case(f"{operator} {shapes}", data), target, None)
    checks.check_on_host(Case(f"{operator} {shapes}", data))


@pytest.mark.parametrize("operator", ["add", "mul", "sub"])
def test_the_generator_reaches_every_kernel(operator):
    """The quick form, with a fused activation and without, and the portable one."""
    seen = set()
    for seed in range(60):
        case = FAMILIES[operator](Seeded(seed))
        text = compile_graph(case.data, "cortex_m4")[1].files["ed_model.c"]
        seen |= {line.split("(")[0].strip() for line in text.splitlines() if "(shape, " in line}
    kernel = "add" if operator == "sub" else operator
    wanted = {f"ed_{kernel}", f"ed_m4_{kernel}", f"ed_m4_{kernel}_clamped"}
    assert seen == wanted | ({"ed_m4_mul_rectified"} if kernel == "mul" else set())


def test_the_generator_reaches_both_kernels_of_prelu():
    seen = set()
    for seed in range(60):
        text = compile_graph(FAMILIES["prelu"](Seeded(seed)).data, "cortex_m4")[1]
        seen |= {line for line in text.files["ed_model.c"].splitlines() if "prelu(shape" in line}
    assert {line.split("(")[0].strip() for line in seen} == {"ed_prelu", "ed_m4_prelu"}


def _refusal(data: bytes) -> str:
    with pytest.raises(UnsupportedModel) as refused:
        compiler.compile(model.read(data), target="portable")
    assert refused.value.exit_code == 15
    return refused.value.message


def test_what_the_reference_does_not_take_is_refused():
    deep = ((2, 1, 2, 1, 2), (2, 2, 2, 2, 1), (2, 2, 2, 2, 2))
    assert "stretches 5 dimensions" in _refusal(_model("MUL", *deep))
    assert "for (3, 4)" in _refusal(_model("ADD", (3, 4), (3,), (3, 4)))
    assert "for (4, 3)" in _refusal(_model("ADD", (3,), (3,), (4, 3)))
    assert "constants alone" in _refusal(_model("SUB", (4,), (4,), (4,), constants=(0, 1)))
    assert "output scale" in _refusal(_model("ADD", (4,), (4,), (4,), scales=(1.0, 1.0, 1e-6)))
    assert "ratio" in _refusal(_model("MUL", (4,), (4,), (4,), scales=(1e9, 1e9, 1e-6)))
    assert "ratio" in _refusal(_model("MUL", (4,), (4,), (4,), scales=(1e30, 1e30, 1e-30)))
    assert "too small" in _refusal(
        _model("SQUARED_DIFFERENCE", (4,), (4,), (4,), scales=(1.0, 1.0, 1e-4))
    )
    assert "alphas of shape (2, 3)" in _refusal(_model("PRELU", (3,), (2, 3), (2, 3)))
    assert "ratio" in _refusal(_model("PRELU", (3,), (3,), (3,), scales=(9.0, 0.1, 1e-9)))
    tanh = {"fused_activation_function": "TANH"}
    assert "TANH" in _refusal(_model("ADD", (4,), (4,), (4,), options=tanh))
    relu6 = {"fused_activation_function": "RELU6"}
    tiny = (1e-9, 1e-9, 1e-9)
    assert "RELU6" in _refusal(_model("ADD", (4,), (4,), (4,), scales=tiny, options=relu6))
