"""Which C files make a firmware for a port, and what they hold, as one digest.

Turns a port's name into paths below `firmware/src`. Knows nothing of compilers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_deploy import places
from edge_deploy.errors import BuildFailed

PORTS = ("virtual_m4", "host")
_COMMON = ("app", "wire")
_FEATURES = "features"
_HEADERS = ("app", "wire", "model", "nn", _FEATURES)
_LINKER_SCRIPT = "link.ld"
_OPENING_COMMENT = re.compile(r"\A\s*/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class Sources:
    """What a firmware is compiled from.

    root: the include folder. small, fast: what is compiled for size, and for speed.
    linker_script: None for a port of an operating system.
    """

    root: Path
    small: tuple[Path, ...]
    fast: tuple[Path, ...]
    linker_script: Path | None
    digest: str


def collect(port: str, *, features: bool = False) -> Sources:
    """The firmware's own sources for a port, with those of features where a lab has them.

    Raises BuildFailed when they are not there.
    """
    root = places.shipped("firmware", "src")
    small = [root / name for name in _COMMON] + [root / "ports" / port]
    fast = [root / _FEATURES] if features else []
    folders = small + fast
    for folder in folders:
        if not any(folder.glob("*.c")):
            raise BuildFailed(
                f"The firmware's sources are incomplete: no C file in {folder}.",
                try_next=("pip install --force-reinstall edge-deploy",),
            )
    script = root / "ports" / port / _LINKER_SCRIPT
    read = {root / name for name in _HEADERS} | set(folders)
    return Sources(
        root,
        small=_sources(small),
        fast=_sources(fast),
        linker_script=script if script.is_file() else None,
        digest=_digest(root, read),
    )


def _sources(folders: Sequence[Path]) -> tuple[Path, ...]:
    """The C files of some folders, in order."""
    return tuple(path for folder in folders for path in sorted(folder.glob("*.c")))


def generated_digest(files: Mapping[str, str]) -> str:
    """Digest of generated files, without the comment that they open with.

    It names the command that made them, and two commands must not make two builds.
    """
    digest = hashlib.sha256()
    for name, text in sorted(files.items()):
        body = _OPENING_COMMENT.sub("", text, count=1).encode()
        digest.update(f"{name} {len(body)}\n".encode() + body)
    return digest.hexdigest()


def _digest(root: Path, folders: set[Path]) -> str:
    """SHA-256 over the names and contents of all files below some folders."""
    digest = hashlib.sha256()
    paths = sorted({p for folder in folders for p in folder.rglob("*.[chSl]*") if p.is_file()})
    for path in paths:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BuildFailed(f"Cannot read {path}: {error.strerror}") from error
        digest.update(f"{path.relative_to(root).as_posix()} {len(data)}\n".encode() + data)
    return digest.hexdigest()
