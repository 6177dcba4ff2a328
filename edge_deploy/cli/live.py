"""The verbs that run a board: flash, run, monitor, virtual."""

from __future__ import annotations

import contextlib
import dataclasses

import click

from edge_deploy import boards, places
from edge_deploy.build import project as projects
from edge_deploy.cli import kernels, output, prepare, room, senses
from edge_deploy.cli.kernels import kernels_option
from edge_deploy.cli.options import (
    MODEL_HELP,
    SceneWords,
    Target,
    any_target_options,
    debug_option,
    scene_options,
    target_options,
    view_options,
)
from edge_deploy.cli.prepare import Subject
from edge_deploy.cli.stream import Showing, show_stream
from edge_deploy.devices import Link, Scene, SerialLink
from edge_deploy.devices.device import Device
from edge_deploy.errors import LinkLost, UsageError
from edge_deploy.telemetry.facts import MotionFacts
from edge_deploy.telemetry.session import Session

# How long a wait for the board's end may keep Ctrl-C waiting (on Windows).
_LOOK_S = 0.2

# Of text without line ends, to be shown all the same.
_RAW_LINE_BYTES = 4096

count_option = click.option(
    "--count",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="End after N inferences  [default: on Ctrl-C]",
)


@click.command(epilog=MODEL_HELP)
@click.argument("model_word", metavar="MODEL")
@target_options
@kernels_option
@count_option
@click.option("--no-run", is_flag=True, help="Do not stream after flashing.")
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="Flash every board of the kind on USB, and stream from none.",
)
@scene_options
@view_options
@debug_option
def flash(
    model_word: str,
    target: Target,
    count: int | None,
    no_run: bool,
    every: bool,
    words: SceneWords,
    as_json: bool,
    plain: bool,
) -> None:
    """Put MODEL on a board, check that it runs there, and stream what it computes."""
    if every:
        if count is not None or plain or words != SceneWords():
            raise UsageError("--all flashes a room of boards, and streams from none of them.")
        _flash_all(prepare.subject(model_word), target, as_json=as_json)
        return
    showing = Showing(as_json, plain, count)
    scene = prepare.scene(target, words)
    subject = prepare.subject(model_word)
    senses.refuse_unused(scene, subject.name, subject.lab.source.kind if subject.lab else "none")
    if subject.lab is not None:
        senses.refuse_axes(scene, subject.name, subject.lab.source.axes)
    with prepare.session(subject, target, scene=scene, rewrite=True) as live:
        hello = live.session.board
        output.say(
            f"{subject.name} is on {live.device.name}, and answers: "
            f"{hello.engine}, model {hello.sha256[:12]}."
        )
        if no_run:
            return
        if live.session.board.source == "none":
            output.say("The model has no source of its own to stream from. What works on it:")
            where = f"--board {target.board} --on {target.on}"
            where += f" --target {target.kernels}" if target.kernels else ""
            for verb in ("verify", "bench", "profile"):
                output.say(f"  edge-deploy {verb} {model_word} {where}")
            return
        _listen(live.session, target, scene, showing)


def _flash_all(subject: Subject, target: Target, *, as_json: bool) -> None:
    """Every board of the kind on USB; each must answer with the model."""
    board = kernels.board(target.board, target.kernels)
    kernels.tell(board)
    prepare.compiled(subject, board)  # what cannot fit is told before a board is looked for
    found = room.boards_for(board, target)
    _, made = prepare.artifact(subject, board, projects.PORT)

    def check(device: Device) -> None:
        with Session(device.open(), timeout_s=target.timeout_s) as session:
            session.begin()
            session.check_model(made.manifest.model_sha256)

    again = ["edge-deploy", "flash", "--board", board.name, subject.word]
    again += ["--target", target.kernels] if target.kernels else []
    room.each(board, found, made, again, check=check, as_json=as_json)


@click.command()
@target_options
@count_option
@scene_options
@view_options
@debug_option
def run(
    target: Target,
    count: int | None,
    words: SceneWords,
    as_json: bool,
    plain: bool,
) -> None:
    """Stream from a board that was flashed before, whatever model it runs."""
    showing = Showing(as_json, plain, count)
    scene = prepare.scene(target, words)
    device = prepare.device(target, scene=scene)
    with prepare.opened(device, target.timeout_s) as session:
        _introduce(session)
        _listen(session, target, scene, showing)


