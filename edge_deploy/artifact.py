"""What is put on a board: an image and its manifest, as a folder on disk.

Turns such a folder into an Artifact and back, and trusts nothing in it: a manifest that lacks a
key, or an image that is not the one it describes, is BadInput. Knows nothing of how an image
is made or flashed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_deploy.errors import BadInput, BuildFailed

SCHEMA_VERSION = 1
MANIFEST_FILE = "manifest.json"

# A manifest is 1 KB. More than this is not one, and is not read into memory.
_MANIFEST_LIMIT_BYTES = 65_536
_SHA256_DIGITS = 64
# Flash of a board: more than any of ours has.
_MOST_OFFSET = 1 << 30


@dataclass(frozen=True)
class Part:
    """A file that goes to a board beside the image. offset: in its flash, bytes."""

    file: str
    offset: int


@dataclass(frozen=True)
class Manifest:
    """What an image holds, and what it takes of its board.

    port: `virtual_m4`, `host` or `arduino`; engine: as the firmware's `hello` names it.
    target: what the compiler emitted code for, `portable`, `cortex_m4` or `esp32s3`.
    flash_bytes: all that is loaded, and of a real board's image what its core alone does not take
    (`reserved_flash_bytes` in boards.yaml; ram_bytes likewise). code_bytes: of it, what is not
    weights.
    model_code_bytes: the code and constants of the generated model with its kernels, without
    weights and without what the C compiler's libraries add.
    ram_bytes: all static RAM with the arena and the reserved stack.
    These and stack_reserved_bytes are None where the image runs under an operating system,
    which has no such limits.
    load_address: where the image goes; 0 for an executable, and where the uploader knows it.
    image, elf: file names in the artifact's folder.
    parts: files there that a board needs beside the image; a manifest without the key has none.
    """

    model_name: str
    model_sha256: str
    board: str
    port: str
    engine: str
    target: str
    toolchain: str
    flash_bytes: int | None
    ram_bytes: int | None
    code_bytes: int | None
    model_code_bytes: int | None
    weights_bytes: int
    arena_bytes: int
    stack_reserved_bytes: int | None
    image_sha256: str
    load_address: int
    tool_version: str
    image: str
    elf: str
    parts: tuple[Part, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The manifest as it stands on disk, and in `--json` output."""
        found = {"schema_version": SCHEMA_VERSION, **dataclasses.asdict(self)}
        if not self.parts:
            del found["parts"]
        return found


@dataclass(frozen=True)
class Artifact:
    """A built firmware. image: a flat .bin, or an executable; elf: the same with symbols."""

    folder: Path
    image: Path
    elf: Path
    manifest: Manifest

    @property
    def pieces(self) -> tuple[tuple[int, Path], ...]:
        """(offset in flash, file) of all that goes to the board, by offset."""
        parts = [(part.offset, self.folder / part.file) for part in self.manifest.parts]
        return tuple(sorted([*parts, (self.manifest.load_address, self.image)]))


def read(folder: Path) -> Artifact:
    """Read an artifact, and check that its image is the one that the manifest describes.

    Raises BadInput.
    """
    manifest = read_manifest(folder / MANIFEST_FILE)
    found = Artifact(folder, folder / manifest.image, folder / manifest.elf, manifest)
    digest = sha256_of(found.image)
    if digest != manifest.image_sha256:
        raise BadInput(
            f"{found.image} has sha256 {digest[:16]}...; its manifest says "
            f"{manifest.image_sha256[:16]}...",
            try_next=("build it again",),
        )
    for needed in (found.elf, *(path for _, path in found.pieces)):
        if not needed.is_file():
            raise BadInput(f"{needed} is missing; the manifest names it.")
    return found


def write(folder: Path, manifest: Manifest) -> Artifact:
    """Write the manifest into a folder that holds the image already.

    It appears whole or not at all. Raises BuildFailed when the disk refuses it, BadInput when
    the image is not what the manifest says.
    """
    path = folder / MANIFEST_FILE
    partial = folder / f".{MANIFEST_FILE}.{os.getpid()}"
    try:
        partial.write_text(json.dumps(manifest.as_json(), indent=2) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise BuildFailed(f"Cannot write {path}: {error.strerror}") from error
    return read(folder)


def read_manifest(path: Path) -> Manifest:
    """Read and check a manifest alone. Raises BadInput, naming the key that is wrong."""
    try:
        with path.open("rb") as file:
            data = file.read(_MANIFEST_LIMIT_BYTES + 1)
    except OSError as error:
        raise BadInput(f"Cannot read {path}: {error.strerror}") from error
    if len(data) > _MANIFEST_LIMIT_BYTES:
        raise BadInput(f"{path} has more than {_MANIFEST_LIMIT_BYTES:,} B: not a manifest.")
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise BadInput(f"{path} holds no JSON object.")
    if values.get("schema_version") != SCHEMA_VERSION:
        raise BadInput(
            f"{path} has schema_version {values.get('schema_version')!r}; "
            f"this edge-deploy reads {SCHEMA_VERSION}."
        )
    checked: dict[str, Any] = {
        field.name: _checked(path, values, field.name, str(field.type))
        for field in dataclasses.fields(Manifest)
        if field.name != "parts"
    }
    return Manifest(**checked, parts=_parts(path, values.get("parts", [])))


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits. Raises BadInput when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise BadInput(f"Cannot read {path}: {error.strerror}") from error


def _checked(path: Path, values: dict[str, Any], name: str, wanted: str) -> str | int | None:
    """One value of a manifest, of its declared type and within its range. Raises BadInput."""
    if name not in values:
        raise BadInput(f"{path} lacks {name!r}.")
    value = values[name]
    if value is None and wanted == "int | None":
        return None
    if wanted == "str":
        good = isinstance(value, str)
    else:  # a bool is an int to Python, not to us
        good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not good:
        kind = "text" if wanted == "str" else "a whole number of at least 0"
        raise BadInput(f"{path}: {name!r} is {value!r:.60}, not {kind}.")
    if name.endswith("_sha256") and not _is_sha256(value):
        raise BadInput(f"{path}: {name!r} is {value!r:.60}, not {_SHA256_DIGITS} hex digits.")
    # A manifest from elsewhere must not make us read or flash a file outside its folder.
    if name in ("image", "elf") and not _is_plain(value):
        raise BadInput(f"{path}: {name!r} is {value!r:.60}, not a plain file name.")
    checked: str | int = value
    return checked


def _parts(path: Path, value: object) -> tuple[Part, ...]:
    """`parts`: a list of {"file", "offset"}. Raises BadInput."""
    wanted = f"{path}: 'parts' is not a list of file names with offsets: {value!r:.60}."
    if not isinstance(value, list):
        raise BadInput(wanted)
    found = []
    for entry in value:
        if not isinstance(entry, dict) or set(entry) != {"file", "offset"}:
            raise BadInput(wanted)
        file, offset = entry["file"], entry["offset"]
        if not isinstance(file, str) or not _is_plain(file) or type(offset) is not int:
            raise BadInput(wanted)
        if not 0 <= offset < _MOST_OFFSET:
            raise BadInput(wanted)
        found.append(Part(file, offset))
    return tuple(found)


def _is_plain(name: str) -> bool:
    """Whether a name is of a file in the same folder."""
    return bool(name) and name not in (".", "..") and not set(name) & set("/\\:")


def _is_sha256(value: str) -> bool:
    return len(value) == _SHA256_DIGITS and set(value) <= set("0123456789abcdef")
