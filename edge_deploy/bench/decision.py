"""The board's decision, once more, for thresholds that it was not built with.

A board smooths, compares with a threshold and holds off in C (docs/wire.md, "Listening"). To see
what other settings would have made of the same scores, the rule stands here a second time; so
`disagreement` holds it against what the firmware itself decided, on the very recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Rule:
    """How scores become a decision. threshold: a score; hold_off: hops; ignore: labels."""

    threshold: float
    smooth: int
    hold_off: int
    ignore: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Heard:
    """One decision: at which result, how many frames had come by then, which label, how sure."""

    result: int
    frame: int
    label: int
    score: float


@dataclass(frozen=True)
class Scores:
    """What a board scored, result after result.

    frames: (n,) int64, frames in the window's past at each result, rising.
    outputs: (n, labels) int8, as the board stored them: real = scale * (stored - zero_point).
    """

    frames: NDArray[np.int64]
    outputs: NDArray[np.int8]
    scale: float
    zero_point: int


@dataclass(frozen=True)
class Smoothed:
    """Scores after smoothing: for each result from the first whole mean on, the likeliest label.

    results: (m,) positions; tops: (m,) labels; means: (m,) float32, the top label's.
    """

    results: NDArray[np.int64]
    frames: NDArray[np.int64]
    tops: NDArray[np.int64]
    means: NDArray[np.float32]


def smoothed(scores: Scores, smooth: int) -> Smoothed:
    """The mean of the last `smooth` results, and its largest label, the first of equal ones."""
    whole = scores.outputs.astype(np.int64) - scores.zero_point
    sums = np.concatenate([np.zeros((1, whole.shape[1]), np.int64), np.cumsum(whole, axis=0)])
    windows = sums[smooth:] - sums[:-smooth]
    results = np.arange(smooth - 1, smooth - 1 + len(windows))
    tops = np.argmax(windows, axis=1) if len(windows) else np.zeros(0, np.int64)
    best = windows[np.arange(len(windows)), tops].astype(np.float32)
    # In this order and in float32, as on the board: the last bit may decide.
    means = np.float32(scores.scale) * best / np.float32(smooth)
    return Smoothed(results, scores.frames[results], tops, means.astype(np.float32))


def decide(means: Smoothed, rule: Rule) -> list[Heard]:
    """The decisions that `rule` makes; `means` are smoothed as `rule.smooth` says."""
    sure = means.means >= np.float32(rule.threshold)
    sure &= ~np.isin(means.tops, sorted(rule.ignore))
    decisions: list[Heard] = []
    last: int | None = None
    for at in np.flatnonzero(sure):
        frame = int(means.frames[at])
        if last is not None and frame - last < rule.hold_off:
            continue
        last = frame
        label, score = int(means.tops[at]), float(means.means[at])
        decisions.append(Heard(int(means.results[at]), frame, label, score))
    return decisions


def disagreement(firmware: Sequence[Heard], model: Sequence[Heard]) -> int:
    """How many decisions one made and the other did not: another label or score counts twice."""
    return len(set(firmware) ^ set(model))
