"""Intervals of counted figures, against published ones."""

import pytest

from edge_deploy.intervals import poisson, wilson


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
