"""Points -> those that no other one beats.

Knows numbers: a figure, of which more is better or less is, and a cost, of which less is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a point stands: what it costs, and how good it is (more is better)."""

    cost: float
    good: float


def front(places: Sequence[Place | None]) -> list[int]:
    """Positions of the places that nobody beats, by rising cost; None is nowhere.

    One place beats another that is not cheaper and not better, and differs. Of equal ones all stay.
    """
    known = [(place, number) for number, place in enumerate(places) if place is not None]
    known.sort(key=lambda pair: (pair[0].cost, -pair[0].good, pair[1]))
    found: list[int] = []
    best: Place | None = None
    for place, number in known:
        if best is None or place.good > best.good or place == best:
            found.append(number)
            best = place
    return found
