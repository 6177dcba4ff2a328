"""Raw samples of a sensor -> takes: stretches of a clip's length, each judged worth keeping or not.

Takes are cut by the numbers of the samples, not by when they came: so a virtual board that runs
ahead of the clock gives the same ones as a real one, and what was lost on the way shows. Knows
nothing about boards, folders or who was recorded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy import audio, motion
from edge_deploy.sensing import (
    AudioFeatureSettings,
    FeatureSettings,
    MotionFeatureSettings,
    SourceSettings,
    VibrationFeatureSettings,
)

# Raw samples as `telemetry.raw` has them: (n,) int16 of sound, (n, axes) int16 of motion; and of
# pictures (n, height, width) uint8, where a sample is a frame.
Samples = NDArray[Any]

# A board in a hand that holds it still turns and trembles less than this.
STILL_G = 0.1
STILL_DPS = 10.0
# A sensor that measures has noise of more than this; one that is stuck, or nobody's, has not.
DEAD_STEPS = 4
# Quick movements of a hand reach the end of an accelerometer's scale: the spells of a wand that
# the lab gesture learns from are there for up to 36 % of a clip. Beyond a half it is unknown what
# happened for most of it.
CLIPPED_SHARE = 0.5
# Of 255: nearly every pixel below is a closed lid, nearly every one above a lamp, and less of a
# difference between nearly all of them is a wall.
BLACK_BELOW, WHITE_ABOVE, PLAIN_WITHIN = 16, 239, 8
# Nearly every pixel: all but so many hundredths at each end. Single ones may be broken.
_OUTERMOST = 1

_MS_PER_S = 1_000


class Problem(Enum):
    """Why a take is not worth keeping."""

    LOST = "lost"
    SILENT = "silent"
    CLIPPED = "clipped"
    STILL = "still"
    DEAD = "dead"
    BLACK = "black"
    WHITE = "white"
    PLAIN = "plain"


@dataclass(frozen=True)
class Form:
    """What one take is, in raw samples (frames of a camera).

    source: the sensor and its settings. length: of a take. lead: samples before the first take;
    gap: between two. vibration: small movements count.
    """

    source: SourceSettings
    length: int
    lead: int
    gap: int
    vibration: bool = False

    @property
    def per_s(self) -> float:
        """Raw samples a second."""
        if self.source.kind == "camera":
            return _MS_PER_S / self.source.period_ms
        return float(self.source.sample_rate_hz)


@dataclass(frozen=True)
class Take:
    """One stretch of raw samples; lost: how many of them did not come."""

    samples: Samples
    lost: int


@dataclass(frozen=True)
class Judged:
    """A take's figures in words, and what is wrong with it, if anything is.

    figures: for people, such as `-23.1 dBFS, peak -6.0 dBFS`. measures: the same for programs, by
    names with units. why: one line, and advice: what to do; both empty for a good take.
    """

    figures: str
    measures: dict[str, float]
    problem: Problem | None = None
    why: str = ""
    advice: str = ""


def form(
    source: SourceSettings,
    features: FeatureSettings | None,
    *,
    clip_s: float | None,
    gap_s: float,
    lead_s: float,
) -> Form:
    """The form of takes from a sensor.

    clip_s: their length; where absent what the model's window covers, in whole tenths of a
    second. A camera's are one frame, and `gap_s`, `lead_s` are whole frames.
    """
    if source.kind == "camera":
        period_s = source.period_ms / _MS_PER_S
        return Form(source, 1, round(lead_s / period_s), max(0, round(gap_s / period_s) - 1))
    rate = source.sample_rate_hz
    chosen_s = window_s(features, rate) if clip_s is None else clip_s
    return Form(
        source,
        max(1, round(chosen_s * rate)),
        round(lead_s * rate),
        round(gap_s * rate),
        vibration=isinstance(features, VibrationFeatureSettings),
    )


def window_s(features: FeatureSettings | None, rate_hz: int) -> float:
    """What a model's window covers, up to the next tenth of a second; 1 s where that is unknown."""
    samples = rate_hz
    if isinstance(features, AudioFeatureSettings):
        samples = (features.frames - 1) * features.hop_samples + features.frame_samples
    elif isinstance(features, MotionFeatureSettings | VibrationFeatureSettings):
        samples = features.samples
    return math.ceil(10 * samples / rate_hz - 1e-9) / 10


