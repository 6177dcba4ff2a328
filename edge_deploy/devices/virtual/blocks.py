"""What the native hook has to know of each basic block: its cost, and what it reads of the flash.

Turns the code of a block into one `block` of hook.c and the reads that belong to it. Knows the
decoder and the flash's bytes, nothing of the emulator.
"""

from __future__ import annotations

import ctypes
from typing import NamedTuple

from edge_deploy.devices.virtual import native
from edge_deploy.devices.virtual.cycles import Cost, Decoder


class _Reads(NamedTuple):
    """Of a block, as hook.c has it."""

    words: int
    first: int
    reads: int
    registers: int


_WATCHED = _Reads(0, 0, native.WATCHED, 0)


class Blocks:
    """Blocks of one program, each learned once. flash: its bytes from address 0, not copied.

    accesses: for the hook, which finds the reads of a block there.
    """

    def __init__(self, flash: ctypes.Array[ctypes.c_char]) -> None:
        self._flash = flash
        self._decoder = Decoder()
        self.accesses = (native.Read * native.READS)()
        self._used = 0
        # What each block of the flash reads, once and for all.
        self._known: dict[tuple[int, int], _Reads] = {}

    def fill(self, fresh: native.Block, code: bytes, address: int) -> Cost:
        """Fill in what the block at `address` costs and reads.

        Raises what the decoder does for bytes that are no code.
        """
        cost = self._decoder.cost(code, address, self._constant)
        fresh.cycles = cost.cycles
        fresh.instructions = cost.instructions
        fresh.head = cost.head
        fresh.tail = cost.tail
        fresh.heat = 0
        fresh.skips = cost.skips
        size = len(code)
        known = self._known.get((address, size))
        if known is None:
            known = self._learn_reads(address, size, cost)
            if self.in_flash(address, size):  # code in RAM may be another one next time
                self._known[address, size] = known
        fresh.words, fresh.first, fresh.reads, fresh.registers = known
        return cost

    def in_flash(self, address: int, size: int) -> bool:
        """Whether a block lies in the flash."""
        return address + size <= len(self._flash)

    def _constant(self, address: int) -> int | None:
        """The word at an address, where it never changes."""
        if address + 4 > len(self._flash):
            return None
        return int.from_bytes(bytes(memoryview(self._flash)[address : address + 4]), "little")

    def _learn_reads(self, address: int, size: int, cost: Cost) -> _Reads:
        """What the hook has to know of a block's reads, put where the hook finds it."""
        first = self._used
        if (
            not self.in_flash(address, size)
            or cost.reads is None
            or first + len(cost.reads) > native.READS
            or _may_be_skipped(self._flash, address)
        ):
            return _WATCHED
        words = registers = 0
        for read in cost.reads:
            constant, terms = read.address.constant, read.address.terms
            if not terms:
                if constant < len(self._flash):
                    words += (constant % 4 + read.size + 3) // 4
                continue
            access = self.accesses[self._used]
            access.constant, access.size = constant, read.size
            for place, (register, factor) in enumerate(terms):
                access.registers[place], access.factors[place] = register, factor
                registers |= 1 << register
            self._used += 1
        return _Reads(words, first, self._used - first, registers)


def _may_be_skipped(flash: ctypes.Array[ctypes.c_char], address: int) -> bool:
    """Whether the instruction at `address` may stand in an IT block that begins before it.

    Looks for halfwords that are an IT instruction (ARMv7-M manual, A7.7.38: 0xBFxy, y not 0) and
    reach this far if all that they skip is wide. It may be wrong about one that is none.
    """
    for back in range(2, 16, 2):
        at = address - back
        if at < 0:
            break
        low, high = bytes(memoryview(flash)[at : at + 2])
        mask = low & 0xF
        if high == 0xBF and mask:
            instructions = 4 - ((mask & -mask).bit_length() - 1)
            if back - 2 < 4 * instructions:
                return True
    return False
