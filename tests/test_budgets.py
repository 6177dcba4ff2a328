"""One checker for every limit: over is over, and what is not known is not called ok."""

from __future__ import annotations

import math

import pytest

from edge_deploy import budgets, labs
from edge_deploy.budgets import Check, Limit, check
from edge_deploy.quantity import Quantity


def quantity(value: float, unit: str = "B") -> Quantity:
    return Quantity(value, unit, "computed:test")


def test_at_its_limit_is_ok_and_one_more_is_over():
    found = check({"a": quantity(10), "b": quantity(11)}, {"a": 10, "b": 10})
    assert found == (
        Check("a", 10, 10, "B", "ok", "computed:test"),
        Check("b", 11, 10, "B", "over", "computed:test"),
    )


def test_what_must_be_reached_is_over_below_it():
    limit = Limit(0.9, "1", at_least=True)
    statuses = [check({"a": quantity(v, "1")}, {"a": limit})[0].status for v in (0.89, 0.9, 1.0)]
    assert statuses == ["over", "ok", "ok"]


def test_nothing_unknown_is_ok():
    absent_value, absent_limit = check({"b": quantity(1)}, {"a": Limit(5, "us"), "b": None})
    assert absent_value == Check("a", None, 5, "us", "unknown", None)
    assert absent_limit == Check("b", 1, None, "B", "unknown", "computed:test")
    assert check({"a": quantity(math.nan)}, {"a": 5})[0].status == "over"


def test_the_order_is_the_limits_and_nothing_else_is_checked():
    found = check({"c": quantity(1), "a": quantity(1)}, {"b": 1, "a": 1})
    assert [one.resource for one in found] == ["b", "a"]


def test_units_may_not_be_mixed():
    with pytest.raises(ValueError, match="in ms, its limit in us"):
        check({"latency": quantity(1, "ms")}, {"latency": Limit(1000, "us")})


def test_json_leaves_out_what_is_not_known():
    known, unknown = check({"a": quantity(1)}, {"a": 2, "b": None})
    assert known.as_json() == {
        "resource": "a",
        "value": 1,
        "limit": 2,
        "unit": "B",
        "status": "ok",
        "origin": "computed:test",
    }
    assert unknown.as_json() == {"resource": "b", "unit": "", "status": "unknown"}


def test_a_labs_budget_becomes_limits():
    assert budgets.limits({"latency_us": 100, "accuracy": 0.9}) == {
        "latency_us": Limit(100, "us"),
        "accuracy": Limit(0.9, "1", at_least=True),
    }


def test_labs_and_budgets_agree_on_what_can_be_limited():
    assert labs.BUDGETS == budgets.BUDGETS
