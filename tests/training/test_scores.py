"""Figures beside each other: which get an interval, and that it is the right one."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy import roc
from edge_deploy.intervals import wilson
from edge_deploy.training import scores
from edge_deploy.training.result import Outputs

LABELS = ("a", "b", "c")
ORIGINS = ("measured:float", "measured:int8")


def _classified(draw, n, right):
    """(targets, outputs), each (n, 3): a classifier that is right with that probability."""
    labels = draw.integers(0, 3, n)
    told = np.where(draw.random(n) < right, labels, (labels + 1) % 3)
    eye = np.eye(3, dtype=np.float32)
    return eye[labels], eye[told]


def _accuracy(targets, outputs):
    return {"accuracy": (float(np.mean(targets.argmax(1) == outputs.argmax(1))), "1")}


def test_an_accuracy_has_wilsons_interval_and_differences_are_points():
    draw = np.random.default_rng(1)
    targets, one = _classified(draw, 400, 0.9)
    other = one.copy()
    other[:4] = np.roll(targets[:4], 1, axis=1)  # four wrong for sure
    (row,) = scores.compared(_accuracy, LABELS, Outputs(targets, one, other), ORIGINS)
    right = [int((targets.argmax(1) == each.argmax(1)).sum()) for each in (one, other)]
    assert row.float_interval == wilson(right[0], 400)
    assert row.int8_interval == wilson(right[1], 400)
    assert (row.in_float.origin, row.in_int8.origin) == ORIGINS
    assert row.change == f"{100 * (right[1] - right[0]) / 400:+.2f} points"
    assert row.as_json()["int8"]["interval_95"] == list(wilson(right[1], 400))


def test_an_accuracy_of_a_recipes_own_is_drawn_anew():
    draw = np.random.default_rng(2)
    targets, outputs = _classified(draw, 900, 0.8)

    def score(wanted, told):
        hits = wanted.argmax(1) == told.argmax(1)
        shares = [hits[wanted[:, label] == 1].mean() for label in range(3)]
        return {"accuracy_balanced": (float(np.mean(shares)), "1")}

    (row,) = scores.compared(score, LABELS, Outputs(targets, outputs, outputs), ORIGINS)
    # Of classes alike in size a balanced accuracy is as sure as the plain one.
    hits = int((targets.argmax(1) == outputs.argmax(1)).sum())
    assert row.float_interval == pytest.approx(wilson(hits, 900), abs=0.006)
    assert row.float_interval == row.int8_interval  # the same outputs, the same draws
    (again,) = scores.compared(score, LABELS, Outputs(targets, outputs, outputs), ORIGINS)
    assert again == row


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_an_area_has_the_curves_interval(shape):
    draw = np.random.default_rng(3)
    kinds = np.arange(200) % 4 == 0
    values = (draw.normal(0, 1, 200) + 2 * kinds).astype(np.float32)
    curve = roc.of(values, kinds)
    targets, outputs = kinds.astype(np.float32).reshape(shape), values[:, None]

    def score(wanted, told):
        return {
            "auc": (roc.of(told.ravel(), wanted.ravel()).auc, "1"),
            "auc_pooled": (roc.of(told.ravel(), wanted.ravel()).auc, "1"),
            "rmse": (1.0, "1"),
        }

    found = scores.curves(None, ("anomaly",), targets, outputs)
    assert list(found) == ["auc"]
    both = Outputs(targets, outputs, outputs, found, found)
    rows = {row.name: row for row in scores.compared(score, ("anomaly",), both, ORIGINS)}
    assert rows["auc"].int8_interval == curve.interval
    # Drawn anew it comes out alike.
    assert rows["auc_pooled"].int8_interval == pytest.approx(curve.interval, abs=0.03)
    assert rows["rmse"].int8_interval is None
    assert rows["rmse"].change == "+0"
    assert "interval_95" not in rows["rmse"].as_json()["int8"]


def test_where_every_draw_gives_the_same_nothing_is_claimed():
    targets, outputs = _classified(np.random.default_rng(4), 30, 1.0)

    def score(wanted, told):
        return {"accuracy_of_mine": _accuracy(wanted, told)["accuracy"]}

    (row,) = scores.compared(score, LABELS, Outputs(targets, outputs, outputs), ORIGINS)
    assert (row.in_float.value, row.float_interval) == (1.0, None)


@pytest.mark.parametrize(
    ("targets", "outputs"),
    [
        (np.zeros(4), np.arange(4.0)),  # one kind alone
        (np.array([0, 1, 2, 1]), np.arange(4.0)),
        (np.array([0, 1, 0, 1]), np.array([0, np.nan, 1, 2])),
        (np.eye(2)[[0, 1, 0]], np.eye(2)[[0, 1, 0]]),
    ],
)
def test_what_is_no_anomaly_score_has_no_curve(targets, outputs):
    assert scores.curves(None, ("anomaly",), targets, outputs) == {}


def test_a_recipe_may_say_which_samples_an_area_is_of():
    kinds = np.array([0, 1, 0, 1, 0, 1])
    speed = np.array([0, 0, 0, 0, 1, 1])
    targets = np.stack([kinds, speed], axis=1)
    outputs = np.array([[0.1], [0.9], [0.3], [0.2], [0.5], [0.6]], np.float32)

    def told(wanted, values):
        slow = wanted[:, 1] == 0
        return {
            "auc": (values.ravel(), wanted[:, 0]),
            "auc_slow": (values.ravel()[slow], wanted[slow, 0]),
        }

    found = scores.curves(told, (), targets, outputs)
    assert {name: one.auc for name, one in found.items()} == {"auc": 7 / 9, "auc_slow": 3 / 4}
    assert found["auc_slow"].positives == 2
    assert scores.curves(None, (), kinds, outputs) == {}  # no label, so no anomaly
