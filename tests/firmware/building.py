"""Compiles the firmware and its C tests, as tests need it: for this computer, with sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "firmware" / "src"
TESTS = ROOT / "firmware" / "test"
CONFIG = TESTS / "config"

FLAGS = ("-std=c99", "-ffp-contract=off")
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wvla", "-Werror")
SANITIZERS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
INCLUDES = ("-I", str(SOURCES), "-I", str(TESTS))

FAKE_MODEL = TESTS / "fake_model.c"


def wire_sources() -> list[Path]:
    return sorted((SOURCES / "wire").glob("*.c"))


def firmware_sources(port: str) -> list[Path]:
    """All of the firmware for a port, with the model that was written by hand."""
    app = sorted((SOURCES / "app").glob("*.c"))
    ported = sorted((SOURCES / "ports" / port).glob("*.c"))
    assert app
    assert ported
    return [*app, *wire_sources(), *ported, FAKE_MODEL]


def host_compilers() -> list[str]:
    """The C compilers of this computer, each once."""
    return [name for name in ("gcc", "clang") if shutil.which(name)]


def compile_c(
    compiler: Sequence[str],
    sources: Iterable[Path],
    output: Path,
    *,
    flags: Sequence[str] = (),
    config: Path = CONFIG,
) -> Path:
    """Compile and link with every warning an error; fails with what the compiler said.

    config: the folder with the two headers that a build generates.
    """
    words = [*compiler, *FLAGS, *WARNINGS, *INCLUDES, "-I", str(config), *flags]
    words += [str(source) for source in sources]
    done = subprocess.run(
        [*words, "-o", str(output)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{' '.join(map(str, compiler))}: {done.stderr}"
    return output
