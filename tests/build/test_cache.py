"""The cache of artifacts: found again, made again when damaged, never half there."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from edge_deploy import artifact
from edge_deploy.artifact import Artifact, Manifest
from edge_deploy.build import cache
from edge_deploy.errors import BuildFailed

KEY = "c0ffee" * 6
OTHER = "c0ffef" * 6


def make(folder: Path, content: bytes = b"image") -> Artifact:
    (folder / "firmware.bin").write_bytes(content)
    (folder / "firmware.elf").write_bytes(b"\x7fELF")
    manifest = Manifest(
        model_name="m",
        model_sha256="ab" * 32,
        board="nano33",
        port="virtual_m4",
        engine="e",
        target="portable",
        toolchain="t 1",
        flash_bytes=len(content),
        ram_bytes=1,
        code_bytes=1,
        model_code_bytes=1,
        weights_bytes=1,
        arena_bytes=1,
        stack_reserved_bytes=1,
        image_sha256=hashlib.sha256(content).hexdigest(),
        load_address=0,
        tool_version="0",
        image="firmware.bin",
        elf="firmware.elf",
    )
    return artifact.write(folder, manifest)


def refuse(_: Path) -> Artifact:
    raise AssertionError("it was to be taken from the cache")


def entry(home: Path, key: str = KEY) -> Path:
    return home / "cache" / "artifacts" / key


def test_made_once(home):
    first = cache.fetch(KEY, make)
    assert first.folder == entry(home)
    assert cache.fetch(KEY, refuse) == first


def test_force_makes_it_again(home):
    cache.fetch(KEY, make)
    assert cache.fetch(KEY, lambda f: make(f, b"new"), force=True).image.read_bytes() == b"new"


def test_keys_are_apart(home):
    cache.fetch(KEY, make)
    assert cache.fetch(OTHER, lambda f: make(f, b"other")).image.read_bytes() == b"other"
    assert cache.fetch(KEY, refuse).image.read_bytes() == b"image"


def cut(folder: Path) -> None:
    (folder / "firmware.bin").write_bytes(b"imag")


def empty_manifest(folder: Path) -> None:
    (folder / artifact.MANIFEST_FILE).write_text("")


def no_image(folder: Path) -> None:
    (folder / "firmware.bin").unlink()


def no_elf(folder: Path) -> None:
    (folder / "firmware.elf").unlink()


@pytest.mark.parametrize("damage", [cut, empty_manifest, no_image, no_elf])
def test_a_damaged_entry_is_made_again(home, damage):
    cache.fetch(KEY, make)
    damage(entry(home))
    assert cache.fetch(KEY, lambda f: make(f, b"again")).image.read_bytes() == b"again"
    assert cache.fetch(KEY, refuse).image.read_bytes() == b"again"
    assert [p.name for p in entry(home).parent.iterdir() if p.is_dir()] == [KEY]


def test_a_file_in_an_entrys_place_is_replaced(home):
    entry(home).parent.mkdir(parents=True)
    entry(home).write_text("not a folder")
    assert cache.fetch(KEY, make).image.read_bytes() == b"image"


def test_a_failed_build_leaves_nothing(home):
    def fail(folder: Path) -> Artifact:
        (folder / "half").write_bytes(b"x")
        raise BuildFailed("no")

    with pytest.raises(BuildFailed, match="no"):
        cache.fetch(KEY, fail)
    assert [p for p in entry(home).parent.iterdir() if p.is_dir()] == []
    assert cache.fetch(KEY, make).image.is_file()


def test_a_full_disk_is_said_in_a_line(home):
    def full(_: Path) -> Artifact:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(BuildFailed, match="No space left on device") as raised:
        cache.fetch(KEY, full)
    assert raised.value.try_next[0].startswith("df -h")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs file permissions")
def test_a_read_only_cache_is_said_in_a_line(home):
    entry(home).parent.mkdir(parents=True)
    entry(home).parent.chmod(0o500)
    with pytest.raises(BuildFailed, match="Cannot write the build cache"):
        cache.fetch(KEY, make)


def test_a_cache_that_is_a_file_is_said_in_a_line(home):
    home.mkdir()
    (home / "cache").write_text("")
    with pytest.raises(BuildFailed, match="Cannot write the build cache"):
        cache.fetch(KEY, make)


class TestPrune:
    def test_old_entries_go(self, home):
        cache.fetch(KEY, make)
        age(entry(home), cache.KEEP_S + 60)
        cache.fetch(OTHER, make)
        assert not entry(home).exists()
        assert entry(home, OTHER).exists()

    def test_use_keeps_an_entry(self, home):
        cache.fetch(KEY, make)
        age(entry(home), cache.KEEP_S + 60)
        cache.fetch(KEY, refuse)
        cache.prune()
        assert entry(home).exists()

    def test_the_least_recently_used_go_first(self, home, monkeypatch):
        keys = [f"{number:x}" * 36 for number in range(6)]
        for number, key in enumerate(keys):
            cache.fetch(key, lambda f: make(f, bytes(10_000)))
            age(entry(home, key), 1000 - number)
        cache.fetch(keys[0], refuse)
        monkeypatch.setattr(cache, "KEEP_BYTES", 36_000)
        cache.prune()
        left = {p.name for p in entry(home).parent.iterdir() if p.is_dir()}
        assert left == {keys[0], keys[4], keys[5]}

    def test_what_was_just_built_stays_however_large(self, home, monkeypatch):
        monkeypatch.setattr(cache, "KEEP_BYTES", 100)
        made = cache.fetch(KEY, lambda f: make(f, bytes(10_000)))
        assert made.image.is_file()

    def test_leftovers_of_killed_builds_go(self, home):
        root = entry(home).parent
        for name in (".building-x", ".damaged-x", ".building-new"):
            (root / name).mkdir(parents=True)
        for name in (".building-x", ".damaged-x"):
            age(root / name, cache.LEFTOVER_S + 60)
        cache.fetch(KEY, make)
        assert {p.name for p in root.iterdir() if p.is_dir()} == {KEY, ".building-new"}


def age(folder: Path, seconds: float) -> None:
    then = time.time() - seconds
    for path in (*folder.iterdir(), folder):
        os.utime(path, (then, then))


# For other processes: at module level, so that they can be spawned.


def build_slowly(home: str, started: str) -> None:
    os.environ["EDGE_DEPLOY_HOME"] = home

    def slow(folder: Path) -> Artifact:
        (folder / "half").write_bytes(b"half an image")
        Path(started).touch()
        time.sleep(60)
        raise AssertionError("not killed")

    cache.fetch(KEY, slow)


def build_and_count(home: str, counter: str, answers: multiprocessing.Queue) -> None:
    os.environ["EDGE_DEPLOY_HOME"] = home

    def counted(folder: Path) -> Artifact:
        with Path(counter).open("a") as file:
            file.write("built\n")
        time.sleep(0.3)
        return make(folder)

    answers.put(cache.fetch(KEY, counted).image.read_bytes())


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_killed_build_does_no_harm(home, tmp_path):
    started = tmp_path / "started"
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=build_slowly, args=(str(home), str(started)))
    child.start()
    limit = time.monotonic() + 60
    while not started.exists():
        assert time.monotonic() < limit
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert not entry(home).exists()
    before = time.monotonic()
    assert cache.fetch(KEY, make).image.read_bytes() == b"image"
    assert time.monotonic() - before < 5  # its lock died with it


def test_two_processes_build_once(home, tmp_path):
    context = multiprocessing.get_context("spawn")
    answers, counter = context.Queue(), tmp_path / "counter"
    children = [
        context.Process(target=build_and_count, args=(str(home), str(counter), answers))
        for _ in range(3)
    ]
    for child in children:
        child.start()
    got = [answers.get(timeout=60) for _ in children]
    for child in children:
        child.join()
    assert got == [b"image"] * 3
    assert counter.read_text() == "built\n"
