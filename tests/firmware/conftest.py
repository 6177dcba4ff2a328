"""Firmware that is compiled once for all tests of this folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.firmware import building
from tests.firmware.board import Board


@pytest.fixture(scope="session")
def host_compiler() -> str:
    compilers = building.host_compilers()
    if not compilers:
        pytest.skip("no gcc or clang on this machine")
    return compilers[0]


@pytest.fixture(scope="session")
def firmware(host_compiler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The host port with the fake model, sanitizers in it; a run spoils the model's inputs."""
    output = tmp_path_factory.mktemp("firmware") / "firmware"
    sources = building.firmware_sources("host")
    return building.compile_c([host_compiler], sources, output, flags=building.SANITIZERS)


@pytest.fixture(scope="session")
def firmware_preserving(host_compiler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, where the model keeps its inputs, and with nothing to stream."""
    output = tmp_path_factory.mktemp("firmware") / "firmware"
    sources = building.firmware_sources("host")
    flags = [*building.SANITIZERS, "-DFAKE_PRESERVED=1", "-DFAKE_SOURCE=ED_SOURCE_NONE"]
    return building.compile_c([host_compiler], sources, output, flags=flags)


@pytest.fixture(scope="session")
def firmware_nano33(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Arduino port on the fake core of a Nano 33 BLE Sense, the same model, with sanitizers."""
    return arduino(tmp_path_factory, building.NANO33)


@pytest.fixture(scope="session")
def firmware_xiao(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same on that of an XIAOML kit."""
    return arduino(tmp_path_factory, building.XIAO)


def arduino(tmp_path_factory: pytest.TempPathFactory, board: str) -> Path:
    if not shutil.which("gcc") or not shutil.which("g++"):
        pytest.skip("no gcc and g++ on this machine")
    return building.arduino_program(tmp_path_factory.mktemp("firmware") / "firmware", board=board)


ARDUINO = {
    "firmware_nano33": {"variant": "sense", "sensors": "microphone,imu"},
    "firmware_xiao": {"variant": "xiaoml", "sensors": "microphone,imu,camera"},
}


def started(request: pytest.FixtureRequest) -> Board:
    """The board whose program is the fixture that the request's parameter names."""
    program = request.getfixturevalue(request.param)
    if request.param in ARDUINO:
        return Board(program, **ARDUINO[request.param], counters="cycles_board", knows_stack=True)
    return Board(program)


@pytest.fixture(params=["firmware", "firmware_preserving", *ARDUINO])
def either(request: pytest.FixtureRequest):
    """A board of each kind, booted."""
    with started(request) as running:
        yield running


@pytest.fixture(params=["firmware", *ARDUINO])
def board(request: pytest.FixtureRequest):
    with started(request) as running:
        yield running
