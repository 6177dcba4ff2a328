"""Recordings that training never saw: which a lab holds out, a fair few of them, their samples.

The lab's recipe says which those are; here their files are read by the lab's sensor, and what the
recipe reads itself is held to the sensor's form. Knows nothing of boards.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy import audio, motion, pictures
from edge_deploy.errors import BadInput
from edge_deploy.labs import Lab
from edge_deploy.sensing import SourceSettings
from edge_deploy.training import recipe
from edge_deploy.training.recipe import HeldOut

ANOMALY_KINDS = ("normal", "anomaly")
"""What the labels of recordings mean where a lab's one score is of anomalies."""


class NoRecordings(BadInput):
    """There is nothing to evaluate with."""


def scores_anomalies(lab: Lab) -> bool:
    """Whether the lab's model gives one score, which is high where something is not normal."""
    return len(lab.labels) == 1


def held_out(lab: Lab, data: Path) -> list[HeldOut]:
    """The recordings that the lab's recipe holds out of those in `data`, by the lab's sensor.

    Their `samples` may raise BadInput, which names what cannot be read. Raises NoRecordings where
    there are none, BadInput where the recipe does not say.
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
        found = [_clip(entry, lab.source, path) for entry in hold_out(data)]
    kinds = len(ANOMALY_KINDS) if scores_anomalies(lab) else len(lab.labels)
    for clip in found:
        if not 0 <= clip.label < kinds:
            raise BadInput(
                f"{path}: held_out gives label {clip.label} for {clip.name}; "
                f"{lab.name} has labels 0 to {kinds - 1}."
            )
    if not found:
        raise NoRecordings(
            f"{data} has no recordings that {lab.name} holds out.",
            try_next=[f"edge-deploy evaluate {lab.name} --data FOLDER  where the recordings are"],
        )
    return found


def file(path: Path, label: int, source: SourceSettings) -> HeldOut:
    """A recording in a file of the sensor's kind: WAV, CSV or a picture."""
    return HeldOut(f"{path.parent.name}/{path.name}", label, functools.partial(read, path, source))


def read(path: Path, source: SourceSettings) -> NDArray[Any]:
    """The raw samples of a file, as the sensor would give them.

    Raises BadInput (with its name) where it cannot be read, is empty or of another rate.
    """
    if source.kind == "imu":
        return motion.read(path, source.axes)
    if source.kind == "camera":
        return pictures.read(path, source.width, source.height)
    return audio.read(path, rate_hz=source.sample_rate_hz).samples


def _clip(entry: Any, source: SourceSettings, path: Path) -> HeldOut:  # noqa: ANN401, a recipe's word
    """What a recipe holds out, either way of saying it."""
    if not isinstance(entry, HeldOut):
        name, label = entry
        return file(Path(name), int(label), source)
    samples = functools.partial(_samples, entry.name, entry.samples, source, path)
    return dataclasses.replace(entry, label=int(entry.label), samples=samples)


def _samples(
    name: str, samples: Callable[[], NDArray[Any]], source: SourceSettings, path: Path
) -> NDArray[Any]:
    """What a recipe reads, held to the form that the lab's sensor gives."""
    with recipe.blamed(path):
        found = np.asarray(samples())
    wanted: tuple[int | None, ...] = {
        "imu": (None, source.axes),
        "camera": (source.height, source.width),
    }.get(source.kind, (None,))
    dtype = np.uint8 if source.kind == "camera" else np.int16
    fits = len(found.shape) == len(wanted) and all(
        is_ == want or (want is None and is_ > 0)
        for is_, want in zip(found.shape, wanted, strict=True)
    )
    if found.dtype != dtype or not fits:
        shape = ", ".join("n" if side is None else str(side) for side in wanted)
        raise BadInput(
            f"{path}: {name} has samples {found.dtype} {list(found.shape)}; those of the "
            f"{source.kind} are {np.dtype(dtype)} [{shape}]."
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


def choose(clips: Sequence[HeldOut], limit: int | None, seed: int) -> list[HeldOut]:
    """At most `limit` clips, all groups and labels alike, in an order by the seed alone."""
    by_kind: dict[tuple[str, int], list[HeldOut]] = {}
    for clip in sorted(clips, key=lambda clip: _order(clip, seed)):
        by_kind.setdefault((clip.group, clip.label), []).append(clip)
    # Dealt like cards, one of each kind a round, so that the first few are of all kinds.
    rounds = max((len(dealt) for dealt in by_kind.values()), default=0)
    order = [
        by_kind[kind][number]
        for number in range(rounds)
        for kind in sorted(by_kind)
        if number < len(by_kind[kind])
    ]
    return order[:limit]


def _order(clip: HeldOut, seed: int) -> bytes:
    name = f"{seed} {clip.label} {clip.name}"
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
