"""What a host program can be at the other end of a virtual serial port: a socket or a pty.

Each is a non-blocking byte stream with a file number; reads return b"" at the end, and writes
raise BlockingIOError when the other side does not take more. Knows nothing of boards.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from typing import Protocol

try:
    import pty
    import tty
except ImportError:  # Windows has no pseudo-terminals
    HAS_PTY = False
else:
    HAS_PTY = True


class Endpoint(Protocol):
    """A connected host program."""

    def fileno(self) -> int:
        """For selectors."""

    def read(self, size: int) -> bytes:
        """At most `size` bytes; b"" when it is gone. Raises BlockingIOError."""

    def write(self, data: memoryview) -> int:
        """Bytes taken. Raises BlockingIOError, or another OSError when it is gone."""

    def hang_up(self) -> None:
        """End the connection."""


class SocketEndpoint:
    """A TCP connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        # Records are short and answered one by one: Nagle's algorithm would hold them back.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection

    def fileno(self) -> int:
        """For selectors."""
        return self._connection.fileno()

    def read(self, size: int) -> bytes:
        """At most `size` bytes; b"" when no more will come."""
        try:
            return self._connection.recv(size)
        except BlockingIOError:
            raise
        except OSError:  # reset by the other side
            return b""

    def write(self, data: memoryview) -> int:
        """Bytes taken."""
        return self._connection.send(data)

    def hang_up(self) -> None:
        """Close the connection; what was written still arrives."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
        self._connection.close()


class PtyEndpoint:
    """The board's side of a pseudo-terminal, which stays when host programs come and go."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        self.path = os.ttyname(slave)
        # Raw from the start: a terminal that echoes would send our own lines back to us.
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        # From now on the system reports a hang-up while no program has the other side open.
        os.close(slave)

    def fileno(self) -> int:
        """For selectors."""
        return self._master

    def in_use(self) -> bool:
        """Whether a program has it open, or had and left bytes to read."""
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        events = poll.poll(0)
        flags = events[0][1] if events else 0
        return not flags & select.POLLHUP or bool(flags & select.POLLIN)

    def read(self, size: int) -> bytes:
        """At most `size` bytes; b"" when no program has it open."""
        try:
            return os.read(self._master, size)
        except BlockingIOError:
            raise
        except OSError:  # EIO on Linux: nobody there
            return b""

    def write(self, data: memoryview) -> int:
        """Bytes taken."""
        return os.write(self._master, data)

    def hang_up(self) -> None:
        """Nothing to do: the program at the other side has closed it."""

    def close(self) -> None:
        """Remove the pseudo-terminal; a program that has it open sees a hang-up."""
        os.close(self._master)
