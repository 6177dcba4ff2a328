"""The QEMU harness itself: it tells right from wrong, and counts to the instruction."""

from __future__ import annotations

import struct

import pytest

from tests.qemu import machine

TEXT, LDR, LDRD, LDM, VLDR, STRD, FLOAT, EXIT = range(8)
UNALIGNED = 1 << 24  # CFSR, UsageFault status, UNALIGNED: ARMv7-M ARM, B3.2.15

compilers = pytest.mark.parametrize("compiler", ["arm-none-eabi-gcc", "zig"])


@pytest.fixture(autouse=True)
def _qemu() -> None:
    machine.needs_qemu()


@compilers
def test_text_and_success(compiler, tmp_path):
    said = machine.run(machine.probe_image(machine.toolchain(compiler), tmp_path, TEXT))
    assert said == machine.Said(0, "word 00000000\ndone\n")


@compilers
def test_failure_is_seen(compiler, tmp_path):
    said = machine.run(machine.probe_image(machine.toolchain(compiler), tmp_path, EXIT))
    assert (said.returncode, said.text) == (1, "leaving\n")


@compilers
def test_the_fpu_is_on(compiler, tmp_path):
    said = machine.run(machine.probe_image(machine.toolchain(compiler), tmp_path, FLOAT))
    third = struct.unpack("<I", struct.pack("<f", 1 / 3))[0]
    assert said.lines == [f"word {third:08x}", "done"]


@compilers
@pytest.mark.parametrize("offset", [0, 1, 2, 3])
def test_a_plain_load_may_be_unaligned(compiler, offset, tmp_path):
    said = machine.run(machine.probe_image(machine.toolchain(compiler), tmp_path, LDR, offset))
    word = int.from_bytes(bytes(range(offset, offset + 4)), "little")
    assert said.lines == [f"word {word:08x}", "done"]


@compilers
@pytest.mark.parametrize("probe", [LDRD, LDM, VLDR, STRD])
def test_what_silicon_faults_on_faults(compiler, probe, tmp_path):
    compiler = machine.toolchain(compiler)
    assert machine.run(machine.probe_image(compiler, tmp_path, probe, 4)).returncode == 0
    said = machine.run(machine.probe_image(compiler, tmp_path, probe, 2))
    assert said.returncode == 1
    assert said.text.startswith(f"fault cfsr={UNALIGNED:08x} pc=")
