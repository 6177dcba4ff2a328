"""boards.yaml -> Board: facts about one kind of hardware, each with its source.

What is not known of a board is None, never guessed. Knows nothing about how a board is built
for, flashed or spoken to.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from edge_deploy import calibration, places, yamlfile
from edge_deploy.boards.facts import Board, Currents, Esptool, Fact, PlatformIO, Variant
from edge_deploy.boards.reading import PARTS, TARGETS, USB_MODES, read
from edge_deploy.calibration import Calibration
from edge_deploy.errors import UsageError

__all__ = [
    "PARTS",
    "TARGETS",
    "USB_MODES",
    "Board",
    "Currents",
    "Esptool",
    "Fact",
    "PlatformIO",
    "UnknownBoard",
    "Variant",
    "load",
    "load_all",
    "read",
    "unknown",
]


class UnknownBoard(UsageError):
    """A name that boards.yaml does not have."""


def load(name: str) -> Board:
    """The Board of that name. Raises UnknownBoard, or BadFile for a broken boards.yaml."""
    known = load_all()
    if name not in known:
        raise unknown(name, known)
    return known[name]


def load_all() -> Mapping[str, Board]:
    """All boards that edge-deploy knows, by name, in the file's order. Raises BadFile.

    What the user has measured (`calibrate`) stands in place of what is assumed.
    """
    known = _load_file(places.shipped("boards.yaml"))
    measured = calibration.load_all()
    if not measured:
        return known
    return MappingProxyType(
        {name: _calibrated(board, measured.get(name)) for name, board in known.items()}
    )


def _calibrated(board: Board, measured: Calibration | None) -> Board:
    """The board with what was measured of its kind."""
    return board if measured is None else replace(board, calibration=measured)


@functools.lru_cache(maxsize=4)
def _load_file(path: Path) -> Mapping[str, Board]:
    """`read` of a file, which does not change while a command runs."""
    return MappingProxyType(read(yamlfile.load(path)))


def unknown(name: str, known: Iterable[str]) -> UnknownBoard:
    """The error for a name that is not among `known`, with the nearest that is."""
    names = list(known)
    near = difflib.get_close_matches(name.lower(), names, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return UnknownBoard(
        f"no board is called {name!r}; known are {', '.join(names)}.{hint}",
        try_next=["edge-deploy boards"],
    )
