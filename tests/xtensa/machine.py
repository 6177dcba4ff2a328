"""Bare-metal test images for a Xtensa core (lx106, Debian's compiler), run in QEMU's simulator.

The core has neither FPU nor vector instructions: floats are computed by `bare/rom.c`. An image is
`bare/start.S`, a port, and what is tested.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge_deploy import places, process
from tests.qemu import machine as arm
from tests.qemu.machine import Said

Paths = Sequence[Path]

BARE = Path(__file__).parent / "bare"
COMPILER = "xtensa-lx106-elf-gcc"
QEMU = "qemu-system-xtensa"
TIMEOUT_S = 120.0

_WORDS = ("-M", "sim", "-cpu", "lx106", "-semihosting", "-nographic", "-monitor", "none")
_FLAGS = (
    *("-std=c99", "-ffreestanding", "-fno-builtin", "-ffp-contract=off", "-O2", "-mlongcalls"),
    *("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wvla", "-Werror"),
)


def needed() -> None:
    """Skip the test where this machine has no compiler or simulator for Xtensa."""
    packages = {COMPILER: "gcc-xtensa-lx106", QEMU: "qemu-system-misc"}
    for program, package in packages.items():
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: apt install {package})")


def image(
    folder: Path,
    sources: Sequence[Path],
    *,
    include: Sequence[Path] = (),
    flags: Sequence[str] = (),
) -> Path:
    """Compile and link an image; fails with what the compiler said. include: before ours."""
    paths = (*include, folder, BARE, arm.BARE, places.shipped("firmware", "src"))
    words = [word for path in paths for word in ("-I", str(path))]
    own = [BARE / name for name in ("start.S", "port.c", "rom.c")]
    made = folder / "xtensa.elf"
    done = process.run(
        [
            *(COMPILER, *_FLAGS, *flags, *words, "-nostdlib", "-T", str(BARE / "link.ld")),
            *(str(source) for source in (*own, *sources)),
            # One segment is all that the simulator loads, so it is writable and executable.
            *("-lgcc", "-Wl,--no-warn-rwx-segments", "-o", str(made)),
        ],
        timeout_s=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return made


def run(image: Path, typed: bytes = b"") -> Said:
    """Run an image to its end. typed: its standard input."""
    words = [QEMU, *_WORDS, "-kernel", str(image)]
    done = process.run(words, timeout_s=TIMEOUT_S, input=typed)
    assert not done.stderr, done.stderr.decode(errors="replace")
    return Said(done.returncode, done.stdout.decode("ascii"))
