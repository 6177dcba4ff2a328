"""What the tests of every lab ask for: the lab in the folder that their module calls FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from edge_deploy import labs
from edge_deploy.labs import Lab
from edge_deploy.training import recipe


@pytest.fixture(scope="module")
def folder(request: pytest.FixtureRequest) -> Path:
    found: Path = request.module.FOLDER
    return found


@pytest.fixture(scope="module")
def lab(folder: Path) -> Lab:
    return labs.load_folder(folder)


@pytest.fixture(scope="module")
def module(folder: Path) -> ModuleType:
    """The recipe's own names, beyond what training asks of it."""
    return sys.modules[recipe.load(folder).data.__module__]


@pytest.fixture(scope="module")
def content(folder: Path) -> bytes:
    return (folder / "model.tflite").read_bytes()


@pytest.fixture(scope="module")
def card(folder: Path) -> str:
    return (folder / "card.md").read_text(encoding="utf-8")
