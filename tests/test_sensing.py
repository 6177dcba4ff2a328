"""`source`, `features` and `decision` of lab.yaml: what comes out, and mistakes with their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_deploy import labs, sensing, yamlfile
from edge_deploy.labs import Lab
from edge_deploy.sensing import (
    AudioFeatureSettings,
    DecisionSettings,
    ImageFeatureSettings,
    MotionFeatureSettings,
    SourceSettings,
    VibrationFeatureSettings,
)
from edge_deploy.yamlfile import BadFile

LISTENS = """\
title: "Words"
model: model.tflite
labels: ["silence", "unknown", "left"]
source: {kind: microphone, sample_rate_hz: 16000, stride_ms: 200}
features: {kind: log_mel, frame_ms: 30, hop_ms: 20, fft: 512, mel_bins: 40, low_hz: 20, high_hz: 7600, frames: 49}
decision: {threshold: 0.7, smooth: 3, hold_off_ms: 1000, ignore: ["silence", "unknown"]}
"""  # noqa: E501


MOVES = """\
title: "Spells"
model: model.tflite
labels: ["up", "down"]
source: {kind: imu, sample_rate_hz: 119, axes: 6, stride_samples: 20}
features: {kind: motion, samples: 120, average: 2, remove_mean: true, accel_g: 4, gyro_dps: 2000}
decision: {threshold: 0.7, smooth: 1, hold_off_ms: 1000}
"""

SHAKES = """\
title: "Fan"
model: model.tflite
labels: ["anomaly"]
source: {kind: imu, sample_rate_hz: 200, axes: 3, stride_samples: 100}
features: {kind: vibration, samples: 200, fft: 256, bands: 16, low_hz: 2, high_hz: 100}
decision: {threshold: 3, smooth: 3, hold_off_ms: 1000}
"""

SEES = """\
title: "Signs"
model: model.tflite
labels: ["0", "1"]
source: {kind: camera, width: 160, height: 120, period_ms: 500}
features: {kind: image, width: 96, height: 96}
decision: {threshold: 0.7, smooth: 2, hold_off_ms: 1000}
"""


def read(text: str) -> Lab:
    return labs.read(yamlfile.read(text.encode(), file=Path("lab.yaml")), Path("my"))


def test_a_lab_that_listens():
    lab = read(LISTENS)
    assert lab.source == SourceSettings("microphone", sample_rate_hz=16_000, stride_ms=200)
    assert lab.features == AudioFeatureSettings(
        kind="log_mel",
        sample_rate_hz=16_000,
        frame_samples=480,
        hop_samples=320,
        fft=512,
        mel_bins=40,
        coefficients=0,
        low_hz=20.0,
        high_hz=7600.0,
        frames=49,
    )
    assert lab.features.bins == 40
    assert lab.decision == DecisionSettings(0.7, 3, 1000, ("silence", "unknown"))
    mfcc = read(LISTENS.replace("log_mel,", "mfcc, coefficients: 10,")).features
    assert (mfcc.kind, mfcc.coefficients, mfcc.mel_bins, mfcc.bins) == ("mfcc", 10, 40, 10)
    assert lab.audio is lab.features
    without = read("title: t\nmodel: m.tflite\n")
    assert (without.features, without.audio, without.decision) == (None, None, None)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("16000", "7999", "line 4: source.sample_rate_hz: expected a whole number from 8000"),
        ("stride_ms: 200", "stride_ms: 210", "line 4: source: stride_ms: expected a multiple of"),
        ("stride_ms: 200", "period_ms: 200", "line 4: source.period_ms: unknown key"),
        ("log_mel", "mel", "line 5: features.kind: expected one of log_mel, mfcc"),
        ("log_mel", "mfcc", "line 5: features: `coefficients` belongs to mfcc"),
        ("log_mel,", "log_mel, coefficients: 3,", "line 5: features.coefficients: `coeff"),
        ("log_mel,", "mfcc, coefficients: 41,", "features.coefficients: expected a whole number"),
        ("16000", "16001", "line 5: features.frame_ms: expected a whole number of samples at 16"),
        ("hop_ms: 20", "hop_ms: 40", "line 5: features.hop_ms: expected at most frame_ms"),
        ("fft: 512", "fft: 500", "line 5: features.fft: expected a power of two, not below"),
        ("fft: 512", "fft: 256", "line 5: features.fft: expected a power of two, not below"),
        ("high_hz: 7600", "high_hz: 8001", "line 5: features.high_hz: expected a number from 0"),
        ("low_hz: 20", "low_hz: 7600", "line 5: features.high_hz: expected more than low_hz"),
        ("frames: 49", "frames: 0", "line 5: features.frames"),
        (", frames: 49", "", "line 5: features: frames: missing"),
        ("smooth: 3", "smooth: 17", "line 6: decision.smooth"),
        ("smooth: 3, ", "", "line 6: decision: smooth: missing"),
        ('ignore: ["silence"', 'ignore: ["silense"', "decision.ignore[0]: expected one of sil"),
        ("labels: ", "# ", "line 4: source: kind microphone needs `labels`"),
        ("decision: ", "# ", "line 4: source: kind microphone needs `features` and `decision`"),
        ("features: ", "# ", "line 4: source: kind microphone needs `features` and `decision`"),
        ("source: ", "# ", "line 5: features: is for a lab whose source is a sensor"),
    ],
)
def test_a_mistake_of_a_lab_that_listens_is_told_with_its_line(old, new, complaint):
    assert old in LISTENS
    with pytest.raises(BadFile) as caught:
        read(LISTENS.replace(old, new))
    assert complaint in caught.value.message


def test_a_lab_that_moves():
    lab = read(MOVES)
    assert lab.source == SourceSettings("imu", sample_rate_hz=119, axes=6, stride_samples=20)
    assert lab.features == MotionFeatureSettings(6, 120, 2, True, 4.0, 2000.0)
    assert (lab.features.kind, lab.features.shape) == ("motion", (60, 6))
    assert lab.audio is None
    plain = read(MOVES.replace("average: 2, remove_mean: true, ", "")).features
    assert plain == MotionFeatureSettings(6, 120, 1, False, 4.0, 2000.0)
    three = read(MOVES.replace("axes: 6", "axes: 3").replace(", gyro_dps: 2000", "")).features
    assert three.shape == (60, 3)


def test_a_lab_that_shakes():
    lab = read(SHAKES)
    assert lab.features == VibrationFeatureSettings(200, 200, 16, 256, 2.0, 100.0)
    assert (lab.features.kind, lab.features.shape) == ("vibration", (3, 17))
    assert sensing.elements(lab.features) == 51
    strength = read(SHAKES.replace(", fft: 256, bands: 16, low_hz: 2, high_hz: 100", "")).features
    assert (strength.bands, strength.shape) == (0, (3, 1))


def test_a_lab_that_sees():
    lab = read(SEES)
    assert lab.source == SourceSettings("camera", width=160, height=120, period_ms=500)
    assert lab.features == ImageFeatureSettings(160, 120, 96, 96)
    assert (lab.features.kind, lab.features.shape) == ("image", (96, 96))


@pytest.mark.parametrize(
    ("text", "old", "new", "complaint"),
    [
        (MOVES, "axes: 6", "axes: 4", "line 4: source.axes: expected 3 (acceleration) or 6"),
        (MOVES, "axes: 6", "axes: 3", "line 5: features.gyro_dps: unknown key"),
        (MOVES, "119", "953", "line 4: source.sample_rate_hz: expected a whole number from 1"),
        (MOVES, "stride_samples: 20", "stride_ms: 20", "line 4: source.stride_ms: unknown key"),
        (MOVES, "average: 2", "average: 7", "line 5: features.average: expected what divides"),
        (MOVES, "remove_mean: true", "remove_mean: 1", "features.remove_mean: expected true or"),
        (MOVES, "remove_mean: true", "remove_mean: True", "features.remove_mean: expected true"),
        (MOVES, "accel_g: 4", "accel_g: 0", "line 5: features.accel_g: expected a number from"),
        (MOVES, ", gyro_dps: 2000", "", "line 5: features: gyro_dps: missing"),
        (MOVES, "kind: motion", "kind: image", "features.kind: expected one of motion, vibrat"),
        (MOVES, "decision: ", "# ", "line 4: source: kind imu needs `features` and `decision`"),
        (SHAKES, "fft: 256", "fft: 128", "line 5: features.fft: expected a power of two, not"),
        (SHAKES, "high_hz: 100", "high_hz: 101", "line 5: features.high_hz: expected a number"),
        (SHAKES, "low_hz: 2", "low_hz: 100", "line 5: features.high_hz: expected more than low"),
        (SHAKES, ", low_hz: 2", "", "line 5: features: low_hz: missing"),
        (SHAKES, "bands: 16, ", "", "line 5: features.fft: unknown key"),
        (SHAKES, "axes: 3", "axes: 6", "line 5: features: vibration is made of acceleration"),
        (SHAKES, "high_hz: 100", "high_hz: 14", "line 5: features.bands: expected bands of at"),
        (SEES, "width: 96", "width: 161", "line 5: features.width: expected a whole number"),
        (SEES, "period_ms: 500", "period_ms: 9", "line 4: source.period_ms"),
        (SEES, "width: 160", "width: 321", "line 4: source.width"),
        (SEES, "kind: image", "kind: motion", "line 5: features.kind: expected one of image"),
    ],
)
def test_a_mistake_of_a_lab_that_senses_is_told_with_its_line(text, old, new, complaint):
    assert old in text
    with pytest.raises(BadFile) as caught:
        read(text.replace(old, new))
    assert complaint in caught.value.message
