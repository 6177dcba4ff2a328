"""A stream of a board that listens, made by hand: what the views and the replay are shown."""

from __future__ import annotations

from edge_deploy.telemetry.facts import AudioFacts
from edge_deploy.telemetry.hello import WireTensor
from edge_deploy.telemetry.readings import Counts, Inference, LinkHealth, Log, Power, Reading
from edge_deploy.telemetry.recording import Header

LABELS = (
    *("silence", "unknown", "yes", "no", "up", "down"),
    *("left", "right", "on", "off", "stop", "go"),
)
AUDIO = AudioFacts(
    kind="log_mel",
    rate_hz=16000,
    frame=480,
    hop=320,
    fft=512,
    mel=40,
    bins=40,
    frames=49,
    stride=10,
    threshold=0.7,
    smooth=3,
    hold_off=50,
)
OUTPUT = WireTensor("scores", "int8", (1, 12), 12, 1 / 256, -128)


def header(**changes) -> Header:
    facts = {
        "board": "nano33",
        "variant": "virtual",
        "port": "virtual_m4",
        "on": "virtual",
        "firmware": "0.1.0",
        "engine": "edge-deploy-0.1.0/cortex_m4",
        "model_name": "kws",
        "model_sha256": "5ca1ab1e" * 8,
        "clock_hz": 64_000_000,
        "labels": LABELS,
        "started": "2026-01-01T00:00:00+00:00",
        "source": "microphone",
        "outputs": (OUTPUT,),
        "sensing": AUDIO,
    }
    return Header(**{**facts, **changes})


def result(n: int, top: str, score: float, *, heard: float | None = None, **changes) -> Reading:
    """Result n, 200 ms after the one before; `heard` is the smoothed score of a decision."""
    index = LABELS.index(top)
    rest = (1 - score) / 11
    scores = tuple(score if i == index else rest for i in range(12))
    facts = {
        "n": n,
        "t_us": 5_000_000 + 200_000 * n,
        "dsp_us": 9_402,
        "inference_us": 84_196,
        "post_us": 19,
        "counts": Counts(4_872_188, 5_388_544, 3_000_000, 916_900),
        "output": bytes(12),
        "scores": scores,
        "top": index,
        "top_score": score,
        "heard": None if heard is None else index,
        "score": heard,
        "lost": 0,
    }
    return Inference(**{**facts, **changes})


def conversation() -> list[Reading]:
    """Yes, a damaged line, no; 20 results."""
    readings: list[Reading] = []
    for n in range(20):
        if n == 6:
            readings.append(result(n, "yes", 0.9375, heard=0.8125))
        elif n == 14:
            readings.append(result(n, "no", 0.90625, heard=0.75))
        elif n in (5, 13):
            readings.append(result(n, "yes" if n == 5 else "no", 0.875))
        else:
            readings.append(result(n, "silence", 0.96875))
        if n == 9:
            readings.append(LinkHealth(lost_records=1, corrupt_lines=1))
        if n % 5 == 0:
            readings.append(Power(5_000_000 + 200_000 * n, 3310, 3300, 17201 * (n + 1)))
    readings.insert(3, Log("a line of text"))
    return readings
