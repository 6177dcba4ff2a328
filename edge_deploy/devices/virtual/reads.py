"""Which words of memory a basic block will read, as far as that is known when it begins.

Follows the address arithmetic of a block, instruction by instruction: each core register is a
sum of registers as they were at the block's beginning, times constants, plus a constant, or
unknown. Where that gives the address of every load, the hook can count what the block reads from
flash before it runs, which is several times cheaper than being called for each load. Where it
does not (an address that was itself loaded, a load in an IT block), the block is left to be
watched. Knows nothing of emulation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import capstone
from capstone import arm as a

_U32 = 0xFFFFFFFF

_REGISTERS: Mapping[int, int] = {
    register: number
    for number, register in enumerate((
        a.ARM_REG_R0, a.ARM_REG_R1, a.ARM_REG_R2, a.ARM_REG_R3, a.ARM_REG_R4, a.ARM_REG_R5,
        a.ARM_REG_R6, a.ARM_REG_R7, a.ARM_REG_R8, a.ARM_REG_R9, a.ARM_REG_R10, a.ARM_REG_R11,
        a.ARM_REG_R12, a.ARM_REG_SP, a.ARM_REG_LR,
    ))
}  # fmt: skip
_SP = 13

_BYTES = {
    **dict.fromkeys((a.ARM_INS_LDRB, a.ARM_INS_LDRSB, a.ARM_INS_LDRBT, a.ARM_INS_LDRSBT), 1),
    **dict.fromkeys((a.ARM_INS_LDRH, a.ARM_INS_LDRSH, a.ARM_INS_LDRHT, a.ARM_INS_LDRSHT), 2),
    **dict.fromkeys((a.ARM_INS_LDR, a.ARM_INS_LDRT), 4),
}
_STORES = frozenset((
    a.ARM_INS_STR, a.ARM_INS_STRB, a.ARM_INS_STRH, a.ARM_INS_STRT, a.ARM_INS_STRBT,
    a.ARM_INS_STRHT, a.ARM_INS_STRD, a.ARM_INS_VSTR,
))  # fmt: skip
# They name an address and read nothing that is counted.
_HINTS = frozenset((a.ARM_INS_PLD, a.ARM_INS_PLDW, a.ARM_INS_PLI))
_UPWARD = frozenset((a.ARM_INS_LDM, a.ARM_INS_VLDMIA))
_DOWNWARD = frozenset((a.ARM_INS_LDMDB, a.ARM_INS_VLDMDB))
_POPS = frozenset((a.ARM_INS_POP, a.ARM_INS_VPOP))
_DOUBLE_REGISTERS = frozenset(range(a.ARM_REG_D0, a.ARM_REG_D0 + 16))
_ADDS = frozenset((a.ARM_INS_ADD, a.ARM_INS_ADDW))
_SUBTRACTS = frozenset((a.ARM_INS_SUB, a.ARM_INS_SUBW))
_MOVES = frozenset((a.ARM_INS_MOV, a.ARM_INS_MOVW))


@dataclass(frozen=True)
class Sum:
    """constant + the sum of factor x register; registers as they were when the block began.

    terms: (register 0 to 14, factor) in the order of registers; all modulo 2^32.
    """

    constant: int = 0
    terms: tuple[tuple[int, int], ...] = ()

    def plus(self, other: Sum | int, factor: int = 1) -> Sum:
        """This and `factor` times the other."""
        if isinstance(other, int):
            other = Sum(other)
        factors = dict(self.terms)
        for register, times in other.terms:
            factors[register] = (factors.get(register, 0) + factor * times) & _U32
        return Sum(
            (self.constant + factor * other.constant) & _U32,
            tuple(sorted((r, f) for r, f in factors.items() if f)),
        )


@dataclass(frozen=True)
class Read:
    """One access: `size` bytes at `address`."""

    address: Sum
    size: int


class Tracker:
    """Follows one block; `step` takes its instructions in order.

    constant: the word at an address, where it never changes (flash), else None.
    reads: what they read so far; None: not all of it is known when the block begins.
    """

    def __init__(self, constant: Callable[[int], int | None]) -> None:
        self._constant = constant
        self.reads: list[Read] | None = []
        self._values: list[Sum | None] = [Sum(0, ((number, 1),)) for number in range(15)]

    def give_up(self) -> None:
        """Something in the block cannot be followed."""
        self.reads = None

    def step(self, i: capstone.CsInsn) -> None:
        """The next instruction."""
        conditional = i.cc not in (a.ARM_CC_AL, a.ARM_CC_INVALID)
        before = len(self.reads or ())
        new = self._memory(i)
        if conditional and len(self.reads or ()) > before:
            self.give_up()
        if new is None:
            new = self._arithmetic(i)
        for register in _written(i):
            # What an IT block may have skipped is as unknown as what was loaded.
            self._values[register] = None if conditional else new.get(register)

    # -- loads and stores ----------------------------------------------------------------------

    def _memory(self, i: capstone.CsInsn) -> dict[int, Sum | None] | None:
        """Note what is read; the base registers' new values, or None if no memory is touched."""
        kind, operands = i.id, i.operands
        if kind in _UPWARD or kind in _DOWNWARD or kind in _POPS:
            return self._multiple(i)
        where = next((at for at, o in enumerate(operands) if o.type == a.ARM_OP_MEM), None)
        if where is None:
            return None
        if kind in _HINTS:
            return {}
        memory = operands[where].mem
        after = operands[where + 1 :]
        address = self._address(i, operands[where])
        new: dict[int, Sum | None] = {}
        if kind in _BYTES:
            self._read(address, _BYTES[kind])
            if address is not None and not address.terms and _BYTES[kind] == 4:
                word = self._constant(address.constant)
                into = _REGISTERS.get(operands[0].reg)
                if word is not None and into is not None:
                    new[into] = Sum(word)
        elif kind == a.ARM_INS_LDRD:
            self._read(address, 4)
            self._read(None if address is None else address.plus(4), 4)
        elif kind == a.ARM_INS_VLDR:
            self._read(address, 8 if operands[0].reg in _DOUBLE_REGISTERS else 4)
        elif kind in (a.ARM_INS_TBB, a.ARM_INS_TBH):
            self._read(address, 1 if kind == a.ARM_INS_TBB else 2)
        elif kind not in _STORES:
            self.give_up()
        if not i.writeback or address is None or memory.base not in _REGISTERS:
            return new
        if after:  # post-indexed: the third operand is what the base is moved by
            moved = address.plus(after[0].imm) if after[0].type == a.ARM_OP_IMM else None
            return {**new, _REGISTERS[memory.base]: moved}
        return {**new, _REGISTERS[memory.base]: address}

    def _multiple(self, i: capstone.CsInsn) -> dict[int, Sum | None]:
        kind = i.id
        registers = [o.reg for o in i.operands]
        base = _SP if kind in _POPS else _REGISTERS.get(registers[0])
        listed = registers if kind in _POPS else registers[1:]
        start = None if base is None else self._values[base]
        if base is None or start is None:
            self.give_up()
            return {}
        sizes = [8 if each in _DOUBLE_REGISTERS else 4 for each in listed]
        total = sum(sizes)
        at = start.plus(-total) if kind in _DOWNWARD else start
        moved = at if kind in _DOWNWARD else start.plus(total)
        for size in sizes:
            self._read(at, size)
            at = at.plus(size)
        return {base: moved} if kind in _POPS or i.writeback else {base: start}

    def _read(self, address: Sum | None, size: int) -> None:
        if address is None or len(address.terms) > 2:
            self.give_up()
        elif self.reads is not None:
            self.reads.append(Read(address, size))

    def _address(self, i: capstone.CsInsn, operand: capstone.arm.ArmOp) -> Sum | None:
        memory = operand.mem
        if memory.base == a.ARM_REG_PC:
            table = i.id in (a.ARM_INS_TBB, a.ARM_INS_TBH)
            at = i.address + 4
            base: Sum | None = Sum(at if table else at & ~3)
        else:
            base = self._value(memory.base)
        if base is None:
            return None
        if memory.index:
            index = self._value(memory.index)
            shift = 1 if i.id == a.ARM_INS_TBH else operand.shift.value
            plain = operand.shift.type in (a.ARM_SFT_INVALID, a.ARM_SFT_LSL)
            if index is None or operand.subtracted or not plain:
                return None
            base = base.plus(index, 1 << shift)
        return base.plus(memory.disp)

    # -- arithmetic ----------------------------------------------------------------------------

    def _arithmetic(self, i: capstone.CsInsn) -> dict[int, Sum | None]:
        """The new value of what an instruction writes, where it can be followed."""
        kind, operands = i.id, i.operands
        if not operands or operands[0].type != a.ARM_OP_REG or operands[0].reg not in _REGISTERS:
            return {}
        into = _REGISTERS[operands[0].reg]
        if kind in _MOVES and len(operands) == 2:
            return {into: self._operand(operands[1])}
        if (kind in _ADDS or kind in _SUBTRACTS) and len(operands) in (2, 3):
            left = self._value(operands[-2].reg)
            right = self._operand(operands[-1])
            if left is not None and right is not None:
                return {into: left.plus(right, 1 if kind in _ADDS else -1)}
        if kind == a.ARM_INS_LSL and len(operands) == 3 and operands[2].type == a.ARM_OP_IMM:
            value = self._value(operands[1].reg)
            return {into: None if value is None else Sum().plus(value, 1 << operands[2].imm)}
        return {}

    def _operand(self, operand: capstone.arm.ArmOp) -> Sum | None:
        """A register, shifted left or not, or a constant."""
        if operand.type == a.ARM_OP_IMM:
            return Sum(operand.imm & _U32)
        if operand.type != a.ARM_OP_REG:
            return None
        value = self._value(operand.reg)
        if value is None or operand.shift.type == a.ARM_SFT_INVALID:
            return value
        if operand.shift.type != a.ARM_SFT_LSL:
            return None
        return Sum().plus(value, 1 << operand.shift.value)

    def _value(self, register: int) -> Sum | None:
        number = _REGISTERS.get(register)
        return None if number is None else self._values[number]


def _written(i: capstone.CsInsn) -> set[int]:
    """Core registers that an instruction writes."""
    written = {_REGISTERS[each] for each in i.regs_access()[1] if each in _REGISTERS}
    for operand in i.operands:
        if operand.type == a.ARM_OP_REG and operand.access & capstone.CS_AC_WRITE:
            number = _REGISTERS.get(operand.reg)
            if number is not None:
                written.add(number)
        # Whether capstone lists a base that is written back depends on its version.
        if operand.type == a.ARM_OP_MEM and i.writeback and operand.mem.base in _REGISTERS:
            written.add(_REGISTERS[operand.mem.base])
    return written
