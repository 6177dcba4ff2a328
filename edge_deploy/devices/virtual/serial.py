"""A virtual board's serial port, as a TCP server (pyserial's socket://) and as a pseudo-terminal.

Bytes from the one host program that is connected wait in a buffer of 65,536; when it is full,
more wait on the host's side, as with USB. What the board sends while no host is connected is
lost, as with USB. Knows nothing of what the bytes mean.
"""

from __future__ import annotations

import contextlib
import select
import selectors
import socket
import threading
import time

from edge_deploy.devices.virtual import endpoints
from edge_deploy.devices.virtual.faults import Faults, LineNoise

RX_BYTES = 65_536

# How often to look whether a program has opened the pseudo-terminal: nothing reports it. Short
# for a person, and twenty looks a second cost nothing.
_PTY_LOOK_S = 0.05
# How long a blocked send waits before it looks whether the port was closed meanwhile.
_SEND_LOOK_S = 0.05
# How long a host that has sent its last byte (`echo name% | nc`) may still wait for answers.
_LINGER_S = 2.0


class SerialPort:
    """The port. One thread of its own serves the host; the board's thread calls the rest.

    faults, seed: noise on the line. pseudo_terminal: offer one where the system has them.
    """

    def __init__(
        self, *, faults: Faults | None = None, seed: int = 0, pseudo_terminal: bool = True
    ) -> None:
        faults = faults or Faults()
        self._noise_in = LineNoise(faults, f"{seed} host to board")
        self._noise_out = LineNoise(faults, f"{seed} board to host")
        self._changed = threading.Condition()
        self._received = bytearray()
        self._host: endpoints.Endpoint | None = None
        self._silent_since: float | None = None  # when the host sent its last byte for ever
        self._closed = False
        self._interrupted = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._wake_up, self._awake = socket.socketpair()
        self._awake.setblocking(False)
        self._wake_up.setblocking(False)
        self._pty: endpoints.PtyEndpoint | None = None
        if pseudo_terminal and endpoints.HAS_PTY:
            # Rare (all pseudo-terminals in use), and the socket does the same.
            with contextlib.suppress(OSError):
                self._pty = endpoints.PtyEndpoint()
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self.pty_path = None if self._pty is None else self._pty.path
        self._thread = threading.Thread(target=self._serve, name="virtual serial", daemon=True)
        self._thread.start()

    # -- the board's side --------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether a host program has the port open."""
        return self._host is not None

    def waiting(self) -> int:
        """Bytes that have come and were not taken."""
        return len(self._received)

    def take(self, size: int) -> bytes:
        """At most `size` of the bytes that have come."""
        with self._changed:
            taken = bytes(self._received[:size])
            was_full = len(self._received) >= RX_BYTES
            del self._received[:size]
        if was_full and taken:
            self._wake()
        return taken

    def send(self, data: bytes) -> None:
        """Send all of `data`; waits while the host takes no more. Lost if there is no host."""
        left = memoryview(self._noise_out.apply(data))
        while left and not self._closed:
            host = self._host
            if host is None:
                return
            try:
                left = left[host.write(left) :]
            except BlockingIOError:
                with contextlib.suppress(OSError, ValueError):  # closed meanwhile: seen above
                    select.select([], [host], [], _SEND_LOOK_S)
            except OSError:
                self._lose(host)

    def wait(self, timeout_s: float | None) -> bool:
        """Wait until a byte waits, `interrupt` or `close` is called, or the time is over.

        True if a byte waits.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._received or self._closed or self._interrupted, timeout_s
            )
            self._interrupted = False
            return bool(self._received)

    def wait_for_host(self, timeout_s: float) -> bool:
        """Wait until a host is connected. True if one is."""
        with self._changed:
            self._changed.wait_for(lambda: self.connected or self._closed, timeout_s)
            return self.connected

    def interrupt(self) -> None:
        """End a `wait` of another thread, or the next one."""
        with self._changed:
            self._interrupted = True
            self._changed.notify_all()

    def close(self) -> None:
        """Hang up, and be gone: no program can connect any more. Safe to repeat."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    # -- the host's side, in a thread of its own -----------------------------------------------

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._awake, selectors.EVENT_READ)
            selector.register(self._listener, selectors.EVENT_READ)
            listened_to: endpoints.Endpoint | None = None
            while not self._closed:
                wanted = self._host if self._has_room() else None
                if wanted is not listened_to:
                    if listened_to is not None:
                        _forget(selector, listened_to)
                    if wanted is not None:
                        selector.register(wanted, selectors.EVENT_READ)
                    listened_to = wanted
                for key, _ in selector.select(self._patience()):
                    if key.fileobj is self._awake:
                        self._drain_wake_ups()
                    elif key.fileobj is self._listener:
                        self._accept()
                    elif key.fileobj is self._host:
                        self._receive()
                self._look_around()
            if listened_to is not None:
                _forget(selector, listened_to)
        self._shut()

    def _patience(self) -> float | None:
        """How long to wait for events before looking at what reports none."""
        watching = self._silent_since is not None or (self._pty is not None and self._host is None)
        return _PTY_LOOK_S if watching else None

    def _has_room(self) -> bool:
        return len(self._received) < RX_BYTES and self._silent_since is None

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # gone before we looked
            return
        if self._host is not None and self._silent_since is None:
            connection.close()  # one at a time: the other program sees the end at once
            return
        if self._host is not None:
            self._lose(self._host)
        self._attach(endpoints.SocketEndpoint(connection))

    def _receive(self) -> None:
        host = self._host
        if host is None:
            return
        try:
            data = host.read(RX_BYTES - len(self._received))
        except BlockingIOError:
            return
        if not data:
            if isinstance(host, endpoints.PtyEndpoint):
                self._lose(host)
            else:
                self._silent_since = time.monotonic()
            return
        data = self._noise_in.apply(data)
        with self._changed:
            self._received += data
            self._changed.notify_all()

    def _look_around(self) -> None:
        """See what no event tells: a pty that was opened, a host that will not come back."""
        host = self._host
        if host is None:
            if self._pty is not None and self._pty.in_use():
                self._attach(self._pty)
        elif self._silent_since is not None and time.monotonic() - self._silent_since > _LINGER_S:
            self._lose(host)

    def _attach(self, host: endpoints.Endpoint) -> None:
        with self._changed:
            self._host = host
            self._silent_since = None
            self._changed.notify_all()

    def _lose(self, host: endpoints.Endpoint) -> None:
        """The host is gone; called by either thread."""
        with self._changed:
            if self._host is not host:
                return
            self._host = None
            self._silent_since = None
            self._changed.notify_all()
        host.hang_up()
        self._wake()

    def _shut(self) -> None:
        host = self._host
        if host is not None:
            self._lose(host)
        self._listener.close()
        if self._pty is not None:
            self._pty.close()
        self._awake.close()
        self._wake_up.close()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it will wake up anyway; closed: over
            self._wake_up.send(b"\0")

    def _drain_wake_ups(self) -> None:
        with contextlib.suppress(OSError):
            self._awake.recv(4096)


def _forget(selector: selectors.BaseSelector, endpoint: endpoints.Endpoint) -> None:
    """Stop listening to an endpoint, which may have been closed by the board's thread."""
    for key in list(selector.get_map().values()):
        if key.fileobj is endpoint:
            selector.unregister(endpoint)
            return
