"""Names of labels, speakers, sessions and files: what they may be, so that no path leaves a folder.

Turns a clip's path into what it says, and refuses what could not be one. Touches no file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType

from edge_deploy.errors import UsageError

INDEX_FILE = "recordings.csv"
CONSENT_FILE = "consent.csv"

# Kinds of source (`labs.SOURCES`) and what a clip of each is written as.
SUFFIXES = MappingProxyType({"microphone": ".wav", "imu": ".csv", "camera": ".png"})
_SENSORS = {suffix: sensor for sensor, suffix in SUFFIXES.items()}

# Stands for a speaker where there is no person: a machine, a room, an empty table.
NOBODY = "nobody"

_SPEAKER = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_LABEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ .+-]{0,62}")
_SESSION_FORMAT = "%Y%m%dT%H%M%S"
_NAME = re.compile(
    r"(?P<speaker>[a-z0-9][a-z0-9-]{0,31})_(?P<session>[0-9]{8}T[0-9]{6})_(?P<number>[0-9]{3,6})"
    r"(?P<suffix>\.wav|\.csv|\.png)"
)
# A folder of such a name cannot be made on Windows ("Naming Files, Paths, and Namespaces"), and a
# class shares its recordings.
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_SHOWN_CHARACTERS = 40


@dataclass(frozen=True)
class Clip:
    """One recording, as its path says it. number: within its session, from 1."""

    path: Path
    label: str
    speaker: str
    session: str
    number: int

    @property
    def sensor(self) -> str:
        """The kind of source that it was recorded from: a key of SUFFIXES."""
        return _SENSORS[self.path.suffix]

    @property
    def file(self) -> str:
        """Its path within the folder, as the index has it."""
        return f"{self.label}/{self.path.name}"


@dataclass(frozen=True)
class Facts:
    """What the index says of clips beyond their path.

    rate_hz: samples a second; None for pictures. on: the device as the user named it.
    """

    sensor: str
    rate_hz: int | None
    board: str
    on: str


@dataclass(frozen=True)
class Row:
    """One line of recordings.csv. recorded_at: UTC, ISO 8601, to the second."""

    file: str
    label: str
    speaker: str
    session: str
    facts: Facts
    recorded_at: str


def checked_speaker(speaker: str) -> str:
    """A speaker's pseudonym. Raises UsageError for what is none."""
    if _SPEAKER.fullmatch(speaker) is None:
        raise UsageError(
            f"the speaker {_shown(speaker)} is no pseudonym: up to 32 lower-case letters, digits "
            "and -, not beginning with -.",
            try_next=["--speaker ada    not a whole name: recordings may be passed on"],
        )
    return speaker


def checked_label(label: str) -> str:
    """A label that can be a folder's name on every system. Raises UsageError for another."""
    if _LABEL.fullmatch(label) is None or label[-1] in " ." or _RESERVED.fullmatch(label):
        raise UsageError(
            f"the label {_shown(label)} cannot be a folder's name everywhere: up to 63 letters "
            "(A to Z), digits, spaces and any of _ . + -; not a blank or a point at an end.",
            try_next=["--label yes"],
        )
    return label


def session_at(moment: datetime) -> str:
    """The session that begins at that moment, in UTC: 20260131T235959."""
    return moment.astimezone(timezone.utc).strftime(_SESSION_FORMAT)


def is_speaker(name: str) -> bool:
    """Whether that may be a speaker's pseudonym."""
    return _SPEAKER.fullmatch(name) is not None


def is_label(name: str) -> bool:
    """Whether a folder of that name may hold clips."""
    return _LABEL.fullmatch(name) is not None and name[-1] not in " ."


def clip_of(path: Path, label: str) -> Clip | None:
    """What a file's name says; None where it is no clip's name."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        return None
    try:
        datetime.strptime(found["session"], _SESSION_FORMAT).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return Clip(path, label, found["speaker"], found["session"], int(found["number"]))


def file_name(speaker: str, session: str, number: int, suffix: str) -> str:
    """The name of a clip's file."""
    return f"{speaker}_{session}_{number:03d}{suffix}"


def unfinished_prefix(speaker: str) -> str:
    """How the names of files begin that are being written, by whose voice they hold."""
    return f".{speaker}_"


def _shown(text: str) -> str:
    """At most 40 printable characters, quoted."""
    cut = text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 3]}..."
    return ascii(cut)
