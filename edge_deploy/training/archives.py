"""Archives of recordings -> folders, safely: a file of an archive never leaves its folder.

Only plain files are taken, in whatever order they come; links, devices and empty folders are left
out. A folder is there whole or not at all. Knows nothing about what the recordings are.
"""

from __future__ import annotations

import contextlib
import lzma
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from edge_deploy import download
from edge_deploy.errors import BadInput

# Where a file of the archive goes in the folder; None leaves it out.
Place = Callable[[PurePosixPath], "PurePosixPath | None"]

# More than the largest set of recordings that we know of has, by far.
_FILES_MOST = 2_000_000
_CHUNK_BYTES = 1 << 20


def as_named(name: PurePosixPath) -> PurePosixPath:
    """Every file where its name says."""
    return name


def files(archive: Path, place: Place = as_named) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    """The files of a `.tar.xz` or `.tar.gz` with their places, in the archive's order.

    Raises BadInput where it is damaged, or a name would lead outside.
    """
    with _blamed(archive):
        how = "gz" if archive.suffix == ".gz" else "xz"
        with tarfile.open(archive, f"r:{how}") as members:  # type: ignore[call-overload]
            for count, member in enumerate(members):
                if count == _FILES_MOST:
                    raise tarfile.TarError(f"it has more than {_FILES_MOST:,} files")
                content = members.extractfile(member) if member.isfile() else None
                if content is not None:
                    found = place(_inside(member.name))
                    if found is not None:
                        yield found, content


def unpack(
    archive: Path, target: Path, place: Place = as_named, *, most_bytes: int | None = None
) -> None:
    """Unpack into the folder `target`, which is not there yet.

    most_bytes: refuse an archive that unpacks to more. Raises BadInput, download.DiskFull.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix="part-", dir=target.parent))
    written = 0
    try:
        # mkdtemp's folder is for its owner alone; a class may share this one.
        part.chmod(0o755)
        for name, content in files(archive, place):
            path = part.joinpath(*name.parts)
            with _blamed(archive):
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:
                    while chunk := content.read(_CHUNK_BYTES):
                        written += len(chunk)
                        if most_bytes is not None and written > most_bytes:
                            raise tarfile.TarError(f"it unpacks to more than {most_bytes:,} B")
                        file.write(chunk)
        part.replace(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _inside(name: str) -> PurePosixPath:
    """The path of a file of an archive. Raises TarError where it would lead out of the folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise tarfile.TarError(f"{name!r} would be outside the folder")
    return path


@contextlib.contextmanager
def _blamed(archive: Path) -> Iterator[None]:
    """Turn what a damaged archive raises into BadInput, and a full disk into DiskFull."""
    try:
        yield
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        if isinstance(error, OSError) and error.errno in download.DISK_FULL:
            with download.writing(archive.parent):
                raise
        text = (str(error) or type(error).__name__).splitlines()[0]
        raise BadInput(f"{archive} cannot be unpacked: {text}") from error
