"""What this computer's system says about serial ports: who has one open, and what stands on USB.

Turns files of Linux' /proc, /sys and /dev into facts; elsewhere it knows less, and says so by None.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_deploy import process

_LSOF_S = 10.0


@dataclass(frozen=True)
class Holder:
    """A program that has a port open."""

    name: str
    pid: int


@dataclass(frozen=True)
class UsbDevice:
    """A device on USB. has_port: whether it has a serial port; product: as it names itself."""

    usb_id: str
    product: str
    has_port: bool


@dataclass(frozen=True)
class System:
    """The system that is asked. root: of its files, `/` but in tests. platform: sys.platform."""

    root: Path = Path("/")
    platform: str = sys.platform

    @property
    def is_linux(self) -> bool:
        """Whether /proc and /sys say anything."""
        return self.platform.startswith("linux")

    def holders(self, port: str) -> list[Holder] | None:
        """Who has a port open; None where that cannot be known."""
        if self.platform == "darwin":
            return _by_lsof(port)
        if not self.is_linux:
            return None
        wanted = os.path.realpath(port)
        found = [
            Holder(name, pid)
            for pid, folder, name in self._processes()
            if pid != os.getpid() and any(_leads_to(link, wanted) for link in _links(folder / "fd"))
        ]
        return sorted(found, key=lambda each: each.pid)

    def runs(self, name: str) -> bool | None:
        """Whether a program of that name runs; None where that cannot be known."""
        if not self.is_linux:
            return None
        return any(found == name[:15] for _, _, found in self._processes())  # as the kernel cuts it

    def usb_devices(self) -> list[UsbDevice] | None:
        """Everything on USB; None where that cannot be known."""
        if not self.is_linux:
            return None
        found = []
        for folder in sorted((self.root / "sys/bus/usb/devices").glob("*")):
            vendor, product = _text(folder / "idVendor"), _text(folder / "idProduct")
            if vendor and product:
                ports = [*folder.glob("*/tty/*"), *folder.glob("*/ttyUSB*")]
                name = _text(folder / "product")
                found.append(UsbDevice(f"{vendor}:{product}".lower(), name, bool(ports)))
        return found

    def group_of(self, port: str) -> str | None:
        """The group that a port belongs to; None where there are none."""
        if not self.is_linux:
            return None
        import grp

        try:
            return grp.getgrgid(Path(port).stat().st_gid).gr_name
        except (OSError, KeyError):
            return None

    def _processes(self) -> Iterator[tuple[int, Path, str]]:
        for folder in (self.root / "proc").glob("[0-9]*"):
            name = _text(folder / "comm")
            if name:
                yield int(folder.name), folder, name


def _by_lsof(port: str) -> list[Holder] | None:
    """What macOS' lsof says: `p` and a process, `c` and its name, a line each."""
    try:
        done = process.run(["lsof", "-Fpc", port], timeout_s=_LSOF_S)
    except (process.ProcessMissing, process.ProcessTimeout):
        return None
    lines = done.stdout.decode("utf-8", "replace").split()
    pids = [int(line[1:]) for line in lines if line.startswith("p") and line[1:].isdigit()]
    names = [line[1:] for line in lines if line.startswith("c")]
    pairs = zip(names, pids, strict=False)
    return [Holder(name, pid) for name, pid in pairs if pid != os.getpid()]


def _links(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # another user's, or ended meanwhile
        return []


def _leads_to(link: Path, wanted: str) -> bool:
    try:
        return str(link.readlink()) == wanted
    except OSError:
        return False


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
