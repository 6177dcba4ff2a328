"""The counters against sums made by hand from docs/cycle_model.md, however code is cut."""

from __future__ import annotations

import random

import pytest

unicorn = pytest.importorskip("unicorn", reason="the virtual extra is not installed")

from tests.devices.virtual import bench  # noqa: E402

# What a body costs: cycles, instructions.
BY_HAND = {
    "nop": (1, 1),
    "movs r0, #1\n adds r0, r0, #2\n eor r1, r0, r0, lsl #3": (3, 3),
    # multiplies: one cycle each
    "mul r0, r1, r2\n mla r0, r1, r2, r3\n mls r0, r1, r2, r3": (3, 3),
    "smull r0, r1, r2, r3\n umlal r0, r1, r2, r3": (2, 2),
    "smlad r0, r1, r2, r0\n smlald r0, r1, r2, r3\n smuad r0, r1, r2": (3, 3),
    "sxtb16 r0, r1\n sxtb16 r0, r1, ror #8\n pkhbt r0, r1, r2, lsl #16\n ssat r0, #8, r1": (4, 4),
    "movs r1, #3\n udiv r0, r1, r1\n sdiv r0, r1, r1": (1 + 7 + 7, 3),
    # loads: 2, and 1 behind another load
    "ldr r0, [r5]": (2, 1),
    "ldr r0, [r5]\n ldr r1, [r5, #4]": (3, 2),
    "ldr r0, [r5]\n ldrb r1, [r5, #4]\n ldrsh r2, [r5, #6]": (4, 3),
    "ldr r0, [r5]\n nop\n ldr r1, [r5]": (5, 3),
    "ldr r0, =0x12345678": (2, 1),
    # addresses that are only just known: 1 more
    "ldr r0, [r5]\n ldr r1, [r0]": (4, 2),
    "mov r0, r5\n ldr r1, [r0]": (4, 2),
    "mov r0, r5\n nop\n ldr r1, [r0]": (4, 3),
    "movs r0, #4\n ldr r1, [r5, r0]": (4, 2),
    "mov r0, r5\n str r1, [r0]": (3, 2),
    "ldr r0, [r5]\n str r1, [r0]": (4, 2),
    "mov r0, r5\n ldm r0, {r1, r2}": (1 + 3 + 1, 2),
    "mov r1, r5\n ldr r0, [r5, #4]": (3, 2),
    # a base that is written back is ready in time
    "mov r0, r5\n nop\n ldr r1, [r0], #4\n ldr r2, [r0], #4": (5, 4),
    # stores
    "str r0, [r5, #8]": (1, 1),
    "str r0, [r5, #8]\n strb r0, [r5, #9]\n strh r0, [r5, #10]": (3, 3),
    "ldr r0, [r5]\n str r0, [r5, #8]": (3, 2),
    "str r0, [r5, #8]\n ldr r0, [r5]": (3, 2),
    "strd r0, r1, [r5, #8]": (3, 1),
    "ldrd r0, r1, [r5, #8]": (3, 1),
    "ldrd r0, r1, [r5, #8]\n ldr r2, [r5]": (5, 2),
    "ldm r5, {r0-r3}": (5, 1),
    "add r0, r5, #32\n nop\n stm r0!, {r1-r3}": (2 + 4, 3),
    "push {r0-r3}\n pop {r0-r3}": (10, 2),
    # branches
    "b 1f\n nop\n 1:": (3, 1),
    "b 1f\n 1:": (3, 1),
    "cmp r0, r0\n bne 1f\n nop\n 1:": (3, 3),
    "cmp r0, r0\n beq 1f\n nop\n 1:": (1 + 1 + 2, 2),
    "movs r0, #0\n cbz r0, 1f\n nop\n 1:": (1 + 1 + 2, 2),
    "movs r0, #0\n cbnz r0, 1f\n nop\n 1:": (3, 3),
    "b 2f\n 1: bx lr\n 2: bl 1b": (3 + 3 + 3, 3),
    "b 2f\n 1: push {r4, lr}\n pop {r4, pc}\n 2: bl 1b": (3 + 3 + 3 + 3 + 2, 4),
    "b 2f\n .p2align 2\n 1: .word 0\n 2: adr r0, 3f\n adds r0, #1\n bx r0\n .p2align 2\n 3:": (
        3 + 1 + 1 + 3,
        4,
    ),
    "movs r0, #1\n nop\n tbb [pc, r0]\n 1: .byte 1, 1\n 2:": (1 + 1 + 2 + 2, 3),
    # loops of known length
    "movs r0, #100\n 1: subs r0, #1\n bne 1b": (1 + 100 * 2 + 99 * 2, 1 + 200),
    "movw r0, #50000\n 1: subs r0, #1\n bne 1b": (1 + 50000 * 2 + 49999 * 2, 1 + 100000),
    "movs r0, #10\n 2: movs r1, #20\n 1: subs r1, #1\n bne 1b\n subs r0, #1\n bne 2b": (
        1 + 10 * (1 + 20 * 2 + 19 * 2 + 2) + 9 * 2,
        1 + 10 * (1 + 40 + 2),
    ),
    "movs r0, #100\n 1: ldr r1, [r5]\n ldr r2, [r5, #4]\n subs r0, #1\n bne 1b": (
        1 + 100 * 5 + 99 * 2,
        1 + 400,
    ),
    # IT blocks: what is skipped counts
    "cmp r0, r0\n it ne\n addne r1, r1, #1": (3, 3),
    "cmp r0, r0\n ittte eq\n addeq r1, r1, #1\n moveq r2, r1\n addeq r1, r1, #1\n addne r1, #1": (
        6,
        6,
    ),
    "cmp r0, r0\n it ne\n ldrne r1, [r5]": (4, 3),
    # floating point
    "vmov.f32 s0, #1.0\n nop\n vadd.f32 s1, s0, s0\n nop": (4, 4),
    "vadd.f32 s1, s0, s0\n vmul.f32 s2, s1, s1": (3, 2),
    "vadd.f32 s1, s0, s0\n vstr s1, [r5, #8]": (1 + 2 + 1, 2),
    "vmla.f32 s1, s2, s3\n nop\n vfma.f32 s1, s2, s3": (7, 3),
    "vdiv.f32 s1, s2, s3\n vsqrt.f32 s4, s5": (28, 2),
    "vldr s0, [r5]\n vldr d1, [r5, #8]": (5, 2),
    "vldmia r5, {s0-s3}\n vpush {d0-d1}\n vpop {d0-d1}": (15, 3),
    "vmov r0, s0\n vmov s1, r0\n vmov r0, r1, s2, s3\n vmov d4, r0, r1": (2 + 2 + 2 + 2, 4),
    # vmov.32 r0, d1[1]; vmov.32 d1[0], r0: the assembler takes them for larger units only
    ".inst.w 0xEE310B10\n .inst.w 0xEE010B10\n vmov.f32 s0, s1": (3, 3),
}


