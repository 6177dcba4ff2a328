"""The reference kernels' integer arithmetic on whole arrays, and forms proved equal to it.

What firmware/src/nn/requantize.h does to one accumulator, done to all accumulators that an
operator of few int8 values can ever see: so the compiler knows all its outputs, and can prove
that cheaper arithmetic gives the same. Knows nothing about operators or C.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.quantization import INT8_MAX, INT8_MIN, Multiplier

Words = NDArray[np.int64]

# Every int8, as a column and as a row: together all pairs of two operands.
EVERY_INT8: Words = np.arange(INT8_MIN, INT8_MAX + 1, dtype=np.int64)
EVERY_FIRST: Words = EVERY_INT8[:, np.newaxis]
EVERY_SECOND: Words = EVERY_INT8[np.newaxis, :]

_WORD = 2**31

# exp(-1/4), exp(-1/2), exp(-1) ... exp(-16), Q0.31.
_EXP_OF_BITS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)


def wrapped(values: Words) -> Words:
    """Values as an int32 holds them, modulo 2^32."""
    return (values + _WORD) % (2 * _WORD) - _WORD


def high(a: Words, b: int | Words) -> Words:
    """Round a * b / 2^31 to the nearest, halves upwards (ed_requantize_high).

    a, b: int32, not both -2^31.
    """
    return (a * b + 2**30) >> 31


def shift_right(values: Words, exponent: int | Words) -> Words:
    """Round values / 2^exponent to the nearest, halves away from zero.

    As ed_requantize_shift_right does it.
    """
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (values < 0)
    return (values >> exponent) + ((values & mask) > threshold)


def scaled(accumulators: Words, factor: Multiplier) -> Words:
    """Accumulators times a factor, as ed_requantize does it. accumulators: int32."""
    if factor.shift > 0:
        return high(wrapped(accumulators << factor.shift), factor.multiplier)
    return shift_right(high(accumulators, factor.multiplier), -factor.shift)


def inverse_square_root(value: int) -> Multiplier:
    """1 / sqrt(value) for a value above 0. Source: GetInvSqrtQuantizedMultiplierExp."""
    if value == 1:
        return Multiplier(_WORD - 1, 0)
    right = 11
    while value >= 2**29:
        value //= 4
        right += 1
    pairs = (31 - value.bit_length()) // 2 - 1
    right -= pairs
    # Q3.28; five Newton steps from 1.
    normal = value << 2 * pairs >> 1
    half = np.array([(normal + 1) >> 1])
    x = np.array([1 << 28])
    for _ in range(5):
        cube = _saturated(high(high(x, int(x[0])), int(x[0])) << 6)
        x = _saturated((high(x, 3 << 27) - high(half, int(cube[0]))) << 3)
    root = high(x, 1518500250)  # sqrt(1/2), Q0.31
    return Multiplier(int(wrapped(root << max(-right, 0))[0]), -max(right, 0))


def exp_of_negative(values: Words) -> Words:
    """Give exp of values of 0 or less, Q5.26 to Q0.31 (ed_softmax_exp).

    Source: gemmlowp/fixedpoint/fixedpoint.h, exp_on_negative_values.
    """
    quarter = 1 << 24
    in_quarter = (values & (quarter - 1)) - quarter
    x = (in_quarter << 5) + (1 << 28)
    x2 = _product(x, x)
    x3_x4 = shift_right(_product(x2, x2), 2) + _product(x2, x)
    tail = shift_right(high(x3_x4, 715827883) + x2, 1)
    eighth = 1895147668  # exp(-1/8), Q0.31
    found = eighth + high(x + tail, eighth)
    for bit, factor in enumerate(_EXP_OF_BITS):
        found = np.where((in_quarter - values) & quarter << bit, high(found, factor), found)
    return np.where(values == 0, _WORD - 1, found)


def _product(a: Words, b: Words) -> Words:
    """As `high`."""
    return (a * b + 2**30) >> 31


def _saturated(values: Words) -> Words:
    return np.clip(values, -_WORD, _WORD - 1)


def scaled_each(accumulators: Words, factors: Sequence[Multiplier]) -> Words:
    """The same with a factor for each channel.

    accumulators: (channels, ...) int32, still within an int32 after a shift to the left.
    """
    as_column = (-1,) + (1,) * (accumulators.ndim - 1)
    multiplier = np.array([f.multiplier for f in factors], np.int64).reshape(as_column)
    shift = np.array([f.shift for f in factors], np.int64).reshape(as_column)
    rounded = high(accumulators << np.maximum(shift, 0), multiplier)
    return shift_right(rounded, np.maximum(-shift, 0))


def clamped(values: Words, lowest: int, highest: int) -> Words:
    """Values as an int32 holds them, limited to [lowest, highest]."""
    return np.clip(wrapped(values), lowest, highest)


def rounding(sums: Words, wanted: Words, shift: int, lowest: int, highest: int) -> int | None:
    """What to add to sums so that, shifted right, they are the outputs that are wanted.

    sums, wanted: of all cases; wanted within [lowest, highest]. Returns r such that for every
    case (sums + r) >> shift, limited to [lowest, highest], is wanted and sums + r fits an
    int32; None where there is none.
    """
    least = np.where(wanted > lowest, wanted << shift, -_WORD) - sums
    most = np.where(wanted < highest, ((wanted + 1) << shift) - 1, _WORD - 1) - sums
    low = max(int(least.max()), -_WORD - int(sums.min()), -_WORD)
    high_end = min(int(most.min()), _WORD - 1 - int(sums.max()), _WORD - 1)
    return (low + high_end) // 2 if low <= high_end else None
