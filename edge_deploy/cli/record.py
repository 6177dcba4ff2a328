"""The verb that makes recordings of one's own: record."""

from __future__ import annotations

import contextlib
import datetime as dt
import difflib
import shlex
from pathlib import Path

import click

from edge_deploy import labs, recordings
from edge_deploy.bench import clips, recording, takes
from edge_deploy.bench.recording import NothingWorthKeeping, Order, Outcome
from edge_deploy.bench.takes import Problem
from edge_deploy.cli import consent, output, prepare, recorder, senses
from edge_deploy.cli.forget import DEFAULT_FOLDER
from edge_deploy.cli.options import SceneWords, Target, debug_option, scene_options, target_options
from edge_deploy.devices import Scene
from edge_deploy.errors import UsageError
from edge_deploy.labs import Lab
from edge_deploy.recordings import NOBODY, Facts
from edge_deploy.sensing import SourceSettings
from edge_deploy.telemetry.session import Session

_SENSORS = {"mic": "microphone", "imu": "imu", "camera": "camera"}

# The pause between two takes. A virtual board plays a second of silence (of rest) after each
# recording, and shows each picture for two.
_GAP_S = {"microphone": 1.0, "imu": 1.0, "camera": 2.0}
_COUNT = 10


@click.command()
@target_options
@click.option("--sensor", type=click.Choice(list(_SENSORS)), help="What to record from.")
@click.option("--label", required=True, metavar="LABEL", help="What is to be heard, felt or seen.")
@click.option(
    "--lab",
    "lab_word",
    metavar="LAB",
    default=None,
    help="Whose rate, size and labels count  [default: kws, gesture or vision]",
)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help=f"End after N good takes  [default: {_COUNT}; of a recording that is played, all]",
)
@click.option(
    "--seconds",
    "clip_s",
    type=click.FloatRange(min=0.1, max=60.0),
    default=None,
    metavar="S",
    help="Length of a take  [default: what the lab's model takes in at once]",
)
@click.option(
    "--gap",
    "gap_s",
    type=click.FloatRange(min=0.0, max=60.0),
    default=None,
    metavar="S",
    help="Pause before a take  [default: 1; from one picture to the next 2]",
)
@click.option("--speaker", metavar="NAME", default=None, help="Who is recorded: a pseudonym.")
@click.option("--no-person", is_flag=True, help="No person is recorded: a machine, a room.")
@click.option("--consent", "agreed", is_flag=True, help="The speaker was told, and agrees.")
@click.option(
    "--data",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    metavar="FOLDER",
    help=f"Where to  [default: the data folder of a lab of one's own, or {DEFAULT_FOLDER}]",
)
@click.option("--keep", "keep_all", is_flag=True, help="Keep silent, clipped, dark takes as well.")
@scene_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@debug_option
def record(
    target: Target,
    sensor: str | None,
    label: str,
    lab_word: str | None,
    count: int | None,
    clip_s: float | None,
    gap_s: float | None,
    speaker: str | None,
    no_person: bool,
    agreed: bool,
    folder: Path | None,
    keep_all: bool,
    words: SceneWords,
    as_json: bool,
) -> None:
    """Record labelled clips from a board's sensor, for train --data.

    Each take is looked at: a silent or clipped one, one that did not move, a black picture, one
    with lost samples is not kept, and said. The board gets the recorder's firmware.

    \b
      edge-deploy record --board nano33 --sensor mic --label yes --speaker ada
      edge-deploy record --board nano33 --on virtual --sensor mic --label yes \\
          --mic words/ --no-person
    """  # noqa: D301  click takes the escape itself for "keep these lines"
    lab = _lab(sensor, lab_word)
    kind = lab.source.kind
    _check_label(lab, lab_word, label)
    if kind == "camera" and clip_s is not None:
        raise UsageError("--seconds is for sound and motion; a take of a camera is one picture.")
    scene = prepare.scene(target, words)
    senses.refuse_unused(scene, lab.name, kind)
    senses.refuse_axes(scene, lab.name, lab.source.axes)
    speaker = _speaker(speaker, no_person=no_person, agreed=agreed)
    folder = folder or _default_folder(lab, lab_word)
    if folder.exists():  # what is damaged there is told before anybody speaks
        recordings.clips(folder)
        recordings.index(folder)
    if speaker != NOBODY:
        consent.ensure(folder, speaker, kind, said=agreed)
    played = bool(scene.options) and not scene.live
    gap_s = _GAP_S[kind] if gap_s is None else gap_s
    form = takes.form(
        lab.source,
        lab.features,
        clip_s=clip_s,
        gap_s=gap_s,
        lead_s=0.0 if played else max(gap_s, _GAP_S[kind]),
    )
    last = _last(scene, lab.source)
    with recorder.opened(target, lab.source, scene) as session:
        recorder.refuse_senseless(session, lab.source, target)
        for line in senses.told(scene):
            output.say(line)
        if target.on == "virtual" and not scene.options:
            output.say(_sense(kind).nothing)
        order = Order(
            folder=folder,
            label=label,
            speaker=speaker,
            session=recordings.new_session(folder, speaker, dt.datetime.now(dt.timezone.utc)),
            facts=Facts(kind, lab.source.sample_rate_hz or None, session.board.board, target.on),
            form=form,
            count=_COUNT if count is None and last is None else count,
            last=last,
            keep_all=keep_all,
        )
        _run(session, order, _next(lab, lab_word, folder), as_json=as_json)


