"""A folder of one's own recordings -> training, validation and test samples, for any sensor.

Reads what `edge-deploy record` writes (`edge_deploy/recordings`): a folder for each label, split by
speaker or session. The board's own C makes the windows. Knows nothing about networks.
"""

from __future__ import annotations

import functools
import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy import features, motion, pictures, recordings
from edge_deploy.errors import BadInput
from edge_deploy.labs import Lab
from edge_deploy.recordings import TEST, TRAIN, VALIDATION, Clip
from edge_deploy.sensing import (
    AudioFeatureSettings,
    FeatureSettings,
    ImageFeatureSettings,
    VibrationFeatureSettings,
)
from edge_deploy.training import speech
from edge_deploy.training.datasets import NoData
from edge_deploy.training.recipe import About, Data, HeldOut, Samples

Raw = NDArray[Any]
"""(n,) int16 of sound, (n, axes) int16 of motion, (height, width) uint8 of a picture."""

Anew = Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]]
"""What a recording might have been another time: the same shape, by a generator's choice."""


def data(
    lab: Lab,
    folder: Path,
    seed: int,
    *,
    anew: Anew | None = None,
    anew_window: Anew | None = None,
    channel: bool = False,
    purpose: str = "",
) -> Data:
    """Windows (n, *lab.features.shape) float32, and labels (n, labels) float32 of 1 or 0.

    channel: windows get a last axis of 1, as convolutions over two dimensions want it. purpose: of
    a lab that ships, whose card shall say that these are other recordings.

    anew: changes raw samples, as float32 in the sensor's steps, for each epoch anew; anew_window
    does so with the windows made of them. Without either every epoch has the recordings as they
    are. Raises what `parts` does, and BadInput for a file that is not what its name says.
    """
    make = window_of(lab)
    clips = parts(lab, folder)
    raw = {part: [samples(lab, clip) for clip in some] for part, some in clips.items()}
    plain = {part: _samples(lab, clips[part], [make(each) for each in raw[part]]) for part in raw}

    def shaped(some: Samples) -> Samples:
        return Samples(some.inputs[..., np.newaxis] if channel else some.inputs, some.targets)

    def fresh(epoch: int) -> Samples:
        draw = np.random.default_rng((seed, epoch))
        windows = []
        for each, window in zip(raw[TRAIN], plain[TRAIN].inputs, strict=True):
            if anew is not None:
                changed = anew(each.astype(np.float32), draw)
                ends = np.iinfo(each.dtype)
                each = np.clip(np.rint(changed), ends.min, ends.max).astype(each.dtype)
                window = make(each)
            windows.append(window if anew_window is None else anew_window(window, draw))
        return shaped(_samples(lab, clips[TRAIN], windows))

    return Data(
        train=shaped(plain[TRAIN]),
        validation=shaped(plain[VALIDATION]),
        test=shaped(plain[TEST]),
        fresh=None if anew is None and anew_window is None else fresh,
        notes=notes(lab, clips),
        about=about(purpose) if purpose else None,
    )


def held_out(lab: Lab, folder: Path) -> list[HeldOut]:
    """The clips that training never sees, by speaker. Raises what `parts` does."""
    return [
        HeldOut(
            clip.file,
            lab.labels.index(clip.label),
            functools.partial(samples, lab, clip),
            group=clip.speaker,
        )
        for clip in parts(lab, folder)[TEST]
    ]


def accuracy(
    targets: NDArray[np.float32], outputs: NDArray[np.float32]
) -> dict[str, tuple[float, str]]:
    """The share of clips whose label has the highest score."""
    right = np.argmax(outputs, axis=-1) == np.argmax(targets, axis=-1)
    return {"accuracy": (float(np.mean(right)), "1")}


def laid_out(labels: Sequence[str], folder: Path) -> bool:
    """Whether `folder` holds own recordings of a lab, and not the data sets that it ships with."""
    return any((folder / label).is_dir() for label in labels)


def about(purpose: str) -> About:
    """What a card says where a lab that ships learnt from own recordings."""
    return About(
        purpose=purpose,
        data=(
            "Own recordings (edge-deploy record) in place of those that the lab ships with; the "
            "table says how many, and how they are split."
        ),
        limits=(
            "It knows the people, places and boards that it was recorded with, and few of each. "
            "What the card of the lab's own model says of how good that one is does not hold here."
        ),
    )


