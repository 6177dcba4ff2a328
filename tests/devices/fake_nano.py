"""Nano 33 BLE boards that are pseudo-terminals, and a stand-in for Arduino's bossac.

A board's port goes away when it is opened at 1200 baud, and another comes, of its bootloader. The
stand-in records its arguments and the image; then the board comes back and, where the image is a
program of this computer, runs it. **None of this is the real bootloader or the real bossac.**
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import stat
import subprocess
import sys
import termios
import threading
import time
import tty
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edge_deploy.devices.usb import Connected

APPLICATION, BOOTLOADER = "2341:805a", "2341:005a"
_POLL_S = 0.01

# Follows the port while it writes, as the real one would notice that it is gone.
_BOSSAC = """\
#!{python}
import pathlib, sys, time
words = sys.argv[1:]
home = pathlib.Path({home!r})
with (home / "calls").open("a") as calls:
    calls.write(repr(words) + "\\n")
name = words[words.index("--port") + 1]
port = home / name
early = len((home / "calls").read_text().splitlines()) <= {early}
if early or not port.exists():
    print("No device found on " + name, file=sys.stderr)
    sys.exit(1)
print("Device       : {chip}")
print("Version      : Arduino Bootloader (SAM-BA extended) 2.0 [Arduino:IKXYZ]")
if "--write" not in words:
    sys.exit(0)
image = pathlib.Path(words[-1]).read_bytes()
for percent in range(0, 101, 10):
    if percent == {hangs_at}:
        time.sleep(3600)
    (home / (name + ".percent")).write_text(str(percent))
    print("[%-30s] %d%%" % ("=" * (percent * 30 // 100), percent), end="\\r", flush=True)
    time.sleep({step_s})
    if not port.exists():
        print("\\nSAM-BA operation failed", file=sys.stderr)
        sys.exit(1)
(home / (name + ".part")).write_bytes(image)
(home / (name + ".part")).rename(home / (name + ".image"))
print("\\nDone in 1.0 seconds")
"""


def bossac(
    home: Path,
    *,
    chip: str = "nRF52840-QIAA",
    step_s: float = 0.0,
    early: int = 0,
    hangs_at: int | None = None,
) -> Path:
    """The stand-in, as a program in `home`, where the boards' ports are.

    early: so many calls come before the port can be opened. hangs_at: percent.
    """
    path = home / "bossac"
    text = _BOSSAC.format(
        python=sys.executable,
        home=str(home),
        chip=chip,
        step_s=step_s,
        early=early,
        hangs_at=hangs_at,
    )
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@contextlib.contextmanager
def held(path: str) -> Iterator[None]:
    """A port that another program has."""
    holder = os.open(path, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        yield
    finally:
        os.close(holder)


@dataclass
class Mischief:
    """What a board does wrong. pull_at: unplugged when so many percent are written."""

    deaf: bool = False  # the touch does nothing
    no_loader: bool = False  # the bootloader never comes
    no_return: bool = False  # the program never comes back
    back_as: str = ""  # the port's name afterwards
    pull_at: int | None = None


class Bus:
    """This computer's USB as the tests have it: `connected` in place of the system's."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.boards: list[FakeNano] = []

    def plug(
        self,
        name: str = "ttyACM0",
        serial: str = "A1",
        *,
        image: bytes | None = None,
        **mischief: object,
    ) -> FakeNano:
        """A board whose program runs: the image, where it has one."""
        board = FakeNano(self.home, name, serial, Mischief(**mischief))  # type: ignore[arg-type]
        board.image = image
        self.boards.append(board)
        board.start()
        return board

    def connected(self) -> list[Connected]:
        """Every port that is there, sorted by path."""
        found = [board.port for board in self.boards]
        return sorted((each for each in found if each is not None), key=lambda each: each.path)

    def close(self) -> None:
        """Unplug everything."""
        for board in self.boards:
            board.close()


@dataclass
class FakeNano:
    """One board. modes: each that it went through."""

    home: Path
    name: str
    serial: str
    mischief: Mischief
    modes: list[str] = field(default_factory=list)
    image: bytes | None = None
    port: Connected | None = None

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._master: int | None = None
        self._slave: int | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._double_tapped = False

    def start(self) -> None:
        self._appear(self.name, APPLICATION)
        self._thread.start()

    def double_tap(self) -> None:
        """As a person does it."""
        self._double_tapped = True

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._vanish()

    def _appear(self, name: str, usb_id: str) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        path = self.home / name
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        path.symlink_to(os.ttyname(self._slave))
        if usb_id == APPLICATION and self.image is not None and self.image[:4] == b"\x7fELF":
            program = self.home / f"{self.serial}.program"
            program.write_bytes(self.image)
            program.chmod(0o700)
            self._child = subprocess.Popen([program], stdin=self._master, stdout=self._master)
        self.modes.append(usb_id)
        self.port = Connected(str(path), usb_id, self.serial)

    def _vanish(self) -> None:
        if self.port is None:
            return
        path, self.port = Path(self.port.path), None
        path.unlink(missing_ok=True)
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None
        for each in (self._master, self._slave):
            if each is not None:
                os.close(each)
        self._master = self._slave = None

    def _live(self) -> None:
        while not self._stopping.wait(_POLL_S):
            if self.port is None:
                if self._double_tapped:
                    self._double_tapped = False
                    self._appear(f"{self.name}b", BOOTLOADER)
            elif self.port.usb_id == APPLICATION:
                self._watch_touch()
            else:
                self._watch_upload()

    def _watch_touch(self) -> None:
        assert self._master is not None
        touched = termios.tcgetattr(self._master)[5] == termios.B1200
        if not (touched and not self.mischief.deaf) and not self._double_tapped:
            return
        by_hand, self._double_tapped = self._double_tapped, False
        self._vanish()
        time.sleep(0.05)
        if by_hand or not self.mischief.no_loader:
            self._appear(f"{self.name}b", BOOTLOADER)

    def _watch_upload(self) -> None:
        assert self.port is not None
        name = Path(self.port.path).name
        percent = self.home / f"{name}.percent"
        if self.mischief.pull_at is not None and percent.exists():
            with contextlib.suppress(ValueError):
                if int(percent.read_text()) >= self.mischief.pull_at:
                    self._vanish()
                    return
        written = self.home / f"{name}.image"
        if not written.exists():
            return
        self.image = written.read_bytes()
        written.unlink()
        self._vanish()
        time.sleep(0.05)
        if not self.mischief.no_return:
            self._appear(self.mischief.back_as or self.name, APPLICATION)
