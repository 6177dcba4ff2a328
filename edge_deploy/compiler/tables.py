"""What an operator makes of each of the 256 values of an 8-bit tensor.

Turns an operator's parameters into a table of bytes, in the same order of float32 and integer
operations as TensorFlow Lite's reference kernels, because the last bit decides. Knows nothing
about the file or C.

A table is (256,) uint8: byte in, byte out, whatever the types of the two sides.

Tables of operators that call the C library (`reals.py`) are computed for all results that it may
give, and must come out the same; where they do not, a rounding tie hangs on the library's last
bit, and there is no table.

Source: tensorflow/lite/kernels/{activations,elementwise,exp,quantize}.cc,
kernels/internal/common.h (LUTPopulate), kernels/internal/reference/.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler import fixed_point, quantization
from edge_deploy.compiler.quantization import Multiplier
from edge_deploy.compiler.reals import Transform, rounded, to_int32
from edge_deploy.model.graph import DType

Table = NDArray[np.uint8]
Integers = NDArray[np.int64]

# 255 steps times this still fit a word, with the zero point: nothing can wrap.
_LARGEST_FACTOR = 2.0**22
# Results that a row of functions may have together: three functions of the C library.
_MOST_RESULTS = 128


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
def square_root(source: Side, output: Side) -> Table:
    """SQRT in float32, cut off towards zero. Below the zero point, where the reference fails, 0.

    tflite-runtime 2.14 has no int8 kernel of it; this is what ai-edge-litert 2.3 does.
    """
    moved = np.maximum(source.values() - source.zero_point, 0).astype(np.float32)
    roots = np.sqrt(np.float32(source.scale) * moved) / np.float32(output.scale)
    return output.bytes_of(to_int32(np.trunc(roots)) + output.zero_point)


@np.errstate(all="ignore")
def hard_swish(source: Side, output: Side) -> Table:
    """HARD_SWISH in 16-bit fixed point."""
    finer = np.float32(1 / 128) * np.float32(source.scale)
    to_output = _multiplier(float(finer / np.float32(output.scale)))
    to_gate = _multiplier(float(finer / (np.float32(3.0) / np.float32(32768.0))))
    if to_output.shift > 0:
        raise TableRefused("has an input scale more than 128 times its output's")
    fine = (source.values() - source.zero_point) << 7
    unscaled = _high_16(fine, _narrow(to_output.multiplier))
    gate = fine
    if to_gate.shift > 0:
        gate = _saturated_16(gate << (to_gate.shift - 1))
    gate = _high_16(gate, _narrow(to_gate.multiplier))
    if to_gate.shift > 0:
        gate = _saturated_16(gate << 1)
    else:
        gate = _halved_16(gate, -to_gate.shift)
    gate = (gate + 2**15) >> 1
    product = gate * unscaled
    product = np.where(product < 0, -(-product >> 15), product >> 15)
    scaled = _halved_16(product, -to_output.shift)
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
    return _agreed(source, tables)


@np.errstate(all="ignore")
def through_floats(source: Side, output: Side, transforms: Sequence[Transform]) -> Table:
    """DEQUANTIZE, operators on float32 one after the other, and QUANTIZE."""
    moved = (source.values() - source.zero_point).astype(np.float32)
    results = [np.float32(source.scale) * moved]
    for transform in transforms:
        results = [y for x in results for y in transform(x)]
        if len(results) > _MOST_RESULTS:
            raise TableRefused("follows on too many functions of the C library")
    steps = [to_int32(rounded(x / np.float32(output.scale))) for x in results]
    placed = [fixed_point.wrapped(step + output.zero_point) for step in steps]
    return _agreed(source, [output.bytes_of(values) for values in placed])


def _agreed(source: Side, tables: Sequence[Table]) -> Table:
    """The one table that all are. Raises TableRefused where they differ."""
    for table in tables[1:]:
        differing = np.flatnonzero(table != tables[0])
        if differing.size:
            value = int(source.values()[differing[0]])
            raise TableRefused(
                f"has a rounding tie at input {value} that the C library's last bit decides"
            )
    return tables[0]


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


def _halved_16(values: Integers, times: int) -> Integers:
    """Halve 16-bit values so many times, as the reference does it in 16 bits.

    Its mask has 16 bits too: beyond 15 it is full, and what is left is 1 or -1.
    """
    if times > 15:
        return np.where(values >= 0, 1, -1)
    return fixed_point.shift_right(values, times)


def _high_16(values: Integers, factor: int) -> Integers:
    """Give a * b / 2^15 to the nearest, halves upwards, in 16 bits; factor above 0."""
    return (values * factor + 2**14) >> 15
