"""Copies that are left out where parts can lie in the whole."""

from __future__ import annotations

from edge_deploy import compiler, model
from edge_deploy.compiler import ops, passes, plan
from edge_deploy.compiler.passes.program import Program, View
from tests.model_file import ModelBuilder
from tests.nn.cases import Seeded
from tests.nn.cases_views import views

_SOFTMAX = {"scale": 1 / 256, "zero_point": -128}


def _program(data):
    graph = model.read(data)
    return passes.run(Program(graph, ops.read(graph), graph.inputs, graph.outputs))


def _joined(rows):
    """Softmax of [rows, 4] twice, joined along the first dimension, softmax of that."""
    builder = ModelBuilder()
    x = builder.tensor((rows, 4), **_SOFTMAX)
    a, b = (builder.tensor((rows, 4), **_SOFTMAX) for _ in range(2))
    both, y = (builder.tensor((2 * rows, 4), **_SOFTMAX) for _ in range(2))
    for output in (a, b):
        builder.op("SOFTMAX", [x], [output], {"beta": 1.0})
    builder.op("CONCATENATION", [a, b], [both], {"axis": 0})
    builder.op("SOFTMAX", [both], [y], {"beta": 1.0})
    return builder.finish([x], [y]), (a, b, both)


def test_what_is_joined_is_computed_in_its_place():
    data, (a, b, both) = _joined(3)
    program = passes.view_parts(_program(data))
    assert [layer.operator for layer in program.layers] == ["SOFTMAX"] * 3
    assert program.views == {a: View(both, 0), b: View(both, 12)}
    planned = plan.plan(program, "portable")
    at = planned.tensor_offsets
    assert (at[a], at[b]) == (at[both], at[both] + 12)


def test_the_same_part_twice_is_copied_once():
    builder = ModelBuilder()
    x, a = (builder.tensor((1, 4), **_SOFTMAX) for _ in range(2))
    y = builder.tensor((2, 4), **_SOFTMAX)
    builder.op("SOFTMAX", [x], [a], {"beta": 1.0})
    builder.op("CONCATENATION", [a, a], [y], {"axis": 0})
    program = passes.view_parts(_program(builder.finish([x], [y])))
    assert program.views == {a: View(y, 0)}
    assert [layer.operator for layer in program.layers] == ["SOFTMAX", "CONCATENATION"]


def _sliced(begin):
    """Softmax of three bytes of twelve."""
    builder = ModelBuilder()
    x = builder.tensor((12,), **_SOFTMAX)
    a, y = (builder.tensor((3,), **_SOFTMAX) for _ in range(2))
    numbers = [builder.tensor((1,), "int32", values=[value]) for value in (begin, 3)]
    builder.op("SLICE", [x, *numbers], [a])
    builder.op("SOFTMAX", [a], [y], {"beta": 1.0})
    return _program(builder.finish([x], [y])), x, a


def test_a_piece_is_read_where_it_is_if_it_begins_at_a_word():
    program, x, a = _sliced(8)
    assert passes.view_parts(program).views == {a: View(x, 8)}
    program, _, _ = _sliced(7)
    assert passes.view_parts(program) == program


def test_views_never_cost_memory():
    pays = 0
    for seed in range(60):
        data = views(Seeded(seed)).data
        copied = _program(data)
        arenas = [
            plan.plan(program, "portable").arena_bytes
            for program in (copied, passes.view_parts(copied))
        ]
        pays += arenas[1] < arenas[0]
        compiled = compiler.compile(model.read(data), target="portable")
        assert compiled.arena_bytes == min(arenas)
    assert pays > 5
