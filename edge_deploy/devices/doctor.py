"""What may stand between a person and a board: looked at one by one, with what to do about each.

Turns the state of this computer into findings. Changes nothing.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from edge_deploy import boards, toolchains
from edge_deploy.boards import Board
from edge_deploy.build import platformio
from edge_deploy.devices import nano33, uploading, usb
from edge_deploy.devices.host import System
from edge_deploy.devices.usb import Connected
from edge_deploy.toolchains import ToolchainMissing

OK, ABSENT, WRONG = "ok", "absent", "wrong"
"""absent: something is not there, and only some commands need it. wrong: it stands in the way."""

# What each extra brings, by the package that tells whether it is installed.
_EXTRAS = (
    ("virtual", ("unicorn", "capstone", "ziglang"), "virtual boards"),
    ("reference", ("tflite-runtime", "ai-edge-litert"), "verify, evaluate"),
    ("train", ("tensorflow-cpu", "tensorflow", "keras", "matplotlib"), "train, quantize"),
    ("boards", ("platformio", "esptool"), "real boards"),
)
_PYTHONS = ((3, 10), (3, 14))


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. status: OK, ABSENT or WRONG. fix: likeliest first."""

    what: str
    status: str
    found: str
    fix: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The keys of `doctor --json`."""
        return {
            "what": self.what,
            "status": self.status,
            "found": self.found,
            "fix": list(self.fix),
        }


def examine(system: System | None = None) -> list[Finding]:
    """Everything, in the order in which a person would look."""
    system = system or System()
    ports = usb.connected()
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        _packages,
        _compilers,
        _platformio,
        lambda: _ports(system, ports),
        lambda: _silent_devices(system, ports),
        lambda: _modem_manager(system, ports),
    )
    return [finding for check in checks for finding in check()]


def _python() -> Iterator[Finding]:
    least, below = _PYTHONS
    version = sys.version_info[:2]
    text = f"{sys.version.split()[0]}, {sys.prefix}"
    if least <= version < below:
        yield Finding("Python", OK, text)
    else:
        wanted = f"3.{least[1]} to 3.{below[1] - 1}"
        yield Finding("Python", WRONG, text, (f"make a virtual environment with Python {wanted}",))


def _packages() -> Iterator[Finding]:
    for extra, names, what_for in _EXTRAS:
        there = [f"{name} {version}" for name in names if (version := _version(name))]
        if there:
            yield Finding(f"extra {extra}", OK, ", ".join(there))
        else:
            fix = (f"pip install 'edge-deploy[{extra}]'",)
            yield Finding(f"extra {extra}", ABSENT, f"not installed; {what_for} need it", fix)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _compilers() -> Iterator[Finding]:
    for target, what in ((toolchains.HOST, "C compiler"), (toolchains.CORTEX_M4, "Arm compiler")):
        try:
            yield Finding(what, OK, toolchains.find(target).identity)
        except ToolchainMissing as missing:
            yield Finding(what, ABSENT, missing.message, missing.try_next)


def _platformio() -> Iterator[Finding]:
    try:
        words = platformio.program()
    except ToolchainMissing:
        return  # the extra's line has said it
    yield Finding("PlatformIO", OK, " ".join(words))
    try:
        yield Finding("bossac", OK, str(nano33.bossac()))
    except ToolchainMissing as missing:
        yield Finding("bossac", ABSENT, "writes to a Nano 33 BLE", missing.try_next)


# -- ports ------------------------------------------------------------------------------------


def _ports(system: System, ports: list[Connected]) -> Iterator[Finding]:
    """Each port that may be a board's, and whether it can be used."""
    known = boards.load_all().values()
    if not ports:
        yield Finding(
            "boards",
            ABSENT,
            "no USB serial port; a cable that only charges shows nothing at all",
            ("another cable, one that a telephone copied pictures over",),
        )
    for port in ports:
        kinds = [each for each in known if port.usb_id in each.usb_ids]
        yield _port(system, port, kinds)


def _port(system: System, port: Connected, kinds: list[Board]) -> Finding:
    what = f"port {port.path}"
    name = " or ".join(board.name for board in kinds) or f"unknown USB id {port.usb_id}"
    number = f", serial number {port.serial_number}" if port.serial_number else ""
    # Windows gives a port to whoever asks first.
    if system.platform != "win32" and not os.access(port.path, os.R_OK | os.W_OK):
        group = system.group_of(port.path) or "dialout"
        return Finding(
            what,
            WRONG,
            f"{name}{number}: this user may not open it",
            (f"sudo usermod -aG {group} $USER  then log out and in again",),
        )
    holders = system.holders(port.path)
    if holders:
        names = ", ".join(f"{each.name} (process {each.pid})" for each in holders)
        return Finding(what, WRONG, f"{name}{number}: in use by {names}", ("close that program",))
    return Finding(what, OK, f"{name}{number}")


def _silent_devices(system: System, ports: list[Connected]) -> Iterator[Finding]:
    """Boards that stand on USB and have no serial port."""
    having = {port.usb_id for port in ports}
    known = boards.load_all().values()
    for device in system.usb_devices() or ():
        kinds = [board for board in known if device.usb_id in board.usb_ids]
        if kinds and not device.has_port and device.usb_id not in having:
            names = " or ".join(board.name for board in kinds)
            yield Finding(
                f"USB {device.usb_id}",
                WRONG,
                f"{names} is on USB and has no serial port: its program has stopped or uses none",
                (
                    *(uploading.again(board) for board in kinds),
                    "lsusb; dmesg | tail  what the system says of it",
                ),
            )


def _modem_manager(system: System, ports: list[Connected]) -> Iterator[Finding]:
    if not system.runs("ModemManager"):
        return
    rules = system.root / "etc/udev/rules.d/99-platformio-udev.rules"
    if rules.is_file():
        yield Finding("ModemManager", OK, f"runs, and {rules} keeps it from boards")
        return
    yield Finding(
        "ModemManager",
        WRONG if ports else ABSENT,
        "runs, and talks to a new serial port for some seconds as if it were a modem",
        (
            "sudo systemctl disable --now ModemManager  where no modem is used",
            "install PlatformIO's udev rules  which tell it to leave boards alone",
        ),
    )
