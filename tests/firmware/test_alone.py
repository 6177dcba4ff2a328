"""A board that no host speaks to begins by itself: docs/wire.md, "Alone"."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from edge_deploy import boards, process
from edge_deploy.build import config
from edge_deploy.devices.local import PipeLink
from edge_deploy.sensing import SourceSettings
from edge_deploy.telemetry.readings import Inference
from edge_deploy.telemetry.session import Session
from tests.firmware import building, listener
from tests.firmware.board import Board, fields_of, sealed
from tests.firmware.listener import scores_of, window_of
from tests.firmware.test_listening import STRIDE, some_sound, windows

ALONE_MS = 100
LONGER_S = 0.4


@pytest.fixture(scope="module")
def hearing(host_compiler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone")
    lab = listener.lab("mfcc")
    return listener.build([host_compiler], lab, folder, sensors=True, parts=True, alone_ms=ALONE_MS)


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the board shows; it has a sound to hear, which ends."""
    (tmp_path / "sound").write_bytes(some_sound(5, 160 * 400).tobytes())
    monkeypatch.setenv("ED_FAKE_SENSED", str(tmp_path / "sound"))
    monkeypatch.setenv("ED_FAKE_SHOWN", str(tmp_path / "shown"))
    monkeypatch.delenv("ED_FAKE_RATE", raising=False)
    return tmp_path / "shown"


def quiet(board: Board) -> None:
    """Fails where the board says anything that it was not asked."""
    time.sleep(LONGER_S)
    assert {fields_of(line)["kind"] for line in board.ask("hello")[:1]} == {"hello"}


def test_it_streams_and_shows_until_the_first_byte(hearing: Path, shown: Path) -> None:
    lab = listener.lab("mfcc")
    host = windows(lab, some_sound(5, 160 * 400))
    with Board(hearing) as board:
        found = [fields_of(board.line()) for _ in range(60)]
        for n, record in enumerate(found):
            scores = scores_of(host[(n + 1) * STRIDE], len(lab.labels))
            assert (record["kind"], record["n"]) == ("result", str(n))
            assert record["out"] == scores.tobytes().hex()
        board.send(b"%")
        *rest, end = [fields_of(line) for line in board.until_ready()]
        assert (end["kind"], end["state"]) == ("stream", "off")
        assert int(end["n"]) == 60 + len(rest)
        lines = shown.read_text().splitlines()
        assert any(", colour " in line for line in lines)
        assert lines[-1] == "level 0"
        # As at boot: an empty window, nothing loaded, the count of results at 0.
        assert window_of(board) == (host[0].tobytes(), 0)
        assert board.tell("run 1 0 0")[0]["code"] == "no-input"
        assert board.tell("decide")[0]["n"] == "0"
        quiet(board)


def test_it_waits_for_a_host_that_has_spoken(hearing: Path, shown: Path) -> None:
    with Board(hearing) as board:
        board.send(b"%")
        assert board.until_ready() == []
        quiet(board)
        # A reset is a boot: it is alone again.
        board.send(sealed("reset"))
        assert fields_of(board.line())["kind"] == "reset"
        board.until_ready()
        assert fields_of(board.line())["kind"] == "result"
    assert "colour" not in shown.read_text().split("level 0")[1]


def test_without_the_sensor_it_waits(
    hearing: Path, shown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ED_FAKE_RATE", "8000")
    with Board(hearing) as board:
        quiet(board)
        assert board.tell("stream on")[0]["code"] == "no-source"


@pytest.mark.usefixtures("shown")
def test_a_session_begins_in_the_midst_of_it(hearing: Path) -> None:
    link = PipeLink(process.spawn([hearing]), "a board that was alone")
    time.sleep(LONGER_S)  # what it streamed meanwhile comes first
    with Session(link) as session:
        hello = session.begin()
        assert hello.source == "microphone"
        assert session.window() == windows(listener.lab("mfcc"), some_sound(5, 0))[0].tobytes()
        readings = session.stream(3)
        assert [reading.n for reading in readings if isinstance(reading, Inference)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("port", "milliseconds"), [("arduino", "5000"), ("host", "0"), ("virtual_m4", "0")]
)
def test_boards_alone_are_real_ones(port: str, milliseconds: str) -> None:
    text = config.emit(boards.load("nano33"), port, (), SourceSettings())
    assert re.findall(r"ED_APP_ALONE_MS (\d+)u", text) == [milliseconds]


def test_firmware_that_records_waits(host_compiler: str, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    imu = SourceSettings(kind="imu", sample_rate_hz=119, axes=3)
    text = config.emit(boards.load("nano33"), "host", (), SourceSettings(), record=imu)
    text = text.replace("ALONE_MS 0u", f"ALONE_MS {ALONE_MS}u")
    (tmp_path / "config" / config.FILE).write_text(text)
    sizes = (building.CONFIG / "ed_model_config.h").read_text()
    (tmp_path / "config" / "ed_model_config.h").write_text(sizes)
    sources = [path for path in building.firmware_sources("host") if path.name != "sensors.c"]
    sources.append(building.TESTS / "fake_sensors.c")
    built = building.compile_c(
        [host_compiler],
        sources,
        tmp_path / "firmware",
        config=tmp_path / "config",
        flags=building.SANITIZERS,
    )
    with Board(built) as board:
        quiet(board)
