"""Homes and models for the build tests."""

from __future__ import annotations

import shutil

import pytest

from edge_deploy import boards, compiler, model, places, toolchains
from tests import model_builder


@pytest.fixture(scope="session", autouse=True)
def _zig_once():
    """zig's runtime library takes seconds to build; homes of single tests share it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZIG_GLOBAL_CACHE_DIR", str(places.cache() / "zig"))
        yield


@pytest.fixture
def home(monkeypatch, tmp_path):
    """An empty cache of this test alone."""
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(toolchains.OVERRIDE, raising=False)
    return tmp_path / "home"


@pytest.fixture
def shipped(monkeypatch, tmp_path):
    """A copy of what ships, for tests that change a source."""
    root = tmp_path / "shipped"
    shutil.copytree(places.shipped("firmware", "src"), root / "firmware" / "src")
    shutil.copy(places.shipped("boards.yaml"), root)
    monkeypatch.setattr(places, "shipped", root.joinpath)
    return root


@pytest.fixture(scope="session")
def nano33():
    return boards.load("nano33")


@pytest.fixture(scope="session")
def graph():
    return model.read(model_builder.tiny_conv(1), name="tiny")


@pytest.fixture(scope="session")
def compiled(graph):
    return compiler.compile(graph, target="cortex_m4")


@pytest.fixture(scope="session")
def portable(graph):
    return compiler.compile(graph, target="portable")
