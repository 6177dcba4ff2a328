"""One inference has as many instructions on the virtual board as in QEMU, exactly.

The very same object files (model, kernels, functions of known length) are linked into an image
for each machine; only where they are placed differs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
from pathlib import Path

import pytest

from edge_deploy import boards, build, compiler, model
from edge_deploy.compiler import Compiled
from edge_deploy.devices.virtual.board import VirtualBoard
from edge_deploy.devices.virtual.device import VirtualDevice
from edge_deploy.model.graph import Graph
from edge_deploy.telemetry.run_reply import RunResult
from edge_deploy.telemetry.session import Session
from edge_deploy.toolchains import Toolchain
from tests import compiled_model, shared_models
from tests import model_builder as models
from tests.qemu import machine, vernier

NOPS = (0, 1, 39, 40, 41, 1000)
# Of ed_measure() in measure_virtual.S: nop, movs, blx, bl, and the four of `latch`.
OWN_VIRTUAL = 8
SILENCE_S = 60.0

MODELS = {
    "sine": lambda: models.sine_like(1),
    "every_operator": lambda: models.tiny_conv(2),
    "kws": lambda: shared_models.mlperf("kws"),
}

toolchains = pytest.mark.parametrize("toolchain", ["arm-none-eabi-gcc", "zig"])


@pytest.fixture(autouse=True)
def _needed() -> None:
    machine.needs_qemu()
    pytest.importorskip("unicorn")
    pytest.importorskip("capstone")


@toolchains
@pytest.mark.parametrize("name", MODELS)
def test_qemu_and_the_virtual_board_count_the_same(name, toolchain, tmp_path):
    chosen = machine.toolchain(toolchain)
    graph = model.read(MODELS[name](), name=name)
    compiled = compiler.compile(graph, target="cortex_m4")
    made = machine.compile_model(chosen, tmp_path, compiled.files)
    inputs = [one[0].tobytes() for one in compiled_model.random_inputs(graph, 1, seed=5)]

    def image(which: str) -> Path:
        return machine.model_image(chosen, tmp_path, made, inputs, machine=which, measure=True)

    qemu = machine.run(image("qemu"), counting=True)
    virtual = run_on_virtual_board(image("virtual"), tmp_path / "home")
    assert qemu.outputs == virtual.outputs
    assert len(qemu.outputs) == 1

    in_qemu = {what: vernier.instructions(reads) for what, reads in qemu.reads.items()}
    on_board = {what: between(reads) for what, reads in virtual.reads.items()}
    # N nops and the return.
    known = {f"nops_{count}": count + 1 for count in NOPS}
    assert {what: count for what, count in in_qemu.items() if what != "invoke"} == known
    assert {what: count for what, count in on_board.items() if what != "invoke"} == known
    assert in_qemu["invoke"] == on_board["invoke"]
    assert in_qemu["invoke"] > 100  # a model was run


@toolchains
@pytest.mark.parametrize("name", ["every_operator", "kws"])
def test_run_reports_what_qemu_counts_and_the_laps(name, toolchain, tmp_path):
    """`instructions` of a run is that of ed_model_invoke() and of the way between two latches.

    The way is as long as with an ed_model_invoke() that is a single return.
    """
    chosen = machine.toolchain(toolchain)
    graph = model.read(MODELS[name](), name=name)
    compiled = compiler.compile(graph, target="cortex_m4")
    made = machine.compile_model(chosen, tmp_path, compiled.files)
    inputs = [one[0].tobytes() for one in compiled_model.random_inputs(graph, 1, seed=5)]
    image = machine.model_image(chosen, tmp_path, made, inputs, measure=True)
    qemu = machine.run(image, counting=True)

    reported = run_firmware(compiled, graph, chosen, inputs[0], tmp_path / "model")
    empty = run_firmware(only_a_return(compiled), graph, chosen, inputs[0], tmp_path / "empty")
    assert reported.output == qemu.outputs[0]
    way = instructions_of(empty) - 1
    assert instructions_of(reported) - way == vernier.instructions(qemu.reads["invoke"])
    assert 10 < way < 200, way


def only_a_return(compiled: Compiled) -> Compiled:
    """The same model, whose ed_model_invoke() is one instruction."""
    begin = "void ed_model_invoke(ed_model_lap lap)\n{"
    text = compiled.files["ed_model.c"]
    assert text.count(begin) == 1
    text = text.replace(begin, f"void unused_invoke(ed_model_lap lap);\n{begin}")
    text = text.replace(begin, begin.replace("ed_model_invoke", "unused_invoke"))
    text += (
        "\n__attribute__((naked)) void ed_model_invoke(ed_model_lap lap __attribute__((unused)))\n"
        '{\n    __asm__ volatile("bx lr");\n}\n'
    )
    return dataclasses.replace(compiled, files={**compiled.files, "ed_model.c": text})


def run_firmware(
    compiled: Compiled, graph: Graph, toolchain: Toolchain, data: bytes, home: Path
) -> RunResult:
    """One run of the real firmware on the virtual board."""
    board = boards.load("nano33")
    made = build.firmware(
        compiled, graph=graph, board=board, port="virtual_m4", toolchain=toolchain
    )
    with contextlib.closing(VirtualDevice(board, home=home)) as device:
        device.flash(made)
        with Session(device.open(), timeout_s=SILENCE_S) as session:
            session.begin()
            session.load(data)
            return session.run()


def instructions_of(result: RunResult) -> int:
    count = result.laps[0].counts.instructions
    assert count is not None
    return count


def test_a_timer_of_another_rate_is_refused():
    steps = [vernier.TICK + 1] * (2 * vernier.READS)
    values = [2**32 - 1 - sum(steps[:i]) // 20 for i in range(len(steps))]
    with pytest.raises(ValueError, match="does not count 40 instructions"):
        vernier.instructions(values)


def between(reads: list[int]) -> int:
    """Instructions between the two latches of measure_virtual.S, less its own."""
    before, after = (reads[i] + (reads[i + 1] << 32) for i in (0, 2))
    return after - before - OWN_VIRTUAL


def run_on_virtual_board(elf: Path, home: Path) -> machine.Said:
    """Flash an image, and read the serial port until the image says that it is done."""
    address, image = build.flat_image(elf)
    board = VirtualBoard(boards.load("nano33"), home=home, pseudo_terminal=False)
    try:
        board.flash_image(image, address)
        board.prepare()
        port = int(board.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=SILENCE_S) as host:
            assert board.wait_for_host(SILENCE_S)
            board.start()
            text = b""
            while not text.endswith(b"done\n"):
                some = host.recv(65536)
                assert some, f"{board.ended}: {text[-200:]!r}"
                text += some
        return machine.Said(0, text.decode("ascii"))
    finally:
        board.close()
