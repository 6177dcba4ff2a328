"""One shift for all channels gives the reference's outputs, for every accumulator."""

from __future__ import annotations

import random

import numpy as np
import pytest

from edge_deploy.compiler.ops import single_shift
from edge_deploy.compiler.ops.single_shift import Channel
from edge_deploy.compiler.quantization import Multiplier

SHIFT, ZERO_POINT = 10, -128


def reference(accumulators: np.ndarray, factor: Multiplier) -> np.ndarray:
    """TensorFlow Lite's two roundings, as firmware/src/nn/requantize.h has them, then the clamp."""
    exponent = -factor.shift
    high = (accumulators * factor.multiplier + (1 << 30)) >> 31
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (high < 0)
    scaled = (high >> exponent) + ((high & mask) > threshold)
    return np.clip(scaled + ZERO_POINT, -128, 127)


def kernel(accumulators: np.ndarray, bias: int, made: Channel) -> np.ndarray:
    """What nn/m4/depthwise_3x3.h does: SMMLA, then SSAT with a shift."""
    scaled = made.bias + ((accumulators - bias) << made.shift)
    assert (np.abs(scaled) < 2**31).all()
    rounded = single_shift.rounding(SHIFT, ZERO_POINT) + (1 << made.shift >> 2)
    return np.clip((scaled * made.multiplier >> 32) + rounded >> SHIFT, -128, 127)


@pytest.mark.parametrize("right_shift", range(1, 24))
def test_every_accumulator_gives_the_references_output(right_shift):
    chance = random.Random(right_shift)
    found = 0
    for _ in range(20):
        bias, reach = chance.randint(-20_000, 20_000), chance.randint(1, 150_000)
        factor = Multiplier(chance.choice((2**30, chance.randrange(2**30, 2**31))), -right_shift)
        made = single_shift.channel(SHIFT, ZERO_POINT, bias, factor, (bias - reach, bias + reach))
        if made is not None:
            found += 1
            all_of_them = np.arange(bias - reach, bias + reach + 1)
            got = kernel(all_of_them, bias, made)
            assert (got == reference(all_of_them, factor)).all()
    # Shifts below 3 would take weights out of int16; all others are found, nearly always.
    assert found == 0 if right_shift < 3 else found >= 18


def test_a_factor_of_nothing_gives_the_zero_point():
    made = single_shift.channel(SHIFT, ZERO_POINT, 77, Multiplier(0, 0), (-1000, 1000))
    assert made is not None
    assert (kernel(np.arange(-1000, 1001), 77, made) == ZERO_POINT).all()


def test_what_would_leave_its_word_is_not_taken():
    factor = Multiplier(2**30, -3)
    assert single_shift.channel(SHIFT, ZERO_POINT, 2**24, factor, (2**24, 2**24 + 9)) is None
    assert single_shift.channel(SHIFT, ZERO_POINT, 2**20, factor, (2**20, 2**20 + 9)) is not None


def test_a_layer_of_too_many_channels_to_search_for_is_left():
    def found(count: int, shift: int) -> bool:
        factors = [Multiplier(2**30 + 7, shift)] * count
        bounds = [(-500, 500)] * count
        return single_shift.channels(SHIFT, ZERO_POINT, [0] * count, factors, bounds) is not None

    assert found(200, -12)
    assert not found(300, -12)
    assert found(300, -7)
    assert not found(1, 1)
