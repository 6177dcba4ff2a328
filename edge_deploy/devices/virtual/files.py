"""The files that the words of a sensor's option name: one, or all of a folder."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_deploy.errors import BadInput, UsageError

_TIMED = re.compile(r"(.+):([0-9]{1,4}(?:\.[0-9]{1,3})?)s", re.ASCII)
_MOST_S = 3600.0


@dataclass(frozen=True)
class Found:
    """words: as they were given. files: in the order in which they are played."""

    words: str
    files: tuple[Path, ...]
    folder: bool

    def named(self, what: str) -> str:
        """For people: `3 recordings of words/`, or the file itself."""
        return f"{len(self.files)} {what} of {self.words}" if self.folder else self.words


def timed(option: str, words: str, otherwise_s: float, *, least_s: float) -> tuple[str, float]:
    """`recordings/:2.5s` to the name and the seconds; `otherwise_s` where it has none.

    A file whose name looks like that is the file. option: for messages.
    Raises UsageError for a time below `least_s`, or above an hour.
    """
    found = _TIMED.fullmatch(words)
    if found is None or _is_there(words):
        return words, otherwise_s
    seconds = float(found[2])
    if not least_s <= seconds <= _MOST_S:
        raise UsageError(
            f"{option} {words}: it can be {least_s:g} to {_MOST_S:g} s.",
            try_next=(f"{option} {found[1]}:{otherwise_s:g}s",),
        )
    return found[1], seconds


def find(words: str, kind: str, suffixes: Collection[str], *, try_next: Sequence[str]) -> Found:
    """The file of that name; of a folder those with such a suffix, by name, none of folders in it.

    kind: such as `WAV files`, for messages. try_next: what else can be said.
    Raises BadInput where there is none, or it cannot be looked for.
    """
    try:
        path = Path(words).expanduser()
        folder = path.is_dir()
        there = folder or path.exists()
        files = sorted(each for each in path.iterdir() if _is_one(each, suffixes)) if folder else []
    # ValueError: a name that no file can have. RuntimeError: the home of a user that is not there.
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadInput(f"{words} cannot be read: {why}.") from error
    if not there:
        raise BadInput(f"{words} is not there.", try_next=try_next)
    if folder and not files:
        raise BadInput(f"{words} is a folder without {kind}.", try_next=try_next)
    return Found(words, tuple(files) if folder else (path,), folder)


def _is_there(words: str) -> bool:
    try:
        return Path(words).expanduser().exists()
    except (OSError, ValueError, RuntimeError):  # no file can have that name, nobody that home
        return False


def _is_one(path: Path, suffixes: Collection[str]) -> bool:
    # Names that begin with a dot are what file managers leave behind.
    return path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()
