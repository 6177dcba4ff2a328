"""Built artifacts, kept by content: the same sources, flags and compiler are built once.

Turns a key into an Artifact, making it when it is missing or damaged. Safe against two processes
at once (a lock), against a build that is killed (it appears whole or not at all), and against a
damaged entry (it is made again). Knows nothing of how an artifact is made.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock

from edge_deploy import artifact, places
from edge_deploy.artifact import Artifact
from edge_deploy.errors import BadInput, BuildFailed

# A build takes seconds; compiling zig's runtime library for the first time up to a minute on a
# slow machine. Who waits longer than this waits for a process that hangs.
LOCK_TIMEOUT_S = 600.0
# Entries are 0.1 to 2 MB. A class of models fits in this; what was not used for a month goes.
KEEP_BYTES = 256 * 1024 * 1024
KEEP_S = 30 * 24 * 3600.0
# What a killed build left behind; no build takes an hour.
LEFTOVER_S = 3600.0

_PARTIAL = ".building-"
_DAMAGED = ".damaged-"
# Locks are shared by keys with the same first digit, so that their files never pile up.
_LOCK = ".lock-"


def fetch(key: str, make: Callable[[Path], Artifact], *, force: bool = False) -> Artifact:
    """The artifact of a key: the kept one, or what `make` writes into the folder it is given.

    key: hex digits that stand for everything that the artifact depends on.
    force: make it even if it is kept.
    Raises BuildFailed when the disk refuses, and whatever `make` raises.
    """
    folder = _root() / key
    if not force:
        kept = _kept(folder)
        if kept is not None:
            return kept
    with _disk_errors(_root()):
        _root().mkdir(parents=True, exist_ok=True)
    with _lock(key):
        if not force:  # made while we waited
            kept = _kept(folder)
            if kept is not None:
                return kept
        with _disk_errors(_root()):
            partial = Path(tempfile.mkdtemp(prefix=f"{_PARTIAL}{key[:8]}-", dir=_root()))
            try:
                make(partial)
                _replace(folder, partial)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    prune(keep=folder)
    return artifact.read(folder)


def prune(*, keep: Path | None = None) -> None:
    """Remove entries that are old, then the least recently used beyond the cache's size.

    keep: an entry that stays in any case. What cannot be removed is left for the next time.
    """
    now = time.time()
    entries: list[tuple[float, int, Path]] = []
    for folder in _folders():
        age_s = now - _used(folder)
        if folder.name.startswith((_PARTIAL, _DAMAGED)):
            if age_s > LEFTOVER_S:
                shutil.rmtree(folder, ignore_errors=True)
        elif folder == keep:
            entries.append((now, _bytes(folder), folder))
        elif age_s > KEEP_S:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            entries.append((_used(folder), _bytes(folder), folder))
    total = sum(size for _, size, _ in entries)
    for _, size, folder in sorted(entries):
        if total <= KEEP_BYTES:
            break
        if folder != keep:
            shutil.rmtree(folder, ignore_errors=True)
            total -= size


def _root() -> Path:
    return places.cache() / "artifacts"


def _folders() -> list[Path]:
    try:
        return [path for path in _root().iterdir() if path.is_dir()]
    except OSError:
        return []


def _kept(folder: Path) -> Artifact | None:
    """A whole and undamaged entry, marked as used; otherwise None."""
    try:
        found = artifact.read(folder)
    except BadInput:
        return None
    with contextlib.suppress(OSError):  # a read-only cache serves as well
        os.utime(folder / artifact.MANIFEST_FILE)
    return found


def _used(folder: Path) -> float:
    """When an entry was last used: its manifest's time; that of the folder while it has none."""
    for path in (folder / artifact.MANIFEST_FILE, folder):
        with contextlib.suppress(OSError):
            return path.stat().st_mtime
    return 0.0


def _bytes(folder: Path) -> int:
    total = 0
    with contextlib.suppress(OSError):  # removed by another process meanwhile
        for path in folder.iterdir():
            total += path.stat().st_size
    return total


def _replace(folder: Path, partial: Path) -> None:
    """Put a finished entry in its place. The place is empty for a moment; readers build then."""
    if folder.exists():
        damaged = folder.with_name(f"{_DAMAGED}{partial.name.removeprefix(_PARTIAL)}")
        folder.rename(damaged)
        if damaged.is_dir():
            shutil.rmtree(damaged, ignore_errors=True)
        else:
            damaged.unlink()
    partial.rename(folder)


@contextlib.contextmanager
def _lock(key: str) -> Iterator[None]:
    """Hold the right to make an entry. The system gives it back when a process is killed."""
    path = _root() / f"{_LOCK}{key[0]}"
    lock = filelock.FileLock(path, timeout=LOCK_TIMEOUT_S)
    try:
        with _disk_errors(path):
            lock.acquire()
    except filelock.Timeout:
        raise BuildFailed(
            f"Another process has been building for {LOCK_TIMEOUT_S:.0f} s; it holds {path}.",
            try_next=("ps aux | grep edge-deploy  end it if it hangs",),
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _disk_errors(where: Path) -> Iterator[None]:
    """Say what the disk refused, and what to do about it."""
    try:
        yield
    except OSError as error:
        if isinstance(error, filelock.Timeout):
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise BuildFailed(
            f"Cannot write the build cache in {where}: {error.strerror or error}",
            try_next=(
                f"df -h '{where}'  see how much is free" if full else f"ls -ld '{where}'",
                "EDGE_DEPLOY_HOME=<a folder on another disk> edge-deploy ...",
            ),
        ) from error