@pytest.mark.parametrize("body", BY_HAND)
def test_costs_what_the_model_says(body):
    found = bench.cost(body)
    assert (found.cycles, found.instructions) == BY_HAND[body]


# body: 32-bit words read from flash (r4 points to flash, aligned)
FLASH_READS = {
    "ldr r0, [r4]": 1,
    "ldrb r0, [r4, #3]": 1,
    "ldrh r0, [r4, #2]": 1,
    "ldrh r0, [r4, #3]": 2,
    "ldr r0, [r4, #1]": 2,
    "ldr r0, [r4, #3]": 2,
    "ldrd r0, r1, [r4, #8]": 2,
    "ldm r4, {r0-r3}": 4,
    "vldr s0, [r4]": 1,
    "vldr d0, [r4]": 2,
    "vldmia r4, {s0-s3}": 4,
    "vldmia r4, {d0-d1}": 4,
    "ldr r0, =0x12345678": 1,
    "ldr r0, [r5]": 0,
    "ldm r5, {r0-r3}": 0,
    "str r0, [r5, #8]": 0,
    "cmp r0, r0\n it ne\n ldrne r0, [r4]": 0,
    "movs r0, #50\n 1: ldr r1, [r4]\n ldr r2, [r4, #6]\n subs r0, #1\n bne 1b": 150,
}


@pytest.mark.parametrize("body", FLASH_READS)
def test_counts_words_read_from_flash(body):
    assert bench.cost(body).flash_words == FLASH_READS[body]


def test_flash_reads_are_not_counted_when_that_is_off():
    found = bench.cost("ldr r0, [r4]", wait_states=None)
    assert (found.cycles, found.flash_words) == (2, 0)


def test_clock_is_cycles_and_wait_states():
    recorder = bench.Recorder()
    cpu = bench.Cpu(
        bench.image("ldr r0, [r4, #1]"),
        ram_bytes=bench.thumb.RAM_BYTES,
        wait_states=3,
        devices=(bench.Devices(bench.MARKS, 0x1000, recorder.read, recorder.write),),
    )
    recorder.cpu = cpu
    cpu.reset(bench.thumb.APPLICATION)
    cpu.run(1_000_000)
    assert recorder.done
    assert cpu.clock == cpu.cycles + 3 * cpu.flash_words
    assert cpu.flash_words >= 2


# Two instructions that depend on each other, the second one first in a new page.
ACROSS_PAGES = {
    ("ldr r0, [r5]", "ldr r1, [r5, #4]"): 3,
    ("ldr r0, [r5]", "ldr r1, [r0]"): 4,
    ("mov r0, r5", "ldr r1, [r0]"): 4,
    ("mov r0, r5", "str r1, [r0]"): 3,
    ("mov r0, r5", "ldr r1, [r5]"): 3,
    ("str r0, [r5, #8]", "ldr r1, [r5]"): 3,
}


