"""Shipped data is found in a checkout and in a wheel; EDGE_DEPLOY_HOME moves everything else."""

from __future__ import annotations

from pathlib import Path

from edge_deploy import places

ROOT = Path(__file__).resolve().parents[1]


def test_a_checkout_ships_its_own_files(monkeypatch):
    monkeypatch.setattr(places, "_PACKAGE", ROOT / "edge_deploy")
    assert places.shipped("boards.yaml") == ROOT / "boards.yaml"
    assert places.shipped("labs", "hello") == ROOT / "labs" / "hello"
    for name in ("firmware", "labs", "kits"):
        assert places.shipped(name).is_dir()


def test_a_wheel_ships_them_inside_the_package(monkeypatch, tmp_path):
    (tmp_path / "_shipped").mkdir()
    monkeypatch.setattr(places, "_PACKAGE", tmp_path)
    assert places.shipped("boards.yaml") == tmp_path / "_shipped" / "boards.yaml"


def test_home_moves_data_cache_and_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(tmp_path))
    assert places.home() == tmp_path
    assert places.config() == tmp_path
    assert places.cache() == tmp_path / "cache"
    assert list(tmp_path.iterdir()) == []


def test_home_may_be_relative_or_with_a_tilde(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGE_DEPLOY_HOME", "here")
    assert places.home() == tmp_path / "here"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("EDGE_DEPLOY_HOME", "~/there")
    assert places.home() == tmp_path / "there"


def test_without_it_the_platform_decides(monkeypatch):
    for value in ("", None):
        if value is None:
            monkeypatch.delenv("EDGE_DEPLOY_HOME", raising=False)
        else:
            monkeypatch.setenv("EDGE_DEPLOY_HOME", value)
        found = {places.home(), places.cache(), places.config()}
        assert all(path.is_absolute() and "edge-deploy" in path.parts for path in found)
        assert places.cache() != places.home()
