"""`--on virtual`: a virtual board as a Device, with the same verbs as a real one.

`open` plugs the host in before the board is powered, so that its first lines are seen, and a
link that ends tells why the board died.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from edge_deploy import artifact as artifacts
from edge_deploy import places
from edge_deploy.artifact import Artifact, Manifest
from edge_deploy.boards import Board
from edge_deploy.devices.device import Device, Link
from edge_deploy.devices.serial_link import SerialLink
from edge_deploy.devices.virtual.board import VirtualBoard
from edge_deploy.devices.virtual.scene import Scene
from edge_deploy.errors import BadInput, FlashFailed, LinkLost, WrongBoard

PORT = "virtual_m4"

# A TCP connection on this computer is there at once.
_CONNECT_S = 5.0
# A board that died closes its port first and has its reason written down at that time.
_OBITUARY_S = 1.0


class VirtualLink(Link):
    """The serial link to a virtual board, which can say why it ended."""

    def __init__(self, board: VirtualBoard) -> None:
        self._board = board
        self._serial = SerialLink(board.url)

    @property
    def description(self) -> str:
        """Which board."""
        return self._board.name

    def read(self, timeout_s: float) -> bytes:
        """The bytes that have come; b"" when none came within `timeout_s`."""
        try:
            return self._serial.read(timeout_s)
        except LinkLost as lost:
            raise self._why(lost) from lost

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._serial.write(data)
        except LinkLost as lost:
            raise self._why(lost) from lost

    def close(self) -> None:
        """End the connection."""
        self._serial.close()

    def _why(self, lost: LinkLost) -> LinkLost:
        if self._board.powered:
            self._board.wait(_OBITUARY_S)
        if self._board.ended is None:
            return lost
        return LinkLost(f"{self._board.name} stopped: {self._board.ended}.")


class VirtualDevice(Device):
    """One virtual board, held by this process from the first use until `close`.

    The arguments are VirtualBoard's; home: None for the user's own folder.
    """

    port = PORT

    def __init__(
        self,
        board: Board,
        *,
        home: Path | None = None,
        faults: Iterable[str] = (),
        seed: int = 0,
        speed: str = "max",
        wait_states: bool = True,
        scene: Scene | None = None,
    ) -> None:
        self.board = board
        self.on = "virtual"
        self._virtual = VirtualBoard(
            board,
            home=home or places.home(),
            speed=speed,
            faults=faults,
            seed=seed,
            wait_states=wait_states,
            scene=scene,
            # Its one host is this process: a pseudo-terminal would have nobody to open it.
            pseudo_terminal=False,
        )
        self.name = self._virtual.name
        self._links: list[Link] = []

    @property
    def virtual(self) -> VirtualBoard:
        """The board itself: its counters, its reset button."""
        return self._virtual

    def flash(self, artifact: Artifact) -> None:
        """Write and verify. Raises FlashFailed, WrongBoard, BoardBusy."""
        manifest = artifact.manifest
        if manifest.board != self.board.name or manifest.port != PORT:
            raise WrongBoard(
                f"{artifact.folder} was built for {manifest.board} ({manifest.port}), "
                f"not for {self.board.name} ({PORT})."
            )
        try:
            image = artifact.image.read_bytes()
        except OSError as error:
            raise FlashFailed(f"{artifact.image} cannot be read: {error.strerror}.") from error
        self._close_links()
        self._virtual.flash_image(image, manifest.load_address, manifest=manifest.as_json())

    def open(self) -> Link:
        """Power the board, or connect to it again. Raises WrongBoard if it is empty, BoardBusy."""
        self._close_links()
        if self._virtual.ended is not None:
            self._virtual.stop()
        self._virtual.prepare()
        link = VirtualLink(self._virtual)
        self._links.append(link)
        if not self._virtual.running:
            self._virtual.wait_for_host(_CONNECT_S)
            self._virtual.start()
        return link

    def manifest(self) -> Manifest | None:
        """What was flashed last."""
        if self._virtual.flash.read().manifest is None:
            return None
        try:
            return artifacts.read_manifest(self._virtual.flash.manifest_path)
        except BadInput:
            return None  # of another version of edge-deploy, or of an image made by hand

    def close(self) -> None:
        """Power off and let go."""
        self._close_links()
        self._virtual.close()

    def _close_links(self) -> None:
        """The port takes one host at a time."""
        while self._links:
            self._links.pop().close()
