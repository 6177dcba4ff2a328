"""What doctor finds on computers that tests make up: files of /proc, /sys and /etc, and ports."""

from __future__ import annotations

import os
import sys

import pytest

from edge_deploy.build import platformio
from edge_deploy.devices import doctor, usb
from edge_deploy.devices.doctor import ABSENT, OK, WRONG
from edge_deploy.devices.host import Holder, System, UsbDevice
from edge_deploy.devices.usb import Connected
from edge_deploy.toolchains import ToolchainMissing

NANO, UNKNOWN = "2341:805a", "1234:5678"


@pytest.fixture
def root(tmp_path):
    """Of a Linux that runs one program and has an empty USB."""
    process(tmp_path, 1, "init")
    (tmp_path / "sys/bus/usb/devices").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def system(root):
    return System(root, "linux")


@pytest.fixture
def plugged(monkeypatch):
    def plug(*ports):
        monkeypatch.setattr(usb, "connected", lambda: list(ports))

    plug()
    return plug


def process(root, pid, name, *open_files):
    folder = root / "proc" / str(pid)
    (folder / "fd").mkdir(parents=True)
    (folder / "comm").write_text(f"{name}\n")
    for number, path in enumerate(open_files):
        (folder / "fd" / str(number)).symlink_to(path)


def device(root, name, usb_id, *, port):
    folder = root / "sys/bus/usb/devices" / name
    folder.mkdir()
    vendor, product = usb_id.split(":")
    (folder / "idVendor").write_text(f"{vendor}\n")
    (folder / "idProduct").write_text(f"{product}\n")
    (folder / "product").write_text("Nano 33 BLE\n")
    if port:
        (folder / f"{name}:1.0" / "tty" / "ttyACM0").mkdir(parents=True)


def found(system, what):
    matching = [each for each in doctor.examine(system) if each.what.startswith(what)]
    assert len(matching) == 1, [each.what for each in doctor.examine(system)]
    return matching[0]


def port_at(tmp_path, usb_id=NANO, serial="A1"):
    path = tmp_path / "ttyACM0"
    path.touch()
    return Connected(str(path), usb_id, serial)


def test_nothing_connected_says_that_cables_may_only_charge(system, plugged):
    finding = found(system, "boards")
    assert finding.status == ABSENT
    assert "only charges" in finding.found
    assert finding.fix


def test_a_board_that_can_be_used(system, plugged, tmp_path):
    plugged(port_at(tmp_path))
    finding = found(system, "port ")
    assert (finding.status, finding.found) == (OK, "nano33, serial number A1")


def test_a_port_that_nobody_knows(system, plugged, tmp_path):
    plugged(port_at(tmp_path, UNKNOWN, ""))
    assert found(system, "port ").found == "unknown USB id 1234:5678"


def test_a_port_that_another_program_has(root, system, plugged, tmp_path):
    port = port_at(tmp_path)
    process(root, 77, "screen", os.path.realpath(port.path))
    process(root, 78, "python", "/dev/null")
    plugged(port)
    finding = found(system, "port ")
    assert finding.status == WRONG
    assert "in use by screen (process 77)" in finding.found
    assert system.holders(port.path) == [Holder("screen", 77)]


def test_a_port_that_this_user_may_not_open(system, plugged, tmp_path, monkeypatch):
    plugged(port_at(tmp_path))
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: False)
    finding = found(system, "port ")
    assert finding.status == WRONG
    assert "may not open it" in finding.found
    assert finding.fix[0].startswith("sudo usermod -aG ")
    assert found(System(system.root, "win32"), "port ").status == OK


def test_a_board_without_a_port(root, system, plugged):
    device(root, "1-2", NANO, port=False)
    finding = found(system, "USB 2341:805a")
    assert finding.status == WRONG
    assert "nano33 is on USB and has no serial port" in finding.found
    assert "reset button twice" in finding.fix[0]


def test_each_board_without_a_port_has_its_own_button(root, system, plugged):
    device(root, "1-2", "2886:0056", port=False)
    finding = found(system, "USB 2886:0056")
    assert "xiao_esp32s3 is on USB" in finding.found
    assert finding.fix[0].startswith("hold the B (boot) button")


def test_a_board_with_a_port_and_a_mouse_are_no_findings(root, system, plugged, tmp_path):
    device(root, "1-2", NANO, port=True)
    device(root, "1-3", "046d:c077", port=False)
    plugged(port_at(tmp_path))
    assert not [each for each in doctor.examine(system) if each.what.startswith("USB")]
    assert system.usb_devices()[0] == UsbDevice(NANO, "Nano 33 BLE", True)


def test_modem_manager_stands_in_the_way_without_rules(root, system, plugged, tmp_path):
    assert not [each for each in doctor.examine(system) if each.what == "ModemManager"]
    process(root, 99, "ModemManager")
    assert found(system, "ModemManager").status == ABSENT
    plugged(port_at(tmp_path))
    assert found(system, "ModemManager").status == WRONG
    rules = root / "etc/udev/rules.d/99-platformio-udev.rules"
    rules.parent.mkdir(parents=True)
    rules.touch()
    assert found(system, "ModemManager").status == OK


def test_packages_that_are_not_there_name_their_extra(system, plugged, monkeypatch):
    monkeypatch.setattr(doctor, "_version", lambda name: None)
    for extra in ("virtual", "reference", "train", "boards"):
        finding = found(system, f"extra {extra}")
        assert finding.status == ABSENT
        assert finding.fix == (f"pip install 'edge-deploy[{extra}]'",)


def test_compilers_and_platformio_that_are_not_there(system, plugged, monkeypatch):
    def missing(*_args):
        raise ToolchainMissing("there is none", try_next=("install one",))

    monkeypatch.setattr(doctor.toolchains, "find", missing)
    monkeypatch.setattr(platformio, "program", missing)
    finding = found(system, "Arm compiler")
    assert (finding.status, finding.found, finding.fix) == (
        ABSENT,
        "there is none",
        ("install one",),
    )
    assert not [each for each in doctor.examine(system) if each.what == "PlatformIO"]


@pytest.mark.parametrize(("version", "status"), [((3, 9), WRONG), ((3, 12), OK), ((3, 14), WRONG)])
def test_pythons(system, plugged, monkeypatch, version, status):
    monkeypatch.setattr(doctor.sys, "version_info", (*version, 0, "final", 0))
    assert found(system, "Python").status == status


@pytest.mark.skipif(sys.platform == "win32", reason="lsof is macOS' here")
def test_who_has_a_port_on_macos(tmp_path, monkeypatch):
    script = tmp_path / "lsof"
    script.write_text("#!/bin/sh\nprintf 'p42\\ncscreen\\n'\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert System(tmp_path, "darwin").holders("/dev/cu.usbmodem1") == [Holder("screen", 42)]
    assert System(tmp_path, "win32").holders("COM3") is None
    assert System(tmp_path, "darwin").usb_devices() is None
    assert System(tmp_path, "darwin").runs("x") is None
    assert System(tmp_path, "darwin").group_of("x") is None
