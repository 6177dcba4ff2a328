"""PlatformIO builds the firmware for a real board: run, followed, and its failures in one line.

Turns a project's texts into an Artifact. PlatformIO comes with the extra `boards`; what it
downloads the first time (cores and compilers, some hundred megabytes) it keeps for itself.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import edge_deploy
from edge_deploy import artifact, places, process
from edge_deploy.artifact import Artifact, Manifest, Part
from edge_deploy.boards import Board
from edge_deploy.build import cache, elf, project
from edge_deploy.compiler import Compiled
from edge_deploy.errors import BuildFailed, EdgeDeployError, OverBudget
from edge_deploy.model.graph import Graph
from edge_deploy.toolchains import ToolchainMissing

# The first build downloads a core and a compiler; a later one takes a minute or two.
TIMEOUT_S = 3600.0
_KEEP_LOGS = 20
# Of an ESP32 the platform builds two of the files beside the program; the third is its core's.
_CORE_PARTS = {
    "boot_app0.bin": "packages/framework-arduinoespressif32/tools/partitions/boot_app0.bin"
}
_WORST = 4

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Content:
    """What an image is made of, as its manifest tells it."""

    name: str
    sha256: str
    engine: str
    target: str
    weights_bytes: int
    arena_bytes: int

    @classmethod
    def of(cls, compiled: Compiled, graph: Graph) -> Content:
        """The content of our firmware with a model."""
        return cls(
            graph.name,
            graph.sha256,
            compiled.engine,
            compiled.target,
            compiled.weights_bytes,
            compiled.arena_bytes,
        )


@dataclass(frozen=True)
class Sizes:
    """What PlatformIO says that an image takes, and of how much. None: it did not say."""

    flash_bytes: int | None
    ram_bytes: int | None


def folder_of(board: Board, kind: str = "") -> Path:
    """Where projects of a board are built; one after another, so that objects can be kept."""
    return places.cache() / "platformio" / (f"{board.name}-{kind}" if kind else board.name)


def command(folder: Path, board: Board, *, program: Sequence[str] = ("pio",)) -> list[str]:
    """The call that builds a project."""
    return [*program, "run", "--project-dir", str(folder), "--environment", board.name]


def firmware(
    files: Mapping[str, str],
    compiled: Compiled,
    graph: Graph,
    board: Board,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> Artifact:
    """Build a project of `project.platformio`: see `image`."""
    content = Content.of(compiled, graph)
    return image(files, content, board, force=force, progress=progress)


def blink(board: Board, *, progress: Progress | None = None) -> Artifact:
    """Build the sketch that only blinks: see `image`."""
    files = project.blink(board)
    source = files[f"src/{project.BLINK}.cpp"]
    digest = hashlib.sha256(source.encode()).hexdigest()
    content = Content(project.BLINK, digest, "none", board.target, 0, 0)
    return image(files, content, board, kind=project.BLINK, progress=progress)


def image(
    files: Mapping[str, str],
    content: Content,
    board: Board,
    *,
    kind: str = "",
    force: bool = False,
    progress: Progress | None = None,
) -> Artifact:
    """Build a project, or take what it made from the cache.

    kind: keeps its objects apart from those of other projects for the board.

    progress: called with each line that PlatformIO prints.
    Raises ToolchainMissing, BuildFailed with the log's path, OverBudget.
    """
    texts = "".join(f"\n{path} {len(text)}\n{text}" for path, text in sorted(files.items()))
    key = hashlib.sha256(
        f"platformio with parts {edge_deploy.__version__}{texts}".encode()
    ).hexdigest()[:40]

    found = program()

    def make(folder: Path) -> Artifact:
        work = folder_of(board, kind)
        _write(work, files)
        log = _log_path(board)
        words = command(work, board, program=found)
        text, code = _followed(words, log, progress)
        output = work / ".pio" / "build" / board.name
        if code != 0:
            raise failure(text, log, content.name, board, output)
        return _collect(folder, output, text, content, board)

    return cache.fetch(key, make, force=force)


def program() -> list[str]:
    """How PlatformIO is started here. Raises ToolchainMissing."""
    if importlib.util.find_spec("platformio") is not None:
        return [sys.executable, "-m", "platformio"]
    found = shutil.which("pio") or shutil.which("platformio")
    if found is None:
        raise ToolchainMissing(
            "PlatformIO, which builds for real boards, is not installed.",
            try_next=(
                "pip install 'edge-deploy[boards]'",
                "--on virtual  the same firmware on an emulated board",
                "--export DIR  a project to build where PlatformIO is",
            ),
        )
    return [found]


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Make a project's sources these and no others; objects of unchanged ones are kept."""
    wanted = {folder / path for path in files}
    for path in (folder / "src").rglob("*"):
        if path.is_file() and path not in wanted:
            path.unlink()
    for name, text in files.items():
        path = folder / name
        if path.is_file() and path.read_bytes() == text.encode():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def _log_path(board: Board) -> Path:
    """A new log's path; of the old ones the last few are kept."""
    folder = places.cache() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob("platformio-*.log"))[: -(_KEEP_LOGS - 1)]:
        old.unlink(missing_ok=True)
    return folder / f"platformio-{time.strftime('%Y%m%dT%H%M%S')}-{board.name}.log"


