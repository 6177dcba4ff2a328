"""Labs and recordings for `evaluate`, made here; nothing of the user's own is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import listening_lab, sensing_labs


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labs") / "tones"
    listening_lab.write_lab(folder, budgets="budgets:\n  nano33: {accuracy: 0.9}\n")
    # Thirds are no binary fractions: means of three have last bits to differ in.
    text = (folder / "lab.yaml").read_text(encoding="utf-8")
    (folder / "lab.yaml").write_text(text.replace("smooth: 2", "smooth: 3"), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return listening_lab.write_data(tmp_path_factory.mktemp("data"), each=3, noise_s=5.0)


@pytest.fixture(scope="module")
def swings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sensing_labs.write_swings(tmp_path_factory.mktemp("labs") / "swings").folder


@pytest.fixture(autouse=True)
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(home))
    for name in ("EDGE_DEPLOY_BOARD", "EDGE_DEPLOY_ON", "EDGE_DEPLOY_PORT", "EDGE_DEPLOY_DATA"):
        monkeypatch.delenv(name, raising=False)
