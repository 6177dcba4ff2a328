"""Devices: finding a board by the words of `--on`, flashing it, opening a byte stream to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge_deploy.boards import Board
from edge_deploy.devices import usb
from edge_deploy.devices.device import Device, Link
from edge_deploy.devices.local import LocalDevice
from edge_deploy.devices.port_device import PortDevice
from edge_deploy.devices.serial_link import SerialLink
from edge_deploy.devices.uploading import Say, silent
from edge_deploy.devices.virtual import camera as cameras
from edge_deploy.devices.virtual import imu as imus
from edge_deploy.devices.virtual import microphone as microphones
from edge_deploy.devices.virtual.microphone import MicrophoneInput
from edge_deploy.devices.virtual.scene import Scene
from edge_deploy.errors import NoBoard, UsageError

__all__ = [
    "Device",
    "Link",
    "LocalDevice",
    "MicrophoneInput",
    "Scene",
    "SerialLink",
    "cameras",
    "imus",
    "is_emulated",
    "microphones",
    "resolve",
]

_FORMS = (
    "--on auto  the one matching board on USB",
    "--on virtual  a virtual board",
    "--on local  this computer",
    "--on usb:SERIAL  the board with that USB serial number",
    "--on port:PATH  a serial port, or a pyserial URL such as socket://127.0.0.1:4000",
)

# The cores that devices/virtual/ emulates, as `target` in boards.yaml names them.
_EMULATED = ("cortex_m4",)


def resolve(
    on: str,
    board: Board,
    *,
    faults: Sequence[str] = (),
    seed: int = 0,
    speed: str = "max",
    wait_states: bool = True,
    scene: Scene | None = None,
    home: Path | None = None,
    say: Say = silent,
) -> Device:
    """The device that `--on` names.

    on: `auto`, `virtual`, `local`, `usb:SERIAL` or `port:URL`.
    faults, seed, speed: of a virtual board (docs/virtual_board.md).
    wait_states: count what the flash's wait states cost; without it a virtual board runs
    twice as fast and has no `cycles_board`.
    scene: what a virtual board senses (`microphones.parse`, `imus.parse`, `cameras.parse`).
    home: where an emulated board keeps its flash; None for the user's own folder.
    say: told what happens while a real board is flashed.
    Raises UsageError for other words, NoBoard where there is none.
    """
    kind, colon, rest = on.partition(":")
    emulated = is_emulated(on, board)
    if scene is not None and scene.options and not emulated:
        raise UsageError(
            f"{' and '.join(scene.options)} is for emulated boards; {board.name} on {on} is none.",
            try_next=("--board nano33 --on virtual",),
        )
    if (faults or speed != "max") and not emulated:
        raise UsageError(
            f"--fault and --speed are for emulated boards; {board.name} on {on} is none.",
            try_next=("--board nano33 --on virtual",),
        )
    if on == "auto":
        found = usb.find(board)
        return PortDevice(board, on=on, url=found.path, say=say)
    if on == "virtual":
        if board.target not in _EMULATED:
            # Its core has no emulator here: the same firmware, compiled for this computer.
            return LocalDevice(board, on=on)
        return _virtual(
            board,
            faults=faults,
            seed=seed,
            speed=speed,
            wait_states=wait_states,
            scene=scene,
            home=home,
        )
    if on == "local":
        return LocalDevice(board, on=on)
    if kind == "usb" and colon and rest:
        return PortDevice(board, on=on, url=usb.find_serial(board, rest).path, say=say)
    if kind == "port" and colon and rest:
        return PortDevice(board, on=on, url=rest, say=say)
    raise UsageError(f"--on {on!r} is not a place where a board can be.", try_next=_FORMS)


def is_emulated(on: str, board: Board) -> bool:
    """Whether `--on` means an emulated board: one with sensors, faults and a speed."""
    return on == "virtual" and board.target in _EMULATED


def _virtual(
    board: Board,
    *,
    faults: Sequence[str],
    seed: int,
    speed: str,
    wait_states: bool,
    scene: Scene | None,
    home: Path | None,
) -> Device:
    """The emulated board; its packages are an optional extra."""
    try:
        from edge_deploy.devices.virtual.device import VirtualDevice
    except ModuleNotFoundError as error:
        if error.name not in ("unicorn", "capstone"):
            raise
        raise NoBoard(
            f"The virtual board needs the Python package {error.name}, which is not installed.",
            try_next=("pip install 'edge-deploy[virtual]'  the virtual board and a C compiler",),
        ) from error
    return VirtualDevice(
        board,
        faults=faults,
        seed=seed,
        speed=speed,
        wait_states=wait_states,
        scene=scene,
        home=home,
    )
