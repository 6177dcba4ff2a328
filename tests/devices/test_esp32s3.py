"""Flashing a XIAO ESP32S3 on fake boards: the good path, and each way that it goes wrong."""

from __future__ import annotations

import errno
import hashlib
import random
import sys
import threading
import time

import pytest
import serial

pytest.importorskip("pty", reason="fake boards are pseudo-terminals")
pytest.importorskip("esptool", reason="esptool is of the extra `boards`")

from edge_deploy import boards
from edge_deploy.devices import esp32s3, usb
from edge_deploy.errors import (
    AccessDenied,
    BoardBusy,
    Exit,
    FlashFailed,
    NoBoard,
    UsageError,
    WrongBoard,
)
from edge_deploy.toolchains import ToolchainMissing
from tests.devices import fake_esp, fake_nano
from tests.devices.fake_esp import ESP32_C3, OWN_USB, EspBus

XIAO = boards.load("xiao_esp32s3")
# It is compressed to a half; its length is no multiple of 4.
PROGRAM = random.Random(3).randbytes(100_000).hex().encode() + b"!"


@pytest.fixture
def bus(tmp_path, monkeypatch):
    home = tmp_path / "dev"
    home.mkdir()
    made = EspBus(home)
    monkeypatch.setattr(usb, "connected", made.connected)
    # Fake boards need no seconds; a person's hand is not waited for.
    monkeypatch.setattr(esp32s3, "COMES_S", 5.0)
    monkeypatch.setattr(esp32s3, "LEAVES_S", 5.0)
    monkeypatch.setattr(esp32s3, "BY_HAND_S", 0.3)
    monkeypatch.setattr(esp32s3, "ATTEMPTS", 3)
    yield made
    made.close()


@pytest.fixture
def pieces(tmp_path):
    found = []
    contents = {
        "bootloader.bin": fake_esp.bootloader(),
        "partitions.bin": b"\xaa\x50\x01\x02" * 768,
        "boot_app0.bin": b"\x01\0\0\0" + b"\xff" * 8188,
    }
    for name, offset in XIAO.esptool.parts:
        (tmp_path / name).write_bytes(contents[name])
        found.append((offset, tmp_path / name))
    (tmp_path / "firmware.bin").write_bytes(PROGRAM)
    return [*found, (XIAO.esptool.application, tmp_path / "firmware.bin")]


def flash(board, pieces, said=None):
    assert board.port is not None
    return esp32s3.flash(XIAO, board.port, pieces, (said if said is not None else []).append)


def test_every_file_gets_there_byte_for_byte(bus, pieces, capfd):
    board = bus.plug_xiao()
    said: list[str] = []
    back = flash(board, pieces, said)
    assert board.modes == ["program", "loader", "program"]
    assert back == board.port
    assert sorted(board.written) == [0x0, 0x8000, 0xE000, 0x10000]
    for offset, path in pieces[1:]:
        content = path.read_bytes()
        assert board.flash[offset : offset + len(content)] == content
    # The platform's call: --flash-mode dio --flash-freq 80m --flash-size 8MB, into the header
    # (byte 2: 2 is DIO; byte 3: 3 is 8 MB, F is 80 MHz), whose SHA-256 is made anew.
    made, wanted = board.image(0), fake_esp.bootloader()
    assert made[2:4] == b"\x02\x3f"
    assert made[:2] + made[4:-32] == wanted[:2] + wanted[4:-32]
    assert made[-32:] == hashlib.sha256(made[:-32]).digest()
    assert any("100 %" in line for line in said)
    # esptool says a lot: none of it on the terminal.
    assert capfd.readouterr() == ("", "")
    assert board.ram_bytes > 1000  # its stub


def test_it_is_followed_to_another_name(bus, pieces):
    board = bus.plug_xiao(back_as="ttyACM7")
    said: list[str] = []
    assert flash(board, pieces, said).path.endswith("/ttyACM7")
    assert any("came back as" in line for line in said)


def test_a_port_that_stays_through_a_reset(bus, pieces, monkeypatch):
    monkeypatch.setattr(esp32s3, "LEAVES_S", 0.3)
    board = bus.plug_xiao(stays=True)
    assert flash(board, pieces) == board.port
    assert board.image().startswith(PROGRAM)


def test_a_program_with_another_usb_id_restarts_into_a_loader_elsewhere(bus, pieces):
    """TinyUSB in the program: id, serial number and name are others than the loader's."""
    bystander = bus.plug_xiao("ttyACM0")
    board = bus.plug_xiao("ttyACM1", tinyusb=True, loader_as="ttyACM5")
    assert board.port.serial_number == "0"
    back = flash(board, pieces)
    assert (back.usb_id, back.serial_number) == (OWN_USB, board.serial)
    assert board.image().startswith(PROGRAM)
    assert bystander.modes == ["program"]


def test_of_two_identical_boards_the_other_is_left_alone(bus, pieces):
    one, other = bus.plug_xiao("ttyACM0"), bus.plug_xiao("ttyACM1", back_as="ttyACM2")
    flash(other, pieces)
    assert other.image().startswith(PROGRAM)
    assert (one.written, one.modes) == ({}, ["program"])
    with pytest.raises(UsageError, match="2 xiao_esp32s3 boards are connected"):
        usb.find(XIAO)


