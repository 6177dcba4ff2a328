"""A virtual Nano 33 BLE: core, memories, devices, serial port, time and energy, in one machine.

Turns the bytes of a flash into a board that runs in a thread of its own and answers at its serial
port. Time on it is cycles divided by clock, plus the time it waits (docs/virtual_board.md).
Knows nothing of artifacts, models or the wire.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass

from edge_deploy.devices.virtual import peripherals
from edge_deploy.devices.virtual.cpu import RAM_BASE, Cpu, CpuFault, Devices
from edge_deploy.devices.virtual.faults import Faults, TimedFault, seeded_bytes
from edge_deploy.devices.virtual.peripherals import Peripherals, Snapshot
from edge_deploy.devices.virtual.power import PowerModel
from edge_deploy.devices.virtual.sensor import Sensor
from edge_deploy.devices.virtual.serial import RX_BYTES, SerialPort
from edge_deploy.errors import UsageError

_log = logging.getLogger(__name__)

# docs/virtual_board.md, "Memory": behind the bootloader, as on the real board.
APPLICATION_BASE = 0x00010000
FLASH_BYTES = 1_048_576

SPEEDS = ("max", "real")

REASON_POWER, REASON_RESET, REASON_BROWNOUT = 0, 1, 2

_NS = 1_000_000_000
_NS_PER_US = 1_000

# Cycles that run between two looks at the world: some 30 ms of host time, so that a stop or a
# fault is prompt, and the looks cost nothing.
_SLICE_CYCLES = 4_000_000
# With --speed real: 1 ms of board time, well below what a person or a time-out notices.
_PACE_NS = 1_000_000
# Further behind the wall clock than this there is no catching up: time starts from here anew.
_BEHIND_NS = 100_000_000
# How long `stop` waits for the board's thread, which looks up at least every slice.
_STOP_S = 10.0
# Windows lets Ctrl-C through only between waits.
_JOIN_S = 0.5


@dataclass(frozen=True)
class Hardware:
    """What the machine needs to know of a board.

    flash_wait_states: cycles more for a 32-bit word of data from flash; None: not counted.
    power: None where the board's currents are not known.
    """

    name: str
    clock_hz: int
    flash_bytes: int
    ram_bytes: int
    flash_wait_states: int | None
    power: PowerModel | None


class Machine:
    """The running board. `start` it once, then `stop` it; not to be started again.

    flash: the bytes of the whole flash. speed: `max` or `real`.
    sensors: what it can sense with, each for this machine alone.
    slice_cycles: for tests; how often the core is interrupted changes no count.
    """

    def __init__(
        self,
        hardware: Hardware,
        flash: bytes,
        *,
        speed: str = "max",
        faults: Faults | None = None,
        seed: int = 0,
        sensors: Sequence[Sensor] = (),
        pseudo_terminal: bool = True,
        slice_cycles: int = _SLICE_CYCLES,
    ) -> None:
        if speed not in SPEEDS:
            raise UsageError(f"--speed is {speed!r}; it can be {' or '.join(SPEEDS)}.")
        self.hardware = hardware
        self.clock_hz = hardware.clock_hz
        self.reset_reason = REASON_POWER
        self._sensors = tuple(sensors)
        self.fault: CpuFault | None = None
        self.ended: str | None = None  # in one line, why the board is dead
        self._faults = faults or Faults()
        self._due = list(self._faults.timed)
        self.happened: list[TimedFault] = []
        self._seed = seed
        self._speed = speed
        self._slice_cycles = slice_cycles
        # What the clock really is: a board that is too slow still says its nominal clock.
        self._real_clock_hz = max(1, round(hardware.clock_hz / self._faults.slow))
        self._idle_ns = 0
        self._reset_wanted = False
        self._stopping = threading.Event()
        self.serial = SerialPort(faults=self._faults, seed=seed, pseudo_terminal=pseudo_terminal)
        self._cpu = Cpu(
            flash,
            ram_bytes=hardware.ram_bytes,
            wait_states=hardware.flash_wait_states,
            devices=(
                Devices(peripherals.BASE, peripherals.BYTES, self._read, self._write),
            ),
        )  # fmt: skip
        self._peripherals = Peripherals(self, self._sensors)
        self._thread = threading.Thread(target=self._run, name=f"virtual {hardware.name}")
        self._thread.daemon = True  # a host program that dies must not be held up by its board
        self._anchor_ns = 0

    # -- for the host program ----------------------------------------------------------------

    def start(self) -> None:
        """Power on."""
        _running.add(self)
        self._thread.start()

    def stop(self) -> None:
        """Power off. Returns when the thread has ended, also from an endless loop."""
        self._stopping.set()
        self._cpu.halt()
        self.serial.close()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)
        _running.discard(self)

    def wait_for_end(self, timeout_s: float | None = None) -> bool:
        """Wait until the board is dead or stopped. True if it is."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while self._thread.is_alive():
            left = _JOIN_S if deadline is None else min(_JOIN_S, deadline - time.monotonic())
            if left <= 0:
                return False
            self._thread.join(left)
        return True

    @property
    def running(self) -> bool:
        """Whether the board is powered and not dead."""
        return self._thread.is_alive()

    def reset(self) -> None:
        """Press the reset button."""
        self.request_reset()
        self.serial.interrupt()

    # -- the machine that the registers act on (peripherals.Machine) ----------------------------

    def snapshot(self) -> Snapshot:
        """The counters now."""
        cpu, power = self._cpu, self.hardware.power
        active_ns = self._active_ns()
        return Snapshot(
            cycles=cpu.cycles,
            cycles_board=cpu.clock if cpu.counts_flash_reads else None,
            instructions=cpu.instructions,
            time_us=(active_ns + self._idle_ns) // _NS_PER_US,
            energy_nj=None if power is None else power.energy_nj(active_ns, self._idle_ns),
        )

    def request_reset(self) -> None:
        """Restart the board soon: before the next block of code."""
        self._reset_wanted = True
        self._cpu.halt()

    def fail(self, reason: str, *, address: int | None = None) -> None:
        """Stop the board as after a fault."""
        self._cpu.fail(reason, address=address)

    def receive_count(self) -> int:
        """Bytes waiting from the host."""
        return self.serial.waiting()

    def receive(self, address: int, size: int) -> int:
        """Copy at most `size` waiting bytes to RAM; how many."""
        data = self.serial.take(size)
        self.store(address, data)
        return len(data)

    def store(self, address: int, data: bytes) -> None:
        """Copy to RAM; the board fails where there is none."""
        try:
            self._cpu.write_ram(address, data)
        except CpuFault as fault:
            self._cpu.fail(fault.reason, address=fault.address)

    def send(self, address: int, size: int) -> None:
        """Send bytes from memory to the host."""
        try:
            data = self._cpu.read_memory(address, size)
        except CpuFault as fault:
            self._cpu.fail(fault.reason, address=fault.address)
            return
        self.serial.send(data)

    def connected(self) -> bool:
        """Whether a host has the serial port open."""
        return self.serial.connected

    def wait(self, microseconds: int | None, *, timed: bool) -> None:
        """Let virtual time pass until a byte waits, or for so long; never past a fault."""
        if self._stopping.is_set() or self._reset_wanted:
            self._cpu.halt()  # once more: `run` may have begun after the first
            return
        if self.serial.waiting():
            return
        wanted_ns = None if microseconds is None else microseconds * _NS_PER_US
        to_fault_ns = self._due_in_ns()
        if to_fault_ns is not None and (wanted_ns is None or to_fault_ns <= wanted_ns):
            wanted_ns = to_fault_ns
            self._cpu.halt()  # the fault comes before the program goes on
        if timed and self._speed == "max" and wanted_ns is not None:
            self._idle_ns += wanted_ns
            return
        ahead_ns = max(0, self._ahead_ns()) if self._speed == "real" else 0
        began_ns = time.monotonic_ns()
        woken = self.serial.wait(None if wanted_ns is None else (wanted_ns + ahead_ns) / _NS)
        passed_ns = max(0, time.monotonic_ns() - began_ns - ahead_ns)
        if wanted_ns is not None:
            cut_short = woken or self._stopping.is_set() or self._reset_wanted
            # Exactly what was asked for, not what the host's scheduler made of it.
            passed_ns = min(passed_ns, wanted_ns) if cut_short else wanted_ns
        self._idle_ns += passed_ns

    # -- the board's thread ------------------------------------------------------------------

    def _read(self, offset: int) -> int:
        return self._peripherals.read(offset)

    def _write(self, offset: int, value: int) -> None:
        self._peripherals.write(offset, value)

    def _run(self) -> None:
        try:
            self._restart(REASON_POWER)
            while not self._stopping.is_set():
                self._carry_out_faults()
                if self._reset_wanted:
                    self._restart(REASON_RESET)
                self._cpu.run(self._next_look())
                self._pace()
        except CpuFault as fault:
            self.fault = fault
            self.ended = _sentence(fault)
            _log.info("the virtual %s stopped: %s", self.hardware.name, self.ended)
        except Exception as error:  # noqa: BLE001 (told by `ended`; a thread has no caller)
            self.ended = f"the emulator failed ({error!r})"
            _log.exception("the virtual %s stopped", self.hardware.name)
        finally:
            for sensor in self._sensors:
                sensor.stop(self.now_ns())
            self.serial.close()

    def _restart(self, reason: int) -> None:
        """Run from the reset handler. RAM keeps its bytes unless the power was gone."""
        self._reset_wanted = False
        self.reset_reason = reason
        if reason != REASON_RESET:
            noise = seeded_bytes(f"{self._seed} ram", self.hardware.ram_bytes)
            self._cpu.write_ram(RAM_BASE, noise)
        if reason == REASON_BROWNOUT:
            self.serial.take(RX_BYTES)
        for sensor in self._sensors:
            sensor.clear(self.now_ns())
        self._peripherals = Peripherals(self, self._sensors)
        self._cpu.reset(APPLICATION_BASE)
        self._anchor()

    def _carry_out_faults(self) -> None:
        """What is due by now of `--fault`."""
        while self._due and self._due_in_ns() == 0:
            fault = self._due.pop(0)
            self.happened.append(fault)
            if fault.kind == "brownout":
                self._restart(REASON_BROWNOUT)
            elif fault.kind == "hang":
                self._stopping.wait()
            else:
                self.ended = "the cable was pulled (--fault unplug)"
                self._stopping.set()

    # -- time --------------------------------------------------------------------------------

    def _active_ns(self) -> int:
        return self._cpu.clock * _NS // self._real_clock_hz

    def now_ns(self) -> int:
        """Virtual nanoseconds since power-on."""
        return self._active_ns() + self._idle_ns

    def _due_in_ns(self) -> int | None:
        """Virtual time until the next fault; None if none is to come."""
        if not self._due:
            return None
        return max(0, round(self._due[0].at_s * _NS) - self.now_ns())

    def _next_look(self) -> int:
        """The clock at which the core is to be interrupted next."""
        ahead = self._slice_cycles
        for limit_ns in (self._due_in_ns(), _PACE_NS if self._speed == "real" else None):
            if limit_ns is not None:
                # Rounded up: a fault's time must be reached, not nearly reached for ever.
                ahead = min(ahead, -(-limit_ns * self._real_clock_hz // _NS))
        return self._cpu.clock + max(1, ahead)

    def _anchor(self) -> None:
        """Let virtual time and the wall clock agree from here."""
        self._anchor_ns = time.monotonic_ns() - self.now_ns()

    def _ahead_ns(self) -> int:
        """How far virtual time is ahead of the wall clock."""
        return self.now_ns() - (time.monotonic_ns() - self._anchor_ns)

    def _pace(self) -> None:
        """With speed `real`: wait for the wall clock."""
        if self._speed != "real":
            return
        ahead_ns = self._ahead_ns()
        if ahead_ns > _PACE_NS:
            self._stopping.wait(ahead_ns / _NS)
        elif ahead_ns < -_BEHIND_NS:
            self._anchor()


_running: weakref.WeakSet[Machine] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """No thread may be inside the emulator when Python takes itself apart."""
    for machine in list(_running):
        machine.stop()


def _sentence(fault: CpuFault) -> str:
    """The fault in one line, with its addresses."""
    where = "" if fault.address is None else f", address {fault.address:#010x}"
    return f"{fault.reason}{where}, pc {fault.pc:#010x}"
