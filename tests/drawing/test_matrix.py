"""The picture of a confusion matrix: every count, every label, escaped."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from edge_deploy.drawing import matrix

SPACE = {"svg": "http://www.w3.org/2000/svg"}


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).findall("svg:text", SPACE)]


def test_counts_labels_and_what_was_found() -> None:
    counts = np.array([[7, 1], [0, 0]])
    svg = matrix.emit("title", ["<a>", "b & c"], counts, note="80 %")
    words = texts(svg)
    for word in ("title", "80 %", "<a>", "b & c", "7", "1", "87.5"):
        assert word in words
    assert "0" not in words  # an empty cell says so by being empty
    assert "100.0" not in words  # of nothing no share is found
    assert svg == matrix.emit("title", ["<a>", "b & c"], counts, note="80 %")


def test_faults_have_another_colour_than_what_is_right() -> None:
    root = ET.fromstring(matrix.emit("t", ["a", "b"], np.array([[9, 1], [0, 10]])))
    fills = [box.attrib["fill"] for box in root.findall("svg:rect", SPACE)][1:]
    right, wrong, empty, whole = fills
    assert len(set(fills)) == 4
    assert empty == "#ffffff"
    assert whole == "#0072b2"
    red, blue = (int(wrong[1:3], 16), int(wrong[5:7], 16))
    assert red > blue
    assert int(right[5:7], 16) > int(right[1:3], 16)


@pytest.mark.parametrize("count", [1, 2, 12, 40, 150])
def test_everything_stands_on_the_paper(count: int) -> None:
    names = [f"a label that is rather long {number}" for number in range(count)]
    root = ET.fromstring(matrix.emit("t" * 30, names, np.full((count, count), 12_345)))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for box in root.findall("svg:rect", SPACE)[1:]:
        assert float(box.attrib["x"]) + float(box.attrib["width"]) <= width
        assert float(box.attrib["y"]) + float(box.attrib["height"]) <= height
    for text in root.findall("svg:text", SPACE):
        assert 0 <= float(text.attrib["x"]) <= width
        assert 0 <= float(text.attrib["y"]) <= height


def test_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="2 labels"):
        matrix.emit("t", ["a", "b"], np.zeros((3, 3), np.int64))
    with pytest.raises(ValueError, match="0 labels"):
        matrix.emit("t", [], np.zeros((0, 0), np.int64))
