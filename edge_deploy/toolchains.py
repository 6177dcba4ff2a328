"""C sources to an executable, an image or a library, with the compiler that this machine has.

Two targets: `cortex_m4` (bare metal, hard float) and `host` (this computer). Each is served by
an installed compiler if there is one, else by the C compiler inside the `ziglang` wheel, so that
Python alone is enough. Knows flags, versions and how compilers word their complaints; knows
nothing of boards, models or firmware.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_deploy import places, process
from edge_deploy.errors import BuildFailed

CORTEX_M4 = "cortex_m4"
HOST = "host"
TARGETS = (CORTEX_M4, HOST)

OVERRIDE = "EDGE_DEPLOY_TOOLCHAIN"
INSTALL_ZIG = "pip install 'edge-deploy[virtual]'  a C compiler for every target, in a wheel"

# The first use of zig builds its runtime library for the target: 8 s on a 2-core machine. A
# CI runner under load takes several times that, so this is far above it.
COMPILE_TIMEOUT_S = 300.0
VERSION_TIMEOUT_S = 60.0

# -ffp-contract=off: no fused multiply-add, so that every port computes the same bits.
CODE_FLAGS = ("-std=c99", "-ffp-contract=off", "-O2", "-ffunction-sections", "-fdata-sections")
WARNING_FLAGS = (
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wvla",
    "-Werror",
)
# The core has no vectors: GCC 12, which vectorizes at -O2, packs bytes into words with BFI instead.
GCC_CORTEX_M4_FLAGS = (
    "-mcpu=cortex-m4",
    "-mthumb",
    "-mfloat-abi=hard",
    "-mfpu=fpv4-sp-d16",
    "-fno-tree-vectorize",
)
# Without +vfp4d16sp zig calls software floating point. It keeps a frame pointer unless told
# otherwise, which takes one of 13 registers from the kernels.
ZIG_CORTEX_M4_FLAGS = (
    "-target",
    "thumb-freestanding-eabihf",
    "-mcpu=cortex_m4+vfp4d16sp",
    "-fomit-frame-pointer",
)
# For code whose speed does not count. The middle word keeps loops what they are: both compilers
# would call memcpy and memset instead, and bring them along. zig takes a bare -Oz for a wish to
# drop all symbols. With -flto functions that are called once, or with one value, melt away.
GCC_SIZE_FLAGS = ("-Os", "-fno-tree-loop-distribute-patterns", "-flto")
ZIG_SIZE_FLAGS = ("-Xclang", "-Oz", "-fno-builtin", "-flto")
# zig compiles for this very CPU otherwise, and a cache shared between machines would crash.
ZIG_HOST_FLAGS = ("-mcpu=baseline", "-fomit-frame-pointer")

_KEPT_LOGS = 50
_FIRST_ERROR = re.compile(r"^.*(?:\berror:|undefined reference|undefined symbol).*$", re.MULTILINE)
_GNU_OVERFLOW = re.compile(r"region `(?P<region>\w+)' overflowed by (?P<bytes>\d+) bytes?")
_LLD_OVERFLOW = re.compile(
    r"will not fit in region '(?P<region>\w+)': overflowed by (?P<bytes>\d+) bytes?"
)
# What gcc adds when its linker has failed; the linker's own words stand before it.
_COLLECT2 = re.compile(r"^collect2: error: ld returned.*$", re.MULTILINE)
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)*")
_NO_SPACE = re.compile(r"no space left on device|not enough space|NoSpaceLeft", re.IGNORECASE)


class ToolchainMissing(BuildFailed):
    """No compiler for a target is installed, or not the one that was asked for."""


class CompileFailed(BuildFailed):
    """The compiler or linker refused its input. `log` is the file with all it said."""

    def __init__(self, message: str, *, log: Path, try_next: Sequence[str] = ()) -> None:
        super().__init__(message, try_next=try_next)
        self.log = log


class RegionOverflow(CompileFailed):
    """The program is larger than a region of the linker script. overflow: bytes too many."""

    def __init__(self, message: str, *, log: Path, overflow: Mapping[str, int]) -> None:
        super().__init__(message, log=log)
        self.overflow = dict(overflow)


@dataclass(frozen=True)
class Toolchain:
    """One C compiler for one target.

    name: `arm-none-eabi-gcc`, `zig`, `gcc`, `clang` or `cc`.
    version: such as `12.2.1`; version_line: all that it says of itself, for cache keys.
    command: the words that start it; flags: those that select the target.
    """

    name: str
    version: str
    version_line: str
    target: str
    command: tuple[str, ...]
    flags: tuple[str, ...]

    @property
    def identity(self) -> str:
        """Name and version, as manifests and reports give it: `arm-none-eabi-gcc 12.2.1`."""
        return f"{self.name} {self.version}"

    @property
    def cache_key(self) -> str:
        """All that changes what the same sources compile to."""
        flags = (*self.flags, *CODE_FLAGS, *self.size_flags)
        return "\n".join((self.name, self.version_line, self.target, *flags))

    @property
    def size_flags(self) -> tuple[str, ...]:
        """Extra flags for code that is to be small rather than fast; none for this computer."""
        if self.target == HOST:
            return ()
        return ZIG_SIZE_FLAGS if self.is_zig else GCC_SIZE_FLAGS

    @property
    def is_zig(self) -> bool:
        """True for the compiler of the `ziglang` wheel."""
        return self.name == "zig"

    def compile(
        self,
        source: Path,
        output: Path,
        *,
        include: Sequence[Path] = (),
        defines: Mapping[str, str] | None = None,
        extra_flags: Sequence[str] = (),
        warnings: bool = True,
        timeout_s: float = COMPILE_TIMEOUT_S,
    ) -> Path:
        """Compile one source to one object file; returns `output`.

        Raises CompileFailed, ToolchainMissing, process.ProcessTimeout.
        """
        argv = self._compile_words(include, defines, extra_flags, warnings)
        self._run([*argv, "-c", str(source), "-o", str(output)], output, timeout_s)
        return output

    def compile_and_link(
        self,
        sources: Sequence[Path],
        output: Path,
        *,
        include: Sequence[Path] = (),
        defines: Mapping[str, str] | None = None,
        linker_script: Path | None = None,
        linker_symbols: Mapping[str, int] | None = None,
        extra_flags: Sequence[str] = (),
        warnings: bool = True,
        shared: bool = False,
        timeout_s: float = COMPILE_TIMEOUT_S,
    ) -> Path:
        """Compile C or assembler sources and objects, and link them; returns `output`.

        linker_symbols: assigned before the first line of `linker_script` (zig's linker knows no
        `--defsym`), so that its MEMORY block can use them.
        shared: a library that ctypes can load, for the `host` target only.
        warnings: True for our own code: all of them, each an error.
        Raises CompileFailed (RegionOverflow when the program is too big for a region),
        ToolchainMissing, process.ProcessTimeout.
        """
        argv = self._compile_words(include, defines, extra_flags, warnings)
        argv += [str(source) for source in sources]
        argv += ["-o", str(output)]
        if shared:
            if self.target != HOST:
                raise ValueError("only the host target has shared libraries")
            argv += ["-shared"] if sys.platform == "win32" else ["-shared", "-fPIC"]
        argv += self._link_words(output, linker_script, linker_symbols or {})
        self._run(argv, output, timeout_s)
        return output

    def _compile_words(
        self,
        include: Sequence[Path],
        defines: Mapping[str, str] | None,
        extra_flags: Sequence[str],
        warnings: bool,
    ) -> list[str]:
        """The command up to what is compiled."""
        words = [*self.command, *self.flags, *CODE_FLAGS]
        if warnings:
            words += WARNING_FLAGS
        words += [f"-D{name}={value}" for name, value in (defines or {}).items()]
        for folder in include:
            words += ["-I", str(folder)]
        words += extra_flags
        return words

    def _link_words(
        self, output: Path, linker_script: Path | None, symbols: Mapping[str, int]
    ) -> list[str]:
        """The command's words for the linker; writes the linker script beside `output`."""
        if self.target == HOST and sys.platform == "darwin":
            words = ["-Wl,-dead_strip"]  # what Apple's linker calls --gc-sections
        else:
            words = ["-Wl,--gc-sections"]
        if self.target == CORTEX_M4 and not self.is_zig:
            words.append("-nostartfiles")  # the port brings its own vector table
        if linker_script is None:
            return words
        text = _read_text(linker_script)
        assignments = "".join(f"{name} = {value:#x};\n" for name, value in symbols.items())
        combined = output.with_suffix(".ld")
        _write_text(combined, assignments + text)
        # Given as two words each: a path with a comma would be split inside one -Wl.
        words += ["-Xlinker", "-T", "-Xlinker", str(combined)]
        entry = re.search(r"^\s*ENTRY\s*\(\s*(\w+)\s*\)", text, re.MULTILINE)
        if entry:  # zig passes its own entry, which wins over the script's
            words.append(f"-Wl,-e,{entry.group(1)}")
        return words

    def _run(self, argv: Sequence[str], output: Path, timeout_s: float) -> None:
        """Run the compiler; quiet on success, otherwise the log is kept and the case is raised."""
        with _environment(self) as environment:
            done = process.run(argv, timeout_s=timeout_s, cwd=output.parent, env=environment)
        if done.returncode == 0:
            return
        said = (done.stderr + done.stdout).decode("utf-8", errors="replace")
        log = _keep_log(output.name, argv, said)
        overflow = _overflows(said)
        if overflow:
            sizes = ", ".join(f"{name} by {size:,} B" for name, size in overflow.items())
            raise RegionOverflow(
                f"{output.name} overflows {sizes} (log: {log})", log=log, overflow=overflow
            )
        if _NO_SPACE.search(said):
            raise CompileFailed(
                f"{self.name} found no space left on the disk of {output.parent} (log: {log})",
                log=log,
                try_next=(
                    f"df -h '{output.parent}'  see how much is free",
                    "EDGE_DEPLOY_HOME=<a folder on another disk> edge-deploy ...",
                ),
            )
        words = _COLLECT2.sub("", said)
        first = _FIRST_ERROR.search(words)
        line = first.group(0) if first else _last_line(words) or _last_line(said)
        raise CompileFailed(
            f"{self.identity} failed: {line.strip() or f'exit {done.returncode}'} (log: {log})",
            log=log,
            try_next=(f"cat '{log}'  everything that the compiler said",),
        )


