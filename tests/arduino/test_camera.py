"""The camera of a Nano 33 BLE's TinyML shield: found or not; its frames read, or lost."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest

from edge_deploy.labs import Lab
from tests.firmware import building, listener
from tests.firmware.board import Board, fields_of
from tests.firmware.listener import SCALES, scores_of
from tests.firmware.test_listening import error, told
from tests.firmware.test_sensing import window

WIDTH, HEIGHT = 320, 240


def lab_of(period_ms: int, width: int = 160, height: int = 120) -> Lab:
    lab = listener.lab("image")
    source = dataclasses.replace(lab.source, width=width, height=height, period_ms=period_ms)
    features = dataclasses.replace(lab.features, source_width=width, source_height=height)
    return dataclasses.replace(lab, source=source, features=features)


def program(lab: Lab, folder):
    if not shutil.which("gcc") or not shutil.which("g++"):
        pytest.skip("no gcc and g++ on this machine")
    return building.arduino_program(
        folder / "firmware",
        sources=listener.sources("arduino"),
        flags=listener.flags(lab, SCALES["image"]),
        config=listener.write_config(lab, folder / "config"),
    )


# Slow enough for a busy computer to read a frame in half of it.
UNHURRIED = lab_of(400)
HURRIED = lab_of(1, WIDTH, HEIGHT)


@pytest.fixture(scope="module")
def unhurried(tmp_path_factory):
    return program(UNHURRIED, tmp_path_factory.mktemp("unhurried"))


@pytest.fixture(scope="module")
def frames():
    """(12, 240, 320) uint8, each frame another grey all over, its pixels as well."""
    rng = np.random.default_rng(1)
    grey = np.linspace(40, 200, 12)[:, None, None]
    return np.clip(rng.normal(grey, 30, (12, HEIGHT, WIDTH)), 0, 255).astype(np.uint8)


@pytest.fixture
def shield(frames, tmp_path, monkeypatch):
    (tmp_path / "frames").write_bytes(frames.tobytes())
    monkeypatch.setenv("ED_FAKE_CAMERA", str(tmp_path / "frames"))
    monkeypatch.setenv("ED_FAKE_SHIELD_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


def outputs(lab, frames):
    """What the model makes of each of these frames of the camera, in hexadecimal."""
    seen = frames
    if lab.source.width != WIDTH:
        seen = (frames.reshape(-1, 120, 2, 160, 2).sum((2, 4), dtype=np.uint16) + 2) // 4
    seen = seen.astype(np.uint8)
    windows = [window(lab, frame[np.newaxis], "image") for frame in seen]
    return [scores_of(each, len(lab.labels)).tobytes().hex() for each in windows]


def results(board, count):
    assert board.tell(f"stream on {count}") == []
    found = [fields_of(board.line()) for _ in range(count)]
    assert fields_of(board.line())["state"] == "off"
    return found


def test_it_sees_every_frame(unhurried, shield, frames):
    wanted = outputs(UNHURRIED, frames)
    with Board(unhurried) as board:
        assert board.tell("hello")[0]["sensors"] == "microphone,imu,camera"
        for count in (3, 2):  # each stream begins anew, with a frame that shows the camera's pace
            found = results(board, count)
            assert [record["out"] for record in found] == wanted[1 : 1 + count]
            assert {(record["overruns"], record["lost"]) for record in found} == {("0", "0")}


def test_a_size_that_it_has_not_is_refused(tmp_path, shield):
    with Board(program(lab_of(400, 176, 144), tmp_path)) as board:
        assert told(board, "stream on") == [error("no-source", missing="settings")]


def test_whole_frames_whose_time_passes_are_lost(tmp_path, shield, frames):
    with Board(program(HURRIED, tmp_path)) as board:
        found = results(board, 4)
    assert [record["out"] for record in found] == outputs(HURRIED, frames)[1:5]
    lost = [int(record["lost"]) for record in found]
    assert lost == [int(record["overruns"]) for record in found]
    assert lost == sorted(set(lost))  # more each time


def test_a_frame_with_a_missed_row_is_not_shown(unhurried, shield, frames, monkeypatch):
    monkeypatch.setenv("ED_FAKE_CAMERA_TORN", "2")
    with Board(unhurried) as board:
        found = results(board, 2)
    assert [record["out"] for record in found] == [outputs(UNHURRIED, frames)[i] for i in (1, 3)]


def test_a_core_that_cannot_follow_asks_for_a_slower_pace(unhurried, shield, frames, monkeypatch):
    monkeypatch.setenv("ED_FAKE_CAMERA_SLOWEST", "31")
    with Board(unhurried) as board:
        (found,) = results(board, 1)
    # Three frames at the highest pace were not whole, and one at the next was.
    assert found["out"] == outputs(UNHURRIED, frames)[4]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ED_FAKE_CAMERA_SLOWEST", "64"),
        ("ED_FAKE_CAMERA_ENDS", "0"),
        ("ED_FAKE_CAMERA_ROWS", "480"),
    ],
    ids=["at no pace", "none at all", "another size"],
)
def test_a_camera_that_gives_no_frame_is_refused(unhurried, shield, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with Board(unhurried) as board:
        assert told(board, "stream on") == [error("no-source", missing="settings")]
        assert board.tell("hello")[0]["sensors"] == "microphone,imu,camera"


def test_a_camera_that_is_unplugged_is_lost_frames_and_no_dead_board(
    unhurried, shield, monkeypatch
):
    monkeypatch.setenv("ED_FAKE_CAMERA_ENDS", "3")
    with Board(unhurried) as board:
        assert board.tell("stream on") == []
        first, second = (fields_of(board.line()) for _ in range(2))
        assert (first["lost"], second["lost"]) == ("0", "0")
        # It says so between one frame that it waits for in vain and the next.
        assert board.tell("hello")[0]["kind"] == "hello"
        assert [each["state"] for each in board.tell("stream off")] == ["off"]


@pytest.mark.parametrize(
    ("others", "asked"),
    [
        ({}, ["asked", *["asked with a clock"] * 5]),
        ({"ED_FAKE_D9": "1"}, []),
        ({"ED_FAKE_EXPANDER": "1"}, ["asked", "asked with a clock"]),
    ],
    ids=["nothing", "a D9 that is in use", "another chip at the address"],
)
def test_a_board_without_the_shield_says_so_and_writes_nothing(
    unhurried, tmp_path, monkeypatch, others, asked
):
    monkeypatch.setenv("ED_FAKE_SHIELD_LOG", str(tmp_path / "log"))
    for name, value in others.items():
        monkeypatch.setenv(name, value)
    with Board(unhurried) as board:
        assert board.tell("hello")[0]["sensors"] == "microphone,imu"
        assert told(board, "stream on") == [error("no-source", missing="camera")]
    log = tmp_path / "log"
    assert (log.read_text().splitlines() if log.exists() else []) == asked
