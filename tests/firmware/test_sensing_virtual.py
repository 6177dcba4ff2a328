"""Firmware that follows motion or sees, on the virtual board: its sensors give what is played.

Windows and scores of the emulated Cortex-M4 are those of this computer, from raw samples on.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_deploy import boards, build, compiler, devices, features, labs, model, pictures, yamlfile
from edge_deploy import toolchains as chains
from edge_deploy.artifact import Artifact
from edge_deploy.errors import BadInput
from edge_deploy.labs import Lab
from edge_deploy.sensing import elements
from edge_deploy.telemetry.facts import ImageFacts, MotionFacts
from edge_deploy.telemetry.readings import Inference
from edge_deploy.telemetry.session import Session
from edge_deploy.toolchains import ToolchainMissing
from tests.model_builder import ModelBuilder

pytest.importorskip("unicorn")
pytest.importorskip("capstone")
pytest.importorskip("PIL")
from edge_deploy.devices.virtual.camera import CameraInput
from edge_deploy.devices.virtual.imu import ImuInput
from edge_deploy.devices.virtual.scene import Scene

_LAB = """\
title: "Senses"
model: model.tflite
labels: [a, b, c]
source: {{{source}}}
features: {{{features}}}
decision: {{threshold: 0.2, smooth: 2, hold_off_ms: 700}}
"""
_IMU_3 = "kind: imu, sample_rate_hz: 119, axes: 3, stride_samples: 20"
LABS = {
    "motion": (
        "kind: imu, sample_rate_hz: 119, axes: 6, stride_samples: 20",
        "kind: motion, samples: 119, remove_mean: true, accel_g: 4, gyro_dps: 2000",
    ),
    "vibration": (
        _IMU_3,
        "kind: vibration, samples: 100, fft: 128, bands: 8, low_hz: 2, high_hz: 58",
    ),
    "strength": (_IMU_3, "kind: vibration, samples: 100"),
    "image": (
        "kind: camera, width: 160, height: 120, period_ms: 200",
        "kind: image, width: 48, height: 40",
    ),
}
# Of the model's input, so that windows use much of int8.
SCALES = {"motion": (1 / 128, 0), "vibration": (1 / 24, -100), "strength": (1 / 24, -100),
          "image": (1 / 255, -128)}  # fmt: skip


def read_lab(kind: str) -> Lab:
    source, made = LABS[kind]
    text = _LAB.format(source=source, features=made)
    return labs.read(yamlfile.read(text.encode(), file=Path("lab.yaml")), Path("senses"))


def network(kind: str, count: int) -> bytes:
    """(1, count) int8 -> (1, 3) int8 scores, of random weights."""
    draw = np.random.default_rng(7)
    builder = ModelBuilder()
    scale, zero_point = SCALES[kind]
    x = builder.tensor((1, count), scale=scale, zero_point=zero_point)
    weights = builder.tensor(
        (3, count), scale=0.01, values=draw.integers(-127, 128, (3, count)).astype(np.int8)
    )
    bias = builder.tensor((3,), "int32", scale=0.01 * scale, values=np.zeros(3, np.int32))
    spread = 0.01 * scale * 60 * 74 * np.sqrt(count) / 40
    logits = builder.tensor((1, 3), scale=float(spread), zero_point=0)
    builder.op(
        "FULLY_CONNECTED", [x, weights, bias], [logits], {"fused_activation_function": "NONE"}
    )
    scores = builder.tensor((1, 3), scale=1 / 256, zero_point=-128)
    builder.op("SOFTMAX", [logits], [scores], {"beta": 1.0})
    return builder.finish([x], [scores])


def make(lab: Lab, tflite: bytes, toolchain: str) -> Artifact:
    graph = model.read(tflite, name="senses")
    try:
        found = chains.find(chains.CORTEX_M4, toolchain)
    except ToolchainMissing as missing:
        pytest.skip(missing.message)
    return build.firmware(
        compiler.compile(graph, target="cortex_m4"),
        graph=graph,
        board=boards.load("nano33"),
        port="virtual_m4",
        labels=lab.labels,
        source=lab.source,
        features=lab.features,
        decision=lab.decision,
        toolchain=found,
    )


@pytest.fixture(autouse=True, scope="module")
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGE_DEPLOY_HOME", str(tmp_path_factory.mktemp("home")))
        yield


def some_motion(seed: int, count: int) -> NDArray[np.int16]:
    rng = np.random.default_rng(seed)
    loud = 10 ** rng.uniform(1, 4.4, (1 + count // 60, 1)).repeat(60, 0)[:count]
    return np.clip(rng.normal(size=(count, 6)) * loud, -32768, 32767).astype(np.int16)


def some_pictures(seed: int, folder: Path) -> tuple[list[NDArray[np.uint8]], tuple[Path, ...]]:
    rng = np.random.default_rng(seed)
    steep = rng.uniform(0.2, 2.0, (6, 1, 1))
    made = np.clip(rng.normal(128, 60, (6, 120, 160)) * steep, 0, 255).astype(np.uint8)
    files = tuple(folder / f"{number}.png" for number in range(len(made)))
    for path, picture in zip(files, made, strict=True):
        pictures.write(path, picture)
    return list(made), files


def window_of(lab: Lab, samples: NDArray[Any], kind: str) -> bytes:
    assert lab.features is not None
    made = features.of(lab.features)
    return made.quantize(made.window(samples), *SCALES[kind]).tobytes()


def results_of(session: Session, count: int) -> list[Inference]:
    found = [reading for reading in session.stream(count) if isinstance(reading, Inference)]
    assert [r.n for r in found] == list(range(count))
    assert {(r.overruns, r.lost) for r in found} == {(0, 0)}
    return found


def check(session: Session, results: list[Inference], pieces: list[NDArray[Any]]) -> None:
    """What was streamed, over the wire once more: the same scores."""
    session.forget()
    for result, piece in zip(results, pieces, strict=True):
        session.hear(piece)
        again = session.decide()
        assert (again.output, again.top, again.heard) == (result.output, result.top, None)
    assert len({result.output for result in results}) > 3


@pytest.mark.parametrize(
    ("kind", "toolchain"),
    [
        ("motion", "arm-none-eabi-gcc"),
        ("vibration", "arm-none-eabi-gcc"),
        ("vibration", "zig"),
        ("strength", "arm-none-eabi-gcc"),
    ],
)
def test_motion(kind: str, toolchain: str) -> None:
    lab = read_lab(kind)
    assert lab.features is not None
    motion = some_motion(1, 400)
    scene = Scene(imu=ImuInput("test", "a test", 6, (motion,)))
    artifact = make(lab, network(kind, elements(lab.features)), toolchain)
    axes = lab.source.axes
    with devices.resolve("virtual", boards.load("nano33"), scene=scene) as device:
        device.flash(artifact)
        with Session(device.open()) as session:
            said = session.begin().sensing
            assert isinstance(said, MotionFacts)
            assert (said.kind, said.axes) == (lab.features.kind, axes)
            results = results_of(session, 15)
            last = said.window_samples
            assert session.window() == window_of(lab, motion[300 - last : 300, :axes], kind)
            steps = [b.t_us - a.t_us for a, b in itertools.pairwise(results)]
            # Of a sample that comes every 8.4 ms the firmware is aware within an eighth of that.
            assert all(abs(step - said.stride_us) < 1_500 for step in steps)
            pieces = [motion[20 * n : 20 * n + 20, :axes] for n in range(15)]
            check(session, results, pieces)
            heard = [result for result in results if result.heard is not None]
            assert heard
            assert all((result.score or 0) >= 0.2 for result in heard)


def test_pictures(tmp_path: Path) -> None:
    lab = read_lab("image")
    assert lab.features is not None
    frames, files = some_pictures(2, tmp_path)
    scene = Scene(camera=CameraInput("test", "a test", files, stay_ms=400))
    artifact = make(lab, network("image", elements(lab.features)), "arm-none-eabi-gcc")
    # The only frame, where a loaded input stands as well; its window; where the model takes it.
    frame, window = 160 * 120, 48 * 40
    assert artifact.manifest.ram_bytes is not None
    assert artifact.manifest.ram_bytes < frame + 2 * window + 4096 + 6_000
    with devices.resolve("virtual", boards.load("nano33"), scene=scene) as device:
        device.flash(artifact)
        with Session(device.open()) as session:
            said = session.begin().sensing
            assert isinstance(said, ImageFacts)
            assert (said.width, said.height, said.to_width, said.to_height) == (160, 120, 48, 40)
            results = results_of(session, 12)
            assert session.window() == window_of(lab, frames[5], "image")
            steps = [b.t_us - a.t_us for a, b in itertools.pairwise(results)]
            assert all(abs(step - 200_000) < 500 for step in steps)
            check(session, results, [frames[n // 2] for n in range(12)])


def test_a_model_slower_than_the_camera_takes_the_newest_frame(tmp_path: Path) -> None:
    """A board a hundred times slower: frames are lost, counted, and each result is of one."""
    lab = read_lab("image")
    assert lab.features is not None
    frames, files = some_pictures(3, tmp_path)
    scene = Scene(camera=CameraInput("test", "a test", files, stay_ms=200))
    artifact = make(lab, network("image", elements(lab.features)), "arm-none-eabi-gcc")
    board = boards.load("nano33")
    with devices.resolve("virtual", board, scene=scene, faults=("slow=100",)) as device:
        device.flash(artifact)
        with Session(device.open()) as session:
            session.begin()
            results = [r for r in session.stream(3) if isinstance(r, Inference)]
            window = session.window()
        lost = [result.lost for result in results]
        assert [result.overruns for result in results] == lost
        assert lost[0] == 0
        assert lost[2] is not None
        assert lost[2] > 2
    number = min(2 + lost[2], len(frames) - 1)
    assert window == window_of(lab, frames[number], "image")


def test_a_model_of_another_shape_is_refused() -> None:
    wanted = {
        "motion": "119 values of 6 axes int8",
        "vibration": "9 values of each of 3 axes int8",
        "image": "a picture of 48 x 40 int8",
    }
    for kind, words in wanted.items():
        with pytest.raises(BadInput, match=rf"{words}; senses takes 1x5 int8"):
            make(read_lab(kind), network(kind, 5), "arm-none-eabi-gcc")
