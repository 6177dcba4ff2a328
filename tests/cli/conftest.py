"""Commands run in this process, with a home of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edge_deploy.cli.main import run


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def command(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Command:
    """`command("boards", "--json")` as a user types it; nothing of the user's own is touched."""
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(tmp_path_factory.mktemp("home")))
    for name in ("EDGE_DEPLOY_BOARD", "EDGE_DEPLOY_ON", "EDGE_DEPLOY_PORT", "EDGE_DEPLOY_DATA"):
        monkeypatch.delenv(name, raising=False)

    def type_(*words: str | Path) -> Ended:
        capfd.readouterr()
        code = run([str(word) for word in words])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return Ended(code, out, err)

    return type_


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home for all tests of a file, so that firmware for fake boards is built once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def bus(
    tmp_path: Path,
    builds: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Any]:
    """A bus to plug fake boards into, with stand-ins for what builds and writes (stand_ins.py)."""
    from tests.cli import stand_ins  # fake boards need the extra `boards`

    cores = tmp_path_factory.getbasetemp() / "cores"
    made = stand_ins.install(tmp_path, builds, cores, monkeypatch)
    yield made
    made.close()
