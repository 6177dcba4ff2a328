"""Sounds and settings that every test of features uses, and the C sources."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from edge_deploy import places
from edge_deploy.features import audio, library
from edge_deploy.sensing import AudioFeatureSettings

ROOT = places.shipped("firmware", "src")
SOURCES = sorted((ROOT / "features").glob("*.c"))

LOG_MEL = AudioFeatureSettings(
    kind="log_mel",
    sample_rate_hz=16_000,
    frame_samples=480,
    hop_samples=320,
    fft=512,
    mel_bins=40,
    coefficients=0,
    low_hz=20.0,
    high_hz=7_600.0,
    frames=49,
)
MFCC = dataclasses.replace(LOG_MEL, kind="mfcc", coefficients=10)
# Every path through the FFT (radix 2 first or not), odd frames, frame == fft, edges of the band.
SETTINGS = {
    "log_mel": LOG_MEL,
    "mfcc": MFCC,
    "long": dataclasses.replace(LOG_MEL, fft=1024, frame_samples=1024, mel_bins=64, low_hz=0.0),
    "short": dataclasses.replace(
        LOG_MEL, fft=64, frame_samples=51, hop_samples=17, mel_bins=6, high_hz=8_000.0
    ),
    "all_coefficients": dataclasses.replace(
        LOG_MEL, kind="mfcc", fft=256, frame_samples=255, mel_bins=13, coefficients=13
    ),
    "one_filter": dataclasses.replace(LOG_MEL, fft=128, frame_samples=100, mel_bins=1),
}


def sounds(samples: int = 16_000) -> dict[str, NDArray[np.int16]]:
    """One each of the kinds of sound that arithmetic may stumble over."""
    draw = np.random.default_rng(7)
    time = np.arange(samples)
    sine = np.sin(2 * np.pi * 1_000.3 / 16_000 * time)
    waves = {
        "noise": draw.integers(-32_768, 32_768, samples),
        "speech_like": 3_000 * sine * np.sin(time / 900) + draw.normal(0, 40, samples),
        "silence": np.zeros(samples),
        "full_scale": 32_767 * sine,
        "clipped": np.clip(300_000 * sine, -32_768, 32_767),
        "square": np.where(time % 61 < 30, -32_768, 32_767),
        "one_bit": draw.integers(-1, 2, samples),
        "constant": np.full(samples, -32_768),
        "click": np.where(time % 700 == 350, 32_767, 0),
        "lone_bit": np.where(time == 100, 1, 0),
    }
    return {name: np.round(wave).astype(np.int16) for name, wave in waves.items()}


def for_c(settings: AudioFeatureSettings) -> library.Settings:
    """The settings as `ed_audio_settings`."""
    return audio._for_c(settings)
