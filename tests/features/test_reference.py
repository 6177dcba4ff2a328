"""Our features against independent ones: NumPy in double precision, and TensorFlow's own.

Float32 cannot keep a spectrum apart that lies 80 dB below its loudest part, so there are two
tolerances; docs/features.md states them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_deploy.features import AudioFeatures
from edge_deploy.training import runtime
from tests.features import sound

CLOSE = 1e-3  # where the energy is at least 1e-8 of the frame's loudest
FAR = 2e-2  # everywhere
FLOOR = 1e-6


def energies(samples, settings):
    """(frames, mel_bins) float64: mel energies by NumPy's FFT and full matrices."""
    count = 1 + (samples.size - settings.frame_samples) // settings.hop_samples
    starts = np.arange(count) * settings.hop_samples
    frames = samples[starts[:, None] + np.arange(settings.frame_samples)] / 32_768
    turn = 2 * np.pi * np.arange(settings.frame_samples) / settings.frame_samples
    spectrum = np.fft.rfft(frames * (0.5 - 0.5 * np.cos(turn)), settings.fft)
    mel = np.array([1127 * np.log1p(f / 700) for f in (settings.low_hz, settings.high_hz)])
    edges = np.linspace(*mel, settings.mel_bins + 2)
    hz = np.arange(settings.fft // 2 + 1) * settings.sample_rate_hz / settings.fft
    place = 1127 * np.log1p(hz / 700)[:, None]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((place - low) / (centre - low), (high - place) / (high - centre))
    return np.abs(spectrum) ** 2 @ np.maximum(triangles, 0)


def orthonormal_dct(log_mel):
    """DCT-II by its matrix."""
    bins = log_mel.shape[1]
    k = np.arange(bins)
    matrix = np.cos(np.pi * k[:, None] * (2 * k + 1) / (2 * bins)) * np.sqrt(2 / bins)
    matrix[0] *= np.sqrt(0.5)
    return log_mel @ matrix.T


@pytest.mark.parametrize("kind", sorted(sound.sounds(1)))
@pytest.mark.parametrize("case", sorted(sound.SETTINGS))
def test_equal_to_double_precision(case, kind):
    settings = sound.SETTINGS[case]
    samples = sound.sounds()[kind]
    found = AudioFeatures(settings).clip(samples)
    energy = energies(samples, settings)
    wanted = np.log(energy + FLOOR)
    if settings.kind == "mfcc":
        wanted = orthonormal_dct(wanted)[:, : settings.coefficients]
        # Coefficients mix near and far bins; their squared errors add up to the bins'.
        assert np.abs(found - wanted).max() <= FAR
        return
    error = np.abs(found - wanted)
    close = energy + FLOOR >= 1e-8 * energy.max(axis=1, keepdims=True)
    assert error[close].max() <= CLOSE
    assert error.max() <= FAR


def test_digital_silence_is_the_floor():
    features = AudioFeatures(sound.LOG_MEL).clip(np.zeros(16_000, np.int16))
    assert features.shape == (49, 40)
    assert np.all(features == np.float32(np.log(FLOOR)))


@pytest.mark.parametrize("settings", [sound.LOG_MEL, sound.MFCC], ids=lambda s: s.kind)
def test_equal_to_tensorflow(settings):
    try:
        tf: Any = runtime.load()  # never plainly: tflite-runtime must be imported before it
    except runtime.TrainingMissing:
        pytest.skip("the train extra is not installed")
    matrix = tf.signal.linear_to_mel_weight_matrix(
        settings.mel_bins,
        settings.fft // 2 + 1,
        settings.sample_rate_hz,
        settings.low_hz,
        settings.high_hz,
        dtype=tf.float64,
    )
    for kind in ("noise", "speech_like", "clipped", "square"):
        samples = sound.sounds()[kind]
        spectrum = tf.signal.stft(
            tf.constant(samples / 32_768, tf.float64),
            settings.frame_samples,
            settings.hop_samples,
            settings.fft,
        )
        wanted = tf.math.log(tf.abs(spectrum) ** 2 @ matrix + FLOOR)
        if settings.kind == "mfcc":
            wanted = tf.signal.dct(wanted, norm="ortho")[:, : settings.coefficients]
        found = AudioFeatures(settings).clip(samples)
        assert found.shape == wanted.shape
        assert np.abs(found - wanted.numpy()).max() <= CLOSE, kind
