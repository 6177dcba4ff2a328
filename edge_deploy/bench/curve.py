"""Scores of a stream to what each threshold would have made of it: false accepts and misses.

A false accept is a word heard in noise that has none; a miss is a word that was said and not
heard as itself. Both against the threshold, for several lengths of smoothing: the curve that a lab
is tuned by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge_deploy.bench import decision
from edge_deploy.bench.decision import Heard, Rule, Scores
from edge_deploy.bench.passage import Passage, Word
from edge_deploy.drawing import curves
from edge_deploy.intervals import CONFIDENCE, poisson, wilson
from edge_deploy.quantity import Quantity
from edge_deploy.sensing import AudioFeatureSettings

LATE_S = 0.8
"""A decision may come so long after a word's clip has ended: a window that is wholly behind the
word has left it after one second, and smoothing adds some strides."""

THRESHOLDS = (*(step / 20 for step in range(6, 20)), 0.97, 0.99)
SMOOTHINGS = (1, 3, 5)

MISSES_ORIGIN = "measured:held_out_words"
ACCEPTS_ORIGIN = "measured:background_noise"


@dataclass(frozen=True)
class Track:
    """A passage and what the board scored while it played.

    heard: the firmware's own decisions; None where it makes none (`decide` has none).
    """

    passage: Passage
    scores: Scores
    heard: tuple[Heard, ...] | None


@dataclass(frozen=True)
class Said:
    """One label's words. missed: not heard as what they are; confused: heard as another word."""

    label: str
    n: int
    missed: int
    confused: int


@dataclass(frozen=True)
class Point:
    """What one rule makes of all tracks.

    false_accepts: in `noise_s` seconds of noise. stray: decisions in the spoken passages that
    belong to no word of the lab (in a gap, or at a word that it is to ignore).
    """

    threshold: float
    smooth: int
    noise_s: float
    false_accepts: int
    said: tuple[Said, ...]
    stray: int

    @property
    def words(self) -> int:
        """Words said."""
        return sum(said.n for said in self.said)

    @property
    def missed(self) -> int:
        """Words not heard as what they are."""
        return sum(said.missed for said in self.said)

    @property
    def miss_rate(self) -> float | None:
        """Share of the words; None where none was said."""
        return self.missed / self.words if self.words else None

    @property
    def false_accepts_per_hour(self) -> float | None:
        """None where there was no noise."""
        return self.false_accepts * 3600 / self.noise_s if self.noise_s else None

    def as_json(self) -> dict[str, Any]:
        """One point of the curve; what is not known is absent."""
        found: dict[str, Any] = {
            "threshold": self.threshold,
            "smooth": self.smooth,
            "false_accepts": self.false_accepts,
            "words": self.words,
            "misses": self.missed,
            "stray": self.stray,
        }
        per_hour, miss_rate = self.false_accepts_per_hour, self.miss_rate
        if per_hour is not None:
            low, high = (bound * 3600 / self.noise_s for bound in poisson(self.false_accepts))
            found["false_accepts_per_hour"] = {
                **Quantity(per_hour, "1/h", ACCEPTS_ORIGIN).as_json(),
                "low": low,
                "high": high,
                "confidence": CONFIDENCE,
                "interval": "poisson",
            }
        if miss_rate is not None:
            low, high = wilson(self.missed, self.words)
            found["miss_rate"] = {
                **Quantity(miss_rate, "1", MISSES_ORIGIN).as_json(),
                "low": low,
                "high": high,
                "confidence": CONFIDENCE,
                "interval": "wilson",
            }
        found["per_word"] = [
            {"label": said.label, "n": said.n, "missed": said.missed, "confused": said.confused}
            for said in self.said
        ]
        return found


@dataclass(frozen=True)
class Curve:
    """All points, by smoothing and threshold, and the one that the lab is set to."""

    points: tuple[Point, ...]
    current: Point

    def along(self, smooth: int) -> tuple[Point, ...]:
        """The points of one smoothing, by rising threshold."""
        return tuple(point for point in self.points if point.smooth == smooth)

    @property
    def smoothings(self) -> tuple[int, ...]:
        """The lengths of smoothing, rising."""
        return tuple(sorted({point.smooth for point in self.points}))


