"""What two models made of the same samples -> figures side by side, and how sure each is.

Accuracies get Wilson's interval, areas under a curve that of Newcombe, both of samples that know
nothing of each other; other accuracies and areas of a recipe's own (by group, balanced) get one by
drawing the samples anew. Other figures get none. Knows nothing about networks.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy import roc
from edge_deploy.intervals import CONFIDENCE, wilson
from edge_deploy.quantity import Quantity
from edge_deploy.roc import Roc
from edge_deploy.training.classification import confusion
from edge_deploy.training.result import Comparison, Interval, Outputs

Score = Callable[[NDArray[Any], NDArray[np.float32]], Mapping[str, tuple[float, str]]]
Told = Callable[
    [NDArray[Any], NDArray[np.float32]], Mapping[str, tuple[NDArray[Any], NDArray[Any]]]
]
"""Targets and outputs -> by figure the scores and kinds (1: anomaly) that it is the area of."""

# The figures that are shares of samples, or of pairs of them; also what begins so (`auc_fast`).
_SHARES = ("accuracy", "auc")
_AUC = "auc"
_DRAWS = 500
_SEED = 1
# A recipe may sum in another order than we do.
_CLOSE = 1e-6


def compared(
    score: Score,
    labels: tuple[str, ...],
    outputs: Outputs,
    origins: tuple[str, str],
) -> tuple[Comparison, ...]:
    """Every figure of `score`, float beside int8. labels: the recipe's. origins: of both."""
    in_float = _Scored(score, labels, outputs.targets, outputs.in_float, outputs.float_curves)
    in_int8 = _Scored(score, labels, outputs.targets, outputs.in_int8, outputs.int8_curves)
    return tuple(
        Comparison(
            name,
            Quantity(float(value), unit, origins[0]),
            Quantity(float(in_int8.figures[name][0]), unit, origins[1]),
            in_float.interval(name),
            in_int8.interval(name),
        )
        for name, (value, unit) in in_float.figures.items()
    )


def curves(
    told: Told | None,
    labels: tuple[str, ...],
    targets: NDArray[Any],
    outputs: NDArray[np.float32],
) -> dict[str, Roc]:
    """The ROC curves of a lab that scores anomalies, by the figure that is the area below each.

    told: the recipe's own. Without it a lab with one label has the curve `auc`, where its targets
    are 0 and 1, (n,) or (n, 1), and its outputs one score each; otherwise there is none.
    Raises ValueError where the recipe's own are no scores of both kinds.
    """
    if told is not None:
        return {name: roc.of(*pair) for name, pair in told(targets, outputs).items()}
    kinds, values = np.asarray(targets).ravel(), np.asarray(outputs).ravel()
    if len(labels) != 1 or kinds.size != len(targets) or values.size != len(targets):
        return {}
    if set(np.unique(kinds).tolist()) != {0, 1} or not np.isfinite(values).all():
        return {}
    return {_AUC: roc.of(values, kinds)}


class _Scored:
    """The figures of one model on the test samples, and how sure each is."""

    def __init__(
        self,
        score: Score,
        labels: tuple[str, ...],
        targets: NDArray[Any],
        outputs: NDArray[np.float32],
        curves: Mapping[str, Roc],
    ) -> None:
        self.figures = score(targets, outputs)
        self._score = score
        self._labels = labels
        self._targets = targets
        self._outputs = outputs
        self._curves = curves

    def interval(self, name: str) -> Interval | None:
        """The 95 % interval of a figure; None where it is no share, or nothing can be said."""
        if not name.startswith(_SHARES):
            return None
        value = float(self.figures[name][0])
        if len(self._labels) > 1 and name == "accuracy":
            counts = confusion(len(self._labels), self._targets, self._outputs)
            right, of = int(np.trace(counts)), int(counts.sum())
            if abs(value - right / of) < _CLOSE:
                return wilson(right, of)
        curve = self._curves.get(name)
        if curve is not None and abs(curve.auc - value) < _CLOSE:
            return curve.interval
        tail = 100 * (1 - CONFIDENCE) / 2
        low, high = np.percentile(self._drawn[name], [tail, 100 - tail]).tolist()
        # Where every draw gives the same, all that is known is that there were too few samples.
        return (low, high) if low < high else None

    @functools.cached_property
    def _drawn(self) -> dict[str, list[float]]:
        """Every figure of samples drawn anew, from each kind of target as many as there are.

        Source: B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13,
        the percentile interval. The seed is fixed: the same outputs give the same draws.
        """
        flat = np.asarray(self._targets).reshape(len(self._targets), -1)
        _, kinds = np.unique(flat, axis=0, return_inverse=True)
        kinds = kinds.ravel()
        # Targets that are nearly all different are no kinds: then all samples are of one.
        if kinds.max() >= len(flat) // 2:
            kinds = np.zeros_like(kinds)
        groups = [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]
        draw = np.random.default_rng(_SEED)
        found: dict[str, list[float]] = {name: [] for name in self.figures}
        for _ in range(_DRAWS):
            drawn = np.concatenate([draw.choice(group, len(group)) for group in groups])
            for name, (value, _) in self._score(self._targets[drawn], self._outputs[drawn]).items():
                found[name].append(float(value))
        return found
