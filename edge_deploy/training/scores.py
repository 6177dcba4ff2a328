"""What two models made of the same samples -> figures side by side, and how sure each is.

Accuracies get Wilson's interval, areas under a curve that of Newcombe, both of samples that know
nothing of each other; other accuracies and areas of a recipe's own (by group, balanced) get one by
drawing the samples anew. Other figures get none. Knows nothing about networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy import roc
from edge_deploy.intervals import CONFIDENCE, wilson
from edge_deploy.quantity import Quantity
from edge_deploy.roc import Roc
from edge_deploy.training.classification import confusion
from edge_deploy.training.result import Comparison, Interval

Score = Callable[[NDArray[Any], NDArray[np.float32]], Mapping[str, tuple[float, str]]]

# The figures that are shares of samples, or of pairs of them; also what begins so (`auc_fast`).
_SHARES = ("accuracy", "auc")
_DRAWS = 1_000
_SEED = 1
# A recipe may sum in another order than we do.
_CLOSE = 1e-6


def compared(
    score: Score,
    labels: tuple[str, ...],
    targets: NDArray[Any],
    outputs: tuple[NDArray[np.float32], NDArray[np.float32]],
    origins: tuple[str, str],
) -> tuple[Comparison, ...]:
    """Every figure of `score`, float beside int8.

    labels: of a classifier, or the one of a lab that scores anomalies. outputs: (n, ...) of the
    float network and of the int8 model; origins: of the figures made of them.
    """
    scores = [score(targets, each) for each in outputs]
    rows = []
    for name, (_, unit) in scores[0].items():
        values = [float(each[name][0]) for each in scores]
        sure = [
            interval(name, value, score, labels, targets, each)
            for value, each in zip(values, outputs, strict=True)
        ]
        rows.append(
            Comparison(
                name,
                Quantity(values[0], unit, origins[0]),
                Quantity(values[1], unit, origins[1]),
                *sure,
            )
        )
    return tuple(rows)


def interval(
    name: str,
    value: float,
    score: Score,
    labels: tuple[str, ...],
    targets: NDArray[Any],
    outputs: NDArray[np.float32],
) -> Interval | None:
    """The 95 % interval of one figure; None where it is no share, or nothing can be said."""
    if not name.startswith(_SHARES):
        return None
    if len(labels) > 1 and name == "accuracy":
        counts = confusion(len(labels), targets, outputs)
        right, of = int(np.trace(counts)), int(counts.sum())
        if abs(value - right / of) < _CLOSE:
            return wilson(right, of)
    curve = curve_of(targets, outputs) if name == "auc" else None
    if curve is not None and abs(curve.auc - value) < _CLOSE:
        return curve.interval
    return _by_drawing(name, score, targets, outputs)


def curve_of(targets: NDArray[Any], outputs: NDArray[np.float32]) -> Roc | None:
    """The ROC curve of anomaly scores; None where there is not one 0 or 1 and one score a sample.

    targets: (n,) or (n, 1), 1 where a sample is an anomaly. outputs: the same shape or (n, 1).
    """
    kinds, scores = np.asarray(targets), np.asarray(outputs)
    if kinds.size != len(kinds) or scores.size != len(scores) or len(kinds) != len(scores):
        return None
    kinds = kinds.ravel()
    if set(np.unique(kinds).tolist()) != {0, 1} or not np.isfinite(scores).all():
        return None
    return roc.of(scores.ravel(), kinds)


def _by_drawing(
    name: str, score: Score, targets: NDArray[Any], outputs: NDArray[np.float32]
) -> Interval | None:
    """The middle 95 % of what samples drawn anew, from each kind of target as many, would give.

    Source: B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13, the
    percentile interval; the seed is fixed, so the same outputs give the same ends. None where
    every draw gives the same: then all that is known is that there were too few samples.
    """
    flat = np.asarray(targets).reshape(len(targets), -1)
    _, kinds = np.unique(flat, axis=0, return_inverse=True)
    # Targets that are all different are no kinds: then all samples are of one.
    groups = (
        [np.flatnonzero(kinds.ravel() == kind) for kind in range(int(kinds.max()) + 1)]
        if kinds.max() < len(flat) // 2
        else [np.arange(len(flat))]
    )
    draw = np.random.default_rng(_SEED)
    values = []
    for _ in range(_DRAWS):
        drawn = np.concatenate([draw.choice(group, len(group)) for group in groups])
        values.append(float(score(targets[drawn], outputs[drawn])[name][0]))
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = (float(each) for each in np.percentile(values, [tail, 100 - tail]))
    return (low, high) if low < high else None