def find(target: str, prefer: str | None = None) -> Toolchain:
    """The compiler for a target: an installed one, else zig.

    target: `cortex_m4` or `host`.
    prefer: only this compiler will do: `arm-none-eabi-gcc`, `gcc`, `clang`, `cc`, `zig`, or the
    path of one. Without it the environment's EDGE_DEPLOY_TOOLCHAIN is heeded for the target that
    it can compile for; the other target keeps its default.
    Raises ToolchainMissing.
    """
    if target not in TARGETS:
        raise ValueError(f"unknown target {target!r}; known: {', '.join(TARGETS)}")
    override = os.environ.get(OVERRIDE, "").strip()
    if prefer is None and override:
        if _known_name_serves(override, target):
            return _named(override, target, f"{OVERRIDE} asks for {override}, which")
        if not _is_known_name(override) and _serves(_resolved(override), target):
            return _named(override, target, f"{OVERRIDE} asks for {override}, which")
    if prefer is not None:
        return _named(prefer, target, f"{prefer}")
    for name in _defaults(target):
        found = _try(name, target)
        if found is not None:
            return found
    wanted = " or ".join((*_defaults(target)[:-1], "the ziglang package"))
    raise ToolchainMissing(
        f"No C compiler for {target}: {wanted} is needed.", try_next=(INSTALL_ZIG, *_APT[target])
    )


