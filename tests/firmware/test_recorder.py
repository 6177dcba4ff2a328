"""Firmware that records on the virtual board: what its sensors sense comes out sample by sample."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_deploy import boards, build, compiler, devices, model, pictures
from edge_deploy.errors import UsageError
from edge_deploy.sensing import SourceSettings
from edge_deploy.telemetry.failures import BoardRefused
from edge_deploy.telemetry.hello import Hello
from edge_deploy.telemetry.raw import NotRecording, RawSamples
from edge_deploy.telemetry.session import Session
from edge_deploy.toolchains import ToolchainMissing
from tests import model_builder

pytest.importorskip("unicorn")
pytest.importorskip("capstone")
pytest.importorskip("PIL")
from edge_deploy.devices.virtual.camera import CameraInput
from edge_deploy.devices.virtual.imu import ImuInput
from edge_deploy.devices.virtual.microphone import MicrophoneInput, Recording
from edge_deploy.devices.virtual.scene import Scene

MICROPHONE = SourceSettings(kind="microphone", sample_rate_hz=16_000)
IMU = SourceSettings(kind="imu", sample_rate_hz=119, axes=6)
CAMERA = SourceSettings(kind="camera", width=160, height=120, period_ms=250)

RANDOM = np.random.default_rng(3)
SOUND = RANDOM.integers(-32768, 32768, 20_000).astype(np.int16)
MOTION = RANDOM.integers(-32768, 32768, (400, 6)).astype(np.int16)
PICTURES = [RANDOM.integers(0, 256, (120, 160)).astype(np.uint8) for _ in range(3)]


@pytest.fixture(autouse=True, scope="module")
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGE_DEPLOY_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    files = []
    for number, picture in enumerate(PICTURES):
        files.append(tmp_path / f"{number}.png")
        pictures.write(files[-1], picture)
    return Scene(
        MicrophoneInput("test", "a test", 1.25, lambda: Recording(SOUND)),
        ImuInput("test", "a test", 6, (MOTION,)),
        CameraInput("test", "a test", tuple(files), stay_ms=500),
    )


@contextlib.contextmanager
def recording(record: SourceSettings | None, scene: Scene, *faults: str) -> Iterator[Session]:
    graph = model.read(model_builder.sine_like(), name="hello")
    board = boards.load("nano33")
    try:
        artifact = build.firmware(
            compiler.compile(graph, target="cortex_m4"),
            graph=graph,
            board=board,
            port="virtual_m4",
            record=record,
        )
    except ToolchainMissing as missing:
        pytest.skip(missing.message)
    with devices.resolve("virtual", board, scene=scene, faults=faults) as device:
        device.flash(artifact)
        with Session(device.open()) as session:
            session.begin()
            yield session


def joined(pieces: list[RawSamples]) -> NDArray[np.int16]:
    """All samples, none of which may be missing."""
    numbers = np.cumsum([0, *(len(piece.samples) for piece in pieces)])[:-1]
    assert [piece.number for piece in pieces] == numbers.tolist()
    assert not any(piece.missing for piece in pieces)
    return np.concatenate([piece.samples for piece in pieces])


def test_sound(scene: Scene) -> None:
    with recording(MICROPHONE, scene) as session:
        hello = session.board
        assert (hello.source, hello.sensing) == ("recorder", None)
        assert hello.recorder is not None
        assert (hello.recorder.sensor, hello.recorder.rate_hz) == ("microphone", 16_000)
        for count in (1, 99, 100, 101, 16_000):  # each time from the recording's beginning
            heard = joined(list(session.raw(count)))
            assert heard.dtype == np.int16
            assert (heard == SOUND[:count]).all()
            assert heard.shape == (count,)
        assert session.health.retries == 0


@pytest.mark.parametrize("axes", [3, 6])
def test_motion(scene: Scene, axes: int) -> None:
    record = SourceSettings(kind="imu", sample_rate_hz=119, axes=axes)
    with recording(record, scene) as session:
        assert session.board.recorder is not None
        assert session.board.recorder.axes == axes
        pieces = list(session.raw(357))
        assert (joined(pieces) == MOTION[:357, :axes]).all()
        # A trace is live: a twentieth of a second at a time.
        assert max(len(piece.samples) for piece in pieces) <= 7


def test_pictures(scene: Scene) -> None:
    with recording(CAMERA, scene) as session:
        assert session.board.recorder is not None
        assert (session.board.recorder.width, session.board.recorder.height) == (160, 120)
        frames = list(session.raw(5))
    assert [frame.number for frame in frames] == list(range(5))
    assert not any(frame.missing for frame in frames)
    for number, frame in enumerate(frames):
        assert (frame.samples == PICTURES[number // 2]).all(), number


def test_its_memory_is_tried_and_it_has_no_led(scene: Scene) -> None:
    with recording(MICROPHONE, scene) as session:
        stream = session.raw()
        next(stream)
        tried = session.parts.memory()
        assert tried.errors == 0
        assert 150_000 < tried.bytes < 256 * 1024
        with pytest.raises(BoardRefused, match="no such part"):
            session.parts.led(on=True)
        assert (joined(list(session.raw(500))) == SOUND[:500]).all()
    with recording(MICROPHONE, scene, "garble=0.001") as session:
        assert session.parts.memory() == tried


def test_it_goes_on_until_it_is_told_to_stop(scene: Scene) -> None:
    with recording(MICROPHONE, scene) as session:
        stream = session.raw()
        pieces = [next(stream) for _ in range(7)]
        stream.close()
        assert (joined(pieces) == SOUND[:700]).all()
        assert session.hello() == session.board
        session.load(bytes(session.board.input_bytes))
        assert session.run().output
        assert (joined(list(session.raw(50))) == SOUND[:50]).all()


def test_a_board_too_slow_for_its_sensor_says_what_was_dropped(scene: Scene) -> None:
    """What arrives is still at its place: 4096 samples wait, and the oldest are dropped."""
    with recording(MICROPHONE, scene, "slow=100") as session:
        pieces = list(session.raw(6_000))
    assert sum(len(piece.samples) for piece in pieces) == 6_000
    assert sum(piece.dropped for piece in pieces) > 1_000
    assert not any(piece.damaged for piece in pieces)
    endless = np.concatenate([SOUND, np.zeros(200_000, np.int16)])
    for piece in pieces:
        assert (piece.samples == endless[piece.number :][: len(piece.samples)]).all()


def test_a_bad_link_loses_samples_and_says_which(scene: Scene) -> None:
    with recording(MICROPHONE, scene, "garble=0.0003") as session:
        pieces = list(session.raw(12_000))
        assert session.health.corrupt_lines > 3
    damaged = sum(piece.damaged for piece in pieces)
    assert damaged > 200
    assert 11_900 <= damaged + sum(len(piece.samples) for piece in pieces) <= 12_000
    for piece in pieces:
        assert (piece.samples == SOUND[piece.number :][: len(piece.samples)]).all()


def test_what_cannot_be_recorded_is_refused(scene: Scene) -> None:
    unknown = SourceSettings(kind="imu", sample_rate_hz=100_000, axes=6)
    with (
        recording(unknown, scene) as session,
        pytest.raises(BoardRefused, match="missing=settings"),
    ):
        list(session.raw(10))
    other = SourceSettings(kind="microphone", sample_rate_hz=44_100)
    with recording(other, scene) as session, pytest.raises(BoardRefused, match="rate_hz=16000"):
        list(session.raw(10))
    with recording(MICROPHONE, scene) as session:
        with pytest.raises(BoardRefused, match="no-source"):
            list(session.stream(1))
        for count in (0, 1_000_001):
            with pytest.raises(UsageError):
                list(session.raw(count))
    with recording(None, scene) as session:
        assert isinstance(session.board, Hello)
        with pytest.raises(NotRecording):
            list(session.raw(10))
