"""Requantization that shifts every channel's output right by the same distance.

Turns a channel's bias, multiplier and range of accumulators into constants for a kernel whose
shift is part of its code, and proves that its outputs are those of the reference for every
accumulator that can come. Knows nothing about operators or C.

The reference, for outputs that are clamped below the zero point, is one cut-off division: with
a right shift of e, floor((accumulator * multiplier + 2^30 + 2^(e+30)) / 2^(31+e)), because two
floors one after the other are one. The kernel computes, from weights shifted left by s,

    floor((scaled accumulator * M + (R + 2^(s-2)) * 2^32) / 2^(32+E))

with R = 2^(E-1) + zero point * 2^E, which is the same with M = multiplier and s = E + 1 - e. Where
that s is less than 2, a larger one with fewer bits of the multiplier may still give every output
its first accumulator; the bias that does so is computed, where there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_deploy.compiler.quantization import INT8_MAX, INT8_MIN, Multiplier

# Weights shifted further left than this leave int16.
LARGEST_SHIFT = 8
# Below this the kernel's rounding constant has no half.
_LEAST_SHIFT = 2
_WORD = 2**31
# Channels whose constants may be searched for, half a millisecond each.
_MOST_SEARCHED = 256


@dataclass(frozen=True)
class Channel:
    """A channel's constants: weights go left by `shift`; `bias` is in their steps."""

    bias: int
    multiplier: int
    shift: int


def rounding(right_shift: int, zero_point: int) -> int:
    """R of the kernel."""
    return (1 << (right_shift - 1)) + zero_point * (1 << right_shift)


def channels(
    right_shift: int,
    zero_point: int,
    biases: Sequence[int],
    factors: Sequence[Multiplier],
    bounds: Sequence[tuple[int, int]],
) -> tuple[Channel, ...] | None:
    """Constants of all channels; None where there are none for one of them (see `channel`)."""
    if sum(right_shift + 1 + factor.shift < _LEAST_SHIFT for factor in factors) > _MOST_SEARCHED:
        return None
    found: list[Channel] = []
    for bias, factor, ends in zip(biases, factors, bounds, strict=True):
        one = channel(right_shift, zero_point, bias, factor, ends)
        if one is None:
            return None
        found.append(one)
    return tuple(found)


def channel(
    right_shift: int, zero_point: int, bias: int, factor: Multiplier, bounds: tuple[int, int]
) -> Channel | None:
    """Constants for a kernel that shifts by `right_shift`; None where none are found exact.

    bounds: the least and greatest accumulator, bias included, that the weights can give.
    Outputs are wanted clamped to int8, and below the zero point to any one value.
    """
    if factor.multiplier == 0:  # every output is the zero point
        return Channel(0, 0, 0)
    case = _Case(right_shift, zero_point, bias, factor, bounds)
    shift = right_shift + 1 + factor.shift
    if factor.shift > -1 or shift > LARGEST_SHIFT:
        return None
    if shift >= _LEAST_SHIFT:
        exact = Channel(bias << shift, factor.multiplier, shift)
        return exact if case.fits(exact) else None
    for larger in range(LARGEST_SHIFT, _LEAST_SHIFT - 1, -1):
        near = factor.multiplier >> (larger - shift)
        for multiplier in (near, near + 1):
            solved = case.solved(multiplier, larger)
            if solved is not None and (found := case.checked(solved)) is not None:
                return found
    return None


@dataclass(frozen=True)
class _Case:
    """One channel's question."""

    right_shift: int
    zero_point: int
    bias: int
    factor: Multiplier
    bounds: tuple[int, int]

    def _rounded(self, made: Channel) -> int:
        return rounding(self.right_shift, self.zero_point) + (1 << made.shift >> 2)

    def _scaled(self, made: Channel, accumulator: int) -> int:
        return made.bias + ((accumulator - self.bias) << made.shift)

    def fits(self, made: Channel) -> bool:
        """Whether nothing in the kernel leaves its word."""
        ends = [self._scaled(made, accumulator) for accumulator in self.bounds]
        ends += [(end * made.multiplier >> 32) + self._rounded(made) for end in ends]
        return all(-_WORD <= value < _WORD for value in (made.bias, *ends))

    def _kernel(self, made: Channel, accumulator: int) -> int:
        high = self._scaled(made, accumulator) * made.multiplier >> 32
        value = high + self._rounded(made) >> self.right_shift
        return min(max(value, self.zero_point, INT8_MIN), INT8_MAX)

    def _reference(self, accumulator: int) -> int:
        e = -self.factor.shift
        value = accumulator * self.factor.multiplier + (1 << 30) + (1 << e + 30) >> 31 + e
        return min(max(value + self.zero_point, self.zero_point, INT8_MIN), INT8_MAX)

    def _firsts(self) -> list[tuple[int, int]]:
        """Outputs above the zero point, each with the least accumulator that gives it."""
        e = -self.factor.shift
        half = (1 << 30) + (1 << e + 30)
        return [
            (output, -(-((output - self.zero_point << 31 + e) - half) // self.factor.multiplier))
            for output in range(self.zero_point + 1, INT8_MAX + 1)
        ]

    def solved(self, multiplier: int, shift: int) -> Channel | None:
        """The constants with a bias that puts every output's first accumulator right."""
        if multiplier == 0:
            return None
        low, high = self.bounds
        made = Channel(0, multiplier, shift)
        least, most = -(2**62), 2**62
        for output, first in self._firsts():
            wanted = (output << self.right_shift) - self._rounded(made) << 32
            enough = -(-wanted // multiplier)  # of what the kernel multiplies
            if first <= high:
                least = max(least, enough - self._scaled(made, max(first, low)))
            if first > low:
                most = min(most, enough - 1 - self._scaled(made, min(first - 1, high)))
        usual = min(max(self.bias << shift, least), most)
        return None if least > most else Channel(usual, multiplier, shift)

    def checked(self, made: Channel) -> Channel | None:
        """The constants if they are exact: both sides rise, so where they step decides."""
        low, high = self.bounds
        if not self.fits(made):
            return None
        probes = {low, high}
        for _, first in self._firsts():
            probes |= {first - 1, first}
        probes = {x for x in probes if low <= x <= high}
        return made if all(self._kernel(made, x) == self._reference(x) for x in probes) else None
