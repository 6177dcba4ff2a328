"""Folders of spoken words -> clips with label, speaker and part; nobody is in two parts.

Reads the layout of Speech Commands: a folder for each word, the speaker's eight hex digits before
`_nohash_` in every name, `_unknown_/WORD_SPEAKER_nohash_N.wav` for words outside the
vocabulary. Knows nothing about features or networks.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy import audio
from edge_deploy.errors import BadInput
from edge_deploy.training import datasets

UNKNOWN_FOLDER = "_unknown_"
SILENCE_FOLDER = "_silence_"

_SPEAKER = re.compile(r"(?:^|_)([0-9a-f]{8})_nohash_\d+\.wav(?:\.wav)?$")


@dataclass(frozen=True)
class Clip:
    """One recording. speaker: empty where nobody speaks. part: one of datasets.PARTS."""

    path: Path
    label: int
    speaker: str
    part: str


@dataclass(frozen=True)
class Cut:
    """Where in a longer recording a clip was cut out: file name, first sample."""

    recording: str
    first: int


def spoken(folder: Path, labels: Mapping[str, int]) -> list[Clip]:
    """The clips of every folder that `labels` gives a label; in that order, and by name.

    A speaker is in one part, with all that he said. Of clips with identical bytes the first
    stays: a copy would count twice, or stand on both sides of the split.
    Raises NoData where a folder has no clip, BadInput where a file does not name its speaker.
    """
    found: list[Clip] = []
    seen: set[bytes] = set()
    for name, label in labels.items():
        paths = sorted((folder / name).glob("*.wav"))
        if not paths:
            raise datasets.NoData(f"{folder / name}: no WAV files.")
        for path in paths:
            speaker = speaker_of(path)
            digest = hashlib.sha256(path.read_bytes()).digest()
            if digest not in seen:
                seen.add(digest)
                part = datasets.part_of(datasets.position(speaker))
                found.append(Clip(path, label, speaker, part))
    return found


def speaker_of(path: Path) -> str:
    """The eight hex digits that stand for a speaker. Raises BadInput where there are none."""
    match = _SPEAKER.search(path.name)
    if match is None:
        raise BadInput(f"{path}: expected a name like 0c540988_nohash_0.wav, with the speaker.")
    return match[1]


def silent(
    folder: Path, label: int, cuts: Mapping[str, Cut], lengths: Mapping[str, int], samples: int
) -> list[Clip]:
    """The clips of `_silence_`: in the part in which their stretch of noise lies.

    cuts: of every clip's file name. lengths: samples of every recording. samples: of a clip. A
    clip that reaches over a border is in no part and left out, and so is one whose origin nobody
    knows.
    """
    found = []
    for path in sorted((folder / SILENCE_FOLDER).glob("*.wav")):
        cut = cuts.get(path.name)
        if cut is None or cut.recording not in lengths:
            continue
        length = lengths[cut.recording]
        part = datasets.part_of(cut.first / length)
        if part == datasets.part_of((cut.first + samples - 1) / length):
            found.append(Clip(path, label, "", part))
    return found


def cuts(path: Path) -> dict[str, Cut]:
    """The table `clip,recording,first_sample`. Raises BadInput where it is not one."""
    try:
        with path.open(encoding="ascii", newline="") as file:
            return {
                row["clip"]: Cut(row["recording"], int(row["first_sample"]))
                for row in csv.DictReader(file)
            }
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise BadInput(f"{path}: not a table of clip,recording,first_sample: {error}") from error


def sound(path: Path, rate_hz: int, samples: int) -> NDArray[np.int16]:
    """(samples,) int16: the clip, cut off at its end, or with digital silence after it.

    Raises BadInput where it cannot be read or has another rate.
    """
    heard = read(path, rate_hz)[:samples]
    return np.pad(heard, (0, samples - heard.size))


def read(path: Path, rate_hz: int) -> NDArray[np.int16]:
    """(n,) int16: all of a recording. Raises BadInput where it is no sound at that rate.

    Training does not resample behind anybody's back, so nothing offers to.
    """
    try:
        return audio.read(path, rate_hz=rate_hz).samples
    except BadInput as error:
        error.try_next = tuple(line for line in error.try_next if not line.startswith("--resample"))
        raise