@pytest.mark.parametrize(("chip", "name"), [(ESP32_C3, "ESP32-C3"), (77, "Unexpected chip ID")])
def test_another_chip_is_refused_before_anything_is_written(bus, pieces, chip, name):
    board = bus.plug_xiao(chip=chip)
    with pytest.raises(WrongBoard, match=name) as caught:
        flash(board, pieces)
    assert caught.value.exit_code is Exit.WRONG_BOARD
    assert board.written == {}
    assert board.ram_bytes == 0


def test_another_board_with_the_chip_and_less_flash_is_refused(bus, pieces):
    board = bus.plug_xiao(small=True)
    with pytest.raises(WrongBoard, match="has 4MB of flash, and a xiao_esp32s3 8MB"):
        flash(board, pieces)
    while board.modes[-1] != "program":  # it is let go again
        time.sleep(0.01)
    assert board.written == {}


def test_a_loader_that_does_not_answer(bus, pieces, monkeypatch):
    monkeypatch.setattr(esp32s3, "ATTEMPTS", 1)
    board = bus.plug_xiao(silent=True)
    said: list[str] = []
    with pytest.raises(FlashFailed, match="does not answer") as caught:
        flash(board, pieces, said)
    assert caught.value.exit_code is Exit.FLASH_FAILED
    assert "hold the B (boot) button while you plug the board in" in caught.value.try_next[0]
    assert any("hold the B (boot) button" in line for line in said)
    assert board.written == {}


def test_it_is_helped_by_hand(bus, pieces, monkeypatch):
    monkeypatch.setattr(esp32s3, "BY_HAND_S", 20.0)
    board = bus.plug_xiao(silent=True)
    said: list[str] = []

    def helped():
        while not any("hold the B" in line for line in said):
            time.sleep(0.01)
        board.replug()

    person = threading.Thread(target=helped)
    person.start()
    flash(board, pieces, said)
    person.join()
    assert board.image().startswith(PROGRAM)


def test_a_board_that_does_not_come_back(bus, pieces, monkeypatch):
    monkeypatch.setattr(esp32s3, "COMES_S", 0.4)
    board = bus.plug_xiao(no_return=True)
    with pytest.raises(FlashFailed, match="is on the xiao_esp32s3, and the board") as caught:
        flash(board, pieces)
    assert caught.value.exit_code is Exit.FLASH_FAILED
    assert board.image().startswith(PROGRAM)


def test_a_cable_that_is_pulled_half_way_and_then_the_same_command(bus, pieces):
    board = bus.plug_xiao(pull_at=50)
    with pytest.raises(FlashFailed, match="was unplugged while it was written: it") as caught:
        flash(board, pieces)
    assert caught.value.exit_code is Exit.FLASH_FAILED
    assert "the same command" in caught.value.try_next[0]
    assert not board.image().startswith(PROGRAM)
    board.mischief.pull_at = None
    board.replug()
    while board.port is None:
        time.sleep(0.01)
    flash(board, pieces)
    assert board.image().startswith(PROGRAM)


def test_flash_that_does_not_hold_what_was_written(bus, pieces):
    board = bus.plug_xiao(rot=True)
    with pytest.raises(FlashFailed, match="MD5 of file does not match"):
        flash(board, pieces)


def test_a_port_that_another_program_has(bus, pieces):
    board = bus.plug_xiao()
    with (
        fake_nano.held(board.port.path),
        pytest.raises(BoardBusy, match="is in use by another program") as caught,
    ):
        flash(board, pieces)
    assert caught.value.exit_code is Exit.BOARD_BUSY
    assert board.modes == ["program"]


def test_a_port_that_this_user_may_not_open(bus, pieces, monkeypatch):
    board = bus.plug_xiao()

    def refused(self):
        raise serial.SerialException(errno.EACCES, "could not open port: Permission denied")

    monkeypatch.setattr(serial.Serial, "open", refused)
    with pytest.raises(AccessDenied, match="may not be opened") as caught:
        flash(board, pieces)
    assert caught.value.exit_code is Exit.ACCESS_DENIED
    assert "dialout" in caught.value.try_next[0]


def test_a_port_that_went_away_meanwhile(bus, pieces):
    board = bus.plug_xiao()
    port = board.port
    board.close()
    with pytest.raises(NoBoard) as caught:
        esp32s3.flash(XIAO, port, pieces, print)
    assert caught.value.exit_code is Exit.NO_BOARD


@pytest.mark.parametrize(
    "when", ["Asking", "B to", "at 0x00000110", "at 0x0002", "100 %", "came back"]
)
def test_ctrl_c_leaves_a_board_that_the_same_command_serves(bus, pieces, when):
    board = bus.plug_xiao(back_as="ttyACM3")

    def interrupted(line: str) -> None:
        if when in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        esp32s3.flash(XIAO, board.port, pieces, interrupted)
    flash(board, pieces)
    assert board.image().startswith(PROGRAM)
    assert board.modes[-1] == "program"


def test_what_cannot_be_compressed_goes_as_it_is(bus, pieces):
    content = random.Random(4).randbytes(70_000)
    pieces[-1][1].write_bytes(content)
    board = bus.plug_xiao()
    flash(board, pieces)
    assert board.image()[: len(content)] == content


def test_without_esptool(bus, pieces, monkeypatch):
    monkeypatch.setitem(sys.modules, "esptool", None)
    board = bus.plug_xiao()
    with pytest.raises(ToolchainMissing, match="esptool") as caught:
        flash(board, pieces)
    assert caught.value.exit_code is Exit.BUILD_FAILED
    assert board.modes == ["program"]
