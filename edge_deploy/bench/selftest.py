"""Whether a board's parts work: verdicts on its counter, its memory and what its sensors send.

Turns measured runs, counts and raw samples into Findings, each a line for a person. Knows
nothing of finding or flashing boards. The board lies on a table, in a room with some sound.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from edge_deploy import motion
from edge_deploy.bench import takes
from edge_deploy.bench.asked import Noticed
from edge_deploy.bench.takes import Cutter, Problem, Samples, Take
from edge_deploy.boards import Board
from edge_deploy.kits import ITSELF, Kit
from edge_deploy.sensing import SourceSettings
from edge_deploy.telemetry.parts import TriedMemory
from edge_deploy.telemetry.raw import RawSamples
from edge_deploy.telemetry.readings import Lap

# One take is looked at. A PDM microphone's first samples are its filter finding its level.
TAKE_S, LEAD_S = 1.0, 0.5
# The counter and the clock hang on two oscillators, of which a cheap one is 1 % off at most.
CLOCK_WITHIN = 0.02
# The clock tells whole microseconds: of shorter runs that is so much that nothing can be told.
TOO_COARSE = 0.1
# Zero-g offset +-90 mg and zero-rate offset +-30 degrees a second at 2000, typical: LSM9DS1 data
# sheet, table 3. Around them room for a table that is not level and for other sensors.
GRAVITY_WITHIN_G = 0.2
RATE_WITHIN_DPS = 50.0


class Verdict(Enum):
    """What became of one check. UNTESTED: nothing was learned of the part."""

    PASS = "pass"  # noqa: S105  it is no password
    FAIL = "fail"
    ABSENT = "absent"
    UNTESTED = "untested"


@dataclass(frozen=True)
class Finding:
    """One check: what was found, and for a failed one what to do.

    noticed: whether a person saw it, or it what a person did; None where nobody was asked.
    """

    check: str
    verdict: Verdict
    found: str
    advice: str = ""
    noticed: bool | None = None


def cycle_counter(laps: Sequence[Lap], clock_hz: int) -> Finding:
    """Whether the counter runs as fast as the board says that its core does.

    laps: of equal runs, with cycles where the board counts them. clock_hz: by `hello`.
    """
    check = "cycle_counter"
    counted = [lap.counts.cycles_board or lap.counts.cycles or 0 for lap in laps]
    spent_us = sum(lap.us for lap in laps)
    if not any(counted):
        return Finding(check, Verdict.ABSENT, "the board counts no cycles")
    if not spent_us:
        return Finding(check, Verdict.FAIL, "the board's clock stands still", "press reset")
    found_hz = sum(counted) / spent_us * 1e6
    found = f"{found_hz / 1e6:.2f} MHz by the board's clock, {clock_hz / 1e6:g} MHz by its word"
    coarse = len(laps) / spent_us
    if coarse > TOO_COARSE:
        return Finding(
            check, Verdict.UNTESTED, f"runs of {1 / coarse:.0f} us are too short to tell"
        )
    if abs(found_hz / clock_hz - 1) <= CLOCK_WITHIN + coarse:
        return Finding(check, Verdict.PASS, found)
    return Finding(
        check, Verdict.FAIL, found, "cycles and latencies of this board cannot be compared"
    )


def memory(tried: TriedMemory) -> Finding:
    """Whether all words that are free held what was written to them.

    What the firmware that tries them uses itself is not among them: its own arena too, which is
    a few bytes, since it is a recorder.
    """
    if not tried.bytes:
        return Finding("memory", Verdict.ABSENT, "the board knows of none that is free")
    found = f"{tried.bytes:,} B that nothing uses, written and read in five patterns"
    if not tried.errors:
        return Finding("memory", Verdict.PASS, found)
    found = f"{tried.errors:,} wrong words of {found}"
    return Finding("memory", Verdict.FAIL, found, "another board: models on this one go wrong")


def led(*, there: bool, seen: bool | None) -> Finding:
    """Whether it blinked. seen: by a person; None where there was none to be asked."""
    if not there:
        return Finding("led", Verdict.ABSENT, "the board says that it has none")
    if seen is None:
        return Finding("led", Verdict.UNTESTED, "it was switched, and nobody was asked")
    if seen:
        return Finding("led", Verdict.PASS, "it was seen to blink", noticed=True)
    found = "it was switched, and not seen to blink"
    return Finding("led", Verdict.FAIL, found, "another board", noticed=False)


def unlisted(kind: str, variant: str, board: Board, kit: Kit) -> Finding:
    """A sensor that `hello` does not list: one that this variant has does not answer.

    variant: by the board's own word; of a word that boards.yaml has not, nothing is expected.
    """
    known = board.variants.get(variant)
    parts = [part for part in kit.parts if part.kind == kind and variant in part.variants]
    carriers = ", ".join(sorted({part.carrier for part in parts} - {ITSELF}))
    if known is not None and kind in known.parts:
        plugged = f"see that the {carriers} is plugged on, and " if carriers else ""
        return Finding(
            kind,
            Verdict.FAIL,
            f"this is {_a(known.title)}, and no {known.parts[kind]} answers",
            f"{plugged}unplug the board and plug it in again; if it stays so, another board",
        )
    if known is not None and kind not in {check.name for check in kit.checks_of(variant)}:
        return Finding(kind, Verdict.ABSENT, f"this is {_a(known.title)}, which has none")
    missing = f"no {carriers} answers" if carriers else "the board says that it has none"
    return Finding(kind, Verdict.ABSENT, missing)


def with_person(rest: Finding, person: str, noticed: Noticed | None) -> Finding:
    """A sensor that passed at rest, and what it noticed of a person who did what `person` says.

    noticed: None where nobody did it.
    """
    if noticed is None:
        return dataclasses.replace(rest, found=f"{rest.found}; not tried: {person}")
    if noticed.seen:
        return dataclasses.replace(rest, found=f"{rest.found}; {noticed.found}", noticed=True)
    return Finding(rest.check, Verdict.FAIL, noticed.found, noticed.advice, noticed=False)


def _a(title: str) -> str:
    return f"{'an' if title[0] in 'AEIOU' else 'a'} {title}"


def sensor(source: SourceSettings, pieces: Iterable[RawSamples]) -> Finding:
    """What one second of a microphone or an IMU at rest, or one picture, says of the sensor.

    pieces: of `Session.raw`; no more are taken than are needed.
    """
    form = takes.form(source, None, clip_s=TAKE_S, gap_s=0.0, lead_s=LEAD_S)
    cutter = Cutter(form)
    for piece in pieces:
        samples = piece.samples[np.newaxis] if source.kind == "camera" else piece.samples
        for take in cutter.feed(piece.number, samples):
            judged = takes.judge(form, take)
            if source.kind == "imu" and judged.problem is not Problem.LOST:
                return _at_rest(take)
            if judged.problem is None:
                return Finding(source.kind, Verdict.PASS, judged.figures)
            return Finding(source.kind, Verdict.FAIL, judged.why, judged.advice)
    return Finding(source.kind, Verdict.FAIL, "its samples ended", "press reset, and try again")


def _at_rest(take: Take) -> Finding:
    """An inertial sensor on a table: 1 g in all, and it turns about nothing."""
    check = "imu"
    values = take.samples.astype(np.float64) / motion.units(take.samples.shape[1])
    mean = values.mean(axis=0)
    gravity_g = float(np.linalg.norm(mean[:3]))
    turning_dps = float(np.abs(mean[3:]).max(initial=0.0))
    found = f"{gravity_g:.2f} g, {turning_dps:.0f} degrees a second"
    if _moved(take.samples):
        advice = "leave the board on the table while it is looked at"
        return Finding(check, Verdict.FAIL, f"it moved: {found}", advice)
    if not values.any():
        return Finding(check, Verdict.FAIL, "all samples are zero", "press reset, and try again")
    if abs(gravity_g - 1) > GRAVITY_WITHIN_G:
        return Finding(check, Verdict.FAIL, f"{found}; at rest it is 1 g", "another board")
    if turning_dps > RATE_WITHIN_DPS:
        return Finding(check, Verdict.FAIL, f"{found}; at rest it is 0", "another board")
    return Finding(check, Verdict.PASS, found)


def _moved(samples: Samples) -> bool:
    span_g, span_dps = takes.spans(samples)
    return span_g > takes.STILL_G or span_dps > takes.STILL_DPS
