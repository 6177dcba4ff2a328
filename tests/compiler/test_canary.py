"""The arena as generated code uses it is the plan: every access of every layer, on a Cortex-M4.

An emulator watches each load and store. A layer may write its outputs, state and scratch, and read
those and its inputs, in whole words; holes of the plan, buffers of other layers and all beyond the
arena are out of bounds, a single byte as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_deploy import compiler
from edge_deploy.compiler.ops import vectors
from tests import compiled_model
from tests import model_builder as models
from tests.compiled_model import M4Image
from tests.nn.cases import Seeded
from tests.nn.families import FAMILIES
from tests.shared_models import mlperf

# ITSTATE in XPSR. unicorn 2.1 leaves that of the load or store that it called a hook for in the
# core (edge_deploy/devices/virtual/hook.c), where it would skip instructions of the next block.
ITSTATE = 0x0600FC00
# Before the first layer, the caller writes inputs; after the last it reads outputs.
BEFORE = -1

WHOLE: Mapping[str, Callable[[], bytes]] = {
    "sine": lambda: models.sine_like(0),
    "tiny": lambda: models.tiny_conv(1),
    "kws_like": lambda: models.kws_like(2, filters=13),
    "ad": lambda: mlperf("ad"),
}


@dataclass
class Accesses:
    """Bytes of the arena that were written and read in each layer, and writes elsewhere."""

    arena_bytes: int
    written: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    read: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    elsewhere: list[int] = field(default_factory=list)

    def mark(self, marks: dict[int, NDArray[np.bool_]], layer: int, at: int, size: int) -> None:
        marks.setdefault(layer, np.zeros(self.arena_bytes, np.bool_))[at : at + size] = True


def accesses(image: M4Image) -> Accesses:
    """What one run of an image does to RAM."""
    unicorn = pytest.importorskip("unicorn")
    xpsr = pytest.importorskip("unicorn.arm_const").UC_ARM_REG_XPSR
    size = image.compiled.arena_bytes
    arena = image.symbol("arena")
    stack = compiled_model.RAM + compiled_model.RAM_BYTES - compiled_model.STACK_BYTES
    found = Accesses(size)
    layer = [BEFORE]

    def watch(uc: Any) -> None:
        def begin(*_: Any) -> None:
            layer[0] = 0

        def lap(*_: Any) -> None:
            layer[0] += 1

        def leave_it_block(core: Any) -> None:
            if (state := core.reg_read(xpsr)) & ITSTATE:
                core.reg_write(xpsr, state & ~ITSTATE)

        def write(core: Any, _kind: int, address: int, count: int, *_: Any) -> None:
            found.mark(found.written, layer[0], address - arena, count)
            leave_it_block(core)

        def read(core: Any, _kind: int, address: int, count: int, *_: Any) -> None:
            found.mark(found.read, layer[0], address - arena, count)
            leave_it_block(core)

        def stray(_uc: Any, _kind: int, address: int, *_: Any) -> None:
            found.elsewhere.append(address)

        for name, hook in (("ed_model_invoke", begin), ("lap", lap)):
            at = image.symbol(name)
            uc.hook_add(unicorn.UC_HOOK_CODE, hook, begin=at, end=at)
        last = arena + size - 1
        uc.hook_add(unicorn.UC_HOOK_MEM_WRITE, write, begin=arena, end=last)
        uc.hook_add(unicorn.UC_HOOK_MEM_READ, read, begin=arena, end=last)
        for begin_at, end in ((compiled_model.RAM, arena), (arena + size, stack)):
            if begin_at < end:
                both = unicorn.UC_HOOK_MEM_WRITE | unicorn.UC_HOOK_MEM_READ
                uc.hook_add(both, stray, begin=begin_at, end=end - 1)

    inputs = compiled_model.random_inputs(image.graph, 1)
    watched = compiled_model.run_image(image, inputs, watch=watch)
    for got, wanted in zip(
        watched.outputs[0], compiled_model.run_image(image, inputs).outputs[0], strict=True
    ):
        assert got.tobytes() == wanted.tobytes(), "watching changed what it computes"
    return found


def hold(image: M4Image, what: str) -> Accesses:
    """Hold each access of a run against the plan; returns them."""
    found = accesses(image)
    assert not found.elsewhere, f"{what}: {found.elsewhere[0]:#x} is no part of the arena"
    program, plan = compiler.arrange(compiler.lower(image.graph), image.compiled.target)
    assert plan == image.compiled.plan
    states = {state.tensor: state.bytes for state in program.states}
    nothing = np.zeros(image.compiled.arena_bytes, np.bool_)

    def bytes_of(
        tensors: Iterable[int], scratch_of: int | None = None, *, words: bool = False
    ) -> NDArray[np.bool_]:
        """Bytes of tensors and of a layer's scratch. words: up to a whole word, as kernels read."""
        extents = [
            (plan.tensor_offsets[tensor], states.get(tensor, program.bytes_of(tensor)))
            for tensor in tensors
        ]
        extents += [
            (b.offset, b.bytes)
            for b in plan.buffers
            if b.kind == "scratch" and b.number == scratch_of
        ]
        marks = nothing.copy()
        for offset, size in extents:
            end = offset + size
            marks[offset : end + (-end % compiler.plan.ALIGNMENT if words else 0)] = True
        return marks

    def within(done: NDArray[np.bool_], allowed: NDArray[np.bool_], words: str) -> None:
        out = np.flatnonzero(done & ~allowed)
        assert not len(out), f"{what}: {words} {len(out)} bytes from {out[0]} to {out[-1]}"

    within(
        found.written.get(BEFORE, nothing), bytes_of([*program.inputs, *states]), "before: writes"
    )
    for i, layer in enumerate(program.layers):
        written, read = found.written.get(i, nothing), found.read.get(i, nothing)
        own = [*layer.outputs, *(state.tensor for state in layer.states)]
        within(written, bytes_of(own, i), f"layer {i} writes")
        within(read, bytes_of([*layer.inputs, *own], i, words=True), f"layer {i} reads")
    end = len(program.layers)
    assert end not in found.written
    within(found.read.get(end, nothing), bytes_of(program.outputs), "after: reads")
    for b in plan.buffers:
        lives = range(b.first, min(b.last, end) + 1)
        used = np.logical_or.reduce(
            [marks.get(at, nothing) for marks in (found.written, found.read) for at in lives]
        )[b.offset : b.offset + b.bytes]
        # A tensor from its first byte to its last. Scratch is sized for more than one pixel.
        assert used.any() if b.kind == "scratch" else used.all(), f"{b} of {what} is not used"
    return found


@pytest.mark.parametrize("target", compiler.TARGETS)
@pytest.mark.parametrize("name", WHOLE)
def test_whole_models_use_the_arena_as_planned(name, target):
    found = hold(compiled_model.build_for_m4(WHOLE[name](), target, laps=True), name)
    # The arena ends with the highest planned word, which is in use; of vectors with what may be
    # before or behind them.
    end = vectors.LANES if target == compiler.ESP32S3 else compiler.plan.ALIGNMENT
    assert np.logical_or.reduce(list(found.written.values()))[-end:].any()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_uses_the_arena_as_planned(family):
    for seed in range(3000, 3002):
        case = FAMILIES[family](Seeded(seed))
        hold(compiled_model.build_for_m4(case.data, laps=True), case.text)
