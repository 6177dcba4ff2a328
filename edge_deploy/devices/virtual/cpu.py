"""An emulated Cortex-M4F with its memories, run in slices, every block of code counted.

Wraps unicorn: the memory map of docs/virtual_board.md, a native hook that counts (native.py,
blocks.py), devices as one read and one write function, and faults as exceptions with address and
program counter. Knows nothing of time, serial ports or what the devices do.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import unicorn
from unicorn import arm_const
from unicorn.unicorn_py3.unicorn import uclib

from edge_deploy.devices.virtual import native
from edge_deploy.devices.virtual.blocks import Blocks

# The binding declares types for a part of itself only.
_unicorn: Any = unicorn

FLASH_BASE = 0x00000000
RAM_BASE = 0x20000000
# nRF52840 product specification, "Memory map": the RAM again, on the code bus.
RAM_ALIAS = 0x00800000

# ARMv7-M Architecture Reference Manual, B3.2.2: the System Control Space, and its CPACR, whose
# bits 20 to 23 enable the floating-point unit.
SCS_BASE = 0xE000E000
SCS_BYTES = 0x1000
CPACR = 0xD88
CPACR_FPU = 0xF << 20
DWT_BASE = 0xE0001000
DWT_BYTES = 0x1000
_CYCCNT = 4  # ARMv7-M Architecture Reference Manual, C1.8.8

# The bits of XPSR that say how far an IT block has come: the same, B1.4.2.
_IT_BITS = 0x0600FC00

_MAPPED_UNTIL = 0xFFFFFFFF  # where emulation would end by itself: nothing is there

_ACCESS = {
    _unicorn.UC_MEM_READ_UNMAPPED: "a read from",
    _unicorn.UC_MEM_WRITE_UNMAPPED: "a write to",
    _unicorn.UC_MEM_FETCH_UNMAPPED: "a jump to",
    _unicorn.UC_MEM_READ_PROT: "a read from",
    _unicorn.UC_MEM_WRITE_PROT: "a write to",
    _unicorn.UC_MEM_FETCH_PROT: "a jump to",
}
# QEMU's numbers of ARM exceptions (target/arm/cpu.h, EXCP_*), as UC_HOOK_INTR passes them on.
_EXCEPTIONS = {
    1: "an undefined instruction",
    2: "an SVC instruction (this board has no exception handlers)",
    3: "an instruction fetch that failed",
    4: "a data access that failed",
    7: "a BKPT instruction",
    8: "an exception return outside an exception",
    17: "an instruction of the floating-point unit while it is off",
    18: "a jump to an even address (this core runs Thumb code only)",
}


class CpuFault(Exception):
    """The program did what the core cannot. reason: one line; address: None if it has none."""

    def __init__(self, reason: str, *, address: int | None, pc: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.address = address
        self.pc = pc


@dataclass(frozen=True)
class Devices:
    """Memory-mapped devices: `base` and `size`, read(offset) -> value, write(offset, value)."""

    base: int
    size: int
    read: Callable[[int], int]
    write: Callable[[int, int], None]


class Cpu:
    """One core with flash and RAM. Not to be run by two threads at once.

    flash: the bytes of the flash from address 0; copied.
    ram_bytes: size of the RAM.
    wait_states: cycles that a 32-bit word of data from flash costs more; None: flash reads are
    not counted, which is faster.
    devices: what the program finds beside its memories.
    """

    def __init__(
        self,
        flash: bytes,
        *,
        ram_bytes: int,
        wait_states: int | None,
        devices: tuple[Devices, ...] = (),
    ) -> None:
        self._flash = ctypes.create_string_buffer(flash, len(flash))
        self._ram = ctypes.create_string_buffer(ram_bytes)
        self._blocks = Blocks(self._flash)
        self._problem: CpuFault | None = None
        self._error: Exception | None = None
        self._scs: dict[int, int] = {}
        self._dwt: dict[int, int] = {}
        self._cyccnt_zero = 0
        self._pc = 0
        self.counts_flash_reads = wait_states is not None
        self._uc: Any = _unicorn.Uc(
            _unicorn.UC_ARCH_ARM, _unicorn.UC_MODE_THUMB | _unicorn.UC_MODE_MCLASS
        )
        self._uc.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_M4)
        self._map_memories()
        own = (
            Devices(SCS_BASE, SCS_BYTES, self._read_scs, self._write_scs),
            Devices(DWT_BASE, DWT_BYTES, self._read_dwt, self._write_dwt),
        )
        for device in (*devices, *own):
            self._map_device(device)
        self._uc.hook_add(_unicorn.UC_HOOK_MEM_INVALID, self._on_invalid_access)
        self._uc.hook_add(_unicorn.UC_HOOK_INTR, self._on_exception)
        self._hook(wait_states)

    # -- set-up ------------------------------------------------------------------------------

    def _map_memories(self) -> None:
        flash = ctypes.cast(self._flash, ctypes.c_void_p)
        ram = ctypes.cast(self._ram, ctypes.c_void_p)
        read_only = _unicorn.UC_PROT_READ | _unicorn.UC_PROT_EXEC
        self._uc.mem_map_ptr(FLASH_BASE, len(self._flash), read_only, flash)
        for base in (RAM_BASE, RAM_ALIAS):
            self._uc.mem_map_ptr(base, len(self._ram), _unicorn.UC_PROT_ALL, ram)

    def _map_device(self, device: Devices) -> None:
        def read(_uc: object, offset: int, size: int, _user: object) -> int:
            try:
                return (
                    device.read(offset) & 0xFFFFFFFF if self._is_word(device, offset, size) else 0
                )
            except Exception as error:  # noqa: BLE001 (`run` raises it: C code cannot)
                self._broke(error)
                return 0

        def write(_uc: object, offset: int, size: int, value: int, _user: object) -> None:
            try:
                if self._is_word(device, offset, size):
                    device.write(offset, value)
            except Exception as error:  # noqa: BLE001 (`run` raises it: C code cannot)
                self._broke(error)

        self._uc.mmio_map(device.base, device.size, read, None, write, None)

    def _broke(self, error: Exception) -> None:
        """A device failed, which is an error of ours and not the program's."""
        self._error = self._error or error
        self.halt()

    def _is_word(self, device: Devices, offset: int, size: int) -> bool:
        if size == 4 and offset % 4 == 0:
            return True
        address = device.base + offset
        self._fail(f"{size} bytes were accessed where only words can be", address=address)
        return False

    def _hook(self, wait_states: int | None) -> None:
        """Hand the native hooks to unicorn; its Python binding only takes Python callbacks."""
        self._table = (native.Block * (1 << native.TABLE_BITS))()
        self._quick: dict[int, int] = {}  # sizes of blocks that were translated anew, by address
        names = (*range(arm_const.UC_ARM_REG_R0, arm_const.UC_ARM_REG_R0 + 13),
                 arm_const.UC_ARM_REG_SP, arm_const.UC_ARM_REG_LR,
                 arm_const.UC_ARM_REG_XPSR)  # fmt: skip
        self._miss = native.MissFunction(self._on_new_block)
        self._counters = native.Counters(
            limit=native.NEVER,
            wait_states=wait_states or 0,
            bits=native.TABLE_BITS,
            counting=int(self.counts_flash_reads),
            flash_bytes=len(self._flash),
            names=names,
            stop=ctypes.cast(uclib.uc_emu_stop, ctypes.c_void_p).value,
            get=ctypes.cast(uclib.uc_reg_read, ctypes.c_void_p).value,
            miss=self._miss,
            table=ctypes.cast(self._table, ctypes.POINTER(native.Block)),
            accesses=ctypes.cast(self._blocks.accesses, ctypes.POINTER(native.Read)),
        )
        self._add_native(_unicorn.UC_HOOK_BLOCK, "ed_hook_block", 1, 0)  # 1, 0: everywhere
        if self.counts_flash_reads:
            self._watch = self._watch_flash()

    def _watch_flash(self) -> int:
        """Hook the loads of all code that is translated from here on."""
        last = FLASH_BASE + len(self._flash) - 1
        return self._add_native(_unicorn.UC_HOOK_MEM_READ, "ed_hook_flash_read", FLASH_BASE, last)

    def _add_native(self, kind: int, name: str, begin: int, end: int) -> int:
        handle = ctypes.c_size_t()
        status = uclib.uc_hook_add(
            self._uc._uch,  # noqa: SLF001 (the engine itself; the binding has no other way)
            ctypes.byref(handle),
            kind,
            ctypes.cast(getattr(native.library(), name), ctypes.c_void_p),
            ctypes.byref(self._counters),
            ctypes.c_uint64(begin),
            ctypes.c_uint64(end),
        )
        if status != _unicorn.UC_ERR_OK:
            raise _unicorn.UcError(status)
        return int(handle.value)

    # -- running -----------------------------------------------------------------------------

    def reset(self, vectors: int) -> None:
        """Start over from the vector table at `vectors`; memories and counters stay.

        Raises CpuFault if the table holds no stack pointer in RAM or no Thumb address in flash.
        """
        stack, entry = struct.unpack_from("<II", self._flash, vectors - FLASH_BASE)
        if not RAM_BASE < stack <= RAM_BASE + len(self._ram) or stack % 4:
            raise CpuFault(
                f"the vector table's stack pointer is {stack:#010x}", address=vectors, pc=entry
            )
        if not entry & 1 or not entry < FLASH_BASE + len(self._flash):
            raise CpuFault(
                f"the vector table's reset handler is {entry:#010x}", address=vectors + 4, pc=entry
            )
        for number in range(13):
            self._uc.reg_write(arm_const.UC_ARM_REG_R0 + number, 0)
        self._uc.reg_write(arm_const.UC_ARM_REG_LR, 0xFFFFFFFF)
        self._uc.reg_write(arm_const.UC_ARM_REG_SP, stack)
        # XPSR with only the Thumb bit: no flags, no IT block left over from what ran before.
        self._uc.reg_write(arm_const.UC_ARM_REG_XPSR, 1 << 24)
        self._pc = entry & ~1
        self._scs.clear()
        self._dwt.clear()
        self._cyccnt_zero = self.cycles
        self._problem = None
        # Code that the program had put in RAM may be another one next time.
        self._flush()
        ctypes.memset(self._table, 0, ctypes.sizeof(self._table))
        self._counters.used = 0
        self._counters.tail = 0
        self._counters.next = self._pc
        self._counters.last = self._pc

    def run(self, until_clock: int) -> None:
        """Run until `clock` is at least `until_clock`, or `halt` was called.

        Both take effect where a block ends. Raises CpuFault, and what a device raised.
        """
        self._counters.limit = until_clock
        while True:
            self._emulate()
            if self._error is not None:
                raise self._error
            if not self._counters.stopped:
                self._fail(
                    "the program sleeps (WFI), and this board has no interrupts", address=None
                )
            if self._problem is not None:
                raise self._problem
            if self._counters.stale:
                self._leave_it_block()
            elif self._counters.flush:
                self._flush()
            elif self._counters.hot:
                self._translate_anew()
            else:
                return

    def _emulate(self) -> None:
        """Until the block hook stops it, or something else does."""
        self._counters.stopped = 0
        try:
            self._uc.emu_start(self._pc | 1, _MAPPED_UNTIL)
        except _unicorn.UcError as error:
            self._fail(_describe(error.errno), address=None)
        self._pc = self._uc.reg_read(arm_const.UC_ARM_REG_PC)

    def _leave_it_block(self) -> None:
        """Have unicorn begin the block that is to run now outside any IT block (hook.c)."""
        xpsr = self._uc.reg_read(arm_const.UC_ARM_REG_XPSR)
        self._uc.reg_write(arm_const.UC_ARM_REG_XPSR, xpsr & ~_IT_BITS)
        self._counters.stale = 0

    def _flush(self) -> None:
        """Forget all translated code."""
        self._uc.ctl_flush_tb()
        self._quick.clear()
        self._counters.flush = 0
        self._counters.hot = 0

    def _translate_anew(self) -> None:
        """Have the block that is to run now translated without a hook at its loads.

        unicorn decides when it translates code, and by whether any hook for reads is there:
        with one, every load takes a path through C functions that costs as much as all the rest.
        A block whose reads are counted when it begins (reads.py) does not need that.
        """
        counters = self._counters
        at, size = int(counters.last), int(counters.hot)
        counters.hot = 0
        counters.pause = 1
        try:
            uclib.uc_hook_del(self._uc._uch, ctypes.c_size_t(self._watch))  # noqa: SLF001
            self._emulate()  # runs nothing; deleted hooks are gone for good when it ends
            self._uc.ctl_remove_cache(at, at + 1)
            self._emulate()  # translates the block
        finally:
            counters.pause = 0
            self._watch = self._watch_flash()
        # Blocks that begin before this one and contain its first byte went with it.
        for other, other_size in self._quick.items():
            if other < at < other + other_size:
                native.library().ed_hook_cool(ctypes.byref(counters), other, other_size)
        self._quick[at] = size

    def halt(self) -> None:
        """End `run` before the next block. May be called by any thread, and by devices."""
        self._counters.limit = 0

    def fail(self, reason: str, *, address: int | None = None) -> None:
        """End `run` with a CpuFault; for devices, from inside their read and write."""
        self._fail(reason, address=address)

    def _fail(self, reason: str, *, address: int | None) -> None:
        if self._problem is None:
            pc = self._uc.reg_read(arm_const.UC_ARM_REG_PC)
            self._problem = CpuFault(reason, address=address, pc=pc)
        self.halt()

    # -- what it counted ---------------------------------------------------------------------

    @property
    def cycles(self) -> int:
        """Cycles run, with zero wait states."""
        return int(self._counters.cycles)

    @property
    def clock(self) -> int:
        """Cycles run, with the wait states of the flash if they are counted."""
        return int(self._counters.cycles + self._counters.wait_states * self._counters.flash_words)

    @property
    def instructions(self) -> int:
        """Instructions run; one that an IT block skips counts as well."""
        return int(self._counters.instructions)

    @property
    def flash_words(self) -> int:
        """32-bit words of data read from flash; 0 where they are not counted."""
        return int(self._counters.flash_words)

    @property
    def blocks(self) -> int:
        """Basic blocks run."""
        return int(self._counters.blocks)

    # -- memory, for devices and tests -------------------------------------------------------

    def read_memory(self, address: int, size: int) -> bytes:
        """`size` bytes as the program sees them. Raises CpuFault where there is no memory."""
        memory, at = self._memory(address, size, writing=False)
        return bytes(memoryview(memory)[at : at + size])

    def write_ram(self, address: int, data: bytes) -> None:
        """Put bytes in RAM, as a device does. Raises CpuFault where there is none."""
        memory, at = self._memory(address, len(data), writing=True)
        ctypes.memmove(ctypes.addressof(memory) + at, data, len(data))

    def _memory(self, address: int, size: int, *, writing: bool) -> tuple[Any, int]:
        for base, memory in (
            (RAM_BASE, self._ram),
            (RAM_ALIAS, self._ram),
            (FLASH_BASE, self._flash),
        ):
            if base <= address and address + size <= base + len(memory):
                if writing and memory is self._flash:
                    break
                return memory, address - base
        pc = self._uc.reg_read(arm_const.UC_ARM_REG_PC)
        raise CpuFault(
            f"a device was told to use {size} bytes at {address:#010x}", address=address, pc=pc
        )

    # -- called by unicorn -------------------------------------------------------------------

    def _on_new_block(self, address: int, size: int) -> None:
        """Fill in what a block costs; called by the native hook, once for each block."""
        fresh = self._counters.fresh
        try:
            code = bytes(self._uc.mem_read(address, size))
            cost = self._blocks.fill(fresh, code, address)
        except Exception as error:  # noqa: BLE001 (nothing may escape into the C code)
            self._fail(f"the code cannot be read ({error})", address=address)
            return
        if cost.floating_point and self._scs.get(CPACR, 0) & CPACR_FPU != CPACR_FPU:
            # unicorn's floating-point unit is on from the start; silicon's is not.
            self._fail(f"{_EXCEPTIONS[17]} (CPACR)", address=address)
        if fresh.reads == native.WATCHED and address in self._quick:
            # Translated as a block of another length, without a hook at its loads.
            self._counters.flush = 1

    def _on_invalid_access(
        self, _uc: object, kind: int, address: int, size: int, _value: int, _user: object
    ) -> bool:
        inside = FLASH_BASE <= address < FLASH_BASE + len(self._flash)
        where = "the flash, which is read-only" if inside else "memory that is not there"
        plural = "" if size == 1 else "s"
        self._fail(
            f"{_ACCESS.get(kind, 'an access to')} {where} ({size} byte{plural})", address=address
        )
        return False

    def _on_exception(self, _uc: object, number: int, _user: object) -> None:
        self._fail(_EXCEPTIONS.get(number, f"exception {number}"), address=None)
        self._uc.emu_stop()

    def _read_scs(self, offset: int) -> int:
        return self._scs.get(offset, 0)

    def _write_scs(self, offset: int, value: int) -> None:
        self._scs[offset] = value

    def _read_dwt(self, offset: int) -> int:
        if offset == _CYCCNT:
            return (self.cycles - self._cyccnt_zero) & 0xFFFFFFFF
        return self._dwt.get(offset, 0)

    def _write_dwt(self, offset: int, value: int) -> None:
        if offset == _CYCCNT:
            self._cyccnt_zero = self.cycles - value
        else:
            self._dwt[offset] = value


def _describe(number: int) -> str:
    """What unicorn's error means for the program on the board."""
    known = {
        _unicorn.UC_ERR_INSN_INVALID: "an undefined instruction",
        _unicorn.UC_ERR_FETCH_UNMAPPED: "a jump to memory that is not there",
        _unicorn.UC_ERR_EXCEPTION: "an exception that this board does not handle",
    }
    return known.get(number, f"the emulator gave up (error {number})")
