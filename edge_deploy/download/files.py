"""A file from a web server: whole, checked, and in its place in one step.

Turns an address into a file. What was cut off is resumed where the server can (HTTP Range, with
the ETag or date of the first answer, so that two versions are never mixed), and begun anew where
it cannot. Until it is whole and checked it is called FILE.part; beside it lies FILE.part.json,
which says what the server called it. Knows nothing about what the file holds.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from edge_deploy.download import web
from edge_deploy.download.web import Again, DownloadFailed, Patience, ServerLost
from edge_deploy.errors import BadInput, EdgeDeployError

Progress = Callable[[int, "int | None"], None]  # bytes so far, of how many if that is known
Say = Callable[[str], None]

PART = ".part"

_CHUNK_BYTES = 1 << 16
# Of a file whose size nobody states; the largest that we know of has 2.4 GB.
_UNSTATED_BYTES_MOST = 8 << 30
# A connection that brought less than this counts as one that brought nothing, so that the number
# of connections stays bounded.
_WORTH_BYTES = 1 << 16
# Left free on the disk: a full one stops programs that have nothing to do with us.
_SPARE_BYTES = 32 << 20

# How systems say that a disk, a quota or a file has no room left.
DISK_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class WrongContent(BadInput):
    """The file is whole, but not the one that was wanted."""


class DiskFull(EdgeDeployError):
    """The file has no room on the disk."""


@dataclass(frozen=True)
class Wanted:
    """A file on a server, and what is known of it."""

    url: str
    size_bytes: int | None = None
    sha256: str | None = None


def _nobody(*_told: object) -> None:
    """Nobody watches."""


def fetch(
    wanted: Wanted,
    target: Path,
    *,
    patience: Patience | None = None,
    progress: Progress = _nobody,
    say: Say = _nobody,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Download `wanted` to `target`; what an earlier call left of it is used.

    Whoever else may fetch the same file must be kept out by the caller.
    Raises ServerLost, ServerDenies, WrongContent, DiskFull, DownloadFailed. Whatever ends it, a
    target is whole; and a part that is left is resumed by the next call.
    """
    patience = patience or Patience()
    part = part_of(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    anew = False
    while True:
        resumed = False
        try:
            resumed = _whole(wanted, part, patience, progress, say, sleep)
            verify(part, wanted)
        except WrongContent as error:
            forget(target)
            if not resumed or anew:
                raise
            # What lay here may have been damaged here: once more, all of it from the server.
            say(f"{error.message} Beginning anew.")
            anew = True
            continue
        part.replace(target)
        forget(target)
        return


def part_of(target: Path) -> Path:
    """Where a file is while it is not whole."""
    return target.with_name(target.name + PART)


def forget(target: Path) -> None:
    """Remove what is left of an unfinished download of `target`."""
    part_of(target).unlink(missing_ok=True)
    _note_of(part_of(target)).unlink(missing_ok=True)


def verify(path: Path, wanted: Wanted) -> None:
    """Raises WrongContent where the file's size or checksum is not as it was stated."""
    name, size = path.name.removesuffix(PART), path.stat().st_size
    if wanted.size_bytes is not None and size != wanted.size_bytes:
        raise WrongContent(f"{name} has {size:,} B; expected {wanted.size_bytes:,} B.")
    if wanted.sha256 is not None:
        found = sha256_of(path)
        if found != wanted.sha256:
            raise WrongContent(
                f"{name} has the checksum (sha256) {found[:16]}...; "
                f"expected {wanted.sha256[:16]}...: it was damaged, or changed at its source.",
                try_next=web.ELSEWHERE,
            )


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def require_space(folder: Path, needed_bytes: int) -> None:
    """Raises DiskFull where the disk of `folder` (which exists) has less than that to spare."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes + _SPARE_BYTES:
        raise DiskFull(
            f"{folder}: {needed_bytes:,} B are needed and {_SPARE_BYTES:,} B to spare; "
            f"the disk has {free:,} B free.",
            try_next=["make room, and run the same command again", "--data-dir OTHER_DISK"],
        )


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what a disk refuses into one clear error. Reading from the network goes elsewhere."""
    try:
        yield
    except OSError as error:
        if error.errno in DISK_FULL:
            raise DiskFull(
                f"{path}: no room left on the disk.",
                try_next=["make room, and run the same command again"],
            ) from error
        raise EdgeDeployError(f"{path}: cannot be written: {error.strerror or error}.") from error


def _whole(
    wanted: Wanted,
    part: Path,
    patience: Patience,
    progress: Progress,
    say: Say,
    sleep: Callable[[float], None],
) -> bool:
    """Try until `part` is whole; whether any of it was there before the last connection."""
    failures, furthest = 0, _size(part)
    while True:
        try:
            return _once(wanted, part, patience, progress, say)
        except Again as again:
            reached = _size(part)
            if reached >= furthest + _WORTH_BYTES:
                failures = 0
            furthest = max(furthest, reached)
            failures += 1
            if failures >= patience.tries:
                raise again.error from again
            pause_s = min(patience.pause_s * 2 ** (failures - 1), patience.pause_most_s)
            say(f"{again.error.message} Trying again in {pause_s:g} s.")
            sleep(pause_s)


@dataclass(frozen=True)
class _Note:
    """What the server called the file of which a part is here; all None where it said nothing."""

    url: str
    total: int | None = None
    etag: str | None = None
    modified: str | None = None

    @property
    def validator(self) -> str | None:
        """What If-Range takes: a strong ETag, or a date (RFC 9110 section 13.1.5)."""
        strong = self.etag and not self.etag.startswith("W/")
        return self.etag if strong else self.modified


def _once(wanted: Wanted, part: Path, patience: Patience, progress: Progress, say: Say) -> bool:
    """One connection; True where it went on from what was there. Raises Again, and for good."""
    note = _read_note(part, wanted.url)
    start = _size(part) if note and (note.validator or wanted.sha256) else 0
    if note and start and start == (note.total or wanted.size_bytes):
        return True
    headers = {"Range": f"bytes={start}-"} if start else {}
    if start and note and note.validator:
        headers["If-Range"] = note.validator
    with _asked(wanted.url, headers, part, patience) as response:
        got = _note(response, wanted.url)
        if start and response.status == http.client.PARTIAL_CONTENT:
            got = _continued(response, got, note, start, part)
            say(f"Going on from {start:,} B.")
        elif response.status == http.client.OK:
            if start:
                say("The server begins anew: it cannot resume, or the file has changed.")
            start = 0
        else:
            raise DownloadFailed(f"{wanted.url}: unexpected answer {response.status}.")
        _check_size(wanted, got.total)
        if got.total is not None:
            require_space(part.parent, got.total - start)
        with writing(part), part.open("ab" if start else "wb", buffering=0) as file:
            _write_note(part, got)
            done = _copy(response, file, start, wanted, got.total, patience, progress)
    if got.total is not None and done < got.total:
        raise Again(
            ServerLost(
                f"{web.host_of(wanted.url)}: the connection ended after {done:,} of "
                f"{got.total:,} B.",
                try_next=web.LATER,
            )
        )
    return start > 0


@contextlib.contextmanager
def _asked(
    url: str, headers: dict[str, str], part: Path, patience: Patience
) -> Iterator[http.client.HTTPResponse]:
    """The open answer; where the file has become shorter than its part, the part goes."""
    try:
        with web.opened(url, headers, patience) as response:
            yield response
    except web.RangeRefused as error:
        part.unlink(missing_ok=True)
        raise Again(error) from error


def _copy(
    response: http.client.HTTPResponse,
    file: IO[bytes],
    done: int,
    wanted: Wanted,
    total: int | None,
    patience: Patience,
    progress: Progress,
) -> int:
    """Write what the server sends, from position `done` on; how far it came."""
    most = total if total is not None else wanted.size_bytes or _UNSTATED_BYTES_MOST
    progress(done, total)
    while True:
        with web.reading(wanted.url, patience):
            chunk = response.read1(_CHUNK_BYTES)
        if not chunk:
            return done
        done += len(chunk)
        if done > most:
            raise WrongContent(f"{wanted.url}: more than {most:,} B came.")
        left = memoryview(chunk)
        while left:
            left = left[file.write(left) :]
        progress(done, total)


def _continued(
    response: http.client.HTTPResponse, got: _Note, note: _Note | None, start: int, part: Path
) -> _Note:
    """The note of a file that is resumed. Raises Again where the answer is not its rest."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    total = int(found[2]) if found and found[2] != "*" else None
    fits = (
        found is not None
        and note is not None
        and int(found[1]) == start
        and (note.total is None or total is None or note.total == total)
        and (note.etag is None or got.etag is None or note.etag == got.etag)
    )
    if not fits or note is None:
        part.unlink(missing_ok=True)
        raise Again(DownloadFailed(f"{got.url}: the file has changed while it was downloaded."))
    return _Note(got.url, note.total if total is None else total, note.etag, note.modified)


def _check_size(wanted: Wanted, total: int | None) -> None:
    if None not in (total, wanted.size_bytes) and total != wanted.size_bytes:
        raise WrongContent(
            f"{wanted.url} has {total:,} B; expected {wanted.size_bytes:,} B: it has changed.",
            try_next=web.ELSEWHERE,
        )
    if total is not None and total > max(wanted.size_bytes or 0, _UNSTATED_BYTES_MOST):
        raise WrongContent(
            f"{wanted.url} has {total:,} B, which is more than any data set of ours."
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _note_of(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _note(response: http.client.HTTPResponse, url: str) -> _Note:
    length = response.headers.get("Content-Length", "")
    return _Note(
        url,
        int(length) if length.isascii() and length.isdigit() else None,
        response.headers.get("ETag"),
        response.headers.get("Last-Modified"),
    )


def _read_note(part: Path, url: str) -> _Note | None:
    """The note beside a part; None where there is none, or it is of something else."""
    try:
        found = json.loads(_note_of(part).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or found.get("url") != url:
        return None
    total, texts = found.get("total"), [found.get("etag"), found.get("modified")]
    # They go into headers of the next request.
    if not all(text is None or (isinstance(text, str) and text.isprintable()) for text in texts):
        return None
    return _Note(url, total if isinstance(total, int) else None, *texts)


def _write_note(part: Path, note: _Note) -> None:
    _note_of(part).write_text(json.dumps(asdict(note)), encoding="utf-8")