def sweep(
    tracks: Sequence[Track],
    rule: Rule,
    *,
    labels: Sequence[str],
    settings: AudioFeatureSettings,
) -> Curve:
    """What THRESHOLDS and SMOOTHINGS, and those of `rule`, make of the tracks' scores."""
    points: dict[tuple[int, float], Point] = {}
    for smooth in sorted({*SMOOTHINGS, rule.smooth}):
        means = [decision.smoothed(track.scores, smooth) for track in tracks]
        for threshold in sorted({*THRESHOLDS, rule.threshold}):
            tried = Rule(threshold, smooth, rule.hold_off, rule.ignore)
            heard = [decision.decide(mean, tried) for mean in means]
            points[smooth, threshold] = _point(tracks, heard, tried, labels, settings)
    return Curve(tuple(points.values()), points[rule.smooth, rule.threshold])


def picture(curve: Curve, title: str) -> str:
    """The curve as an SVG document. Raises ValueError where there is neither noise nor a word."""
    misses, accepts = [], []
    for smooth in curve.smoothings:
        along = curve.along(smooth)
        name = "no smoothing" if smooth == 1 else f"mean of {smooth}"
        missed = tuple((p.threshold, 100 * p.miss_rate) for p in along if p.miss_rate is not None)
        accepted = tuple(
            (p.threshold, p.false_accepts_per_hour)
            for p in along
            if p.false_accepts_per_hour is not None
        )
        misses += [curves.Line(name, missed)] if missed else []
        accepts += [curves.Line(name, accepted)] if accepted else []
    panels = [
        curves.Panel(label, tuple(lines))
        for label, lines in (("words missed, %", misses), ("false accepts per hour", accepts))
        if lines
    ]
    mark = curves.Mark(curve.current.threshold, f"the lab's: {curve.current.threshold:g}")
    return curves.emit(title, "threshold", panels, mark=mark)


def _point(
    tracks: Sequence[Track],
    decisions: Sequence[Sequence[Heard]],
    rule: Rule,
    labels: Sequence[str],
    settings: AudioFeatureSettings,
) -> Point:
    noise_s, false_accepts, stray = 0.0, 0, 0
    n: Counter[int] = Counter()
    missed: Counter[int] = Counter()
    confused: Counter[int] = Counter()
    for track, heard in zip(tracks, decisions, strict=True):
        passage = track.passage
        if not passage.words:
            noise_s += passage.seconds
            false_accepts += len(heard)
            continue
        belonging, alone = _attribute(passage, heard, settings)
        stray += alone
        for word, as_what in zip(passage.words, belonging, strict=True):
            if word.label in rule.ignore:
                stray += len(as_what)
                continue
            n[word.label] += 1
            missed[word.label] += word.label not in as_what
            confused[word.label] += word.label not in as_what and bool(as_what)
    said = tuple(Said(labels[at], n[at], missed[at], confused[at]) for at in sorted(n))
    return Point(rule.threshold, rule.smooth, noise_s, false_accepts, said, stray)


def _attribute(
    passage: Passage, heard: Sequence[Heard], settings: AudioFeatureSettings
) -> tuple[list[list[int]], int]:
    """For each word the labels heard while it was said or soon after; and how many were alone."""
    late = round(LATE_S * passage.rate_hz)
    belonging: list[list[int]] = [[] for _ in passage.words]
    alone = 0
    at = 0
    for one in heard:
        sample = (one.frame - 1) * settings.hop_samples + settings.frame_samples
        while at < len(passage.words) and passage.words[at].ends + late < sample:
            at += 1
        if at < len(passage.words) and _reaches(passage.words[at], sample):
            belonging[at].append(one.label)
        else:
            alone += 1
    return belonging, alone


def _reaches(word: Word, sample: int) -> bool:
    return word.begins < sample
