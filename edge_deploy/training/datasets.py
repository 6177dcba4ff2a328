"""Recordings that a recipe learns from: found in a folder, unpacked if need be, split for good.

Turns a data set's name into a folder, and a key (a speaker, a place in a recording) into the
part of the data that it belongs to. Knows nothing about sound or networks.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import IO

from filelock import FileLock

from edge_deploy import places
from edge_deploy.errors import BadInput

TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")
# Shares of training and validation; what is left is the test.
SHARES = (0.75, 0.10)

_SUFFIX = ".tar.xz"
_CHUNK_BYTES = 1 << 20


class NoData(BadInput):
    """The recordings that a recipe needs are not there."""


def folder_of(name: str, data: Path) -> Path:
    """The folder of a data set: `data/name`, or `data/name.tar.xz` unpacked into our cache.

    Raises NoData where `data` has neither, BadInput where the archive cannot be unpacked.
    """
    if (data / name).is_dir():
        return data / name
    archive = data / (name + _SUFFIX)
    if archive.is_file():
        return _unpacked(archive) / name
    raise NoData(f"{data} has neither a folder {name} nor {archive.name}.")


def part_of(position: float) -> str:
    """The part that a position from 0 to 1 belongs to."""
    if position < SHARES[0]:
        return TRAIN
    return VALIDATION if position < SHARES[0] + SHARES[1] else TEST


def position(key: str) -> float:
    """A position from 0 to 1 that depends on the key alone: the same in every run and set.

    Whoever adds recordings later keeps every key where it was.
    """
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2.0**64


def _unpacked(archive: Path) -> Path:
    """The folder that `archive` is unpacked in: once for each content."""
    with archive.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    stem = archive.name.removesuffix(_SUFFIX)
    target = places.cache() / "data" / f"{stem}-{digest.hexdigest()[:12]}"
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(target.name + ".lock")):
        if target.is_dir():
            return target
        # Whole or not at all: the folder gets its name when everything is in it.
        part = Path(tempfile.mkdtemp(prefix="part-", dir=target.parent))
        try:
            with tarfile.open(archive, "r:xz") as members:
                for member in members:
                    file_of_member = members.extractfile(member) if member.isfile() else None
                    if file_of_member is not None:
                        _write(file_of_member, part, member.name)
            part.replace(target)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise BadInput(f"{archive} cannot be unpacked: {error}") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return target


def _write(content: IO[bytes], root: Path, name: str) -> None:
    """Write a file of an archive below `root`, wherever its name says it would rather be."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise tarfile.TarError(f"{name!r} would be outside the folder")
    target = root.joinpath(*path.parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(content, file, _CHUNK_BYTES)
