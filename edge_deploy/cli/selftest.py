"""The verb that looks whether a board's parts work: selftest."""

from __future__ import annotations

import contextlib
import time

import click

from edge_deploy import boards, kits, labs
from edge_deploy.bench import asked
from edge_deploy.bench import selftest as testing
from edge_deploy.bench.selftest import Finding, Verdict
from edge_deploy.cli import output, prepare, recorder, senses
from edge_deploy.cli.options import (
    SceneWords,
    Target,
    debug_option,
    json_option,
    scene_options,
    target_options,
)
from edge_deploy.devices import Scene, is_emulated
from edge_deploy.errors import EdgeDeployError, NoBoard, UsageError
from edge_deploy.kits import Kit
from edge_deploy.sensing import SourceSettings
from edge_deploy.telemetry.failures import BoardRefused
from edge_deploy.telemetry.hello import Hello
from edge_deploy.telemetry.session import Session

_RUNS, _WARMUP = 50, 5
_BLINKS, _BLINK_S = 3, 0.3


class PartFailed(EdgeDeployError):
    """A part of the board does not do what it should."""


@click.command()
@target_options
@scene_options
@click.option("--no-person", is_flag=True, help="Ask nothing: nobody sits in front of the board.")
@json_option
@debug_option
def selftest(target: Target, words: SceneWords, no_person: bool, as_json: bool) -> None:
    """Look whether a board's memory, cycle counter, LED and sensors work, each pass or fail.

    Leave the board on a table, in a room that is not silent, with its camera's lens free. It gets
    firmware that sends raw samples, once for each sensor; flash puts a model back. On a terminal it
    asks whether the LED blinked, and has you clap, tilt the board and cover the lens.
    """
    kit = kits.find(boards.load(target.board).name)
    if kit is None:
        raise UsageError(
            f"there is no kit of {target.board} that says what to look at.",
            try_next=("--board nano33", "--board xiao_esp32s3"),
        )
    if target.on.startswith("port:"):
        raise UsageError(
            "selftest puts firmware on the board, and finds it on USB by itself.",
            try_next=("leave -p away", "--on usb:SERIAL  one of several"),
        )
    scene = prepare.scene(target, words)
    person = output.can_ask() and not (no_person or as_json)
    try:
        variant, findings = _look(target, scene, kit, person=person)
    except NoBoard as none:
        none.without("--on port:")
        raise
    failed = [each.check for each in findings if each.verdict is Verdict.FAIL]
    if as_json:
        output.document(
            {
                "board": target.board,
                "variant": variant,
                "on": target.on,
                "checks": [
                    {
                        "check": each.check,
                        "verdict": each.verdict.value,
                        "found": each.found,
                        "advice": each.advice or None,
                        "noticed": each.noticed,
                    }
                    for each in findings
                ],
            }
        )
    else:
        output.table(
            ["check", "verdict", "found"],
            [[each.check, each.verdict.value, each.found] for each in findings],
        )
    if failed:
        raise PartFailed(
            f"{', '.join(failed)} of {target.board} ({target.on}) failed.",
            try_next=[
                f"{each.check}: {each.advice}"
                for each in findings
                if each.verdict is Verdict.FAIL and each.advice
            ],
        )


def _look(target: Target, scene: Scene, kit: Kit, *, person: bool) -> tuple[str, list[Finding]]:
    """The board's variant by its own word, and a finding for each check, in their order.

    person: whether there is one to be asked.
    """
    board = boards.load(target.board)
    found: dict[str, Finding] = {}
    said: Hello | None = None  # as soon as it was asked
    for check in (each for each in kit.checks if each.name in recorder.LABS):
        kind = check.name
        if said is not None and kind not in said.sensors:
            found[kind] = testing.unlisted(kind, said.variant, board, kit)
            continue
        source = labs.load(recorder.LABS[kind]).source
        output.say(f"{kind} ...")
        with recorder.opened(target, source, scene) as session:
            if said is None:
                said = session.board
                output.say(f"{said.board}, variant {said.variant}")
                found["memory"] = testing.memory(session.parts.memory())
                found["cycle_counter"] = _counter(session)
                found["led"] = _led(session, person=person)
            if kind not in said.sensors:
                found[kind] = testing.unlisted(kind, said.variant, board, kit)
            elif _plays_nothing(target, scene, kind):
                sense = senses.of(kind)
                assert sense is not None
                found[kind] = Finding(kind, Verdict.UNTESTED, sense.nothing)
            else:
                emulated = is_emulated(target.on, board)
                found[kind] = _sensor(session, source, "" if emulated else check.person, person)
    assert said is not None, "every kit has a check of a sensor"
    return said.variant, [found[check.name] for check in kit.checks]


def _sensor(session: Session, source: SourceSettings, task: str, person: bool) -> Finding:
    """What a sensor sends at rest, and then what it notices of a person who carries out `task`.

    task: such as "clap once"; "": there is none.
    """

    def ask(following: str) -> None:
        output.say(f"{source.kind}: {following or f'now {task}; it waits {asked.WAIT_S:.0f} s'}")

    with contextlib.closing(session.raw()) as pieces:
        rest = testing.sensor(source, pieces)
        if rest.verdict is not Verdict.PASS or not task:
            return rest
        noticed = asked.watch(source, pieces, ask) if person else None
    if noticed is not None:
        output.say(f"{source.kind}: {noticed.found}.")
        if not noticed.seen and not click.confirm("Was it done?", err=True):
            noticed = None
    return testing.with_person(rest, task, noticed)


def _led(session: Session, *, person: bool) -> Finding:
    """Blink, and ask whoever is there."""
    try:
        for _ in range(_BLINKS):
            for on in (True, False):
                session.parts.led(on=on)
                time.sleep(_BLINK_S)
    except BoardRefused:
        return testing.led(there=False, seen=None)
    seen = click.confirm("Did the LED blink?", err=True) if person else None
    return testing.led(there=True, seen=seen)


def _counter(session: Session) -> Finding:
    session.load(bytes(session.board.input_bytes))
    return testing.cycle_counter(session.run(_RUNS, _WARMUP).laps, session.board.clock_hz)


def _plays_nothing(target: Target, scene: Scene, kind: str) -> bool:
    """Whether an emulated sensor has nothing to sense; an IMU lies still, which is a test."""
    given = {"microphone": scene.microphone, "camera": scene.camera}
    return target.on == "virtual" and kind in given and given[kind] is None
