"""Scores of normal and anomalous samples: areas under ROC curves, the lab's threshold. To JSON.

By group (such as a machine's speed) and of all together: one threshold serves them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy import roc
from edge_deploy.bench import classes, decision
from edge_deploy.bench.classes import ORIGIN, Classes
from edge_deploy.bench.clips import ANOMALY_KINDS
from edge_deploy.drawing import curves
from edge_deploy.errors import BadInput
from edge_deploy.intervals import CONFIDENCE
from edge_deploy.quantity import Quantity
from edge_deploy.roc import Roc


@dataclass(frozen=True)
class Group:
    """Samples that belong together, all of them under an empty name.

    curve: None where all are of one kind. at_threshold: what the lab's threshold makes of them.
    """

    name: str
    curve: Roc | None
    at_threshold: Classes

    @property
    def auc(self) -> Quantity | None:
        """Area under the curve; None where there is none."""
        return None if self.curve is None else Quantity(self.curve.auc, "1", ORIGIN)

    @property
    def normal(self) -> int:
        """Samples of what is normal."""
        return self.at_threshold.per_class[0].n

    @property
    def anomalous(self) -> int:
        """Samples of anomalies."""
        return self.at_threshold.per_class[1].n

    @property
    def false_alarms(self) -> int:
        """Normal samples at or above the threshold."""
        return int(self.at_threshold.confusion[0, 1])

    @property
    def found(self) -> int:
        """Anomalous samples at or above the threshold."""
        return int(self.at_threshold.confusion[1, 1])

    def as_json(self) -> dict[str, Any]:
        """One entry of `groups`; what is not known is absent."""
        found: dict[str, Any] = {"normal": self.normal, "anomalous": self.anomalous}
        if self.curve is not None:
            low, high = self.curve.interval
            found["auc"] = {
                **Quantity(self.curve.auc, "1", ORIGIN).as_json(),
                "low": low,
                "high": high,
                "confidence": CONFIDENCE,
                "interval": "newcombe",
            }
        if self.anomalous:
            found["true_positive_rate"] = classes.share_json(self.found, self.anomalous)
        if self.normal:
            found["false_positive_rate"] = classes.share_json(self.false_alarms, self.normal)
        if self.curve is not None:
            found["roc"] = _points(self.curve)
        return found


@dataclass(frozen=True)
class Anomalies:
    """threshold: the lab's, of a single score. groups: by name; none where none has a name."""

    threshold: float
    pooled: Group
    groups: tuple[Group, ...]

    @property
    def n(self) -> int:
        """Samples."""
        return self.pooled.at_threshold.n

    @property
    def curve(self) -> Roc:
        """Of all samples, which are of both kinds."""
        assert self.pooled.curve is not None
        return self.pooled.curve

    @property
    def figures(self) -> dict[str, Quantity]:
        """What a budget may limit."""
        return {"auc": Quantity(self.curve.auc, "1", ORIGIN)}

    def as_json(self) -> dict[str, Any]:
        """Keys of `evaluate --json`."""
        pooled = self.pooled.as_json()
        at = self.pooled.at_threshold.as_json()
        return {
            "n": self.n,
            "auc": pooled.pop("auc"),
            **pooled,
            "threshold": self.threshold,
            "groups": [{"group": group.name, **group.as_json()} for group in self.groups],
            "per_class": at["per_class"],
            "labels": at["labels"],
            "confusion": at["confusion"],
            "wrong": at["wrong"],
        }


def picture(found: Anomalies, title: str) -> str:
    """The curves of all groups as an SVG document; dots are where the lab's threshold puts them."""
    lines = []
    for group in (found.pooled, *found.groups):
        if group.curve is None:
            continue
        few = group.curve.corners()
        alarms, hits = few.false_positives / few.negatives, few.true_positives / few.positives
        lines.append(
            curves.Line(
                f"{group.name or 'all'}: {group.curve.auc:.3f}",
                tuple(zip(alarms.tolist(), hits.tolist(), strict=True)),
                dot=(group.false_alarms / group.normal, group.found / group.anomalous),
            )
        )
    lines.append(curves.Line("by chance", ((0.0, 0.0), (1.0, 1.0))))
    return curves.emit(
        title,
        "normal samples taken for anomalies (false positive rate)",
        [curves.Panel("anomalies found (true positive rate)", tuple(lines))],
        note=f"areas under the curves; dots: the lab's threshold, {found.threshold:g}",
        panel_height=curves.SQUARE,
    )


def ranked(
    scores: NDArray[np.int8],
    scale: float,
    zero_point: int,
    labels: Sequence[int],
    groups: Sequence[str],
    threshold: float,
    clips: Sequence[str] = (),
) -> Anomalies:
    """Samples by their scores, (n,) int8, of the kinds of ANOMALY_KINDS and of named groups.

    clips: their names, or none.

    threshold: of one score, scale * (score - zero_point), compared in float32 as on the board.
    Raises BadInput where all samples are of one kind.
    """
    stored = decision.Scores(np.arange(len(scores)), scores.reshape(-1, 1), scale, zero_point)
    real = decision.smoothed(stored, 1).means
    was = np.array(labels, np.int64)
    if was.size == 0 or was.min() == was.max():
        kinds = "".join(ANOMALY_KINDS[kind] for kind in set(was.tolist()))
        raise BadInput(
            f"of {was.size} recordings all are {kinds or 'absent'}: how well anomalies are told "
            "from what is normal takes some of both kinds."
        )
    whose = np.array(groups)
    names = sorted(set(groups)) if any(groups) else []
    every = np.ones(was.size, bool)
    return Anomalies(
        threshold,
        _group("", real, was, every, threshold, clips),
        tuple(_group(name, real, was, whose == name, threshold) for name in names),
    )


def _group(
    name: str,
    real: NDArray[np.float32],
    was: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    threshold: float,
    clips: Sequence[str] = (),
) -> Group:
    scores, kinds = real[chosen], was[chosen]
    told = (scores >= np.float32(threshold)).astype(np.int64)
    both = kinds.min() != kinds.max()
    return Group(
        name,
        roc.of(scores, kinds) if both else None,
        classes.counted(ANOMALY_KINDS, kinds.tolist(), told.tolist(), clips),
    )


def _points(curve: Roc) -> list[dict[str, float]]:
    """Corners of the curve; the first has no threshold: there is none that nothing reaches."""
    few = curve.corners()
    points = []
    for threshold, found, alarms in zip(
        few.thresholds.tolist(),
        few.true_positives.tolist(),
        few.false_positives.tolist(),
        strict=True,
    ):
        point = {
            "true_positive_rate": found / curve.positives,
            "false_positive_rate": alarms / curve.negatives,
        }
        points.append({"threshold": threshold, **point} if np.isfinite(threshold) else point)
    return points
