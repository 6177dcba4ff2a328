"""What a reachable board is to the rest of the program: it can be flashed, and opened as a stream.

Two abstract classes and nothing else; the floors above know no more of a device than this.
"""

from __future__ import annotations

import abc
from types import TracebackType

from edge_deploy.artifact import Artifact, Manifest
from edge_deploy.boards import Board


class Link(abc.ABC):
    """An open byte stream to a device."""

    @property
    @abc.abstractmethod
    def description(self) -> str:
        """What it is connected to, for messages: `/dev/ttyACM0`, `the virtual nano33`."""

    @abc.abstractmethod
    def read(self, timeout_s: float) -> bytes:
        """The bytes that have come; waits for the first one.

        b"" when none came within `timeout_s`. Raises LinkLost when the device is gone; what it
        had sent before is returned first.
        """

    @abc.abstractmethod
    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises LinkLost when the device is gone or takes no more."""

    @abc.abstractmethod
    def close(self) -> None:
        """End the connection. Safe to repeat."""

    def __enter__(self) -> Link:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Device(abc.ABC):
    """One reachable board.

    name: for messages; on: the words of `--on` that lead to it; board: its facts.
    port: the firmware port that it takes: `virtual_m4`, `host` or `arduino`.
    """

    name: str
    on: str
    board: Board
    port: str

    @abc.abstractmethod
    def flash(self, artifact: Artifact) -> None:
        """Put the artifact on the board and verify it there. Raises FlashFailed, BoardBusy."""

    @abc.abstractmethod
    def open(self) -> Link:
        """Connect to the running firmware. Raises NoBoard, BoardBusy, AccessDenied, LinkLost."""

    @abc.abstractmethod
    def manifest(self) -> Manifest | None:
        """What was flashed last, where that is known without asking the board."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of the board; links that are open are closed. Safe to repeat."""

    def __enter__(self) -> Device:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
