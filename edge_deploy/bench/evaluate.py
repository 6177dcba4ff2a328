"""How well a model does on a board: held-out recordings through the device, from raw samples on.

Every recording is played to the board and to this computer's own chain (`host.py`), and three
things are compared bit for bit: the feature window, the scores, the decision. So a figure is the
board's own, and a difference between training and device cannot hide in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_deploy import __version__
from edge_deploy.bench import anomalies, classes
from edge_deploy.bench.agreement import Agreement, Differences
from edge_deploy.bench.anomalies import Anomalies
from edge_deploy.bench.classes import Classes
from edge_deploy.bench.clips import scores_anomalies
from edge_deploy.bench.host import Host
from edge_deploy.bench.scored import Scored
from edge_deploy.errors import WrongBoard
from edge_deploy.labs import Lab
from edge_deploy.telemetry.hello import Hello
from edge_deploy.telemetry.readings import Inference
from edge_deploy.training.recipe import HeldOut

DECIDED = ("window", "output", "decision")
"""What is compared of a board that senses."""


class Ear(Protocol):
    """As much of a Session as senses: `edge_deploy.telemetry.session.Session` does."""

    @property
    def board(self) -> Hello:
        """What the board said of itself."""

    def forget(self) -> None:
        """Forget all that was sensed."""

    def hear(self, samples: NDArray[Any]) -> None:
        """Play raw samples to the board."""

    def window(self) -> bytes:
        """The board's feature window as it stands."""

    def decide(self) -> Inference:
        """One inference on the window."""


@dataclass(frozen=True)
class EvaluateResult:
    """What was made of the clips, and by whom.

    model: name and sha256. board: empty where this computer alone computed; engine is the
    reference then, and agreement None. held_out: of how many the clips were chosen.
    found: Anomalies of a lab that scores them, Scored of one with a score of its recipe's own,
    Classes of any other. from_sensor: whether clips were raw samples, or the model's own inputs.
    """

    lab: str
    model: tuple[str, str]
    board: str
    on: str
    engine: str
    reference: str
    seed: int
    held_out: int
    found: Classes | Anomalies | Scored
    agreement: Agreement | None
    from_sensor: bool = True

    @property
    def n(self) -> int:
        """Clips."""
        return self.found.n

    def as_json(self) -> dict[str, Any]:
        """The keys of `evaluate --json`; what is not known is absent."""
        return {
            "lab": self.lab,
            "model": dict(zip(("name", "sha256"), self.model, strict=True)),
            **({"board": self.board} if self.board else {}),
            "on": self.on,
            "engine": self.engine,
            "tool_version": __version__,
            "reference": self.reference,
            "seed": self.seed,
            "held_out": self.held_out,
            **self.found.as_json(),
            **(self.agreement.as_json() if self.agreement else {}),
        }


Progress = Callable[[int, int], None]
"""Called with how many clips are done, and of how many."""


def on_board(
    ear: Ear,
    host: Host,
    clips: Sequence[HeldOut],
    lab: Lab,
    *,
    on: str,
    seed: int = 0,
    held_out: int | None = None,
    progress: Progress | None = None,
) -> EvaluateResult:
    """Play every clip to the board and to the host, and count what the board made of them.

    ear: begun, with the model that the host has. Raises BadInput where a clip cannot be read,
    WrongBoard where the board reports other than one score a label.
    """
    rows: list[NDArray[np.int8]] = []
    tops: list[int] = []
    differences = Differences(DECIDED)
    for number, clip in enumerate(clips):
        samples = host.cut(clip.samples())
        ear.forget()
        ear.hear(samples)
        got_window = np.frombuffer(ear.window(), np.int8)
        decided = ear.decide()
        got_scores = scores_of(decided, len(lab.labels))
        got_top = top_of(decided, got_scores)
        window, scores = _by_host(host, samples, lab)
        expected = (window.reshape(-1), scores, np.array([np.argmax(scores)]))
        got = (got_window, got_scores, np.array([got_top]))
        for what, ours, theirs in zip(DECIDED, expected, got, strict=True):
            differences.compare(clip.name, what, ours, theirs)
        rows.append(got_scores)
        tops.append(got_top)
        if progress is not None:
            progress(number + 1, len(clips))
    hello = ear.board
    return EvaluateResult(
        lab=lab.name,
        model=(hello.model, hello.sha256),
        board=hello.board,
        on=on,
        engine=hello.engine,
        reference=host.reference,
        seed=seed,
        held_out=len(clips) if held_out is None else held_out,
        found=_found(lab, host, clips, rows, tops),
        agreement=differences.agreement(len(clips)),
    )


def on_host(
    host: Host,
    clips: Sequence[HeldOut],
    lab: Lab,
    *,
    model: tuple[str, str],
    seed: int = 0,
    held_out: int | None = None,
    progress: Progress | None = None,
) -> EvaluateResult:
    """What this computer's own chain makes of every clip; there is nothing to compare it with.

    model: name and sha256 of the one that the host has. Raises BadInput where a clip cannot be
    read.
    """
    rows: list[NDArray[np.int8]] = []
    for number, clip in enumerate(clips):
        rows.append(_by_host(host, host.cut(clip.samples()), lab)[1])
        if progress is not None:
            progress(number + 1, len(clips))
    return EvaluateResult(
        lab=lab.name,
        model=model,
        board="",
        on="host",
        engine=host.reference,
        reference=host.reference,
        seed=seed,
        held_out=len(clips) if held_out is None else held_out,
        found=_found(lab, host, clips, rows, [int(np.argmax(row)) for row in rows]),
        agreement=None,
    )


def _by_host(
    host: Host, samples: NDArray[Any], lab: Lab
) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """(window, scores) of the host's chain."""
    host.forget()
    window = host.window_of(samples)
    scores = host.scores(window)
    if scores.size != len(lab.labels):
        raise WrongBoard(
            f"the model has {scores.size} scores, {lab.name} {len(lab.labels)} labels."
        )
    return window, scores


def _found(
    lab: Lab,
    host: Host,
    clips: Sequence[HeldOut],
    rows: Sequence[NDArray[np.int8]],
    tops: Sequence[int],
) -> Classes | Anomalies:
    """What the scores of all clips come to."""
    labels, names = [clip.label for clip in clips], [clip.name for clip in clips]
    groups = [clip.group for clip in clips]
    if not scores_anomalies(lab) or lab.decision is None:
        return classes.counted(lab.labels, labels, tops, names, groups)
    return anomalies.ranked(
        np.concatenate(rows) if rows else np.zeros(0, np.int8),
        host.score_scale,
        host.score_zero_point,
        labels,
        groups,
        lab.decision.threshold,
        names,
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