class Cutter:
    """Cuts a stream of raw samples into takes.

    position: the number of the next sample. inside: whether it belongs to a take.
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self.position = 0
        self._begin = form.lead
        self._held: list[Samples] = []

    @property
    def inside(self) -> bool:
        """Whether a take is being recorded."""
        return self.position >= self._begin

    @property
    def share(self) -> float:
        """How much of the pause, or of the take, has passed: 0 to 1."""
        if self.inside:
            return min(1.0, (self.position - self._begin) / self._form.length)
        pause = self._form.gap if self._begin > self._form.lead else self._form.lead
        return max(0.0, 1.0 - (self._begin - self.position) / max(1, pause))

    @property
    def remaining_s(self) -> float:
        """Until the take begins, or until it ends."""
        end = self._begin + (self._form.length if self.inside else 0)
        return max(0.0, (end - self.position) / self._form.per_s)

    def feed(self, first: int, samples: Samples) -> Iterator[Take]:
        """Takes that are complete with these samples, the first of which has the number `first`.

        What is missing since the last call was lost; of a camera the next frame serves as well.
        """
        if self._form.source.kind == "camera":
            self._begin = max(self._begin, first)
        self.position = first
        while len(samples) or self._ended:
            if self._ended:
                yield self._complete()
                continue
            if not self.inside:
                skipped = min(len(samples), self._begin - self.position)
                samples = samples[skipped:]
                self.position += skipped
                continue
            wanted = self._begin + self._form.length - self.position
            self._held.append(samples[:wanted])
            self.position += len(self._held[-1])
            samples = samples[wanted:]

    @property
    def _ended(self) -> bool:
        return self.position >= self._begin + self._form.length

    def _complete(self) -> Take:
        held = self._held or [np.zeros(0, np.int16)]
        samples = np.concatenate(held)
        self._held = []
        self._begin += self._form.length + self._form.gap
        return Take(samples, self._form.length - len(samples))


def judge(form: Form, take: Take) -> Judged:
    """Whether a take is worth keeping, and how loud, how moved or how bright it is."""
    if take.lost:
        share = f"{take.lost:,} of {form.length:,} samples were lost on the way"
        return Judged(
            "",
            {"lost_samples": float(take.lost)},
            Problem.LOST,
            share,
            "use another cable or port, and end what keeps this computer busy",
        )
    of = {"microphone": _sound, "imu": _motion, "camera": _picture}[form.source.kind]
    return of(form, take.samples)


def level_dbfs(samples: Samples) -> float:
    """Level of sound without its constant part, which cheap microphones have a lot of."""
    values = np.asarray(samples, np.float64)
    return audio.rms_dbfs(values - values.mean()) if len(values) else -math.inf


def peak_dbfs(samples: Samples) -> float:
    """The largest sample."""
    most = int(np.abs(np.asarray(samples, np.int32)).max(initial=0))
    return 20 * math.log10(most / audio.FULL_SCALE) if most else -math.inf


def spans(samples: Samples) -> tuple[float, float]:
    """How far an IMU's samples, (n, axes) int16, reach: in g, and in degrees a second (or 0)."""
    found = np.ptp(samples.astype(np.int32), axis=0) / motion.units(samples.shape[1])
    return float(found[:3].max()), float(found[3:].max(initial=0.0))


def _sound(_form: Form, samples: Samples) -> Judged:
    level, peak = level_dbfs(samples), peak_dbfs(samples)
    figures = f"{_db(level)}, peak {_db(peak)}"
    measures = {"level_dbfs": level, "peak_dbfs": peak}
    if level < audio.SILENT_DBFS:
        return Judged(
            figures,
            measures,
            Problem.SILENT,
            f"silent: {_db(level)}, and below {audio.SILENT_DBFS:g} dBFS there is nothing but a "
            "converter's noise",
            "speak louder and closer, and see that nothing covers the microphone",
        )
    if audio.is_clipped(samples):
        return Judged(
            figures,
            measures,
            Problem.CLIPPED,
            f"clipped: {audio.CLIPPED_RUN} samples or more in a row at full scale",
            "speak more softly, or farther from the microphone",
        )
    return Judged(figures, measures)


def _motion(form: Form, samples: Samples) -> Judged:
    axes = samples.shape[1]
    span_g, span_dps = spans(samples)
    measures = {"span_g": span_g}
    figures = f"moved by {span_g:.2f} g"
    if axes > 3:
        measures["span_dps"] = span_dps
        figures += f" and {span_dps:.0f} degrees a second"
    steps = int(np.ptp(samples.astype(np.int32), axis=0).max())
    if steps < DEAD_STEPS:
        return Judged(
            figures,
            measures,
            Problem.DEAD,
            f"dead: all samples within {steps} steps; a sensor has more noise of its own",
            "see that the board has the sensor, and that --imu moves a virtual one",
        )
    if not form.vibration and span_g < STILL_G and span_dps < STILL_DPS:
        return Judged(
            figures,
            measures,
            Problem.STILL,
            f"still: {figures}; {STILL_G:g} g"
            + (f" or {STILL_DPS:g} degrees a second" if axes > 3 else "")
            + " are a movement",
            "move the board, or --keep for a label that is rest",
        )
    ends = np.iinfo(np.int16)
    at_end = ((samples == ends.min) | (samples == ends.max)).mean(axis=0)
    for axis in range(axes):
        if at_end[axis] > CLIPPED_SHARE:
            most = "4 g" if axis < 3 else "2000 degrees a second"
            return Judged(
                figures,
                measures,
                Problem.CLIPPED,
                f"clipped: {motion.NAMES[axis]} is at the end of its scale, {most}, for "
                f"{100 * at_end[axis]:.0f} % of the take",
                "move the board less violently",
            )
    return Judged(figures, measures)


def _picture(_form: Form, pixels: Samples) -> Judged:
    low, middle, high = (
        float(each) for each in np.percentile(pixels, [_OUTERMOST, 50, 100 - _OUTERMOST])
    )
    figures = f"from {low:.0f} to {high:.0f} of 255"
    measures = {"low": low, "median": middle, "high": high}
    problem, why, advice = None, "", ""
    if high < BLACK_BELOW:
        problem, why = Problem.BLACK, f"black: nearly all pixels below {BLACK_BELOW} of 255"
        advice = "take the lid off, or make light"
    elif low > WHITE_ABOVE:
        problem, why = Problem.WHITE, f"white: nearly all pixels above {WHITE_ABOVE} of 255"
        advice = "turn the camera away from the light"
    elif high - low < PLAIN_WITHIN:
        problem = Problem.PLAIN
        why = f"plain: nearly all pixels {figures}, so there is nothing to see"
        advice = "point the camera at something, or --keep for a label that is nothing"
    return Judged(figures, measures, problem, why, advice)


def _db(level: float) -> str:
    return "no sound at all" if level == -math.inf else f"{level:.1f} dBFS"
