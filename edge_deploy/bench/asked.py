"""What a person does in front of a board -> whether its sensor noticed it.

Turns raw samples from before a person was asked, and since, into one Noticed. Knows nothing of
terminals, nor how a person is asked; time is the sensor's own, by the numbers of its samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_deploy import motion
from edge_deploy.bench import takes
from edge_deploy.bench.takes import Samples
from edge_deploy.sensing import SourceSettings
from edge_deploy.telemetry.raw import RawSamples

WAIT_S = 15.0
"""How long a sensor waits for a person: to read a line, reach out, and do it twice."""

# What was before is looked at for so long; of a camera one frame.
_BEFORE_S = 0.5
# Peaks of noise are some 12 dB above its level (4 sigma). Where it is so loud already that nothing
# could be above it, the end of the scale has to do.
CLAP_OVER_LEVEL_DB, CLAP_OVER_PEAK_DB, CLAP_MOST_DBFS = 20.0, 6.0, -1.0
# Turned by so much, 1 g shows 0.34 g more along another axis: above any sensor's offset.
TILT_DEG = 20.0
# A board that lies or is held still again shows gravity, and nothing else.
_STILL_S, _STILL_WITHIN_G = 0.25, 0.2
# Of the brightness before: a hand over a lens lets some light through.
DARK_SHARE = 0.5


@dataclass(frozen=True)
class Noticed:
    """Whether what was asked for is in the samples.

    found: what is, for a person. advice: what to do where it is not.
    """

    seen: bool
    found: str
    advice: str = ""


class _Eye(Protocol):
    """Looks for one thing in samples that come piece by piece."""

    def see(self, samples: Samples) -> Noticed | None:
        """What was seen, as soon as it was; None: not yet."""

    def missed(self) -> Noticed:
        """What there was in place of it."""


def watch(
    source: SourceSettings,
    pieces: Iterable[RawSamples],
    ask: Callable[[str], None],
    *,
    wait_s: float = WAIT_S,
) -> Noticed:
    """Look at samples for what is asked for, for at most `wait_s` of them after it was.

    pieces: of `Session.raw`; no more are taken than are needed. ask: is called with "" as soon as
    it is known what was before, and with what is next where it has two parts; it must not wait.
    """
    per_s = takes.form(source, None, clip_s=1.0, gap_s=0.0, lead_s=0.0).per_s
    wanted = 1 if source.kind == "camera" else round(_BEFORE_S * per_s)
    before: list[Samples] = []
    eye: _Eye | None = None
    asked_at = 0
    for piece in pieces:
        samples = piece.samples[np.newaxis] if source.kind == "camera" else piece.samples
        if eye is None:
            before.append(samples)
            if sum(map(len, before)) >= wanted:
                eye = _EYES[source.kind](np.concatenate(before), per_s, ask)
                asked_at = piece.number
                ask("")
            continue
        noticed = eye.see(samples)
        if noticed is not None:
            return noticed
        if piece.number - asked_at > wait_s * per_s:
            return eye.missed()
    return Noticed(False, "its samples ended", "press reset, and try again")


class _Clap:
    """A sound that is far above what was before."""

    def __init__(self, before: Samples, _per_s: float, _ask: Callable[[str], None]) -> None:
        self._middle = round(float(before.mean()))  # cheap microphones have a constant part
        self._level = takes.level_dbfs(before)
        self._over = min(
            max(self._level + CLAP_OVER_LEVEL_DB, self._peak(before) + CLAP_OVER_PEAK_DB),
            CLAP_MOST_DBFS,
        )
        self._loudest = self._peak(before)

    def _peak(self, samples: Samples) -> float:
        return takes.peak_dbfs(samples.astype(np.int32) - self._middle)

    def see(self, samples: Samples) -> Noticed | None:
        self._loudest = max(self._loudest, self._peak(samples))
        if self._loudest < self._over:
            return None
        return Noticed(True, f"a clap of {_db(self._loudest)} over {_db(self._level)}")

    def missed(self) -> Noticed:
        return Noticed(
            False,
            f"no clap was heard: no peak above {_db(self._loudest)}, over {_db(self._level)}",
            "clap within an arm's length of the board; if it hears nothing then, another board",
        )


def _db(level: float) -> str:
    return "silence" if level == -math.inf else f"{round(level)} dBFS"


class _Tilt:
    """Gravity along another direction, on a board that is still again."""

    def __init__(self, before: Samples, per_s: float, _ask: Callable[[str], None]) -> None:
        self._before = _gravity_g(before)
        self._length = max(1, round(_STILL_S * per_s))
        self._held = before[:0]
        self._most_deg = 0.0

    def see(self, samples: Samples) -> Noticed | None:
        self._held = np.concatenate([self._held, samples])
        while len(self._held) >= self._length:
            now = _gravity_g(self._held[: self._length])
            self._held = self._held[self._length :]
            if abs(float(np.linalg.norm(now)) - 1) < _STILL_WITHIN_G:
                self._most_deg = max(self._most_deg, _angle_deg(self._before, now))
        if self._most_deg < TILT_DEG:
            return None
        return Noticed(True, f"tilted by {self._most_deg:.0f} degrees")

    def missed(self) -> Noticed:
        return Noticed(
            False,
            f"no tilt was felt: gravity moved by {self._most_deg:.0f} degrees at most",
            "turn the board onto its side and hold it; if it feels nothing then, another board",
        )


def _gravity_g(samples: Samples) -> NDArray[np.float64]:
    """(3,) mean acceleration in g of (n, axes) int16."""
    mean: NDArray[np.float64] = (samples / motion.units(samples.shape[1])).mean(axis=0)
    return mean[:3]


def _angle_deg(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Between two directions; 0 where one of them is none."""
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.degrees(np.arccos(np.clip(one @ other / size, -1, 1)))) if size else 0.0


class _Cover:
    """Dark, and then brighter again."""

    def __init__(self, before: Samples, _per_s: float, ask: Callable[[str], None]) -> None:
        self._before = float(np.median(before))
        self._ask = ask
        self._darkest = self._before
        self._dark = False

    def see(self, samples: Samples) -> Noticed | None:
        now = float(np.median(samples))
        self._darkest = min(self._darkest, now)
        if not self._dark and now < DARK_SHARE * self._before:
            self._dark = True
            self._ask("it is dark; now uncover it")
        if not self._dark or now < (self._before + self._darkest) / 2:
            return None
        words = f"from {self._before:.0f} of 255 down to {self._darkest:.0f} and up to {now:.0f}"
        return Noticed(True, words)

    def missed(self) -> Noticed:
        words = f"{self._before:.0f} of 255 before, {self._darkest:.0f} at the darkest"
        if self._dark:
            return Noticed(False, f"it stayed dark: {words}", "take the hand off the lens")
        return Noticed(
            False,
            f"it did not become dark: {words}",
            "lay a finger over the whole lens; if it sees on, another camera",
        )


_EYES: Mapping[str, Callable[[Samples, float, Callable[[str], None]], _Eye]] = MappingProxyType(
    {"microphone": _Clap, "imu": _Tilt, "camera": _Cover}
)
