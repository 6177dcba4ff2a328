"""Results on disk: whole or not there, and what is wrong with one is told."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from edge_deploy.errors import Exit
from edge_deploy.teaching.explore.store import CannotKeep, InUse, Store
from tests.teaching.explore.made import failed, point


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


def test_a_point_comes_back_as_it_was_kept(store):
    for one in (point(), failed()):
        with store.held():
            store.keep(one)
        found, wrong = store.load(one.key)
        assert wrong == ""
        assert found.as_json() == one.as_json()
    assert store.model_of("a").read_bytes() == b"model of a"
    assert not store.model_of("b").exists()
    assert json.loads((store.folder / "a.json").read_text())["schema_version"] == 1
    assert store.load("nothing") == (None, "")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[1, 2]",
        lambda text: text.replace('"value": 0.9', '"value": "0.9"'),
        lambda text: text.replace('"costs"', '"prices"'),
        lambda text: text.replace('"key": "a"', '"key": "b"'),
        lambda text: text.replace('"schema_version": 1', '"schema_version": 99'),
        lambda text: "\0" * len(text),
    ],
)
def test_a_damaged_result_is_none_and_is_told(store, damage):
    with store.held():
        store.keep(point())
    path = store.folder / "a.json"
    text = path.read_text()
    assert damage(text) != text
    path.write_text(damage(text))
    found, wrong = store.load("a")
    assert found is None
    assert wrong.startswith(f"{path} is ")


def test_a_full_disk_is_told_and_leaves_no_half_of_a_result(store, monkeypatch):
    write = Path.write_bytes

    def full(path, content):
        write(path, content[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with store.held():
        store.keep(point())
        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(CannotKeep, match=r"results: the result cannot be kept: No space left"):
            store.keep(point("c"))
    assert sorted(path.name for path in store.folder.iterdir()) == [".lock", "a.json", "a.tflite"]
    assert store.load("a")[0] is not None


def test_two_searches_do_not_write_into_one_folder(store):
    with (
        store.held(),
        pytest.raises(InUse, match="another search is writing") as caught,
        Store(store.folder).held(),
    ):
        pass
    assert caught.value.exit_code is Exit.FAILED
    with store.held():
        pass
