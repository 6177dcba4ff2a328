"""Variables of a file: found, initialised, and refused where TFLite would fail or we cannot."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edge_deploy import model
from edge_deploy.errors import UnsupportedModel
from edge_deploy.model.graph import DType
from tests.model_file import ModelBuilder
from tests.nn.cases_state import Memory

SHAPE = (1, 4)
ONES = np.ones(SHAPE, np.int8)


def _value(memory: Memory, shape: tuple[int, ...] = SHAPE, dtype: str = "int8") -> int:
    return memory.model.tensor(shape, dtype, scale=0.1)


def _finish(memory: Memory, x: int) -> bytes:
    """With a RELU, so that there is an output whatever the variables do."""
    y = _value(memory)
    memory.model.op("RELU", [x], [y])
    return memory.finish([x], [y])


def test_a_variable_is_one_through_all_its_handles():
    memory = Memory()
    memory.initialise("a", 7 * ONES)
    memory.initialise("b", 8 * ONES)
    memory.initialise("a", 9 * ONES)  # the last one counts
    x = _value(memory)
    memory.begin()
    first = memory.handle("a")
    read = memory.read("a", SHAPE, scale=0.1)
    second = memory.handle("a", new=True)
    memory.assign("a", read)
    other = memory.handle("b")
    memory.read("b", SHAPE, scale=0.1)
    memory.handle("c")  # that nothing uses
    graph = model.read(_finish(memory, x))
    assert graph.variables.keys() == {first, second, other}
    found = graph.variables[second]
    assert found == graph.variables[first]
    assert (found.tensor, found.name, found.shape, found.dtype) == (first, "a", SHAPE, DType.INT8)
    assert (found.initial == 9).all()
    assert (graph.variables[other].initial == 8).all()


def test_what_is_assigned_before_it_is_read_has_no_beginning():
    memory = Memory()
    x = _value(memory)
    memory.assign("a", x)
    memory.read("a", SHAPE, scale=0.1)
    assert model.read(_finish(memory, x)).variables[memory.handle("a")].initial is None


def _read_unassigned(memory: Memory, x: int) -> None:
    del x
    memory.read("a", SHAPE, scale=0.1)


def _read_another_shape(memory: Memory, x: int) -> None:
    memory.assign("a", x)
    memory.read("a", (4, 1), scale=0.1)


def _assign_another_type(memory: Memory, x: int) -> None:
    memory.assign("a", x)
    memory.assign("a", memory.model.tensor(SHAPE, "int16", scale=0.1, values=np.ones(4)))


def _initialise_late(memory: Memory, x: int) -> None:
    memory.initialise("a", ONES)
    memory.assign("a", x)
    memory.begin()


def _initialise_another_shape(memory: Memory, x: int) -> None:
    del x
    memory.initialise("a", np.ones((1, 5), np.int8))
    memory.begin()
    memory.read("a", SHAPE, scale=0.1)


def _compute_the_beginning(memory: Memory, x: int) -> None:
    del x
    memory.initialise("a", ONES)
    memory.first.op("RELU", [1], [memory.first.tensor(SHAPE, scale=1.0)])
    memory.begin()


def _initialise_within(memory: Memory, x: int) -> None:
    del x
    memory.initialise("a", ONES)
    memory.first.op("CALL_ONCE", [], [], {"init_subgraph_index": 1})
    memory.begin()


def _no_text(memory: Memory, x: int) -> None:
    memory.assign("a\0b", x)


def _pass_a_handle_on(memory: Memory, x: int) -> None:
    memory.assign("a", x)
    memory.model.op("RELU", [memory.handle("a")], [_value(memory)])


@pytest.mark.parametrize(
    ("change", "error", "found"),
    [
        (_read_unassigned, model.BadModel, "read the variable 'a' before it is assigned"),
        (_read_another_shape, UnsupportedModel, "change from 1x4 of int8 to 4x1 of int8"),
        (_assign_another_type, UnsupportedModel, "change from 1x4 of int8 to 1x4 of int16"),
        (_initialise_late, UnsupportedModel, "operator 2, CALL_ONCE after it has used some"),
        (_initialise_another_shape, UnsupportedModel, "change from 1x5 of int8 to 1x4 of int8"),
        (_compute_the_beginning, UnsupportedModel, "initialises with RELU; only constants"),
        (_initialise_within, UnsupportedModel, "initialises with CALL_ONCE; only constants"),
        (_no_text, UnsupportedModel, "names the variable of operator 0, VAR_HANDLE with no text"),
        (_pass_a_handle_on, UnsupportedModel, "passes the handle of a variable through operator"),
    ],
)
def test_refused_in_one_line(
    change: Callable[[Memory, int], None], error: type[Exception], found: str
) -> None:
    memory = Memory()
    x = _value(memory)
    change(memory, x)
    with pytest.raises(error) as caught:
        model.read(_finish(memory, x))
    assert found in str(caught.value)


def _with_operator(name: str, inputs: list[int], outputs: list[int], handle_shape=(), **options):
    """x, a handle, another handle that nothing makes, y; and an operator between."""
    builder = ModelBuilder()
    x = builder.tensor(SHAPE, scale=0.1)
    handle = builder.tensor(handle_shape, "resource")
    builder.tensor((), "resource")
    y = builder.tensor(SHAPE, scale=0.1)
    builder.op("VAR_HANDLE", [], [handle], {"shared_name": "a"})
    builder.op(name, inputs, outputs, options or None)
    builder.op("RELU", [x], [y])
    return builder.finish([x], [y])


X, HANDLE, STRANGER, Y = 0, 1, 2, 3


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (_with_operator("ASSIGN_VARIABLE", [HANDLE], []), "has 1 inputs and 0 outputs for"),
        (_with_operator("ASSIGN_VARIABLE", [HANDLE, -1], []), "ASSIGN_VARIABLE assign nothing"),
        (_with_operator("ASSIGN_VARIABLE", [X, X], []), "no handle that a VAR_HANDLE made"),
        (_with_operator("ASSIGN_VARIABLE", [-1, X], []), "no handle that a VAR_HANDLE made"),
        (_with_operator("ASSIGN_VARIABLE", [HANDLE, HANDLE], []), "has a handle as the value of"),
        (_with_operator("READ_VARIABLE", [STRANGER], [Y]), "which nothing has produced by then"),
        (_with_operator("VAR_HANDLE", [], []), "has 0 inputs and 0 outputs for operator 1"),
        (_with_operator("VAR_HANDLE", [], [STRANGER], (2,)), "VAR_HANDLE make 2 of resource"),
        (
            _with_operator("CALL_ONCE", [], [], init_subgraph_index=1),
            "has 1 subgraphs; operator 1, CALL_ONCE, calls subgraph 1",
        ),
        (
            _with_operator("CALL_ONCE", [], [], init_subgraph_index=0),
            "has 1 subgraphs; operator 1, CALL_ONCE, calls subgraph 0",
        ),
        (
            _with_operator("CALL_ONCE", [], [], init_subgraph_index=-1),
            "has 1 subgraphs; operator 1, CALL_ONCE, calls subgraph -1",
        ),
    ],
)
def test_broken_in_one_line(data, found):
    with pytest.raises(model.BadModel) as caught:
        model.read(data)
    assert found in str(caught.value)


def test_an_initialisation_has_no_ends():
    memory = Memory()
    memory.initialise("a", ONES)
    x = _value(memory)
    memory.begin()
    y = memory.read("a", SHAPE, scale=0.1)
    data = memory.model.finish([x], [y], others=[(memory.first, [], [1])])
    with pytest.raises(model.BadModel, match="subgraph 1, which has inputs or outputs"):
        model.read(data)


def test_a_handle_holds_no_data():
    builder = ModelBuilder()
    x = builder.tensor(SHAPE, scale=0.1)
    builder.tensor((1,), "resource", values=b"\0\0\0\0")
    y = builder.tensor(SHAPE, scale=0.1)
    builder.op("RELU", [x], [y])
    with pytest.raises(model.BadModel, match="has data for tensor 1"):
        model.read(builder.finish([x], [y]))


def test_subgraphs_are_counted():
    memory = Memory()
    memory.initialise("a", ONES)
    x = _value(memory)
    for _ in range(20):
        memory.begin()
    y = memory.read("a", SHAPE, scale=0.1)
    with pytest.raises(UnsupportedModel, match="has 21 subgraphs; at most 16 are read"):
        model.read(memory.model.finish([x], [y], others=[(memory.first, [], [])] * 20))
    assert model.read(memory.finish([x], [y])).variables
