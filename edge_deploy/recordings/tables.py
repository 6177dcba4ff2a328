"""Small CSV files that people edit too: read with every line checked, written whole or not at all.

Turns a file into rows with their line numbers, and rows into a file that appears in one step.
Knows nothing about what the columns mean.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import filelock

from edge_deploy.errors import BadInput, EdgeDeployError

# A class that records for a year stays below; what is larger was made to hurt.
_LARGEST_BYTES = 32 << 20
_CELL_CHARACTERS_MOST = 2_000
_LOCK_FILE = ".lock"
# Another process holds the lock while it writes a table: milliseconds.
_LOCK_TIMEOUT_S = 20.0

# How systems say that a disk, a quota or a file has no room left.
_DISK_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


class RecordingsUnwritable(EdgeDeployError):
    """The disk refuses what should be written into a folder of recordings, or removed there."""


class RecordingsLocked(EdgeDeployError):
    """Another process has held a folder of recordings for too long."""


def read(path: Path, columns: Sequence[str]) -> list[tuple[int, tuple[str, ...]]]:
    """The rows of a table below its heading, each with its line; none where there is no file.

    Raises BadInput for everything that is not such a table. Empty lines are left out.
    """
    try:
        if path.is_symlink():
            raise BadInput(f"{path} is a link; a file of its own is expected.")
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.") from error
    if len(data) > _LARGEST_BYTES:
        raise BadInput(f"{path} has more than {_LARGEST_BYTES:,} bytes; it is none of ours.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _wrong(path, line, "it is no UTF-8 text") from error
    return _rows(path, text, tuple(columns))


def _rows(path: Path, text: str, columns: tuple[str, ...]) -> list[tuple[int, tuple[str, ...]]]:
    found: list[tuple[int, tuple[str, ...]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if not cells:
                continue
            if any(len(cell) > _CELL_CHARACTERS_MOST or not cell.isprintable() for cell in cells):
                raise _wrong(
                    path, reader.line_num, "a cell is too long or holds a control character"
                )
            if not found and tuple(cells) != columns:
                raise _wrong(path, reader.line_num, f"the heading is not {','.join(columns)}")
            if len(cells) != len(columns):
                raise _wrong(
                    path,
                    reader.line_num,
                    f"it has {len(cells)} cells; the {len(columns)} are {','.join(columns)}",
                )
            found.append((reader.line_num, tuple(cells)))
    except csv.Error as error:
        raise _wrong(path, reader.line_num, f"it is no CSV ({error})") from error
    return found[1:]


def wrong_row(path: Path, line: int, what: str) -> BadInput:
    """The error for a row whose cells are not what they should be."""
    return _wrong(path, line, what)


def _wrong(path: Path, line: int, what: str) -> BadInput:
    return BadInput(
        f"{path}, line {line}: {what}.",
        try_next=[
            "mend the line, or rename the file: a clip's own path says label, speaker and session"
        ],
    )


def write(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Put a table in place in one step. Raises RecordingsUnwritable; the old one is whole then."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    with writing(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        part = Path(name)
        try:
            with open(handle, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123  a descriptor
                file.write(text.getvalue())
                file.flush()
                os.fsync(file.fileno())
            part.chmod(0o644)  # mkstemp makes it the owner's alone; a class shares its folder
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the right to change what is in `folder`. Raises RecordingsLocked."""
    lock = filelock.FileLock(folder / _LOCK_FILE, timeout=_LOCK_TIMEOUT_S)
    try:
        with writing(folder):
            lock.acquire()
    except filelock.Timeout:
        raise RecordingsLocked(
            f"another process has held {folder} for {_LOCK_TIMEOUT_S:.0f} s ({_LOCK_FILE}).",
            try_next=["end the other edge-deploy, and run the same command again"],
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in one line what the disk refused."""
    try:
        yield
    except filelock.Timeout:
        raise
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise RecordingsUnwritable(
                f"{path}: no room left on the disk.",
                try_next=["make room, and run the same command again", "--data OTHER_DISK"],
            ) from error
        raise RecordingsUnwritable(
            f"{path}: cannot be written: {error.strerror or error}."
        ) from error
