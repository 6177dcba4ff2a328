"""How far a board and this computer are of one mind: values compared bit for bit, and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import WrongBoard

KEPT_DIFFERENCES = 5
"""Clips that are named where board and host differ: enough to see a pattern."""


@dataclass(frozen=True)
class Differing:
    """One clip on which board and host are not of one mind. first: position, expected, got."""

    clip: str
    what: str
    first: tuple[int, int, int]

    def as_json(self) -> dict[str, Any]:
        """One entry of `first_differences`."""
        index, expected, got = self.first
        return {
            "clip": self.clip,
            "what": self.what,
            "index": index,
            "expected": expected,
            "got": got,
        }


@dataclass(frozen=True)
class Agreement:
    """How a board and the host were of one mind.

    compared: clips whose values were held against the host's. differing: of those, how many
    differ, by what was compared. first: a few of them.
    """

    compared: int
    differing: Mapping[str, int]
    first: tuple[Differing, ...]

    @property
    def differs(self) -> bool:
        """True if anything on the board was not as on the host."""
        return any(self.differing.values())

    @property
    def text(self) -> str:
        """`0 windows, 0 outputs, 0 decisions`."""
        return ", ".join(f"{count} {what}s" for what, count in self.differing.items())

    def as_json(self) -> dict[str, Any]:
        """Keys of `evaluate --json`."""
        first = next(iter(self.differing))
        return {
            f"{first}s_compared": self.compared,
            **{f"differing_{what}s": count for what, count in self.differing.items()},
            "first_differences": [one.as_json() for one in self.first],
        }


class Differences:
    """Counts what `compare` is given. kinds: what there is to compare of every clip."""

    def __init__(self, kinds: Sequence[str]) -> None:
        self._differing = dict.fromkeys(kinds, 0)
        self._first: list[Differing] = []

    def compare(self, clip: str, what: str, expected: NDArray[Any], got: NDArray[Any]) -> None:
        """Two rows of one clip's integers. Raises WrongBoard for rows of different lengths."""
        if expected.size != got.size:
            raise WrongBoard(
                f"the board's {what} has {got.size:,} values, the host's {expected.size:,}."
            )
        at = np.flatnonzero(expected != got)
        if not at.size:
            return
        self._differing[what] += 1
        if len(self._first) < KEPT_DIFFERENCES:
            index = int(at[0])
            where = (index, int(expected[index]), int(got[index]))
            self._first.append(Differing(clip, what, where))

    def agreement(self, compared: int) -> Agreement:
        """What was found over so many clips."""
        return Agreement(compared, dict(self._differing), tuple(self._first))
