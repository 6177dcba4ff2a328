"""What samples were and what a model took them for: accuracy, every class, confusion. To JSON."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.intervals import CONFIDENCE, wilson
from edge_deploy.quantity import Quantity

ORIGIN = "measured:held_out_clips"


@dataclass(frozen=True)
class PerClass:
    """One label's clips. found: taken for it; claimed: clips of any label taken for it."""

    label: str
    n: int
    found: int
    claimed: int

    @property
    def recall(self) -> float | None:
        """Share of its clips that were found; None where it has none."""
        return self.found / self.n if self.n else None

    @property
    def precision(self) -> float | None:
        """Share of what was taken for it and is; None where nothing was."""
        return self.found / self.claimed if self.claimed else None

    def as_json(self) -> dict[str, Any]:
        """One entry of `per_class`; what is not known is absent."""
        found: dict[str, Any] = {"label": self.label, "n": self.n, "correct": self.found}
        if self.recall is not None:
            found["recall"] = share_json(self.found, self.n)
        if self.precision is not None:
            found["precision"] = Quantity(self.precision, "1", ORIGIN).as_json()
        return found


@dataclass(frozen=True)
class Wrong:
    """A clip that was taken for another label than its own."""

    clip: str
    was: str
    taken_for: str

    def as_json(self) -> dict[str, str]:
        """One entry of `wrong`."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Share:
    """Clips that belong together, such as one speaker's. correct: taken for what they are."""

    name: str
    n: int
    correct: int

    def as_json(self) -> dict[str, Any]:
        """One entry of `groups`."""
        return {"group": self.name, "n": self.n, "accuracy": share_json(self.correct, self.n)}


@dataclass(frozen=True)
class Classes:
    """Clips counted.

    confusion: (labels, labels) int64, rows what a clip was, columns what it was taken for.
    wrong: those off its diagonal, by name, where they have names. groups: by name; none where
    none has a name.
    """

    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    wrong: tuple[Wrong, ...] = ()
    groups: tuple[Share, ...] = ()

    @property
    def n(self) -> int:
        """Clips."""
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        """Clips that were taken for what they are."""
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> Quantity:
        """Share of the clips that were taken for what they are."""
        return Quantity(self.correct / self.n if self.n else 0.0, "1", ORIGIN)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy (Wilson)."""
        return wilson(self.correct, self.n)

    @property
    def per_class(self) -> tuple[PerClass, ...]:
        """One for each label, in their order."""
        return tuple(
            PerClass(
                label,
                int(self.confusion[i].sum()),
                int(self.confusion[i, i]),
                int(self.confusion[:, i].sum()),
            )
            for i, label in enumerate(self.labels)
        )

    @property
    def figures(self) -> dict[str, Quantity]:
        """What a budget may limit."""
        return {"accuracy": self.accuracy}

    def as_json(self) -> dict[str, Any]:
        """Keys of `evaluate --json`."""
        return {
            "n": self.n,
            "accuracy": share_json(self.correct, self.n),
            "per_class": [row.as_json() for row in self.per_class],
            "labels": list(self.labels),
            "confusion": self.confusion.tolist(),
            "wrong": [one.as_json() for one in self.wrong],
            "groups": [one.as_json() for one in self.groups],
        }


def counted(
    labels: Sequence[str],
    was: Sequence[int],
    taken_for: Sequence[int],
    names: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> Classes:
    """The counts of clips, each of one label and taken for one.

    names, groups: of the clips, or none. A clip whose group has no name is in no group.
    """
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (np.array(was, np.intp), np.array(taken_for, np.intp)), 1)
    wrong = tuple(
        Wrong(name, labels[label], labels[taken])
        for name, label, taken in zip(names, was, taken_for, strict=False)
        if label != taken
    )
    n, correct = Counter(groups), Counter[str]()
    for group, label, taken in zip(groups, was, taken_for, strict=False):
        correct[group] += label == taken
    shares = tuple(Share(name, n[name], correct[name]) for name in sorted(n) if name)
    return Classes(tuple(labels), confusion, wrong, shares)


def share_json(count: int, of: int) -> dict[str, Any]:
    """A counted share with its interval."""
    low, high = wilson(count, of)
    return {
        **Quantity(count / of if of else 0.0, "1", ORIGIN).as_json(),
        "low": low,
        "high": high,
        "confidence": CONFIDENCE,
        "interval": "wilson",
    }
