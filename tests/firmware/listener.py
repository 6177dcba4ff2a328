"""Firmware that listens, built for tests around a model written by hand; and that model in Python.

The lab is a small one, so that sanitized firmware goes through seconds of sound in no time.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy import boards, labs, yamlfile
from edge_deploy.build import config, sensing
from edge_deploy.labs import Lab
from tests.firmware import building
from tests.firmware.board import Board, crc, fields_of, sealed

# Of firmware/test/fake_listener.c.
INPUT_SCALE, INPUT_ZERO = 0.25, 5
OUTPUT_SCALE, OUTPUT_ZERO = 1 / 256, -128

_LAB = """\
title: "Listens"
model: model.tflite
labels: ["silence", "yes", "no", "go", "stop"]
source: {{kind: microphone, sample_rate_hz: 16000, stride_ms: 30}}
features: {{kind: {kind}, frame_ms: 25, hop_ms: 10, fft: 512, mel_bins: 20, low_hz: 80,
  high_hz: 7000, frames: 9}}
decision: {{threshold: 0.55, smooth: 3, hold_off_ms: 70, ignore: ["silence"]}}
"""
KINDS = {"log_mel": "log_mel", "mfcc": "mfcc, coefficients: 7"}


def lab(kind: str) -> Lab:
    text = _LAB.format(kind=KINDS[kind])
    return labs.read(yamlfile.read(text.encode(), file=Path("lab.yaml")), Path("listens"))


def write_config(made: Lab, folder: Path, *, port: str = "host") -> Path:
    """Both generated headers, the lab's as the build writes it."""
    assert made.features is not None
    folder.mkdir()
    text = config.emit(
        boards.load("nano33"), port, made.labels, made.source, made.features, made.decision
    )
    (folder / config.FILE).write_text(text)
    sizes = {
        "ARENA_BYTES": 512,
        "INPUT_BYTES": made.features.frames * made.features.bins,
        "OUTPUT_BYTES": len(made.labels),
        "INPUT_PRESERVED": 0,
        "LAYERS": 1,
        "STATE_BYTES": 0,
    }
    lines = [f"#define ED_MODEL_{name} {value}\n" for name, value in sizes.items()]
    (folder / "ed_model_config.h").write_text("".join(lines))
    return folder


def sources(port: str, *, microphone: bool = False) -> list[Path]:
    """All C files; with a microphone the one that hears a file instead of the port's sensors."""
    found = [path for path in building.firmware_sources(port) if path != building.FAKE_MODEL]
    found += sorted((building.SOURCES / "features").glob("*.c"))
    found.append(building.TESTS / "fake_listener.c")
    if microphone:
        found.remove(building.SOURCES / "ports" / "host" / "sensors.c")
        found.append(building.TESTS / "fake_microphone.c")
    return found


def flags(made: Lab) -> list[str]:
    return [f"-D{name}={value}" for name, value in sensing.defines(made.features).items()]


def build(compiler: Sequence[str], made: Lab, folder: Path, *, microphone: bool = False) -> Path:
    """The host port with sanitizers."""
    return building.compile_c(
        compiler,
        sources("host", microphone=microphone),
        folder / "firmware",
        config=write_config(made, folder / "config"),
        flags=[*building.SANITIZERS, *flags(made)],
    )


def scores_of(window: NDArray[np.int8], labels: int) -> NDArray[np.int8]:
    """(frames, bins) -> (labels,): what firmware/test/fake_listener.c computes."""
    x = window.view(np.uint8).ravel().astype(np.int64)
    i = np.arange(x.size)
    sums = [int((x * ((7 * i + 13 * j) % 31)).sum()) & 0xFF for j in range(labels)]
    return np.array(sums, np.uint8).view(np.int8)


def hear(board: Board, samples: NDArray[np.int16]) -> None:
    data = samples.astype("<i2").tobytes()
    board.send(sealed(f"hear {len(data)} {crc(data)}"))
    go = fields_of(board.line())
    assert (go["kind"], go["bytes"]) == ("go", str(len(data)))
    board.send(data)
    loaded = fields_of(board.line())
    assert (loaded["kind"], loaded["bytes"], loaded["crc"]) == ("loaded", str(len(data)), crc(data))
    assert board.until_ready() == []


def window_of(board: Board) -> tuple[bytes, int]:
    """The window, and how many frames the board has heard."""
    *parts, end = board.tell("window")
    data = b"".join(bytes.fromhex(part["hex"]) for part in parts)
    assert {part["kind"] for part in parts} == {"window"}
    assert [int(part["off"]) for part in parts] == list(range(0, len(data), 64))
    assert (end["kind"], end["bytes"], end["crc"]) == ("windowed", str(len(data)), crc(data))
    return data, int(end["frames"])
