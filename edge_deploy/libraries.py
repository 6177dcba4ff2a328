"""C sources to a shared library that ctypes can load, built on first use and kept by content.

The C of the firmware and of the emulator serves Python this way, so that nothing is written
twice. Knows nothing of what the C does.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge_deploy import toolchains


def build(
    name: str,
    sources: Sequence[Path],
    folder: Path,
    *,
    headers: Sequence[Path] = (),
    include: Sequence[Path] = (),
    defines: Mapping[str, str] | None = None,
) -> Path:
    """The library of some sources for this machine under `folder`, compiled only if not there.

    headers: what the sources include of ours; it counts as content.
    Raises toolchains.ToolchainMissing or toolchains.CompileFailed (exit 16).
    """
    # The compiler is not part of the name: looking for one takes longer than all the rest, and
    # any C99 compiler makes the same library of our C.
    key = hashlib.sha256(f"{sys.platform} {platform.machine()}".encode())
    key.update(" ".join(toolchains.CODE_FLAGS).encode())
    key.update(repr(sorted((defines or {}).items())).encode())
    for path in (*sources, *headers):
        data = path.read_bytes()
        key.update(f"\n{path.name} {len(data)}\n".encode() + data)
    suffix = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
    built = folder / f"{name}_{key.hexdigest()[:16]}{suffix}"
    if built.is_file():
        return built
    folder.mkdir(parents=True, exist_ok=True)
    compiler = toolchains.find(toolchains.HOST)
    # In a folder of its own: another process may be building the same.
    with tempfile.TemporaryDirectory(dir=folder) as work:
        made = compiler.compile_and_link(
            sources, Path(work) / built.name, include=include, defines=defines, shared=True
        )
        os.replace(made, built)  # noqa: PTH105 (atomic, and over an existing file on Windows)
    return built
