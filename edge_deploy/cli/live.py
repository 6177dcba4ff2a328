"""The verbs that run a board: flash, run, virtual."""

from __future__ import annotations

import click

from edge_deploy import boards, places
from edge_deploy.cli import output, prepare
from edge_deploy.cli.options import (
    MODEL_HELP,
    Target,
    debug_option,
    json_option,
    target_options,
)
from edge_deploy.cli.stream import show_stream
from edge_deploy.errors import LinkLost

# How long a wait for the board's end may keep Ctrl-C waiting (on Windows).
_LOOK_S = 0.2

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
@count_option
@click.option("--no-run", is_flag=True, help="Do not stream after flashing.")
@json_option
@debug_option
def flash(
    model_word: str,
    target: Target,
    count: int | None,
    no_run: bool,
    as_json: bool,
) -> None:
    """Put MODEL on a board, check that it runs there, and stream what it computes."""
    subject = prepare.subject(model_word)
    with prepare.session(subject, target) as live:
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
            for verb in ("verify", "bench", "profile"):
                output.say(f"  edge-deploy {verb} {model_word} {where}")
            return
        show_stream(live.session, on=target.on, count=count, as_json=as_json)


@click.command()
@target_options
@count_option
@json_option
@debug_option
def run(target: Target, count: int | None, as_json: bool) -> None:
    """Stream from a board that was flashed before, whatever model it runs."""
    with prepare.opened(prepare.device(target), target.timeout_s) as session:
        output.say(f"{session.board.model} on {session.board.board} ({session.board.engine})")
        show_stream(session, on=target.on, count=count, as_json=as_json)


@click.command()
@click.argument("board_name", metavar="BOARD")
@click.option("--fault", "faults", multiple=True, metavar="FAULT", help="As for flash.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the faults.")
@click.option(
    "--speed",
    type=click.Choice(["max", "real"]),
    default="real",
    show_default=True,
    help="Its time against the wall's.",
)
@debug_option
def virtual(board_name: str, faults: tuple[str, ...], seed: int, speed: str) -> None:
    """Start a virtual BOARD and serve its serial port until Ctrl-C.

    It runs what was flashed last with --on virtual. Any serial program can talk to it.
    """
    from edge_deploy.devices.virtual.board import VirtualBoard

    board = boards.load(board_name)
    machine = VirtualBoard(board, home=places.home(), speed=speed, faults=faults, seed=seed)
    with machine:
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
