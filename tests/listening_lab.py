"""A lab that listens, made in a second: two tones that it can tell apart, and their recordings.

The model compares a window with the mean window of each label, so it really hears; features
come from the C library. Nothing of it needs TensorFlow or recordings of people.
"""

from __future__ import annotations

import math
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy import audio
from edge_deploy.features import AudioFeatures
from edge_deploy.sensing import AudioFeatureSettings
from tests import template_model

LABELS = ("silence", "low", "high")
TONES_HZ = {"low": 400.0, "high": 3000.0}
RATE_HZ = 16_000
CLIP_S = 0.5

SETTINGS = AudioFeatureSettings("log_mel", RATE_HZ, 480, 320, 512, 16, 0, 20.0, 7600.0, 20)

LAB = """\
title: "Tones"
model: model.tflite
labels: ["silence", "low", "high"]
source: {kind: microphone, sample_rate_hz: 16000, stride_ms: 100}
features: {kind: log_mel, frame_ms: 30, hop_ms: 20, fft: 512, mel_bins: 16, low_hz: 20, high_hz: 7600, frames: 20}
decision: {threshold: 0.6, smooth: 2, hold_off_ms: 700, ignore: ["silence"]}
"""  # noqa: E501

RECIPE = """\
from pathlib import Path

LABELS = ("silence", "low", "high")


def held_out(data: Path) -> list[tuple[Path, int]]:
    return [(path, LABELS.index(path.parent.name)) for path in sorted(data.glob("*/*.wav"))
            if path.parent.name in LABELS]


def background(data: Path) -> list[Path]:
    return list(data.glob("_background_noise_/*.wav"))
"""

ANOMALY_RECIPE = """\
import functools

from edge_deploy import audio
from edge_deploy.training.recipe import HeldOut


def held_out(data):
    return [
        HeldOut(
            f"{path.parent.name}-{path.stem}",
            int(path.parent.name == "high"),
            functools.partial(lambda path: audio.read(path).samples, path),
            "odd" if int(path.stem) % 2 else "even",
        )
        for path in sorted(data.glob("*/*.wav"))
        if path.stem.isdigit()
    ]
"""

# Of the model's input: what log-mel of 16-bit sound ranges over, and a little more.
_SCALE, _ZERO_POINT = 0.12, 50


def tone(label: str, seed: int, seconds: float = CLIP_S) -> NDArray[np.int16]:
    """One recording: a tone of some loudness and pitch in noise, or noise alone."""
    draw = np.random.default_rng(seed)
    count = round(seconds * RATE_HZ)
    sound = audio.noise(float(draw.uniform(-60, -50)), seconds, seed).astype(np.float64)
    if label in TONES_HZ:
        pitch = TONES_HZ[label] * draw.uniform(0.9, 1.1)
        turn = 2 * math.pi * pitch / RATE_HZ * np.arange(count) + draw.uniform(0, 6)
        sound = sound + draw.uniform(2000, 12000) * np.sin(turn)
    return sound.astype(np.int16)


def write_wav(path: Path, samples: NDArray[np.int16]) -> None:
    """16-bit mono at RATE_HZ."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())


def write_data(folder: Path, each: int = 6, noise_s: float = 4.0) -> Path:
    """Held-out recordings, `each` of a label, and one of noise."""
    for position, label in enumerate(LABELS):
        for number in range(each):
            seed = 1000 * (position + 1) + number
            write_wav(folder / label / f"{number:03}.wav", tone(label, seed))
    write_wav(folder / "_background_noise_" / "hiss.wav", tone("silence", 7, noise_s))
    return folder


def write_lab(folder: Path, *, budgets: str = "") -> Path:
    """lab.yaml, recipe.py and model.tflite."""
    folder.mkdir(parents=True)
    (folder / "lab.yaml").write_text(LAB + budgets, encoding="utf-8")
    (folder / "recipe.py").write_text(RECIPE, encoding="utf-8")
    (folder / "model.tflite").write_bytes(model())
    return folder


def write_anomaly_lab(folder: Path, *, budgets: str = "") -> Path:
    """The same for a lab that scores how shrill a sound is: high tones are its anomalies."""
    folder.mkdir(parents=True)
    text = LAB.replace('["silence", "low", "high"]', "[shrill]").replace(
        ', ignore: ["silence"]', ""
    )
    (folder / "lab.yaml").write_text(text + budgets, encoding="utf-8")
    (folder / "recipe.py").write_text(ANOMALY_RECIPE, encoding="utf-8")
    (folder / "model.tflite").write_bytes(model(anomaly=True))
    return folder


def model(*, anomaly: bool = False) -> bytes:
    """(1, frames, bins, 1) int8 -> (1, labels) int8 scores: the nearest of the mean windows.

    anomaly: one score, how much more a window is like those of the high tone than of the low one.
    """
    features = AudioFeatures(SETTINGS)
    means = []
    for position, label in enumerate(LABELS):
        windows = [
            features.clip(tone(label, 10_000 * (position + 1) + n))[: SETTINGS.frames]
            for n in range(12)
        ]
        means.append(np.mean([window.reshape(-1) for window in windows], axis=0))
    templates = np.stack(means).astype(np.float64)
    return template_model.nearest(
        templates,
        (1, SETTINGS.frames, SETTINGS.bins, 1),
        scale=_SCALE,
        zero_point=_ZERO_POINT,
        score=(2, 1) if anomaly else None,
    )
