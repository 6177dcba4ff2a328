"""Anomalies: areas by group and of all, what the threshold makes of them, and the picture."""

from __future__ import annotations

import itertools
import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from edge_deploy.bench import anomalies
from edge_deploy.bench.anomalies import Anomalies
from edge_deploy.errors import BadInput
from edge_deploy.intervals import area, wilson

# Stored scores; real ones are 0.5 (stored + 10): 0 to 5 by halves.
STORED = [-10, -8, -6, -8, -4, -2, -10, -6, -2, 0]
KINDS = [0, 0, 0, 1, 1, 1, 0, 0, 0, 1]
GROUPS = ["slow"] * 6 + ["fast"] * 4


def found(threshold: float = 2.0) -> Anomalies:
    return anomalies.ranked(np.array(STORED, np.int8), 0.5, -10, KINDS, GROUPS, threshold)


def test_areas_by_group_and_of_all() -> None:
    result = found()
    fast, slow = result.groups
    assert (fast.name, slow.name) == ("fast", "slow")
    assert slow.auc is not None
    # Of 9 pairs 7 are in order: 1 lies between 0 and 2, and once upon an equal 1.
    assert slow.auc.value == pytest.approx((1 + 0.5 + 0 + 3 + 3) / 9)
    assert fast.auc is not None
    assert fast.auc.value == 1.0
    every = [(s, k) for s, k in zip(STORED, KINDS, strict=True)]
    pairs = [(a > b) + (a == b) / 2 for a, k in every if k for b, j in every if not j]
    assert result.figures["auc"].value == pytest.approx(np.mean(pairs))


def test_the_threshold_is_reached_or_not() -> None:
    # 2.0 is stored as -6: at the threshold counts as found.
    at = found(2.0).pooled
    assert (at.false_alarms, at.normal, at.found, at.anomalous) == (3, 6, 3, 4)
    above = found(float(np.nextafter(np.float32(2.0), np.float32(3)))).pooled
    assert (above.false_alarms, above.found) == (1, 3)


def test_json_has_what_is_known() -> None:
    flat = json.loads(json.dumps(found().as_json()))
    low, high = area(flat["auc"]["value"], 4, 6)
    assert (flat["auc"]["low"], flat["auc"]["high"]) == pytest.approx((low, high))
    assert flat["auc"]["origin"] == "measured:held_out_clips"
    assert [group["group"] for group in flat["groups"]] == ["fast", "slow"]
    assert flat["threshold"] == 2.0
    assert flat["confusion"] == [[3, 3], [1, 3]]
    assert flat["labels"] == ["normal", "anomaly"]
    low, high = wilson(3, 6)
    assert flat["false_positive_rate"]["low"] == pytest.approx(low)
    assert flat["true_positive_rate"]["value"] == pytest.approx(0.75)
    first, last = flat["roc"][0], flat["roc"][-1]
    assert first == {"true_positive_rate": 0.0, "false_positive_rate": 0.0}
    assert last == {"threshold": 0.0, "true_positive_rate": 1.0, "false_positive_rate": 1.0}


def test_what_is_taken_for_the_other_kind_is_named() -> None:
    scores = np.array([0, 1, 2, 3], np.int8)
    result = anomalies.ranked(scores, 1, 0, [0, 1, 0, 1], ["a"] * 4, 2.0, ["w", "x", "y", "z"])
    assert result.as_json()["wrong"] == [
        {"clip": "x", "was": "anomaly", "taken_for": "normal"},
        {"clip": "y", "was": "normal", "taken_for": "anomaly"},
    ]


def test_a_group_of_one_kind_has_no_area() -> None:
    result = anomalies.ranked(np.array([1, 2, 3], np.int8), 1, 0, [0, 0, 1], ["a", "b", "b"], 2.5)
    alone, both = (group.as_json() for group in result.groups)
    assert not {"auc", "roc"} & set(alone)
    assert both["roc"][-1] == {
        "threshold": 2.0,
        "true_positive_rate": 1.0,
        "false_positive_rate": 1.0,
    }
    assert "true_positive_rate" not in alone
    assert both["auc"]["value"] == 1.0
    assert ET.fromstring(anomalies.picture(result, "t")).tag.endswith("svg")


@pytest.mark.parametrize(("kinds", "says"), [([0, 0], "normal"), ([1, 1], "anomaly")])
def test_of_one_kind_nothing_can_be_told(kinds: list[int], says: str) -> None:
    with pytest.raises(BadInput, match=f"of 2 recordings all are {says}"):
        anomalies.ranked(np.array([1, 2], np.int8), 1, 0, kinds, ["", ""], 0.5)


def test_without_groups_there_are_none() -> None:
    result = anomalies.ranked(np.array(STORED, np.int8), 0.5, -10, KINDS, [""] * 10, 2.0)
    assert result.groups == ()
    assert result.as_json()["groups"] == []


def test_the_picture_goes_through_what_the_threshold_makes() -> None:
    text = anomalies.picture(found(), "fan <& more>")
    root = ET.fromstring(text)
    space = {"svg": "http://www.w3.org/2000/svg"}
    circles = root.findall("svg:circle", space)
    curves = root.findall("svg:polyline", space)
    assert len(circles) == 3
    assert len(curves) == 4  # of all, two groups, and chance
    for circle, curve in zip(circles, curves, strict=False):
        points = {tuple(float(v) for v in p.split(",")) for p in curve.attrib["points"].split()}
        x, y = float(circle.attrib["cx"]), float(circle.attrib["cy"])
        assert _on(points, x, y)
    assert text == anomalies.picture(found(), "fan <& more>")


def _on(points: set[tuple[float, float]], x: float, y: float) -> bool:
    """Whether (x, y) lies on the line through the points, to a tenth of a pixel."""
    row = sorted(points, key=lambda point: (point[0], -point[1]))
    for (x0, y0), (x1, y1) in itertools.pairwise(row):
        inside = x0 - 0.1 <= x <= x1 + 0.1 and min(y0, y1) - 0.1 <= y <= max(y0, y1) + 0.1
        area_of = abs((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0))
        if inside and area_of <= 0.2 * (abs(x1 - x0) + abs(y1 - y0)):
            return True
    return False
