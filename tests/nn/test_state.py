"""Models that remember against the reference, over sequences of inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_deploy.errors import UnsupportedModel
from edge_deploy.model import read
from tests import compiled_model
from tests.model_file import ModelBuilder
from tests.nn import checks
from tests.nn.cases import Seeded
from tests.nn.cases_state import FAMILIES

test_family = checks.of(FAMILIES)


def _svdf(**changes: Any) -> str:
    """What is said of an SVDF of 2 units and rank 2 that differs by `changes`; nothing if fine."""
    model = ModelBuilder()
    x = model.tensor((1, 3), scale=changes.get("input_scale", 0.1))
    feature = model.tensor((4, 3), scale=0.1, values=np.ones((4, 3)))
    kind = changes.get("time", "int16")
    time = model.tensor((4, 5), kind, scale=0.1, values=np.ones((4, 5)))
    variable = changes.get("variable", True)
    state = model.tensor((1, 20), kind, scale=changes.get("scale", 0.1), variable=variable)
    y = model.tensor((1, 2), scale=0.1)
    activation = changes.get("activation", "RELU")
    options = {"rank": changes.get("rank", 2), "fused_activation_function": activation}
    if not variable:
        state = x
    model.op("SVDF", [x, feature, time, -1, state], [y], options, version=3)
    if changes.get("shared"):
        second = model.tensor((1, 2), scale=0.1)
        model.op("SVDF", [x, feature, time, -1, state], [second], options, version=3)
    outputs = [state] if changes.get("output") else [y]
    try:
        compiled_model.compile_graph(model.finish([x], outputs), "portable")
    except UnsupportedModel as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, ""),
        ({"activation": "NONE"}, "has a fused NONE; the reference takes RELU alone"),
        ({"time": "int8"}, "weights over time that are not constant int16"),
        ({"rank": 3}, "has 4 filters and 4 weights over time, of rank 3"),
        ({"rank": 0}, "has rank 0, which must be above 0"),
        ({"rank": 4}, "output shape (1, 2) for 1 units"),
        ({"variable": False}, "has an input 4 that is no int16 variable"),
        ({"scale": None}, "without one scale"),
        ({"shared": True}, "shares its state"),
        ({"output": True}, "output tensor_3 is a variable"),
        ({"input_scale": 3e38, "scale": 1e-38}, "whose quotient is no float"),
    ],
)
def test_svdf_is_refused_where_the_reference_would_fail(changes, found):
    said = _svdf(**changes)
    assert found in said if found else not said


def test_a_variable_that_nothing_updates_is_refused():
    model = ModelBuilder()
    x = model.tensor((1, 3), scale=0.1)
    past = model.tensor((1, 3), scale=0.1, variable=True)
    y, z = model.tensor((1, 3), scale=0.1), model.tensor((1, 3), scale=0.1)
    model.op("RESHAPE", [past], [y], {"new_shape": [1, 3]})
    model.op("RESHAPE", [x], [z], {"new_shape": [1, 3]})
    with pytest.raises(UnsupportedModel, match="the variable of another operator"):
        compiled_model.compile_graph(model.finish([x], [y, z]), "portable")


def _lstm(**changes: Any) -> str:
    """What is said of an LSTM of 2 units over 3 inputs that differs by `changes`."""
    model = ModelBuilder()
    x = model.tensor((1, 4, 3), scale=0.02)
    operands = {0: x, 18: model.tensor((1, 2), scale=0.01, variable=True)}
    for gate in range(4):
        operands[1 + gate] = model.tensor((2, 3), scale=0.1, values=np.ones(6))
        operands[5 + gate] = model.tensor((2, 2), scale=0.1, values=np.ones(4))
        operands[12 + gate] = model.tensor((2,), "int32", scale=0.1, values=np.ones(2))
    scale = changes.get("cell", 2.0**-11)
    operands[19] = model.tensor((1, 2), "int16", scale=scale, variable=True)
    for position in changes.get("more", ()):
        operands[position] = model.tensor((2,), "int16", scale=0.1, values=np.ones(2))
    for position in changes.get("less", ()):
        del operands[position]
    inputs = [operands.get(i, -1) for i in range(changes.get("inputs", 24))]
    between = [model.tensor((0,), scale=0.01) for _ in range(changes.get("between", 5))]
    y = model.tensor(changes.get("output", (1, 4, 2)), scale=0.01)
    options = {"fused_activation_function": "TANH", **changes.get("options", {})}
    name = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    model.op(name, inputs, [y], options, intermediates=between)
    try:
        compiled_model.compile_graph(model.finish([x], [y]), "portable")
    except UnsupportedModel as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, ""),
        ({"inputs": 20}, ""),
        ({"inputs": 21}, "has 21 inputs, not 20 or 24"),
        ({"more": (10,)}, "has peephole weights"),
        ({"more": (16,)}, "has a projection"),
        ({"more": (21,)}, "has layer normalization"),
        ({"less": (1, 5, 12)}, "input and forget gates coupled"),
        ({"less": (13,)}, "lacks its input 13"),
        ({"less": (18,)}, "lacks its input 18"),
        ({"between": 4}, "has 4 intermediate tensors, not 5"),
        ({"cell": 0.001}, "has a cell of scale 0.001"),
        ({"cell": 2.0**-16}, "has a cell of scale"),
        ({"output": (1, 4, 3)}, "has output shape (1, 4, 3) for 2 units"),
        ({"options": {"fused_activation_function": "RELU"}}, "only TANH is exact here"),
        ({"options": {"cell_clip": -1.0}}, "has cell_clip -1.0"),
        ({"options": {"diagonal_recurrent_tensors": True}}, "diagonal recurrent weights"),
        ({"options": {"time_major": True}}, "has a state of 2 instead of 8"),
    ],
)
def test_other_lstms_are_refused(changes, found):
    said = _lstm(**changes)
    assert found in said if found else not said


@pytest.mark.parametrize(("family", "seed"), [("lstm", 9), ("lstm", 11), ("svdf", 0), ("svdf", 3)])
def test_a_long_sequence_stays_exact(family, seed):
    """An error of one step in a state would grow with each inference."""
    data = FAMILIES[family](Seeded(seed)).data
    inputs = compiled_model.random_inputs(read(data), 200)
    wanted = compiled_model.expected(data, inputs)
    assert len({outputs[0].tobytes() for outputs in wanted}) > 100
    compiled_model.assert_equal(data, compiled_model.run_on_host(data, inputs), wanted, what=family)
    got = compiled_model.run_on_m4(data, inputs).outputs
    compiled_model.assert_equal(data, got, wanted, what=f"{family} on Cortex-M4")
