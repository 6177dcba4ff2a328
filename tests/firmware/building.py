"""Compiles the firmware and its C tests, as tests need it: for this computer, with sanitizers."""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "firmware" / "src"
TESTS = ROOT / "firmware" / "test"
CONFIG = TESTS / "config"

FLAGS = ("-std=c99", "-ffp-contract=off")
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wvla", "-Werror")
SANITIZERS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
INCLUDES = ("-I", str(SOURCES), "-I", str(TESTS))

ARDUINO = ROOT / "tests" / "arduino"
# As the cores compile: arduino-esp32 2.0 has the older C++, and a char has no sign on either board.
CORE_CPP, CORE_CHAR = "-std=gnu++11", "-funsigned-char"
NANO33, XIAO = "ARDUINO_ARDUINO_NANO33BLE", "ARDUINO_ARCH_ESP32"
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


def arduino_program(
    output: Path,
    *,
    board: str = NANO33,
    sources: Sequence[Path] | None = None,
    flags: Sequence[str] = (),
    config: Path = CONFIG,
) -> Path:
    """The Arduino port on a board's fake core, as a program of this computer.

    board: the macro of its core.
    sources: the C files; those of the model that was written by hand if absent.
    """
    folder = output.parent / f"{output.name}-objects"
    folder.mkdir()

    def compiled(source: Path) -> Path:
        made = folder / f"{source.stem}.o"
        words = [*SANITIZERS, CORE_CHAR, *flags, "-c"]
        return compile_c(["gcc"], [source], made, flags=words, config=config)

    objects = each_of(firmware_sources("arduino") if sources is None else sources, compiled)
    objects += _board_objects(board)
    words = ["g++", *SANITIZERS, *map(str, objects), "-lpthread", "-o", str(output)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return output


@functools.cache
def _board_objects(board: str) -> tuple[Path, ...]:
    """Those of the port and of the board's fake core, which no lab changes. Kept until the end."""
    kept = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    atexit.register(kept.cleanup)
    folder = Path(kept.name)

    def compiled(source: Path) -> Path:
        made = folder / f"{source.stem}_port.o"
        compile_cpp("g++", source, made, board=board, flags=SANITIZERS)
        return made

    ported = each_of(sorted((SOURCES / "ports" / "arduino").glob("*.cpp")), compiled)
    return (*ported, *fake_core(folder, board=board, flags=SANITIZERS))


def fake_core(folder: Path, *, board: str, flags: Sequence[str] = ()) -> list[Path]:
    """Objects of a board's fake core, compiled into `folder`. board: the macro of its core."""

    def compiled(source: Path) -> Path:
        made = folder / f"{source.stem}.o"
        compile_cpp("g++", source, made, board=board, flags=flags)
        return made

    return each_of(sorted(ARDUINO.glob("*.cpp")), compiled)


def each_of(sources: Sequence[Path], compiled: Callable[[Path], Path]) -> list[Path]:
    """Every source compiled, two at a time."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(compiled, sources))


def compile_cpp(
    compiler: str, source: Path, output: Path, *, board: str, flags: Sequence[str] = ()
) -> None:
    """Compile one file of the Arduino port against declarations of the cores that it is for."""
    words = [compiler, CORE_CPP, CORE_CHAR, "-fno-exceptions", *WARNINGS, f"-D{board}", *flags]
    include = ["-I", str(SOURCES), "-I", str(ARDUINO / "core")]
    done = subprocess.run(
        [*words, *include, "-c", str(source), "-o", str(output)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{compiler}: {done.stderr}"


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
