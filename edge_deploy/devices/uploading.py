"""What flashing any real board needs: ports that come and go, programs that upload, what to say.

Turns waits for a port into a port or into what a person can do. Knows no board by name.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from edge_deploy import kits, process
from edge_deploy.boards import Board
from edge_deploy.devices import usb
from edge_deploy.devices.usb import Connected
from edge_deploy.errors import AccessDenied, BoardBusy, FlashFailed, NoBoard
from edge_deploy.process import ProcessTimeout

_log = logging.getLogger(__name__)

T = TypeVar("T")

Say = Callable[[str], None]


def silent(_line: str) -> None:
    """A Say that says nothing."""


CABLE = "another cable, or a port of the computer itself instead of a hub"
"""What to try where a board does not come or does not answer."""

# How often the system is asked for its ports.
POLL_S = 0.05
# A bootloader is there after a second or two; Windows may install a driver first.
COMES_S = 12.0
# A port that has just come is the administrator's until udev has given it to its group, and may be
# ModemManager's for some seconds.
SETTLES_S = 5.0
# While a person looks for a button.
BY_HAND_S = 60.0


def by_hand(board: Board) -> str:
    """What a person does where a board does not answer (kit.yaml), as a part of a sentence."""
    kit = kits.find(board.name)
    return "press its reset button" if kit is None else kit.by_hand.text


def again(board: Board) -> str:
    """`by_hand`, and what comes then: a line of `Things to try`."""
    return f"{by_hand(board)}; then the same command"


@dataclass(frozen=True)
class Track:
    """One board, to be known again when its port has gone and another has come.

    By its USB serial number; where that says nothing, by being no port that was there before.
    """

    port: Connected
    others: frozenset[str]

    @classmethod
    def of(cls, port: Connected) -> Track:
        """Begin to follow the board at `port`."""
        return cls(port, frozenset(each.path for each in usb.connected()) - {port.path})

    def is_it(self, each: Connected) -> bool:
        """Whether a port is this board's."""
        if usb.same_serial(self.port.serial_number, each.serial_number):
            return True
        if usb.tells_apart(self.port.serial_number):
            return False
        return each.path not in self.others


def wait_for(wanted: Callable[[Connected], bool], timeout_s: float) -> Connected | None:
    """The first port that is wanted; None if none came in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = next((each for each in usb.connected() if wanted(each)), None)
        if found is not None or time.monotonic() >= deadline:
            return found
        time.sleep(POLL_S)


def back(
    board: Board,
    runs: Callable[[Connected], bool],
    before: Connected,
    timeout_s: float,
    say: Say,
    *,
    try_next: Iterable[str],
) -> Connected:
    """The port of a board that restarts, once it `runs`; says so where it is not `before`'s.

    Raises FlashFailed with `try_next` where none came in time.
    """
    found = wait_for(runs, timeout_s)
    if found is None:
        raise FlashFailed(
            f"the image is on the {board.name}, and the board did not come back to USB within "
            f"{timeout_s:.0f} s.",
            try_next=try_next,
        )
    if found.path != before.path:
        say(f"The board came back as {found.path}.")
    return found


def opened(open_it: Callable[[], T]) -> T:
    """What `open_it` makes of a port that has just come: refusals are waited out for a while.

    Raises what `open_it` raises after SETTLES_S.
    """
    deadline = time.monotonic() + SETTLES_S
    while True:
        try:
            return open_it()
        except (AccessDenied, BoardBusy, NoBoard) as refused:
            if time.monotonic() >= deadline:
                raise
            _log.debug("not ready yet: %s", refused)
            time.sleep(POLL_S)


def wait_gone(path: str, timeout_s: float) -> bool:
    """Whether a port went away in time."""
    deadline = time.monotonic() + timeout_s
    while any(each.path == path for each in usb.connected()):
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def run(words: Sequence[str], timeout_s: float, say: Say) -> str:
    """Run a program that uploads; all that it said.

    Raises FlashFailed with its last line, or where it has not ended after `timeout_s`.
    """
    lines: list[str] = []
    with process.spawn(words) as child:
        child.stdin.close()
        try:
            for line in child.lines(timeout_s):
                lines.append(line.strip())
                say(line.strip())
        except ProcessTimeout as hung:
            raise FlashFailed(f"the upload stands still: {hung.message}") from hung
        code = child.wait(process.ENDS_S)
        errors = child.errors().decode("utf-8", "replace")
    lines += [line.strip() for line in errors.splitlines() if line.strip()]
    if code != 0:
        last = lines[-1] if lines else f"it ended with {code}"
        raise FlashFailed(f"the upload failed: {last.rstrip('.')}.")
    return "\n".join(lines)
