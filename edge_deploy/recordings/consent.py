"""Who agreed to be recorded, and how a person's recordings are removed again.

Only what stands in the folder is removed, link or not: what a link points to is left alone.
Knows nothing about models, but how a card says whose recordings one learnt from.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edge_deploy.errors import BadInput
from edge_deploy.recordings import folder as folders
from edge_deploy.recordings import layout, tables
from edge_deploy.recordings.layout import CONSENT_FILE, Clip

CONSENT_COLUMNS = ("speaker", "given_at", "statement")

_KEYS = "recordings of the speakers with the keys "
_NOBODYS = "recordings of no person"
_KEY_CHARACTERS = 12
_KEY = re.compile(rf"\b[0-9a-f]{{{_KEY_CHARACTERS}}}\b")


@dataclass(frozen=True)
class Consent:
    """That a speaker agreed. given_at: UTC, ISO 8601. statement: what was agreed to."""

    speaker: str
    given_at: str
    statement: str


@dataclass(frozen=True)
class Forgotten:
    """What was removed, or would be: files in the folder, rows of the index, consent.

    left: links to folders, which were not looked into.
    """

    speaker: str
    files: tuple[Path, ...]
    rows: int
    consent: bool
    left: tuple[Path, ...]


def consents(folder: Path) -> list[Consent]:
    """The rows of consent.csv; none where there is none. Raises BadInput, with the line."""
    path = folder / CONSENT_FILE
    found = []
    for line, cells in tables.read(path, CONSENT_COLUMNS):
        if not layout.is_speaker(cells[0]):
            raise tables.wrong_row(path, line, "its speaker is no pseudonym")
        found.append(Consent(*cells))
    return found


def consent_of(folder: Path, speaker: str) -> Consent | None:
    """The last consent of a speaker, None where there is none. Raises BadInput."""
    return next((each for each in reversed(consents(folder)) if each.speaker == speaker), None)


def give_consent(folder: Path, speaker: str, statement: str) -> Consent:
    """Note that a speaker agrees to `statement`, one line, from now on.

    Raises UsageError for a speaker that cannot be one, BadInput where consent.csv is damaged,
    RecordingsUnwritable, RecordingsLocked.
    """
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    given = Consent(layout.checked_speaker(speaker), now, " ".join(statement.split()))
    with tables.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with tables.locked(folder):
        _write(folder, [*consents(folder), given])
    return given


def forget(folder: Path, speaker: str, *, dry_run: bool = False) -> Forgotten:
    """Remove a speaker's clips, rows of the index and consent.

    The consent goes last: what could not be removed is still there to be forgotten again.
    Raises UsageError, BadInput where the folder has nothing of that speaker or a table is
    damaged, RecordingsUnwritable naming what could not be removed, RecordingsLocked.
    """
    layout.checked_speaker(speaker)
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder.", try_next=["--data FOLDER"])
    if dry_run:
        return _found(folder, speaker)
    with tables.locked(folder):
        found = _found(folder, speaker)
        for path in found.files:
            with tables.writing(path):
                path.unlink()
        rows = folders.index(folder)
        if found.rows:
            folders.write_index(folder, [row for row in rows if row.speaker != speaker])
        if found.consent:
            _write(folder, [each for each in consents(folder) if each.speaker != speaker])
    return found


def key_of(speaker: str) -> str:
    """What a card, which is passed on, calls a speaker: whoever knows the name finds it."""
    digest = hashlib.sha256(f"edge-deploy speaker {speaker}".encode())
    return digest.hexdigest()[:_KEY_CHARACTERS]


def speakers_line(found: Iterable[Clip]) -> str:
    """The line of a card that says whose recordings a model learnt from."""
    keys = sorted({key_of(clip.speaker) for clip in found if clip.speaker != layout.NOBODY})
    return f"{_KEYS}{', '.join(keys)}" if keys else _NOBODYS


def names_speaker(card: str, speaker: str) -> bool | None:
    """Whether a card says that its model learnt from a speaker; None where it says of nobody."""
    lines = [line.partition(_KEYS)[2] for line in card.splitlines() if _KEYS in line]
    if not lines:
        return False if _NOBODYS in card else None
    return any(key_of(speaker) in _KEY.findall(line) for line in lines)


def _found(folder: Path, speaker: str) -> Forgotten:
    """What there is of a speaker. Raises BadInput where there is nothing."""
    files, others = [], set()
    for below in folders.label_folders(folder):
        for path in sorted(below.iterdir()):
            clip = layout.clip_of(path, below.name)
            if clip is not None and clip.speaker != speaker:
                others.add(clip.speaker)
            # Also what a power cut left of a clip that was being written.
            mine = clip is not None or path.name.startswith(layout.unfinished_prefix(speaker))
            if mine and (clip is None or clip.speaker == speaker) and not _is_folder(path):
                files.append(path)
    rows = folders.index(folder)
    agreed = consents(folder)
    found = Forgotten(
        speaker,
        tuple(files),
        sum(row.speaker == speaker for row in rows),
        any(each.speaker == speaker for each in agreed),
        tuple(path for path in sorted(folder.iterdir()) if _is_linked_folder(path)),
    )
    if not (found.files or found.rows or found.consent):
        others |= {row.speaker for row in rows} | {each.speaker for each in agreed}
        known = f"known are {', '.join(sorted(others))}" if others else "it has none of anybody"
        raise BadInput(f"{folder} has no recordings of {speaker}; {known}.")
    return found


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_linked_folder(path: Path) -> bool:
    return path.is_dir() and folders.leads_away(path)


def _write(folder: Path, rows: list[Consent]) -> None:
    cells = [(each.speaker, each.given_at, each.statement) for each in rows]
    tables.write(folder / CONSENT_FILE, CONSENT_COLUMNS, cells)
