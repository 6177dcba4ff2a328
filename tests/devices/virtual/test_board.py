"""A board on the desk: flashing, power, its ports, and what holds it."""

from __future__ import annotations

import contextlib
import hashlib
import time

import pytest

pytest.importorskip("unicorn", reason="the virtual extra is not installed")

from edge_deploy.devices.serial_link import SerialLink
from edge_deploy.devices.virtual.board import VirtualBoard, hardware_of
from edge_deploy.errors import BoardBusy, UsageError, WrongBoard
from tests.devices.virtual import thumb

SHA256 = hashlib.sha256(b"a model").hexdigest()
# Sends the 64 digits that are behind its code, for each byte that comes.
TELL_SHA256 = f"""
    ldr r0, =0xA0002000
    ldr r1, =0xA0003000
    mov r2, #0x20000000
    str r2, [r0, #0x04]
    adr r2, 2f
    str r2, [r0, #0x10]
1:  mvn r3, #0
    str r3, [r1]
    movs r3, #1
    str r3, [r0, #0x08]
    movs r3, #64
    str r3, [r0, #0x14]
    b 1b
    .p2align 2
2:  .ascii "{SHA256}"
"""


def answer(url: str, question: bytes, size: int) -> bytes:
    with contextlib.closing(SerialLink(url)) as link:
        link.write(question)
        got = b""
        deadline = time.monotonic() + 5
        while len(got) < size and time.monotonic() < deadline:
            got += link.read(0.2)
        return got


def test_flash_lasts_from_board_to_board(nano33, home):
    with contextlib.closing(VirtualBoard(nano33, home=home)) as board:
        board.flash_image(thumb.application(thumb.ECHO))
    for _ in range(2):
        with VirtualBoard(nano33, home=home) as board:
            assert answer(board.url, b"hello", 5) == b"hello"


def test_both_ports_answer_one_after_the_other(nano33, home):
    board = VirtualBoard(nano33, home=home)
    board.flash_image(thumb.application(thumb.ECHO))
    with board:
        assert answer(board.url, b"socket", 6) == b"socket"
        if board.pty is None:
            pytest.skip("this system has no pseudo-terminals")
        assert answer(board.pty, b"terminal", 8) == b"terminal"
        assert answer(board.url, b"again", 5) == b"again"


def test_an_empty_board_says_that_it_is_empty(nano33, home):
    board = VirtualBoard(nano33, home=home)
    with pytest.raises(WrongBoard, match="Nothing has been flashed") as caught:
        board.start()
    assert any("flash" in each for each in caught.value.try_next)
    board.close()
    for _ in range(2):  # and lets go of it
        with pytest.raises(WrongBoard), VirtualBoard(nano33, home=home):
            pass


def test_a_board_in_use_is_busy(nano33, home):
    board = VirtualBoard(nano33, home=home)
    board.flash_image(thumb.application(thumb.ECHO))
    with board:
        other = VirtualBoard(nano33, home=home)
        for act in (other.start, lambda: other.flash_image(b"x")):
            with pytest.raises(BoardBusy) as caught:
                act()
            assert any(board.url in each for each in caught.value.try_next)
    other.start()
    other.close()


def test_flashing_a_running_board_restarts_it_with_the_new_image(nano33, home):
    board = VirtualBoard(nano33, home=home)
    board.flash_image(thumb.application(thumb.ECHO))
    with board:
        board.flash_image(thumb.application(TELL_SHA256))
        assert not board.running
        board.start()
        assert answer(board.url, b"?", 64) == SHA256.encode()


def test_a_dead_board_can_be_started_again(nano33, home):
    board = VirtualBoard(nano33, home=home)
    board.flash_image(thumb.application("udf #1"))
    with board:
        for _ in range(2):
            assert board.wait(5)
            assert "undefined" in board.ended
            board.start()


def test_counters_and_reset_from_outside(nano33, home):
    board = VirtualBoard(nano33, home=home, wait_states=False)
    board.flash_image(thumb.application(thumb.ECHO))
    with board:
        assert answer(board.url, b"x", 1) == b"x"
        board.reset()
        assert answer(board.url, b"y", 1) == b"y"
        counters = board.counters()
        assert counters.cycles > 0
        assert counters.cycles_board is None
        assert counters.energy_nj > 0
    with pytest.raises(RuntimeError, match="not powered"):
        board.counters()


def test_wrong_firmware_tells_another_sha256(nano33, home):
    image = thumb.application(TELL_SHA256)
    board = VirtualBoard(nano33, home=home)
    board.flash_image(image, manifest={"model_sha256": SHA256})
    with board:
        assert answer(board.url, b"?", 64) == SHA256.encode()
    board = VirtualBoard(nano33, home=home, faults=["wrong-firmware"])
    with board:
        told = answer(board.url, b"?", 64)
        assert len(told) == 64
        assert told != SHA256.encode()
        assert set(told) <= set(b"0123456789abcdef")
    # The flash itself is as it was.
    assert board.flash.read().data[thumb.APPLICATION :].startswith(image)


@pytest.mark.parametrize("manifest", [None, {"model_sha256": "0" * 64}])
def test_wrong_firmware_needs_a_model(nano33, home, manifest):
    board = VirtualBoard(nano33, home=home, faults=["wrong-firmware"])
    board.flash_image(thumb.application(thumb.ECHO), manifest=manifest)
    with pytest.raises(UsageError, match="wrong-firmware"):
        board.start()
    board.close()


def test_hardware_is_what_boards_yaml_says(nano33, xiao):
    hardware = hardware_of(nano33, wait_states=True)
    assert hardware.clock_hz == nano33.clock_hz
    assert hardware.flash_wait_states == nano33.flash_wait_states
    assert hardware.power.active_ua == nano33.currents.active_ua
    assert hardware_of(nano33, wait_states=False).flash_wait_states is None
    with pytest.raises(UsageError, match="no emulated core"):
        hardware_of(xiao, wait_states=True)
