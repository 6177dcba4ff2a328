"""Labs of one's own, made of the templates that ship, with recordings that we make ourselves."""

from __future__ import annotations

import string
from pathlib import Path

import numpy as np

from edge_deploy import audio, labs, motion, pictures, places, recordings
from edge_deploy.labs import Lab
from edge_deploy.recordings import Facts

SENSORS = ("mic", "imu", "vibration", "camera")
LABELS = ("low", "high", "noise")


def lab(folder: Path, sensor: str, labels: tuple[str, ...] = LABELS) -> Lab:
    """A lab in `folder`, with nothing recorded yet."""
    template = places.shipped("labs", "templates", sensor)
    (folder / "data").mkdir(parents=True)
    text = (template / "lab.yaml.in").read_text(encoding="utf-8")
    listed = ", ".join(f'"{label}"' for label in labels)
    filled = string.Template(text).substitute(name="own", title="own", labels=listed, ignored="")
    (folder / "lab.yaml").write_text(filled, encoding="utf-8")
    (folder / "recipe.py").write_bytes((template / "recipe.py").read_bytes())
    return labs.load_folder(folder)


def record(made: Lab, speaker: str, session: int, clips: int = 2) -> None:
    """So many clips of every label, by one speaker in one session, that differ from each other."""
    facts = Facts(made.source.kind, made.source.sample_rate_hz or None, "nano33", "virtual")
    for index, label in enumerate(made.labels):
        for number in range(clips):
            draw = np.random.default_rng((session, index, number))
            recordings.keep(
                made.folder / "data",
                label,
                speaker,
                f"202601{session + 1:02d}T{index:02d}0000",
                facts,
                writer(made, index, draw),
            )


def writer(made: Lab, index: int, draw: np.random.Generator):
    """Writes one clip of a label: a pitch, a direction, a pattern of its own."""
    source = made.source
    if source.kind == "microphone":
        at = np.arange(source.sample_rate_hz) / source.sample_rate_hz
        tone = 4_000 * (np.abs(at - 0.5) < 0.3) * np.sin(2 * np.pi * 300 * 2.5**index * at)
        sound = np.rint(tone + draw.normal(0, 40, at.size)).astype(np.int16)
        return lambda path: audio.write(path, sound)
    if source.kind == "imu":
        at = np.arange(source.sample_rate_hz) / source.sample_rate_hz
        values = draw.normal(0, 20, (at.size, source.axes))
        values[:, 2] += motion.PER_G
        values[:, index] += 6_000 * np.sin(2 * np.pi * (2 + 3 * index) * at + draw.random())
        return lambda path: motion.write(path, np.rint(values).astype(np.int16))
    rows, columns = np.mgrid[: source.height, : source.width]
    stripes = (rows if index % 2 else columns) // (8 + 8 * index) % 2
    frame = np.clip(60 + 120 * stripes + draw.normal(0, 6, rows.shape), 0, 255).astype(np.uint8)
    return lambda path: pictures.write(path, frame)
