"""Reads that are counted when a block begins, against a hook in Python that sees each of them."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("unicorn", reason="the virtual extra is not installed")

from edge_deploy.devices.virtual import native
from tests.devices.virtual import bench
from tests.devices.virtual.test_native_hook import reference

TURNS = 900
"""More than hook.c's HOT: most of each loop runs in code that was translated anew."""

# r4 points to flash, r5 to RAM, whose first word is r5. A loop begins with r0 = r4, r1 = r5.
BODIES = {
    "plain": "ldr r2, [r0, #4]\n ldrb r2, [r1, #3]\n ldrsh.w r2, [r0, #6]",
    "post-indexed": "ldr r2, [r0], #4\n ldrb r2, [r0], #-1\n ldr r2, [r0]",
    "pre-indexed": "ldr r2, [r0, #6]!\n ldrh r2, [r0, #1]!\n ldr r2, [r0, #-4]",
    "moved by hand": "adds r0, #3\n add r1, r0, r0\n subs r1, r1, r0\n ldr r2, [r1]",
    "shifted": "movs r2, #5\n ldr r2, [r0, r2, lsl #2]\n lsls r2, r3, #1\n ldrb r2, [r4, r2]",
    "by the counter": "and r2, r3, #15\n ldrb r2, [r4, r2]\n ldrb r2, [r4, r3]",
    "scaled counter": "add r2, r4, r3, lsl #2\n ldr r2, [r2]\n sub r2, r5, r3\n ldrb r2, [r2, #9]",
    "several": "ldm r0!, {r1, r2}\n ldr r2, [r0]\n ldmdb r0, {r1, r2}\n ldrd r1, r2, [r0], #8",
    "its own base": "ldr r1, [r1]\n ldr r2, [r1]\n ldm r0, {r0, r2}",
    "stack": "push {r0-r2}\n ldr r2, [sp, #4]\n pop {r0-r2}\n ldr r2, [r0]",
    "moved to flash": "mov r2, sp\n mov sp, r4\n pop {r0, r1}\n ldr r0, [sp, #4]\n mov sp, r2",
    "literals": "ldr r2, =0x80002\n ldr r2, [r2]\n ldr r2, =0x20001000\n ldr r2, [r2]",
    "floating point": "vldr s0, [r0, #4]\n vldr d1, [r0, #8]\n vldmia r0!, {s0-s2}\n"
    " vldr s0, [r0]\n vpush {d0}\n vpop {d2}",
    "chased": "ldr r2, [r5]\n ldr r2, [r2]\n ldr r2, [r2, #4]",
    "in an IT block": "tst r3, #1\n ite ne\n ldrne r2, [r0]\n ldreq r2, [r1]",
    "behind an IT block": "tst r3, #1\n it ne\n movne r0, r1\n ldr r2, [r0]",
    "either side": "tst r3, #1\n beq 1f\n mov r0, r1\n 1: ldr r2, [r0]\n ldr r2, [r0, #6]",
    "a table": "and r2, r3, #1\n b 2f\n .p2align 2\n 2: tbb [pc, r2]\n 1: .byte 1, 1",
    "stores": "str r2, [r1, #16]!\n ldr r2, [r1]\n strd r2, r2, [r1], #8\n ldr r2, [r1]\n"
    " add r0, r5, #64\n stm r0!, {r1, r2}\n ldr r2, [r0]",
    "across pages": "ldr r0, =0x80ffe\n ldr r2, [r0]\n ldrh r2, [r0, #1]\n ldrh r2, [r0]",
}  # fmt: skip


def loop(body: str) -> str:
    return f"""
    movw r3, #{TURNS}
9:  mov r0, r4
    mov r1, r5
    {body}
    subs r3, #1
    bne.w 9b
    """


@pytest.mark.parametrize("name", BODIES)
def test_counts_what_each_load_reads(name):
    body = loop(BODIES[name])
    expected = reference(bench.image(body))
    assert bench.run(body) == expected
    assert bench.run(body, slice_cycles=101) == expected
    if name not in ("chased", "stores"):
        assert expected.flash_words >= TURNS // 2


def test_a_loop_within_a_block_that_was_entered_from_above():
    # The outer block holds the inner one's first instruction: each is translated anew in turn.
    body = """
    movw r0, #2000
1:  ldr r1, [r4]
    movs r2, #5
9:  ldr r3, [r4, #8]
    ldrh r3, [r4, #3]
    subs r2, #1
    bne 9b
    ldrb r3, [r4, r0]
    subs r0, #1
    bne 1b
    """
    assert bench.run(body) == reference(bench.image(body))


def test_reads_that_find_no_place_are_watched(monkeypatch):
    body = loop(BODIES["plain"] + "\n b 1f\n 1: " + BODIES["several"])
    expected = bench.run(body)
    for places in (0, 3, 6):
        monkeypatch.setattr(native, "READS", places)
        assert bench.run(body) == expected


def test_a_reset_starts_over():
    recorder = bench.Recorder()
    cpu = bench.Cpu(
        bench.image(loop(BODIES["several"])),
        ram_bytes=bench.thumb.RAM_BYTES,
        wait_states=2,
        devices=(bench.Devices(bench.MARKS, 0x1000, recorder.read, recorder.write),),
    )
    recorder.cpu = cpu
    for _ in range(3):
        recorder.done = False
        cpu.reset(bench.thumb.APPLICATION)
        while not recorder.done:
            cpu.run(cpu.clock + 5_000)
    found = {recorder.marks[at + 1] - recorder.marks[at] for at in (0, 2, 4)}
    assert len(found) == 1


STEPS = (
    "add r0, r4, #{small}", "add r0, r5, #{small}", "mov r1, r0", "subs r0, #{tiny}",
    "ldr r2, [r0, #{small}]", "ldrb r2, [r0], #{tiny}", "ldrh r2, [r1, #{small}]",
    "ldr r2, [r1, #{tiny}]!", "ldrsb r2, [r4, #{small}]", "and r2, r2, #31",
    "and r2, r3, #31\n ldrb r2, [r4, r2]", "and r2, r3, #7\n ldr r2, [r0, r2, lsl #2]",
    "tst r3, #{bit}\n it ne\n ldrne r2, [r0]",
    "tst r3, #{bit}\n ite eq\n moveq r0, r4\n movne r0, r5",
    "str r2, [r5, #{high}]", "ldr r1, [r5]", "ldr r1, =0x80010", "ldr r2, =0x12345678",
    "push {{r0, r1}}\n pop {{r1, r2}}", "ldrd r1, r2, [r5, #{high}]\n mov r1, r4",
    "ldm r4, {{r0, r1, r2}}\n mov r0, r5\n mov r1, r4", "vldr s0, [r4, #{high}]",
    "tst r3, #{bit}\n beq 7f\n ldr r2, [r4, #{small}]\n 7:", "b 7f\n nop\n 7:", "isb",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_random_programs(seed):
    chosen = random.Random(seed)
    steps = [
        chosen.choice(STEPS).format(
            tiny=chosen.randint(1, 5), small=chosen.randint(0, 40),
            high=4 * chosen.randint(4, 12), bit=1 << chosen.randint(0, 4),
        )
        for _ in range(chosen.randint(3, 30))
    ]  # fmt: skip
    body = loop("\n".join(steps))
    expected = reference(bench.image(body))
    assert bench.run(body) == expected
    assert bench.run(body, slice_cycles=chosen.randint(1, 300)) == expected
