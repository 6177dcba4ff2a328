"""What is known of a tensor's values before it is computed: a range for each channel.

A channel is an index of the last dimension; its range holds for every position, every batch and
every input of the model. Ranges are sound, not tight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.fixed_point import scaled_each
from edge_deploy.compiler.ops.weighted import Requantization
from edge_deploy.model.graph import DType, Tensor

_WORD = np.iinfo(np.int32)


@dataclass(frozen=True)
class Values:
    """lowest, highest: (channels,) int64, both included; of floats nothing is known."""

    lowest: NDArray[np.int64]
    highest: NDArray[np.int64]

    @property
    def channels(self) -> int:
        """How many channels the tensor has."""
        return int(self.lowest.size)

    @property
    def constant(self) -> NDArray[np.bool_]:
        """(channels,) True where a channel has one value only."""
        constant: NDArray[np.bool_] = self.lowest == self.highest
        return constant

    def seen_as(self, channels: int) -> Values:
        """The same bytes read as so many channels: whole pixels are lined up (a flattening).

        Where the channels do not line up, one range for all.
        """
        if channels == self.channels:
            return self
        if channels % self.channels == 0:
            times = channels // self.channels
            return Values(np.tile(self.lowest, times), np.tile(self.highest, times))
        return full(channels, int(self.lowest.min()), int(self.highest.max()))

    def joined(self, other: Values) -> Values:
        """What holds for one or the other."""
        return Values(
            np.minimum(self.lowest, other.lowest), np.maximum(self.highest, other.highest)
        )

    def clamped(self, lowest: int, highest: int) -> Values:
        """After a clamp."""
        return Values(self.lowest.clip(lowest, highest), self.highest.clip(lowest, highest))


def full(channels: int, lowest: int, highest: int) -> Values:
    """The same range for every channel."""
    return Values(np.full(channels, lowest, np.int64), np.full(channels, highest, np.int64))


def unwritten(channels: int) -> Values:
    """Of channels that nothing writes: no value, so that `joined` gives what others write."""
    limits = np.iinfo(np.int64)
    return Values(np.full(channels, limits.max), np.full(channels, limits.min))


def unknown(tensor: Tensor) -> Values:
    """All that a tensor's type can hold."""
    channels = tensor.shape[-1] if tensor.shape else 1
    if tensor.dtype is DType.BOOL:
        return full(channels, 0, 1)
    limits = np.iinfo(tensor.dtype.value if "int" in tensor.dtype.value else np.int64)
    return full(channels, int(limits.min), int(limits.max))


def requantized(
    low: NDArray[np.int64], high: NDArray[np.int64], requantization: Requantization
) -> Values:
    """The outputs of accumulators from `low` to `high`: (channels, ...) int64 each.

    Requantization is monotonic as long as no word overflows; where one could, the output may be
    anything within the clamp.
    """
    r = requantization
    as_column = (-1,) + (1,) * (low.ndim - 1)
    left = np.array([max(m.shift, 0) for m in r.multipliers], np.int64).reshape(as_column)
    known = (low >= _WORD.min >> left) & (high <= _WORD.max >> left)
    ends = []
    for bound, otherwise in ((low, r.lowest), (high, r.highest)):
        scaled = scaled_each(np.where(known, bound, 0), r.multipliers) + r.zero_point
        known &= (scaled >= _WORD.min) & (scaled <= _WORD.max)
        ends.append((scaled.clip(r.lowest, r.highest), otherwise))
    lowest, highest = (np.where(known, end, otherwise) for end, otherwise in ends)
    others = tuple(range(1, low.ndim))
    return Values(lowest.min(axis=others), highest.max(axis=others))
