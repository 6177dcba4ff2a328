"""Streams of boards that feel, look, or say what is unusual, made by hand for the views."""

from __future__ import annotations

import math

from edge_deploy.telemetry.facts import ImageFacts, MotionFacts
from edge_deploy.telemetry.hello import WireTensor
from edge_deploy.telemetry.readings import Counts, Inference, Reading
from tests.cli.streams import header

GESTURES = ("alohomora", "arresto_momentum", "avada_kedavra", "locomotor", "revelio")
MOTION = MotionFacts("motion", 119, 6, 119, 20, 0.7, 2, 119, average=1, accel_g=4, gyro_dps=2000)
VIBRATION = MotionFacts("vibration", 200, 3, 200, 100, 4.0, 3, 400, fft=256, bands=16)
IMAGE = ImageFacts(160, 120, 96, 96, 500, 0.8, 2, 4)

HEADERS = {
    "gesture": {
        "model_name": "gesture",
        "source": "imu",
        "labels": GESTURES,
        "outputs": (WireTensor("scores", "int8", (1, 5), 5, 1 / 256, -128),),
        "sensing": MOTION,
    },
    "vision": {
        "model_name": "vision",
        "source": "camera",
        "labels": tuple("0123456789"),
        "outputs": (WireTensor("scores", "int8", (1, 10), 10, 1 / 256, -128),),
        "sensing": IMAGE,
    },
    "anomaly": {
        "model_name": "anomaly",
        "source": "imu",
        "labels": ("anomaly",),
        "outputs": (WireTensor("score", "int8", (1, 1), 1, 0.25, -128),),
        "sensing": VIBRATION,
    },
}


def header_of(name: str, **changes):
    return header(**{**HEADERS[name], **changes})


def scored(name: str, n: int, scores, *, heard: float | None = None, **changes) -> Inference:
    """Result n: a stride after the one before it, and one more for each that was missed.

    heard: the smoothed score of a decision.
    """
    top = max(range(len(scores)), key=scores.__getitem__)
    stride_us = HEADERS[name]["sensing"].stride_us
    facts = {
        "n": n,
        "dsp_us": 810,
        "inference_us": 20_412,
        "post_us": 17,
        "counts": Counts(1_306_368, 1_411_000, 900_000, 230_500),
        "lost": 0,
        "t_us": 5_000_000 + round(stride_us * (n + changes.get("overruns", 0))),
        "output": bytes(len(scores)),
        "scores": tuple(scores),
        "top": top,
        "top_score": scores[top],
        "heard": None if heard is None else top,
        "score": heard,
    }
    return Inference(**{**facts, **changes})


def gestures() -> list[Reading]:
    """Thirty results: two gestures that come and go."""
    readings: list[Reading] = []
    for n in range(30):
        rise = [math.exp(-(((n - at) / 2.0) ** 2)) for at in (8, 20)]
        scores = [0.1, 0.7 * rise[0], 0.1, 0.9 * rise[1], 0.15]
        heard = {9: 0.72, 20: 0.84}.get(n)
        readings.append(scored("gesture", n, scores, heard=heard))
    return readings


def signs() -> list[Reading]:
    """Twelve results: the signs 3 and 7, six frames each; one frame lost."""
    readings: list[Reading] = []
    for n in range(12):
        shown = 3 if n < 6 else 7
        scores = [0.97 if index == shown else 0.0 for index in range(10)]
        heard = 0.97 if n in (1, 7) else None
        overruns = int(n > 8)
        readings.append(scored("vision", n, scores, heard=heard, overruns=overruns, lost=overruns))
    return readings


def vibrations(over: bool = True) -> list[Reading]:
    """Forty results of a score that grows beyond its threshold of 4, where `over`, from 25 on."""
    readings: list[Reading] = []
    for n in range(40):
        score = 1.0 + 0.5 * (n % 3) + (5.0 if over and n >= 25 else 0.0)
        heard = 5.0 if over and n == 27 else None
        readings.append(scored("anomaly", n, [score], heard=heard))
    return readings
