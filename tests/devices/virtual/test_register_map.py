"""The page, the firmware's header and the emulator agree on every register of the sensors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge_deploy.devices.virtual.camera import Camera
from edge_deploy.devices.virtual.imu import Imu
from edge_deploy.devices.virtual.microphone import Microphone

ROOT = Path(__file__).resolve().parents[3]
BASE = 0xA0000000
SENSORS = {"MICROPHONE": Microphone, "IMU": Imu, "CAMERA": Camera}


@pytest.fixture(scope="module")
def page() -> str:
    return (
        (ROOT / "docs" / "virtual_board.md").read_text(encoding="utf-8").partition("### Sensors")[2]
    )


def number(text: str) -> int:
    return int(text.replace(",", ""), 0)


def test_settings_are_those_of_the_page(page):
    rows = re.findall(
        r"^\| (0xA000\w+) `(\w+)` \| (R|RW) \| (?:(\d+) to (\d+))? *\| (\d+) \|$",
        page,
        re.MULTILINE,
    )
    told = {
        number(address): (
            number(value),
            access == "R",
            [number(each) for each in (least, most) if each],
        )
        for address, _, access, least, most, value in rows
    }
    built = {
        BASE + sensor.page + register: (
            setting.value,
            setting.fixed,
            [] if setting.fixed else [setting.least, setting.most],
        )
        for sensor in SENSORS.values()
        for register, setting in sensor.settings.items()
    }
    assert told == built
    assert len(told) == 5


def test_places_and_sizes_are_those_of_the_page(page):
    rows = re.findall(r"^\| (\w+) \| (0xA000\w+) \| .* \| (\d+): [^|]* \|$", page, re.MULTILINE)
    assert {(name.upper(), number(at) - BASE, number(fifo)) for name, at, fifo in rows} == {
        (name, sensor.page, sensor.capacity) for name, sensor in SENSORS.items()
    }
    assert sum(sensor.bit for sensor in SENSORS.values()) == 7


def test_the_firmware_has_the_same_addresses(page):
    header = (ROOT / "firmware/src/ports/virtual_m4/registers.h").read_text(encoding="utf-8")
    found = re.findall(
        r"^#define (MICROPHONE|IMU|CAMERA)_(\w+) REGISTER\((0x\w+)u\)", header, re.MULTILINE
    )
    shared = dict(re.findall(r"^\| (0x\w\w) \| `(\w+)` \| [RW] \|", page, re.MULTILINE))
    own = re.findall(r"^\| (0xA000\w+) `(\w+)`", page, re.MULTILINE)
    expected = {
        (name, register, BASE + sensor.page + number(offset))
        for name, sensor in SENSORS.items()
        for offset, register in shared.items()
    } | {
        (name, register, number(address))
        for name, sensor in SENSORS.items()
        for address, register in own
        if number(address) & 0xF000 == sensor.page
    }
    assert {(name, register, number(address)) for name, register, address in found} == expected
    assert len(expected) == 6 * 3 + 5
