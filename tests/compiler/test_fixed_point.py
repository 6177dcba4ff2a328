"""Whole arrays of accumulators as the reference kernels scale them; forms proved equal."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_deploy.compiler import fixed_point
from edge_deploy.compiler.quantization import Multiplier


def _scaled(accumulator: int, multiplier: int, shift: int) -> int:
    """One accumulator, in exact fractions: two roundings, the first with halves upwards."""
    raised = (accumulator << max(shift, 0)) + 2**31
    word = raised % 2**32 - 2**31
    high = math.floor(Fraction(word * multiplier, 2**31) + Fraction(1, 2))
    last = Fraction(high, 2 ** max(-shift, 0))
    away = math.floor(abs(last) + Fraction(1, 2))
    return away if last >= 0 else -away


@settings(max_examples=300, deadline=None)
@given(
    st.integers(-(2**31), 2**31 - 1) | st.integers(-70000, 70000),
    st.one_of(st.just(0), st.just(2**30), st.integers(2**30, 2**31 - 1)),
    st.integers(-31, 30),
    st.sampled_from((1, -1)),
)
def test_scaled_is_the_reference_arithmetic(accumulator, multiplier, shift, sign):
    got = fixed_point.scaled(np.array([accumulator], "i8"), Multiplier(sign * multiplier, shift))
    assert int(got[0]) == _scaled(accumulator, sign * multiplier, shift)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(-(2**20), 2**20),
    st.integers(0, 20),
    st.integers(-128, 0),
    st.integers(1, 127),
    st.integers(0, 2**32),
)
def test_a_rounding_that_there_is_is_found(round_, shift, lowest, highest, seed):
    sums = np.random.default_rng(seed).integers(-(2**27), 2**27, 500)
    wanted = np.clip((sums + round_) >> shift, lowest, highest)
    found = fixed_point.rounding(sums, wanted, shift, lowest, highest)
    assert found is not None
    assert np.array_equal(np.clip((sums + found) >> shift, lowest, highest), wanted)


@pytest.mark.parametrize("wanted", [[0, 2, 2], [1, 0, 1]])
def test_where_there_is_no_rounding_none_is_found(wanted):
    sums = np.array([0, 8, 16])
    assert fixed_point.rounding(sums, np.array(wanted), 3, -128, 127) is None


def test_a_rounding_that_leaves_the_word_is_none():
    sums = np.array([2**31 - 1, 0])
    assert fixed_point.rounding(sums, np.array([127, 1]), 24, -128, 127) is None
