"""A board's port that has just come back: it is not everybody's at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from edge_deploy import boards
from edge_deploy.devices import port_device, uploading, usb
from edge_deploy.devices.port_device import PortDevice
from edge_deploy.devices.usb import Connected
from edge_deploy.errors import AccessDenied, BoardBusy
from tests.devices import built

BACK = Connected("/dev/ttyACM1", "2341:805a", "A1")


class Port:
    """Refuses to be opened a number of times, as udev and ModemManager have it."""

    def __init__(self, refusals: list[type[Exception]]) -> None:
        self.refusals = refusals
        self.opened = 0

    def __call__(self, url: str) -> Port:
        assert url == BACK.path
        if self.refusals:
            raise self.refusals.pop(0)("not yet")
        self.opened += 1
        return self

    def close(self) -> None:
        """Closes nothing."""


@pytest.fixture
def device(monkeypatch):
    before = dataclasses.replace(BACK, path="/dev/ttyACM0")
    monkeypatch.setattr(usb, "connected", lambda: [before])
    monkeypatch.setitem(port_device._FLASHED, "nano33", lambda *_words: BACK)
    monkeypatch.setattr(uploading, "POLL_S", 0.001)
    made = PortDevice(boards.load("nano33"), on="usb:A1", url=before.path)
    yield made
    made.close()


def flashed(device: PortDevice, folder: Path) -> None:
    device.flash(built.artifact(folder / "built", b"image"))


def test_a_port_that_has_just_come_back_is_waited_for(device, tmp_path, monkeypatch):
    flashed(device, tmp_path)
    port = Port([AccessDenied, AccessDenied, BoardBusy])
    monkeypatch.setattr(port_device, "SerialLink", port)
    device.open()
    assert port.opened == 1
    # It has settled: whoever is refused later is told at once.
    port.refusals = [AccessDenied]
    with pytest.raises(AccessDenied):
        device.open()
    assert port.refusals == []


def test_a_port_that_stays_somebody_elses(device, tmp_path, monkeypatch):
    flashed(device, tmp_path)
    monkeypatch.setattr(uploading, "SETTLES_S", 0.01)
    monkeypatch.setattr(port_device, "SerialLink", Port([BoardBusy] * 1000))
    with pytest.raises(BoardBusy):
        device.open()
