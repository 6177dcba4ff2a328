"""Who can connect to the port, one at a time, through a socket or a pseudo-terminal."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest
import serial

pytest.importorskip("unicorn", reason="the virtual extra is not installed")

from edge_deploy.devices.serial_link import SerialLink
from edge_deploy.devices.virtual.serial import SerialPort
from edge_deploy.errors import BoardBusy, LinkLost, NoBoard


@pytest.fixture
def port():
    opened = SerialPort()
    yield opened
    opened.close()


def until(condition, timeout_s: float = 5.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def connect(port) -> socket.socket:
    host, number = port.url.removeprefix("socket://").split(":")
    return socket.create_connection((host, int(number)), timeout=5)


def test_bytes_both_ways_over_the_socket(port):
    with contextlib.closing(SerialLink(port.url)) as link:
        assert port.wait_for_host(5)
        link.write(b"up")
        assert port.wait(5)
        assert port.take(100) == b"up"
        port.send(b"down")
        assert link.read(5) == b"down"


def test_bytes_both_ways_over_the_pseudo_terminal(port):
    if port.pty_path is None:
        pytest.skip("this system has no pseudo-terminals")
    for _ in range(3):  # programs come and go
        with contextlib.closing(SerialLink(port.pty_path)) as link:
            link.write(b"up\r\n\x03\x04\xff")  # nothing is a control character
            assert until(lambda: port.waiting() == 7)
            assert port.take(100) == b"up\r\n\x03\x04\xff"
            port.send(b"down\n")
            assert link.read(5) == b"down\n"
        assert until(lambda: not port.connected)


def test_a_terminal_that_is_opened_and_closed_at_once_still_delivers(port):
    if port.pty_path is None:
        pytest.skip("this system has no pseudo-terminals")
    with serial.Serial(port.pty_path) as terminal:
        terminal.write(b"name%")
    assert until(lambda: port.waiting() == 5)


def test_the_next_host_can_connect_when_one_has_gone(port):
    for text in (b"one", b"two", b"three"):
        with contextlib.closing(SerialLink(port.url)) as link:
            link.write(text)
            assert until(lambda text=text: port.waiting() == len(text))
            assert port.take(10) == text


def test_a_second_host_is_hung_up_on_and_the_first_stays(port):
    with contextlib.closing(SerialLink(port.url)) as first:
        assert port.wait_for_host(5)
        with connect(port) as second:
            second.settimeout(5)
            assert second.recv(1) == b""
        first.write(b"still here")
        assert until(lambda: port.waiting() == 10)


def test_a_terminal_in_use_is_busy_for_another_program(port):
    if port.pty_path is None:
        pytest.skip("this system has no pseudo-terminals")
    with contextlib.closing(SerialLink(port.pty_path)), pytest.raises(BoardBusy):
        SerialLink(port.pty_path)


def test_a_host_that_only_shut_its_sending_side_gets_its_answer(port):
    with connect(port) as host:
        host.sendall(b"name%")
        host.shutdown(socket.SHUT_WR)
        assert until(lambda: port.waiting() == 5)
        time.sleep(0.2)
        port.send(b"answer")
        assert host.recv(100) == b"answer"
        assert host.recv(100) == b"", "hung up after a while"


def test_a_new_host_does_not_wait_for_one_that_is_leaving(port):
    with connect(port) as leaving:
        leaving.shutdown(socket.SHUT_WR)
        time.sleep(0.1)
        with contextlib.closing(SerialLink(port.url)) as link:
            link.write(b"x")
            assert until(lambda: port.waiting() == 1, 1.0)


def test_what_is_sent_without_a_host_is_lost(port):
    port.send(b"nobody hears this")
    with contextlib.closing(SerialLink(port.url)) as link:
        assert port.wait_for_host(5)
        port.send(b"this")
        assert link.read(5) == b"this"


def test_close_ends_waits_and_connections(port):
    link = SerialLink(port.url)
    assert port.wait_for_host(5)
    port.close()
    port.close()
    assert port.wait(None) is False
    with pytest.raises(LinkLost):  # noqa: PT012 (the first may only see an empty buffer)
        link.read(1)
        link.read(1)
    link.close()
    with pytest.raises(NoBoard):
        SerialLink(port.url)


def test_interrupt_ends_a_wait(port):
    port.interrupt()
    began = time.monotonic()
    assert port.wait(10) is False
    assert time.monotonic() - began < 5


def test_threads_end(port):
    port.close()
    assert not port._thread.is_alive()
