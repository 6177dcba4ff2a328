"""The flash of a virtual board, kept in a file between runs, and who may use the board.

Turns images into the bytes of a flash and back; each write replaces the file as a whole, so that
an interrupted one leaves the flash as it was. One program at a time holds the board. Knows
nothing of what an image does.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from edge_deploy.errors import BadInput, BoardBusy, FlashFailed

ERASED = 0xFF

_IMAGE = "flash.bin"
_MANIFEST = "manifest.json"  # an artifact's, and one key more
_FLASH_SHA256 = "flash_sha256"
_LOCK = "lock"
_HOLDER = "holder.json"


@dataclass(frozen=True)
class Contents:
    """What a flash holds. manifest: what was said of it when it was written, if anything was."""

    data: bytes
    manifest: dict[str, Any] | None

    @property
    def blank(self) -> bool:
        """Whether nothing was ever written."""
        return self.data.count(ERASED) == len(self.data)


class FlashFile:
    """The flash of one board under `folder`, `size` bytes from address 0."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self.size = size

    @property
    def manifest_path(self) -> Path:
        """The file that says what was flashed; it may not be there, or be of another flash."""
        return self.folder / _MANIFEST

    def read(self) -> Contents:
        """The whole flash; erased where there is no file. Raises BadInput for a damaged one."""
        path = self.folder / _IMAGE
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return Contents(bytes([ERASED]) * self.size, None)
        if len(data) != self.size:
            raise BadInput(
                f"{path} has {len(data):,} bytes; this board's flash has {self.size:,}.",
                try_next=(f"rm '{path}'  start over with an erased flash",),
            )
        return Contents(data, self._manifest(data))

    def write(self, image: bytes, address: int, manifest: dict[str, Any] | None = None) -> None:
        """Erase the flash and put `image` at `address`; then read it back and compare.

        Raises FlashFailed if it does not fit, cannot be written, or differs afterwards.
        """
        if address < 0 or address + len(image) > self.size:
            raise FlashFailed(
                f"{len(image):,} bytes at {address:#x} do not fit a flash of {self.size:,} bytes."
            )
        data = bytearray([ERASED]) * self.size
        data[address : address + len(image)] = image
        # The manifest names the flash it belongs to: whatever happens between the two writes,
        # it can never be taken for another one's.
        about = {**(manifest or {}), _FLASH_SHA256: hashlib.sha256(data).hexdigest()}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _replace(self.folder / _IMAGE, bytes(data))
            _replace(self.manifest_path, json.dumps(about, indent=1).encode())
        except OSError as error:
            raise FlashFailed(f"{self.folder} cannot be written: {error.strerror}.") from error
        if self.read().data != data:
            raise FlashFailed(f"{self.folder / _IMAGE} reads back differently than written.")

    def _manifest(self, data: bytes) -> dict[str, Any] | None:
        try:
            about = json.loads(self.manifest_path.read_bytes())
        except (OSError, ValueError):
            return None
        if not isinstance(about, dict):
            return None
        if about.pop(_FLASH_SHA256, None) != hashlib.sha256(data).hexdigest():
            return None
        return about or None


class BoardLock:
    """At most one program holds a board. Gone with the process that holds it."""

    def __init__(self, folder: Path, what: str) -> None:
        self._folder = folder
        self._what = what
        self._lock = filelock.FileLock(folder / _LOCK, thread_local=False)

    def acquire(self) -> None:
        """Hold the board; may be nested. Raises BoardBusy, naming the holder where it is known."""
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            raise self._busy() from None
        if self._lock.lock_counter == 1:
            self.announce(None)

    def announce(self, url: str | None) -> None:
        """Let others know who holds the board, and where its serial port is."""
        holder = {"pid": os.getpid(), "url": url}
        with contextlib.suppress(OSError):  # only a courtesy
            _replace(self._folder / _HOLDER, json.dumps(holder).encode())

    def release(self) -> None:
        """Let go, once for each `acquire`."""
        if self._lock.lock_counter == 1:
            with contextlib.suppress(OSError):
                (self._folder / _HOLDER).unlink()
        self._lock.release()

    def _busy(self) -> BoardBusy:
        pid: object = None
        url: object = None
        with contextlib.suppress(OSError, ValueError):
            holder = json.loads((self._folder / _HOLDER).read_bytes())
            if isinstance(holder, dict):
                pid, url = holder.get("pid"), holder.get("url")
        by = f"process {pid}" if isinstance(pid, int) else "another process"
        ideas = []
        if isinstance(url, str):
            ideas.append(f"--on port:{url}  talk to the board that runs there")
        ideas.append("EDGE_DEPLOY_HOME=<another folder>  have a second virtual board there")
        return BoardBusy(f"{self._what} is held by {by}.", try_next=ideas)


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)  # noqa: PTH105 (atomic, and over an existing file on Windows)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108 (a name, not a Path)
        raise
