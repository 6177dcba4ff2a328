"""Multipliers and clamps: known values, and properties against exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_deploy.compiler import quantization


@pytest.mark.parametrize(
    ("real", "multiplier", "shift"),
    [
        (0.0, 0, 0),
        (0.5, 2**30, 0),
        (1.0, 2**30, 1),
        (0.25, 2**30, -1),
        (1.0 - 2.0**-40, 2**30, 1),  # rounds up to 1
        (2.0**-32, 2**30, -31),
        (2.0**-33, 0, 0),  # flushed: a shift of -32 cannot be done
    ],
)
def test_multipliers(real, multiplier, shift):
    found = quantization.quantize_multiplier(real)
    assert (found.multiplier, found.shift) == (multiplier, shift)


def test_a_factor_that_no_shift_expresses_is_refused():
    assert quantization.quantize_multiplier(2.0**31 * 0.999).shift == 31
    with pytest.raises(quantization.FactorTooLarge, match="beyond"):
        quantization.quantize_multiplier(2.0**31)


@given(st.floats(2.0**-31, 2.0**20))
def test_a_multiplier_is_within_half_a_step(real):
    found = quantization.quantize_multiplier(real)
    assert 2**30 <= found.multiplier < 2**31
    value = Fraction(found.multiplier, 2**31) * Fraction(2) ** found.shift
    assert abs(value - Fraction(real)) <= Fraction(real) / 2**31


def test_the_product_of_scales_is_single_precision_where_the_reference_has_it_so():
    """Convolutions multiply in float64, fully connected layers with one scale in float32."""
    a, b, c = (float(np.float32(x)) for x in (0.0123456789, 0.00345678912, 0.0456789))
    single = quantization.per_tensor(a, b, c)
    double = quantization.per_channel(a, (b,), c)[0]
    assert single != double
    assert abs(single.multiplier - double.multiplier) < 2**8


@pytest.mark.parametrize(
    ("activation", "scale", "zero_point", "wanted"),
    [
        ("NONE", 0.1, 0, (-128, 127)),
        ("RELU", 0.1, -128, (-128, 127)),
        ("RELU", 0.1, 5, (5, 127)),
        ("RELU6", 0.1, -128, (-128, -68)),
        ("RELU6", 0.01, 0, (0, 127)),
        ("RELU_N1_TO_1", 0.02, 3, (-47, 53)),
        ("RELU_N1_TO_1", 0.4, 0, (-3, 3)),  # 2.5 is rounded away from zero
        ("TANH", 0.1, 0, None),
        ("RELU6", 2e-9, 0, None),  # 3e9 steps
        ("RELU_N1_TO_1", 1e-45, 0, None),
        ("RELU", 1e-45, 7, (7, 127)),
    ],
)
def test_activation_ranges(activation, scale, zero_point, wanted):
    assert quantization.activation_range(activation, scale, zero_point) == wanted


def test_softmax_scaling():
    found = quantization.softmax_scaling(1.0, 0.0625)
    assert found is not None
    assert (found.multiplier, found.left_shift) == (2**30, 23)
    assert found.lowest_difference == -(31 * 2**26 // 2**23)
    assert quantization.softmax_scaling(1.0, 2.0**-26) is None
    capped = quantization.softmax_scaling(1.0, 1000.0)
    assert capped is not None
    assert (capped.multiplier, capped.left_shift) == (2**31 - 1, 31)
