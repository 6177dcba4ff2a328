"""Recordings made different without changing what is said, so that few teach like many.

Sound is (n,) float32 in the units of int16; features are (frames, bins) float32. Every choice
comes from the generator given, so the same generator gives the same sound. Knows nothing about
labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]

_FULL_SCALE = 32_768.0
_SILENT = 1e-3  # below any step of int16: the level of digital silence is not 0 but this


def level_dbfs(sound: Sound) -> float:
    """20 log10(rms / 32768)."""
    rms = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
    return 20 * float(np.log10(max(rms, _SILENT) / _FULL_SCALE))


def gained(sound: Sound, decibel: float) -> Sound:
    """Louder by so many decibel."""
    return sound * np.float32(10 ** (decibel / 20))


def spoken_faster(sound: Sound, factor: float) -> Sound:
    """Faster and higher by `factor`, around the middle; cut or filled with zeros to its length.

    Linear interpolation: a voice has little above 4 kHz that this would dull.
    """
    count = sound.size
    middle = (count - 1) / 2
    at = (np.arange(count, dtype=np.float64) - middle) * factor + middle
    moved = np.interp(at, np.arange(count), sound, left=0.0, right=0.0)
    return moved.astype(np.float32)


def shifted(sound: Sound, samples: int) -> Sound:
    """Later by so many samples (earlier where negative); zeros come in."""
    moved = np.zeros_like(sound)
    if samples >= 0:
        moved[samples:] = sound[: sound.size - samples]
    else:
        moved[:samples] = sound[-samples:]
    return moved


def cut(recordings: Sequence[Sound], samples: int, draw: np.random.Generator) -> Sound:
    """A stretch of `samples` from anywhere in any recording, all recordings alike."""
    recording = recordings[draw.integers(len(recordings))]
    first = int(draw.integers(recording.size - samples + 1))
    return recording[first : first + samples]


def at_level(sound: Sound, dbfs: float) -> Sound:
    """The sound at another level; digital silence stays what it is."""
    return gained(sound, dbfs - level_dbfs(sound))


def as_int16(sound: Sound) -> NDArray[np.int16]:
    """What a microphone would give: rounded, and clipped at full scale."""
    clipped: NDArray[np.int16] = np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16)
    return clipped


def masked(
    features: NDArray[np.float32], frames: int, bins: int, draw: np.random.Generator
) -> NDArray[np.float32]:
    """With up to `frames` neighbouring frames, and up to `bins` neighbouring bins, at the mean.

    Source: D. Park et al., "SpecAugment", Interspeech 2019, without its time warping.
    """
    result = features.copy()
    mean = features.mean()
    for axis, most in ((0, frames), (1, bins)):
        width = int(draw.integers(most + 1))
        first = int(draw.integers(features.shape[axis] - width + 1))
        span = slice(first, first + width)
        result[(span, slice(None)) if axis == 0 else (slice(None), span)] = mean
    return result
