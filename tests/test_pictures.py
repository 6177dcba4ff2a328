"""Pictures as frames of a grey camera: fitted whole, and refused in one line."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_deploy import pictures
from edge_deploy.errors import BadInput

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")


def grey(width, height):
    rows, columns = np.mgrid[:height, :width]
    return (rows * 7 + columns * 3).astype(np.uint8)


def test_a_picture_of_the_frames_size_is_the_frame(tmp_path):
    pictures.write(tmp_path / "a.png", grey(40, 30))
    assert np.array_equal(pictures.read(tmp_path / "a.png", 40, 30), grey(40, 30))


def test_a_square_stands_in_the_middle_and_its_edges_go_on(tmp_path):
    picture = grey(30, 30)
    pictures.write(tmp_path / "a.png", picture)
    frame = pictures.read(tmp_path / "a.png", 40, 30)
    assert frame.shape == (30, 40)
    assert np.array_equal(frame[:, 5:35], picture)
    assert (frame[:, :5] == picture[:, :1]).all()
    assert (frame[:, 35:] == picture[:, -1:]).all()


def test_a_larger_picture_is_averaged(tmp_path):
    picture = np.repeat(np.repeat(np.array([[10, 20], [30, 40]], np.uint8), 8, 0), 8, 1)
    assert pictures.fitted(picture, 2, 2).tolist() == [[10, 20], [30, 40]]


def test_colour_becomes_luma_and_exif_turns(tmp_path):
    colour = Image.new("RGB", (4, 2), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    colour.save(tmp_path / "a.png", exif=exif)
    frame = pictures.read(tmp_path / "a.png", 2, 4)
    assert frame.tolist() == [[76, 76]] * 4  # 0.299 of 255


@pytest.mark.parametrize(
    ("data", "complaint"),
    [(b"", "no picture that can be read"), (b"hello", "no picture"), (None, "is not there")],
)
def test_what_is_no_picture(tmp_path, data, complaint):
    path = tmp_path / "a.png"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(BadInput, match=complaint):
        pictures.read(path, 8, 8)


@given(st.integers(0, 400), st.sampled_from(["PNG", "JPEG"]))
def test_a_truncated_picture_is_told_in_one_line(tmp_path_factory, kept, form):
    whole = io.BytesIO()
    Image.fromarray(grey(64, 48)).save(whole, form)
    path = tmp_path_factory.mktemp("pictures") / "a.img"
    path.write_bytes(whole.getvalue()[: min(kept, len(whole.getvalue()) // 2)])
    with pytest.raises(BadInput) as caught:
        pictures.read(path, 8, 8)
    assert "\n" not in caught.value.message


def test_without_pillow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(pictures.PillowMissing, match="Pillow"):
        pictures.read(tmp_path / "a.png", 8, 8)


def test_names_of_pictures(tmp_path):
    assert pictures.is_picture(tmp_path / "a.JPG")
    assert not pictures.is_picture(tmp_path / "a.csv")
    assert not pictures.is_picture(tmp_path / ".a.png")
