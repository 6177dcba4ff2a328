"""Flashing a Nano 33 BLE: the 1200-baud touch, its bootloader's port, and bossac.

The touch and the bootloader are those of ArduinoCore-mbed (`boards.txt`, nano33ble.upload.*);
bossac is Arduino's fork with nRF52 support, which PlatformIO installs as `tool-bossac-nordicnrf52`.
Tried on fake boards and not on a board yet.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from pathlib import Path

import serial

from edge_deploy import places
from edge_deploy.boards import Board
from edge_deploy.devices import serial_link, uploading, usb
from edge_deploy.devices.uploading import BY_HAND_S, COMES_S, Say, Track, silent
from edge_deploy.devices.usb import Connected
from edge_deploy.errors import EdgeDeployError, FlashFailed, WrongBoard
from edge_deploy.toolchains import ToolchainMissing

TOUCH_BAUD = 1200
# 1 MB over USB takes 20 s; with what a slow hub adds.
UPLOAD_S = 180.0
INFO_S = 20.0
# A new port is the administrator's until udev has given it to its group.
INFO_ATTEMPTS, INFO_AGAIN_S = 4, 0.5


def flash(board: Board, port: Connected, image: Path, say: Say) -> Connected:
    """Write an image, and wait until the board is back; its port then.

    port: of the board as it runs, or in its bootloader.
    Raises FlashFailed, AccessDenied, BoardBusy, NoBoard, WrongBoard for another chip,
    ToolchainMissing without bossac.
    """
    program = bossac()
    track = Track.of(port)
    loader = port if _is_loader(board, port) else _touched(board, port, track, say)
    name = loader.path.rsplit("/", 1)[-1]  # bossac adds /dev/ itself
    try:
        _hold_chip(_asked(program, name), loader)
        say(f"Writing {image.stat().st_size:,} B to {loader.path} ...")
        words = [str(program), "--info", "--port", name, "--write", "--erase", "-U", "--reset"]
        uploading.run([*words, str(image)], UPLOAD_S, say)
    except FlashFailed as failed:
        raise _interrupted(board, loader, failed) from failed
    return _back(board, port, track, say)


def _asked(program: Path, name: str) -> str:
    """What bossac says of the bootloader; asked again while the port has just come.

    bossac says no more of a port that it may not open yet than that it found no device.
    """

    def ask() -> str:
        return uploading.run([str(program), "--info", "--port", name], INFO_S, silent)

    for _ in range(INFO_ATTEMPTS - 1):
        try:
            return ask()
        except FlashFailed:
            time.sleep(INFO_AGAIN_S)
    return ask()


def _hold_chip(said: str, loader: Connected) -> None:
    """Refuse another chip before anything is written. Raises WrongBoard."""
    for line in said.splitlines():
        word, _, device = line.partition(":")
        if word.strip() == "Device" and "nrf52" not in device.lower():
            raise WrongBoard(
                f"the chip at {loader.path} is a {device.strip()}, and no nRF52840.",
                try_next=("edge-deploy boards  what is connected",),
            )


def bossac() -> Path:
    """Arduino's bossac. Raises ToolchainMissing.

    `EDGE_DEPLOY_BOSSAC`, or PlatformIO's. One on PATH is not taken: upstream's, which Debian has,
    does not know the nRF52.
    """
    chosen = os.environ.get("EDGE_DEPLOY_BOSSAC")
    name = "bossac.exe" if sys.platform == "win32" else "bossac"
    path = (
        Path(chosen)
        if chosen
        else places.platformio() / "packages" / "tool-bossac-nordicnrf52" / name
    )
    found = shutil.which(str(path))
    if found is None:
        raise ToolchainMissing(
            f"bossac, which writes to a Nano 33 BLE, is not there ({path}).",
            try_next=(
                "pio pkg install --global --tool platformio/tool-bossac-nordicnrf52",
                "EDGE_DEPLOY_BOSSAC=PATH edge-deploy ...  Arduino's own, where its IDE put it",
            ),
        )
    return Path(found)


def _is_loader(board: Board, port: Connected) -> bool:
    return board.usb_ids.get(port.usb_id) == "bootloader"


def _touched(board: Board, port: Connected, track: Track, say: Say) -> Connected:
    """The port of the bootloader, after a touch or by a person's hand. Raises FlashFailed."""
    before = {each.path for each in usb.connected()}
    for _ in range(2):
        say(f"Asking {port.path} for its bootloader ...")
        touch(port.path)
        gone = uploading.wait_gone(port.path, COMES_S / 4)
        if gone:
            before.discard(port.path)
        found = uploading.wait_for(lambda each: _comes(board, track, each, before), COMES_S)
        if found is not None:
            return found
        if gone:
            break
    say(f"It did not come. Please {uploading.by_hand(board)} (waiting {BY_HAND_S:.0f} s).")
    found = uploading.wait_for(lambda each: _comes(board, track, each, before), BY_HAND_S)
    if found is None:
        raise FlashFailed(
            f"the bootloader of the {board.name} at {port.path} did not come back to USB.",
            try_next=(
                uploading.again(board),
                uploading.CABLE,
            ),
        )
    return found


def _comes(board: Board, track: Track, each: Connected, before: set[str]) -> bool:
    """Whether a port is the bootloader's of this board.

    Some boards have one USB id for both: then it is the port that came anew.
    """
    mode = board.usb_ids.get(each.usb_id)
    if not track.is_it(each):
        return False
    return mode == "bootloader" or (mode == "either" and each.path not in before)


def touch(path: str) -> None:
    """Open a port at 1200 baud and close it: the board restarts into its bootloader.

    Raises NoBoard, BoardBusy, AccessDenied.
    """
    try:
        port = serial.Serial(path, TOUCH_BAUD, timeout=0, exclusive=True)
    except (OSError, ValueError, *serial_link.UNREADY) as error:
        if serial_link.is_leaving(error):
            return  # it heard, and was faster
        raise serial_link.refusal(path, error) from error
    with contextlib.suppress(OSError):  # the board may be gone already
        port.dtr = False
    with contextlib.suppress(OSError):
        port.close()


def _interrupted(board: Board, loader: Connected, failed: FlashFailed) -> EdgeDeployError:
    if not any(each.path == loader.path for each in usb.connected()):
        return FlashFailed(
            f"the board at {loader.path} was unplugged while it was written: it has no program.",
            try_next=("plug it in again, and the same command: its bootloader is still there",),
        )
    return FlashFailed(failed.message, try_next=(uploading.again(board),))


def _back(board: Board, port: Connected, track: Track, say: Say) -> Connected:
    """The board's port once its program runs. Raises FlashFailed."""

    def runs(each: Connected) -> bool:
        return track.is_it(each) and board.usb_ids.get(each.usb_id) in {"application", "either"}

    press = f"press its reset button once, then edge-deploy run --board {board.name}"
    return uploading.back(board, runs, port, COMES_S, say, try_next=(press,))
