"""Boards and homes for the device tests."""

from __future__ import annotations

import pytest

from edge_deploy import boards


@pytest.fixture
def home(tmp_path):
    """A folder for virtual boards, of this test alone."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def nano33():
    return boards.load("nano33")


@pytest.fixture(scope="session")
def xiao():
    return boards.load("xiao_esp32s3")