@pytest.mark.parametrize("pair", ACROSS_PAGES)
def test_a_page_boundary_costs_nothing(pair):
    # nops up to the last halfword of a page, then the pair
    first, second = pair
    body = f"b.w 1f\n .p2align 12\n .space 4094\n 1: {first}\n {second}"
    together = f"b.w 1f\n .p2align 12\n .space 4000\n 1: {first}\n {second}"
    cut, whole = bench.cost(body), bench.cost(together)
    assert cut.blocks == whole.blocks + 1, "the emulator did not cut the code there"
    assert cut.cycles == whole.cycles == 3 + ACROSS_PAGES[pair]
    assert cut.instructions == whole.instructions == 3


@pytest.mark.parametrize("back", range(2, 14, 2))
def test_an_it_block_across_a_page_boundary(back):
    loop = """
    movs r1, #0
    movs r2, #50
1:  cmp r2, #25
    ittee gt
    addgt r1, r1, #1
    addgt r1, r1, #1
    addle r1, r1, #3
    strle r1, [r5, #8]
    subs r2, #1
    bne 1b
    """
    body = f"b.w 2f\n .p2align 12\n .space {4096 - back - 4}\n 2: {loop}"
    expected_cycles = 3 + 2 + 50 * 8 + 49 * 2 + 50 * 0
    expected = (expected_cycles, 1 + 2 + 50 * 8)
    for slice_cycles in (None, 1, 3):
        found = bench.cost(body, slice_cycles=slice_cycles)
        assert (found.cycles, found.instructions) == expected


# Straight-line pieces with their cost, what they produce and what they need: an independent,
# much simpler statement of the model.
PIECES = (
    ("nop", 1, None, None, False),
    ("adds r0, r0, #1", 1, "r0", None, False),
    ("add.w r1, r0, r2", 1, "r1", None, False),
    ("smlad r2, r0, r1, r2", 1, "r2", None, False),
    ("mov r3, r5", 1, "r3", None, False),
    ("ldr r1, [r5]", 2, "r1", "r5", True),
    ("ldr.w r2, [r5, #8]", 2, "r2", "r5", True),
    ("ldrb r1, [r4, #5]", 2, "r1", "r4", True),
    ("str r0, [r5, #12]", 1, None, "r5", False),
    ("ldm r5, {r0, r1}", 3, "r0 r1", "r5", False),
    ("mov r3, r5\n ldr r0, [r3]", None, None, None, None),
    ("cmp r0, r1", 1, None, None, False),
)


def straight_line(seed: int, length: int) -> tuple[str, int, int]:
    """A random program without branches: its source, cycles and instructions."""
    chosen = random.Random(seed)
    lines: list[str] = []
    cycles = instructions = 0
    produced: set[str] = set()
    loaded = False
    while instructions < length:
        text, base, gives, needs, load = chosen.choice(PIECES)
        pieces = (
            [("mov r3, r5", 1, "r3", None, False), ("ldr r0, [r3]", 2, "r0", "r3", True)]
            if base is None
            else [(text, base, gives, needs, load)]
        )
        for text, base, gives, needs, load in pieces:
            lines.append(text)
            cycles += base + (needs in produced) - (loaded and load)
            instructions += 1
            produced, loaded = set((gives or "").split()), load
    return "\n".join(lines), cycles, instructions


@pytest.mark.parametrize("seed", range(6))
def test_long_straight_code_costs_the_same_however_it_is_cut(seed):
    source, cycles, instructions = straight_line(seed, 3000)
    for slice_cycles in (None, 1):
        found = bench.cost(source, slice_cycles=slice_cycles)
        assert (found.cycles, found.instructions) == (cycles, instructions)
        assert found.blocks > 6, "the code was not cut at all"


MIXED = """
    movs r0, #40
9:  ldr r1, [r4]
    ldr r2, [r4, #5]
    push {r0-r2}
    pop {r0-r2}
    cmp r1, r2
    ite gt
    addgt r3, r3, #1
    strle r3, [r5, #12]
    movs r1, #7
1:  subs r1, #1
    beq 2f
    ldrb r2, [r5, r1]
    b 1b
2:  subs r0, #1
    bne 9b
"""


@pytest.mark.parametrize("slice_cycles", [1, 2, 3, 5, 17, 100, 1001])
def test_counts_do_not_depend_on_interruptions(slice_cycles):
    assert bench.run(MIXED, slice_cycles=slice_cycles) == bench.run(MIXED)


def test_same_counts_every_time():
    assert bench.run(MIXED) == bench.run(MIXED)


def test_wait_states_change_no_cycle():
    without = bench.run(MIXED, wait_states=None)
    counted = bench.run(MIXED, wait_states=5)
    assert without.cycles == counted.cycles
    assert without.instructions == counted.instructions
    assert counted.flash_words > 0
