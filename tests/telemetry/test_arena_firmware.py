"""The arena of the running firmware is the plan: a pattern survives where nothing is planned.

The whole firmware with a model runs on the virtual board. Once it has booted, its arena and all RAM
above its variables get a pattern; inference then leaves it in every hole and beyond.
"""

from __future__ import annotations

import random

import pytest

pytest.importorskip("unicorn", reason="the virtual extra is not installed")

from edge_deploy import boards, build, compiler, devices, model
from edge_deploy.compiler.plan import ALIGNMENT
from edge_deploy.devices.virtual.cpu import RAM_BASE
from edge_deploy.telemetry.session import Session
from edge_deploy.toolchains import ToolchainMissing
from tests import model_builder as models
from tests.shared_models import mlperf

MODELS = {
    "sine": lambda: models.sine_like(0),
    "tiny": lambda: models.tiny_conv(1),
    "fully_connected": lambda: models.fully_connected(4, inputs=61, outputs=7),
    "kws": lambda: mlperf("kws"),
}
PATTERNS = (0xA5, 0x3C)  # a byte may happen to be written with one of them, not with both


@pytest.mark.parametrize("name", MODELS)
def test_inference_writes_what_is_planned_and_nothing_else(name, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(tmp_path))
    graph = model.read(MODELS[name](), name=name)
    board = boards.load("nano33")
    compiled = compiler.compile(graph, target=board.target)
    try:
        artifact = build.firmware(compiled, graph=graph, board=board, port="virtual_m4")
    except ToolchainMissing as missing:
        pytest.skip(missing.message)
    layout = build.layout(artifact.elf)
    arena = next(symbol for symbol in layout.symbols if symbol.name == "arena")
    assert arena.bytes == compiled.arena_bytes == artifact.manifest.arena_bytes
    top = max(s.address + s.bytes for s in layout.symbols if s.memory == "RAM")
    end = RAM_BASE + board.application_ram_bytes

    used = [False] * arena.bytes
    with devices.resolve("virtual", board) as device:
        device.flash(artifact)
        with Session(device.open()) as session:
            session.begin()
            session.load(random.Random(name).randbytes(session.board.input_bytes))
            session.run(1)  # and is idle again
            cpu = device.virtual._machine._cpu
            for pattern in PATTERNS:
                kept = cpu.read_memory(arena.address, arena.bytes)
                inputs = compiled.plan.buffers if compiled.plan.inputs_preserved else ()
                filled = bytearray([pattern]) * arena.bytes
                for buffer in inputs:  # which the board has, and copies to nowhere
                    if buffer.first < 0:
                        at = slice(buffer.offset, buffer.offset + buffer.bytes)
                        filled[at] = kept[at]
                cpu.write_ram(arena.address, bytes(filled))
                cpu.write_ram(top, bytes([pattern]) * (end - top))
                session.run(1)
                after = cpu.read_memory(arena.address, arena.bytes)
                used = [u or a != pattern for u, a in zip(used, after, strict=True)]
                assert cpu.read_memory(top, end - top) == bytes([pattern]) * (end - top)
    planned = [False] * arena.bytes
    for buffer in compiled.plan.buffers:
        planned[buffer.offset : buffer.offset + buffer.bytes] = [True] * buffer.bytes
    assert not any(u and not p for u, p in zip(used, planned, strict=True))
    assert any(used[-ALIGNMENT:])
