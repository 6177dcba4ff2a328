"""`boards` and `doctor` as they are typed: what is connected, and what stands in the way."""

from __future__ import annotations

import json
import shutil
import time

import pytest

pytest.importorskip("pty", reason="fake boards are pseudo-terminals")

from edge_deploy.devices import usb
from edge_deploy.devices.usb import Connected
from edge_deploy.errors import Exit
from tests.cli.test_spine import typed
from tests.devices.fake_nano import Bus
from tests.firmware import building


@pytest.fixture
def bus(tmp_path, monkeypatch):
    made = Bus(tmp_path)
    monkeypatch.setattr(usb, "connected", made.connected)
    yield made
    made.close()


@pytest.fixture(scope="module")
def firmware_program(tmp_path_factory):
    """Our firmware with a model written by hand, as a program of this computer."""
    if not shutil.which("gcc") or not shutil.which("g++"):
        pytest.skip("no gcc and g++ on this machine")
    return building.arduino_program(tmp_path_factory.mktemp("firmware") / "firmware")


def connected(capfd):
    code, out, err = typed(capfd, "boards", "--json")
    assert code == Exit.DONE, err
    return {each["serial_number"]: each for each in json.loads(out)["connected"]}


def test_none(bus, capfd):
    code, out, _ = typed(capfd, "boards")
    assert code == Exit.DONE
    assert "Connected: none" in out
    assert connected(capfd) == {}


def test_what_runs_on_each(bus, capfd, firmware_program, monkeypatch):
    bus.plug("ttyACM0", "A1", image=firmware_program.read_bytes())
    bus.plug("ttyACM1", "B2")  # says nothing
    loader = bus.plug("ttyACM2", "C3")
    loader.double_tap()
    while loader.port is None or loader.port.usb_id != "2341:005a":
        time.sleep(0.01)
    other = Connected("/dev/nowhere", "1234:5678", "D4")
    monkeypatch.setattr(usb, "connected", lambda: [*bus.connected(), other])
    found = connected(capfd)
    assert found["A1"]["model"]["name"] == "fake model"
    assert found["A1"]["variant"] == "sense"
    assert found["B2"]["variant"] is None
    assert found["A1"]["state"] == "runs our firmware"
    assert found["B2"]["state"] == "runs another program, or none"
    assert found["C3"]["state"] == "waits in its bootloader"
    assert found["D4"] == {
        "port": "/dev/nowhere",
        "usb_id": "1234:5678",
        "serial_number": "D4",
        "board": None,
        "variant": None,
        "state": "not a board that edge-deploy knows",
        "model": None,
        "firmware": None,
    }
    _, out, _ = typed(capfd, "boards")
    assert "nano33 sense" in out
    assert "fake model, firmware" in out


def test_doctor_ends_with_1_where_something_is_wrong(bus, capfd, monkeypatch):
    code, out, _ = typed(capfd, "doctor")
    assert code == Exit.DONE
    assert "another cable" in out
    monkeypatch.setattr(
        usb, "connected", lambda: [Connected("/dev/nowhere-at-all", "2341:805a", "A1")]
    )
    code, out, _ = typed(capfd, "doctor", "--json")
    assert code == Exit.FAILED
    findings = json.loads(out)["findings"]
    assert [each["what"] for each in findings if each["status"] == "wrong"] == [
        "port /dev/nowhere-at-all"
    ]