_APT = {
    CORTEX_M4: ("sudo apt install gcc-arm-none-eabi  Debian and Ubuntu",),
    HOST: ("sudo apt install gcc  Debian and Ubuntu",),
}


def _defaults(target: str) -> tuple[str, ...]:
    """Compilers for a target, the preferred one first."""
    if target == CORTEX_M4:
        return ("arm-none-eabi-gcc", "zig")
    if sys.platform == "win32":
        return ("zig",)  # a gcc on PATH there may be any of several incompatible kinds
    return ("cc", "gcc", "clang", "zig")


def _is_known_name(name: str) -> bool:
    return name in ("arm-none-eabi-gcc", "cc", "gcc", "clang", "zig")


def _known_name_serves(name: str, target: str) -> bool:
    """Whether one of the names that need no look at the program is for a target."""
    if name == "zig":
        return True
    return _is_known_name(name) and (name == "arm-none-eabi-gcc") == (target == CORTEX_M4)


def _resolved(name: str) -> str:
    """The program's path. Raises ToolchainMissing when there is none."""
    path = shutil.which(name)
    if path is None:
        raise ToolchainMissing(
            f"{OVERRIDE} asks for {name}, which is not there.",
            try_next=(f"unset {OVERRIDE}  take the compiler that is found", INSTALL_ZIG),
        )
    return path


def _serves(path: str, target: str) -> bool:
    """Whether a compiler at a path is for a target, as it says of itself."""
    if "zig" in Path(path).name:
        return True
    machine = _ask(path, "-dumpmachine")
    return machine.startswith("arm-none-eabi") == (target == CORTEX_M4)


def _named(name: str, target: str, who: str) -> Toolchain:
    """The compiler of a name or path. Raises ToolchainMissing when there is none."""
    found = _try(name, target)
    if found is None:
        raise ToolchainMissing(
            f"{who} is not there, to compile for {target}.",
            try_next=(INSTALL_ZIG, *_APT[target]),
        )
    return found


def _try(name: str, target: str) -> Toolchain | None:
    """The compiler of a name or path, or None when this machine has none such."""
    if name == "zig" and _has_ziglang():
        return _zig((sys.executable, "-m", "ziglang"), _ziglang_version(), target)
    path = shutil.which(name)
    if path is None:
        return None
    stem = Path(path).name.removesuffix(".exe")
    if stem == "zig":
        return _zig((path,), _ask(path, "version"), target)
    line = _ask(path, "--version")
    flags: tuple[str, ...] = GCC_CORTEX_M4_FLAGS if target == CORTEX_M4 else ()
    return Toolchain(stem, _version_of(line), line, target, (path,), flags)


