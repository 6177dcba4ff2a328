"""Intervals of counted figures, against published ones."""

import numpy as np
import pytest

from edge_deploy.intervals import area, poisson, wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson(successes, n, low, high):
    found = wilson(successes, n)
    assert found == pytest.approx((low, high), abs=5e-5)
    mirrored = wilson(n - successes, n)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_wilson_of_nothing_is_everything():
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [
        # The exact limits that textbooks tabulate (K. Ulm, Am. J. Epidemiology 131, 1990).
        (0, 0.0, 3.689),
        (1, 0.0253, 5.572),
        (2, 0.242, 7.225),
        (5, 1.623, 11.668),
        (10, 4.795, 18.390),
        (100, 81.364, 121.627),
    ],
)
def test_poisson(count, low, high):
    assert poisson(count) == pytest.approx((low, high), abs=6e-4)


def test_poisson_of_many():
    low, high = poisson(10_000)
    assert (low, high) == pytest.approx((9_805, 10_198), abs=2)
    with pytest.raises(ValueError, match="-1"):
        poisson(-1)


@pytest.mark.parametrize(
    ("auc", "positives", "negatives"),
    [(0.5, 10, 10), (0.92, 20, 30), (1.0, 20, 20), (0.99, 300, 40)],
)
def test_an_area_ends_where_its_spread_just_reaches(auc, positives, negatives):
    # Newcombe (2006), method 5: (seen - area)^2 = z^2 V(area) at both ends, with the mean of the
    # sample sizes in Hanley and McNeil's V.
    mean = (positives + negatives) / 2 - 1
    for end in area(auc, positives, negatives):
        bulge = 1 + mean * (1 - end) / (2 - end) + mean * end / (1 + end)
        variance = end * (1 - end) * bulge / (positives * negatives)
        assert (auc - end) ** 2 == pytest.approx(1.959963984540054**2 * variance, abs=1e-12)


def test_an_area_mirrored():
    low, high = area(0.9, 30, 30)
    assert area(0.1, 30, 30) == pytest.approx((1 - high, 1 - low))


def test_all_told_apart_is_not_certain():
    low, high = area(1.0, 20, 20)
    assert (low, high) == pytest.approx((0.8987, 1.0), abs=1e-4)
    for wrong in ((1.1, 1, 1), (0.5, 0, 1), (0.5, 1, 0)):
        with pytest.raises(ValueError, match="an area of"):
            area(*wrong)


@pytest.mark.parametrize("apart", [1.0, 2.33, 3.3])
def test_an_interval_holds_the_true_area(apart):
    # Two normal distributions so far apart: areas of 0.76, 0.95 and 0.99.
    draw = np.random.default_rng(3)
    scores = draw.normal(apart, 1, (600, 40)), draw.normal(0, 1, (600, 60))
    wins = (scores[0][:, :, None] > scores[1][:, None, :]).mean((1, 2))
    true = float((draw.normal(apart, 1, 1_000_000) > draw.normal(0, 1, 1_000_000)).mean())
    held = [low <= true <= high for low, high in (area(float(seen), 40, 60) for seen in wins)]
    assert np.mean(held) >= 0.94
