"""What is plugged in and what runs on it, for people and as JSON: a part of `boards`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge_deploy.boards import Board
from edge_deploy.devices import SerialLink, usb
from edge_deploy.devices.usb import Connected
from edge_deploy.errors import AccessDenied, BoardBusy, EdgeDeployError
from edge_deploy.telemetry.hello import Hello
from edge_deploy.telemetry.session import Session

# A board that runs our firmware answers within milliseconds; one that just booted within a second.
_PATIENCE_S = 1.5


@dataclass(frozen=True)
class Plugged:
    """One port. board: the kind that its USB id belongs to, if any. hello: of our firmware."""

    port: Connected
    board: Board | None
    state: str
    hello: Hello | None = None

    @property
    def runs(self) -> str:
        """What it runs, for a person."""
        if self.hello is None:
            return self.state
        return f"{self.hello.model}, firmware {self.hello.firmware}"

    @property
    def kind(self) -> str:
        """Which kind of board, and which variant by its own word, for a person."""
        if self.board is None:
            return "-"
        return self.board.name if self.hello is None else f"{self.board.name} {self.hello.variant}"

    def as_json(self) -> dict[str, Any]:
        """The keys of an entry of `boards --json`, `connected`."""
        hello = self.hello
        return {
            "port": self.port.path,
            "usb_id": self.port.usb_id,
            "serial_number": self.port.serial_number or None,
            "board": self.board.name if self.board else None,
            "variant": None if hello is None else hello.variant,
            "state": self.state,
            "model": None if hello is None else {"name": hello.model, "sha256": hello.sha256},
            "firmware": None if hello is None else hello.firmware,
        }


def look(known: Mapping[str, Board]) -> list[Plugged]:
    """Every USB serial port; those of boards that we know are asked what they run."""
    return [_look(port, known) for port in usb.connected()]


def _look(port: Connected, known: Mapping[str, Board]) -> Plugged:
    kinds = [board for board in known.values() if port.usb_id in board.usb_ids]
    if not kinds:
        return Plugged(port, None, "not a board that edge-deploy knows")
    board = kinds[0]
    if board.usb_ids[port.usb_id] == "bootloader":
        return Plugged(port, board, "waits in its bootloader")
    try:
        with Session(SerialLink(port.path), timeout_s=_PATIENCE_S) as session:
            session.begin()
            return Plugged(port, board, "runs our firmware", session.board)
    except BoardBusy:
        return Plugged(port, board, "in use by another program")
    except AccessDenied:
        return Plugged(port, board, "this user may not open it: edge-deploy doctor")
    except EdgeDeployError:
        return Plugged(port, board, "runs another program, or none")
