"""Machine code of one basic block to its cost on a Cortex-M4, by the model of docs/cycle_model.md.

Decodes Thumb-2 with capstone and adds up cycles of zero-wait-state memory, as Arm's Technical
Reference Manual (100166_0001, table 3-1 and table 7-1) gives them, simplified as the page says.
What depends on the block before (a taken branch, a load that follows a load, an address that is
only just known) is left to the hook, which gets the first and last instruction's registers as
bit masks. Knows nothing of emulation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import capstone
from capstone import arm as a

from edge_deploy.devices.virtual.native import BRANCH_ALWAYS, SINGLE_LOAD
from edge_deploy.devices.virtual.reads import Read, Tracker

# What the cycles come from, as every figure made of them says.
ORIGIN = "modelled:cortex_m4"

LOAD_CYCLES = 2
DIVIDE_CYCLES = 7  # 2 to 12 on silicon: it ends early when the quotient is short
FP_DIVIDE_CYCLES = 14
FP_MULTIPLY_ACCUMULATE_CYCLES = 3

_LOADS = frozenset((
    a.ARM_INS_LDR, a.ARM_INS_LDRB, a.ARM_INS_LDRH, a.ARM_INS_LDRSB, a.ARM_INS_LDRSH,
    a.ARM_INS_LDRT, a.ARM_INS_LDRBT, a.ARM_INS_LDRHT, a.ARM_INS_LDRSBT, a.ARM_INS_LDRSHT,
    a.ARM_INS_LDREX, a.ARM_INS_LDREXB, a.ARM_INS_LDREXH,
))  # fmt: skip
_STORES = frozenset((
    a.ARM_INS_STR, a.ARM_INS_STRB, a.ARM_INS_STRH, a.ARM_INS_STRT, a.ARM_INS_STRBT,
    a.ARM_INS_STRHT,
))  # fmt: skip
_EXCLUSIVE_STORES = frozenset((a.ARM_INS_STREX, a.ARM_INS_STREXB, a.ARM_INS_STREXH))
_LOAD_MULTIPLE = frozenset((a.ARM_INS_LDM, a.ARM_INS_LDMDB, a.ARM_INS_POP))
_STORE_MULTIPLE = frozenset((a.ARM_INS_STM, a.ARM_INS_STMDB, a.ARM_INS_PUSH))
_STACK = frozenset((a.ARM_INS_PUSH, a.ARM_INS_POP, a.ARM_INS_VPUSH, a.ARM_INS_VPOP))
_DOUBLES = frozenset((a.ARM_INS_LDRD, a.ARM_INS_STRD))
_TABLE_BRANCHES = frozenset((a.ARM_INS_TBB, a.ARM_INS_TBH))
_DIVIDES = frozenset((a.ARM_INS_UDIV, a.ARM_INS_SDIV))
_COMPARES = frozenset((a.ARM_INS_CMP, a.ARM_INS_CMN, a.ARM_INS_TST, a.ARM_INS_TEQ))
_FP_SINGLE = frozenset((a.ARM_INS_VLDR, a.ARM_INS_VSTR))
_FP_MULTIPLE = frozenset((
    a.ARM_INS_VLDMIA, a.ARM_INS_VLDMDB, a.ARM_INS_VSTMIA, a.ARM_INS_VSTMDB,
    a.ARM_INS_VPUSH, a.ARM_INS_VPOP,
))  # fmt: skip
_FP_DIVIDES = frozenset((a.ARM_INS_VDIV, a.ARM_INS_VSQRT))
_FP_MULTIPLY_ACCUMULATES = frozenset((
    a.ARM_INS_VMLA, a.ARM_INS_VMLS, a.ARM_INS_VNMLA, a.ARM_INS_VNMLS,
    a.ARM_INS_VFMA, a.ARM_INS_VFMS, a.ARM_INS_VFNMA, a.ARM_INS_VFNMS,
))  # fmt: skip
# "take one cycle longer if their result is consumed by the following instruction"
_FP_LATE = (
    _FP_DIVIDES
    | _FP_MULTIPLY_ACCUMULATES
    | frozenset((
        a.ARM_INS_VADD, a.ARM_INS_VSUB, a.ARM_INS_VMUL, a.ARM_INS_VNMUL, a.ARM_INS_VCVT,
        a.ARM_INS_VCVTR,
    ))
)  # fmt: skip
_STORING = _STORES | _EXCLUSIVE_STORES | _STORE_MULTIPLE | {
    a.ARM_INS_STRD, a.ARM_INS_VSTR, a.ARM_INS_VSTMIA, a.ARM_INS_VSTMDB, a.ARM_INS_VPUSH,
}  # fmt: skip
_CORE_REGISTERS = {
    register: 1 << number
    for number, register in enumerate((
        a.ARM_REG_R0, a.ARM_REG_R1, a.ARM_REG_R2, a.ARM_REG_R3, a.ARM_REG_R4, a.ARM_REG_R5,
        a.ARM_REG_R6, a.ARM_REG_R7, a.ARM_REG_R8, a.ARM_REG_R9, a.ARM_REG_R10, a.ARM_REG_R11,
        a.ARM_REG_R12, a.ARM_REG_SP, a.ARM_REG_LR,
    ))
}  # fmt: skip
_SINGLE_REGISTERS = {a.ARM_REG_S0 + number: 1 << (16 + number) for number in range(32)}
_DOUBLE_REGISTERS = {a.ARM_REG_D0 + number: 3 << (16 + 2 * number) for number in range(16)}
# Registers to bits: r0-r14 are bits 0-14, s0-s31 bits 16-47. The program counter has none: an
# address formed from it is always known.
_MASKS = {**_CORE_REGISTERS, **_SINGLE_REGISTERS, **_DOUBLE_REGISTERS}
_FP_REGISTERS = {**_SINGLE_REGISTERS, **_DOUBLE_REGISTERS}


@dataclass(frozen=True)
class Cost:
    """What a stretch of code costs when it is run from its first to its last instruction.

    cycles: with zero wait states, without what depends on the instruction before the first.
    head, tail: bit masks for hook.c; see there.
    floating_point: it needs the floating-point unit.
    reads: what it reads, where that is known when it begins; None: it is not.
    skips: it may skip instructions, in an IT block that ends within it.
    unknown: addresses that capstone could not decode; each counts as one instruction of 1 cycle.
    """

    instructions: int
    cycles: int
    head: int
    tail: int
    floating_point: bool
    reads: tuple[Read, ...] | None = None
    skips: bool = False
    unknown: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Step:
    """One instruction. needs and gives are masks; a cycle is lost where they meet."""

    cycles: int
    needs: int
    gives: int
    floating_point: bool = False


class Decoder:
    """Holds a capstone handle; not to be shared between threads."""

    def __init__(self) -> None:
        self._capstone = capstone.Cs(
            capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS
        )
        self._capstone.detail = True

    def cost(
        self,
        code: bytes,
        address: int,
        constant: Callable[[int], int | None] = lambda _address: None,
    ) -> Cost:
        """The cost of `code`, Thumb-2 at `address`, from its first byte to its last.

        constant: the word at an address, where it never changes, else None.
        """
        steps: list[_Step] = []
        unknown: list[int] = []
        tracker = Tracker(constant)
        skips = False
        conditional = 0  # instructions of an IT block that are still to come
        at = 0
        while at < len(code):
            for instruction in self._capstone.disasm(code[at:], address + at):
                steps.append(_step(instruction))
                tracker.step(instruction)
                if instruction.id == a.ARM_INS_IT:
                    conditional = len(instruction.mnemonic) - len("i")
                elif conditional > 0:
                    conditional -= 1
                    skips = True
                at += instruction.size
            if at < len(code):
                unknown.append(address + at)
                tracker.give_up()
                steps.append(_Step(cycles=1, needs=0, gives=0))
                at += _length(code[at : at + 2])
        cycles = 0
        before = 0
        for step in steps:
            cycles += step.cycles + adjustment(before, step.needs)
            before = step.gives
        return Cost(
            instructions=len(steps),
            cycles=cycles,
            head=steps[0].needs if steps else 0,
            tail=before,
            floating_point=any(step.floating_point for step in steps),
            reads=None if tracker.reads is None else tuple(tracker.reads),
            skips=skips and conditional == 0,
            unknown=tuple(unknown),
        )


def adjustment(gives: int, needs: int) -> int:
    """Cycles more (or less) for an instruction that directly follows another; as in hook.c."""
    shared = gives & needs
    late = 1 if shared & (BRANCH_ALWAYS - 1) else 0
    return late - (1 if shared & SINGLE_LOAD else 0)


def _step(i: capstone.CsInsn) -> _Step:
    """Cycles and dependencies of one instruction."""
    kind = i.id
    operands = i.operands
    registers = [o.reg for o in operands if o.type == a.ARM_OP_REG]
    floating_point = any(r in _FP_REGISTERS for r in registers) or kind in (
        a.ARM_INS_VMRS,
        a.ARM_INS_VMSR,
        a.ARM_INS_FMSTAT,
    )
    needs = _address(kind, operands)
    if kind not in _FP_MULTIPLE:
        needs |= _fp_read(kind, operands)
    gives = _results(kind, operands)
    if kind in _LOADS:
        needs |= SINGLE_LOAD
        gives |= SINGLE_LOAD
    if _always_branches(i, registers):
        gives |= BRANCH_ALWAYS
    return _Step(_cycles(kind, registers), needs, gives, floating_point)


def _cycles(kind: int, registers: list[int]) -> int:
    """Table 3-1, and table 7-1 for floating point, without pipelining and refill."""
    if kind in _LOADS or kind in _EXCLUSIVE_STORES or kind in _TABLE_BRANCHES:
        return LOAD_CYCLES
    if kind in _STORES:
        return 1
    if kind in _DOUBLES:
        return 3
    if kind in _LOAD_MULTIPLE or kind in _STORE_MULTIPLE or kind in _FP_MULTIPLE:
        listed = registers if kind in _STACK else registers[1:]
        return 1 + sum(2 if r in _DOUBLE_REGISTERS else 1 for r in listed)
    if kind in _DIVIDES:
        return DIVIDE_CYCLES
    if kind in _FP_SINGLE:
        return 3 if registers[0] in _DOUBLE_REGISTERS else 2
    if kind in _FP_DIVIDES:
        return FP_DIVIDE_CYCLES
    if kind in _FP_MULTIPLY_ACCUMULATES:
        return FP_MULTIPLY_ACCUMULATE_CYCLES
    if kind == a.ARM_INS_VMOV:
        core = sum(r in _CORE_REGISTERS for r in registers)
        half_of_double = core == 1 and any(r in _DOUBLE_REGISTERS for r in registers)
        return 2 if core and not half_of_double else 1
    return 1


def _address(kind: int, operands: list[capstone.arm.ArmOp]) -> int:
    """Registers that an address is formed from; 0 for what touches no memory."""
    mask = 0
    for operand in operands:
        if operand.type == a.ARM_OP_MEM:
            mask |= _MASKS.get(operand.mem.base, 0) | _MASKS.get(operand.mem.index, 0)
    if kind in _STACK:
        return _MASKS[a.ARM_REG_SP]
    if kind in _LOAD_MULTIPLE or kind in _STORE_MULTIPLE or kind in _FP_MULTIPLE:
        mask |= _MASKS.get(operands[0].reg, 0)
    return mask


def _fp_read(kind: int, operands: list[capstone.arm.ArmOp]) -> int:
    """Floating-point registers whose values the instruction takes."""
    mask = 0
    for place, operand in enumerate(operands):
        if operand.type != a.ARM_OP_REG or operand.reg not in _FP_REGISTERS:
            continue
        # The first operand is written, except by stores and compares; a multiply-accumulate
        # reads it as well.
        reads_first = (
            kind in _FP_MULTIPLY_ACCUMULATES
            or kind in _STORING
            or kind in (a.ARM_INS_VCMP, a.ARM_INS_VCMPE)
        )
        if place > 0 or reads_first:
            mask |= _FP_REGISTERS[operand.reg]
    return mask


def _results(kind: int, operands: list[capstone.arm.ArmOp]) -> int:
    """Registers whose new value, formed in this instruction, the next one may have to wait for.

    Core registers: the results of data processing, and what loads bring. A base register that
    is written back is not one of them (docs/cycle_model.md). Floating-point registers: those of
    arithmetic.
    """
    if kind in _STORING or kind in _COMPARES or kind in _FP_MULTIPLE:
        return 0
    listed = operands
    if kind in (a.ARM_INS_LDM, a.ARM_INS_LDMDB):
        listed = operands[1:]
    mask = 0
    for operand in listed:
        if operand.type != a.ARM_OP_REG or not operand.access & capstone.CS_AC_WRITE:
            continue
        if operand.reg in _CORE_REGISTERS or kind in _FP_LATE:
            mask |= _MASKS.get(operand.reg, 0)
    return mask


def _always_branches(i: capstone.CsInsn, registers: list[int]) -> bool:
    """Whether the next instruction never is the one behind this one."""
    if i.cc not in (a.ARM_CC_AL, a.ARM_CC_INVALID) or i.id in (a.ARM_INS_CBZ, a.ARM_INS_CBNZ):
        return False
    if i.group(capstone.CS_GRP_JUMP) or i.group(capstone.CS_GRP_CALL) or i.id in _TABLE_BRANCHES:
        return True
    if i.id == a.ARM_INS_POP or i.id in (a.ARM_INS_LDM, a.ARM_INS_LDMDB):
        return a.ARM_REG_PC in registers
    writes_first = i.id not in _STORING and i.id not in _COMPARES
    return writes_first and bool(registers) and registers[0] == a.ARM_REG_PC


def _length(halfword: bytes) -> int:
    """Bytes of the Thumb instruction that begins with `halfword` (ARMv7-M manual, A5.1)."""
    return 4 if len(halfword) == 2 and halfword[1] >> 3 >= 0b11101 else 2
