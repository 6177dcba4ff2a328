"""What convolutions and fully connected layers share: weights, bias, requantization, bounds.

A weighted layer computes, for each output channel, clamp(zero point + scale * (bias + sum of
weight * input)). The bounds of that sum are known here, from the weights and the range of an
int8; they decide which exact short-cuts a kernel may take.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler import quantization
from edge_deploy.compiler.ops.layer import Constant, Layer, Site
from edge_deploy.compiler.quantization import INT8_MAX, INT8_MIN, Multiplier
from edge_deploy.model.graph import Tensor

# Two rows share a 16-bit word on Cortex-M4 (`paired_words`); the upper row's sum must keep
# this many bits when it is taken out of a 32-bit accumulator.
_PAIRED_SUM_LIMIT = 2**23


@dataclass(frozen=True)
class Requantization:
    """From accumulators to int8 outputs. multipliers: one per output channel."""

    multipliers: tuple[Multiplier, ...]
    zero_point: int
    lowest: int
    highest: int

    @property
    def rectified(self) -> bool:
        """True where every output below the zero point is clamped to one value."""
        return self.lowest >= self.zero_point

    def select(self, channels: NDArray[np.bool_]) -> Requantization:
        """That of the channels where `channels`, (channels,), is True."""
        kept = tuple(m for m, there in zip(self.multipliers, channels, strict=True) if there)
        return replace(self, multipliers=kept)

    def limited(self, lowest: int, highest: int) -> Requantization:
        """The same, limited once more."""
        both = quantization.both_clamps((self.lowest, self.highest), (lowest, highest))
        return replace(self, lowest=both[0], highest=both[1])


@dataclass(frozen=True)
class Weighted(Layer):
    """A layer with weights. bias: (channels,) int64, as the kernel adds it, modulo 2^32.

    folded: the bias already holds -input_zero_point * sum(weights), so that the kernel
    multiplies inputs as they are (passes.fold_zero_points).
    """

    weights: NDArray[np.int8]
    bias: NDArray[np.int64]
    input_zero_point: int
    requantization: Requantization
    folded: bool

    @property
    @abstractmethod
    def rows(self) -> NDArray[np.int8]:
        """The weights as (output channels, taps) int8, taps in the order of the input."""

    def fold(self) -> Weighted:
        """The same layer with the input's zero point in its bias."""
        if self.folded:
            return self
        sums = self.rows.astype(np.int64).sum(axis=1)
        return replace(self, bias=self.bias - self.input_zero_point * sums, folded=True)

    def limited(self, lowest: int, highest: int) -> Weighted:
        """The layer with an activation after it."""
        return replace(self, requantization=self.requantization.limited(lowest, highest))

    @property
    def bias_words(self) -> NDArray[np.int32]:
        """The bias as the kernel's int32, wrapped as the accumulators are."""
        assert self.folded, "passes.fold_zero_points has not run"
        return (self.bias & 0xFFFFFFFF).astype(np.uint32).view(np.int32)

    def accumulator_bounds(self) -> tuple[int, int]:
        """The least and greatest accumulator that any int8 input can give."""
        low, high = self.channel_bounds()
        return min(low), max(high)

    def channel_bounds(self) -> tuple[list[int], list[int]]:
        """The least accumulator that any int8 input can give each channel, and the greatest."""
        rows = self.rows.astype(np.int64)
        at_max, at_min = rows * INT8_MAX, rows * INT8_MIN
        low = self.bias + np.minimum(at_max, at_min).sum(axis=1)
        high = self.bias + np.maximum(at_max, at_min).sum(axis=1)
        return low.tolist(), high.tolist()

    @property
    def quick(self) -> bool:
        """True where accumulators can be scaled without 64-bit arithmetic, exactly.

        Then twice an accumulator fits a word (SMMULR of it is the rounding doubling high
        multiplication), every shift goes right, and the rounding constant with the zero point,
        (2 * zero_point + 1) << (right shift - 1), keeps the sum within a word too.
        """
        low, high = self.accumulator_bounds()
        return (
            low > -(2**30)
            and high < 2**30
            and all(-22 <= m.shift <= -1 for m in self.requantization.multipliers)
        )

    @property
    def one_scale(self) -> bool:
        """True where one multiplier and shift serve all output channels."""
        return len(set(self.requantization.multipliers)) == 1

    @property
    def clamped(self) -> bool:
        """True where outputs are limited to less than the range of an int8."""
        r = self.requantization
        return (r.lowest, r.highest) != (INT8_MIN, INT8_MAX)

    def scale_constants(self) -> tuple[Constant, ...]:
        """Bias, multipliers and shifts, one each per output channel."""
        multipliers = self.requantization.multipliers
        return (
            Constant("bias", "int32_t", self.bias_words),
            Constant("multiplier", "int32_t", np.array([m.multiplier for m in multipliers], "i4")),
            Constant("shift", "int8_t", np.array([m.shift for m in multipliers], "i1")),
        )

    def scale_fields(self) -> dict[str, int]:
        """The clamps, as fields of a kernel's shape."""
        return {
            "output_zero_point": self.requantization.zero_point,
            "lowest": self.requantization.lowest,
            "highest": self.requantization.highest,
        }

    def quick_fields(self) -> dict[str, int]:
        """Which short-cuts a Cortex-M4 kernel may take, as fields of its shape."""
        return {"quick": int(self.quick), "rectified": int(self.requantization.rectified)}


