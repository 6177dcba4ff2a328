"""--on local: a program on this computer as a board."""

from __future__ import annotations

import dataclasses
import sys
import time

import pytest

from edge_deploy.devices.local import LocalDevice
from edge_deploy.errors import Exit, FlashFailed, LinkLost, NoBoard
from tests.devices import built

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its programs are shell scripts")

ECHO = f"""#!{sys.executable}
import os
while data := os.read(0, 65536):
    os.write(1, data)
"""
ENDS = f"""#!{sys.executable}
import os, sys
os.write(1, b"last words")
print("no more input", file=sys.stderr)
sys.exit(3)
"""
SILENT = f"""#!{sys.executable}
import time
time.sleep(60)
"""


def program(folder, text: str):
    return built.artifact(folder, text.encode(), port="host")


@pytest.fixture
def device(nano33, home):
    made = LocalDevice(nano33, home=home)
    yield made
    made.close()


def test_flash_open_talk(device, tmp_path):
    artifact = program(tmp_path / "echo", ECHO)
    device.flash(artifact)
    assert device.manifest() == artifact.manifest
    with device.open() as link:
        sent = bytes(range(256)) * 100
        link.write(sent)
        got = b""
        while len(got) < len(sent):
            got += link.read(5)
        assert got == sent
        assert link.read(0.05) == b""


def test_flash_keeps_a_copy(device, tmp_path):
    artifact = program(tmp_path / "echo", ECHO)
    device.flash(artifact)
    artifact.image.unlink()
    with device.open() as link:
        link.write(b"x")
        assert link.read(5) == b"x"


def test_flashing_again_replaces(device, tmp_path):
    device.flash(program(tmp_path / "a", SILENT))
    link = device.open()  # still runs
    device.flash(program(tmp_path / "b", ECHO))
    with device.open() as other:
        other.write(b"x")
        assert other.read(5) == b"x"
    link.close()
    kept = list(device._folder.parent.iterdir())
    assert kept == [device._folder]


def test_last_words_come_before_the_end(device, tmp_path):
    device.flash(program(tmp_path / "ends", ENDS))
    link = device.open()
    assert link.read(5) == b"last words"
    with pytest.raises(LinkLost) as caught:  # noqa: PT012 (the pipe ends before the program does)
        link.read(5)
        link.read(5)
    assert caught.value.exit_code == Exit.LINK_LOST
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with pytest.raises(LinkLost) as caught:
            link.read(1)
        if "code 3: no more input" in caught.value.message:
            break
        time.sleep(0.05)
    assert "code 3: no more input" in caught.value.message
    with pytest.raises(LinkLost):  # noqa: PT012
        for _ in range(100):
            link.write(bytes(10_000))


def test_close_ends_a_program_that_does_not_listen(device, tmp_path):
    device.flash(program(tmp_path / "silent", SILENT))
    link = device.open()
    assert link.read(0.05) == b""
    began = time.monotonic()
    link.close()
    device.close()
    assert time.monotonic() - began < 5


def test_nothing_flashed(device):
    assert device.manifest() is None
    with pytest.raises(NoBoard, match="Nothing has been flashed"):
        device.open()


def test_an_artifact_for_something_else_is_refused(device, tmp_path):
    artifact = program(tmp_path / "echo", ECHO)
    for change in ({"port": "virtual_m4"}, {"board": "pi"}):
        other = dataclasses.replace(
            artifact, manifest=dataclasses.replace(artifact.manifest, **change)
        )
        with pytest.raises(FlashFailed):
            device.flash(other)
