"""Constant and unread channels: what goes is what may go.

Counts and biases are made by hand, outputs compared with the reference.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from edge_deploy import model
from edge_deploy.compiler import passes
from edge_deploy.compiler.ops.conv import Conv
from edge_deploy.compiler.ops.depthwise import Depthwise
from edge_deploy.compiler.ops.fully_connected import FullyConnected
from edge_deploy.compiler.ops.layer import Layer
from edge_deploy.compiler.ops.mul import Mul
from edge_deploy.compiler.ops.strided import Strided
from edge_deploy.compiler.passes import Program
from edge_deploy.compiler.passes.channels import ranges
from tests import compiled_model
from tests.compiler.rows import Row, check, program_of
from tests.model_file import ModelBuilder
from tests.nn.cases import Seeded
from tests.nn.cases_channels import FAMILIES
from tests.shared_models import mlperf

ANY = 2**27  # a bias that no sum of products here can make up for


def _sizes(program: Program) -> list[tuple[int, ...]]:
    return [
        layer.weights.shape
        for layer in program.layers
        if isinstance(layer, Conv | Depthwise | FullyConnected)
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_without_the_pass_outputs_are_the_same(family: str, monkeypatch: pytest.MonkeyPatch):
    """Of the first models of a family of which the pass takes something away."""
    found = 0
    for seed in range(400):
        case = FAMILIES[family](Seeded(100 + seed))
        program = program_of(case.data)
        if found == 4 or passes.remove_channels(program).macs == program.macs:
            continue
        found += 1
        inputs = compiled_model.random_inputs(model.read(case.data), 6, seed)
        wanted = compiled_model.expected(case.data, inputs)
        got = compiled_model.run_on_host(case.data, inputs)
        compiled_model.assert_equal(case.data, got, wanted, what=case.text)
        with monkeypatch.context() as patch:
            patch.setattr(passes, "remove_channels", lambda program: program)
            got = compiled_model.run_on_host(case.data, inputs)
        compiled_model.assert_equal(case.data, got, wanted, what=f"without, {case.text}")
    assert found == 4


def test_a_row_of_zeros_goes_and_its_constant_is_in_the_bias():
    row = Row((1, 2, 2, 2), zero_point=-5)
    row.weighted("CONV_2D", [[[[0, 0]]], [[[3, 1]]]], [17, 2], (1, 2, 2, 2), zero_point=-7)
    row.weighted("CONV_2D", [[[[2, -1]]]], [40], (1, 2, 2, 1))
    first, second = passes.remove_channels(row.program()).layers
    assert isinstance(first, Conv)
    assert isinstance(second, Conv)
    np.testing.assert_array_equal(first.weights, [[[[3, 1]]]])
    np.testing.assert_array_equal(first.bias, [2])
    np.testing.assert_array_equal(second.weights, [[[[-1]]]])
    np.testing.assert_array_equal(second.bias, [40 + 2 * 17])
    assert (first.window.output_channels, second.window.input_channels) == (1, 1)
    assert len(first.requantization.multipliers) == 1
    check(row.data())


def test_sizes_of_tensors_follow():
    row = Row((1, 3, 2, 1))
    middle = row.weighted("CONV_2D", [[[[0]]], [[[1]]], [[[2]]]], [1, 2, 3], (1, 3, 2, 3))
    row.weighted("CONV_2D", [[[[1, 1, 1]]]], [0], (1, 3, 2, 1))
    program = passes.remove_channels(row.program())
    assert program.bytes_of(middle) == 12
    assert program.bytes_of(row.at) == 6
    assert row.program().bytes_of(middle) == 18


def test_a_sum_that_always_saturates_is_a_constant():
    row = Row((1, 2, 2, 2))
    row.weighted("CONV_2D", [[[[9, -9]]], [[[1, 1]]]], [-ANY, 0], (1, 2, 2, 2), zero_point=4)
    row.weighted("CONV_2D", [[[[1, 1]]]], [0], (1, 2, 2, 1))
    _, second = passes.remove_channels(row.program()).layers
    assert isinstance(second, Conv)
    np.testing.assert_array_equal(second.bias, [-132])  # the lowest int8, less the zero point
    check(row.data())


def test_a_clamp_narrows_what_the_next_layer_can_give():
    # Channels from 4 on, then 2 * x + 240 - 2 * 4 is at least 240, and saturates.
    row = Row((1, 1, 1, 2), zero_point=-128)
    relu = row.weighted("CONV_2D", [[[[1, 0]]], [[[0, 1]]]], [0, 0], (1, 1, 1, 2), zero_point=4)
    row.operators[-1].options["fused_activation_function"] = "RELU"  # type: ignore[index]
    middle = row.weighted("CONV_2D", [[[[2, 0]]], [[[1, 1]]]], [240, 0], (1, 1, 1, 2))
    row.weighted("CONV_2D", [[[[1, 1]]]], [0], (1, 1, 1, 1))
    known = ranges(row.program())
    assert known[relu].lowest.tolist() == [4, 4]
    assert known[middle].constant.tolist() == [True, False]
    check(row.data())


@pytest.mark.parametrize("operator", ["CONV_2D", "DEPTHWISE_CONV_2D"])
@pytest.mark.parametrize("constant", [0, 3])
def test_at_a_border_a_constant_goes_only_where_it_is_the_zero_point(operator: str, constant: int):
    kernel = np.arange(1, 10).reshape(3, 3)
    row = Row((1, 3, 4, 1))
    row.weighted("CONV_2D", [[[[1]]], [[[0]]]], [0, constant], (1, 3, 4, 2), zero_point=0)
    if operator == "CONV_2D":
        row.weighted(operator, np.stack([kernel, kernel], axis=-1)[None], [5], (1, 3, 4, 1))
        row.weighted("CONV_2D", [[[[1]]]], [0], (1, 3, 4, 1))
        kept = (1, 3, 3, 1 if constant == 0 else 2)
    else:
        row.weighted(operator, np.stack([kernel, kernel], axis=-1)[None], [5, 5], (1, 3, 4, 2))
        row.weighted("CONV_2D", [[[[1, 1]]]], [0], (1, 3, 4, 1))
        kept = (3, 3, 1 if constant == 0 else 2)
    after = passes.remove_channels(row.program())
    assert _sizes(after)[1] == kept
    check(row.data())


def test_at_a_border_a_constant_goes_where_the_taps_outside_are_zero():
    kernel = np.zeros((3, 3), int)
    kernel[1, 1] = 7  # the one tap that is always on the map
    row = Row((1, 3, 4, 1), zero_point=-128)
    row.weighted("CONV_2D", [[[[1]]], [[[0]]]], [0, 3], (1, 3, 4, 2))
    row.weighted("CONV_2D", np.stack([np.ones((3, 3)), kernel], axis=-1)[None], [5], (1, 3, 4, 1))
    _, second = passes.remove_channels(row.program()).layers
    assert isinstance(second, Conv)
    assert second.weights.shape == (1, 3, 3, 1)
    np.testing.assert_array_equal(second.bias, [5 + 7 * 3])
    check(row.data())


def test_saturation_hides_a_border():
    # The depthwise sums differ at the border, but all are above 127.
    row = Row((1, 3, 4, 1))
    row.weighted("CONV_2D", [[[[1]]], [[[0]]]], [0, 100], (1, 3, 4, 2))
    row.weighted("DEPTHWISE_CONV_2D", np.full((1, 3, 3, 2), 1), [5, 0], (1, 3, 4, 2))
    row.weighted("CONV_2D", [[[[1, 1]]]], [0], (1, 3, 4, 1))
    after = passes.remove_channels(row.program())
    assert _sizes(after) == [(1, 1, 1, 1), (3, 3, 1), (1, 1, 1, 1)]
    check(row.data())


def test_what_nobody_reads_goes_with_what_it_was_made_of():
    row = Row((1, 2, 2, 1))
    row.weighted("CONV_2D", [[[[1]]], [[[5]]], [[[9]]]], [0, 1, 2], (1, 2, 2, 3))
    row.weighted("DEPTHWISE_CONV_2D", [[[[1, 2, 3]]]], [0, 0, 0], (1, 2, 2, 3))
    row.weighted("CONV_2D", [[[[1, 0, 4]]]], [0], (1, 2, 2, 1))
    after = passes.remove_channels(row.program())
    assert _sizes(after) == [(2, 1, 1, 1), (1, 1, 2), (1, 1, 1, 2)]
    check(row.data())


def test_two_readers_must_agree():
    row = Row((1, 2, 2, 1))
    shared = row.weighted("CONV_2D", [[[[1]]], [[[5]]]], [0, 1], (1, 2, 2, 2))
    one = row.weighted("CONV_2D", [[[[1, 0]]]], [0], (1, 2, 2, 1))
    row.at = shared
    row.weighted("CONV_2D", [[[[0, 1]]]], [0], (1, 2, 2, 1))
    assert _sizes(passes.remove_channels(row.program(one)))[0] == (2, 1, 1, 1)
    assert _sizes(passes.remove_channels(row.program()))[0] == (1, 1, 1, 1)
    check(row.data(one))


def test_an_output_of_the_model_keeps_its_channels():
    row = Row((1, 2, 2, 1))
    shared = row.weighted("CONV_2D", [[[[0]]], [[[5]]]], [3, 1], (1, 2, 2, 2))
    row.weighted("CONV_2D", [[[[1, 1]]]], [0], (1, 2, 2, 1))
    after = passes.remove_channels(row.program(shared))
    assert _sizes(after)[0] == (2, 1, 1, 1)
    assert after.sizes == {}
    check(row.data(shared))


def test_a_flattened_map_loses_columns_of_every_pixel():
    row = Row((1, 2, 2, 1))
    row.weighted("CONV_2D", [[[[1]]], [[[0]]], [[[-1]]]], [0, 6, 0], (1, 2, 2, 3))
    flat = row.tensor((1, 12), scale=1.0)
    wanted = row.tensor((2,), "int32", values=[1, 12])
    row.op("RESHAPE", [row.at, wanted], [flat], {"new_shape": [1, 12]})
    row.at = flat
    weights = np.arange(24).reshape(2, 12) - 12
    row.weighted("FULLY_CONNECTED", weights, [1, 2], (1, 2))
    _, dense = passes.remove_channels(row.program()).layers
    assert isinstance(dense, FullyConnected)
    np.testing.assert_array_equal(dense.weights, weights[:, [0, 2, 3, 5, 6, 8, 9, 11]])
    gone = weights[:, 1::3].sum(axis=1) * 6
    np.testing.assert_array_equal(dense.bias, np.array([1, 2]) + gone)
    check(row.data())


def test_channels_that_a_reader_sees_otherwise_stay():
    row = Row((1, 2, 2, 1))
    row.weighted("CONV_2D", [[[[0]]], [[[5]]]], [3, 1], (1, 2, 2, 2))
    other = row.tensor((1, 2, 1, 4), scale=1.0)
    wanted = row.tensor((4,), "int32", values=[1, 2, 1, 4])
    row.op("RESHAPE", [row.at, wanted], [other], {"new_shape": [1, 2, 1, 4]})
    row.at = other
    row.weighted("DEPTHWISE_CONV_2D", np.ones((1, 1, 1, 4)), [0, 0, 0, 0], (1, 2, 1, 4))
    row.weighted("CONV_2D", [[[[1, 1, 1, 1]]]], [0], (1, 2, 1, 1))
    assert _sizes(passes.remove_channels(row.program()))[0] == (2, 1, 1, 1)
    check(row.data())


def test_one_channel_stays_where_none_is_needed():
    row = Row((1, 2, 2, 1))
    row.weighted("CONV_2D", [[[[5]]], [[[5]]]], [3, 1], (1, 2, 2, 2))
    row.weighted("CONV_2D", [[[[0, 0]]], [[[0, 0]]]], [1, 2], (1, 2, 2, 2))
    row.weighted("CONV_2D", [[[[1, 1]]]], [0], (1, 2, 2, 1))
    assert _sizes(passes.remove_channels(row.program())) == [(1, 1, 1, 1)] * 3
    check(row.data())


def test_without_sets_of_taps_a_constant_stays_unless_it_is_the_zero_point():
    size = 60  # a kernel as large as the map: more sets than are told apart
    for constant, kept in ((0, 1), (3, 2)):
        row = Row((1, 1, size, 1))
        row.weighted("CONV_2D", [[[[1]]], [[[0]]]], [0, constant], (1, 1, size, 2))
        row.weighted("CONV_2D", np.ones((1, 1, size, 2)), [5], (1, 1, size, 1))
        row.weighted("CONV_2D", [[[[1]]]], [0], (1, 1, size, 1))
        assert _sizes(passes.remove_channels(row.program()))[1] == (1, 1, size, kept)
        check(row.data())


def test_pools_and_strides_let_channels_through():
    row = Row((1, 4, 4, 1))
    row.weighted("CONV_2D", [[[[1]]], [[[0]]]], [0, 9], (1, 4, 4, 2), zero_point=-20)
    options = {"padding": "SAME", "stride_h": 2, "stride_w": 2, "filter_height": 3}
    options |= {"filter_width": 3, "fused_activation_function": "RELU"}
    for operator, size in (("AVERAGE_POOL_2D", 2), ("MAX_POOL_2D", 1)):
        y = row.tensor((1, size, size, 2), scale=1.0, zero_point=-20)
        row.op(operator, [row.at], [y], options)
        row.at = y
    row.weighted("CONV_2D", [[[[3, 2]]]], [1], (1, 1, 1, 1))
    after = passes.remove_channels(row.program())
    assert [x.window.input_channels for x in after.layers] == [1, 1, 1, 1]
    last = after.layers[-1]
    assert isinstance(last, Conv)
    np.testing.assert_array_equal(last.bias, [1 + 2 * 9])
    check(row.data())


@pytest.mark.parametrize("other", [0, 1])
def test_a_sum_loses_a_channel_only_where_all_parties_agree(other: int):
    row = Row((1, 2, 2, 1))
    shape = (1, 2, 2, 2)
    first = row.weighted("CONV_2D", [[[[1]]], [[[0]]]], [0, 7], shape)
    row.at = row.start
    second = row.weighted("CONV_2D", [[[[2]]], [[[other]]]], [0, -3], shape)
    row.two("ADD", first, second, shape)
    row.weighted("CONV_2D", [[[[1, 5]]]], [0], (1, 2, 2, 1))
    after = passes.remove_channels(row.program())
    left = 2 if other else 1
    assert _sizes(after) == [(left, 1, 1, 1), (left, 1, 1, 1), (1, 1, 1, left)]
    last = after.layers[-1]
    assert isinstance(last, Conv)
    np.testing.assert_array_equal(last.bias, [0 if other else 5 * (7 - 3)])
    check(row.data())


def test_a_constant_operand_loses_the_channel_too():
    row = Row((1, 2, 2, 1))
    row.weighted("CONV_2D", [[[[1]]], [[[0]]], [[[3]]]], [0, 7, 0], (1, 2, 2, 3))
    constant = row.tensor((3,), scale=1.0, values=[2, 4, 6])
    row.two("MUL", row.at, constant, (1, 2, 2, 3))
    row.weighted("CONV_2D", [[[[1, 5, 1]]]], [0], (1, 2, 2, 1))
    _, product, last = passes.remove_channels(row.program()).layers
    assert isinstance(product, Mul)
    assert isinstance(last, Conv)
    assert product.operands.constant is not None
    assert product.operands.constant.tolist() == [2, 6]
    assert product.operands.output.shape == (1, 2, 2, 2)
    np.testing.assert_array_equal(last.bias, [5 * 7 * 4])
    check(row.data())


def test_a_channel_stretched_over_all_stays():
    row = Row((1, 2, 2, 1))
    shape = (1, 2, 2, 3)
    one = row.weighted("CONV_2D", [[[[1]]]], [9], (1, 2, 2, 1))
    row.at = row.start
    many = row.weighted("CONV_2D", [[[[1]]], [[[2]]], [[[3]]]], [0, 0, 0], shape)
    row.two("SUB", many, one, shape)
    row.weighted("CONV_2D", [[[[1, 0, 1]]]], [0], (1, 2, 2, 1))
    after = passes.remove_channels(row.program())
    assert _sizes(after) == [(1, 1, 1, 1), (2, 1, 1, 1), (1, 1, 1, 2)]
    check(row.data())


@pytest.mark.parametrize("operator", ["MEAN", "REDUCE_MAX", "REDUCE_MIN", "SUM"])
def test_reductions_of_maps_let_channels_through(operator: str):
    row = Row((1, 4, 3, 1), zero_point=2)
    row.weighted("CONV_2D", [[[[1]]], [[[0]]]], [0, 9], (1, 4, 3, 2), zero_point=-3)
    y = row.tensor((1, 2), scale=1.0, zero_point=-3)
    over = row.tensor((2,), "int32", values=[1, 2])
    row.op(operator, [row.at, over], [y], {"keep_dims": False}, version=2)
    row.at = y
    row.weighted("FULLY_CONNECTED", [[3, 2]], [1], (1, 1))
    after = passes.remove_channels(row.program())
    last = after.layers[-1]
    assert isinstance(last, FullyConnected)
    left = 2 if operator == "SUM" else 1  # the reference misreads sums, so none is known
    assert _sizes(after) == [(left, 1, 1, 1), (1, left)]
    np.testing.assert_array_equal(last.bias, [1 if operator == "SUM" else 1 + 2 * 9])
    check(row.data())


def test_a_reduction_of_channels_needs_all():
    row = Row((1, 2, 2, 1))
    row.weighted("CONV_2D", [[[[1]]], [[[0]]]], [0, 9], (1, 2, 2, 2))
    y = row.tensor((1, 2, 2, 1), scale=1.0)
    over = row.tensor((1,), "int32", values=[-1])
    row.op("MEAN", [row.at, over], [y], {"keep_dims": True}, version=2)
    row.at = y
    row.weighted("CONV_2D", [[[[3]]]], [1], (1, 2, 2, 1))
    assert _sizes(passes.remove_channels(row.program())) == [(2, 1, 1, 1), (1, 1, 1, 1)]
    check(row.data())


def _side_by_side(row: Row, parts: Sequence[int], shape: Sequence[int], axis: int = 3) -> None:
    row.at = row.tensor(shape, scale=1.0)
    row.op("CONCATENATION", parts, [row.at], {"axis": axis}, version=2)


def test_channels_side_by_side_go_where_nobody_reads_them():
    row = Row((1, 2, 2, 1))
    shape = (1, 2, 2, 2)
    left = row.weighted("CONV_2D", [[[[1]]], [[[2]]]], [0, 0], shape)
    row.at = row.start
    right = row.weighted("CONV_2D", [[[[0]]], [[[4]]]], [6, 0], shape)
    _side_by_side(row, [left, right], (1, 2, 2, 4))
    row.weighted("CONV_2D", [[[[1, 0, 5, 1]]]], [1], (1, 2, 2, 1))
    after = passes.remove_channels(row.program())
    assert _sizes(after) == [(1, 1, 1, 1), (1, 1, 1, 1), (1, 1, 1, 2)]
    copies = [layer for layer in after.layers if isinstance(layer, Strided)]
    assert [(x.run, x.write_at, x.source_bytes, x.output_bytes) for x in copies] == [
        (1, 0, 4, 8),
        (1, 1, 4, 8),
    ]
    last = after.layers[-1]
    assert isinstance(last, Conv)
    np.testing.assert_array_equal(last.bias, [1 + 5 * 6])
    check(row.data())


def test_a_whole_part_side_by_side_goes_with_what_made_it():
    row = Row((1, 2, 2, 1))
    shape = (1, 2, 2, 2)
    left = row.weighted("CONV_2D", [[[[1]]], [[[2]]]], [0, 0], shape)
    row.at = row.start
    right = row.weighted("CONV_2D", [[[[3]]], [[[4]]]], [0, 0], shape)
    _side_by_side(row, [left, right], (1, 2, 2, 4))
    row.weighted("CONV_2D", [[[[0, 0, 5, 1]]]], [1], (1, 2, 2, 1))
    after = passes.remove_channels(row.program())
    assert _sizes(after) == [(2, 1, 1, 1), (1, 1, 1, 2)]
    (copy,) = (layer for layer in after.layers if isinstance(layer, Strided))
    assert copy.changes_nothing
    assert [type(layer) for layer in passes.run(row.program()).layers] == [Conv, Conv]
    check(row.data())


def test_maps_one_above_the_other_keep_their_channels():
    row = Row((1, 2, 2, 1))
    left = row.weighted("CONV_2D", [[[[1]]], [[[2]]]], [0, 0], (1, 2, 2, 2))
    row.at = row.start
    right = row.weighted("CONV_2D", [[[[3]]], [[[4]]]], [0, 0], (1, 2, 2, 2))
    _side_by_side(row, [left, right], (1, 4, 2, 2), axis=1)
    row.weighted("CONV_2D", [[[[0, 1]]]], [1], (1, 4, 2, 1))
    assert _sizes(passes.remove_channels(row.program()))[:2] == [(2, 1, 1, 1)] * 2
    check(row.data())


def test_channels_that_are_cut_off_are_unread():
    row = Row((1, 2, 2, 1))
    row.weighted("CONV_2D", [[[[1]]], [[[2]]], [[[3]]], [[[0]]]], [0, 0, 0, 9], (1, 2, 2, 4))
    y = row.tensor((1, 2, 2, 2), scale=1.0)
    numbers = [row.tensor((4,), "int32", values=v) for v in ((0, 0, 0, 2), (1, 2, 2, 2))]
    row.op("SLICE", [row.at, *numbers], [y], version=2)
    row.at = y
    row.weighted("CONV_2D", [[[[1, 2]]]], [1], (1, 2, 2, 1))
    after = passes.remove_channels(row.program())
    assert _sizes(after) == [(1, 1, 1, 1), (1, 1, 1, 1)]
    last = after.layers[-1]
    assert isinstance(last, Conv)
    np.testing.assert_array_equal(last.bias, [1 + 2 * 9])
    check(row.data())


def test_so_many_channels_that_no_board_has_them_are_not_looked_at():
    """A few bytes of a file can say so; their ranges would take 16 bytes a channel and layer."""
    builder = ModelBuilder()
    x, y = (builder.tensor((1, 1 << 24), scale=0.1) for _ in range(2))
    builder.op("RELU", [x], [y])
    program = program_of(builder.finish([x], [y]))
    tracemalloc.start()
    try:
        assert passes.remove_channels(passes.fix_constants(program)) == program
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_groups_stay_as_they_are():
    row = Row((1, 2, 2, 4))
    row.weighted("CONV_2D", np.zeros((2, 1, 1, 2)), [1, 2], (1, 2, 2, 2))
    row.weighted("CONV_2D", np.ones((2, 1, 1, 1)), [1, 2], (1, 2, 2, 2))
    row.weighted("CONV_2D", np.ones((1, 1, 1, 2)), [1], (1, 2, 2, 1))
    assert _sizes(passes.remove_channels(row.program()))[:2] == [(2, 1, 1, 2), (2, 1, 1, 1)]
    check(row.data())


def test_a_layer_without_a_rule_keeps_all(monkeypatch: pytest.MonkeyPatch):
    row = Row((1, 2, 2, 1))
    row.weighted("CONV_2D", [[[[0]]], [[[5]]]], [3, 1], (1, 2, 2, 2))
    row.weighted("CONV_2D", [[[[1, 1]]]], [0], (1, 2, 2, 1))
    program = row.program()

    class Other(Conv):
        """The same under a type that has no rule."""

    last = program.layers[1]
    assert isinstance(last, Conv)
    other: Layer = Other(**vars(last))
    replaced = replace(program, layers=(program.layers[0], other))
    assert passes.remove_channels(replaced) == replaced


def test_person_detection_is_left_with_less_than_the_published_count():
    """No more than without ranges and with the last layer whole: 3,733,541 and 29,754."""
    program = program_of(mlperf("vww"))
    after = passes.remove_channels(program)
    weights = sum(int(np.prod(size)) for size in _sizes(after))
    assert sum(int(np.prod(size)) for size in _sizes(program)) == 208_112
    assert (after.macs, weights) == (3_727_313, 29_066)
    assert after.macs <= 3_733_541
    assert weights <= 29_754
