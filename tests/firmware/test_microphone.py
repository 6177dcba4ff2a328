"""Firmware that listens on the virtual board hears through its microphone what is played."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_deploy import boards, build, compiler, devices, labs, model, toolchains, yamlfile
from edge_deploy.artifact import Artifact
from edge_deploy.errors import BadInput
from edge_deploy.features import AudioFeatures
from edge_deploy.labs import Lab
from edge_deploy.telemetry.hello import Hello
from edge_deploy.telemetry.readings import Inference
from edge_deploy.telemetry.session import Session
from edge_deploy.toolchains import ToolchainMissing
from tests import model_builder
from tests.firmware.test_listening import some_sound

pytest.importorskip("unicorn")
pytest.importorskip("capstone")
from edge_deploy.devices.virtual.microphone import MicrophoneInput, Recording
from edge_deploy.devices.virtual.scene import Scene

# The features that model_builder.kws_like takes, and what a real lab says of decisions.
LAB = """\
title: "Listens"
model: model.tflite
labels: ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"]
source: {kind: microphone, sample_rate_hz: 16000, stride_ms: 200}
features: {kind: mfcc, coefficients: 10, frame_ms: 30, hop_ms: 20, fft: 512, mel_bins: 40,
  low_hz: 20, high_hz: 7600, frames: 49}
decision: {threshold: 0.2, smooth: 2, hold_off_ms: 400, ignore: ["b"]}
"""
TOOLCHAINS = ["arm-none-eabi-gcc", "zig"]


def read_lab(**source: int) -> Lab:
    lab = labs.read(yamlfile.read(LAB.encode(), file=Path("lab.yaml")), Path("listens"))
    return dataclasses.replace(lab, source=dataclasses.replace(lab.source, **source))


def make(lab: Lab, tflite: bytes, toolchain: str) -> Artifact:
    graph = model.read(tflite, name="kws")
    try:
        found = toolchains.find(toolchains.CORTEX_M4, toolchain)
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


@pytest.fixture(scope="module")
def tflite() -> bytes:
    return model_builder.kws_like(1)


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(tmp_path / "home"))


def with_board(
    artifact: Artifact, sound: NDArray[np.int16], work: Callable[[Session], None]
) -> None:
    heard = MicrophoneInput("test", "a test", sound.size / 16_000, lambda: Recording(sound))
    board = boards.load("nano33")
    with devices.resolve("virtual", board, scene=Scene(microphone=heard)) as device:
        device.flash(artifact)
        with Session(device.open()) as session:
            session.begin()
            work(session)


def host_windows(lab: Lab, hello: Hello, sound: NDArray[np.int16]) -> NDArray[np.int8]:
    """All frames as the model takes them, those of a cleared window first."""
    assert lab.features is not None
    features, tensor = AudioFeatures(lab.features), hello.inputs[0]
    silence = features.frame(np.zeros(lab.features.frame_samples, np.int16))
    before = np.repeat(silence[None], lab.features.frames, 0)
    real = np.concatenate([before, features.clip(sound)])
    assert tensor.scale is not None
    return features.quantize(real, tensor.scale, tensor.zero_point)


def results_of(session: Session, count: int) -> Sequence[Inference]:
    return [reading for reading in session.stream(count) if isinstance(reading, Inference)]


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_a_stream_hears_what_is_played_and_hear_the_same(tflite: bytes, toolchain: str) -> None:
    lab = read_lab()
    sound = some_sound(1, 32_000)
    results = 8

    def listen(session: Session) -> None:
        assert session.board.sensors == ("microphone", "imu", "camera")
        streamed = results_of(session, results)
        assert [r.n for r in streamed] == list(range(results))
        assert {(r.overruns, r.lost) for r in streamed} == {(0, 0)}
        frames = host_windows(lab, session.board, sound)
        end = 49 + 10 * results
        assert session.window() == frames[end - 49 : end].tobytes()
        # An inference each stride of sound, however long inferences take.
        steps = [b.t_us - a.t_us for a, b in itertools.pairwise(streamed)]
        assert all(abs(step - 200_000) < 500 for step in steps)
        assert all(0 < r.dsp_us < 20_000 and 0 < r.post_us < 100 for r in streamed)
        # The same sound over the wire, piece by piece: the same windows, and the same scores.
        session.forget()
        at = 0
        for result in streamed:
            until = 480 + 320 * (10 * (result.n + 1) - 1)
            for start in range(at, until, 1600):
                session.hear(sound[start : min(start + 1600, until)])
            at = until
            again = session.decide()
            assert (again.output, again.top, again.heard) == (result.output, result.top, None)
        assert session.window() == frames[end - 49 : end].tobytes()
        assert len({r.output for r in streamed}) > 4

    with_board(make(lab, tflite, toolchain), sound, listen)


def test_a_stride_too_short_for_the_model_is_skipped_and_counted(tflite: bytes) -> None:
    """84 ms of inference each 20 ms: the windows are still those that the page says."""
    lab = read_lab(stride_ms=20)
    sound = some_sound(2, 32_000)

    def listen(session: Session) -> None:
        streamed = results_of(session, 10)
        assert [r.n for r in streamed] == list(range(10))
        assert {r.lost for r in streamed} == {0}
        overruns = [r.overruns for r in streamed]
        assert all(2 <= b - a <= 5 for a, b in itertools.pairwise(overruns))
        frames = host_windows(lab, session.board, sound)
        end = 49 + 10 + overruns[-1]
        assert session.window() == frames[end - 49 : end].tobytes()

    with_board(make(lab, tflite, TOOLCHAINS[0]), sound, listen)


def test_a_second_stream_begins_anew_and_the_loaded_input_is_gone(tflite: bytes) -> None:
    sound = some_sound(3, 32_000)

    def listen(session: Session) -> None:
        first = [r.output for r in results_of(session, 3)]
        session.load(bytes(490))
        again = [r.output for r in results_of(session, 3)]
        assert len(set(first)) == 3
        # The recording plays from its beginning each time the microphone is started.
        assert again == first

    with_board(make(read_lab(), tflite, TOOLCHAINS[0]), sound, listen)


def test_a_model_of_another_shape_is_refused(tflite: bytes) -> None:
    lab = read_lab()
    with pytest.raises(BadInput, match=r"49 frames of 10 int8; kws takes 1x\d+"):
        make(lab, model_builder.sine_like(), TOOLCHAINS[0])
    with pytest.raises(BadInput, match=r"the lab has 11 labels .* kws gives 1x12 int8"):
        make(dataclasses.replace(lab, labels=lab.labels[:11]), tflite, TOOLCHAINS[0])
