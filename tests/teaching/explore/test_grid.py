"""Which points of all that knobs allow: the telling ones first, each once."""

from __future__ import annotations

import pytest

from edge_deploy.errors import UsageError
from edge_deploy.teaching.explore import grid
from edge_deploy.training.recipe import Knob

KNOBS = (
    Knob("width", "", (0.5, 1.0, 2.0), default=1.0),
    Knob("depth", "", (1, 2, 3, 4), default=3),
    Knob("kind", "", ("a", "b"), default="b"),
)


def places(**words):
    found = grid.points(
        KNOBS, words.pop("values", {}), words.pop("count", 99), words.pop("seed", 1)
    )
    return [tuple(point.values()) for point in found]


def test_the_lab_itself_comes_first_then_the_ends_then_one_knob_at_a_time():
    assert places(count=9) == [
        (1.0, 3, "b"),
        (0.5, 1, "a"),
        (2.0, 4, "b"),
        (0.5, 3, "b"),
        (1.0, 1, "b"),
        (1.0, 3, "a"),
        (1.0, 2, "b"),
        (2.0, 3, "b"),
        (1.0, 4, "b"),
    ]


def test_all_points_come_once_and_a_shorter_search_is_the_beginning_of_a_longer_one():
    every = places()
    assert len(every) == len(set(every)) == 3 * 4 * 2
    assert places(count=12) == every[:12]
    assert places(seed=2) != every
    assert sorted(places(seed=2)) == sorted(every)


def test_other_values_of_a_knob_take_the_place_of_its_own():
    found = places(values={"width": (3.0, 4.0, 5.0), "kind": ("a",)})
    assert {width for width, _, _ in found} == {3.0, 4.0, 5.0}
    assert {kind for _, _, kind in found} == {"a"}
    # Its default is not among them: the one in the middle stands in.
    assert found[0] == (4.0, 3, "a")


def test_more_points_than_can_be_drawn_from_are_told():
    many = (Knob("one", "", tuple(range(400)), 0), Knob("two", "", tuple(range(300)), 0))
    with pytest.raises(UsageError, match="120,000 points together; at most 100,000"):
        grid.points(many, {}, 5, 1)


def test_values_are_read_in_the_knobs_own_type():
    found = grid.asked(("width=0.5, 3", "depth=7,7,8", "kind=c"), KNOBS)
    assert found == {"width": (0.5, 3.0), "depth": (7, 8), "kind": ("c",)}
    assert [type(value) for value in found["width"]] == [float, float]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("width", "is not NAME=VALUE,VALUE with one of width, depth, kind"),
        ("height=3", "is not NAME=VALUE,VALUE with one of width"),
        ("depth=1.5", "'1.5' is not of the knob's type, int"),
        ("width=nan", "'nan' is not of the knob's type, float"),
        ("width=1,,2", "'' is not of the knob's type, float"),
    ],
)
def test_a_word_that_does_not_fit_is_told(word, message):
    with pytest.raises(UsageError, match=message):
        grid.asked((word,), KNOBS)
