"""`evaluate --stream`: minutes of sound through a board, and the curve that a lab is tuned by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from edge_deploy import audio, boards, devices, drawing
from edge_deploy.bench import curve as curves
from edge_deploy.bench import listening, passage
from edge_deploy.bench.curve import Point
from edge_deploy.bench.host import HearingHost
from edge_deploy.bench.listening import Listened, Pace, Progress
from edge_deploy.bench.passage import Passage
from edge_deploy.bench.tuning import Tuning, tuning
from edge_deploy.cli import output, prepare
from edge_deploy.cli.options import Target
from edge_deploy.cli.prepare import Subject
from edge_deploy.devices import MicrophoneInput, Scene, microphones
from edge_deploy.errors import WrongBoard
from edge_deploy.labs import Lab
from edge_deploy.training.recipe import HeldOut

PACE_S = 60.0
"""Of continuous sound, from which is told what listening costs."""

WORDS = 144
"""Recordings in the stream of words where nothing is said: some six minutes with their gaps."""

_SHOWN = 10
"""Words heard in noise that are told one by one; JSON has them all."""

Bar = Callable[[str], AbstractContextManager[Progress | None]]


def tune(
    subject: Subject,
    lab: Lab,
    target: Target,
    host: HearingHost,
    clips: Sequence[HeldOut],
    noise: Sequence[Path],
    *,
    bar: Bar,
    picture: Path | None,
    as_json: bool,
) -> None:
    """Listen to noise and to words, sweep the thresholds, show the curve and draw it."""
    if not noise:
        output.say("No recordings of noise: there will be no false accepts, only misses.")
    rate_hz = host.rate_hz
    words = passage.spoken(clips, rate_hz=rate_hz, seed=target.seed)
    passages = [
        *(Passage(path.stem, audio.read(path, rate_hz=rate_hz).samples, rate_hz) for path in noise),
        words,
    ]
    listened: list[Listened] = []
    for one in passages:
        with bar(one.name) as progress:
            listened.append(_listen(subject, lab, target, one, progress, wait_states=False))
    result = tuning(
        [one.track for one in listened],
        lab,
        host,
        listened[-1].pace.hello,
        on=target.on,
        seed=target.seed,
        pace=_pace(subject, lab, target, words, bar),
    )
    if picture is not None:
        title = f"{lab.name} on {target.board} ({target.on}), seed {target.seed}"
        output.write(picture, drawing.encoded(curves.picture(result.curve, title), picture.name))
    if as_json:
        output.document(result.as_json())
    else:
        _show(result)
        if picture is not None:
            output.show(f"Drawn in {picture}")
    if result.differing_outputs or result.differing_decisions:
        raise WrongBoard(
            f"{result.differing_outputs:,} of {result.results:,} results differ from the host's, "
            f"and {result.differing_decisions or 0} decisions from what the board's own scores "
            "give."
        )


def _listen(
    subject: Subject,
    lab: Lab,
    target: Target,
    one: Passage,
    progress: Progress | None,
    *,
    wait_states: bool,
) -> Listened:
    """Play a passage into the board's microphone where it is virtual, otherwise over the wire."""
    scene = Scene(microphone=_microphone(one)) if _is_emulated(target) else None
    with prepare.talk(subject, target, wait_states=wait_states, scene=scene) as session:
        listen = listening.by_wire if scene is None else listening.by_microphone
        return listen(session, one, lab, progress=progress)


def _is_emulated(target: Target) -> bool:
    return devices.is_emulated(target.on, boards.load(target.board))


def _microphone(one: Passage) -> MicrophoneInput:
    return MicrophoneInput(
        one.name, one.name, one.seconds, lambda: microphones.Recording(one.samples)
    )


def _pace(subject: Subject, lab: Lab, target: Target, words: Passage, bar: Bar) -> Pace | None:
    """What a minute of sound costs, wait states counted; None where the time is a stand-in's."""
    if target.on == "virtual" and not _is_emulated(target):
        return None
    samples = round(PACE_S * words.rate_hz)
    minute = Passage("a minute", np.resize(words.samples, samples), words.rate_hz)
    with bar(minute.name) as progress:
        return _listen(subject, lab, target, minute, progress, wait_states=True).pace


def _show(result: Tuning) -> None:
    curve, current = result.curve, result.curve.current
    output.show(
        f"{result.lab} on {result.hello.board} ({result.on}), {result.hello.engine}: "
        f"{current.words} words with gaps, {current.noise_s:.0f} s of noise"
    )
    output.table(
        [
            "threshold",
            "misses",
            "of",
            "misses, %",
            "false accepts",
            "per hour",
            "95 % interval",
            "",
        ],
        [_row(point, current) for point in curve.along(current.smooth)],
    )
    output.show(
        f"at the lab's threshold, {current.threshold:g}, "
        f"with {current.stray} decisions beside the words:"
    )
    output.table(
        ["word", "said", "missed", "heard as another"],
        [
            [word.label, output.number(word.n), str(word.missed), str(word.confused)]
            for word in current.said
        ],
    )
    for one in result.false_accepts[:_SHOWN]:
        output.show(
            f"  heard in noise: {one.label}, {one.recording} at {one.at_s:.1f} s ({one.score:.2f})"
        )
    if len(result.false_accepts) > _SHOWN:
        output.show(f"  and {len(result.false_accepts) - _SHOWN} more")
    output.show(
        f"{result.results:,} results compared with this computer's: "
        f"{result.differing_outputs:,} differ ({result.reference})."
    )
    if result.decisions_compared is not None:
        output.show(
            f"{result.decisions_compared:,} decisions of the firmware compared with the rule on "
            f"its scores: {result.differing_decisions:,} differ."
        )
    if result.pace is not None:
        _show_pace(result.pace)


def _row(point: Point, current: Point) -> list[str]:
    flat = point.as_json()
    per_hour, rate = flat.get("false_accepts_per_hour"), flat.get("miss_rate")
    return [
        f"{point.threshold:.2f}",
        output.number(point.missed),
        output.number(point.words),
        "-" if rate is None else f"{100 * rate['value']:.1f}",
        output.number(point.false_accepts),
        "-" if per_hour is None else f"{per_hour['value']:.1f}",
        "-" if per_hour is None else f"{per_hour['low']:.1f} to {per_hour['high']:.1f}",
        "<- the lab's" if point.threshold == current.threshold else "",
    ]


def _show_pace(pace: Pace) -> None:
    faster, share = pace.faster_than_real_time, pace.core_share
    output.show(f"{pace.audio_s:.0f} s of continuous sound:")
    output.show(
        f"  heard in {pace.wall_s:.1f} s: {faster.value:.1f} times faster than real time "
        f"({faster.origin})"
    )
    output.show(
        f"  {100 * share.value:.1f} % of the core ({share.origin}), {pace.overruns} overruns, "
        f"{pace.lost} samples lost"
    )
