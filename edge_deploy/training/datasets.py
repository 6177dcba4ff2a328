"""Recordings that a recipe learns from: found in a folder, unpacked if need be, split for good.

Turns a data set's name into a folder, and a key (a speaker, a place in a recording) into the
part of the data that it belongs to. Knows nothing about sound or networks.
"""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

from filelock import FileLock

from edge_deploy import catalogue, download, places, recordings
from edge_deploy.errors import BadInput
from edge_deploy.training import archives

TRAIN, VALIDATION, TEST = PARTS = recordings.PARTS
# Shares of training and validation; what is left is the test.
SHARES = (0.75, 0.10)

SUFFIX = ".tar.xz"
OWN = "data"
"""Where a lab of one's own has its recordings, beside its lab.yaml."""


class NoData(BadInput):
    """The recordings that a recipe needs are not there."""


def home() -> Path:
    """Where `edge-deploy data get` puts recordings unless it is told otherwise."""
    return places.cache() / "recordings"


def fetched() -> Path | None:
    """`home()` where anything was ever put there: what to take when nobody says what."""
    return home() if home().is_dir() else None


def beside(lab_folder: Path) -> Path | None:
    """The folder `data` of a lab of one's own, which is what it learns from; None without one."""
    own = lab_folder / OWN
    return own if own.is_dir() else None


def folder_of(name: str, data: Path) -> Path:
    """The folder of a data set: `data/name`, or an archive in `data` unpacked into our cache.

    The archive is `data/name.tar.xz`, which holds a folder `name`, or the one that the data set is
    published as. Raises NoData where `data` has none of them, BadInput where it cannot be unpacked.
    """
    if (data / name).is_dir():
        return data / name
    archive = data / (name + SUFFIX)
    if archive.is_file():
        return _unpacked(archive, name, None) / name
    known = catalogue.load_all().get(name)
    if known is None:
        raise NoData(f"{data} has neither a folder {name} nor {archive.name}.")
    published = data / known.file
    if published.is_file():
        return _unpacked(published, name, known) / name
    raise NoData(
        f"{data} has neither a folder {name} nor {archive.name} nor {known.file}.",
        try_next=[f"edge-deploy data get {name} --data-dir {data}"],
    )


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


def _unpacked(archive: Path, name: str, known: catalogue.DataSet | None) -> Path:
    """The folder that `archive` is unpacked in: once for each content.

    known: whose published archive it is; None for one that holds a folder `name`.
    """
    digest = download.sha256_of(archive)
    if known is not None and known.sha256 not in {None, digest}:
        raise BadInput(
            f"{archive} has the checksum (sha256) {digest[:16]}...; "
            f"{known.stated_by} states {str(known.sha256)[:16]}...",
            try_next=[f"remove {archive}, and: edge-deploy data get {name}"],
        )
    target = places.cache() / "data" / f"{name}-{digest[:12]}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(target.name + ".lock")):
        if not target.is_dir():
            archives.unpack(archive, target, archives.as_named if known is None else _below(known))
    return target


def _below(known: catalogue.DataSet) -> archives.Place:
    """Where the files of a published archive belong: in a folder of the data set's name."""

    def place(member: PurePosixPath) -> PurePosixPath | None:
        found = known.place(member)
        return None if found is None else PurePosixPath(known.name) / found

    return place
