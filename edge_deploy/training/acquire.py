"""Data sets on this computer: which are here and where, whether they are whole, and getting them.

Turns a DataSet and folders into Found, Checked, or a folder full of recordings. In a folder a data
set is one of: `NAME/`; `NAME.tar.xz`; the archive as published; or, in `.downloads/`, what an
interrupted `get` has left.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from filelock import FileLock, Timeout

from edge_deploy import download
from edge_deploy.catalogue import Content, DataSet
from edge_deploy.errors import BadInput
from edge_deploy.training import archives
from edge_deploy.training.datasets import SUFFIX, NoData

# What `get` writes into a folder, so that `check` can tell later whether it is still that.
RECEIPT = "edge-deploy-source.json"

# Where `get` keeps what is not whole: archives of its own, which it removes, and half-made folders.
_DOWNLOADS = ".downloads"

# Kinds of Found that a recipe takes as they are, and `get` leaves alone.
_THERE = ("folder", "packed")

_CHUNK_BYTES = 1 << 20
# Sound packs to a half, text to a tenth: an archive that unpacks to more than this is neither.
_UNPACKED_MOST = 30
# What a repository's archive holds beside the recordings.
_BESIDE_BYTES = 64 << 20


class NotWhole(BadInput):
    """Recordings are missing, or others than were published."""


@dataclass(frozen=True)
class Found:
    """Where a data set lies. kind: folder, packed (NAME.tar.xz), published or part."""

    kind: str
    path: Path
    bytes: int

    def as_json(self) -> dict[str, Any]:
        """For `data --json`."""
        return {"kind": self.kind, "path": str(self.path), "bytes": self.bytes}


@dataclass(frozen=True)
class Checked:
    """What was checked and against what.

    content: of the recordings; None where it was the archive alone.
    against: who states what it should be; empty where nobody does, so that nothing was proven.
    """

    found: Found
    content: Content | None
    against: str


def find(dataset: DataSet, folders: Iterable[Path]) -> Found | None:
    """The data set in the first of `folders` that has it; a part only where none has more."""
    part = None
    for folder in folders:
        if (folder / dataset.name).is_dir():
            path = folder / dataset.name
            return Found("folder", path, _bytes_in(path))
        for kind, name in (("packed", dataset.name + SUFFIX), ("published", dataset.file)):
            if (folder / name).is_file():
                return Found(kind, folder / name, (folder / name).stat().st_size)
        own = folder / _DOWNLOADS / dataset.file
        for begun in (own, download.part_of(own)):
            if part is None and begun.is_file():
                part = Found("part", begun, begun.stat().st_size)
    return part


def get(
    dataset: DataSet,
    folder: Path,
    *,
    patience: download.Patience | None = None,
    progress: Callable[[int, int | None], None] = lambda _done, _of: None,
    say: Callable[[str], None] = lambda _text: None,
) -> Found:
    """Make `folder/NAME`, from the archive in `folder` or from the network; what is there stays.

    One at a time: a second caller waits, and finds what the first has made.
    Raises what `download.fetch` raises, and NotWhole.
    """
    found = find(dataset, [folder])
    if found is not None and found.kind in _THERE:
        return found  # nothing is written, so the folder need not be writable
    hidden = folder / _DOWNLOADS
    with download.writing(folder):
        hidden.mkdir(parents=True, exist_ok=True)
    lock = FileLock(hidden / f"{dataset.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"Another edge-deploy is getting {dataset.name} into {folder}; waiting for it.")
        lock.acquire()
    try:
        found = find(dataset, [folder])
        if found is not None and found.kind in _THERE:
            return found
        return _get(dataset, folder, patience, progress, say)
    finally:
        lock.release()


def check(dataset: DataSet, found: Found) -> Checked:
    """Read all of it, and hold it against what the data set's makers, or `get`, said of it.

    Raises NotWhole, and BadInput where an archive is damaged.
    """
    if found.kind == "part":
        raise NoData(
            f"{dataset.name} is not whole: {found.path} has {found.bytes:,} B of a download.",
            try_next=[f"edge-deploy data get {dataset.name} --data-dir {found.path.parent.parent}"],
        )
    if found.kind == "published" and dataset.sha256 is not None:
        download.verify(found.path, _wanted(dataset))
        return Checked(found, None, dataset.stated_by)
    expected, against = _expected(dataset, found)
    content = content_of(dataset, _recordings(dataset, found))
    _hold(dataset, content, expected, against, found.path)
    return Checked(found, content, against)


def content_of(dataset: DataSet, files: Iterable[tuple[PurePosixPath, IO[bytes]]]) -> Content:
    """What the recordings among `files` are together; `catalogue` says how the sum is made."""
    lines, total = [], 0
    for name, file in files:
        if not fnmatch.fnmatchcase(name.name, dataset.recordings):
            continue
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            total += len(chunk)
        # A name that is no UTF-8 comes as surrogates, and goes back to its bytes.
        lines.append((str(name).encode("utf-8", "surrogateescape"), digest.hexdigest().encode()))
    text = b"".join(b"%b  %b\n" % (digest, name) for name, digest in sorted(lines))
    return Content(len(lines), total, hashlib.sha256(text).hexdigest())


def _get(
    dataset: DataSet,
    folder: Path,
    patience: download.Patience | None,
    progress: Callable[[int, int | None], None],
    say: Callable[[str], None],
) -> Found:
    archive, own = folder / dataset.file, folder / _DOWNLOADS / dataset.file
    download.require_space(folder, dataset.content.bytes if dataset.content else 0)
    if archive.is_file():
        download.verify(archive, _wanted(dataset))
    else:
        archive = own
        if not own.is_file():
            wanted = _wanted(dataset)
            download.fetch(wanted, own, patience=patience, progress=progress, say=say)
    say(f"Unpacking {archive.name}.")
    try:
        target = _unpacked(dataset, archive, folder)
    except BadInput:
        own.unlink(missing_ok=True)  # the next call shall not find it, and fail again
        raise
    own.unlink(missing_ok=True)
    return Found("folder", target, _bytes_in(target))


def _unpacked(dataset: DataSet, archive: Path, folder: Path) -> Path:
    """`folder/NAME`, checked and with its receipt before it gets that name."""
    target, size = folder / dataset.name, archive.stat().st_size
    hidden = folder / _DOWNLOADS / dataset.name
    try:
        # What a killed process has left.
        shutil.rmtree(hidden, ignore_errors=True)
        made, most = hidden / dataset.name, size * _UNPACKED_MOST + _BESIDE_BYTES
        archives.unpack(archive, made, dataset.place, most_bytes=most)
        content = content_of(dataset, _below(made))
        _hold(dataset, content, dataset.content, dataset.stated_by, archive)
        receipt = {
            **{key: getattr(dataset, key) for key in ("name", "title", "licence", "source", "url")},
            "archive": {"bytes": size, "sha256": download.sha256_of(archive)},
            "content": vars(content),
        }
        with download.writing(made):
            (made / RECEIPT).write_text(json.dumps(receipt, indent=2) + "\n", encoding="utf-8")
            made.replace(target)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return target


def _hold(
    dataset: DataSet, content: Content, expected: Content | None, against: str, where: Path
) -> None:
    """Raise NotWhole where the recordings are others than expected; none at all never are."""
    if content.files and (expected is None or content == expected):
        return
    if expected is None:
        told = f"has no recordings ({dataset.recordings})"
    elif content.files != expected.files or content.bytes != expected.bytes:
        told = (
            f"has {content.files:,} recordings with {content.bytes:,} B; "
            f"{against} has {expected.files:,} with {expected.bytes:,} B"
        )
    else:
        told = f"has as many recordings as {against}, with other contents"
    raise NotWhole(
        f"{where} {told}.",
        try_next=[f"move it away, and: edge-deploy data get {dataset.name}"],
    )


def _expected(dataset: DataSet, found: Found) -> tuple[Content | None, str]:
    """What the recordings should be, and who says so; (None, "") where nobody does."""
    if dataset.content is not None:
        return dataset.content, dataset.stated_by
    try:
        receipt = json.loads((found.path / RECEIPT).read_text(encoding="utf-8"))
        return Content(**receipt["content"]), f"{RECEIPT}, as it was unpacked"
    except (OSError, ValueError, TypeError, KeyError):
        return None, ""


def _recordings(dataset: DataSet, found: Found) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    """The files of what was found, by their places in the data set's folder."""
    if found.kind == "folder":
        return _below(found.path)
    if found.kind == "published":
        return archives.files(found.path, dataset.place)
    root = PurePosixPath(dataset.name)
    return archives.files(
        found.path, lambda name: name.relative_to(root) if root in name.parents else None
    )


def _below(folder: Path) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with closing(path.open("rb")) as file:
                yield PurePosixPath(path.relative_to(folder).as_posix()), file


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _wanted(dataset: DataSet) -> download.Wanted:
    return download.Wanted(dataset.url, dataset.size_bytes, dataset.sha256)
