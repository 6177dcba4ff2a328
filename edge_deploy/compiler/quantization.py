"""Real scales to the integer arithmetic of TensorFlow Lite's reference kernels.

Turns float32 scales into (multiplier, shift) pairs and clamps, in the same order of float32
and float64 operations as TensorFlow Lite, because the last bit decides. Knows nothing about
operators or C.

Source: tensorflow/lite/kernels/kernel_util.cc and kernels/internal/quantization_util.cc.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

INT8_MIN = -128
INT8_MAX = 127
_INT32_MAX = 2**31 - 1
# Where fused activations clamp, other than at 0.
_FARTHEST_CLAMP = {"RELU6": 6.0, "RELU_N1_TO_1": 1.0}

# Softmax works on Q5.26 differences (reference/softmax.h, kScaledDiffIntegerBits).
SOFTMAX_INTEGER_BITS = 5


class FactorTooLarge(ArithmeticError):
    """A factor that no 32-bit shift can express. The message continues "operator ... "."""


@dataclass(frozen=True)
class Multiplier:
    """A real factor as `multiplier / 2^31 * 2^shift`.

    multiplier: 0 or in [2^30, 2^31). shift: in [-31, 31].
    """

    multiplier: int
    shift: int


def _round_half_away(value: float) -> int:
    """`std::round`: to the nearest integer, halves away from zero."""
    magnitude = math.floor(abs(value) + 0.5)
    # abs(value) + 0.5 can itself round up just below a half (0.49999999999999994).
    if magnitude - abs(value) > 0.5:
        magnitude -= 1
    return magnitude if value >= 0 else -magnitude


def quantize_multiplier(real: float) -> Multiplier:
    """A factor of 0 or more as TensorFlow Lite's QuantizeMultiplier gives it.

    Raises FactorTooLarge from 2^31 on, where the reference's shift is undefined.
    """
    if real == 0.0:
        return Multiplier(0, 0)
    fraction, shift = math.frexp(real)
    fixed = _round_half_away(fraction * 2.0**31)
    if fixed == 2**31:
        fixed //= 2
        shift += 1
    if shift > 31:
        raise FactorTooLarge(f"has scales whose ratio, {real:.3g}, is beyond 2^31")
    if shift < -31:  # below what a 32-bit shift can express: flushed to zero
        return Multiplier(0, 0)
    return Multiplier(fixed, shift)


def quantize_multiplier_below_one(real: float) -> Multiplier | None:
    """A factor that the reference wants above 0 and below 1; None where it is not.

    Source: QuantizeMultiplierSmallerThanOneExp, which ends the process for any other.
    """
    if not 0.0 < real < 1.0:
        return None
    found = quantize_multiplier(real)
    return found if found.shift <= 0 else None


@dataclass(frozen=True)
class CommonScaling:
    """Factors of two operands to the scale they get in common, and from there to the output."""

    operands: tuple[Multiplier, Multiplier]
    output: Multiplier


def add_scaling(
    first_scale: float, second_scale: float, output_scale: float, *, fraction_bits: int
) -> CommonScaling | None:
    """The factors of a sum; None where the reference has none. Source: add.cc, Prepare."""
    twice = _twice_the_larger(first_scale, second_scale)
    return _common_scaling((first_scale, second_scale), twice, twice, output_scale, fraction_bits)


def squared_difference_scaling(
    first_scale: float, second_scale: float, output_scale: float, *, fraction_bits: int
) -> CommonScaling | None:
    """The factors of a difference and its square; None where the reference has none.

    Source: squared_difference.cc, Prepare.
    """
    twice = _twice_the_larger(first_scale, second_scale)
    return _common_scaling(
        (first_scale, second_scale), twice, twice * twice, output_scale, 2 * fraction_bits
    )


def _twice_the_larger(first_scale: float, second_scale: float) -> float:
    """A product in float32; infinite where that has no room for it."""
    with np.errstate(over="ignore"):
        return float(np.float32(2) * np.float32(max(first_scale, second_scale)))


def _common_scaling(
    scales: tuple[float, float], common: float, raised: float, output_scale: float, bits: int
) -> CommonScaling | None:
    """Scales to a common one, and the output's from `raised` with so many bits of fraction.

    The output's scale with its fraction is a float32, quotients are float64.
    """
    with np.errstate(over="ignore"):
        divisor = float(np.float32(2.0**bits) * np.float32(output_scale))
    if math.isinf(common) or math.isinf(divisor):
        return None
    first, second = (quantize_multiplier_below_one(scale / common) for scale in scales)
    output = quantize_multiplier_below_one(raised / divisor)
    if first is None or second is None or output is None:
        return None
    return CommonScaling((first, second), output)


def per_channel(
    input_scale: float, filter_scales: Iterable[float], output_scale: float
) -> tuple[Multiplier, ...]:
    """Factors of a convolution, one per filter scale; products in float64.

    Source: PopulateConvolutionQuantizationParams.
    """
    return tuple(
        quantize_multiplier(float(input_scale) * float(scale) / float(output_scale))
        for scale in filter_scales
    )


def per_tensor(input_scale: float, filter_scale: float, output_scale: float) -> Multiplier:
    """The factor of a fully connected layer with one filter scale.

    The product of the two scales is a float32 (GetQuantizedConvolutionMultipler), unlike that
    of a convolution.
    """
    product = np.float32(input_scale) * np.float32(filter_scale)
    return quantize_multiplier(float(product) / float(output_scale))


def product_factor(first_scale: float, second_scale: float, output_scale: float) -> Multiplier:
    """The factor of a product of two operands, all in float32. Source: mul.cc, Prepare.

    Raises FactorTooLarge.
    """
    with np.errstate(over="ignore", under="ignore"):
        product = np.float32(first_scale) * np.float32(second_scale)
        real = float(product / np.float32(output_scale))
    if math.isinf(real):
        raise FactorTooLarge("has scales whose ratio no float32 can express")
    return quantize_multiplier(real)


def mean_factor(factor: Multiplier, values: int) -> Multiplier:
    """A factor divided by a number of values, as far as its shift allows without loss.

    The multiplier may be below 2^30 then. Source: QuantizedMeanOrSum of reference/reduce.h.
    """
    lift = min(values.bit_length() - 1, 32, 31 + factor.shift)
    return Multiplier((factor.multiplier << lift) // values, factor.shift - lift)


def activation_range(
    activation: str,
    scale: float,
    zero_point: int,
    limits: tuple[int, int] = (INT8_MIN, INT8_MAX),
) -> tuple[int, int] | None:
    """Lowest and highest output of a fused activation; None where the reference has none.

    That is where it is not a clamp, or the clamp is at more steps than an int32 can count.
    activation: the schema's word. limits: of the output's type.
    Source: CalculateActivationRangeQuantized.
    """
    if _FARTHEST_CLAMP.get(activation, 0.0) / scale > _INT32_MAX - 256:
        return None
    least, greatest = limits

    def quantize(real: float) -> int:
        return zero_point + _round_half_away(float(np.float32(real) / np.float32(scale)))

    if activation == "NONE":
        return least, greatest
    if activation == "RELU":
        return max(least, quantize(0.0)), greatest
    if activation == "RELU6":
        return max(least, quantize(0.0)), min(greatest, quantize(6.0))
    if activation == "RELU_N1_TO_1":
        return max(least, quantize(-1.0)), min(greatest, quantize(1.0))
    return None


def both_clamps(first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
    """The one clamp that does what two in a row do; each is lowest and highest."""
    lowest, highest = second
    return min(max(first[0], lowest), highest), min(max(first[1], lowest), highest)


@dataclass(frozen=True)
class SoftmaxScaling:
    """How a difference of two int8 inputs becomes Q5.26; below `lowest_difference`, exp is 0."""

    multiplier: int
    left_shift: int
    lowest_difference: int


def softmax_scaling(beta: float, input_scale: float) -> SoftmaxScaling | None:
    """The scaling of a softmax; None where the reference has none (a product of 2^-26 or less).

    Source: PreprocessSoftmaxScaling and CalculateInputRadius.
    """
    real = min(
        float(np.float32(beta)) * float(input_scale) * 2.0 ** (31 - SOFTMAX_INTEGER_BITS),
        float(_INT32_MAX),
    )
    if not real > 1.0:
        return None
    scaled = quantize_multiplier(real)
    radius = (2**SOFTMAX_INTEGER_BITS - 1) * 2 ** (31 - SOFTMAX_INTEGER_BITS)
    return SoftmaxScaling(scaled.multiplier, scaled.shift, -(radius >> scaled.shift))
