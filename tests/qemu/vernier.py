"""Reads of a coarse timer to an exact number of instructions.

QEMU with `-icount shift=0` lets one nanosecond pass with every instruction; the CMSDK timer of
mps2-an386 counts down at 25 MHz, one tick in 40 instructions. `bare/measure_qemu.S` reads it in
a loop of 41 instructions: where the value steps by two, a tick ended with the read before.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

TICK = 40
LOOP = TICK + 1
READS = 42
# Of ed_measure() itself, from the last read before the call to the first one after it.
OWN = 46


def instructions(reads: Sequence[int]) -> int:
    """Instructions of the function that was called between the two loops of reads.

    reads: 2 * READS values of the timer, as `ed_measure` left them. Raises ValueError when
    they do not step as a timer of TICK instructions would.
    """
    if len(reads) != 2 * READS:
        raise ValueError(f"{len(reads)} reads instead of {2 * READS}")
    before, after = _position(reads[:READS]), _position(reads[READS:])
    last_before = before + LOOP * (READS - 1)
    return (after - last_before) % (TICK * 2**32) - OWN


def _position(reads: Sequence[int]) -> int:
    """When the first of a loop's reads was made, in instructions, modulo 40 * 2**32.

    From one read to the next the phase within the tick goes up by one instruction; between
    phase 39 and phase 0 the timer steps by two.
    """
    steps = [(a - b) % 2**32 for a, b in itertools.pairwise(reads)]
    wraps = [i for i, step in enumerate(steps) if step == 2]
    if set(steps) - {1, 2} or not wraps or any((w - wraps[0]) % TICK for w in wraps):
        raise ValueError(f"the timer does not count {TICK} instructions a tick: steps {steps}")
    ticks = (2**32 - 1 - reads[wraps[0]]) % 2**32  # the timer counts down
    return ticks * TICK + TICK - 1 - LOOP * wraps[0]
