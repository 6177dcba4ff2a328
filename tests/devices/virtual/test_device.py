"""--on virtual: the verbs of a Device."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

pytest.importorskip("unicorn", reason="the virtual extra is not installed")

from edge_deploy import artifact as artifacts
from edge_deploy.devices.virtual.device import VirtualDevice
from edge_deploy.errors import BoardBusy, FlashFailed, LinkLost, WrongBoard
from tests.devices import built
from tests.devices.virtual import thumb
from tests.devices.virtual.test_machine import SEND_8


@pytest.fixture
def echo(tmp_path):
    return built.artifact(tmp_path / "echo", thumb.application(thumb.ECHO))


@pytest.fixture
def device(nano33, home):
    made = VirtualDevice(nano33, home=home)
    yield made
    made.close()


def received(link, size: int) -> bytes:
    got = b""
    while len(got) < size:
        more = link.read(5)
        assert more, f"only {got!r} came"
        got += more
    return got


def test_flash_open_talk(device, echo):
    device.flash(echo)
    assert device.manifest() == echo.manifest
    for _ in range(2):
        with device.open() as link:
            assert link.read(0.05) == b""
            link.write(b"hello")
            assert received(link, 5) == b"hello"
    assert "nano33" in link.description


def test_open_sees_what_is_said_at_boot(device, tmp_path):
    device.flash(built.artifact(tmp_path / "eager", thumb.application(SEND_8)))
    with device.open() as link:
        assert len(received(link, 8)) == 8


def test_nothing_flashed(device):
    assert device.manifest() is None
    with pytest.raises(WrongBoard, match="Nothing has been flashed"):
        device.open()


def test_what_was_flashed_last_is_known_to_the_next_program(device, echo, nano33, home):
    device.flash(echo)
    device.close()
    with VirtualDevice(nano33, home=home) as other:
        assert other.manifest() == echo.manifest
        with other.open() as link:
            link.write(b"x")
            assert received(link, 1) == b"x"


def test_an_image_without_a_manifest(device, nano33, home):
    with VirtualDevice(nano33, home=home) as other:
        other.virtual.flash_image(thumb.application(thumb.ECHO))
    assert device.manifest() is None


@pytest.mark.parametrize("change", [{"board": "xiao_esp32s3"}, {"port": "host"}])
def test_an_artifact_for_something_else_is_refused(device, echo, change):
    other = dataclasses.replace(echo, manifest=dataclasses.replace(echo.manifest, **change))
    with pytest.raises(WrongBoard):
        device.flash(other)
    assert device.manifest() is None


def test_an_image_that_does_not_fit_is_refused(device, tmp_path):
    big = built.artifact(tmp_path / "big", bytes(1 << 20))
    with pytest.raises(FlashFailed, match="do not fit"):
        device.flash(big)


def test_an_image_that_is_gone_is_named(device, echo):
    echo.image.unlink()
    with pytest.raises(FlashFailed, match="cannot be read"):
        device.flash(echo)


def test_a_link_says_why_the_board_died(device, tmp_path):
    device.flash(built.artifact(tmp_path / "bad", thumb.application("nop\n udf #1")))
    link = device.open()
    with pytest.raises(LinkLost, match=r"stopped: an undefined instruction.*pc 0x0001"):  # noqa: PT012
        for _ in range(10):
            link.read(1)
    with pytest.raises(LinkLost, match="stopped"):  # noqa: PT012
        for _ in range(10):
            link.write(bytes(10_000))
    link.close()


def test_a_dead_board_is_powered_anew_by_open(device, tmp_path):
    device.flash(
        built.artifact(tmp_path / "once", thumb.application(SEND_8.replace("b .", "udf #1")))
    )
    for _ in range(2):
        with device.open() as link:
            assert len(received(link, 8)) == 8


def test_two_devices_of_one_board(device, echo, nano33, home):
    device.flash(echo)
    device.open()
    with VirtualDevice(nano33, home=home) as other, pytest.raises(BoardBusy):
        other.open()


def test_unplug(nano33, home, echo):
    with VirtualDevice(nano33, home=home, faults=["unplug@0.3s"]) as device:
        device.flash(echo)
        link = device.open()
        with pytest.raises(LinkLost, match="unplug"):  # noqa: PT012
            for _ in range(50):
                link.read(0.2)


def test_the_flash_of_a_device_is_the_boards(device, echo):
    device.flash(echo)
    data = device.virtual.flash.read().data
    image = echo.image.read_bytes()
    assert data[0x10000 : 0x10000 + len(image)] == image
    assert hashlib.sha256(image).hexdigest() == echo.manifest.image_sha256
    assert artifacts.read(echo.folder) == echo
