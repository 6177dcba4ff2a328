"""Boards on this computer's USB: which are there, and the serial port that each has.

A board is known by the USB ids of boards.yaml, and told from others of its kind by its USB serial
number.
"""

from __future__ import annotations

from dataclasses import dataclass

from serial.tools import list_ports

from edge_deploy.boards import Board
from edge_deploy.errors import NoBoard, UsageError


@dataclass(frozen=True)
class Connected:
    """One USB serial port. serial_number: empty where the board has none."""

    path: str
    usb_id: str  # vendor:product, four lower-case hex digits each
    serial_number: str


def connected() -> list[Connected]:
    """Every USB serial port of this computer, sorted by path."""
    found = [
        Connected(port.device, f"{port.vid:04x}:{port.pid:04x}", port.serial_number or "")
        for port in list_ports.comports()
        if port.vid is not None and port.pid is not None
    ]
    return sorted(found, key=lambda each: each.path)


def same_serial(one: str, other: str) -> bool:
    """Whether two serial numbers are of one board.

    An ESP32-S3 writes its address with colons where its own USB part speaks, and without where a
    program's does.
    """
    return tells_apart(one) and _plain(one) == _plain(other)


def tells_apart(serial_number: str) -> bool:
    """Whether a serial number says which board it is: some programs give 0."""
    return bool(_plain(serial_number).strip("0"))


def _plain(serial_number: str) -> str:
    return serial_number.replace(":", "").lower()


def matching(board: Board) -> list[Connected]:
    """Every board of that kind, sorted by path."""
    return [each for each in connected() if each.usb_id in _ids(board)]


def find(board: Board) -> Connected:
    """The one board of that kind. Raises NoBoard for none, UsageError for several."""
    found = matching(board)
    if not found:
        raise none_of(board)
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} {board.name} boards are connected; say which.",
            try_next=[
                f"--on usb:{each.serial_number}  the one at {each.path}"
                if each.serial_number
                else f"--on port:{each.path}  it has no serial number"
                for each in found
            ],
        )
    return found[0]


def none_of(board: Board) -> NoBoard:
    """The error where no board of that kind is connected."""
    return NoBoard(
        f"No {board.name} is connected.",
        try_next=(
            "--on virtual  use a virtual board: nothing to plug in",
            "--on port:/dev/ttyACM0  name the serial port yourself",
            "try another USB cable: many only charge",
        ),
    )


def find_serial(board: Board, serial_number: str) -> Connected:
    """The board with that USB serial number. Raises NoBoard, or UsageError for another kind."""
    for each in connected():
        if _plain(each.serial_number) == _plain(serial_number):
            if each.usb_id not in _ids(board):
                raise UsageError(
                    f"The board with serial number {serial_number} has the USB id {each.usb_id}, "
                    f"which no {board.name} has.",
                    try_next=(f"--on port:{each.path}  use it all the same",),
                )
            return each
    there = ", ".join(each.serial_number for each in connected() if each.serial_number) or "none"
    raise NoBoard(
        f"No board with the USB serial number {serial_number} is connected (there are: {there}).",
        try_next=("--on virtual  use a virtual board: nothing to plug in",),
    )


def _ids(board: Board) -> frozenset[str]:
    return frozenset(str(each) for each in board.usb_ids)
