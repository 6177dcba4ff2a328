"""What operators of the reference make of float32 numbers, when the compiler asks.

Turns (n,) float32 into a list of (n,) float32: all results that are possible. There is one where
IEEE 754 says what comes out. expf, tanhf and their like are rounded by no standard: there the
list has all that versions of the GNU C library may give. Knows nothing about tensors.

Source: tensorflow/lite/kernels/{activations,elementwise,exp}.cc, kernels/internal/reference/.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Transform = Callable[[Floats], list[Floats]]

# How far results may be from the exact ones, in units of the last place. Sources: glibc's
# sysdeps/ieee754/flt-32/e_expf.c (0.502, since 2.27, whose symbol the runtime asks for); Innocente
# and Zimmermann, "Accuracy of Mathematical Functions in Single, Double, ... Precision" (expm1f
# 0.813, tanhf 2.19, erfcf 3.13, sinf and cosf 0.56); e_logf.c (0.818). What later versions round
# correctly lies within.
_LIBRARY_ULPS = {
    "exp": 0.51,
    "expm1": 0.9,
    "tanh": 2.5,
    "erfc": 3.5,
    "log": 0.9,
    "sin": 0.75,
    "cos": 0.75,
}
# What functions approach. There libraries take a small term from the limit, so that the result is
# off by that term's relative error, at most this much, and by the last rounding.
_LIMITS = {"expm1": (-1.0,), "tanh": (-1.0, 1.0), "erfc": (2.0,)}
_TERM_ERROR = 2.0**-20
_ROUNDING_ULPS = 0.51


def exp(x: Floats) -> list[Floats]:
    """EXP."""
    return near("exp", x, np.exp(x.astype(np.float64)))


def logistic(x: Floats) -> list[Floats]:
    """LOGISTIC."""
    one = np.float32(1.0)
    return [one / (one + power) for power in exp(-x)]


def tanh(x: Floats) -> list[Floats]:
    """TANH."""
    return near("tanh", x, np.tanh(x.astype(np.float64)))


def elu(x: Floats) -> list[Floats]:
    """ELU."""
    powers = near("expm1", x, np.expm1(np.minimum(x, np.float32(0.0)).astype(np.float64)))
    return [np.where(x < 0, power, x) for power in powers]


def gelu(x: Floats) -> list[Floats]:
    """GELU by erfc."""
    inside = x * np.float32(-math.sqrt(0.5))
    exact = np.array([math.erfc(value) for value in inside.astype(np.float64)])
    return [np.float32(0.5) * x * tail for tail in near("erfc", inside, exact)]


def gelu_approximate(x: Floats) -> list[Floats]:
    """GELU by tanh."""
    factor = np.float32(2 / math.sqrt(math.pi) * math.sqrt(0.5))
    inside = factor * (x + np.float32(0.044715) * x * x * x)
    return [np.float32(0.5) * x * (np.float32(1.0) + gate) for gate in tanh(inside)]


def logistic_of_floats(x: Floats) -> list[Floats]:
    """LOGISTIC of float32: the reference cuts it off on both sides."""
    found = []
    for middle, low in zip(logistic(x), exp(x), strict=True):
        cut = np.where(x < np.float32(-9.0), low, middle)
        found.append(np.where(x > np.float32(16.619047), np.float32(1.0), cut))
    return found


def rounded(x: Floats) -> Floats:
    """`std::round`: to the nearest integer, halves away from zero; what has no integer stays."""
    whole = np.trunc(x)
    up = np.abs(x - whole) >= np.float32(0.5)  # x - whole is exact
    return np.where(up, whole + np.copysign(np.float32(1.0), x), whole)


def to_int32(x: Floats) -> NDArray[np.int64]:
    """A whole float32 as an int32; out of range and NaN are -2^31, as on x86."""
    inside = (x >= -(2.0**31)) & (x < 2.0**31)
    return np.where(inside, x, np.float32(-(2.0**31))).astype(np.int64)


def near(function: str, x: Floats, exact: NDArray[np.float64]) -> list[Floats]:
    """The float32 results that a C library may give, for exact ones in float64.

    At zero libraries agree.
    """
    nearest = exact.astype(np.float32)
    found = [nearest]
    for end in (np.float32(np.inf), np.float32(-np.inf)):
        moved = nearest
        for _ in range(math.ceil(_LIBRARY_ULPS[function])):
            last, moved = moved, np.nextafter(moved, end)
            ulp = np.abs(moved.astype(np.float64) - last)
            margin = _LIBRARY_ULPS[function] * ulp
            for limit in _LIMITS.get(function, ()):
                margin = np.minimum(
                    margin, _ROUNDING_ULPS * ulp + _TERM_ERROR * np.abs(exact - limit)
                )
            possible = (x != 0) & (np.abs(moved - exact) <= margin)
            found.append(np.where(possible, moved, nearest))
    return found


def _clamp(lowest: float, highest: float) -> Transform:
    return lambda x: [np.minimum(np.maximum(x, np.float32(lowest)), np.float32(highest))]


def _leaky(options: Mapping[str, Any]) -> Transform:
    alpha = np.float32(options.get("alpha", 0.0))
    return lambda x: [np.where(x > 0, x, x * alpha)]


def _hard_swish(x: Floats) -> list[Floats]:
    (gate,) = _clamp(0.0, 6.0)(x + np.float32(3.0))
    return [x * gate / np.float32(6.0)]


def _constant(transform: Transform) -> Callable[[Mapping[str, Any]], Transform]:
    return lambda _: transform


# What the reference has for float32, by operator and its options.
OPERATORS: Mapping[str, Callable[[Mapping[str, Any]], Transform]] = {
    "ABS": _constant(lambda x: [np.abs(x)]),
    "COS": _constant(lambda x: near("cos", x, np.cos(x.astype(np.float64)))),
    "EXP": _constant(exp),
    "FLOOR": _constant(lambda x: [np.floor(x)]),
    "HARD_SWISH": _constant(_hard_swish),
    "LEAKY_RELU": _leaky,
    "LOG": _constant(lambda x: near("log", x, np.log(x.astype(np.float64)))),
    "LOGISTIC": _constant(logistic_of_floats),
    "NEG": _constant(lambda x: [-x]),
    "RELU": _constant(_clamp(0.0, math.inf)),
    "RELU6": _constant(_clamp(0.0, 6.0)),
    "RELU_N1_TO_1": _constant(_clamp(-1.0, 1.0)),
    "RSQRT": _constant(lambda x: [np.float32(1.0) / np.sqrt(x)]),
    "SIN": _constant(lambda x: near("sin", x, np.sin(x.astype(np.float64)))),
    "SQRT": _constant(lambda x: [np.sqrt(x)]),
    "SQUARE": _constant(lambda x: [x * x]),
    "TANH": _constant(tanh),
}
