"""The C unit tests, compiled with sanitizers and run."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from tests.firmware import building
from tests.firmware.board import sealed

APP = building.SOURCES / "app"
FAKES = [building.TESTS / "fake_port.c"]
PROGRAMS = {
    "test_wire": building.wire_sources(),
    "test_tensor": [
        *building.wire_sources(),
        APP / "ed_tensor.c",
        APP / "ed_measure.c",
        APP / "ed_state.c",
        building.FAKE_MODEL,
    ],
}
WORDS = [
    b"hello", b"load", b"run", b"stream", b"on", b"off", b"reset", b"db", b"print", b"infer",
    b"490", b"1000001", b"0", b" ", b"%", b"%", b"*", b"*3610a686%", b"=", b"[", b"\r\n",
    b"name%", b"\x00", b"\xff", b"a" * 79, b"b" * 81, sealed("run 1 2 1"), sealed("nonsense"),
]  # fmt: skip


@pytest.mark.parametrize("compiler", building.host_compilers())
@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_unit_tests_pass(compiler: str, program: str, tmp_path: Path) -> None:
    sources = [building.TESTS / f"{program}.c", *FAKES, *PROGRAMS[program]]
    built = building.compile_c([compiler], sources, tmp_path / program, flags=building.SANITIZERS)
    done = subprocess.run([built], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_million_bytes_through_the_command_parser(host_compiler: str, tmp_path: Path) -> None:
    """Half of them pure noise, half noise with words in it that get further."""
    sources = [building.TESTS / "fuzz_command.c", *FAKES, *building.wire_sources()]
    built = building.compile_c(
        [host_compiler], sources, tmp_path / "fuzz", flags=building.SANITIZERS
    )
    chance = random.Random(20)
    noise = bytearray(chance.randbytes(500_000))
    while len(noise) < 1_000_000:
        noise += chance.choice(WORDS)
        if chance.random() < 0.1:
            noise += chance.randbytes(chance.randrange(8))
    done = subprocess.run([built], input=bytes(noise), capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    ready, spoiled, with_crc = map(int, done.stdout.split())
    assert ready + spoiled == noise.count(b"%")
    assert min(ready, spoiled, with_crc) > 500