def parts(lab: Lab, folder: Path) -> dict[str, list[Clip]]:
    """The clips of a lab's labels, by part.

    Raises NoData where a label has none, BadInput where a folder is no label of the lab's, where
    a clip is of another sensor, or there are too few speakers and sessions (`recordings.split`).
    """
    if len(lab.labels) < 2:
        raise BadInput(f"{lab.name} has {len(lab.labels)} label; there must be 2 to be told apart.")
    found = recordings.clips(folder)
    there = Counter(clip.label for clip in found)
    missing = [label for label in lab.labels if not there[label]]
    if missing:
        empty = [label for label in missing if (folder / label).is_dir()]
        also = f" ({', '.join(empty)}: an empty folder)" if empty else ""
        labels = shlex.quote(",".join(sorted(there)))
        new = f"edge-deploy new mylab --sensor {_sensor_word(lab)} --labels {labels}"
        raise NoData(
            f"{folder} has no recordings of {', '.join(missing)}{also}; {lab.name} tells "
            f"{', '.join(lab.labels)} apart, and each needs some.",
            try_next=[
                _record_again(lab, folder, missing[0]),
                *([f"{new}    a lab of what is there"] if len(there) > 1 else []),
            ],
        )
    strange = sorted(there.keys() - set(lab.labels))
    if strange:
        raise BadInput(
            f"{folder} has recordings of {', '.join(strange)}, which {lab.name} does not know; "
            f"its labels are {', '.join(lab.labels)}.",
            try_next=[f"add it to `labels` in {lab.folder / 'lab.yaml'}, or move the folder away"],
        )
    for clip in found:
        if clip.sensor != lab.source.kind:
            raise BadInput(
                f"{clip.path} is of a {clip.sensor}; {lab.name} is for {lab.source.kind}."
            )
    try:
        return recordings.split(found)
    except recordings.TooFewGroups as error:
        error.try_next = (f"{_record_again(lab, folder, error.label)}    {error.again}",)
        raise


def _sensor_word(lab: Lab) -> str:
    """What `edge-deploy new` calls a lab's sensor."""
    if isinstance(lab.features, VibrationFeatureSettings):
        return "vibration"
    return {"microphone": "mic"}.get(lab.source.kind, lab.source.kind)


def _record_again(lab: Lab, folder: Path, label: str) -> str:
    where = f"--data {shlex.quote(str(folder))} --label {shlex.quote(label)}"
    return f"edge-deploy record --board BOARD --lab {shlex.quote(str(lab.folder))} {where}"


def samples(lab: Lab, clip: Clip) -> Raw:
    """The raw samples of a clip that a window needs: of a longer one those in the middle.

    Raises BadInput where it cannot be read, has another rate or is too short.
    """
    source = lab.source
    if source.kind == "camera":
        return pictures.read(clip.path, source.width, source.height)
    raw: Raw
    if source.kind == "imu":
        raw = motion.read(clip.path, source.axes)
    else:
        raw = speech.read(clip.path, source.sample_rate_hz)
    needed = window_samples(settings_of(lab))
    if len(raw) < needed:
        raise BadInput(
            f"{clip.path} has {len(raw):,} samples; a window of {lab.name} needs {needed:,}.",
            try_next=["record it again    takes are long enough unless --seconds says otherwise"],
        )
    first = (len(raw) - needed) // 2
    return raw[first : first + needed]


def window_samples(settings: FeatureSettings) -> int:
    """Raw samples of one window; of pictures, pixels."""
    if isinstance(settings, AudioFeatureSettings):
        return (settings.frames - 1) * settings.hop_samples + settings.frame_samples
    if isinstance(settings, ImageFeatureSettings):
        return settings.source_width * settings.source_height
    return settings.samples


def window_of(lab: Lab) -> Callable[[Raw], NDArray[np.float32]]:
    """What makes the window of raw samples, as the board does."""
    maker = features.of(settings_of(lab))
    if isinstance(maker, features.AudioFeatures):
        return maker.clip
    return maker.window


def settings_of(lab: Lab) -> FeatureSettings:
    """The lab's features. Raises BadInput where it has none."""
    if lab.features is None:
        raise BadInput(f"{lab.folder}: its source, {lab.source.kind}, is no sensor.")
    return lab.features


def notes(lab: Lab, clips: Mapping[str, Sequence[Clip]]) -> tuple[str, ...]:
    """Lines of the card: how many of what by whom in each part, and from whom it learnt."""
    every = [clip for some in clips.values() for clip in some]
    persons = recordings.by_speaker(every)
    lines = [
        "No person is in two parts." if persons else "No session is in two parts; a person may be.",
        "",
        "| part | speakers | sessions | " + " | ".join(lab.labels) + " |",
        "|---" * (len(lab.labels) + 3) + "|",
    ]
    for part, some in clips.items():
        counts = Counter(clip.label for clip in some)
        speakers = len({clip.speaker for clip in some} - {recordings.NOBODY})
        sessions = len({(clip.speaker, clip.session) for clip in some})
        row = " | ".join(str(counts[label]) for label in lab.labels)
        lines.append(f"| {part} | {speakers} | {sessions} | {row} |")
    return (
        *lines,
        "",
        f"- {recordings.speakers_line([*clips[TRAIN], *clips[VALIDATION]])}",
        f"- sha256 of the recordings: `{recordings.fingerprint(every)}`",
    )


def _samples(lab: Lab, clips: Sequence[Clip], windows: Sequence[NDArray[np.float32]]) -> Samples:
    labels = [lab.labels.index(clip.label) for clip in clips]
    return Samples(np.stack(windows), np.eye(len(lab.labels), dtype=np.float32)[labels])
