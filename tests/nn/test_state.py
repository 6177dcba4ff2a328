"""Models that remember against the reference, over sequences of inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_deploy.errors import UnsupportedModel
from tests import compiled_model
from tests.model_file import ModelBuilder
from tests.nn import checks
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
