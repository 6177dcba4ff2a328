"""Percentiles and scatter, by their definitions."""

import math
import random
import statistics as reference

import pytest

from edge_deploy.bench.statistics import middle, percentile, summarize


def test_hundred_values():
    values = list(range(1, 101))
    random.Random(1).shuffle(values)
    summary = summarize(values)
    assert (summary.n, summary.min, summary.max) == (100, 1, 100)
    assert (summary.p50, summary.p90, summary.p99) == (50, 90, 99)


def test_few_values_are_not_interpolated():
    summary = summarize([10, 20, 30, 1000])
    assert (summary.p50, summary.p90, summary.p99, summary.max) == (20, 1000, 1000, 1000)
    assert summarize([3, 1, 2]).p50 == 2


def test_one_value_has_no_scatter():
    summary = summarize([7])
    assert (summary.min, summary.p50, summary.p99, summary.max) == (7, 7, 7, 7)
    assert summary.cv is None
    assert not summary.noisy
    assert "cv" not in summary.as_json()


def test_equal_values_scatter_by_nothing():
    assert summarize([5, 5, 5]).cv == 0
    assert summarize([0, 0]).cv == 0
    assert summarize([-1, 1]).cv is None


def test_cv_is_the_samples():
    values = [100, 101, 99, 100, 150]
    summary = summarize(values)
    assert summary.cv == pytest.approx(reference.stdev(values) / reference.mean(values))
    assert summary.noisy
    assert not summarize([100, 101, 99]).noisy


@pytest.mark.parametrize("values", [[], [math.nan], [1, math.inf]])
def test_nothing_to_sum_up(values):
    with pytest.raises(ValueError, match="values"):
        summarize(values)


def test_percentile_is_a_value_that_enough_do_not_exceed():
    rng = random.Random(2)
    for n in range(1, 130):
        values = sorted(rng.choices(range(50), k=n))
        for percent in (1, 50, 90, 99, 100):
            value = percentile(values, percent)
            assert sum(v <= value for v in values) * 100 >= percent * n
            below = [v for v in values if v < value]
            assert len(below) * 100 < percent * n


def test_middle_is_where_the_median_stands():
    assert middle([5, 1, 3]) == 2
    assert middle([4, 1, 3, 2]) == 3  # the lower of 2 and 3
    assert middle([9, 9, 9]) == 1
    values = [random.Random(3).random() for _ in range(101)]
    assert values[middle(values)] == reference.median(values)
