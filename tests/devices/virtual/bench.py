"""Runs a piece of code on a bare Cpu between two marks, and says what it cost."""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.devices.virtual.cpu import Cpu, CpuFault, Devices
from tests.devices.virtual import thumb

WAIT_STATES = 2
MARKS = 0xA0000000
# RAM that the code under test may read and write; r5 points to it, and so does its first word.
SCRATCH = 0x20001000
# Flash data for it; r4 points to it.
FLASH_DATA = 0x80000

# r6 is where the marks are. The code under test may use r0 to r3, and what it saves.
_FRAME = """
    ldr r0, =0xE000ED88
    ldr r1, [r0]
    orr r1, r1, #0xF00000
    str r1, [r0]
    dsb
    isb
    ldr r6, =0xA0000000
    ldr r5, =0x20001000
    ldr r4, =0x80000
    str r5, [r5]
    movs r0, #0
    b.w 7f
8:  str r0, [r6]
    bx lr
    .ltorg
    {align}
7:  nop
    bl 8b
    nop
{body}
    nop
    nop
    bl 8b
    str r0, [r6, #4]
    b .
"""


@dataclass(frozen=True)
class Counts:
    """What was counted between the two marks, less what the empty frame costs."""

    cycles: int
    instructions: int
    flash_words: int
    blocks: int

    def __sub__(self, other: Counts) -> Counts:
        return Counts(
            self.cycles - other.cycles,
            self.instructions - other.instructions,
            self.flash_words - other.flash_words,
            self.blocks - other.blocks,
        )


class Recorder:
    """The marks as a device."""

    def __init__(self) -> None:
        self.cpu: Cpu | None = None
        self.marks: list[Counts] = []
        self.done = False

    def read(self, _offset: int) -> int:
        return 0

    def write(self, offset: int, _value: int) -> None:
        cpu = self.cpu
        assert cpu is not None
        if offset == 4:
            self.done = True
            cpu.halt()
        else:
            self.marks.append(Counts(cpu.cycles, cpu.instructions, cpu.flash_words, cpu.blocks))


def image(body: str, *, align: str = "") -> bytes:
    """The flash of a body in its frame."""
    data = {FLASH_DATA: bytes(range(256))}
    return thumb.flash(_FRAME.format(body=body, align=align), data=data)


def run(
    body: str, *, align: str = "", slice_cycles: int | None = None, wait_states: int | None = 2
) -> Counts:
    """Between the marks, frame included."""
    recorder = Recorder()
    cpu = Cpu(
        image(body, align=align),
        ram_bytes=thumb.RAM_BYTES,
        wait_states=wait_states,
        devices=(Devices(MARKS, 0x1000, recorder.read, recorder.write),),
    )
    recorder.cpu = cpu
    cpu.reset(thumb.APPLICATION)
    while not recorder.done:
        assert cpu.clock < 50_000_000, "the program does not end"
        cpu.run(cpu.clock + (slice_cycles or 10_000_000))
    first, second = recorder.marks
    return second - first


def cost(body: str, **options) -> Counts:
    """What the body alone costs: with a nop before it and a nop behind it."""
    return run(body, **options) - run("", **options)


def fault(source: str, *, ram: dict[int, bytes] | None = None) -> CpuFault:
    """What stops a program."""
    cpu = Cpu(thumb.flash(source), ram_bytes=thumb.RAM_BYTES, wait_states=2)
    for address, content in (ram or {}).items():
        cpu.write_ram(address, content)
    try:
        cpu.reset(thumb.APPLICATION)
        cpu.run(1_000_000)
    except CpuFault as found:
        return found
    raise AssertionError("the program was not stopped")
