"""A job done for real: what it tells, and what goes wrong with a point or with the machine."""

from __future__ import annotations

import pytest

from edge_deploy.teaching.explore import point as points
from edge_deploy.teaching.explore.point import DATA_VARIABLE, Failure
from edge_deploy.training.datasets import NoData
from tests.teaching.explore.made import failed, point


def test_json_and_back():
    for one in (point(), failed()):
        assert points.from_json(one.as_json(), one.model).as_json() == one.as_json()


@pytest.mark.parametrize("value", [True, "3", None, [1]])
def test_a_figure_that_is_no_number_is_refused(value):
    flat = point().as_json()
    flat["costs"]["cycles"]["value"] = value
    with pytest.raises(TypeError):
        points.from_json(flat)


def test_recordings_are_where_the_machine_has_them(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    (tmp_path / "here").mkdir()
    (tmp_path / "mounted").mkdir()
    assert points.recordings(str(tmp_path / "here")) == tmp_path / "here"
    assert points.recordings("") is None
    with pytest.raises(NoData, match=r"has no folder /elsewhere, and EDGE_DEPLOY_DATA names none"):
        points.recordings("/elsewhere")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "mounted"))
    assert points.recordings("/elsewhere") == tmp_path / "mounted"
    assert points.recordings(str(tmp_path / "here")) == tmp_path / "here"


def test_failures_say_what_they_are():
    assert Failure("OverBudget", "too big").lasting is False
