"""A Link over anything that pyserial opens: a serial port, a pseudo-terminal, a socket:// URL.

Turns pyserial's and the system's errors into the cases that a person can act on. Knows nothing
of what is sent.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys

import serial

from edge_deploy.devices.device import Link
from edge_deploy.errors import AccessDenied, BoardBusy, EdgeDeployError, LinkLost, NoBoard

# USB serial ports ignore it; MLPerf Tiny's performance mode asks for it on a hardware UART.
DEFAULT_BAUD = 115_200

# A board that takes no byte for so long will not take any: 64 KiB go through a full-speed USB
# port in 0.1 s, and through 115,200 baud in 5.7 s.
_WRITE_TIMEOUT_S = 10.0

_READ_BYTES = 65_536

if sys.platform == "win32":
    UNREADY: tuple[type[Exception], ...] = ()
else:
    import termios

    # What pyserial lets through where a port goes away while it is opened; it is no OSError.
    UNREADY = (termios.error,)

_BUSY = (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK)
_DENIED = (errno.EACCES, errno.EPERM)
_ABSENT = (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ECONNREFUSED, errno.EHOSTUNREACH)


class SerialLink(Link):
    """An open port.

    url: `/dev/ttyACM0`, `COM3`, `socket://127.0.0.1:4000`, or any other URL of pyserial's.
    Raises NoBoard where there is nothing, BoardBusy where another program has it, AccessDenied
    where this user may not.
    """

    def __init__(self, url: str, *, baud: int = DEFAULT_BAUD) -> None:
        self._url = url
        self._end: LinkLost | None = None
        # Network handlers count at most one waiting byte: they must be read another way.
        self._is_network = "://" in url
        try:
            self._port = serial.serial_for_url(
                url, baudrate=baud, timeout=0, write_timeout=_WRITE_TIMEOUT_S, exclusive=True
            )
        except (OSError, ValueError, *UNREADY) as error:  # SerialException is an OSError
            raise refusal(url, error) from error

    @property
    def description(self) -> str:
        """The port's name or URL."""
        return self._url

    def read(self, timeout_s: float) -> bytes:
        """The bytes that have come; b"" when none came within `timeout_s`."""
        if self._end is not None:
            raise self._end
        first = b""
        try:
            self._set_timeout(max(0.0, timeout_s))
            first = self._port.read(1)
            if not first:
                return b""
            if self._is_network:
                self._set_timeout(0)
                return first + self._port.read(_READ_BYTES)
            waiting = self._port.in_waiting
            return first + (self._port.read(waiting) if waiting else b"")
        except (OSError, TypeError) as error:  # TypeError: pyserial, when closed by a thread
            self._end = self._lost(error)
            if first:
                return first  # what came before the end; the end is told next time
            raise self._end from error

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        if self._end is not None:
            raise self._end
        try:
            left = memoryview(data)
            while left:
                left = left[self._port.write(left) or 0 :]
        except serial.SerialTimeoutException as error:
            raise LinkLost(f"{self._url} took no more bytes for {_WRITE_TIMEOUT_S:g} s.") from error
        except (OSError, TypeError) as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Close the port."""
        # pyserial's socket:// handler forgets to close a socket whose other end is gone.
        socket = getattr(self._port, "_socket", None)
        with contextlib.suppress(OSError):  # unplugged: it is closed enough
            self._port.close()
        if socket is not None:
            socket.close()

    def _set_timeout(self, timeout_s: float) -> None:
        # On a real port each change is a system call that sets all its parameters anew.
        if self._port.timeout != timeout_s:
            self._port.timeout = timeout_s

    def _lost(self, _error: Exception) -> LinkLost:
        return LinkLost(
            f"{self._url} is gone: the board was unplugged, restarted or stopped.",
            try_next=("edge-deploy doctor  see which boards are connected",)
            if not self._is_network
            else (),
        )


def refusal(url: str, error: Exception) -> EdgeDeployError:
    """Why a port cannot be opened."""
    number = _errno(error)
    if number in _BUSY or (sys.platform == "win32" and number in _DENIED):
        # Windows says "access denied" of a port that another program has open.
        return BoardBusy(
            f"{url} is in use by another program.",
            try_next=(f"fuser -v {url}  see which program has it (a serial monitor?)",)
            if url.startswith("/dev/")
            else (),
        )
    if number in _DENIED:
        return AccessDenied(
            f"{url} may not be opened by this user.",
            try_next=(
                "sudo usermod -aG dialout $USER  then log out and in again",
                f"ls -l {url}  see which group it belongs to",
            ),
        )
    if isinstance(error, ValueError) or number in _ABSENT or number is None:
        return NoBoard(
            f"{url} cannot be opened: {_words(error, number)}.",
            try_next=(
                "edge-deploy boards  see what boards there are",
                "--on virtual  use a virtual board instead",
            ),
        )
    return LinkLost(f"{url} cannot be opened: {_words(error, number)}.")


def is_leaving(error: Exception) -> bool:
    """Whether a port could not be opened because it was going away just then."""
    return _errno(error) == errno.EIO


def _errno(error: BaseException | None) -> int | None:
    """The system's number of an error; pyserial often wraps the one that has it."""
    while error is not None:
        number = error.args[0] if isinstance(error, UNREADY) else getattr(error, "errno", None)
        if isinstance(number, int):
            return number
        error = error.__cause__ or error.__context__
    return None


def _words(error: Exception, number: int | None) -> str:
    if number is not None:
        return os.strerror(number)
    return str(error).rstrip(".") or type(error).__name__
