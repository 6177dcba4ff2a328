"""Firmware that senses, built for tests around a model written by hand; and that model in Python.

The lab is a small one, so that sanitized firmware goes through seconds of sound in no time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy import boards, labs, yamlfile
from edge_deploy.build import config, sensing
from edge_deploy.labs import Lab
from edge_deploy.sensing import elements
from tests.firmware import building
from tests.firmware.board import Board, crc, fields_of, sealed

# Of firmware/test/fake_listener.c; the scale by kind of features where it is not this one.
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

_SENSING = """\
title: "Senses"
model: model.tflite
labels: [{labels}]
source: {{{source}}}
features: {{{features}}}
decision: {{threshold: {threshold}, smooth: 3, hold_off_ms: 700{ignore}}}
"""
_FIVE = ("nothing, a, b, c, d", 0.55, ", ignore: [nothing]")
_ONE = ("anomaly", 0.35, "")
_IMU_3 = "kind: imu, sample_rate_hz: 119, axes: 3, stride_samples: 20"
_IMU_6 = "kind: imu, sample_rate_hz: 100, axes: 6, stride_samples: 7"
SENSING = {
    "motion": (_IMU_3, "kind: motion, samples: 50, accel_g: 4", _FIVE),
    "motion_6": (
        _IMU_6,
        "kind: motion, samples: 60, average: 4, remove_mean: true, accel_g: 2, gyro_dps: 500",
        _FIVE,
    ),
    "vibration": (
        _IMU_3,
        "kind: vibration, samples: 50, fft: 64, bands: 5, low_hz: 5, high_hz: 55",
        _FIVE,
    ),
    "strength": (_IMU_3, "kind: vibration, samples: 40", _ONE),
    "image": (
        "kind: camera, width: 40, height: 30, period_ms: 20",
        "kind: image, width: 12, height: 11",
        _FIVE,
    ),
}
SCALES = {"motion": 2**-7, "motion_6": 2**-6, "vibration": 2**-3, "strength": 2**-5, "image": 2**-6}


def lab(kind: str) -> Lab:
    if kind in SENSING:
        return sensing_lab(*SENSING[kind])
    return _read(_LAB.format(kind=KINDS[kind]))


def sensing_lab(source: str, features: str, decision: tuple[str, float, str] = _FIVE) -> Lab:
    """decision: labels, threshold, and what stands behind it."""
    labels, threshold, ignore = decision
    return _read(
        _SENSING.format(
            source=source, features=features, labels=labels, threshold=threshold, ignore=ignore
        )
    )


def _read(text: str) -> Lab:
    return labs.read(yamlfile.read(text.encode(), file=Path("lab.yaml")), Path("listens"))


def write_config(made: Lab, folder: Path, *, port: str = "host", alone_ms: int = 0) -> Path:
    """Both generated headers, the lab's as the build writes it.

    alone_ms: after how long a board that no host speaks to begins by itself, 0: never.
    """
    assert made.features is not None
    folder.mkdir()
    text = config.emit(
        boards.load("nano33"), port, made.labels, made.source, made.features, made.decision
    )
    text, found = re.subn(r"(#define ED_APP_ALONE_MS) \d+u", rf"\1 {alone_ms}u", text)
    assert found == 1
    (folder / config.FILE).write_text(text)
    sizes = {
        "ARENA_BYTES": 512,
        "INPUT_BYTES": elements(made.features),
        "OUTPUT_BYTES": len(made.labels),
        "INPUT_PRESERVED": 0,
        "LAYERS": 1,
        "STATE_BYTES": 0,
    }
    lines = [f"#define ED_MODEL_{name} {value}\n" for name, value in sizes.items()]
    (folder / "ed_model_config.h").write_text("".join(lines))
    return folder


def sources(port: str, *, sensors: bool = False, parts: bool = False) -> list[Path]:
    """All C files; with sensors the one that senses a file instead of the port's, with parts the
    one that writes what is shown."""
    found = [path for path in building.firmware_sources(port) if path != building.FAKE_MODEL]
    found += sorted((building.SOURCES / "features").glob("*.c"))
    found.append(building.TESTS / "fake_listener.c")
    if sensors:
        found.remove(building.SOURCES / "ports" / "host" / "sensors.c")
        found.append(building.TESTS / "fake_sensors.c")
    if parts:
        found.remove(building.SOURCES / "ports" / "host" / "parts.c")
        found.append(building.TESTS / "fake_parts.c")
    return found


def flags(made: Lab, scale: float = INPUT_SCALE) -> list[str]:
    more = {"FAKE_INPUT_SCALE": f"{scale.hex()}f"}
    defines = sensing.defines(made.features) | more
    return [f"-D{name}={value}" for name, value in defines.items()]


def build(
    compiler: Sequence[str],
    made: Lab,
    folder: Path,
    *,
    sensors: bool = False,
    parts: bool = False,
    alone_ms: int = 0,
    scale: float = INPUT_SCALE,
    checks: Sequence[str] = building.SANITIZERS,
) -> Path:
    """The host port, with sanitizers where nothing else is said."""
    return building.compile_c(
        compiler,
        sources("host", sensors=sensors, parts=parts),
        folder / "firmware",
        config=write_config(made, folder / "config", alone_ms=alone_ms),
        flags=[*checks, *flags(made, scale)],
    )


def scores_of(window: NDArray[np.int8], labels: int) -> NDArray[np.int8]:
    """(frames, bins) -> (labels,): what firmware/test/fake_listener.c computes."""
    x = window.view(np.uint8).ravel().astype(np.int64)
    i = np.arange(x.size)
    sums = [int((x * ((7 * i + 13 * j) % 31)).sum()) & 0xFF for j in range(labels)]
    return np.array(sums, np.uint8).view(np.int8)


def hear(board: Board, samples: NDArray[np.int16] | NDArray[np.uint8]) -> None:
    data = samples.tobytes()  # this computer is little-endian, as the wire is
    board.send(sealed(f"hear {len(data)} {crc(data)}"))
    go = fields_of(board.line())
    assert (go["kind"], go["bytes"]) == ("go", str(len(data)))
    piece = int(go.get("room", len(data)))
    for at in range(0, len(data), piece):
        if at:
            more = fields_of(board.line())
            assert (more["kind"], more["have"]) == ("more", str(at))
        board.send(data[at : at + piece])
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
    assert int(end["samples"]) >= int(end["frames"])
    return data, int(end["frames"])
