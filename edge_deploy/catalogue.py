"""data.yaml -> DataSet: what labs learn from, under which licence, and where it is published.

Turns a name into facts. Knows nothing about what lies on this computer, nor how it gets there.

    title:          what it is, in one line
    labs:           names of the labs that learn from it
    licence:        its short name; licence_notes: what it asks of whoever uses it
    source:         where its makers publish it
    mind:           what a recipe must know
    file:           name of the archive, a .tar.gz, as a browser would save it
    url:            where it is downloaded from
    inside:         folder in the archive that becomes the data set's; all of it where absent
    beside:         files in the archive that come with it, such as a licence
    size_bytes:     of the archive, where `stated_by` states it; as sha256 of it
    stated_by:      who says so
    recordings:     pattern of the recordings' file names
    content:        files, bytes and sha256 of all recordings, where the source is pinned:
                    the sha256 of lines "SHA256  PATH", as sha256sum prints them, sorted by path
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from edge_deploy import places, yamlfile
from edge_deploy.errors import BadInput
from edge_deploy.yamlfile import Value

PATH = places.shipped("labs", "data.yaml")

# Larger than any data set for boards of this size.
_BYTES_MOST = 1 << 40
_FILES_MOST = 10_000_000
_NOTES_MOST = 1_000

_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.tar\.gz")


class UnknownData(BadInput):
    """No data set of that name."""


@dataclass(frozen=True)
class Content:
    """What all recordings of a data set are together; `sha256` is described above."""

    files: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class DataSet:
    """One entry of data.yaml; the keys are described above. Absent facts are None or empty."""

    name: str
    title: str
    labs: tuple[str, ...]
    licence: str
    licence_notes: str
    source: str
    mind: str
    file: str
    url: str
    inside: PurePosixPath
    beside: tuple[PurePosixPath, ...]
    size_bytes: int | None
    sha256: str | None
    stated_by: str
    recordings: str
    content: Content | None

    def place(self, member: PurePosixPath) -> PurePosixPath | None:
        """Where a file of the archive belongs in the data set's folder; None if nowhere."""
        if member in self.beside:
            return PurePosixPath(member.name)
        return member.relative_to(self.inside) if self.inside in member.parents else None

    def as_json(self) -> dict[str, Any]:
        """All facts, by the names of data.yaml."""
        facts = {key: value for key, value in vars(self).items() if key not in _PRIVATE}
        return {
            **facts,
            "labs": list(self.labs),
            "content": None if self.content is None else vars(self.content),
        }


# How the archive is taken apart interests nobody who reads JSON.
_PRIVATE = ("inside", "beside")


def load_all() -> dict[str, DataSet]:
    """Every data set by name, in the file's order. Raises BadFile."""
    root = yamlfile.load(PATH)
    return {name: _read(name, value) for name, value in root.named().items()}


def load(name: str) -> DataSet:
    """The data set of that name. Raises UnknownData."""
    known = load_all()
    if name in known:
        return known[name]
    names = [each.name for each in known.values() if name in each.labs]
    if names:
        raise UnknownData(
            f"{name} is a lab; it learns from {', '.join(names)}.",
            try_next=to_get(name),
        )
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise UnknownData(
        f"no data set is called {name!r}; known are {', '.join(known)}.{hint}",
        try_next=["edge-deploy data"],
    )


def of_lab(lab: str) -> list[DataSet]:
    """The data sets that a lab learns from; none for a lab that the file does not name."""
    return [each for each in load_all().values() if lab in each.labs]


def to_get(lab: str) -> list[str]:
    """The command that gets them, as something to try; nothing where the file knows none."""
    names = [each.name for each in of_lab(lab)]
    return [f"edge-deploy data get {' '.join(names)}"] if names else []


def _read(name: str, value: Value) -> DataSet:
    fields = value.fields(
        required=(
            *("title", "labs", "licence", "licence_notes", "source", "mind"),
            *("file", "url", "stated_by", "recordings"),
        ),
        optional=("inside", "beside", "size_bytes", "sha256", "content"),
    )
    inside, beside, size = fields.get("inside"), fields.get("beside"), fields.get("size_bytes")
    sha256, content = fields.get("sha256"), fields.get("content")
    return DataSet(
        name=name,
        title=fields["title"].text(),
        labs=tuple(entry.name() for entry in fields["labs"].entries()),
        licence=fields["licence"].text(),
        licence_notes=fields["licence_notes"].text(most=_NOTES_MOST),
        source=fields["source"].text(),
        mind=fields["mind"].text(most=_NOTES_MOST),
        file=_file(fields["file"]),
        url=_url(fields["url"]),
        inside=PurePosixPath() if inside is None else _path(inside),
        beside=() if beside is None else tuple(_path(entry) for entry in beside.entries()),
        size_bytes=None if size is None else size.integer(1, _BYTES_MOST),
        sha256=None if sha256 is None else _sha256(sha256),
        stated_by=fields["stated_by"].text(),
        recordings=fields["recordings"].text(),
        content=None if content is None else _content(content),
    )


def _content(value: Value) -> Content:
    fields = value.fields(required=("files", "bytes", "sha256"))
    return Content(
        files=fields["files"].integer(1, _FILES_MOST),
        bytes=fields["bytes"].integer(1, _BYTES_MOST),
        sha256=_sha256(fields["sha256"]),
    )


def _sha256(value: Value) -> str:
    text = value.text()
    if not _SHA256.fullmatch(text):
        raise value.expected("64 hex digits in lower case")
    return text


def _file(value: Value) -> str:
    text = value.text()
    if not _FILE_NAME.fullmatch(text):
        raise value.expected("the name of a .tar.gz")
    return text


def _url(value: Value) -> str:
    text = value.text()
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise value.expected("an address that begins with https:// or http://")
    return text


def _path(value: Value) -> PurePosixPath:
    path = PurePosixPath(value.text())
    if path.is_absolute() or ".." in path.parts:
        raise value.expected("a path inside the archive")
    return path
