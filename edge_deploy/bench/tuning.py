"""All that listening to minutes of sound has shown of a lab: curve, agreement, cost. To JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_deploy import __version__
from edge_deploy.bench import curve as curves
from edge_deploy.bench import decision, listening
from edge_deploy.bench.curve import Curve, Track
from edge_deploy.bench.decision import Rule
from edge_deploy.bench.host import HearingHost
from edge_deploy.bench.listening import Pace
from edge_deploy.errors import WrongBoard
from edge_deploy.labs import Lab
from edge_deploy.telemetry.hello import Hello


@dataclass(frozen=True)
class FalseAccept:
    """A word that was heard in noise, with the lab's own settings, and when."""

    recording: str
    at_s: float
    label: str
    score: float

    def as_json(self) -> dict[str, Any]:
        """Its keys are its fields."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Tuning:
    """What was found.

    false_accepts: those at the lab's own settings, one by one.
    results: of all tracks; differing_outputs: of those, how many scores are not the host's.
    decisions_compared: the firmware's own, and those of the rule on the same scores;
    differing_decisions: made by one of them alone. Both None where the board made none.
    pace: None where the board's time is not known.
    """

    lab: str
    hello: Hello
    on: str
    reference: str
    seed: int
    rule: Rule
    curve: Curve
    false_accepts: tuple[FalseAccept, ...]
    results: int
    differing_outputs: int
    decisions_compared: int | None
    differing_decisions: int | None
    pace: Pace | None

    def as_json(self) -> dict[str, Any]:
        """The keys of `evaluate --stream --json`; what is not known is absent."""
        found: dict[str, Any] = {
            "lab": self.lab,
            "model": {"name": self.hello.model, "sha256": self.hello.sha256},
            "board": self.hello.board,
            "on": self.on,
            "engine": self.hello.engine,
            "tool_version": __version__,
            "reference": self.reference,
            "seed": self.seed,
            "decision": {
                "threshold": self.rule.threshold,
                "smooth": self.rule.smooth,
                "hold_off_hops": self.rule.hold_off,
            },
            "n": self.curve.current.words,
            "noise_s": self.curve.current.noise_s,
            "current": self.curve.current.as_json(),
            "false_accepts": [one.as_json() for one in self.false_accepts],
            "curve": [point.as_json() for point in self.curve.points],
            "results": self.results,
            "differing_outputs": self.differing_outputs,
        }
        if self.differing_decisions is not None:
            found["decisions_compared"] = self.decisions_compared
            found["differing_decisions"] = self.differing_decisions
        if self.pace is not None:
            found["continuous"] = self.pace.as_json()
        return found


def tuning(
    tracks: Sequence[Track],
    lab: Lab,
    host: HearingHost,
    hello: Hello,
    *,
    on: str,
    seed: int,
    pace: Pace | None,
) -> Tuning:
    """Sweep the thresholds over the tracks, and hold the board against the host.

    hello: of the board that all tracks came from. Raises WrongBoard where it decides by another
    rule than the lab's.
    """
    rule = listening.rule_of(lab)
    check_rule(rule, hello)
    decided = [
        (track.heard, decision.decide(decision.smoothed(track.scores, rule.smooth), rule))
        for track in tracks
        if track.heard is not None
    ]
    return Tuning(
        lab=lab.name,
        hello=hello,
        on=on,
        reference=host.reference,
        seed=seed,
        rule=rule,
        curve=curves.sweep(tracks, rule, labels=lab.labels, settings=host.settings),
        false_accepts=tuple(_false_accepts(tracks, rule, lab, host)),
        results=sum(len(track.scores.frames) for track in tracks),
        differing_outputs=sum(listening.differing_scores(track, host) for track in tracks),
        decisions_compared=(
            sum(len(set(theirs) | set(ours)) for theirs, ours in decided) if decided else None
        ),
        differing_decisions=(
            sum(decision.disagreement(theirs, ours) for theirs, ours in decided)
            if decided
            else None
        ),
        pace=pace,
    )


def _false_accepts(
    tracks: Sequence[Track], rule: Rule, lab: Lab, host: HearingHost
) -> Iterator[FalseAccept]:
    for track in tracks:
        if track.passage.words:
            continue
        for one in decision.decide(decision.smoothed(track.scores, rule.smooth), rule):
            at_s = one.frame * host.settings.hop_samples / host.rate_hz
            yield FalseAccept(track.passage.name, at_s, lab.labels[one.label], one.score)


def check_rule(rule: Rule, hello: Hello) -> None:
    """Raise WrongBoard unless the board decides as the lab says."""
    facts = hello.audio
    if facts is None:
        raise WrongBoard(f"the firmware on {hello.board} does not listen.")
    theirs = (np.float32(facts.threshold), facts.smooth, facts.hold_off)
    ours = (np.float32(rule.threshold), rule.smooth, rule.hold_off)
    if theirs != ours:
        raise WrongBoard(
            "the board decides by threshold {:g}, {} results, {} hops; the lab by threshold {:g}, "
            "{} results, {} hops.".format(*theirs, *ours)
        )
