"""Archives are unpacked once and never outside their folder; a key stays in its part."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest

from edge_deploy.errors import BadInput
from edge_deploy.training import datasets


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def _archive(folder, members):
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / "words.tar.xz", "w:xz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return folder


def test_a_folder_is_taken_as_it_is(tmp_path, home):
    (tmp_path / "data" / "words").mkdir(parents=True)
    _archive(tmp_path / "data", {"words/other": b"1"})
    assert datasets.folder_of("words", tmp_path / "data") == tmp_path / "data" / "words"
    assert not home.exists()


def test_an_archive_is_unpacked_once_for_each_content(tmp_path, home):
    data = _archive(tmp_path / "data", {"words/yes/a.wav": b"sound", "words/b": b""})
    folder = datasets.folder_of("words", data)
    assert home in folder.parents
    assert (folder / "yes" / "a.wav").read_bytes() == b"sound"
    (folder / "mark").touch()
    assert (datasets.folder_of("words", data) / "mark").exists()
    _archive(data, {"words/yes/a.wav": b"newer"})
    assert (datasets.folder_of("words", data) / "yes" / "a.wav").read_bytes() == b"newer"
    assert not list((home / "cache" / "data").glob("part-*"))


@pytest.mark.parametrize("name", ["../out", "/out", "words/../../out", "C:/out", "a\\..\\out"])
def test_a_member_that_would_leave_the_folder_is_refused(tmp_path, home, name):
    data = _archive(tmp_path / "data", {"words/a": b"1", name: b"2"})
    with pytest.raises(BadInput, match="outside the folder"):
        datasets.folder_of("words", data)
    assert not list(tmp_path.rglob("out"))
    assert not [path for path in (home / "cache" / "data").iterdir() if path.is_dir()]


def test_what_is_no_archive_or_not_there_is_told(tmp_path):
    with pytest.raises(datasets.NoData, match=r"neither a folder words nor words\.tar\.xz"):
        datasets.folder_of("words", tmp_path)
    (tmp_path / "words.tar.xz").write_bytes(b"no archive")
    with pytest.raises(BadInput, match="cannot be unpacked"):
        datasets.folder_of("words", tmp_path)


def test_a_position_is_the_same_for_good_and_spread_evenly():
    # The first 8 bytes of sha256("0c540988") over 2^64. It must never change: a
    # speaker would move to another part, and a committed model would have been trained on him.
    assert datasets.position("0c540988") == pytest.approx(0.12107, abs=1e-5)
    places = np.array([datasets.position(f"{key:08x}") for key in range(4_000)])
    assert 0 <= places.min() < places.max() < 1
    shares = [np.mean([datasets.part_of(p) == part for p in places]) for part in datasets.PARTS]
    assert shares == pytest.approx([0.75, 0.10, 0.15], abs=0.02)


def test_the_borders_belong_to_the_later_part():
    ends = [datasets.part_of(place) for place in (0.0, 0.7499, 0.75, 0.8499, 0.8501, 1.0)]
    assert ends == ["train", "train", "validation", "validation", "test", "test"]