def _next(lab: Lab, word: str | None, folder: Path) -> str:
    """The command that learns from what was recorded."""
    if clips.scores_anomalies(lab):  # ours knows its fan; states are told apart by one's own
        return "edge-deploy new machine --sensor vibration --labels normal,anomaly"
    if word is not None and folder == lab.folder / "data":
        return f"edge-deploy train {shlex.quote(word)}"
    return f"edge-deploy train {shlex.quote(word or lab.name)} --data {shlex.quote(str(folder))}"


def _run(session: Session, order: Order, learn: str, *, as_json: bool) -> None:
    """Record until the order is fulfilled or Ctrl-C, and sum up whatever ends it.

    learn: the command that learns from it.
    """
    from edge_deploy.cli import record_view

    outcome = Outcome()
    interrupted = False
    try:
        with (
            record_view.choose(order, as_json=as_json) as watch,
            contextlib.closing(session.raw()) as pieces,
        ):
            recording.record(pieces, order, watch, outcome)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        _sum_up(order, outcome, learn, as_json=as_json)
    if not (outcome.clips or interrupted):
        raise _in_vain(outcome)


def _in_vain(outcome: Outcome) -> NothingWorthKeeping:
    """The error where all was sensed that there was, and nothing of it kept."""
    if not outcome.dropped:
        return NothingWorthKeeping(
            "what there was to record ended before a take was whole.",
            try_next=["--seconds 0.5    shorter takes"],
        )
    advice = list(dict.fromkeys(each.advice for each in outcome.dropped))
    if any(each.problem is not Problem.LOST for each in outcome.dropped):
        advice.append("--keep    keep them all the same")
    count = len(outcome.dropped)
    return NothingWorthKeeping(
        f"none of {count} take{'s' * (count != 1)} was worth keeping.", try_next=advice
    )


def _sum_up(order: Order, outcome: Outcome, learn: str, *, as_json: bool) -> None:
    """How many there are now, and what to do with them."""
    kept, dropped = len(outcome.clips), len(outcome.dropped)
    if as_json:
        output.line(
            {
                "kind": "summary",
                "label": order.label,
                "speaker": order.speaker,
                "session": order.session,
                "folder": str(order.folder),
                "kept": kept,
                "dropped": dropped,
            }
        )
        return
    text = f"{kept} take{'s' * (kept != 1)} of {order.label} kept in {order.folder / order.label}"
    output.say(f"{text}, {dropped} not." if dropped else f"{text}.")
    if kept:
        where = shlex.quote(str(order.folder))
        output.say(f"  {learn}    learns from them, once every label has some")
        if order.speaker != NOBODY:
            output.say(f"  edge-deploy data forget {order.speaker} --data {where}    removes them")


def _sense(kind: str) -> senses.Sense:
    """How a sensor is spoken of."""
    sense = senses.of(kind)
    assert sense is not None
    return sense


def _lab(sensor: str | None, word: str | None) -> Lab:
    """The lab whose sensor counts. Raises UsageError where the words do not fit together."""
    if sensor is None and word is None:
        raise UsageError("say what to record from.", try_next=["--sensor mic", "--lab kws"])
    lab = labs.load(word or recorder.LABS[_SENSORS[sensor or ""]])
    kind = lab.source.kind
    if kind not in _SENSORS.values():
        raise UsageError(f"{lab.name} has no sensor to record from: its source is {kind}.")
    if sensor is not None and _SENSORS[sensor] != kind:
        raise UsageError(f"{lab.name} is for {kind}, and --sensor says {sensor}.")
    return lab


def _check_label(lab: Lab, word: str | None, label: str) -> None:
    """Raises UsageError for what is no label, or none of a lab that was named."""
    recordings.checked_label(label)
    known = clips.ANOMALY_KINDS if clips.scores_anomalies(lab) else lab.labels
    if word is None or label in known:
        return
    near = difflib.get_close_matches(label, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise UsageError(f"{lab.name} has no label {label}; it has {', '.join(known)}.{hint}")


def _speaker(speaker: str | None, *, no_person: bool, agreed: bool) -> str:
    """Who is recorded; asked for where a person can answer."""
    if no_person:
        if speaker is not None or agreed:
            raise UsageError("--no-person goes with neither --speaker nor --consent.")
        return NOBODY
    if speaker is None and output.can_ask():
        speaker = click.prompt(
            "Who is recorded? A pseudonym (a-z, 0-9, -)", err=True, value_proc=_typed_speaker
        )
    if speaker is None:
        raise UsageError(
            "say who is recorded: the test must be of people that training never heard or saw.",
            try_next=["--speaker ada --consent", "--no-person    a machine, an empty room"],
        )
    if recordings.checked_speaker(speaker) == NOBODY:
        raise UsageError(f"{NOBODY} is what --no-person calls itself; name a person.")
    return speaker


def _typed_speaker(text: str) -> str:
    """A pseudonym; click asks again where it is none."""
    try:
        return recordings.checked_speaker(text.strip())
    except UsageError as error:
        raise click.BadParameter(error.message) from error


def _default_folder(lab: Lab, word: str | None) -> Path:
    """A lab of one's own has its recordings beside it; ours have none."""
    own = word is not None and lab.folder not in {each.folder for each in labs.load_all()}
    return lab.folder / "data" if own else DEFAULT_FOLDER


def _last(scene: Scene, source: SourceSettings) -> int | None:
    """After how many raw samples everything was played; None: without end."""
    if source.kind == "microphone" and scene.microphone is not None:
        seconds = scene.microphone.duration_s
        return None if seconds is None else round(seconds * source.sample_rate_hz)
    if source.kind == "imu" and scene.imu is not None:
        return scene.imu.samples(source.sample_rate_hz)
    if source.kind == "camera" and scene.camera is not None:
        return scene.camera.frames(source.period_ms)
    return None