@click.command()
@any_target_options
@count_option
@scene_options
@click.option("--raw", is_flag=True, help="The lines as they come; nothing is sent.")
@click.option(
    "--send", metavar="TEXT", default=None, help="With --raw: send TEXT first, such as hello%."
)
@view_options
@debug_option
def monitor(
    target: Target,
    count: int | None,
    words: SceneWords,
    raw: bool,
    send: str | None,
    as_json: bool,
    plain: bool,
) -> None:
    """Watch a board over any link: -p PORT needs no --board.

    With --raw the lines of whatever firmware is there, and --count counts them.
    """
    showing = Showing(as_json, plain, count)
    if send is not None and not raw:
        raise UsageError("--send is for --raw: otherwise the session knows what to say.")
    scene = prepare.scene(target, words)
    with contextlib.ExitStack() as stack:
        if target.board:
            device = stack.enter_context(prepare.device(target, scene=scene))
            link = device.open()
        elif scene.options:
            raise UsageError(f"{scene.options[0]} is for virtual boards; {target.on} is none.")
        else:
            link = stack.enter_context(SerialLink(target.on.removeprefix("port:")))
        if raw:
            _show_raw(link, count, send)
            return
        session = stack.enter_context(Session(link, timeout_s=target.timeout_s))
        session.begin()
        _introduce(session)
        _listen(session, target, scene, showing)


def _introduce(session: Session) -> None:
    output.say(f"{session.board.model} on {session.board.board} ({session.board.engine})")


def _listen(session: Session, target: Target, scene: Scene, showing: Showing) -> None:
    """Stream with what is to be sensed, told to the person, until it has been played."""
    hello = session.board
    senses.refuse_unused(scene, hello.model, hello.source)
    if isinstance(hello.sensing, MotionFacts):
        senses.refuse_axes(scene, hello.model, hello.sensing.axes)
    showing = dataclasses.replace(showing, scene=scene)
    for line in senses.told(scene):
        output.say(line)
    sense = senses.of(hello.source) if hello.source in hello.sensors else None
    if sense is not None and not scene.options and target.on == "virtual":
        output.say(sense.nothing)
    if hello.sensors and showing.strides(hello) is None:
        output.say("Ctrl-C ends it.")
    show_stream(session, on=target.on, showing=showing)


def _show_raw(link: Link, count: int | None, send: str | None) -> None:
    """Lines as they come, until `count` of them or Ctrl-C; what cannot be printed is escaped."""
    shown, held = 0, b""
    with contextlib.suppress(KeyboardInterrupt):
        if send is not None:
            link.write(send.encode())
        while count is None or shown < count:
            *lines, held = (held + link.read(_LOOK_S)).replace(b"\r", b"").split(b"\n")
            if len(held) > _RAW_LINE_BYTES:  # no lines at all: show it in pieces
                lines, held = [*lines, held], b""
            for line in lines[: None if count is None else count - shown]:
                output.show(line.decode("ascii", "backslashreplace"))
                shown += 1


@click.command()
@click.argument("board_name", metavar="BOARD")
@click.option("--fault", "faults", multiple=True, metavar="FAULT", help="As for flash.")
@scene_options
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of the faults and the noise."
)
@click.option(
    "--speed",
    type=click.Choice(["max", "real"]),
    default="real",
    show_default=True,
    help="Its time against the wall's.",
)
@debug_option
def virtual(
    board_name: str,
    faults: tuple[str, ...],
    words: SceneWords,
    seed: int,
    speed: str,
) -> None:
    """Start a virtual BOARD and serve its serial port until Ctrl-C.

    It runs what was flashed last with --on virtual. Any serial program can talk to it.
    """
    from edge_deploy.devices.virtual.board import VirtualBoard

    board = boards.load(board_name)
    target = Target(board_name, "virtual", seed=seed)
    scene = prepare.scene(target, words)
    machine = VirtualBoard(
        board, home=places.home(), speed=speed, faults=faults, seed=seed, scene=scene
    )
    with machine:
        for line in senses.told(scene):
            output.say(line)
        output.say(f"{machine.name} runs at {speed} speed. Its serial port:")
        output.show(machine.url)
        if machine.pty:
            output.show(machine.pty)
        output.say("Talk to it from another terminal, with any serial program:")
        output.say(f"  edge-deploy run --board {board.name} -p {machine.url}")
        output.say(f"  python -m serial.tools.miniterm {machine.url}    then type hello%")
        output.say("Ctrl-C stops it.")
        try:
            while not machine.wait(_LOOK_S):
                pass
        except KeyboardInterrupt:
            output.say("Stopped.")
            return
        raise LinkLost(f"{machine.name} stopped: {machine.ended}.")
