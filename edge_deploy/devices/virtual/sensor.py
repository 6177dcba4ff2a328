"""A sensor of the virtual board: what a program sets, switches on and takes, by its registers.

Follows docs/virtual_board.md, "Sensors". What a sensor senses is a Source of its own, which the
sensors' modules make (microphone.py, imu.py, camera.py). Knows nothing of cores and time-keeping.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from edge_deploy.devices.virtual.fifo import Fifo, Source
from edge_deploy.errors import EdgeDeployError

_CONTROL, _AVAILABLE, _ADDR, _TAKE, _TAKEN, _LOST = 0x00, 0x08, 0x0C, 0x10, 0x14, 0x18


@dataclass(frozen=True)
class Setting:
    """A register that a program may write before it starts the sensor.

    value: at a restart. least, most: what it can be; both the value itself: it can only be read.
    """

    value: int
    least: int
    most: int

    @property
    def fixed(self) -> bool:
        """Whether it can only be read."""
        return self.least == self.most


class Sensor(ABC):
    """One sensor: its settings, and the FIFO of what it senses. Times are virtual nanoseconds.

    bit: of SENSORS. page: offset of its registers. capacity: samples that wait.
    settings: by their register.
    """

    bit: ClassVar[int]
    page: ClassVar[int]
    capacity: ClassVar[int]
    settings: ClassVar[Mapping[int, Setting]]

    def __init__(self) -> None:
        self._values = {register: each.value for register, each in self.settings.items()}
        self._fifo: Fifo | None = None

    @abstractmethod
    def source(self) -> Source:
        """What is sensed, from its beginning, by the settings as they are."""

    def value(self, register: int) -> int:
        """What a setting is; raises KeyError where there is none."""
        return self._values[register]

    def set(self, register: int, value: int) -> bool:
        """Take a value, if it is one and the sensor is off. False: there is no such setting."""
        setting = self.settings.get(register)
        if setting is None or setting.fixed:
            return False
        running = self._fifo is not None and self._fifo.running
        if not running and setting.least <= value <= setting.most:
            self._values[register] = value
        return True

    def switch(self, now_ns: int, *, on: bool) -> None:
        """Sense from the beginning, or no longer. Raises what the source does."""
        if on:
            self.stop(now_ns)
            self._fifo = Fifo(self.source(), self.capacity)
            self._fifo.start(now_ns)
        else:
            self.stop(now_ns)

    def stop(self, now_ns: int) -> None:
        """Nothing more arrives; what waits can still be taken."""
        if self._fifo is not None:
            self._fifo.stop(now_ns)

    def clear(self, now_ns: int) -> None:
        """Off, and as it was at power-on."""
        self.stop(now_ns)
        self._fifo = None
        self._values = {register: each.value for register, each in self.settings.items()}

    def available(self, now_ns: int) -> int:
        """Samples that wait."""
        return 0 if self._fifo is None else self._fifo.available(now_ns)

    def lost(self, now_ns: int) -> int:
        """Samples lost since it was switched on."""
        return 0 if self._fifo is None else self._fifo.lost(now_ns)

    def take(self, most: int, now_ns: int) -> tuple[int, bytes]:
        """How many were taken, at most so many of the oldest; and they."""
        if self._fifo is None:
            return 0, b""
        taken = self._fifo.take(most, now_ns)
        return len(taken), taken.tobytes()


class Machine(Protocol):
    """What a sensor's registers act on."""

    def now_ns(self) -> int:
        """Virtual nanoseconds since power-on."""

    def store(self, address: int, data: bytes) -> None:
        """Copy to RAM."""

    def fail(self, reason: str, *, address: int | None = None) -> None:
        """Stop the board as after a fault."""


class SensorPage:
    """The registers of one sensor. Offsets are from the begin of its page."""

    def __init__(self, machine: Machine, sensor: Sensor) -> None:
        self._machine = machine
        self._sensor = sensor
        self._addr = 0
        self._taken = 0

    def read(self, register: int) -> int | None:
        """The value of a register; None where there is none to read."""
        if register == _AVAILABLE:
            return self._sensor.available(self._machine.now_ns())
        if register == _TAKEN:
            return self._taken
        if register == _LOST:
            return self._sensor.lost(self._machine.now_ns())
        return self._sensor.value(register) if register in self._sensor.settings else None

    def write(self, register: int, value: int) -> bool:
        """Set a register; False where there is none to write."""
        try:
            if register == _CONTROL:
                self._sensor.switch(self._machine.now_ns(), on=bool(value & 1))
            elif register == _ADDR:
                self._addr = value
            elif register == _TAKE:
                self._taken, data = self._sensor.take(value, self._machine.now_ns())
                self._machine.store(self._addr, data)
            else:
                return self._sensor.set(register, value)
        except EdgeDeployError as error:  # what was to be sensed was there, and is gone
            self._machine.fail(error.message.rstrip("."))
        return True