def convolution_requantization(
    site: Site, source: Tensor, weights: Tensor, channels: int
) -> Requantization:
    """The requantization of a convolution: always one multiplier a channel, in float64."""
    assert weights.quantization is not None
    scales = weights.quantization.scales
    multipliers = quantization.per_channel(site.scale(source), scales, site.scale(site.output))
    if len(multipliers) == 1:
        multipliers *= channels
    return requantization(site, multipliers)


def requantization(site: Site, multipliers: tuple[Multiplier, ...]) -> Requantization:
    """Multipliers with the clamps of the operator's fused activation."""
    lowest, highest = site.activation_range(site.output)
    return Requantization(multipliers, site.zero_point(site.output), lowest, highest)


def may_pair(rows: NDArray[np.int8]) -> bool:
    """True where two rows can be multiplied at once: see `paired_words`.

    rows: (an even number, taps).
    """
    lower, upper = rows[0::2].astype(np.int64), rows[1::2].astype(np.int64)
    sums = np.abs(upper).sum(axis=1) * -INT8_MIN
    both = 256 * upper + lower
    return bool((both >= -(2**15)).all() and (sums < _PAIRED_SUM_LIMIT).all())


def paired_words(rows: NDArray[np.int8], *, paired: bool) -> NDArray[np.uint32]:
    """Rows two by two in the order that SXTB16 and SMLAD want.

    rows: (an even number, taps, a multiple of 4). Returns (pairs, taps / 2) uint32: for each
    four taps k two words, with taps (k, k+2) and (k+1, k+3); each 16-bit half holds one tap of
    both rows. paired: as the number 256 * upper + lower, so that SMLAD of the word itself
    gives 256 * (upper's sum) + (lower's sum), and SMLAD of its SXTB16 the lower's sum;
    otherwise as two bytes, lower first.
    """
    lower, upper = rows[0::2].astype(np.int32), rows[1::2].astype(np.int32)
    both = 256 * upper + lower if paired else 256 * upper + (lower & 0xFF)
    halves = (both & 0xFFFF).astype(np.uint32).reshape(both.shape[0], -1, 4)
    words = np.stack(
        [
            halves[:, :, 0] | halves[:, :, 2] << np.uint32(16),
            halves[:, :, 1] | halves[:, :, 3] << np.uint32(16),
        ],
        axis=-1,
    )
    return words.reshape(both.shape[0], -1).astype(np.uint32)
