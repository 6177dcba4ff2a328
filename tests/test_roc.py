"""ROC curves, against their definition: every threshold tried, every pair compared."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_deploy import roc
from edge_deploy.intervals import area

SAMPLES = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=40).filter(
    lambda samples: 0 < sum(kind for _, kind in samples) < len(samples)
)


@given(SAMPLES)
def test_the_area_is_how_often_an_anomaly_scores_higher(samples):
    high = [score for score, kind in samples if kind]
    low = [score for score, kind in samples if not kind]
    wins = sum((a > b) + (a == b) / 2 for a in high for b in low)
    curve = roc.of(*zip(*samples, strict=True))
    assert curve.auc == pytest.approx(wins / (len(high) * len(low)))
    assert (curve.positives, curve.negatives) == (len(high), len(low))
    assert curve.interval == area(curve.auc, len(high), len(low))


@given(SAMPLES)
def test_every_point_is_what_its_threshold_tells(samples):
    curve = roc.of(*zip(*samples, strict=True))
    assert curve.thresholds[0] == np.inf
    assert (np.diff(curve.thresholds) < 0).all()
    assert {float(score) for score, _ in samples} == set(curve.thresholds[1:].tolist())
    for at, threshold in enumerate(curve.thresholds):
        told = [kind for score, kind in samples if score >= threshold]
        assert curve.true_positives[at] == sum(told)
        assert curve.false_positives[at] == len(told) - sum(told)


@given(SAMPLES)
def test_corners_draw_the_same_curve(samples):
    curve = roc.of(*zip(*samples, strict=True))
    few = curve.corners()
    assert few.auc == curve.auc
    every = set(zip(curve.false_positives.tolist(), curve.true_positives.tolist(), strict=True))
    kept = list(zip(few.false_positives.tolist(), few.true_positives.tolist(), strict=True))
    assert set(kept) <= every
    for (x0, y0), (x1, y1), (x2, y2) in zip(kept, kept[1:], kept[2:], strict=False):
        assert (x1 - x0) * (y2 - y1) != (x2 - x1) * (y1 - y0)


def test_a_curve_by_hand():
    curve = roc.of([3.0, 1.0, 2.0, 1.0], [True, True, False, False])
    assert curve.thresholds.tolist() == [np.inf, 3.0, 2.0, 1.0]
    assert curve.true_positives.tolist() == [0, 1, 1, 2]
    assert curve.false_positives.tolist() == [0, 0, 1, 2]
    assert curve.auc == (1 + 1 + 0 + 0.5) / 4


@pytest.mark.parametrize(
    ("scores", "anomalous", "says"),
    [
        ([1.0, 2.0], [True, True], "2 of 2 samples are anomalies"),
        ([1.0, 2.0], [False, False], "0 of 2"),
        ([1.0, float("nan")], [True, False], "no number"),
        ([1.0, 2.0], [True], "scores of"),
        ([], [], "0 of 0"),
    ],
)
def test_what_has_no_curve(scores, anomalous, says):
    with pytest.raises(ValueError, match=says):
        roc.of(scores, anomalous)
