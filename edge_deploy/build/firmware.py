"""Compiled C and a Board to an Artifact: the firmware with a model in it.

Writes what is generated, compiles it with the firmware's sources for a port, makes the flat
image, reads its sizes from the ELF and holds them against the board. Kept by content: building
the same again costs milliseconds. Knows nothing of devices.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import edge_deploy
from edge_deploy import artifact, toolchains
from edge_deploy.artifact import Artifact, Manifest
from edge_deploy.boards import Board
from edge_deploy.build import cache, config, elf, limits, sensing, sources
from edge_deploy.build.sources import Sources
from edge_deploy.compiler import Compiled
from edge_deploy.errors import BuildFailed, UsageError
from edge_deploy.model.graph import Graph
from edge_deploy.sensing import DecisionSettings, FeatureSettings, SourceSettings
from edge_deploy.toolchains import RegionOverflow, Toolchain

# What the linker sets aside below the initial stack pointer. `run` reports the peak use.
STACK_BYTES = 4096

# Part of every cache key: to be raised when the same inputs shall give another artifact.
_FORMAT = 2
# Room enough for any program to link, so that one that is too big can be measured. RAM ends
# where the Cortex-M4's external RAM begins (ARMv7-M Architecture Reference Manual, B3.1).
_ROOMY_FLASH_BYTES = 0x1000_0000
_ROOMY_RAM_BYTES = 0x1000_0000
# How the compiler names constants: edge_deploy/compiler/emit.py. A layer's shape is code.
_CONSTANTS = re.compile(r"layer_\d+_(?!shape$)\w+$")
# What the compiler's ed_model.c becomes.
_MODEL_OBJECT = "ed_model.o"
_NO_SOURCE = SourceSettings(kind="none")


def firmware(
    compiled: Compiled,
    *,
    graph: Graph,
    board: Board,
    port: str,
    labels: Sequence[str] = (),
    source: SourceSettings | None = None,
    features: FeatureSettings | None = None,
    decision: DecisionSettings | None = None,
    record: SourceSettings | None = None,
    toolchain: Toolchain | None = None,
    force: bool = False,
) -> Artifact:
    """Build the firmware with a model for a board, or take it from the cache.

    port: `virtual_m4` (a flat image) or `host` (an executable for this computer).
    features, decision: of a lab whose source is a sensor.
    record: instead of a source the sensor whose raw samples go to the host (`Session.raw`); of a
    microphone its sample_rate_hz counts, of an IMU that and axes, of a camera width, height and
    period_ms. Any model serves; the smaller the better.
    toolchain: default is the one that `toolchains.find` takes for the port.
    force: build although it is kept.
    Raises OverBudget when it does not fit the board, ToolchainMissing, CompileFailed,
    BuildFailed, BadInput where the model does not take the lab's features.
    """
    if port not in sources.PORTS:
        raise ValueError(f"unknown port {port!r}; known: {', '.join(sources.PORTS)}")
    limits.hold_compiled(compiled, graph.name, board)
    if features is not None:
        sensing.hold(graph, labels, features)
    if toolchain is None:
        toolchain = toolchains.find(toolchains.HOST if port == "host" else toolchains.CORTEX_M4)
    ours = sources.collect(port, features=features is not None)
    generated = {
        **compiled.files,
        config.FILE: config.emit(
            board, port, labels, source or _NO_SOURCE, features, decision, record
        ),
    }
    symbols = _linker_symbols(board) if ours.linker_script else {}
    job = _Job(compiled, graph, board, port, toolchain, ours, generated, symbols, features)
    return cache.fetch(job.key(), job.make, force=force)


@dataclass(frozen=True)
class _Job:
    """One build: everything that it depends on, and how it is done."""

    compiled: Compiled
    graph: Graph
    board: Board
    port: str
    toolchain: Toolchain
    ours: Sources
    generated: Mapping[str, str]
    symbols: Mapping[str, int]  # for the linker script
    features: FeatureSettings | None

    def key(self) -> str:
        """Digest of all that the artifact depends on, its manifest's facts among them."""
        parts = (
            f"{_FORMAT} {edge_deploy.__version__} {self.port} {self.board.name}",
            self.toolchain.cache_key,
            self.ours.digest,
            sources.generated_digest(self.generated),
            repr(sorted(self.symbols.items())),
            f"{self.graph.name} {self.graph.sha256} {self.compiled.engine}",
            f"{self.compiled.weights_bytes} {self.compiled.arena_bytes}",
        )
        return hashlib.sha256("\n\n".join(parts).encode()).hexdigest()[:40]

    def make(self, folder: Path) -> Artifact:
        """Build into an empty folder, and leave the image, the ELF and the manifest there."""
        work = folder / "work"
        work.mkdir()
        for name, text in self.generated.items():
            (work / name).write_text(text, encoding="utf-8", newline="\n")
        if self.ours.linker_script is None:
            manifest = self._executable(folder, work)
        else:
            manifest = self._image(folder, work)
        shutil.rmtree(work)
        # The key was made of the sources as they were before: an editor that saves meanwhile
        # must not leave another program under it.
        with_features = self.features is not None
        if sources.collect(self.port, features=with_features).digest != self.ours.digest:
            raise BuildFailed(
                f"The firmware's sources in {self.ours.root} changed while they were compiled.",
                try_next=("run the command again",),
            )
        return artifact.write(folder, manifest)

    def _executable(self, folder: Path, work: Path) -> Manifest:
        name = "firmware.exe" if sys.platform == "win32" else "firmware"
        built = self._link(work / name, self.symbols)
        shutil.move(built, folder / name)
        return self._manifest(folder, image=name, elf_file=name, layout=None)

    def _image(self, folder: Path, work: Path) -> Manifest:
        try:
            built = self._link(work / "firmware.elf", self.symbols)
        except RegionOverflow:
            # Linked once more with room for anything, to say what it takes instead of what
            # the linker says.
            roomy = {
                **self.symbols,
                "ED_FLASH_BYTES": _ROOMY_FLASH_BYTES,
                "ED_RAM_BYTES": _ROOMY_RAM_BYTES,
            }
            measured = elf.layout(self._link(work / "roomy.elf", roomy))
            limits.hold_layout(measured, self.graph.name, self.board)
            raise  # it fits by size: the linker script itself is at fault
        layout = elf.layout(built)
        limits.hold_layout(layout, self.graph.name, self.board)
        address, image = elf.flat_image(built)
        (folder / "firmware.bin").write_bytes(image)
        shutil.move(built, folder / "firmware.elf")
        return self._manifest(
            folder,
            image="firmware.bin",
            elf_file="firmware.elf",
            layout=layout,
            model=elf.contents(work / _MODEL_OBJECT),
            load_address=address,
        )

    def _link(self, output: Path, symbols: Mapping[str, int]) -> Path:
        """Compile the model and features for speed, all else for size, and link it."""
        work = output.parent
        generated = [work / name for name in self.generated if name.endswith(".c")]
        include = (self.ours.root, work)
        defines = sensing.defines(self.features)
        fast = [
            self.toolchain.compile(
                source, work / f"{source.stem}.o", include=include, defines=defines
            )
            for source in (*generated, *self.ours.fast)
        ]
        return self.toolchain.compile_and_link(
            [*self.ours.small, *fast],
            output,
            include=include,
            defines=defines,
            linker_script=self.ours.linker_script,
            linker_symbols=symbols,
            extra_flags=self.toolchain.size_flags,
        )

    def _manifest(
        self,
        folder: Path,
        *,
        image: str,
        elf_file: str,
        layout: elf.Layout | None,
        model: elf.Contents | None = None,
        load_address: int = 0,
    ) -> Manifest:
        code_bytes = layout.flash_bytes - _weights_bytes(layout.symbols) if layout else None
        model_code_bytes = model.bytes - _weights_bytes(model.symbols) if model else None
        return Manifest(
            model_name=self.graph.name,
            model_sha256=self.graph.sha256,
            board=self.board.name,
            port=self.port,
            engine=self.compiled.engine,
            target=self.compiled.target,
            toolchain=self.toolchain.identity,
            flash_bytes=layout.flash_bytes if layout else None,
            ram_bytes=layout.ram_bytes if layout else None,
            code_bytes=code_bytes,
            model_code_bytes=model_code_bytes,
            weights_bytes=self.compiled.weights_bytes,
            arena_bytes=self.compiled.arena_bytes,
            stack_reserved_bytes=layout.stack_bytes if layout else None,
            image_sha256=artifact.sha256_of(folder / image),
            load_address=load_address,
            tool_version=edge_deploy.__version__,
            image=image,
            elf=elf_file,
        )


def _weights_bytes(symbols: Sequence[elf.Symbol]) -> int:
    """Bytes of an image or object that are the model's constants (`Compiled.weights_bytes`).

    Read from it and not taken from the compiler: a C compiler may put an array of one
    element into the code that reads it.
    """
    return sum(s.bytes for s in symbols if _CONSTANTS.match(s.name))


def _linker_symbols(board: Board) -> dict[str, int]:
    """What the port's linker script wants to know of the board. Raises UsageError."""
    flash_bytes = board.application_flash_bytes
    if flash_bytes is None:
        raise UsageError(f"{board.name} has no flash that an image could be linked for.")
    return {
        "ED_FLASH_BYTES": flash_bytes,
        "ED_RAM_BYTES": board.application_ram_bytes,
        "ED_STACK_BYTES": STACK_BYTES,
    }
