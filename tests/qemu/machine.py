"""Bare-metal test images for a Cortex-M4: built with the toolchain under test, run in QEMU.

An image is `bare/startup.S`, a port (QEMU's semihosting or the virtual board's serial port),
and either the generated model with inputs (`model_image`) or one probe (`probe_image`).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_deploy import places, process, toolchains
from edge_deploy.toolchains import Toolchain

BARE = Path(__file__).parent / "bare"
QEMU = "qemu-system-arm"
RUN_TIMEOUT_S = 120.0

# mps2-an386 is a Cortex-M4 with FPU. Semihosting text goes to standard output, apart from
# QEMU's own words.
_QEMU_WORDS = (
    *("-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none"),
    *("-chardev", "stdio,id=text", "-semihosting-config", "enable=on,target=native,chardev=text"),
)
_COUNTING = ("-icount", "shift=0")


@dataclass(frozen=True)
class Said:
    """What an image wrote until its end, and whether it ended well."""

    returncode: int
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def outputs(self) -> list[bytes]:
        """The model's outputs, one for each input."""
        return [bytes.fromhex(line[4:]) for line in self.lines if line.startswith("out ")]

    @property
    def reads(self) -> dict[str, list[int]]:
        """What ed_measure() read, by the name of what it measured."""
        found = [line.split() for line in self.lines if line.startswith("reads ")]
        return {words[1]: [int(word, 16) for word in words[2:]] for words in found}


def needs_qemu() -> None:
    """Skip the test where this machine has no QEMU for Arm."""
    if shutil.which(QEMU) is None:
        pytest.skip(f"{QEMU} is not installed (Debian: apt install qemu-system-arm)")


def toolchain(name: str) -> Toolchain:
    """The Cortex-M4 toolchain of a name; skips the test where there is none."""
    try:
        return toolchains.find("cortex_m4", name)
    except toolchains.ToolchainMissing as error:
        pytest.skip(error.message)


def probe_image(compiler: Toolchain, folder: Path, probe: int, offset: int = 0) -> Path:
    """An image that does one thing; see bare/probe.c."""
    words = (f"-DED_PROBE={probe}", f"-DED_PROBE_OFFSET={offset}")
    return _link(compiler, folder, "qemu", [BARE / "probe.c"], words)


def compile_model(
    compiler: Toolchain, folder: Path, files: Mapping[str, str], *, flags: Sequence[str] = ()
) -> Path:
    """The generated files as one object file, to be linked into any image."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    include = (places.shipped("firmware", "src"), folder)
    source = folder / "ed_model.c"
    return compiler.compile(source, folder / "ed_model.o", include=include, extra_flags=flags)


def model_image(
    compiler: Toolchain,
    folder: Path,
    model_object: Path,
    inputs: Sequence[bytes],
    *,
    machine: str = "qemu",
    measure: bool = False,
) -> Path:
    """An image that runs a compiled model on inputs and prints its outputs.

    folder: that of `compile_model`. inputs: each all input tensors, in order.
    machine: `qemu` or `virtual`. measure: count instructions too, as bare/run_model.c says.
    """
    rows = ",\n".join(", ".join(str(byte) for byte in one) for one in inputs)
    (folder / "case.h").write_text(
        f"#include <stdint.h>\n#define ED_CASE_COUNT {len(inputs)}u\n"
        f"{'#define ED_CASE_MEASURE 1' if measure else ''}\n"
        f"static const uint8_t ed_case_inputs[] = {{\n{rows}\n}};\n",
        encoding="utf-8",
    )
    sources = [BARE / "run_model.c", model_object]
    if measure:
        sources += [BARE / "nops.S", BARE / f"measure_{machine}.S"]
    return _link(compiler, folder, machine, sources)


def program_image(
    compiler: Toolchain, folder: Path, sources: Sequence[Path], *, flags: Sequence[str] = ()
) -> Path:
    """An image of any sources with an ed_main(), for QEMU; they may include files of `folder`."""
    return _link(compiler, folder, "qemu", sources, flags)


def run(image: Path, *, counting: bool = False, timeout_s: float = RUN_TIMEOUT_S) -> Said:
    """Run an image in QEMU to its end. counting: one nanosecond for every instruction."""
    words = [QEMU, *_QEMU_WORDS, *(_COUNTING if counting else ()), "-kernel", str(image)]
    done = process.run(words, timeout_s=timeout_s)
    assert not done.stderr, done.stderr.decode(errors="replace")
    return Said(done.returncode, done.stdout.decode("ascii"))


def _link(
    compiler: Toolchain,
    folder: Path,
    machine: str,
    sources: Sequence[Path],
    flags: Sequence[str] = (),
) -> Path:
    script = folder / f"{machine}-script.ld"
    regions = "mps2.ld" if machine == "qemu" else "virtual.ld"
    script.write_text((BARE / regions).read_text() + (BARE / "sections.ld").read_text())
    return compiler.compile_and_link(
        [BARE / "startup.S", BARE / "text.c", BARE / f"port_{machine}.c", *sources],
        folder / f"{machine}.elf",
        include=(BARE, places.shipped("firmware", "src"), folder),
        linker_script=script,
        extra_flags=flags,
    )
