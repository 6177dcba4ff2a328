"""Labs with an IMU or a camera through a board: the same is compared, the same is counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_deploy import features, labs, model
from edge_deploy.bench import clips as recordings
from edge_deploy.bench import host as hosts
from edge_deploy.bench.anomalies import Anomalies
from edge_deploy.bench.classes import Classes
from edge_deploy.bench.evaluate import EvaluateResult, on_board, on_host
from edge_deploy.bench.host import Host
from edge_deploy.errors import BadInput, WrongBoard
from edge_deploy.labs import Lab
from edge_deploy.model import oracle
from edge_deploy.telemetry.hello import Hello
from edge_deploy.telemetry.readings import Inference
from tests import sensing_labs

pytest.importorskip("tflite_runtime", reason="the host's model runs on the extra `reference`")

WRITE = {
    "swings": sensing_labs.write_swings,
    "hum": sensing_labs.write_hum,
    "halves": sensing_labs.write_halves,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Lab]:
    pytest.importorskip("PIL", reason="pictures need Pillow")
    root = tmp_path_factory.mktemp("labs")
    written = {name: write(root / name) for name, write in WRITE.items()}
    return lambda name: written[name]


def host_of(lab: Lab) -> Host:
    data = lab.model.read_bytes()
    return hosts.of(lab, model.read(data), oracle.open_reference(data))


class FakeEar:
    """A board with a ring of samples that it goes through as firmware does, one by one.

    spoil: the clip's number (from 1) at which one value of its window is wrong.
    """

    def __init__(self, lab: Lab, spoil: int = 0) -> None:
        self.lab, self.spoil, self.clips = lab, spoil, 0
        data = lab.model.read_bytes()
        self.reference = oracle.open_reference(data)
        self.graph = model.read(data)
        self.board = Hello(
            protocol=1,
            board="nano33",
            variant="fake",
            port="host",
            firmware="0",
            engine="fake/portable",
            model=lab.name,
            sha256="0" * 64,
            clock_hz=1,
            inputs=(),
            outputs=(),
            labels=lab.labels,
            layers=1,
            arena_bytes=1,
            sensors=(),
            source=lab.source.kind,
            counters=(),
        )

    def forget(self) -> None:
        self.clips += 1
        source, settings = self.lab.source, self.lab.features
        assert settings is not None
        if source.kind == "camera":
            self.kept: NDArray[Any] = np.zeros((source.height, source.width), np.uint8)
        else:
            self.kept = np.zeros((settings.samples, source.axes), np.int16)

    def hear(self, samples: NDArray[Any]) -> None:
        if self.lab.source.kind == "camera":
            self.kept = samples
            return
        for sample in samples:
            self.kept = np.concatenate([self.kept[1:], sample[None]])

    def _window(self) -> NDArray[np.int8]:
        assert self.lab.features is not None
        made = features.of(self.lab.features)
        terms = self.graph.tensors[self.graph.inputs[0]].quantization
        assert terms is not None
        return made.quantize(made.window(self.kept), terms.scale, terms.zero_point)

    def window(self) -> bytes:
        window = self._window().reshape(-1)
        if self.clips == self.spoil:
            window[5] ^= 1
        return window.tobytes()

    def decide(self) -> Inference:
        shape = self.graph.tensors[self.graph.inputs[0]].shape
        (scores,) = self.reference.run([self._window().reshape(shape)])
        return Inference(
            n=0,
            t_us=0,
            dsp_us=1,
            inference_us=1,
            post_us=1,
            output=scores.tobytes(),
            top=int(np.argmax(scores)),
        )


def evaluated(lab: Lab, ear: FakeEar) -> EvaluateResult:
    clips = recordings.held_out(lab, lab.folder / "data")
    return on_board(ear, host_of(lab), clips, lab, on="virtual")


@pytest.mark.parametrize(("name", "count"), [("swings", 12), ("hum", 20), ("halves", 8)])
def test_board_and_host_are_of_one_mind(made: Callable[[str], Lab], name: str, count: int) -> None:
    lab = made(name)
    result = evaluated(lab, FakeEar(lab))
    assert result.agreement is not None
    assert not result.agreement.differs
    assert result.n == result.agreement.compared == count
    clips = recordings.held_out(lab, lab.folder / "data")
    alone = on_host(host_of(lab), clips, lab, model=(name, ""))
    assert alone.found.as_json() == result.found.as_json()
    if isinstance(result.found, Classes):
        assert result.found.accuracy.value == 1.0
        assert result.found.correct == count


def test_anomalies_by_speed(made: Callable[[str], Lab]) -> None:
    found = evaluated(made("hum"), FakeEar(made("hum"))).found
    assert isinstance(found, Anomalies)
    assert found.figures["auc"].value == 1.0
    assert [(group.name, group.normal, group.anomalous) for group in found.groups] == [
        ("fast", 5, 5),
        ("slow", 5, 5),
    ]


@pytest.mark.parametrize("name", list(WRITE))
def test_one_wrong_value_in_one_window_is_found(made: Callable[[str], Lab], name: str) -> None:
    lab = made(name)
    result = evaluated(lab, FakeEar(lab, spoil=3))
    assert result.agreement is not None
    agreement = result.agreement
    assert list(agreement.differing.values()) == [1, 0, 0]
    (one,) = agreement.first
    assert one.clip == recordings.held_out(lab, lab.folder / "data")[2].name
    assert one.first[0] == 5


def test_a_short_movement_begins_with_zeros(made: Callable[[str], Lab], tmp_path: Path) -> None:
    lab = made("swings")
    short = recordings.HeldOut("short", 1, lambda: sensing_labs.swing("sideways", 1, 20))
    result = on_board(FakeEar(lab), host_of(lab), [short], lab, on="virtual")
    assert result.agreement is not None
    assert not result.agreement.differs


def test_a_board_with_another_window_is_refused(made: Callable[[str], Lab]) -> None:
    lab = made("swings")
    settings = lab.features
    assert settings is not None
    other = dataclasses.replace(lab, features=dataclasses.replace(settings, average=1, samples=25))
    ear = FakeEar(lab)
    ear.window = lambda: b"123"  # type: ignore[method-assign]
    clips = recordings.held_out(lab, lab.folder / "data")[:1]
    with pytest.raises(WrongBoard, match="window has 3 values, the host's 150"):
        on_board(ear, host_of(lab), clips, lab, on="virtual")
    assert host_of(other).cut(clips[0].samples()).shape == (25, 6)


def test_a_lab_without_a_sensor_has_no_chain() -> None:
    lab = labs.load("hello")
    data = lab.model.read_bytes()
    with pytest.raises(BadInput, match="hello has no sensor"):
        hosts.of(lab, model.read(data), oracle.open_reference(data))
