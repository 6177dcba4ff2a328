"""`flash --all` and `restore` on boards that only look real, of both kinds.

As in test_real_board.py: PlatformIO and bossac are stand-ins, the boards are pseudo-terminals that
run what was written to them.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil

import pytest

pytest.importorskip("pty", reason="fake boards are pseudo-terminals")
pytest.importorskip("esptool", reason="esptool is of the extra `boards`")

from edge_deploy.devices import nano33
from edge_deploy.errors import Exit
from tests.cli.test_spine import document, typed
from tests.devices import fake_nano
from tests.devices.fake_esp import ESP32_C3
from tests.firmware import building

NANO = ("--board", "nano33")
XIAO = ("--board", "xiao_esp32s3")


def test_a_room_of_boards_each_labelled(bus, capfd):
    boards = [bus.plug(f"ttyACM{n}", f"A{n}", back_as=f"ttyACM{9 - n}") for n in range(3)]
    code, out, err = typed(capfd, "flash", *NANO, "--all", "hello")
    assert code == Exit.DONE, err
    assert all(board.image is not None for board in boards)
    assert [line.split()[0] for line in out.splitlines() if " done" in line] == ["A0", "A1", "A2"]
    assert "Board 2 of 3: A1 at " in err
    for board in boards:
        assert f"[{board.serial}] done" in err
        assert board.modes == [fake_nano.APPLICATION, fake_nano.BOOTLOADER, fake_nano.APPLICATION]


def test_what_fails_in_a_room_is_told_and_the_rest_is_done(bus, capfd):
    well = bus.plug_xiao("ttyACM0")
    other_chip = bus.plug_xiao("ttyACM1", chip=ESP32_C3)
    silent = bus.plug_xiao("ttyACM2", silent=True)
    pulled = bus.plug_xiao("ttyACM3", pull_at=50)
    held = bus.plug_xiao("ttyACM4")
    holder = os.open(held.port.path, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    last = bus.plug_xiao("ttyACM5")
    bystander = bus.plug("ttyACM6", "N1")  # of another kind
    try:
        code, out, err = typed(capfd, "flash", *XIAO, "--all", "--json", "hello")
    finally:
        os.close(holder)
    assert code == Exit.FLASH_FAILED
    assert "4 of 6 xiao_esp32s3 boards failed" in err
    found = json.loads(out)
    assert [one["exit_code"] for one in found["boards"]] == [
        Exit.DONE,
        Exit.WRONG_BOARD,
        Exit.FLASH_FAILED,
        Exit.FLASH_FAILED,
        Exit.BOARD_BUSY,
        Exit.DONE,
    ]
    assert [one["serial_number"] for one in found["boards"]] == [
        board.serial for board in (well, other_chip, silent, pulled, held, last)
    ]
    assert found["model"]["name"] == "hello"
    assert f"--on usb:{silent.serial}" in err
    assert well.image() == last.image()
    assert other_chip.written == silent.written == held.written == {}
    assert bystander.image is None


def test_boards_that_cannot_be_told_apart_are_left_alone(bus, capfd):
    twins = [bus.plug("ttyACM0", "A1"), bus.plug("ttyACM1", "A1")]
    nameless = bus.plug("ttyACM2", "")
    code, out, _ = typed(capfd, "flash", *NANO, "--all", "hello")
    assert code == Exit.FLASH_FAILED
    assert out.count("cannot be told apart") == 3
    assert all(board.modes == [fake_nano.APPLICATION] for board in (*twins, nameless))


def test_ctrl_c_in_a_room_shows_what_was_done(bus, capfd, monkeypatch):
    boards = [bus.plug(f"ttyACM{n}", f"A{n}") for n in range(3)]
    flash = nano33.flash

    def interrupted(board, port, image, say):
        if port.serial_number == "A1":
            raise KeyboardInterrupt
        return flash(board, port, image, say)

    monkeypatch.setattr(nano33, "flash", interrupted)
    code, out, _ = typed(capfd, "flash", *NANO, "--all", "hello")
    assert code == Exit.INTERRUPTED
    rows = [line.split() for line in out.splitlines()]
    states = [row[2] for row in rows if row and row[0] in ("A0", "A1", "A2")]
    assert states == ["done", "interrupted", "not"], out
    monkeypatch.setattr(nano33, "flash", flash)
    assert typed(capfd, "flash", *NANO, "--all", "hello")[0] == Exit.DONE
    assert all(board.image is not None for board in boards)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--on", "usb:A1"), "--on usb:A1 names one"),
        (("--on", "virtual"), "--on virtual names one"),
        (("--count", "3"), "streams from none"),
    ],
)
def test_words_that_do_not_fit_all(bus, capfd, words, complaint):
    bus.plug()
    code, _, err = typed(capfd, "flash", *NANO, *words, "--all", "hello")
    assert code == Exit.USAGE
    assert complaint in err


def test_no_board_at_all(bus, capfd):
    """What is said to try is what the verb takes."""
    code, _, err = typed(capfd, "flash", *NANO, "--all", "hello")
    assert code == Exit.NO_BOARD
    assert "another USB cable" in err
    assert "--on" not in err
    code, _, err = typed(capfd, "restore", *XIAO)
    assert code == Exit.NO_BOARD
    assert "--on virtual" not in err
    assert "--on port:/dev/ttyACM0" in err


@pytest.mark.parametrize("kind", ["nano33", "xiao_esp32s3"])
def test_restore_puts_a_blink_back(bus, capfd, kind):
    board = bus.plug() if kind == "nano33" else bus.plug_xiao()
    code, out, err = typed(capfd, "restore", "--board", kind)
    assert code == Exit.DONE, err
    assert f"{kind} at {board.port.path} blinks" in out
    image = board.image if kind == "nano33" else board.image()
    assert image.startswith(b"image of /* What `edge-deploy restore` puts on a board")
    found = document(capfd, "restore", "--board", kind)
    assert (found["board"], found["image"]) == (kind, "blink")


def test_restore_of_a_room(bus, capfd):
    boards = [bus.plug(f"ttyACM{n}", f"A{n}") for n in range(2)]
    code, out, _ = typed(capfd, "restore", *NANO, "--all")
    assert code == Exit.DONE
    assert out.count(" done") == 2
    assert all(board.image.startswith(b"image of") for board in boards)


def test_restore_is_for_real_boards(bus, capfd):
    code, _, err = typed(capfd, "restore", *NANO, "--on", "virtual")
    assert code == Exit.USAGE
    assert "restore is for real boards" in err


@pytest.mark.parametrize("board", [building.NANO33, building.XIAO])
def test_the_blink_compiles_for_both_boards(tmp_path, board):
    if not shutil.which("g++"):
        pytest.skip("no g++ on this machine")
    source = building.ROOT / "firmware" / "blink" / "blink.cpp"
    building.compile_cpp("g++", source, tmp_path / "blink.o", board=board)
