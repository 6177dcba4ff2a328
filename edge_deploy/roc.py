"""Scores of normal and of anomalous samples -> ROC curve: what each threshold would tell apart.

A sample is told to be an anomaly where its score is at least the threshold, as on a board. Knows
nothing of models, and takes scores of any scale: a curve depends on their order alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_deploy import intervals


@dataclass(frozen=True)
class Roc:
    """A curve from (0, 0) to (1, 1), point by point.

    thresholds: (points,) float64, falling: infinity, then every score that was seen.
    true_positives, false_positives: (points,) int64, how many anomalous and how many normal
    samples score at least that much.
    """

    thresholds: NDArray[np.float64]
    true_positives: NDArray[np.int64]
    false_positives: NDArray[np.int64]

    @property
    def positives(self) -> int:
        """Anomalous samples."""
        return int(self.true_positives[-1])

    @property
    def negatives(self) -> int:
        """Normal samples."""
        return int(self.false_positives[-1])

    @property
    def auc(self) -> float:
        """Area under the curve: how often an anomalous sample scores above a normal one.

        Equal scores count half (Mann and Whitney's statistic). Summed in integers.
        """
        wide = np.diff(self.false_positives)
        high = self.true_positives[1:] + self.true_positives[:-1]
        return int(wide @ high) / (2 * self.positives * self.negatives)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the area, of samples that know nothing of each other."""
        return intervals.area(self.auc, self.positives, self.negatives)

    def corners(self) -> Roc:
        """The same curve without the points that lie on a straight line between others."""
        x, y = self.false_positives, self.true_positives
        steps = list(zip(np.diff(x).tolist(), np.diff(y).tolist(), strict=True))
        kept = [0]
        for at in range(1, len(x) - 1):
            (dx, dy), (next_dx, next_dy) = steps[at - 1], steps[at]
            if dx * next_dy != dy * next_dx:
                kept.append(at)
        kept.append(len(x) - 1)
        return Roc(self.thresholds[kept], y[kept], x[kept])


def of(scores: ArrayLike, anomalous: ArrayLike) -> Roc:
    """The curve of scores, (n,), and which of them are an anomaly's, (n,) bool or 0 and 1.

    Raises ValueError where all samples are of one kind, or a score is no number.
    """
    values = np.asarray(scores, np.float64)
    kinds = np.asarray(anomalous).astype(bool)
    if values.ndim != 1 or values.shape != kinds.shape:
        raise ValueError(f"{values.shape} scores of {kinds.shape} samples")
    if np.isnan(values).any():
        raise ValueError("a score is no number")
    positives = int(kinds.sum())
    if not 0 < positives < kinds.size:
        raise ValueError(
            f"{positives} of {kinds.size} samples are anomalies: both kinds are wanted"
        )
    thresholds, which = np.unique(values, return_inverse=True)
    return Roc(
        np.concatenate([[np.inf], thresholds[::-1]]),
        _at_least(which[kinds], thresholds.size),
        _at_least(which[~kinds], thresholds.size),
    )


def _at_least(which: NDArray[Any], count: int) -> NDArray[np.int64]:
    """(count + 1,): how many are at or above each of `count` values, from the highest down."""
    each = np.bincount(which, minlength=count)[::-1]
    counts = np.zeros(count + 1, np.int64)
    np.cumsum(each, out=counts[1:])
    return counts
