"""Recordings that training never saw: which a lab holds out, a fair few of them, and their sound.

The lab's recipe says which files those are; here they are read and cut. Knows nothing of boards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy import audio
from edge_deploy.errors import BadInput
from edge_deploy.labs import Lab
from edge_deploy.training import recipe


class NoRecordings(BadInput):
    """There is nothing to evaluate with."""


@dataclass(frozen=True)
class Clip:
    """One recording of one word. label: position among the lab's labels."""

    path: Path
    label: int


def held_out(lab: Lab, data: Path) -> list[Clip]:
    """The clips that the lab's recipe holds out of the recordings in `data`.

    Raises NoRecordings where there are none, BadInput where the recipe does not say.
    """
    if not data.is_dir():
        raise NoRecordings(
            f"{data}: no such folder, so there are no recordings to evaluate {lab.name} with.",
            try_next=[f"edge-deploy evaluate {lab.name} --data FOLDER  where the recordings are"],
        )
    path = lab.folder / recipe.FILE_NAME
    hold_out = recipe.function(lab.folder, "held_out")
    if hold_out is None:
        raise BadInput(f"{path}: the function held_out is missing: which recordings are for tests.")
    with recipe.blamed(path):
        found = [Clip(Path(name), int(label)) for name, label in hold_out(data)]
    for clip in found:
        if not 0 <= clip.label < len(lab.labels):
            raise BadInput(
                f"{path}: held_out gives label {clip.label} for {clip.path.name}; "
                f"{lab.name} has labels 0 to {len(lab.labels) - 1}."
            )
    if not found:
        raise NoRecordings(
            f"{data} has no recordings that {lab.name} holds out.",
            try_next=[f"edge-deploy evaluate {lab.name} --data FOLDER  where the recordings are"],
        )
    return found


def background(lab: Lab, data: Path) -> list[Path]:
    """Recordings of mere noise in `data`, by name: those that the lab's recipe names.

    A recipe that names none leaves it to the folders' names: `*background_noise*`.
    """
    named = recipe.function(lab.folder, "background")
    if named is not None:
        with recipe.blamed(lab.folder / recipe.FILE_NAME):
            return sorted(Path(name) for name in named(data))
    return sorted(
        path
        for folder in data.rglob("*background_noise*")
        if folder.is_dir()
        for path in folder.rglob("*.wav")
    )


def choose(clips: Sequence[Clip], limit: int | None, seed: int) -> list[Clip]:
    """At most `limit` clips, all labels alike, in an order that depends on the seed alone."""
    by_label: dict[int, list[Clip]] = {}
    for clip in sorted(clips, key=lambda clip: _order(clip, seed)):
        by_label.setdefault(clip.label, []).append(clip)
    # Dealt like cards, one of each label a round, so that the first few are of all labels.
    rounds = max((len(dealt) for dealt in by_label.values()), default=0)
    order = [
        by_label[label][number]
        for number in range(rounds)
        for label in sorted(by_label)
        if number < len(by_label[label])
    ]
    return order[:limit]


def _order(clip: Clip, seed: int) -> bytes:
    name = f"{seed} {clip.label} {clip.path.parent.name}/{clip.path.name}"
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()


def sound(clip: Clip, rate_hz: int) -> NDArray[np.int16]:
    """The clip's samples. Raises BadInput (with its name) if unreadable or of another rate."""
    return audio.read(clip.path, rate_hz=rate_hz).samples


def window_of(clip: Clip, rate_hz: int, samples: int) -> NDArray[np.int16]:
    """Exactly (samples,) from the clip's beginning, silence behind it where it is shorter.

    So training cuts its clips, too.
    """
    heard = sound(clip, rate_hz)[:samples]
    return np.pad(heard, (0, samples - heard.size))
