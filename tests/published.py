"""A data set of a few bytes, as its makers would publish it, and a catalogue that names it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

NAME, FILE = "tones", "tones-v1.tar.gz"
# By their places in the data set's folder. Some bytes that do not pack, so that there is something
# to cut.
RECORDINGS = {
    "high/a.wav": hashlib.shake_256(b"a").digest(90_000),
    "low/b.wav": hashlib.shake_256(b"b").digest(60_000),
}
BESIDE = {"LICENSE": b"do what you like\n"}
ELSEWHERE = {"README.md": b"not of the data set", "data.wav": b"beside the folder"}


def archive(files: Mapping[str, bytes] | None = None) -> bytes:
    """A .tar.gz like a repository's, or of just these files."""
    if files is None:
        below = {f"tones-1/data/{name}": content for name, content in RECORDINGS.items()}
        files = {**below, **{f"tones-1/{n}": c for n, c in {**BESIDE, **ELSEWHERE}.items()}}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as opened:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            opened.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def sum_of(recordings: Mapping[str, bytes]) -> str:
    """What `sha256sum` prints of the recordings, sorted by path, summed once more."""
    lines = [f"{hashlib.sha256(c).hexdigest()}  {name}\n" for name, c in sorted(recordings.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def catalogue(
    path: Path, url: str, *, sha256: str = "", size: int = 0, content: bool = True
) -> Path:
    """A data.yaml with the one data set; facts that are not given are absent."""
    lines = [
        f"{NAME}:",
        '  title: "Two tones"',
        "  labs: [kws]",
        '  licence: "CC0"',
        '  licence_notes: "Nothing is asked."',
        '  source: "https://example.org/tones"',
        '  mind: "The second is lower."',
        f'  file: "{FILE}"',
        f'  url: "{url}"',
        '  inside: "tones-1/data"',
        '  beside: ["tones-1/LICENSE"]',
        '  stated_by: "its makers"',
        '  recordings: "*.wav"',
    ]
    lines += [f'  sha256: "{sha256}"'] if sha256 else []
    lines += [f"  size_bytes: {size}"] if size else []
    if content:
        total = sum(map(len, RECORDINGS.values()))
        lines += ["  content:", f"    files: {len(RECORDINGS)}", f"    bytes: {total}"]
        lines += [f'    sha256: "{sum_of(RECORDINGS)}"']
    path.write_text("\n".join(lines) + "\n")
    return path
