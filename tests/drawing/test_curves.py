"""Curves as SVG: names that are long, dots, a square panel."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from edge_deploy.drawing import curves
from edge_deploy.drawing.curves import Line, Panel

SPACE = {"svg": "http://www.w3.org/2000/svg"}


def drawn(name: str, **more: object) -> ET.Element:
    line = Line(name, ((0.0, 0.0), (1.0, 1.0)), dot=(0.5, 0.5))
    return ET.fromstring(curves.emit("t", "x", [Panel("y", (line,))], **more))


@pytest.mark.parametrize("name", ["a", "a name that is rather long, and longer still"])
def test_a_name_stands_on_the_paper(name: str) -> None:
    root = drawn(name)
    (text,) = [each for each in root.findall("svg:text", SPACE) if each.text == name]
    assert float(text.attrib["x"]) + 7 * len(name) <= float(root.attrib["width"])


def test_the_panel_is_as_wide_whatever_the_names() -> None:
    plain, long = (root.find("svg:polyline", SPACE) for root in (drawn("a"), drawn("a" * 60)))
    assert plain is not None
    assert long is not None
    assert plain.attrib["points"] == long.attrib["points"]


def test_a_square_panel_and_its_dot() -> None:
    root = drawn("a", panel_height=curves.SQUARE)
    line, dot = root.find("svg:polyline", SPACE), root.find("svg:circle", SPACE)
    assert line is not None
    assert dot is not None
    (x0, y0), (x1, y1) = (
        [float(value) for value in point.split(",")] for point in line.attrib["points"].split()
    )
    assert x1 - x0 == pytest.approx(y0 - y1)
    assert float(dot.attrib["cx"]) == pytest.approx((x0 + x1) / 2)
    assert float(dot.attrib["cy"]) == pytest.approx((y0 + y1) / 2)
