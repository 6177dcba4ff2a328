"""Many measured values to a few: min, p50, p90, p99, max and how much they scatter.

Percentiles are nearest-rank: the smallest value that at least that share of all values does not
exceed. So each is a value that was really measured, p50 of an even number is the lower middle
one, and with fewer than 100 values p99 is the largest: nothing is made up between two values.
cv, the coefficient of variation, is the sample's standard deviation (n - 1) over its mean; it
does not exist for a single value, nor where values scatter about zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

NOISY_CV = 0.05
"""Above it a measurement is to be called noisy (facts of the field: docs/measuring.md)."""


@dataclass(frozen=True)
class Summary:
    """n values in one unit, which the owner knows. cv is None where it does not exist."""

    n: int
    min: float
    p50: float
    p90: float
    p99: float
    max: float
    cv: float | None

    @property
    def noisy(self) -> bool:
        """True if the values scatter so much that the figure needs a warning."""
        return self.cv is not None and self.cv > NOISY_CV

    def as_json(self) -> dict[str, float]:
        """The keys that `bench --json` gives; without `cv` where there is none."""
        values: dict[str, float] = {
            "n": self.n,
            "min": self.min,
            "p50": self.p50,
            "p90": self.p90,
            "p99": self.p99,
            "max": self.max,
        }
        if self.cv is not None:
            values["cv"] = self.cv
        return values


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Nearest-rank percentile of values in rising order. percent: 1 to 100."""
    rank = -(-len(ordered) * percent // 100)  # the ceiling, in integers
    return ordered[rank - 1]


def middle(values: Sequence[float]) -> int:
    """Position of the (lower) median: the run that stands for all in `bench`. values: not empty."""
    order = sorted(range(len(values)), key=lambda i: (values[i], i))
    return order[(len(values) - 1) // 2]


def summarize(values: Sequence[float]) -> Summary:
    """values: at least one, all finite. Raises ValueError otherwise: a caller's mistake."""
    if not values or not all(map(math.isfinite, values)):
        raise ValueError(f"{len(values)} values, or some that are not finite")
    ordered = sorted(values)
    mean = math.fsum(ordered) / len(ordered)
    cv = None
    if len(ordered) > 1:
        variance = math.fsum((value - mean) ** 2 for value in ordered) / (len(ordered) - 1)
        if variance == 0:
            cv = 0.0  # even where the mean is zero: nothing scatters
        elif mean != 0:
            cv = math.sqrt(variance) / abs(mean)
    return Summary(
        n=len(ordered),
        min=ordered[0],
        p50=percentile(ordered, 50),
        p90=percentile(ordered, 90),
        p99=percentile(ordered, 99),
        max=ordered[-1],
        cv=cv,
    )