def _zig(command: tuple[str, ...], version: str, target: str) -> Toolchain:
    flags: tuple[str, ...] = ZIG_CORTEX_M4_FLAGS if target == CORTEX_M4 else ZIG_HOST_FLAGS
    return Toolchain("zig", version, f"zig {version}", target, (*command, "cc"), flags)


def _has_ziglang() -> bool:
    """Whether the `ziglang` wheel is installed; it is not imported."""
    try:
        return importlib.util.find_spec("ziglang") is not None
    except ValueError:  # a None in sys.modules: someone hides it
        return False


def _ziglang_version() -> str:
    """The wheel's version, which is zig's; read from its metadata, as starting zig takes 30 ms."""
    try:
        return importlib.metadata.version("ziglang")
    except importlib.metadata.PackageNotFoundError:
        return _ask(sys.executable, "-m", "ziglang", "version")


@functools.cache
def _ask(*argv: str) -> str:
    """The first line that a program prints; asked once in a process."""
    done = process.run(argv, timeout_s=VERSION_TIMEOUT_S)
    said = (done.stdout or done.stderr).decode("utf-8", errors="replace").strip()
    if done.returncode != 0 or not said:
        raise ToolchainMissing(
            f"{' '.join(argv)} does not work: {_last_line(said) or f'exit {done.returncode}'}",
            try_next=(INSTALL_ZIG,),
        )
    return said.splitlines()[0].strip()


def _version_of(line: str) -> str:
    """The version in a compiler's first line.

    `arm-none-eabi-gcc (15:12.2.rel1-1) 12.2.1 20221205` has the packager's in parentheses.
    """
    found = _VERSION.search(re.sub(r"\([^)]*\)", "", line)) or _VERSION.search(line)
    return found.group(0) if found else "unknown"


@contextlib.contextmanager
def _environment(toolchain: Toolchain) -> Iterator[dict[str, str]]:
    """What a compiler's environment has on top of ours: English, and places for zig's caches.

    zig's global cache holds its runtime libraries and is kept. Its local cache would grow with
    every source that is ever compiled; builds are cached by content one level up, so it is
    thrown away.
    """
    environment = {"LC_ALL": "C", "NO_COLOR": "1", "TERM": "dumb"}
    if not toolchain.is_zig:
        yield environment
        return
    chosen = os.environ.get("ZIG_GLOBAL_CACHE_DIR")  # a person's own setting is heeded
    kept = Path(chosen) if chosen else places.cache() / "zig"
    _make_folder(kept)
    # The local one stands beside the global one: zig renames files from one to the other.
    try:
        local = tempfile.TemporaryDirectory(prefix="local-", dir=kept, ignore_cleanup_errors=True)
    except OSError as error:
        raise BuildFailed(f"Cannot make a folder in {kept}: {error.strerror}") from error
    with local as folder:
        environment["ZIG_GLOBAL_CACHE_DIR"] = str(kept)
        environment["ZIG_LOCAL_CACHE_DIR"] = folder
        yield environment


def _overflows(said: str) -> dict[str, int]:
    """Bytes by which each region is exceeded, as GNU ld or lld says it; the largest a region.

    lld names every section that does not fit; the last one in a region has the whole excess.
    """
    overflow: dict[str, int] = {}
    for pattern in (_GNU_OVERFLOW, _LLD_OVERFLOW):
        for found in pattern.finditer(said):
            name = found["region"]
            overflow[name] = max(overflow.get(name, 0), int(found["bytes"]))
    return overflow


def _last_line(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def _keep_log(name: str, argv: Sequence[str], said: str) -> Path:
    """Keep what a failed compiler said, with its command; the oldest logs go."""
    folder = places.cache() / "logs"
    _make_folder(folder)
    digest = hashlib.sha256(said.encode()).hexdigest()[:8]
    log = folder / f"{name}-{digest}.log"
    _write_text(log, " ".join(argv) + "\n\n" + said)
    kept = sorted(folder.glob("*.log"), key=_modified)
    for old in kept[:-_KEPT_LOGS]:
        old.unlink(missing_ok=True)
    return log


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another process removed it
        return 0.0


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BuildFailed(f"Cannot make the folder {folder}: {error.strerror}") from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BuildFailed(f"Cannot read {path}: {error.strerror}") from error


def _write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BuildFailed(
            f"Cannot write {path}: {error.strerror}",
            try_next=(f"df -h '{path.parent}'  see how much is free",),
        ) from error