def _followed(words: Sequence[str], log: Path, progress: Progress | None) -> tuple[str, int]:
    """Run it; what it printed, also into the log, and its return code."""
    lines: list[str] = []
    # Both streams in one: errors belong where they were printed.
    with process.spawn(words, env={"PYTHONUNBUFFERED": "1"}) as child, log.open("w") as kept:
        child.stdin.close()
        for line in child.lines(TIMEOUT_S):
            lines.append(line)
            kept.write(line + "\n")
            kept.flush()
            if progress is not None:
                progress(line)
        code = child.wait(process.ENDS_S)
        errors = child.errors().decode("utf-8", "replace")
        kept.write(errors)
    return "\n".join([*lines, errors]), code


# -- what went wrong --------------------------------------------------------------------------

_NETWORK = re.compile(
    r"HTTPClientError|InternetConnectionError|not connected to the Internet|"
    r"Failed to establish a new connection|Name or service not known|getaddrinfo failed"
)
_PACKAGE = re.compile(r"UnknownPackageError: Could not find the package with '([^']+)'")
_REGION = re.compile(r"region [`']([A-Za-z0-9_]+)' overflowed by (\d+) bytes")
_SIZE = re.compile(
    r"The (program|data) size \((\d+) bytes\) is greater than maximum allowed \((\d+) bytes\)"
)
# Of compilers `error:`, of assemblers `Error:`.
_COMPILER = re.compile(r"^(\S+?):(\d+):(?:\d+:)? (?:fatal )?[Ee]rror: (.+)$", re.MULTILINE)
_LAST = re.compile(r"^(?:Error: |\*\*\* )(.+)$", re.MULTILINE)
_USED = re.compile(r"^(RAM|Flash):.*\(used (\d+) bytes from (\d+) bytes\)", re.MULTILINE)


def failure(text: str, log: Path, name: str, board: Board, output: Path) -> EdgeDeployError:
    """What PlatformIO's words mean. output: where it left the object files."""
    read = f"less {shlex.quote(str(log))}  all that PlatformIO said"
    if _NETWORK.search(text):
        return BuildFailed(
            "PlatformIO could not download what it builds with: no way to its registry.",
            try_next=(
                "connect to the network and run the command again: downloads are kept",
                "--on virtual  the same firmware on an emulated board, without downloads",
                read,
            ),
        )
    if package := _PACKAGE.search(text):
        return BuildFailed(
            f"PlatformIO's registry has no {package[1]}, which firmware/platformio.ini asks for.",
            try_next=(read,),
        )
    if over := _overflow(text):
        memory, needed = over
        worst = ", ".join(f"{s.name} {s.bytes:,} B" for s in _worst(output, memory))
        inspect = f"edge-deploy inspect {shlex.quote(name)} --board {board.name}"
        return OverBudget(
            f"{name} {needed} on {board.name}" + (f"; the largest are {worst}." if worst else "."),
            try_next=(f"{inspect}  see what takes the most", read),
        )
    if found := _COMPILER.search(text):
        return BuildFailed(
            f"The compiler refused {found[1]}, line {found[2]}: {found[3]}.", try_next=(read,)
        )
    last = _LAST.findall(text)
    said = last[-1].strip().rstrip(".") if last else "it gave no reason"
    return BuildFailed(f"PlatformIO failed: {said}.", try_next=(read,))


