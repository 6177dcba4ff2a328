"""This computer as a board: the firmware's host port, run as a program and linked by its pipes.

The artifact that was flashed last is kept in a folder, as a real board keeps its flash. Used for
`--on local`, and for `--on virtual` of boards whose core is not emulated. Knows nothing of the
wire.
"""

from __future__ import annotations

import queue
import shutil
import tempfile
import threading
from pathlib import Path

from edge_deploy import artifact as artifacts
from edge_deploy import places, process
from edge_deploy.artifact import Artifact, Manifest
from edge_deploy.boards import Board
from edge_deploy.devices.device import Device, Link
from edge_deploy.errors import BadInput, FlashFailed, LinkLost, NoBoard

PORT = "host"

_READ_BYTES = 65_536
# How long the reader may take to deliver what a program wrote just before it ended.
_DRAIN_S = 2.0


class PipeLink(Link):
    """The pipes of a running program. A thread reads, so that `read` can have a time-out."""

    def __init__(self, child: process.Child, description: str) -> None:
        self._child = child
        self._description = description
        self._arrived: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._ended = False
        self._reader = threading.Thread(target=self._pump, name=description, daemon=True)
        self._reader.start()

    @property
    def description(self) -> str:
        """What runs at the other end."""
        return self._description

    def read(self, timeout_s: float) -> bytes:
        """The bytes that have come; b"" when none came within `timeout_s`."""
        if self._ended:
            raise self._lost()
        try:
            data = self._arrived.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return b""
        if not data:
            self._ended = True
            raise self._lost()
        return data

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            left = memoryview(data)
            while left:  # an unbuffered pipe may take a part
                left = left[self._child.stdin.write(left) or 0 :]
        except (OSError, ValueError) as error:  # ValueError: closed
            raise self._lost() from error

    def close(self) -> None:
        """End the program."""
        self._child.terminate()
        self._reader.join(_DRAIN_S)

    def _pump(self) -> None:
        """Move what the program writes to the queue; b"" is its end."""
        try:
            while data := self._child.stdout.read(_READ_BYTES):
                self._arrived.put(data)
        except (OSError, ValueError):
            pass  # the pipe was closed under us: the same as its end
        self._arrived.put(b"")

    def _lost(self) -> LinkLost:
        code = self._child.poll()
        how = "closed its output" if code is None else f"ended with code {code}"
        said = self._child.errors().decode(errors="replace").strip().splitlines()
        because = f": {said[-1]}" if said else ""
        return LinkLost(f"{self._description} {how}{because}.")


class LocalDevice(Device):
    """The host port of a board's firmware, as `flash` left it under the user's folder."""

    port = PORT

    def __init__(self, board: Board, *, on: str = "local", home: Path | None = None) -> None:
        self.board = board
        self.on = on
        self.name = f"{board.name} on this computer"
        self._folder = (home or places.home()) / "local" / board.name
        self._links: list[PipeLink] = []

    def flash(self, artifact: Artifact) -> None:
        """Keep a copy of the artifact. Raises FlashFailed."""
        if artifact.manifest.port != PORT:
            raise FlashFailed(
                f"{artifact.folder} was built for the {artifact.manifest.port} port; "
                f"{self.name} runs the {PORT} port."
            )
        if artifact.manifest.board != self.board.name:
            raise FlashFailed(
                f"{artifact.folder} was built for {artifact.manifest.board}, not {self.board.name}."
            )
        try:
            self._replace(artifact.folder)
        except OSError as error:
            raise FlashFailed(
                f"{self._folder} cannot be written: {error.strerror or error}."
            ) from error

    def open(self) -> Link:
        """Start the program. Raises NoBoard if nothing was flashed."""
        kept = self._kept()
        if kept is None:
            raise NoBoard(
                f"Nothing has been flashed on {self.name}.",
                try_next=(
                    f"edge-deploy flash --board {self.board.name} --on {self.on} MODEL  flash one",
                ),
            )
        link = PipeLink(process.spawn([kept.image]), self.name)
        self._links.append(link)
        return link

    def manifest(self) -> Manifest | None:
        """What was flashed last."""
        kept = self._kept()
        return None if kept is None else kept.manifest

    def close(self) -> None:
        """End the programs that `open` started."""
        while self._links:
            self._links.pop().close()

    def _kept(self) -> Artifact | None:
        if not self._folder.is_dir():
            return None
        try:
            return artifacts.read(self._folder)
        except BadInput:
            return None  # half a copy, from a version before this one: as if never flashed

    def _replace(self, source: Path) -> None:
        """Copy the folder beside the old one, then swap them."""
        parent = self._folder.parent
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent, prefix=".flash") as work:
            fresh = Path(work) / "new"
            shutil.copytree(source, fresh)
            if self._folder.exists():
                # The program in it may be running: moved away it can go on.
                self._folder.rename(Path(work) / "old")
            fresh.rename(self._folder)
