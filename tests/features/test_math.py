"""Our logarithm, sine, cosine and square root against double precision, in units of the last place.

docs/features.md states these bounds.
"""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from edge_deploy import libraries
from tests.features import sound

LOG_ULP = 1.0
TURN_ULP = 2.5
SQRT_ULP = 1.0

# Many values in one call.
MANY = """
#include <stddef.h>
#include "features/ed_math.h"
void logs(const float *x, float *y, size_t n);
void roots(const float *x, float *y, size_t n);
void turns(uint32_t whole, float *cosine, float *sine);
void logs(const float *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = ed_math_log(x[i]);
    }
}
void roots(const float *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = ed_math_sqrt(x[i]);
    }
}
void turns(uint32_t whole, float *cosine, float *sine)
{
    for (uint32_t i = 0; i < 2 * whole; i++) {
        const ed_math_angle angle = ed_math_turn(i, whole);
        cosine[i] = angle.cosine;
        sine[i] = angle.sine;
    }
}
"""


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    folder = tmp_path_factory.mktemp("math")
    (folder / "many.c").write_text(MANY)
    sources = [folder / "many.c", sound.ROOT / "features" / "ed_math.c"]
    return ctypes.CDLL(str(libraries.build("many", sources, folder, include=[sound.ROOT])))


def called(function, x):
    x = np.ascontiguousarray(x, np.float32)
    y = np.empty_like(x)
    function(
        x.ctypes.data_as(ctypes.c_void_p), y.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_size_t(x.size),
    )  # fmt: skip
    return y


def worst_ulp(got, wanted):
    """The largest error in units of the last place of the right result."""
    place = np.spacing(np.abs(wanted).astype(np.float32)).astype(np.float64)
    return float(np.max(np.abs(got.astype(np.float64) - wanted) / place))


@pytest.mark.parametrize("exponent", [-1, 0, 1, 13, -20])
def test_log_of_every_mantissa(many, exponent):
    bits = np.arange(1 << 23, dtype=np.uint32) | np.uint32((127 + exponent) << 23)
    x = bits.view(np.float32)
    assert worst_ulp(called(many.logs, x), np.log(x.astype(np.float64))) <= LOG_ULP


def test_log_of_every_exponent(many):
    draw = np.random.default_rng(1)
    x = draw.integers(0x00800000, 0x7F800000, 1_000_000).astype(np.uint32).view(np.float32)
    assert worst_ulp(called(many.logs, x), np.log(x.astype(np.float64))) <= LOG_ULP


def test_log_of_one_is_zero_and_log_never_falls(many):
    assert called(many.logs, [1.0])[0] == 0.0
    # Mel filters are looked up in rising order of frequency.
    x = np.linspace(1.0, 40.0, 2_000_000, dtype=np.float32)
    assert np.all(np.diff(called(many.logs, x)) >= 0)


@pytest.mark.parametrize("whole", [1, 2, 3, 7, 8, 64, 160, 255, 480, 512, 1024, 65_537, 1 << 20])
def test_cosine_and_sine_of_every_part_of_a_turn(many, whole):
    cosine, sine = np.empty((2, 2 * whole), np.float32)
    many.turns(
        ctypes.c_uint32(whole),
        cosine.ctypes.data_as(ctypes.c_void_p),
        sine.ctypes.data_as(ctypes.c_void_p),
    )
    part = np.arange(2 * whole)
    quarters, between = np.divmod(4 * part, whole)
    at_zero = (between == 0) & (quarters % 2 == 1)
    assert np.all(cosine[at_zero] == 0)
    # Longer than double, as the angle's own rounding would show where the cosine is small.
    angle = 2 * part.astype(np.longdouble) * np.arctan2(np.longdouble(0), np.longdouble(-1)) / whole
    right = np.cos(angle).astype(np.float64)
    assert worst_ulp(np.append(cosine[~at_zero], 1), np.append(right[~at_zero], 1)) <= TURN_ULP
    at_zero = (between == 0) & (quarters % 2 == 0)
    assert np.all(sine[at_zero] == 0)
    right = np.sin(angle).astype(np.float64)
    assert worst_ulp(np.append(sine[~at_zero], 1), np.append(right[~at_zero], 1)) <= TURN_ULP


def test_square_root(many):
    draw = np.random.default_rng(2)
    x = np.exp2(draw.uniform(-99, 99, 1_000_000)).astype(np.float32)
    assert worst_ulp(called(many.roots, x), np.sqrt(x.astype(np.float64))) <= SQRT_ULP
    assert called(many.roots, [0.25, 1.0, 4.0]).tolist() == [0.5, 1.0, 2.0]
