"""`evaluate` for labs with an IMU or a camera: on boards of all kinds, and behind a port."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_deploy.errors import Exit
from tests import sensing_labs
from tests.cli.evaluate.asking import LOCAL, VIRTUAL, refused
from tests.cli.test_spine import typed

pytest.importorskip("unicorn", reason="the virtual board needs the extra `virtual`")
pytest.importorskip("tflite_runtime", reason="the host's model runs on the extra `reference`")


@pytest.mark.parametrize(
    ("name", "where", "count"),
    [
        ("swings", VIRTUAL, 12),
        ("swings", LOCAL, 12),
        ("hum", VIRTUAL, 20),
        ("halves", VIRTUAL, 8),
    ],
)
def test_a_board_finds_what_the_host_finds(
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    name: str,
    where: tuple[str, ...],
    count: int,
) -> None:
    pytest.importorskip("PIL", reason="pictures need Pillow")
    lab = getattr(sensing_labs, f"write_{name}")(tmp_path / name).folder
    words = ("evaluate", lab, "--data", lab / "data", "--json")
    code, out, err = typed(capfd, *words, *where)
    assert code == Exit.DONE, err
    board: dict[str, Any] = json.loads(out)
    assert board["n"] == board["windows_compared"] == count
    for what in ("windows", "outputs", "decisions"):
        assert board[f"differing_{what}"] == 0
    code, out, err = typed(capfd, *words, "--on", "host")
    assert code == Exit.DONE, err
    host: dict[str, Any] = json.loads(out)
    differ = {key for key in host if host[key] != board[key]}
    assert differ == {"on", "engine"}
    assert host.get("accuracy", host.get("auc"))["value"] == 1.0


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The virtual nano33 behind a port, as a real board would be; yields its address."""
    board = subprocess.Popen(
        [
            sys.executable,
            *("-c", "from edge_deploy.cli import main; main()"),
            *("virtual", "nano33", "--speed", "max"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(60, board.kill)
    watchdog.start()
    try:
        assert board.stdout is not None
        yield board.stdout.readline().strip()
    finally:
        watchdog.cancel()
        board.terminate()
        board.communicate(timeout=30)


def test_a_board_behind_a_port_is_used_as_it_is(
    capfd: pytest.CaptureFixture[str], swings: Path
) -> None:
    code, _, err = typed(capfd, "flash", *VIRTUAL, swings, "--no-run")
    assert code == Exit.DONE, err
    with served() as url:
        port = ("--board", "nano33", "-p", url)
        words = ("evaluate", swings, *port, "--data", swings / "data", "--json")
        code, out, err = typed(capfd, *words)
        assert code == Exit.DONE, err
        found: dict[str, Any] = json.loads(out)
        assert (found["on"], found["n"]) == (f"port:{url}", 12)
        assert (found["windows_compared"], found["differing_windows"]) == (12, 0)
        assert found["accuracy"]["value"] == 1.0
        code, out, err = typed(capfd, "verify", swings, *port, "--inputs", "20")
        assert code == Exit.DONE, err
        # It is not flashed: what runs another model, or is another board, is told so.
        code, _, err = typed(capfd, "evaluate", "hello", *port)
        assert code == Exit.WRONG_BOARD, err
        where = f"--board nano33 --on port:{url}"
        assert f"edge-deploy flash {where} --no-run hello  put the model on it first" in err
        assert err.count("edge-deploy flash") == 1
        other = ("--board", "xiao_esp32s3", "-p", url, "--data", swings / "data")
        refused(capfd, Exit.WRONG_BOARD, (swings, *other), "is a nano33, not a xiao_esp32s3")


def test_a_bad_link_changes_nothing(capfd: pytest.CaptureFixture[str], swings: Path) -> None:
    faults = ("--fault", "garble=0.0005", "--fault", "drop=0.0005", "--seed", "3")
    words = ("evaluate", swings, *VIRTUAL, "--data", swings / "data", *faults, "--json")
    code, out, err = typed(capfd, *words)
    assert code == Exit.DONE, err
    found: dict[str, Any] = json.loads(out)
    assert found["accuracy"]["value"] == 1.0
    assert (found["windows_compared"], found["differing_windows"]) == (12, 0)


def test_a_camera_by_the_host_alone(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("PIL", reason="pictures need Pillow")
    lab = sensing_labs.write_halves(tmp_path / "halves").folder
    words = (lab, "--on", "host", "--data", lab / "data")
    code, out, err = typed(capfd, "evaluate", *words, "--json")
    assert code == Exit.DONE, err
    found: dict[str, Any] = json.loads(out)
    assert (found["n"], found["accuracy"]["value"]) == (8, 1.0)
    refused(capfd, Exit.USAGE, (*words, "--stream"), "--stream plays sound", "no microphone")
    torn = lab / "data" / "left" / "2.png"
    torn.write_bytes(torn.read_bytes()[:60])
    refused(capfd, Exit.BAD_INPUT, words, "left/2.png")
