"""The picture: what is in it and where it stands; nothing from outside reaches it unescaped."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET

import pytest

from edge_deploy.teaching.explore import picture
from edge_deploy.teaching.explore.picture import Dot, Panel, Up

SVG = "{http://www.w3.org/2000/svg}"
DOTS = (
    Dot(1, "the lab's own", {"cycles": 900, "flash": 50}, 0.9, 0.86, 0.93, own=True),
    Dot(2, "width <b>&", {"cycles": 300, "flash": 40}, 0.7, 0.65, 0.75),
    Dot(4, "width 3", {"cycles": 800, "flash": 60}, 0.6),
)
PANELS = (
    Panel("cycles", "cycles", (2, 1), ((1000, "budget"), (99_000, "the board's"))),
    Panel("flash", "flash bytes", (2, 1)),
)


def drawn(dots=DOTS, panels=PANELS, up=None, **words):
    return picture.emit("kws", dots, panels, up or Up("accuracy", percent=True), **words)


def test_every_point_the_front_and_the_limits_are_there():
    text = drawn(failed=((3, "width 9: OverBudget"),), captions=["cycles: modelled:cortex_m4"])
    tree = ET.fromstring(text)
    words = [element.text for element in tree.iter(f"{SVG}text")]
    for expected in (
        *("1", "2", "4", "3", "the lab's own", "width <b>&", "width 3", "width 9: OverBudget"),
        *("budget", "further right: the board's", "cycles: modelled:cortex_m4", "90 %"),
    ):
        assert expected in words
    # Three discs in each of two panels, two in the key; a ring in each, and one in the key.
    circles = list(tree.iter(f"{SVG}circle"))
    assert sum(circle.get("fill") != "none" for circle in circles) == 3 * 2 + 2
    assert sum(circle.get("fill") == "none" for circle in circles) == 2 + 1
    assert len(list(tree.iter(f"{SVG}polyline"))) == 2
    assert drawn() == drawn()


def heights(up):
    """Pixels down of the three dots in the first panel."""
    found = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="4.5" fill="#\w+"/>', drawn(up=up))
    return [float(y) for _, y in found[2:5]]


def test_up_is_good_whether_more_or_less_is():
    more, less = heights(Up("accuracy")), heights(Up("rmse", least=True))
    assert more[0] < more[1] < more[2]
    assert less[0] > less[1] > less[2]


def test_all_places_are_inside_the_picture_and_numbers_beside_each_other():
    crowd = [
        Dot(n, f"width {n}", {"cycles": 100 + n % 3, "flash": 40}, 0.9 + 0.001 * (n % 2))
        for n in range(1, 13)
    ]
    text = drawn(crowd, [Panel("cycles", "cycles", (1,)), Panel("flash", "flash", (1,))])
    tree = ET.fromstring(text)
    width, height = float(tree.get("width")), float(tree.get("height"))
    places = {}
    for element in tree.iter(f"{SVG}text"):
        x, y = float(element.get("x")), float(element.get("y"))
        assert 0 <= x <= width
        assert 0 <= y <= height
        places.setdefault((x, y), []).append(element.text)
    assert all(len(words) == 1 for words in places.values())


@pytest.mark.parametrize(
    ("costs", "from_zero"), [((1000, 1010, 1030), False), ((100, 800, 1000), True)]
)
def test_points_that_cost_about_the_same_are_spread_and_none_is_on_the_border(costs, from_zero):
    dots = [Dot(n, "", {"cycles": cost}, 0.1 * n) for n, cost in enumerate(costs, 1)]
    tree = ET.fromstring(drawn(dots, [Panel("cycles", "cycles", (1,))]))
    xs = [float(one.get("cx")) for one in tree.iter(f"{SVG}circle") if one.get("fill") != "none"]
    xs = xs[2:]  # those of the key come first
    # The front's stairs end at the border.
    right = float(tree.find(f"{SVG}polyline").get("points").split()[-1].partition(",")[0])
    assert max(xs) - min(xs) > 100
    assert max(xs) < right - 5
    words = [element.text for element in tree.iter(f"{SVG}text")]
    assert (words.count("0") > 0) == from_zero


@pytest.mark.parametrize("dots", [(), (Dot(1, "", {"cycles": math.nan}, 0.5),)])
def test_nothing_to_draw_is_told(dots):
    with pytest.raises(ValueError, match="needs points, all of them finite"):
        drawn(dots)
