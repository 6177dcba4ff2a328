"""The board's memory-mapped devices: register reads and writes to calls on the machine.

Follows docs/virtual_board.md register by register. Knows the register map and nothing of how a
machine tells time, talks to a host or restarts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from edge_deploy.devices.virtual import sensor
from edge_deploy.devices.virtual.sensor import Sensor, SensorPage

BASE = 0xA0000000
BYTES = 0x7000

ID = 0x31564445  # "EDV1"
RESET_MAGIC = 0x54455352  # "RSET"
WAIT_FOR_BYTE = 0xFFFFFFFF

_SYSTEM, _COUNTERS, _SERIAL, _IDLE = 0x0000, 0x1000, 0x2000, 0x3000
_PAGE = 0xF000
_U32 = 0xFFFFFFFF

# Bits of COUNTED.
COUNTED_CYCLES, COUNTED_CYCLES_BOARD, COUNTED_INSTRUCTIONS, COUNTED_ENERGY = 1, 2, 4, 8


@dataclass(frozen=True)
class Snapshot:
    """All counters at one instant, since power-on. None: this board does not count it.

    cycles: with zero wait states; cycles_board: with the flash's.
    time_us: virtual microseconds; energy_nj: modelled nanojoules.
    """

    cycles: int
    cycles_board: int | None
    instructions: int
    time_us: int
    energy_nj: int | None


class Machine(sensor.Machine, Protocol):
    """What the registers act on."""

    clock_hz: int
    reset_reason: int

    def snapshot(self) -> Snapshot:
        """The counters now."""

    def request_reset(self) -> None:
        """Restart the board soon."""

    def receive_count(self) -> int:
        """Bytes waiting from the host."""

    def receive(self, address: int, size: int) -> int:
        """Copy at most `size` waiting bytes to RAM; how many."""

    def send(self, address: int, size: int) -> None:
        """Send bytes from memory to the host."""

    def connected(self) -> bool:
        """Whether a host has the serial port open."""

    def wait(self, microseconds: int | None, *, timed: bool) -> None:
        """Nothing to do for so long (None: for ever), or until a byte is waiting."""


class Peripherals:
    """The register map over one Machine. Offsets are from BASE. sensors: those that it has."""

    def __init__(self, machine: Machine, sensors: Sequence[Sensor] = ()) -> None:
        self._machine = machine
        self._sensors = {each.page: SensorPage(machine, each) for each in sensors}
        self._sensor_bits = sum(each.bit for each in sensors)
        self._latched = machine.snapshot()
        self._rx_addr = 0
        self._rx_taken = 0
        self._tx_addr = 0

    def read(self, offset: int) -> int:
        """The value of a register; the machine fails where there is none to read."""
        machine = self._machine
        page, register = offset & _PAGE, offset & ~_PAGE
        if page == _SYSTEM:
            known = {
                0x00: ID,
                0x04: machine.clock_hz,
                0x08: machine.reset_reason,
                0x10: self._sensor_bits,
            }
            if register in known:
                return known[register]
        elif page == _COUNTERS:
            if register == 0x04:
                return self._counted()
            if 0x08 <= register <= 0x2C:
                return self._latched_half(register)
        elif page == _SERIAL:
            if register == 0x00:
                return machine.receive_count()
            if register == 0x0C:
                return self._rx_taken
            if register == 0x18:
                return int(machine.connected())
        elif page in self._sensors:
            value = self._sensors[page].read(register)
            if value is not None:
                return value
        machine.fail("a read from a register that is not there", address=BASE + offset)
        return 0

    def write(self, offset: int, value: int) -> None:
        """Set a register; the machine fails where there is none to write."""
        page, register = offset & _PAGE, offset & ~_PAGE
        known = {
            _SYSTEM: self._write_system,
            _COUNTERS: self._write_counters,
            _SERIAL: self._write_serial,
            _IDLE: self._write_idle,
            **{page: each.write for page, each in self._sensors.items()},
        }
        if page not in known or not known[page](register, value):
            self._machine.fail("a write to a register that is not there", address=BASE + offset)

    def _counted(self) -> int:
        bits = COUNTED_CYCLES | COUNTED_INSTRUCTIONS
        if self._latched.cycles_board is not None:
            bits |= COUNTED_CYCLES_BOARD
        if self._latched.energy_nj is not None:
            bits |= COUNTED_ENERGY
        return bits

    def _latched_half(self, register: int) -> int:
        latched = self._latched
        values = (
            latched.cycles,
            latched.cycles_board or 0,
            latched.instructions,
            latched.time_us,
            latched.energy_nj or 0,
        )
        value = values[(register - 0x08) // 8]
        return value >> 32 & _U32 if register % 8 else value & _U32

    def _write_system(self, register: int, value: int) -> bool:
        if register == 0x0C:
            if value == RESET_MAGIC:
                self._machine.request_reset()
            return True
        if register == 0x14:
            self._machine.fail(f"the firmware gave up with code {value:#x} (PANIC)")
            return True
        return False

    def _write_counters(self, register: int, _value: int) -> bool:
        if register == 0x00:
            self._latched = self._machine.snapshot()
            return True
        return False

    def _write_serial(self, register: int, value: int) -> bool:
        if register == 0x04:
            self._rx_addr = value
        elif register == 0x08:
            self._rx_taken = self._machine.receive(self._rx_addr, value)
        elif register == 0x10:
            self._tx_addr = value
        elif register == 0x14:
            self._machine.send(self._tx_addr, value)
        else:
            return False
        return True

    def _write_idle(self, register: int, value: int) -> bool:
        if register == 0x00:
            self._machine.wait(None if value == WAIT_FOR_BYTE else value, timed=False)
        elif register == 0x04:
            self._machine.wait(value, timed=True)
        else:
            return False
        return True
