"""Flashing a Nano 33 BLE on fake boards: the good path, and each way that it goes wrong."""

from __future__ import annotations

import ast
import errno
import termios
import threading
import time

import pytest

pytest.importorskip("pty", reason="fake boards are pseudo-terminals")

from serial import SerialException

from edge_deploy import boards
from edge_deploy.devices import nano33, usb
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
from tests.devices import fake_nano
from tests.devices.fake_nano import APPLICATION, BOOTLOADER, Bus

NANO33 = boards.load("nano33")
IMAGE = bytes(range(256)) * 40


@pytest.fixture
def bus(tmp_path, monkeypatch):
    home = tmp_path / "dev"
    home.mkdir()
    made = Bus(home)
    monkeypatch.setattr(usb, "connected", made.connected)
    monkeypatch.setenv("EDGE_DEPLOY_BOSSAC", str(fake_nano.bossac(home)))
    # Fake boards need no seconds; a person's hand is not waited for.
    monkeypatch.setattr(nano33, "COMES_S", 1.5)
    monkeypatch.setattr(nano33, "BY_HAND_S", 0.5)
    yield made
    made.close()


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "firmware.bin"
    path.write_bytes(IMAGE)
    return path


def flash(board, image, said=None):
    assert board.port is not None
    return nano33.flash(NANO33, board.port, image, (said if said is not None else []).append)


def calls(bus):
    return [ast.literal_eval(line) for line in (bus.home / "calls").read_text().splitlines()]


def test_the_image_gets_there_byte_for_byte(bus, image):
    board = bus.plug()
    said: list[str] = []
    back = flash(board, image, said)
    assert board.image == IMAGE
    assert board.modes == [APPLICATION, BOOTLOADER, APPLICATION]
    assert back == board.port
    asked, written = calls(bus)
    assert asked == ["--info", "--port", "ttyACM0b"]
    # As platform nordicnrf52's builder calls it (facts: PlatformIO).
    words = ["--info", "--port", "ttyACM0b", "--write", "--erase", "-U", "--reset", str(image)]
    assert written == words
    assert any("100%" in line for line in said)


@pytest.mark.parametrize(
    "error", [termios.error(errno.EIO, "Input/output error"), OSError(errno.EIO, "no")]
)
def test_a_board_that_goes_before_the_touch_is_over(bus, image, monkeypatch, error):
    opened = nano33.serial.Serial

    def hasty(*words, **options):
        opened(*words, **options).close()
        raise error

    monkeypatch.setattr(nano33.serial, "Serial", hasty)
    board = bus.plug()
    flash(board, image)
    assert board.image == IMAGE


def test_a_board_that_waits_in_its_bootloader_is_not_touched(bus, image):
    board = bus.plug()
    board.double_tap()
    while board.modes[-1] != BOOTLOADER:
        time.sleep(0.01)
    flash(board, image)
    assert board.image == IMAGE
    assert board.modes == [APPLICATION, BOOTLOADER, APPLICATION]


def test_it_is_followed_to_another_name(bus, image):
    board = bus.plug(back_as="ttyACM7")
    said: list[str] = []
    assert flash(board, image, said).path.endswith("/ttyACM7")
    assert any("came back as" in line for line in said)


def test_of_two_identical_boards_the_other_is_left_alone(bus, image):
    one, other = bus.plug("ttyACM0", "A1"), bus.plug("ttyACM1", "B2")
    flash(other, image)
    assert (one.image, other.image) == (None, IMAGE)
    assert one.modes == [APPLICATION]
    with pytest.raises(UsageError, match="2 nano33 boards are connected") as caught:
        usb.find(NANO33)
    assert caught.value.exit_code is Exit.USAGE
    assert [word.split()[1] for word in caught.value.try_next] == ["usb:A1", "usb:B2"]


def test_a_board_without_a_serial_number_is_the_port_that_comes_anew(bus, image):
    one, other = bus.plug("ttyACM0", ""), bus.plug("ttyACM1", "", back_as="ttyACM2")
    assert flash(other, image).path.endswith("/ttyACM2")
    assert (one.image, other.image) == (None, IMAGE)
    assert one.modes == [APPLICATION]


def test_a_deaf_board_is_helped_by_hand(bus, image, monkeypatch):
    monkeypatch.setattr(nano33, "BY_HAND_S", 20.0)
    monkeypatch.setattr(nano33, "COMES_S", 0.4)
    board = bus.plug(deaf=True)
    said: list[str] = []

    def helped():
        while not any("press the reset button twice" in line for line in said):
            time.sleep(0.01)
        monkeypatch.setattr(nano33, "COMES_S", 5.0)
        board.double_tap()

    person = threading.Thread(target=helped)
    person.start()
    flash(board, image, said)
    person.join()
    assert board.image == IMAGE


@pytest.mark.parametrize("mischief", [{"deaf": True}, {"no_loader": True}])
def test_a_bootloader_that_does_not_come(bus, image, mischief, monkeypatch):
    monkeypatch.setattr(nano33, "COMES_S", 0.4)
    board = bus.plug(**mischief)
    with pytest.raises(FlashFailed, match="did not come back to USB") as caught:
        flash(board, image)
    assert caught.value.exit_code is Exit.FLASH_FAILED
    assert "press the reset button twice" in caught.value.try_next[0]
    assert board.image is None


def test_a_board_that_does_not_come_back(bus, image, monkeypatch):
    monkeypatch.setattr(nano33, "COMES_S", 0.6)
    board = bus.plug(no_return=True)
    with pytest.raises(FlashFailed, match="the image is on the nano33, and the board did not"):
        flash(board, image)
    assert board.image == IMAGE


