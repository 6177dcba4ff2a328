"""Flash that lasts, and one program at a time."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from edge_deploy.devices.virtual.flash import BoardLock, FlashFile
from edge_deploy.errors import BadInput, BoardBusy, FlashFailed

SIZE = 4096


def test_a_flash_that_was_never_written_is_erased(tmp_path):
    contents = FlashFile(tmp_path / "board", SIZE).read()
    assert contents.data == b"\xff" * SIZE
    assert contents.blank
    assert contents.manifest is None


def test_what_is_written_lasts(tmp_path):
    FlashFile(tmp_path / "board", SIZE).write(b"image", 0x100, {"model_name": "kws"})
    contents = FlashFile(tmp_path / "board", SIZE).read()
    assert contents.data == b"\xff" * 0x100 + b"image" + b"\xff" * (SIZE - 0x105)
    assert contents.manifest == {"model_name": "kws"}
    assert not contents.blank


def test_a_shorter_image_leaves_nothing_of_the_longer_one(tmp_path):
    flash = FlashFile(tmp_path, SIZE)
    flash.write(b"x" * 1000, 0, {"model_name": "long"})
    flash.write(b"y" * 10, 0)
    contents = flash.read()
    assert b"x" not in contents.data
    assert contents.manifest is None


def test_leaves_no_other_files(tmp_path):
    flash = FlashFile(tmp_path, SIZE)
    for _ in range(3):
        flash.write(b"x", 0, {"a": 1})
    assert sorted(each.name for each in tmp_path.iterdir()) == ["flash.bin", "manifest.json"]


@pytest.mark.parametrize(("size", "address"), [(SIZE + 1, 0), (2, SIZE - 1), (1, -1), (1, SIZE)])
def test_what_does_not_fit_is_refused_and_changes_nothing(tmp_path, size, address):
    flash = FlashFile(tmp_path, SIZE)
    flash.write(b"before", 0)
    with pytest.raises(FlashFailed, match="fit"):
        flash.write(bytes(size), address)
    assert flash.read().data.startswith(b"before")


def test_a_manifest_of_another_flash_is_not_believed(tmp_path):
    flash = FlashFile(tmp_path, SIZE)
    flash.write(b"one", 0, {"model_name": "one"})
    (tmp_path / "flash.bin").write_bytes(b"\0" * SIZE)
    assert flash.read().manifest is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"flash_sha256": 3}'])
def test_a_damaged_manifest_is_none(tmp_path, text):
    flash = FlashFile(tmp_path, SIZE)
    flash.write(b"one", 0, {"model_name": "one"})
    flash.manifest_path.write_text(text)
    assert flash.read().manifest is None


def test_a_flash_of_another_size_is_named(tmp_path):
    (tmp_path / "flash.bin").write_bytes(bytes(10))
    with pytest.raises(BadInput, match="10 bytes"):
        FlashFile(tmp_path, SIZE).read()


def test_a_disk_that_refuses_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FlashFailed, match="cannot be written"):
        FlashFile(tmp_path / "file" / "board", SIZE).write(b"x", 0)


HOLD = """
import sys
from pathlib import Path
from edge_deploy.devices.virtual.flash import BoardLock
lock = BoardLock(Path(sys.argv[1]), "the board")
lock.acquire()
lock.announce("socket://127.0.0.1:1234")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_told_who_holds_the_board(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout.readline().strip() == b"held"
        lock = BoardLock(tmp_path, "the board")
        with pytest.raises(BoardBusy) as caught:
            lock.acquire()
        assert f"process {holder.pid}" in caught.value.message
        assert any("socket://127.0.0.1:1234" in each for each in caught.value.try_next)
        holder.kill()
        holder.wait()
        # Gone with its process, however that ended.
        lock.acquire()
        lock.release()


def test_a_lock_can_be_taken_again_after_release(tmp_path):
    first, second = BoardLock(tmp_path, "the board"), BoardLock(tmp_path, "the board")
    first.acquire()
    with pytest.raises(BoardBusy):
        second.acquire()
    first.release()
    second.acquire()
    assert "pid" in json.loads((tmp_path / "holder.json").read_text())
    second.release()
    assert not (tmp_path / "holder.json").exists()
