"""How well a board hears: held-out recordings through the device, from raw samples on.

Every clip is played to the board and to this computer's own chain (`host.py`), and three things are
compared bit for bit: the feature window, the scores, the decision. So an accuracy is the board's
own, and a difference between training and device cannot hide in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_deploy import __version__
from edge_deploy.bench import clips as recordings
from edge_deploy.bench.clips import Clip
from edge_deploy.bench.host import Host
from edge_deploy.errors import WrongBoard
from edge_deploy.intervals import CONFIDENCE, wilson
from edge_deploy.quantity import Quantity
from edge_deploy.telemetry.hello import Hello
from edge_deploy.telemetry.readings import Inference

ORIGIN = "measured:held_out_clips"

KEPT_DIFFERENCES = 5
"""Clips that are named where board and host differ: enough to see a pattern."""


class Ear(Protocol):
    """As much of a Session as listens: `edge_deploy.telemetry.session.Session` does."""

    @property
    def board(self) -> Hello:
        """What the board said of itself."""

    def forget(self) -> None:
        """Forget all that was heard."""

    def hear(self, samples: NDArray[np.int16]) -> None:
        """Play samples to the board."""

    def window(self) -> bytes:
        """The board's feature window as it stands."""

    def decide(self) -> Inference:
        """One inference on the window."""


@dataclass(frozen=True)
class PerClass:
    """One label's clips. found: heard as such; claimed: clips of any label heard as this one."""

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
        """Share of what was heard as it and is; None where nothing was."""
        return self.found / self.claimed if self.claimed else None


@dataclass(frozen=True)
class Differing:
    """One clip on which board and host are not of one mind. first: position, expected, got."""

    clip: str
    what: str
    first: tuple[int, int, int]


@dataclass(frozen=True)
class EvaluateResult:
    """What the board made of the clips.

    confusion: (labels, labels), rows what it was, columns what the board heard.
    windows_compared: clips whose window, scores and decision were held against the host's.
    differing_*: of those, how many differ.
    """

    lab: str
    hello: Hello
    on: str
    reference: str
    seed: int
    labels: tuple[str, ...]
    held_out: int
    confusion: NDArray[np.int64]
    windows_compared: int
    differing_windows: int
    differing_outputs: int
    differing_decisions: int
    first: tuple[Differing, ...]

    @property
    def n(self) -> int:
        """Clips."""
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        """Clips that were heard as what they are."""
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> Quantity:
        """Share of the clips that were heard as what they are."""
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
    def differs(self) -> bool:
        """True if anything on the board was not as on the host."""
        return bool(self.differing_windows or self.differing_outputs or self.differing_decisions)

    def as_json(self) -> dict[str, Any]:
        """The keys of `evaluate --json`."""
        low, high = self.interval
        return {
            "lab": self.lab,
            "model": {"name": self.hello.model, "sha256": self.hello.sha256},
            "board": self.hello.board,
            "on": self.on,
            "engine": self.hello.engine,
            "tool_version": __version__,
            "reference": self.reference,
            "seed": self.seed,
            "n": self.n,
            "held_out": self.held_out,
            "accuracy": {**self.accuracy.as_json(), **_interval_json(low, high, "wilson")},
            "per_class": [_class_json(row) for row in self.per_class],
            "labels": list(self.labels),
            "confusion": self.confusion.tolist(),
            "windows_compared": self.windows_compared,
            "differing_windows": self.differing_windows,
            "differing_outputs": self.differing_outputs,
            "differing_decisions": self.differing_decisions,
            "first_differences": [
                {
                    "clip": one.clip,
                    "what": one.what,
                    "index": one.first[0],
                    "expected": one.first[1],
                    "got": one.first[2],
                }
                for one in self.first
            ],
        }


