"""A board behind a serial port or URL: flashed where it is on USB, and used as it is anywhere."""

from __future__ import annotations

from collections.abc import Callable

from edge_deploy.artifact import Artifact, Manifest
from edge_deploy.boards import Board
from edge_deploy.devices import esp32s3, nano33, uploading, usb
from edge_deploy.devices.device import Device, Link
from edge_deploy.devices.serial_link import SerialLink
from edge_deploy.devices.uploading import Say, silent
from edge_deploy.devices.usb import Connected
from edge_deploy.errors import FlashFailed

PORT = "arduino"

_Flash = Callable[[Board, Connected, Artifact, Say], Connected]


def _by_bossac(board: Board, port: Connected, artifact: Artifact, say: Say) -> Connected:
    return nano33.flash(board, port, artifact.image, say)


def _by_esptool(board: Board, port: Connected, artifact: Artifact, say: Say) -> Connected:
    return esp32s3.flash(board, port, artifact.pieces, say)


# How each kind of board is written to.
_FLASHED: dict[str, _Flash] = {"nano33": _by_bossac, "xiao_esp32s3": _by_esptool}


class PortDevice(Device):
    """One board. url: of its port; it changes when flashing brings the board back elsewhere.

    say: told what happens while it is flashed.
    """

    port = PORT

    def __init__(self, board: Board, *, on: str, url: str, say: Say = silent) -> None:
        self.board = board
        self.on = on
        self.url = url
        self._say = say
        self._came_back = False
        self._links: list[Link] = []

    @property
    def name(self) -> str:  # type: ignore[override]
        """The board and where it is now."""
        return f"{self.board.name} at {self.url}"

    def flash(self, artifact: Artifact) -> None:
        """Write the image and wait until the board is back, wherever that is."""
        how = _FLASHED.get(self.board.name)
        there = next((each for each in usb.connected() if each.path == self.url), None)
        if how is None or there is None:
            why = (
                f"flashing a {self.board.name} is not built yet in this version"
                if how is None
                else f"{self.url} is no USB port of this computer"
            )
            here = f"--board {self.board.name}"
            raise FlashFailed(
                f"{artifact.manifest.model_name} was not flashed: {why}.",
                try_next=(
                    f"edge-deploy run {here} --on {self.on}  use what it runs now",
                    f"edge-deploy build {here} --export DIR MODEL  a project to upload by hand",
                ),
            )
        self.close()
        self.url = how(self.board, there, artifact, self._say).path
        self._came_back = True

    def open(self) -> Link:
        """Open the port; one that has just come back may need a moment."""
        url = self.url
        link = uploading.opened(lambda: SerialLink(url)) if self._came_back else SerialLink(url)
        self._came_back = False
        self._links.append(link)
        return link

    def manifest(self) -> Manifest | None:
        """Not known: ask the board with `hello`."""
        return None

    def close(self) -> None:
        """Close what `open` opened."""
        while self._links:
            self._links.pop().close()
