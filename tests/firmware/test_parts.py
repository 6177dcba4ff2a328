"""The commands `led` and `memory` of firmware that records, on the host port with sanitizers."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from edge_deploy import boards
from edge_deploy.build import config
from edge_deploy.sensing import SourceSettings
from tests.firmware import building
from tests.firmware.board import Board
from tests.firmware.test_listening import error, told

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake maps pages twice")

IMU = SourceSettings(kind="imu", sample_rate_hz=119, axes=3)
PAGE = 4096


def build(compiler: str, folder: Path, *, record: bool = True, parts: bool = True) -> Path:
    """Firmware of the host port. parts: with fake_parts.c in place of the port's own."""
    sources = building.firmware_sources("host")
    if parts:
        sources.remove(building.SOURCES / "ports" / "host" / "parts.c")
        sources.append(building.TESTS / "fake_parts.c")
    made = folder / "config"
    made.mkdir()
    text = config.emit(
        boards.load("nano33"), "host", (), SourceSettings(), record=IMU if record else None
    )
    (made / config.FILE).write_text(text)
    shutil.copy(building.CONFIG / "ed_model_config.h", made)
    return building.compile_c(
        [compiler], sources, folder / "firmware", config=made, flags=building.SANITIZERS
    )


@pytest.fixture(scope="module")
def built(host_compiler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(host_compiler, tmp_path_factory.mktemp("parts"))


def memory(board: Board) -> tuple[int, int]:
    (found,) = told(board, "memory")
    assert found["kind"] == "memory"
    return int(found["bytes"]), int(found["errors"])


def test_memory_that_holds_and_memory_that_is_there_twice(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ED_FAKE_ALIASED", raising=False)
    with Board(built) as board:
        assert memory(board) == (PAGE, 0)
        assert memory(board) == (PAGE, 0)
        assert told(board, "memory 1") == [error("range")]
    # Equal words look right in both pages: only those that differ show that they are one page.
    monkeypatch.setenv("ED_FAKE_ALIASED", "1")
    with Board(built) as board:
        assert memory(board) == (3 * PAGE, PAGE // 4)


def test_the_led(built: Path) -> None:
    with Board(built) as board:
        for on in ("1", "0", "0"):
            (found,) = told(board, f"led {on}")
            assert (found["kind"], found["on"]) == ("led", on)
        for words in ("led", "led 2", "led on", "led 1 1"):
            assert told(board, words) == [error("range")], words


def test_boards_without_them_and_firmware_without_the_commands(
    host_compiler: str, tmp_path: Path
) -> None:
    (tmp_path / "bare").mkdir()
    with Board(build(host_compiler, tmp_path / "bare", parts=False)) as board:
        assert memory(board) == (0, 0)
        assert told(board, "led 1") == [error("no-part")]
    (tmp_path / "other").mkdir()
    with Board(build(host_compiler, tmp_path / "other", record=False)) as board:
        for words in ("led 1", "memory"):
            assert told(board, words) == [error("unknown")]
