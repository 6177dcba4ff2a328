"""The words of --camera, and what is seen then."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("PIL", reason="the virtual extra is not installed")

from PIL import Image

from edge_deploy import devices, pictures
from edge_deploy.devices.virtual.camera import Slides, parse
from edge_deploy.devices.virtual.scene import Scene
from edge_deploy.errors import BadInput, Exit, UsageError


def plain(level: int, width: int = 12, height: int = 8) -> np.ndarray:
    return np.full((height, width), level, np.uint8)


def seen(given, numbers, *, period_ms: int = 500) -> list[int]:
    """The level of frames of pictures that have one level each."""
    slides = Slides(given.files, given.stay_ms, width=12, height=8, period_ms=period_ms)
    frames = [slides.samples(number, 1)[0] for number in numbers]
    assert all(frame.shape == (8, 12) and len(np.unique(frame)) == 1 for frame in frames)
    return [int(frame[0, 0]) for frame in frames]


@pytest.fixture
def folder(tmp_path):
    for name, level in {
        "b.png": 20,
        "a.PNG": 10,
        ".c.png": 1,
        "deep/d.png": 2,
        "e.pgm": 30,
    }.items():
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(plain(level)).save(path)
    (tmp_path / "pictures" / "notes.txt").write_text("no picture")
    return tmp_path / "pictures"


def test_a_picture_stays(folder):
    given = parse(str(folder / "b.png"))
    assert seen(given, [0, 1, 3, 4, 10**6]) == [20] * 5
    assert given.frames(500) == 4  # and is played after 2 s


def test_a_folder_in_the_order_of_names_two_seconds_each(folder):
    given = parse(str(folder))
    assert "3 pictures" in given.description
    assert seen(given, range(14)) == [10] * 4 + [20] * 4 + [30] * 6
    assert given.frames(500) == 12
    # A frame shows what was there when its period began: at 0, 1.5, 3 and 4.5 s.
    assert seen(given, range(5), period_ms=1500) == [10, 10, 20, 30, 30]
    assert given.frames(1500) == 4


@pytest.mark.parametrize(("stay", "frames"), [(":1s", 6), (":0.5s", 3), (":5s", 30), (":0.75s", 4)])
def test_how_long_each_picture_is_there_can_be_said(folder, stay, frames):
    given = parse(f"{folder}{stay}")
    assert given.frames(500) == frames
    assert len(given.files) == 3


@pytest.mark.parametrize("stay", [":0s", ":0.05s", ":3601s"])
def test_times_that_no_picture_can_be_there_for(folder, stay):
    with pytest.raises(UsageError, match=r"it can be 0\.1 to 3600 s") as caught:
        parse(f"{folder}{stay}")
    assert caught.value.try_next


def test_grey():
    given = parse("grey")
    assert given.frames(500) is None
    assert seen(given, [0, 12_345]) == [128, 128]
    slides = Slides((), 2000, width=20, height=10, period_ms=10)
    assert slides.samples(3, 2).shape == (2, 10, 20)
    assert slides.samples(3, 0).shape == (0, 10, 20)
    assert slides.arrived(9_999_999) == 0
    assert slides.arrived(10_000_000) == 1


def test_frames_are_what_pictures_read_gives(tmp_path):
    picture = np.random.default_rng(3).integers(0, 256, (50, 40)).astype(np.uint8)
    path = tmp_path / "x.png"
    pictures.write(path, picture)
    slides = Slides((path,), 2000, width=64, height=48, period_ms=10)
    assert slides.samples(7, 1)[0].tolist() == pictures.read(path, 64, 48).tolist()


def test_files_that_are_no_pictures(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    whole = (folder / "b.png").read_bytes()
    (tmp_path / "text.png").write_text("a picture, honestly")
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) - 20])
    lines = {
        "no.png": "is not there",
        "empty": "is a folder without pictures",
        "text.png": "no picture that can be read",
        "cut.png": "is a damaged picture",
        "cut.png:1s": "is a damaged picture",
    }
    for words, complaint in lines.items():
        with pytest.raises(BadInput) as caught:
            parse(str(tmp_path / words))
        assert complaint in caught.value.message
        assert words.removesuffix(":1s") in caught.value.message
        assert "\n" not in caught.value.message
        assert caught.value.exit_code == Exit.BAD_INPUT
        assert any("--camera picture.png" in each for each in caught.value.try_next)
    with pytest.raises(UsageError, match="nothing that can be seen"):
        parse("")


@pytest.mark.parametrize("on", ["auto", "local", "port:/dev/ttyACM0"])
def test_a_camera_needs_an_emulated_board(nano33, xiao, on):
    for board, where in ((nano33, on), (xiao, "virtual")):
        with pytest.raises(UsageError, match="--camera is for emulated boards"):
            devices.resolve(where, board, scene=Scene(camera=parse("grey")))
