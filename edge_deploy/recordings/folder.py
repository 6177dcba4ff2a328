"""The clips of a folder: found by their paths, added one by one, each whole or not at all.

A link that leads out of the folder is never followed. Knows nothing about what the files hold.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from edge_deploy.errors import BadInput
from edge_deploy.recordings import layout, tables
from edge_deploy.recordings.layout import INDEX_FILE, Clip, Facts, Row

INDEX_COLUMNS = (
    "file",
    "label",
    "speaker",
    "session",
    "sensor",
    "rate_hz",
    "board",
    "on",
    "recorded_at",
)
_CHUNK_BYTES = 1 << 16


def label_folders(folder: Path) -> list[Path]:
    """The folders below `folder` that may hold clips, by name; hidden ones and links are not.

    Raises BadInput where `folder` is none.
    """
    try:
        return sorted(
            path
            for path in folder.iterdir()
            if layout.is_label(path.name) and path.is_dir() and not leads_away(path)
        )
    except OSError as error:
        raise BadInput(f"{folder} cannot be read: {error.strerror or error}.") from error


def leads_away(path: Path) -> bool:
    """Whether `path` is not simply the file or folder of its name in its parent: a link."""
    return path.is_symlink() or path.resolve() != path.parent.resolve() / path.name


def clips(
    folder: Path,
    *,
    label: str | None = None,
    speaker: str | None = None,
    session: str | None = None,
) -> list[Clip]:
    """The clips of a folder, by label, speaker, session and number; those asked for.

    Files of other kinds (a README) are left alone; a WAV, CSV or PNG file in a label's folder
    whose name does not say speaker and session could be in no part for sure.
    Raises BadInput for such a name, for a link, and where `folder` cannot be read.
    """
    found: list[Clip] = []
    for below in label_folders(folder):
        if label is None or below.name == label:
            found += _clips_of(below)
    return [
        clip
        for clip in sorted(found, key=_order)
        if speaker in {None, clip.speaker} and session in {None, clip.session}
    ]


def _order(clip: Clip) -> tuple[str, str, str, int]:
    return clip.label, clip.speaker, clip.session, clip.number


def _clips_of(folder: Path) -> list[Clip]:
    found = []
    for path in folder.iterdir():
        if path.name.startswith(".") or path.suffix.lower() not in layout.SUFFIXES.values():
            continue
        clip = layout.clip_of(path, folder.name)
        if clip is None:
            raise BadInput(
                f"{path}: its name does not say who was recorded and when, so nobody could keep "
                "this person out of the test.",
                try_next=[
                    f"rename it    such as {folder.name}/ada_20260131T101500_001{path.suffix}"
                ],
            )
        if path.is_symlink() or not path.is_file():
            raise BadInput(f"{path} is a link or no file; copy the recording itself to there.")
        found.append(clip)
    return found


def fingerprint(found: Iterable[Clip]) -> str:
    """The sha256 of lines "SHA256  LABEL/NAME", sorted by path: what a model learnt from."""
    digest = hashlib.sha256()
    for clip in sorted(found, key=lambda each: each.file):
        content = hashlib.sha256()
        with clip.path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                content.update(chunk)
        digest.update(f"{content.hexdigest()}  {clip.file}\n".encode())
    return digest.hexdigest()


def index(folder: Path) -> list[Row]:
    """The rows of recordings.csv; none where there is none. Raises BadInput, with the line."""
    path = folder / INDEX_FILE
    rows = []
    for line, cells in tables.read(path, INDEX_COLUMNS):
        file, label, speaker, session, sensor, rate, board, on, recorded_at = cells
        clip = layout.clip_of(folder / label / file.rpartition("/")[2], label)
        if clip is None or clip.file != file or not layout.is_label(label):
            raise tables.wrong_row(path, line, "its file is not LABEL/SPEAKER_SESSION_NNN.SUFFIX")
        if (clip.speaker, clip.session, clip.sensor) != (speaker, session, sensor):
            raise tables.wrong_row(path, line, "speaker, session or sensor are not the file's")
        if rate and not (rate.isascii() and rate.isdigit() and len(rate) <= 9):
            raise tables.wrong_row(path, line, "rate_hz is no whole number")
        facts = Facts(sensor, int(rate) if rate else None, board, on)
        rows.append(Row(file, label, speaker, session, facts, recorded_at))
    return rows


def new_session(folder: Path, speaker: str, moment: datetime) -> str:
    """A session of a speaker that begins at that moment, or so soon after that none is it yet."""
    taken = {clip.session for clip in clips(folder, speaker=speaker)} if folder.is_dir() else set()
    while (session := layout.session_at(moment)) in taken:
        moment += timedelta(seconds=1)
    return session


def keep(
    folder: Path,
    label: str,
    speaker: str,
    session: str,
    facts: Facts,
    write: Callable[[Path], None],
) -> Clip:
    """Add one clip, which `write` writes to the path that it is given.

    It appears with its row in the index, or nothing of it does, whatever goes wrong between.
    Raises UsageError for a label or speaker that cannot be one, BadInput where the index is
    damaged or the label's folder is a link, RecordingsUnwritable, RecordingsLocked.
    """
    prefix = layout.unfinished_prefix(layout.checked_speaker(speaker))
    target = _label_folder(folder, layout.checked_label(label))
    suffix = layout.SUFFIXES[facts.sensor]
    with tables.writing(target):
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=target)
        os.close(handle)
    part = Path(name)
    try:
        with tables.writing(target):
            write(part)
            _sync(part)
            part.chmod(0o644)  # mkstemp makes it the owner's alone; a class shares its folder
        with tables.locked(folder):
            number = 1 + max(
                (clip.number for clip in clips(folder, speaker=speaker, session=session)), default=0
            )
            path = target / layout.file_name(speaker, session, number, suffix)
            clip = Clip(path, label, speaker, session, number)
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            rows = [*index(folder), Row(clip.file, label, speaker, session, facts, now)]
            with tables.writing(path):
                part.replace(path)
            try:
                write_index(folder, rows)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
    except BaseException:
        part.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            target.rmdir()  # if we made it for nothing; one that holds something stays
        raise
    return clip


def write_index(folder: Path, rows: Sequence[Row]) -> None:
    """Put recordings.csv in place in one step; by whoever holds the lock."""
    cells = [
        (
            row.file,
            row.label,
            row.speaker,
            row.session,
            row.facts.sensor,
            "" if row.facts.rate_hz is None else str(row.facts.rate_hz),
            row.facts.board,
            row.facts.on,
            row.recorded_at,
        )
        for row in rows
    ]
    tables.write(folder / INDEX_FILE, INDEX_COLUMNS, cells)


def _label_folder(folder: Path, label: str) -> Path:
    """The folder of a label, made if need be; refuses one that leads elsewhere."""
    target = folder / label
    with tables.writing(target):
        folder.mkdir(parents=True, exist_ok=True)
        others = [path.name for path in folder.iterdir() if path.name.lower() == label.lower()]
        if others and label not in others:
            raise BadInput(
                f"{folder} has a folder {others[0]}; on some systems {label} would be the same.",
                try_next=[f"--label '{others[0]}'"],
            )
        target.mkdir(exist_ok=True)
    if leads_away(target):
        raise BadInput(f"{target} is a link; recordings stay inside {folder}.")
    return target


def _sync(path: Path) -> None:
    """Have the system write the file out: a power cut must not leave a row without its clip."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
