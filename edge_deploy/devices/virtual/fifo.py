"""Samples that come by virtual time, and the FIFO that holds those a program has not taken yet.

Turns what is played (a recording, noise, pictures) into the bytes that a program copies to its
memory. A sample is a number, a row of numbers, or a whole frame: an element of an array's first
axis. Knows nothing of registers, of memories, or of how a machine tells time.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

NS_PER_S = 1_000_000_000


class Source(Protocol):
    """Something that can be sensed from its beginning, sample after sample."""

    def start(self) -> None:
        """From here on samples come. Raises EdgeDeployError where what makes them is gone."""

    def stop(self) -> None:
        """No more samples are wanted. Safe to repeat."""

    def arrived(self, elapsed_ns: int) -> int:
        """Samples since `start`, when so much virtual time has passed; never fewer than before."""

    def samples(self, first: int, count: int) -> NDArray[Any]:
        """(count, ...) that have arrived, from number `first`; of a live source the latest."""


class Timed:
    """Samples that come by virtual time: number k is there (k + 1) / rate_hz after the start."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz

    def start(self) -> None:
        """Nothing has to be done for it."""

    def stop(self) -> None:
        """Nor for this."""

    def arrived(self, elapsed_ns: int) -> int:
        """Whole periods that have passed."""
        return elapsed_ns * self._rate_hz // NS_PER_S


class Played(Timed):
    """Given samples, then `rest` for ever.

    samples: (n, ...); rest: one sample of the same type.
    """

    def __init__(self, samples: NDArray[Any], rest: NDArray[Any], rate_hz: int) -> None:
        super().__init__(rate_hz)
        self._samples = samples
        self._rest = rest

    def samples(self, first: int, count: int) -> NDArray[Any]:
        """What was given, as far as it goes."""
        part = self._samples[first : first + count]
        missing = count - len(part)
        if not missing:
            return part
        return np.concatenate([part, np.broadcast_to(self._rest, (missing, *part.shape[1:]))])


class Fifo:
    """The FIFO between a Source and the program. Times are virtual nanoseconds.

    capacity: samples that can wait; a full FIFO loses its oldest to each new one. What has
    happened meanwhile is worked out whenever it is looked at, so it makes no difference how often
    that is.
    """

    def __init__(self, source: Source, capacity: int) -> None:
        self._source = source
        self._capacity = capacity
        self._began_ns: int | None = None
        self._arrived = 0
        self._next = 0  # number of the oldest sample that waits
        self._lost = 0

    @property
    def running(self) -> bool:
        """Whether more samples come."""
        return self._began_ns is not None

    def start(self, now_ns: int) -> None:
        """Sense from the source's beginning, with an empty FIFO. Raises what the source does."""
        self.clear(now_ns)
        self._source.start()
        self._began_ns = now_ns

    def stop(self, now_ns: int) -> None:
        """Nothing more arrives; what waits can still be taken."""
        self._look(now_ns)
        self._began_ns = None
        self._source.stop()

    def clear(self, now_ns: int) -> None:
        """Stop, and forget everything, as a reset does."""
        self.stop(now_ns)
        self._arrived = self._next = self._lost = 0

    def available(self, now_ns: int) -> int:
        """Samples that wait."""
        self._look(now_ns)
        return self._arrived - self._next

    def lost(self, now_ns: int) -> int:
        """Samples lost since the start; all were older than those that wait."""
        self._look(now_ns)
        return self._lost

    def take(self, most: int, now_ns: int) -> NDArray[Any]:
        """At most so many of the oldest, little-endian."""
        count = min(most, self.available(now_ns))
        taken = self._source.samples(self._next, count)
        self._next += count
        return np.ascontiguousarray(taken, dtype=taken.dtype.newbyteorder("<"))

    def _look(self, now_ns: int) -> None:
        if self._began_ns is None:
            return
        self._arrived = self._source.arrived(now_ns - self._began_ns)
        lost = self._arrived - self._capacity - self._next
        if lost > 0:
            self._next += lost
            self._lost += lost
