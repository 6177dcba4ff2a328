"""`--target`: kernels that no board has by itself, for who asks for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import click

from edge_deploy import boards, compiler
from edge_deploy.boards import Board
from edge_deploy.cli import output
from edge_deploy.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

# Kernels that may be asked for, and the chip (boards.yaml) that runs them.
_CHIPS = {compiler.ESP32S3: "ESP32-S3"}


def kernels_option(function: F) -> F:
    """Add --target, given to the verb as `kernels` or, under `target_options`, in its `target`."""
    return click.option(
        "--target",
        "kernels",
        type=click.Choice(tuple(_CHIPS)),
        default=None,
        callback=lambda _context, _option, word: word or "",
        help="Kernels other than the board's own: esp32s3 has that chip's vector instructions, and "
        "has not run on a board yet.",
    )(function)


def board(name: str, kernels: str) -> Board:
    """The board of a name, with the kernels that were asked for, if any.

    Raises UsageError for a board that they are not for.
    """
    found = boards.load(name)
    if not kernels:
        return found
    if found.chip != _CHIPS[kernels]:
        fitting = [each.name for each in boards.load_all().values() if each.chip == _CHIPS[kernels]]
        raise UsageError(
            f"--target {kernels} is for an {_CHIPS[kernels]}; {name} has an {found.chip}.",
            try_next=[f"--board {one} --target {kernels}" for one in fitting],
        )
    return dataclasses.replace(found, target=kernels)


def tell(board: Board) -> None:
    """Say of kernels that no board has run that this is so."""
    if board.target in _CHIPS:
        output.say(
            f"The kernels of {board.target} have not run on a board yet: `edge-deploy verify` "
            "tells whether they are right on yours."
        )