def evaluate(
    ear: Ear,
    host: Host,
    clips: Sequence[Clip],
    *,
    lab: str,
    labels: Sequence[str],
    on: str,
    seed: int = 0,
    held_out: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> EvaluateResult:
    """Play every clip to the board and to the host, and count.

    ear: begun, with the model that the host has. held_out: of how many the clips were chosen.
    progress: called with (done, of). Raises BadInput where a clip cannot be read, WrongBoard
    where the board reports other than one score a label.
    """
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    windows = outputs = decisions = 0
    first: list[Differing] = []
    for number, clip in enumerate(clips):
        samples = recordings.window_of(clip, host.rate_hz, host.window_samples)
        ear.forget()
        host.forget()
        ear.hear(samples)
        got_window = np.frombuffer(ear.window(), np.int8)
        heard = ear.decide()
        got_scores = scores_of(heard, len(labels))
        window = host.window(host.frames(samples))
        scores = host.scores(window)
        if scores.size != len(labels):
            raise WrongBoard(f"the model has {scores.size} scores, {lab} {len(labels)} labels.")
        decision, got_decision = int(np.argmax(scores)), top_of(heard, got_scores)
        found = [
            _difference(clip, "window", window.reshape(-1), got_window),
            _difference(clip, "output", scores, got_scores),
            _difference(clip, "decision", np.array([decision]), np.array([got_decision])),
        ]
        windows += found[0] is not None
        outputs += found[1] is not None
        decisions += found[2] is not None
        first += [one for one in found if one is not None][: KEPT_DIFFERENCES - len(first)]
        confusion[clip.label, got_decision] += 1
        if progress is not None:
            progress(number + 1, len(clips))
    return EvaluateResult(
        lab=lab,
        hello=ear.board,
        on=on,
        reference=host.reference,
        seed=seed,
        labels=tuple(labels),
        held_out=len(clips) if held_out is None else held_out,
        confusion=confusion,
        windows_compared=len(clips),
        differing_windows=windows,
        differing_outputs=outputs,
        differing_decisions=decisions,
        first=tuple(first),
    )


def scores_of(heard: Inference, labels: int) -> NDArray[np.int8]:
    """The board's scores, (labels,) int8. Raises WrongBoard for another number of them."""
    output = heard.output or b""
    if len(output) != labels:
        raise WrongBoard(f"the board reports {len(output)} scores for {labels} labels.")
    return np.frombuffer(output, np.int8)


def top_of(heard: Inference, scores: NDArray[np.int8]) -> int:
    """The label that the board itself found largest; its own word, not ours.

    Raises WrongBoard where it names none of the labels.
    """
    if heard.top is None or not 0 <= heard.top < scores.size:
        raise WrongBoard(f"the board's decision is {heard.top}; labels are 0 to {scores.size - 1}.")
    return heard.top


def _difference(
    clip: Clip, what: str, expected: NDArray[Any], got: NDArray[Any]
) -> Differing | None:
    """Where two rows of integers first differ; None if nowhere."""
    if expected.size != got.size:
        raise WrongBoard(
            f"the board's {what} has {got.size:,} values, the host's {expected.size:,}."
        )
    at = np.flatnonzero(expected != got)
    if not at.size:
        return None
    index = int(at[0])
    name = f"{clip.path.parent.name}/{clip.path.name}"
    return Differing(name, what, (index, int(expected[index]), int(got[index])))


def _class_json(row: PerClass) -> dict[str, Any]:
    found: dict[str, Any] = {"label": row.label, "n": row.n, "correct": row.found}
    if row.recall is not None:
        low, high = wilson(row.found, row.n)
        found["recall"] = {
            **Quantity(row.recall, "1", ORIGIN).as_json(),
            **_interval_json(low, high, "wilson"),
        }
    if row.precision is not None:
        found["precision"] = Quantity(row.precision, "1", ORIGIN).as_json()
    return found


def _interval_json(low: float, high: float, kind: str) -> dict[str, Any]:
    return {"low": low, "high": high, "confidence": CONFIDENCE, "interval": kind}
