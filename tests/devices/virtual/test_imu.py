"""The words of --imu, and what is felt then."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from edge_deploy import devices, motion
from edge_deploy.devices.virtual import imu
from edge_deploy.devices.virtual.imu import Motion, parse
from edge_deploy.devices.virtual.scene import Scene
from edge_deploy.errors import BadInput, Exit, UsageError

REST = [0, 0, 8192, 0, 0, 0]


def rows(first: int, count: int, axes: int = 6) -> np.ndarray:
    return np.arange(first, first + count * axes, dtype=np.int16).reshape(count, axes)


def felt(given, first: int, count: int, rate_hz: int = 10) -> list[list[int]]:
    return Motion(given.recordings, rate_hz).samples(first, count).tolist()


def test_a_file_and_then_rest(tmp_path):
    path = tmp_path / "wave.csv"
    motion.write(path, rows(100, 5))
    given = parse(str(path))
    assert given.axes == 6
    assert felt(given, 3, 4) == [*rows(100, 5)[3:].tolist(), REST, REST]
    assert felt(given, 10**9, 1) == [REST]
    # As many samples, and a second, whatever the rate.
    assert given.samples(10) == 15
    assert given.samples(119) == 124


def test_a_folder_in_the_order_of_names_with_a_second_of_rest(tmp_path):
    motion.write(tmp_path / "b.csv", rows(50, 2))
    motion.write(tmp_path / "a.CSV", rows(1, 3))
    (tmp_path / "deeper").mkdir()
    motion.write(tmp_path / "deeper" / "c.csv", rows(7, 1))
    (tmp_path / ".a.csv").write_bytes(b"left behind")
    (tmp_path / "notes.txt").write_text("no motion")
    given = parse(str(tmp_path))
    expected = [*rows(1, 3).tolist(), *[REST] * 10, *rows(50, 2).tolist(), *[REST] * 12]
    assert felt(given, 0, 27) == expected
    assert given.samples(10) == 25
    assert "2 recordings" in given.description


def test_how_long_it_rests_can_be_said(tmp_path):
    motion.write(tmp_path / "a.csv", rows(1, 3))
    motion.write(tmp_path / "b.csv", rows(50, 2))
    for words, gap in ((f"{tmp_path}:0s", 0), (f"{tmp_path}:0.2s", 2), (f"{tmp_path}/:25s", 250)):
        given = parse(words)
        assert given.samples(10) == 5 + 2 * gap
        motion_of = Motion(given.recordings, 10, gap_s=given.gap_s)
        expected = [*rows(1, 3).tolist(), *[REST] * gap, *rows(50, 2).tolist(), REST]
        assert motion_of.samples(0, len(expected)).tolist() == expected
    with pytest.raises(UsageError, match="it can be 0 to 3600 s") as caught:
        parse(f"{tmp_path}:3601s")
    assert caught.value.try_next == (f"--imu {tmp_path}:1s",)


@pytest.mark.skipif(sys.platform == "win32", reason="no file has a colon in its name there")
def test_a_name_that_looks_like_a_time_is_a_name(tmp_path):
    motion.write(tmp_path / "a:5s", rows(1, 3))
    assert parse(str(tmp_path / "a:5s")).samples(10) == 13
    assert parse(f"{tmp_path / 'a:5s'}:2s").samples(10) == 23


def test_three_columns_do_not_turn_and_are_known_as_such(tmp_path):
    motion.write(tmp_path / "a.csv", rows(1, 2, axes=3))
    motion.write(tmp_path / "b.csv", rows(20, 2))
    given = parse(str(tmp_path))
    assert given.axes == 3
    assert felt(given, 0, 2) == [[1, 2, 3, 0, 0, 0], [4, 5, 6, 0, 0, 0]]
    assert parse(str(tmp_path / "b.csv")).axes == 6


def test_rest():
    given = parse("rest")
    assert given.samples(100) is None
    assert felt(given, 12_345, 2) == [REST, REST]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("aX,aY,aZ\n0,up,1\n", "line 2: 'up' is not a number"),
        ("0,0\n", "line 1: expected 3 or 6 numbers"),
        ("", "holds no samples"),
        ("0,nan,1\n", "line 1: 'nan' is not a number"),
        ("0,0,4.5\n", "4.5 g as aZ; the sensor measures up to 4"),
        ("0,0,1,0,2100,0\n", "2100 degrees a second as gY"),
    ],
)
def test_files_that_are_no_motion(tmp_path, text, complaint):
    path = tmp_path / "x.csv"
    path.write_text(text)
    for words in (path, tmp_path):
        with pytest.raises(BadInput) as caught:
            parse(str(words))
        assert complaint in caught.value.message
        assert "x.csv" in caught.value.message
        assert caught.value.exit_code == Exit.BAD_INPUT
        assert any("--imu recording.csv" in each for each in caught.value.try_next)


def test_what_is_not_there(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.wav").write_bytes(b"RIFF")
    for words, complaint in {"no.csv": "is not there", "empty": "without CSV files"}.items():
        with pytest.raises(BadInput, match=complaint) as caught:
            parse(str(tmp_path / words))
        assert any("--imu recording.csv" in each for each in caught.value.try_next)
    with pytest.raises(BadInput, match="cannot be read"):
        parse("~nobody-of-that-name/x.csv")
    with pytest.raises(UsageError, match="nothing that can be felt"):
        parse("")


def test_rest_is_a_unit_of_gravity():
    assert imu.REST.tolist() == REST
    assert motion.units(6)[2] == REST[2]


@pytest.mark.parametrize("on", ["auto", "local", "port:/dev/ttyACM0"])
def test_an_imu_needs_an_emulated_board(nano33, xiao, on):
    for board, where in ((nano33, on), (xiao, "virtual")):
        with pytest.raises(UsageError, match="--imu is for emulated boards"):
            devices.resolve(where, board, scene=Scene(imu=parse("rest")))
