"""A Link over pyserial: its time-outs, and its errors as cases."""

from __future__ import annotations

import errno
import socket
import sys
import time

import pytest
import serial

from edge_deploy.devices import serial_link
from edge_deploy.devices.serial_link import SerialLink
from edge_deploy.errors import AccessDenied, BoardBusy, Exit, LinkLost, NoBoard


@pytest.fixture
def peer():
    """A link and the socket at its other end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = SerialLink(f"socket://127.0.0.1:{server.getsockname()[1]}")
        other, _ = server.accept()
        with other:
            yield link, other
        link.close()


def test_read_gives_all_that_has_come(peer):
    link, other = peer
    other.sendall(b"x" * 5000)
    time.sleep(0.1)
    assert link.read(1) == b"x" * 5000


def test_read_times_out(peer):
    link, _ = peer
    began = time.monotonic()
    assert link.read(0.2) == b""
    assert 0.15 < time.monotonic() - began < 2
    assert link.read(0) == b""


def test_the_end_comes_after_what_was_sent(peer):
    link, other = peer
    other.sendall(b"bye")
    other.close()
    time.sleep(0.1)
    assert link.read(1) == b"bye"
    for _ in range(2):
        with pytest.raises(LinkLost) as caught:
            link.read(1)
    assert caught.value.exit_code == Exit.LINK_LOST
    with pytest.raises(LinkLost):
        link.write(b"x")


def test_a_peer_that_takes_nothing_ends_the_write(peer, monkeypatch):
    link, _ = peer
    monkeypatch.setattr(link._port, "_write_timeout", 0.2)
    with pytest.raises(LinkLost, match="took no more bytes"):
        link.write(bytes(50_000_000))


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    with pytest.raises(NoBoard) as caught:
        SerialLink(f"socket://127.0.0.1:{number}")
    assert caught.value.exit_code == Exit.NO_BOARD
    assert any("--on virtual" in each for each in caught.value.try_next)


@pytest.mark.parametrize("url", ["nowhere://x", "socket://127.0.0.1", "/dev/no-such-port"])
def test_what_is_no_port(url):
    with pytest.raises(NoBoard):
        SerialLink(url)


@pytest.mark.parametrize(
    ("number", "case", "code"),
    [
        (errno.EBUSY, BoardBusy, 11),
        (errno.EAGAIN, BoardBusy, 11),
        (errno.EACCES, AccessDenied, 18),
        (errno.EPERM, AccessDenied, 18),
        (errno.ENOENT, NoBoard, 10),
        (errno.EIO, LinkLost, 17),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_errors_of_the_system_are_cases(monkeypatch, number, case, code, wrapped):
    if sys.platform == "win32" and case is AccessDenied:
        pytest.skip("Windows denies access to ports that are in use")

    def refuse(*_args, **_options):
        if not wrapped:
            raise serial.SerialException(number, "no")
        try:
            raise OSError(number, "no")  # noqa: TRY301 (as pyserial does it)
        except OSError as error:
            raise serial.SerialException("could not open port") from error

    monkeypatch.setattr(serial_link.serial, "serial_for_url", refuse)
    with pytest.raises(case) as caught:
        SerialLink("/dev/ttyACM0")
    assert caught.value.exit_code == code
    assert "/dev/ttyACM0" in caught.value.message


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no termios")
def test_a_port_that_goes_while_it_is_opened(monkeypatch):
    """pyserial lets an error through that is none of the system's."""
    import termios

    def go(*_words, **_options):
        raise termios.error(errno.EIO, "Input/output error")

    monkeypatch.setattr(serial_link.serial, "serial_for_url", go)
    with pytest.raises(LinkLost, match="cannot be opened: Input/output error"):
        SerialLink("/dev/ttyACM0")
