"""How far the output of a CONV_2D may lie over its input: at the very distance, on a Cortex-M4."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_deploy import compiler, model
from edge_deploy.compiler import plan as planning
from edge_deploy.compiler.ops.conv import Conv
from edge_deploy.compiler.passes import Program
from edge_deploy.compiler.plan import Plan
from tests import compiled_model
from tests import model_builder as models
from tests.nn import checks
from tests.nn.cases import Case
from tests.nn.cases_weighted import conv_2d, converted_conv_2d

# Bytes that hold nothing, between scratch and output and at the end.
MARGIN = 64

# Geometries of MLPerf Tiny, and where the output goes ahead of the input.
MODELS: dict[str, Callable[[], bytes]] = {
    "first_of_vww": lambda: models.conv2d(1, height=96, width=96, channels=3, filters=8, stride=2),
    "widening_pointwise": lambda: models.conv2d(
        2, height=12, width=12, channels=8, filters=16, kernel=1, activation="RELU"
    ),
    "narrowing_pointwise": lambda: models.conv2d(
        3, height=7, width=7, channels=21, filters=5, kernel=1
    ),
    "same_padding": lambda: models.conv2d(4, height=32, width=32, channels=16, filters=16),
    "strided": lambda: models.conv2d(5, height=16, width=16, channels=8, filters=16, stride=2),
    "batches": lambda: models.conv2d(6, batch=3, height=5, width=3, channels=4, filters=9),
    "one_pixel": lambda: models.conv2d(7, height=1, width=1, channels=4, filters=40),
}


def least(data: bytes) -> int | None:
    """The distance that the only layer of a model claims."""
    (layer,) = compiler.ops.read(model.read(data))
    overlap = layer.overlap(compiler.CORTEX_M4, 0)
    return None if overlap is None else overlap.least


def placed(data: bytes, distance: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the compiler place the input `distance` bytes behind the output's first byte."""

    plan_as_usual = planning.plan

    def plan(program: Program, target: str) -> Plan:
        usual = plan_as_usual(program, target)
        source, output = program.inputs[0], program.outputs[0]
        begin = -(-program.layers[0].scratch_bytes(target) // 4) * 4 + MARGIN
        offsets = {output: begin + max(0, -distance), source: begin + max(0, distance)}
        end = max(offset + program.bytes_of(tensor) for tensor, offset in offsets.items())
        return replace(
            usual,
            tensor_offsets=offsets,
            scratch_offsets=dict.fromkeys(usual.scratch_offsets, 0),
            arena_bytes=-(-end // 4) * 4 + MARGIN,
            inputs_preserved=False,
        )

    monkeypatch.setattr(planning, "plan", plan)


def check_at(case: Case, distance: int, what: str) -> None:
    """Compile with that distance, run and compare."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        placed(case.data, distance, monkeypatch)
        checks.check_on_m4(replace(case, text=f"{what} {distance}: {case.text}"), "cortex_m4", None)


@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_right_at_the_least_distance(name):
    data = MODELS[name]()
    distance = least(data)
    assert distance is not None
    check_at(Case(name, data), distance, "distance")


@pytest.mark.parametrize("family", [conv_2d, converted_conv_2d])
@checks.PROPERTY
@given(data=st.data())
def test_outputs_of_any_geometry_are_right_at_the_least_distance(family, data):
    case = family(checks.Drawn(data.draw))
    distance = least(case.data)
    if distance is not None:  # groups do not run in the Cortex-M4 kernel
        check_at(case, distance, "distance")


@pytest.mark.parametrize("name", ["same_padding", "widening_pointwise", "strided"])
def test_one_byte_less_would_be_wrong(name):
    data = MODELS[name]()
    distance = least(data)
    assert distance is not None
    with pytest.raises(pytest.fail.Exception, match="values differ"):
        check_at(Case(name, data), distance - 1, "distance")


@pytest.mark.parametrize(
    ("name", "bytes_beside_scratch"),
    [
        ("first_of_vww", 96 * 96 * 3 + 92),
        ("widening_pointwise", 12 * 12 * 16),
        ("narrowing_pointwise", 7 * 7 * 21 + 3),
        ("same_padding", 32 * 32 * 16 + (32 + 3) * 16),
        ("strided", 16 * 16 * 8 + 16),
    ],
)
def test_the_plan_takes_what_is_claimed(name, bytes_beside_scratch):
    data = MODELS[name]()
    (layer,) = compiler.ops.read(model.read(data))
    assert isinstance(layer, Conv)
    _, compiled = compiled_model.compile_graph(data, compiler.CORTEX_M4)
    scratch = -(-layer.scratch_bytes(compiler.CORTEX_M4) // 4) * 4
    assert compiled.arena_bytes <= bytes_beside_scratch + scratch
