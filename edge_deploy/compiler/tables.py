"""What an operator makes of each of the 256 values of an 8-bit tensor.

Turns an operator's parameters into a table of bytes, in the same order of float32 and integer
operations as TensorFlow Lite's reference kernels, because the last bit decides. Knows nothing
about the file or C.

A table is (256,) uint8: byte in, byte out, whatever the types of the two sides.

Some operators call the C library's expf, tanhf, expm1f or erfcf, which no standard rounds. Those
tables are computed for all results that the GNU C library may give (`_LIBRARY_ULPS`), and must
come out the same; where they do not, a rounding tie hangs on the library's last bit, and there is
no table.

Source: tensorflow/lite/kernels/{activations,elementwise,exp,quantize}.cc,
kernels/internal/common.h (LUTPopulate), kernels/internal/reference/.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler import fixed_point, quantization
from edge_deploy.compiler.quantization import Multiplier
from edge_deploy.model.graph import DType

Table = NDArray[np.uint8]
Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

# A table of every result that a C library may give: see `_near`.
Transform = Callable[[Floats], list[Floats]]

# 255 steps times this still fit a word, with the zero point: nothing can wrap.
_LARGEST_FACTOR = 2.0**22
# How far results may be from the exact ones, in units of the last place. Sources: glibc's
# sysdeps/ieee754/flt-32/e_expf.c (0.502, since 2.27, whose symbol the runtime asks for); Innocente
# and Zimmermann, "Accuracy of Mathematical Functions in Single, Double, ... Precision" (expm1f
# 0.813, tanhf 2.19, erfcf 3.13); what later versions round correctly lies within.
_LIBRARY_ULPS = {"exp": 0.51, "expm1": 0.9, "tanh": 2.5, "erfc": 3.5}
# What functions approach. There libraries take a small term from the limit, so that the result is
# off by that term's relative error, at most this much, and by the last rounding.
_LIMITS = {"exp": (), "expm1": (-1.0,), "tanh": (-1.0, 1.0), "erfc": (2.0,)}
_TERM_ERROR = 2.0**-20
_ROUNDING_ULPS = 0.51


@dataclass(frozen=True)
class Side:
    """The quantization of the values that go in or come out; dtype INT8 or UINT8."""

    dtype: DType
    scale: float
    zero_point: int

    @property
    def limits(self) -> tuple[int, int]:
        """The least and the greatest value of the type."""
        found = np.iinfo(self.dtype.value)
        return int(found.min), int(found.max)

    def values(self) -> Integers:
        """The value of each byte, (256,)."""
        return np.arange(256, dtype=np.uint8).view(self.dtype.value).astype(np.int64)

    def bytes_of(self, values: Integers) -> Table:
        """Values as bytes, clamped to the type."""
        return np.clip(values, *self.limits).astype(self.dtype.value).view(np.uint8)


class TableRefused(Exception):
    """There is no table that is exact for every reference. The text is a predicate."""


def rescaled(source: Side, output: Side, factor: float, lowest: int, highest: int) -> Table:
    """Give zero point + factor * (value - zero point), clamped."""
    moved = source.values() - source.zero_point
    scaled = fixed_point.scaled(moved, _multiplier(factor)) + output.zero_point
    return output.bytes_of(np.minimum(np.maximum(scaled, lowest), highest))


def requantize(source: Side, output: Side) -> Table:
    """QUANTIZE between 8-bit types: the factor is a float64."""
    return rescaled(source, output, source.scale / output.scale, *output.limits)


@np.errstate(all="ignore")
def relu(source: Side, output: Side, activation: str) -> Table:
    """RELU, RELU6, RELU_N1_TO_1: the factor is a float32, and so is the division in the clamps."""
    factor = float(np.float32(source.scale) / np.float32(output.scale))
    limits = quantization.activation_range(
        activation, output.scale, output.zero_point, output.limits
    )
    if limits is None or max(abs(limit) for limit in limits) > 2**30:
        raise TableRefused("has an output scale too small for its clamps")
    return rescaled(source, output, factor, *limits)


@np.errstate(all="ignore")
def leaky_relu(source: Side, output: Side, alpha: float) -> Table:
    """LEAKY_RELU: a factor for each side of zero, in float32."""
    scale = np.float32(source.scale)
    below = float(scale * np.float32(alpha) / np.float32(output.scale))
    above = float(scale / np.float32(output.scale))
    negative = rescaled(source, output, below, *output.limits)
    positive = rescaled(source, output, above, *output.limits)
    return np.where(source.values() >= source.zero_point, positive, negative)


@np.errstate(all="ignore")
def absolute(source: Side, output: Side) -> Table:
    """ABS: a factor in float32, none where the scales are equal."""
    moved = np.abs(source.values() - source.zero_point)
    if source.scale != output.scale:
        factor = float(np.float32(source.scale) / np.float32(output.scale))
        moved = fixed_point.scaled(moved, _multiplier(factor))
    return output.bytes_of(moved + output.zero_point)


@np.errstate(all="ignore")
def rsqrt(source: Side, output: Side) -> Table:
    """RSQRT in fixed point. Below the zero point, where the reference fails, as for zero."""
    guard = 20  # bits below the point that the reference keeps between its two factors
    root = np.sqrt(np.float32(source.scale)) * np.float32(output.scale)
    factor = _multiplier(float(1.0 / np.float64(root)) if root > 0 else math.inf)
    if factor.shift - guard < -31:
        raise TableRefused("has an output scale too large for its input scale")
    last = Multiplier(factor.multiplier, factor.shift - guard)
    found = np.full(256, output.limits[1], np.int64)
    one = np.ones(1, np.int64)
    for byte, value in enumerate(source.values() - source.zero_point):
        if value > 0:
            inverse = fixed_point.inverse_square_root(int(value))
            kept = fixed_point.scaled(one, Multiplier(inverse.multiplier, inverse.shift + guard))
            found[byte] = fixed_point.scaled(kept, last)[0] + output.zero_point
    return output.bytes_of(found)


@np.errstate(all="ignore")
def hard_swish(source: Side, output: Side) -> Table:
    """HARD_SWISH in 16-bit fixed point."""
    finer = np.float32(1 / 128) * np.float32(source.scale)
    to_output = _multiplier(float(finer / np.float32(output.scale)))
    to_gate = _multiplier(float(finer / (np.float32(3.0) / np.float32(32768.0))))
    if to_output.shift > 0:
        raise TableRefused("has an input scale more than 128 times its output's")
    if to_output.shift < -15 or to_gate.shift < -15:
        raise TableRefused("has scales too far apart for 16-bit arithmetic")
    fine = (source.values() - source.zero_point) << 7
    unscaled = _high_16(fine, _narrow(to_output.multiplier))
    gate = fine
    if to_gate.shift > 0:
        gate = _saturated_16(gate << (to_gate.shift - 1))
    gate = _high_16(gate, _narrow(to_gate.multiplier))
    if to_gate.shift > 0:
        gate = _saturated_16(gate << 1)
    else:
        gate = fixed_point.shift_right(gate, -to_gate.shift)
    gate = (gate + 2**15) >> 1
    product = gate * unscaled
    product = np.where(product < 0, -(-product >> 15), product >> 15)
    scaled = fixed_point.shift_right(product, -to_output.shift)
    return output.bytes_of(scaled + output.zero_point)


@np.errstate(all="ignore")
def by_float(source: Side, output: Side, transform: Transform) -> Table:
    """Dequantized, transformed and quantized in float32 (LUTPopulate)."""
    moved = (source.values() - source.zero_point).astype(np.float32)
    results = transform(np.float32(source.scale) * moved)
    inverse = np.float32(1.0) / np.float32(output.scale)
    tables = [
        output.bytes_of(to_int32(rounded(result * inverse) + np.float32(output.zero_point)))
        for result in results
    ]
    for table in tables[1:]:
        differing = np.flatnonzero(table != tables[0])
        if differing.size:
            value = int(source.values()[differing[0]])
            raise TableRefused(
                f"has a rounding tie at input {value} that the C library's last bit decides"
            )
    return tables[0]


def exp(x: Floats) -> list[Floats]:
    """EXP."""
    return _near("exp", x, np.exp(x.astype(np.float64)))


def logistic(x: Floats) -> list[Floats]:
    """LOGISTIC."""
    one = np.float32(1.0)
    return [one / (one + power) for power in exp(-x)]


def tanh(x: Floats) -> list[Floats]:
    """TANH."""
    return _near("tanh", x, np.tanh(x.astype(np.float64)))


def elu(x: Floats) -> list[Floats]:
    """ELU."""
    powers = _near("expm1", x, np.expm1(np.minimum(x, np.float32(0.0)).astype(np.float64)))
    return [np.where(x < 0, power, x) for power in powers]


def gelu(x: Floats) -> list[Floats]:
    """GELU by erfc."""
    inside = x * np.float32(-math.sqrt(0.5))
    exact = np.array([math.erfc(value) for value in inside.astype(np.float64)])
    return [np.float32(0.5) * x * tail for tail in _near("erfc", inside, exact)]


def gelu_approximate(x: Floats) -> list[Floats]:
    """GELU by tanh."""
    factor = np.float32(2 / math.sqrt(math.pi) * math.sqrt(0.5))
    inside = factor * (x + np.float32(0.044715) * x * x * x)
    return [np.float32(0.5) * x * (np.float32(1.0) + gate) for gate in tanh(inside)]


def rounded(x: Floats) -> Floats:
    """`std::round`: to the nearest integer, halves away from zero; what has no integer stays."""
    whole = np.trunc(x)
    up = np.abs(x - whole) >= np.float32(0.5)  # x - whole is exact
    return np.where(up, whole + np.copysign(np.float32(1.0), x), whole)


def to_int32(x: Floats) -> Integers:
    """A whole float32 as an int32; out of range and NaN are -2^31, as on x86."""
    inside = (x >= -(2.0**31)) & (x < 2.0**31)
    return np.where(inside, x, np.float32(-(2.0**31))).astype(np.int64)


def _near(function: str, x: Floats, exact: NDArray[np.float64]) -> list[Floats]:
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
            for limit in _LIMITS[function]:
                margin = np.minimum(
                    margin, _ROUNDING_ULPS * ulp + _TERM_ERROR * np.abs(exact - limit)
                )
            possible = (x != 0) & (np.abs(moved - exact) <= margin)
            found.append(np.where(possible, moved, nearest))
    return found


def _multiplier(factor: float) -> Multiplier:
    """A factor as fixed point. Raises TableRefused where products could leave a word."""
    if not abs(factor) < _LARGEST_FACTOR:
        raise TableRefused(f"has scales that multiply by {factor:g}")
    return quantization.quantize_multiplier(factor)


def _narrow(multiplier: int) -> int:
    """DownScaleInt32ToInt16Multiplier."""
    return min((multiplier + 2**15) >> 16, 2**15 - 1)


def _saturated_16(values: Integers) -> Integers:
    return np.clip(values, -(2**15), 2**15 - 1)


def _high_16(values: Integers, factor: int) -> Integers:
    """Give a * b / 2^15 to the nearest, halves upwards, in 16 bits; factor above 0."""
    return (values * factor + 2**14) >> 15
