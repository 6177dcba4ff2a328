"""Labs with an IMU or a camera, made in a second: swings, a machine that hums, pictures of halves.

Their models compare a window with mean windows, so they really tell things apart; features come
from the C library. Nothing of them needs TensorFlow or recordings of people.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy import features, labs, motion, pictures
from tests import template_model

SWINGS = """\
title: "Swings"
model: model.tflite
labels: [still, sideways, round]
source: {kind: imu, sample_rate_hz: 100, axes: 6, stride_samples: 10}
features: {kind: motion, samples: 50, average: 2, accel_g: 2, gyro_dps: 500}
decision: {threshold: 0.6, smooth: 2, hold_off_ms: 500, ignore: [still]}
"""

HUM = """\
title: "A machine that hums"
model: model.tflite
labels: [rattle]
source: {kind: imu, sample_rate_hz: 200, axes: 3, stride_samples: 100}
features: {kind: vibration, samples: 100, fft: 128, bands: 8, low_hz: 4, high_hz: 100}
decision: {threshold: 0.5, smooth: 3, hold_off_ms: 1000}
"""

HALVES = """\
title: "Which half is bright"
model: model.tflite
labels: [left, right]
source: {kind: camera, width: 40, height: 30, period_ms: 500}
features: {kind: image, width: 12, height: 12}
decision: {threshold: 0.6, smooth: 1, hold_off_ms: 0}
"""

# Files in folders by label: what a recipe says where its sensor's files are all there is.
FILES_RECIPE = """\
from pathlib import Path

from edge_deploy import labs

LABELS = labs.load_folder(Path(__file__).resolve().parent).labels


def held_out(data: Path) -> list[tuple[Path, int]]:
    return [
        (path, LABELS.index(path.parent.name))
        for path in sorted(data.glob("*/*"))
        if path.parent.name in LABELS
    ]
"""

# By speed and kind, from files that are no CSV: what a recipe reads itself.
HUM_RECIPE = """\
import functools

import numpy as np

from edge_deploy.training.recipe import HeldOut


def held_out(data):
    return [
        HeldOut(path.stem, int("rattle" in path.stem), functools.partial(np.load, path),
                path.parent.name)
        for path in sorted(data.glob("*/*.npy"))
    ]
"""

SPEEDS_HZ = {"slow": 12.0, "fast": 31.0}


def swing(label: str, seed: int, samples: int = 50) -> NDArray[np.int16]:
    """(samples, 6) int16: gravity, noise, and what the label does with them."""
    draw = np.random.default_rng(seed)
    real = draw.normal(0, [0.02] * 3 + [4.0] * 3, (samples, 6))
    real[:, 2] += 1.0
    turn = 2 * math.pi * np.arange(samples) / samples + draw.uniform(-0.3, 0.3)
    if label == "sideways":
        real[:, 0] += draw.uniform(0.6, 0.9) * np.sin(turn)
    if label == "round":
        real[:, 5] += draw.uniform(150, 250) * (1 - np.cos(turn))
    return motion.from_real(real, "swing")


def hum(speed: str, rattle: bool, seed: int, samples: int = 100) -> NDArray[np.int16]:
    """(samples, 3) int16 of 200 Hz: a turning machine, one with something loose in it."""
    draw = np.random.default_rng(seed)
    at_s = np.arange(samples) / 200
    real = draw.normal(0, 0.004, (samples, 3))
    real += 0.05 * np.sin(2 * math.pi * SPEEDS_HZ[speed] * at_s + draw.uniform(0, 6))[:, None]
    real[:, 2] += 1.0
    if rattle:
        real += draw.uniform(0.02, 0.05) * np.sin(2 * math.pi * 80 * at_s)[:, None]
    return motion.from_real(real, "hum")


def half(label: str, seed: int) -> NDArray[np.uint8]:
    """(30, 40) uint8: a bright half, a dark one, noise."""
    draw = np.random.default_rng(seed)
    picture = draw.integers(20, 60, (30, 40))
    bright = slice(0, 20) if label == "left" else slice(20, 40)
    picture[:, bright] += int(draw.integers(90, 180))
    return picture.astype(np.uint8)


def write_swings(folder: Path, *, budgets: str = "") -> labs.Lab:
    """A lab that tells three movements apart, and `data/` beside its files: CSV, four of each."""
    text = SWINGS + budgets
    templates = [[swing(label, 100 * i + n) for n in range(8)] for i, label in _counted(SWINGS)]
    lab = _write(folder, text, FILES_RECIPE, templates, scale=2 / 127, zero_point=0)
    for position, label in enumerate(lab.labels):
        for number in range(4):
            path = folder / "data" / label / f"{number}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            motion.write(path, swing(label, 1000 * (position + 1) + number))
    return lab


def write_hum(folder: Path, *, budgets: str = "") -> labs.Lab:
    """A lab that scores anomalies, and `data/` beside its files: five of each kind and speed."""
    templates = [
        [hum(speed, rattle, 10 * n) for speed in SPEEDS_HZ for n in range(8)]
        for rattle in (False, True)
    ]
    lab = _write(
        folder, HUM + budgets, HUM_RECIPE, templates, scale=0.04, zero_point=-128, score=(1, 0)
    )
    for speed in SPEEDS_HZ:
        (folder / "data" / speed).mkdir(parents=True)
        for number in range(5):
            for rattle in (False, True):
                name = f"{'rattle' if rattle else 'normal'}-{number}.npy"
                samples = hum(speed, rattle, 5000 + 2 * number + rattle)
                np.save(folder / "data" / speed / name, samples)
    return lab


def write_halves(folder: Path, *, budgets: str = "") -> labs.Lab:
    """A lab that looks, and `data/` beside its files: PNG of other sizes, four of each label."""
    templates = [[half(label, 100 * i + n) for n in range(8)] for i, label in _counted(HALVES)]
    lab = _write(folder, HALVES + budgets, FILES_RECIPE, templates, scale=1 / 255, zero_point=-128)
    for position, label in enumerate(lab.labels):
        (folder / "data" / label).mkdir(parents=True)
        for number in range(4):
            picture = half(label, 1000 * (position + 1) + number).repeat(1 + number, axis=0)
            pictures.write(
                folder / "data" / label / f"{number}.png", picture.repeat(1 + number, axis=1)
            )
    return lab


def _counted(text: str) -> list[tuple[int, str]]:
    line = next(line for line in text.splitlines() if line.startswith("labels:"))
    return list(enumerate(line.partition("[")[2].rstrip("]").split(", ")))


def _write(
    folder: Path,
    text: str,
    recipe: str,
    samples: list[list[NDArray]],
    *,
    scale: float,
    zero_point: int,
    score: tuple[int, int] | None = None,
) -> labs.Lab:
    """lab.yaml, recipe.py and a model of the mean windows of `samples`, label by label."""
    folder.mkdir(parents=True)
    (folder / "lab.yaml").write_text(text, encoding="utf-8")
    (folder / "recipe.py").write_text(recipe, encoding="utf-8")
    lab = labs.load_folder(folder)
    assert lab.features is not None
    made = features.of(lab.features)
    means = [np.mean([made.window(one).reshape(-1) for one in each], axis=0) for each in samples]
    content = template_model.nearest(
        np.stack(means).astype(np.float64),
        (1, *lab.features.shape, 1),
        scale=scale,
        zero_point=zero_point,
        score=score,
    )
    (folder / "model.tflite").write_bytes(content)
    return lab
