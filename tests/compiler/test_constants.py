"""Layers that are constant: what takes their place, and that the outputs stay."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy import compiler, model
from edge_deploy.compiler import passes
from edge_deploy.compiler.ops.uniform import Uniform
from tests import compiled_model
from tests.compiler.rows import Row, check, program_of
from tests.nn.cases import Seeded
from tests.nn.cases_channels import FAMILIES

SHAPE = (1, 2, 3, 2)


def _constant_row() -> Row:
    row = Row((1, 2, 3, 1))
    row.weighted("CONV_2D", [[[[3]]], [[[4]]]], [0, 0], SHAPE)
    row.weighted("CONV_2D", np.zeros((2, 1, 1, 2)), [5, -9], SHAPE)
    return row


def _softmax(row: Row, shape: tuple[int, ...] = SHAPE) -> None:
    y = row.tensor(shape, scale=1 / 256, zero_point=-128)
    row.op("SOFTMAX", [row.at], [y], {"beta": 1.0})
    row.at = y


def _check_on_m4(row: Row) -> None:
    check(row.data())
    inputs = compiled_model.random_inputs(model.read(row.data()), 3)
    wanted = compiled_model.expected(row.data(), inputs)
    got = compiled_model.run_on_m4(row.data(), inputs).outputs
    compiled_model.assert_equal(row.data(), got, wanted, what="Cortex-M4")


def test_a_constant_output_of_the_model_is_written_and_nothing_computed():
    row = _constant_row()
    program = passes.run(row.program())
    (layer,) = program.layers
    assert isinstance(layer, Uniform)
    assert layer.values.view(np.int8).tolist() == [5, -9]
    assert (layer.positions, program.macs) == (6, 0)
    _check_on_m4(row)


def test_a_constant_for_a_layer_that_folds_none_is_written():
    row = _constant_row()
    _softmax(row)
    program = passes.run(row.program())
    assert [type(layer).__name__ for layer in program.layers] == ["Uniform", "Softmax"]
    _check_on_m4(row)


def test_one_value_for_all_channels_is_a_fill():
    row = Row((1, 2, 3, 1))
    row.weighted("CONV_2D", np.zeros((3, 1, 1, 1)), [-7, -7, -7], (1, 2, 3, 3))
    _softmax(row, (1, 2, 3, 3))
    first = passes.run(row.program()).layers[0]
    assert isinstance(first, Uniform)
    assert "ed_fill(18, -7, output)" in first.code("portable").body
    _check_on_m4(row)


def test_a_constant_for_a_convolution_goes_into_its_bias():
    row = _constant_row()
    left = row.at
    row.at = row.start
    right = row.weighted("CONV_2D", [[[[1]]], [[[2]]]], [0, 0], SHAPE)
    row.two("MUL", left, right, SHAPE)
    row.weighted("CONV_2D", [[[[1, 1]]]], [0], (1, 2, 3, 1))
    assert "Uniform" in {type(x).__name__ for x in passes.run(row.program()).layers}
    _check_on_m4(row)
    row.weighted("CONV_2D", [[[[0]]]], [3], (1, 2, 3, 1))
    assert [type(x).__name__ for x in passes.run(row.program()).layers] == ["Uniform"]
    _check_on_m4(row)


def test_a_constant_of_unsigned_bytes():
    row = Row((1, 2, 3, 1))
    row.weighted("CONV_2D", np.zeros((2, 1, 1, 1)), [-100, 100], SHAPE)
    y = row.tensor(SHAPE, "uint8", scale=1.0, zero_point=128)
    row.op("QUANTIZE", [row.at], [y], None)
    row.at = y
    (layer,) = passes.run(row.program()).layers
    assert isinstance(layer, Uniform)
    assert layer.values.tolist() == [28, 228]
    _check_on_m4(row)


def test_one_channel_that_is_not_constant_is_enough_to_compute():
    row = Row((1, 2, 3, 1))
    row.weighted("CONV_2D", [[[[0]]], [[[1]]]], [5, 0], SHAPE)
    program = row.program()
    assert passes.fix_constants(program) == program


@pytest.mark.parametrize("family", FAMILIES)
def test_with_and_without_the_pass_outputs_are_the_same(
    family: str, monkeypatch: pytest.MonkeyPatch
):
    """Of the first models of a family in which the pass finds something."""
    found = 0
    for seed in range(400):
        case = FAMILIES[family](Seeded(seed))
        program = program_of(case.data)
        fixed = passes.fix_constants(program)
        if found == 4 or not any(isinstance(layer, Uniform) for layer in fixed.layers):
            continue
        found += 1
        inputs = compiled_model.random_inputs(model.read(case.data), 5, seed)
        wanted = compiled_model.expected(case.data, inputs)
        got = compiled_model.run_on_host(case.data, inputs)
        compiled_model.assert_equal(case.data, got, wanted, what=case.text)
        with monkeypatch.context() as patch:
            patch.setattr(passes, "fix_constants", lambda program: program)
            got = compiled_model.run_on_host(case.data, inputs)
            before = compiler.compile(model.read(case.data), target="portable")
        compiled_model.assert_equal(case.data, got, wanted, what=f"without, {case.text}")
        after = compiler.compile(model.read(case.data), target="portable")
        assert after.macs_after_passes <= before.macs_after_passes
    assert found == 4
