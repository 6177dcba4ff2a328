"""The verb that gives a real board back its blink: restore."""

from __future__ import annotations

import sys

import click

from edge_deploy import boards
from edge_deploy.artifact import Artifact
from edge_deploy.boards import Board
from edge_deploy.cli import output, prepare, room
from edge_deploy.cli.options import Target, debug_option, json_option, real_target_options
from edge_deploy.devices.device import Device
from edge_deploy.errors import NoBoard, UsageError


@click.command()
@real_target_options
@click.option("--all", "every", is_flag=True, help="Every board of the kind on USB.")
@json_option
@debug_option
def restore(target: Target, every: bool, as_json: bool) -> None:
    """Put a blink on a real board, in place of our firmware.

    Neither vendor's core ships a factory image, so it is a sketch of ours (firmware/blink), which
    PlatformIO builds like the firmware.
    """
    board = boards.load(target.board)
    if every:
        found = room.boards_for(board, target)
        again = ["edge-deploy", "restore", "--board", board.name]
        room.each(board, found, _blink(board), again, check=_nothing, as_json=as_json)
        return
    with _real(target) as device:
        if device.port in prepare.PORTS:
            raise UsageError(
                f"restore is for real boards; {board.name} on {target.on} is none.",
                try_next=[f"edge-deploy restore --board {board.name}    the one on USB"],
            )
        made = _blink(board)
        device.flash(made)
        if as_json:
            output.document(
                {
                    "board": board.name,
                    "on": target.on,
                    "image": made.manifest.model_name,
                    "image_sha256": made.manifest.image_sha256,
                }
            )
            return
        output.show(f"{device.name} blinks: a second on, a second off.")


def _real(target: Target) -> Device:
    try:
        return prepare.device(target)
    except NoBoard as none:
        none.without("--on virtual")
        raise


def _nothing(_device: Device) -> None:
    """A blink answers nothing; that it came back to USB is all that can be told."""


def _blink(board: Board) -> Artifact:
    from edge_deploy.build import platformio

    output.say(f"PlatformIO builds a blink for {board.name} ...")
    return platformio.blink(board, progress=prepare.follow(output.is_terminal(sys.stderr)))
