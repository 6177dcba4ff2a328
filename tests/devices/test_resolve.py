"""--on: words to devices."""

from __future__ import annotations

import builtins
from types import SimpleNamespace

import pytest

from edge_deploy import devices
from edge_deploy.devices import LocalDevice, usb
from edge_deploy.errors import Exit, FlashFailed, NoBoard, UsageError
from tests.devices import built


def port(path: str, usb_id: str | None, serial_number: str | None = None):
    vendor, product = (int(each, 16) for each in usb_id.split(":")) if usb_id else (None, None)
    return SimpleNamespace(device=path, vid=vendor, pid=product, serial_number=serial_number)


@pytest.fixture
def plugged_in(monkeypatch):
    def plug(*ports):
        monkeypatch.setattr(usb.list_ports, "comports", lambda: list(ports))

    plug()
    return plug


NANO = "2341:805a"


def test_auto_without_a_board_leads_to_the_virtual_one(nano33, plugged_in):
    plugged_in(port("/dev/ttyS0", None), port("/dev/ttyUSB0", "0403:6001", "FT1"))
    with pytest.raises(NoBoard) as caught:
        devices.resolve("auto", nano33)
    assert caught.value.exit_code == Exit.NO_BOARD == 10
    assert "nano33" in caught.value.message
    assert any("--on virtual" in each for each in caught.value.try_next)


def test_auto_with_one_board(nano33, plugged_in):
    plugged_in(port("/dev/ttyACM0", NANO, "ABC"), port("/dev/ttyUSB0", "0403:6001", "FT1"))
    assert "/dev/ttyACM0" in devices.resolve("auto", nano33).name


def test_what_cannot_be_flashed_yet_says_what_can(nano33, xiao, plugged_in, tmp_path):
    plugged_in(port("/dev/ttyACM0", "2886:0056", "ABC"))
    image = built.artifact(tmp_path / "a", b"image")
    for board in (xiao, nano33):
        device = devices.resolve("port:socket://127.0.0.1:4000", board)
        with pytest.raises(FlashFailed, match="is no USB port of this computer") as caught:
            device.flash(image)
        assert any("build --board" in each for each in caught.value.try_next)


def test_auto_with_two_boards_lists_them(nano33, plugged_in):
    plugged_in(port("/dev/ttyACM1", NANO, "DEF"), port("/dev/ttyACM0", "2341:005a"))
    with pytest.raises(UsageError) as caught:
        devices.resolve("auto", nano33)
    assert "2 nano33" in caught.value.message
    assert any("--on usb:DEF" in each for each in caught.value.try_next)
    assert any("--on port:/dev/ttyACM0" in each for each in caught.value.try_next)


def test_an_address_is_a_serial_number_with_colons_or_without(xiao, plugged_in):
    plugged_in(port("/dev/ttyACM0", "303a:1001", "F4:12:FA:00:00:01"))
    for word in ("usb:F4:12:FA:00:00:01", "usb:f412fa000001"):
        assert "/dev/ttyACM0" in devices.resolve(word, xiao).name


def test_usb_by_serial_number(nano33, plugged_in):
    plugged_in(port("/dev/ttyACM0", NANO, "ABC"), port("/dev/ttyACM1", NANO, "DEF"))
    assert "/dev/ttyACM1" in devices.resolve("usb:def", nano33).name
    with pytest.raises(NoBoard, match="ABC, DEF"):
        devices.resolve("usb:123", nano33)


def test_usb_of_another_kind(xiao, plugged_in):
    plugged_in(port("/dev/ttyACM0", NANO, "ABC"))
    with pytest.raises(UsageError, match="2341:805a"):
        devices.resolve("usb:ABC", xiao)


def test_port_takes_any_url(nano33):
    device = devices.resolve("port:socket://127.0.0.1:4000", nano33)
    assert "socket://127.0.0.1:4000" in device.name
    assert device.manifest() is None


def test_local_and_virtual(nano33, xiao):
    assert devices.resolve("local", nano33).port == "host"
    assert devices.resolve("virtual", nano33).port == "virtual_m4"
    # No emulator of its core: the same firmware, compiled for this computer.
    assert isinstance(devices.resolve("virtual", xiao), LocalDevice)


@pytest.mark.parametrize("on", ["", "banana", "usb:", "port:", "usb", "port", "AUTO", "virtual:1"])
def test_other_words_are_a_usage_error(nano33, on):
    with pytest.raises(UsageError) as caught:
        devices.resolve(on, nano33)
    assert repr(on) in caught.value.message
    assert caught.value.exit_code == Exit.USAGE


@pytest.mark.parametrize("on", ["auto", "local", "port:/dev/ttyACM0"])
@pytest.mark.parametrize("options", [{"faults": ["hang@1s"]}, {"speed": "real"}])
def test_faults_need_an_emulated_board(nano33, on, options):
    with pytest.raises(UsageError, match="emulated"):
        devices.resolve(on, nano33, **options)


def test_faults_of_a_board_without_an_emulator(xiao):
    with pytest.raises(UsageError, match="emulated"):
        devices.resolve("virtual", xiao, faults=["hang@1s"])


def test_a_fault_that_is_none_is_found_at_once(nano33):
    with pytest.raises(UsageError, match="boil"):
        devices.resolve("virtual", nano33, faults=["boil@1s"])


def test_without_the_extra_it_says_what_to_install(nano33, monkeypatch):
    real_import = builtins.__import__

    def without_unicorn(name, *args, **options):
        if name == "edge_deploy.devices.virtual.device":
            raise ModuleNotFoundError("No module named 'unicorn'", name="unicorn")
        return real_import(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without_unicorn)
    with pytest.raises(NoBoard, match="unicorn") as caught:
        devices.resolve("virtual", nano33)
    assert any("edge-deploy[virtual]" in each for each in caught.value.try_next)