def test_a_cable_that_is_pulled_half_way_and_then_the_same_command(bus, image, monkeypatch):
    home = bus.home
    monkeypatch.setenv("EDGE_DEPLOY_BOSSAC", str(fake_nano.bossac(home, step_s=0.05)))
    board = bus.plug(pull_at=50)
    with pytest.raises(FlashFailed, match="was unplugged while it was written") as caught:
        flash(board, image)
    assert "the same command" in caught.value.try_next[0]
    assert board.image is None
    board.mischief.pull_at = None
    board.double_tap()
    while board.port is None:
        time.sleep(0.01)
    flash(board, image)
    assert board.image == IMAGE


def test_another_chip_is_refused_before_anything_is_written(bus, image, monkeypatch):
    monkeypatch.setenv("EDGE_DEPLOY_BOSSAC", str(fake_nano.bossac(bus.home, chip="ATSAMD21G18A")))
    board = bus.plug()
    with pytest.raises(WrongBoard, match="is a ATSAMD21G18A, and no nRF52840") as caught:
        flash(board, image)
    assert caught.value.exit_code is Exit.WRONG_BOARD
    assert board.image is None
    assert len(calls(bus)) == 1


def test_a_port_that_another_program_has(bus, image):
    board = bus.plug()
    with (
        fake_nano.held(board.port.path),
        pytest.raises(BoardBusy, match="is in use by another program") as caught,
    ):
        flash(board, image)
    assert caught.value.exit_code is Exit.BOARD_BUSY
    assert board.modes == [APPLICATION]


def test_a_port_that_went_away_meanwhile(bus, image):
    board = bus.plug()
    port = board.port
    board.close()
    with pytest.raises(NoBoard) as caught:
        nano33.flash(NANO33, port, image, print)
    assert caught.value.exit_code is Exit.NO_BOARD


def test_a_bootloader_whose_port_may_not_be_opened_at_once(bus, image, monkeypatch):
    """Until udev has given it to its group; bossac says then that there is no device."""
    monkeypatch.setattr(nano33, "INFO_AGAIN_S", 0.01)
    monkeypatch.setenv("EDGE_DEPLOY_BOSSAC", str(fake_nano.bossac(bus.home, early=2)))
    board = bus.plug()
    flash(board, image)
    assert board.image == IMAGE


def test_an_upload_that_stands_still(bus, image, monkeypatch):
    monkeypatch.setattr(nano33, "UPLOAD_S", 0.5)
    monkeypatch.setenv("EDGE_DEPLOY_BOSSAC", str(fake_nano.bossac(bus.home, hangs_at=50)))
    board = bus.plug()
    with pytest.raises(FlashFailed, match="stands still") as caught:
        flash(board, image)
    assert "press the reset button twice" in caught.value.try_next[0]
    monkeypatch.setenv("EDGE_DEPLOY_BOSSAC", str(fake_nano.bossac(bus.home)))
    flash(board, image)
    assert board.image == IMAGE


def test_a_port_that_this_user_may_not_open(bus, image, monkeypatch):
    board = bus.plug()

    def denied(*_words: object, **_options: object) -> None:
        raise SerialException(errno.EACCES, "could not open port")

    monkeypatch.setattr(nano33.serial, "Serial", denied)
    with pytest.raises(AccessDenied, match="may not be opened by this user") as caught:
        flash(board, image)
    assert caught.value.exit_code is Exit.ACCESS_DENIED
    assert "dialout" in caught.value.try_next[0]
    assert board.modes == [APPLICATION]


# The lines that are said, from the touch to the last tenth; then each look at the ports.
@pytest.mark.parametrize("line", range(14))
def test_ctrl_c_at_any_line_leaves_a_board_that_the_same_command_serves(bus, image, line):
    board = bus.plug()
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if len(said) > line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nano33.flash(NANO33, board.port, image, say)
    again(bus, board, image)


@pytest.mark.parametrize("look", range(6))
def test_ctrl_c_in_a_wait_leaves_a_board_that_the_same_command_serves(
    bus, image, monkeypatch, look
):
    board = bus.plug()
    port = board.port
    looks: list[None] = []

    def connected() -> list[usb.Connected]:
        looks.append(None)
        if len(looks) > look:
            raise KeyboardInterrupt
        return bus.connected()

    with monkeypatch.context() as patched:
        patched.setattr(usb, "connected", connected)
        with pytest.raises(KeyboardInterrupt):
            nano33.flash(NANO33, port, image, print)
    again(bus, board, image)


def again(bus, board, image):
    """The same command: the board is found in whatever state it was left, and flashed."""
    quiet = 0
    while quiet < 20:  # it may be on its way from one port to the other
        seen = len(board.modes)
        time.sleep(0.01)
        quiet = quiet + 1 if board.port is not None and len(board.modes) == seen else 0
    board.image = None
    nano33.flash(NANO33, usb.find(NANO33), image, print)
    assert board.image == IMAGE
    assert board.modes[-1] == APPLICATION


def test_without_bossac(bus, image, monkeypatch):
    monkeypatch.setenv("EDGE_DEPLOY_BOSSAC", str(bus.home / "not there"))
    board = bus.plug()
    with pytest.raises(ToolchainMissing, match="bossac") as caught:
        flash(board, image)
    assert caught.value.exit_code is Exit.BUILD_FAILED
    assert board.modes == [APPLICATION]