def _overflow(text: str) -> tuple[str, str] | None:
    """(`flash` or `RAM`, what is too large by how much), where that is what went wrong."""
    if region := _REGION.search(text):
        memory = "flash" if re.search("flash|irom|drom|text", region[1], re.IGNORECASE) else "RAM"
        return memory, f"needs {int(region[2]):,} B more {memory} than there is"
    if size := _SIZE.search(text):
        memory = "flash" if size[1] == "program" else "RAM"
        return memory, f"needs {int(size[2]):,} B of {memory}, of which there are {int(size[3]):,}"
    return None


def _worst(output: Path, memory: str) -> list[elf.Symbol]:
    """The largest symbols of our object files: a link that failed left no image to look into."""
    found: list[elf.Symbol] = []
    for path in sorted((output / "src").rglob("*.o")):
        try:
            found += [s for s in elf.layout(path).symbols if s.memory == memory]
        except BuildFailed:  # half written
            continue
    return sorted(found, key=lambda s: -s.bytes)[:_WORST]


# -- what came out ----------------------------------------------------------------------------


def sizes(text: str) -> Sizes:
    """Flash and RAM, as PlatformIO's last lines have them."""
    used = {match[1]: int(match[2]) for match in _USED.finditer(text)}
    return Sizes(used.get("Flash"), used.get("RAM"))


def _less_core(taken: Sizes, board: Board) -> Sizes:
    """Without what a sketch that does nothing takes, so that it compares with other ports."""
    flash, ram = taken.flash_bytes, taken.ram_bytes
    return Sizes(
        None if flash is None else max(0, flash - (board.reserved_flash_bytes or 0)),
        None if ram is None else max(0, ram - (board.reserved_ram_bytes or 0)),
    )


def _collect(folder: Path, output: Path, text: str, content: Content, board: Board) -> Artifact:
    """The image with its manifest, in `folder`."""
    for name in ("firmware.bin", "firmware.elf"):
        if not (output / name).is_file():
            raise BuildFailed(f"PlatformIO ended well and left no {name} in {output}.")
        shutil.copyfile(output / name, folder / name)
    parts = _parts(folder, output, board)
    facts = board.platformio
    assert facts is not None
    taken = _less_core(sizes(text), board)
    manifest = Manifest(
        model_name=content.name,
        model_sha256=content.sha256,
        board=board.name,
        port=project.PORT,
        engine=content.engine,
        target=content.target,
        toolchain=f"platformio {facts.platform}",
        flash_bytes=taken.flash_bytes,
        ram_bytes=taken.ram_bytes,
        code_bytes=None,
        model_code_bytes=None,
        weights_bytes=content.weights_bytes,
        arena_bytes=content.arena_bytes,
        stack_reserved_bytes=None,
        image_sha256=artifact.sha256_of(folder / "firmware.bin"),
        load_address=board.esptool.application if board.esptool is not None else 0,
        tool_version=edge_deploy.__version__,
        image="firmware.bin",
        elf="firmware.elf",
        parts=parts,
    )
    return artifact.write(folder, manifest)


def _parts(folder: Path, output: Path, board: Board) -> tuple[Part, ...]:
    """What a board needs beside the program, copied into `folder`. Raises BuildFailed."""
    if board.esptool is None:
        return ()
    for name, _ in board.esptool.parts:
        found = output / name
        if not found.is_file() and name in _CORE_PARTS:
            found = places.platformio() / _CORE_PARTS[name]
        if not found.is_file():
            raise BuildFailed(
                f"PlatformIO ended well and left no {name} ({found}).",
                try_next=(
                    "PLATFORMIO_CORE_DIR=DIR edge-deploy ...  where PlatformIO keeps its packages",
                ),
            )
        shutil.copyfile(found, folder / name)
    return tuple(Part(name, offset) for name, offset in board.esptool.parts)
