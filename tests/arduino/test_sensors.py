"""What a Nano 33 BLE hears and feels through the Arduino port: the windows of the host's features.

The fake core's microphone and FIFO fill by a clock, as a board's do; nothing may be lost, and which
samples make a window is known from their number alone.
"""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from tests.firmware import building, listener
from tests.firmware.board import Board, fields_of
from tests.firmware.listener import SCALES, scores_of
from tests.firmware.test_listening import STRIDE, error, some_sound, told, windows
from tests.firmware.test_sensing import some_samples, window


def program(kind, folder, *, flags=()):
    """The port with the model that fake_listener.c is, for a lab of that kind."""
    if not shutil.which("gcc") or not shutil.which("g++"):
        pytest.skip("no gcc and g++ on this machine")
    lab = listener.lab(kind)
    scale = SCALES.get(kind, listener.INPUT_SCALE)
    return building.arduino_program(
        folder / "firmware",
        sources=listener.sources("arduino"),
        flags=[*listener.flags(lab, scale), *flags],
        config=listener.write_config(lab, folder / "config"),
    )


@pytest.fixture(scope="module")
def hearing(tmp_path_factory):
    return program("mfcc", tmp_path_factory.mktemp("hearing"))


@pytest.fixture(scope="module")
def feeling(tmp_path_factory):
    return program("motion", tmp_path_factory.mktemp("feeling"))


def stream(board, results):
    """So many results of a stream, none of which was late."""
    assert board.tell(f"stream on {results}") == []
    found = [fields_of(board.line()) for _ in range(results)]
    assert fields_of(board.line())["state"] == "off"
    assert {(record["overruns"], record["lost"]) for record in found} == {("0", "0")}
    return found


def test_it_hears(hearing, tmp_path, monkeypatch):
    sound = some_sound(9, 20_000)
    (tmp_path / "sound").write_bytes(sound.astype("<i2").tobytes())
    monkeypatch.setenv("ED_FAKE_SOUND", str(tmp_path / "sound"))
    monkeypatch.setenv("ED_FAKE_SLOW", "8")  # a stride of 30 ms is 240 ms
    lab = listener.lab("mfcc")
    host = windows(lab, sound)
    with Board(hearing) as board:
        assert board.tell("hello")[0]["sensors"] == "microphone,imu"
        for results in (8, 5):  # each stream begins anew
            found = stream(board, results)
            wanted = [scores_of(host[(n + 1) * STRIDE], len(lab.labels)) for n in range(results)]
            assert [record["out"] for record in found] == [each.tobytes().hex() for each in wanted]


def test_it_feels(feeling, tmp_path, monkeypatch):
    lab = listener.lab("motion")
    six = np.hstack([some_samples(lab, 3, 400), some_samples(lab, 4, 400)]).astype("<i2")
    (tmp_path / "motion").write_bytes(six.tobytes())
    monkeypatch.setenv("ED_FAKE_MOTION", str(tmp_path / "motion"))
    monkeypatch.setenv("ED_FAKE_SLOW", "3")  # a stride of 168 ms is 504 ms
    with Board(feeling) as board:
        found = stream(board, 6)
    ends = [(n + 1) * lab.source.stride_samples for n in range(6)]
    wanted = [scores_of(window(lab, six[:end, :3], "motion"), len(lab.labels)) for end in ends]
    assert [record["out"] for record in found] == [each.tobytes().hex() for each in wanted]


@pytest.mark.parametrize(
    ("chips", "variant", "sensors"),
    [
        ("", "sense", "microphone,imu"),
        ("39 5c 5f", "ble", "imu"),
        # Arduino's library for the BMI270 is not here: the sensor is there and cannot be read.
        ("6b 5f +44 +68", "sense_rev2", "microphone"),
        ("6b 39 5c 5f +68", "ble_rev2", "none"),
        ("5c", "sense", "microphone,imu"),
        ("6b", "sense", "microphone"),
        ("6b 5f +44", "sense_rev2", "microphone"),
        ("6b 5f", "local", "microphone"),
        ("39 5c 5f 6b", "local", "none"),
        ("+68", "local", "microphone,imu"),
    ],
    ids=[
        "a Sense",
        "a plain Nano 33 BLE",
        "a Sense Rev2",
        "a plain one, Rev2",
        "a dead barometer is still a Sense's",
        "a dead IMU is still a Sense's",
        "and so of a Rev2",
        "a Sense that does not say which: as the build says",
        "nothing answers: as the build says",
        "both IMUs: no board has that",
    ],
)
def test_what_is_on_the_board_is_told_and_no_more(hearing, monkeypatch, chips, variant, sensors):
    monkeypatch.setenv("ED_FAKE_CHIPS", chips)
    with Board(hearing) as board:
        hello = board.tell("hello")[0]
        assert (hello["variant"], hello["sensors"]) == (variant, sensors)
        if "microphone" not in sensors:
            assert told(board, "stream on") == [error("no-source", missing="microphone")]
