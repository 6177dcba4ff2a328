"""A virtual board as a person has it on the desk: flash that lasts, a serial port, a power switch.

Puts the flash file, the lock and the machine together. `edge-deploy virtual` serves one of these
by hand; `device.py` is one for the other verbs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from edge_deploy.boards import Board
from edge_deploy.devices.virtual import faults as fault_words
from edge_deploy.devices.virtual.faults import Faults
from edge_deploy.devices.virtual.flash import BoardLock, FlashFile
from edge_deploy.devices.virtual.machine import (
    APPLICATION_BASE,
    FLASH_BYTES,
    SPEEDS,
    Hardware,
    Machine,
)
from edge_deploy.devices.virtual.peripherals import Snapshot
from edge_deploy.devices.virtual.power import PowerModel
from edge_deploy.devices.virtual.scene import Scene
from edge_deploy.errors import UsageError, WrongBoard

__all__ = ["APPLICATION_BASE", "VirtualBoard"]


class VirtualBoard:
    """One virtual board of a kind, held by this process from the first use until `close`.

    home: the user's folder; the flash is in home/virtual/<board>/.
    speed: `max` (does not wait) or `real` (paced by the wall clock).
    faults: words as `--fault` takes them, or Faults. seed: of everything random.
    wait_states: count what the flash's wait states cost; faster without.
    scene: what it senses; with a live one its speed is `real`.
    pseudo_terminal: offer one beside the socket, where the system has them.
    Raises UsageError for words that make no sense, BoardBusy where another process holds it.
    """

    def __init__(
        self,
        board: Board,
        *,
        home: Path,
        speed: str = "max",
        faults: Iterable[str] | Faults = (),
        seed: int = 0,
        wait_states: bool = True,
        scene: Scene | None = None,
        pseudo_terminal: bool = True,
    ) -> None:
        self.board = board
        self.name = f"the virtual {board.name}"
        self.scene = scene or Scene()
        # A sound that is made now cannot be heard ahead of time.
        self.speed = "real" if self.scene.live and speed in SPEEDS else speed
        self._faults = faults if isinstance(faults, Faults) else fault_words.parse(faults)
        self._seed = seed
        self._pseudo_terminal = pseudo_terminal
        self._hardware = hardware_of(board, wait_states=wait_states)
        folder = home / "virtual" / board.name
        self.flash = FlashFile(folder, FLASH_BYTES)
        self._lock = BoardLock(folder, self.name)
        self._held = False
        self._machine: Machine | None = None

    # -- flash -------------------------------------------------------------------------------

    def flash_image(
        self,
        image: bytes,
        address: int = APPLICATION_BASE,
        *,
        manifest: dict[str, Any] | None = None,
    ) -> None:
        """Stop the board, write `image` at `address` and verify it. Raises FlashFailed."""
        self.hold()
        self.stop()
        self.flash.write(image, address, manifest)

    # -- power -------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Open the serial port without power, so that a host can be there before the boot.

        Raises WrongBoard if nothing was flashed, BoardBusy.
        """
        self.hold()
        if self._machine is not None:
            return
        contents = self.flash.read()
        if contents.blank:
            raise WrongBoard(
                f"Nothing has been flashed on {self.name}.",
                try_next=(
                    f"edge-deploy flash --board {self.board.name} --on virtual MODEL  flash one",
                ),
            )
        data = contents.data
        if self._faults.wrong_firmware:
            data = _other_model(data, contents.manifest)
        self._machine = Machine(
            self._hardware,
            data,
            speed=self.speed,
            faults=self._faults,
            seed=self._seed,
            sensors=self.scene.sensors(),
            pseudo_terminal=self._pseudo_terminal,
        )
        self._lock.announce(self._machine.serial.url)

    def start(self) -> None:
        """Power on; after `prepare`, or with it. A board that ended is started anew."""
        if self._machine is not None and self._machine.ended is not None:
            self.stop()
        self.prepare()
        assert self._machine is not None
        if not self._machine.running:
            self._machine.start()

    def stop(self) -> None:
        """Power off. Safe to repeat."""
        machine, self._machine = self._machine, None
        if machine is not None:
            machine.stop()

    def reset(self) -> None:
        """Press the reset button."""
        self._running().reset()

    def hold(self) -> None:
        """Keep other programs from the board until `close`. Raises BoardBusy."""
        if not self._held:
            self._lock.acquire()
            self._held = True

    def close(self) -> None:
        """Power off and let go of the board. Safe to repeat."""
        self.stop()
        if self._held:
            self._held = False
            self._lock.release()

    def __enter__(self) -> VirtualBoard:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- state -------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The serial port as pyserial opens it: socket://127.0.0.1:PORT."""
        return self._running().serial.url

    @property
    def pty(self) -> str | None:
        """The serial port as a pseudo-terminal's path; None where the system has none."""
        return self._running().serial.pty_path

    @property
    def powered(self) -> bool:
        """Whether it has a machine: prepared, running, or dead and not stopped yet."""
        return self._machine is not None

    @property
    def running(self) -> bool:
        """Whether it is powered and not dead."""
        return self._machine is not None and self._machine.running

    @property
    def ended(self) -> str | None:
        """In one line, why the board is dead; None while it is not."""
        return None if self._machine is None else self._machine.ended

    def counters(self) -> Snapshot:
        """The board's counters, since power-on."""
        return self._running().snapshot()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the board is dead. True if it is; False after `timeout_s`."""
        return self._running().wait_for_end(timeout_s)

    def wait_for_host(self, timeout_s: float) -> bool:
        """Wait until a host has opened the serial port. True if one has."""
        return self._running().serial.wait_for_host(timeout_s)

    def _running(self) -> Machine:
        if self._machine is None:
            raise RuntimeError(f"{self.name} is not powered: call start() first")
        return self._machine


def hardware_of(board: Board, *, wait_states: bool) -> Hardware:
    """What the machine needs to know of a board. Raises UsageError for a core not emulated."""
    if board.target != "cortex_m4":
        raise UsageError(
            f"{board.name} has no emulated core here ({board.core}).",
            try_next=(f"--board {board.name} --on local  its firmware on this computer",),
        )
    currents = board.currents
    power = None
    if currents is not None and board.supply_mv is not None:
        power = PowerModel(currents.active_ua, currents.idle_ua, board.supply_mv)
    return Hardware(
        name=board.name,
        clock_hz=board.modelled_clock_hz,
        flash_bytes=FLASH_BYTES,
        ram_bytes=board.ram_bytes,
        flash_wait_states=board.modelled_wait_states if wait_states else None,
        power=power,
    )


def _other_model(data: bytes, manifest: dict[str, Any] | None) -> bytes:
    """The flash as if another model had been flashed: its sha256, as text, is another one.

    Everything else is as it was: the board boots and answers, and `hello` gives the other
    sha256, as a board does that a colleague flashed meanwhile. Raises UsageError if the flash
    does not say which model it holds.
    """
    sha256 = manifest.get("model_sha256") if manifest else None
    if not isinstance(sha256, str) or sha256.encode() not in data:
        raise UsageError(
            "--fault wrong-firmware needs a board that was flashed with a model.",
            try_next=("edge-deploy flash --on virtual MODEL  flash one first",),
        )
    other = hashlib.sha256(sha256.encode()).hexdigest()
    return data.replace(sha256.encode(), other.encode())
