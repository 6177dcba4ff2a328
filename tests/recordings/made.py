"""Folders of recordings whose clips hold a few bytes, no sound: for what only reads their names."""

from __future__ import annotations

from pathlib import Path

from edge_deploy import recordings
from edge_deploy.recordings import Clip, Facts

MIC = Facts("microphone", 16_000, "nano33", "virtual")


def session(number: int) -> str:
    """The name of the number-th session."""
    return f"202601{number // 24 + 1:02d}T{number % 24:02d}0000"


def keep(
    folder: Path,
    label: str,
    speaker: str,
    at: int = 0,
    *,
    facts: Facts = MIC,
    content: bytes | None = None,
) -> Clip:
    """One clip, whose content is its own name unless another is given."""
    data = f"{label} {speaker} {at}".encode() if content is None else content
    return recordings.keep(
        folder, label, speaker, session(at), facts, lambda path: _fill(path, data)
    )


def _fill(path: Path, data: bytes) -> None:
    path.write_bytes(data)
