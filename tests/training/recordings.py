"""A folder in the layout of Speech Commands, of sounds that we make ourselves."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
NOISE = "speech_commands_background_noise"
WORDS = "speech_commands"


def write(path: Path, samples: NDArray[np.int16]) -> None:
    """A WAV file of one channel at 16 kHz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())


def tone(hz: float, seed: int, samples: int = RATE_HZ) -> NDArray[np.int16]:
    """Half a second of a tone in the middle of faint noise, no two seeds alike."""
    draw = np.random.default_rng(seed)
    at = np.arange(samples) / RATE_HZ
    loud = (np.abs(at - 0.5) < 0.25) * draw.uniform(2_000, 8_000)
    sound = loud * np.sin(2 * np.pi * hz * at + draw.uniform(0, 6)) + draw.normal(0, 20, samples)
    return np.asarray(np.rint(sound), np.int16)


def noise(seed: int, seconds: float) -> NDArray[np.int16]:
    """White noise."""
    draw = np.random.default_rng(seed)
    return np.asarray(np.rint(draw.normal(0, 500, int(seconds * RATE_HZ))), np.int16)


def speakers(count: int) -> list[str]:
    """As many ids of speakers, eight hex digits each."""
    return [f"{0x10000000 + 7919 * index:08x}" for index in range(count)]


def folder(root: Path, labels: tuple[str, ...], *, of: int) -> Path:
    """Both data sets below `root`, each word said once by `of` speakers, each with its tone."""
    for index, label in enumerate(labels):
        for number, speaker in enumerate(speakers(of)):
            name = f"{speaker}_nohash_0.wav"
            if label == "silence":
                continue
            if label == "unknown":
                path = root / WORDS / "_unknown_" / f"bird_{name}.wav"
            else:
                path = root / WORDS / label / name
            write(path, tone(200.0 * 1.3**index, 1_000 * index + number))
    return root
