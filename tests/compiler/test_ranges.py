"""What is known of values before they are computed, against what the reference computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from edge_deploy import model
from edge_deploy.compiler.fixed_point import scaled_each
from edge_deploy.compiler.ops.broadcast import Elementwise
from edge_deploy.compiler.ops.transpose_conv import TransposeConv
from edge_deploy.compiler.ops.weighted import Requantization
from edge_deploy.compiler.ops.window import Window
from edge_deploy.compiler.passes.channels import borders, ranges
from edge_deploy.compiler.quantization import Multiplier
from tests import compiled_model
from tests.compiler.rows import program_of
from tests.nn import cases_binary
from tests.nn.cases import Seeded
from tests.nn.cases_channels import FAMILIES, Chain

ANY = 2**27  # a bias that no sum of products here can make up for


@pytest.mark.parametrize("family", FAMILIES)
def test_known_ranges_hold_in_the_reference(family: str):
    constants = narrowed = 0
    for seed in range(40):
        case = FAMILIES[family](Seeded(seed))
        program = program_of(case.data)
        known = ranges(program)
        watched = sorted({x for layer in program.layers for x in layer.outputs})
        everything = _with_outputs(family, seed, watched)
        inputs = compiled_model.random_inputs(model.read(everything), 12, seed)
        for values in compiled_model.expected(everything, inputs):
            for tensor, array in zip(watched, values, strict=True):
                k = known[tensor]
                channels = array.reshape(-1, k.channels)
                assert (channels >= k.lowest).all(), case.text
                assert (channels <= k.highest).all(), case.text
        constants += sum(int(known[x].constant.sum()) for x in watched)
        narrowed += sum(int((known[x].highest - known[x].lowest < 200).sum()) for x in watched)
    assert constants > 50
    assert narrowed > constants + 50


@pytest.mark.parametrize("family", ["add", "sub", "mul", "minimum_maximum"])
def test_outputs_are_extreme_at_the_ends_of_ranges(family: str):
    draw = np.random.default_rng(5)
    held = 0
    for seed in range(60):
        layer = program_of(cases_binary.FAMILIES[family](Seeded(seed)).data).layers[-1]
        assert isinstance(layer, Elementwise)
        every = layer.outputs_of_all()
        for _ in range(30 if layer.extreme_at_ends else 0):
            (a, b), (c, d) = np.sort(draw.integers(0, 256, (2, 2)))
            box = every[a : b + 1, c : d + 1]
            corners = every[[a, a, b, b], [c, d, c, d]]
            assert (box.min(), box.max()) == (corners.min(), corners.max())
            held += 1
    assert held > 1000


def _with_outputs(family: str, seed: int, outputs: Sequence[int]) -> bytes:
    """The model of a seed with other outputs."""
    kept: list[Chain] = []

    class Kept(Chain):
        def finish(self, inputs: Sequence[int], _: Sequence[int], **keywords: Any) -> bytes:
            kept.append(self)
            return super().finish(inputs, outputs, **keywords)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.nn.cases_channels.Chain", Kept)
        data = FAMILIES[family](Seeded(seed)).data
    assert kept
    return data


def _sets(axes: Sequence[Sequence[Sequence[bool]]]) -> set[tuple[bool, ...]]:
    """Rows and columns, each (positions, taps), to the sets of taps of all positions."""
    rows, columns = axes
    return {tuple(a and b for a in row for b in column) for row in rows for column in columns}


@pytest.mark.parametrize("seed", range(40))
def test_taps_on_the_map_are_those_that_a_walk_finds(seed: int):
    pick = Seeded(seed)
    size, taps = ((pick.integer(1, 9), pick.integer(1, 9)) for _ in range(2))
    stride, dilation, pad = ((pick.integer(1, 3), pick.integer(1, 3)) for _ in range(3))
    output = pick.integer(1, 7), pick.integer(1, 7)
    window = Window(
        1, *size, 1, *output, 1, *taps, *stride, *dilation, pad_top=pad[0], pad_left=pad[1]
    )
    walked = [
        [
            [0 <= p * stride[i] - pad[i] + k * dilation[i] < size[i] for k in range(taps[i])]
            for p in range(output[i])
        ]
        for i in (0, 1)
    ]
    found = borders.of_window(window)
    if found is not None:
        assert {tuple(each) for each in found.tolist()} == _sets(walked)
    assert found is not None or len(_sets(walked)) > 20


@pytest.mark.parametrize("seed", range(40))
def test_taps_of_a_transposed_convolution_are_those_that_a_walk_finds(seed: int):
    pick = Seeded(seed)
    size, taps, output = ((pick.integer(1, 6), pick.integer(1, 6)) for _ in range(3))
    stride, pad = ((pick.integer(1, 3), pick.integer(1, 3)) for _ in range(2))
    layer = TransposeConv(
        index=0,
        operator="TRANSPOSE_CONV",
        inputs=(0,),
        outputs=(1,),
        input_shape=(1, *size, 1),
        output_shape=(1, *output, 1),
        strides=stride,
        pads=pad,
        weights=np.ones((1, *taps, 1), np.int8),
        bias=np.zeros(1, np.int64),
        input_zero_point=0,
        requantization=Requantization((Multiplier(2**30, 0),), 0, -128, 127),
    )
    # As the kernel goes: from each input to the outputs that it reaches.
    walked = [
        [
            [any(n * stride[i] - pad[i] + k == p for n in range(size[i])) for k in range(taps[i])]
            for p in range(output[i])
        ]
        for i in (0, 1)
    ]
    found = borders.of_transposed(layer)
    if found is not None:
        assert {tuple(each) for each in found.tolist()} == _sets(walked)
    assert found is not None or len(_sets(walked)) > 20


def test_large_kernels_on_large_maps_take_no_time():
    wide = Window(1, 1, 10**6, 1, 1, 10**6, 1, 1, 10**5, 1, 1, 1, 1, 0, 5 * 10**4)
    assert borders.of_window(wide) is None


@pytest.mark.parametrize("shift", [-31, -9, -1, 0, 1, 7])
def test_scaling_each_channel_is_the_kernels(shift: int):
    rng = np.random.default_rng(shift & 0xFF)
    limit = 2**31 >> max(shift, 0)
    values = [*rng.integers(-limit, limit, 200).tolist(), -limit, limit - 1, 0, 1, -1]
    for multiplier in (2**30, 2**31 - 1, 1518500250, 0):
        got = scaled_each(np.array([values], np.int64), [Multiplier(multiplier, shift)])
        for value, each in zip(values, got[0].tolist(), strict=True):
            assert each == _requantized(value, multiplier, shift)


def _requantized(value: int, multiplier: int, shift: int) -> int:
    """gemmlowp's two roundings, word for word."""
    product = value * 2 ** max(shift, 0) * multiplier
    nudge = 2**30 if product >= 0 else 1 - 2**30
    high = abs(product + nudge) // 2**31 * (1 if product + nudge >= 0 else -1)
    exponent = max(-shift, 0)
    remainder = high & (2**exponent - 1)
    threshold = (2**exponent - 1) // 2 + (1 if high < 0 else 0)
    return (high >> exponent) + (1 if remainder > threshold else 0)
