"""SVG of ours as PNG: the same things in the same places, and nothing else is taken."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_deploy import drawing, svg
from edge_deploy.drawing import curves, matrix, png
from edge_deploy.drawing.curves import Line, Mark, Panel
from edge_deploy.errors import UsageError

pytest.importorskip("matplotlib", reason="PNG needs the extra `train`")
Image = pytest.importorskip("PIL.Image", reason="pictures need Pillow")


def pixels(document: str) -> NDArray[np.uint8]:
    """(height, width, 3), one pixel for each of the SVG's."""
    picture = Image.open(io.BytesIO(png.encoded(document))).convert("RGB")
    assert picture.width % 2 == picture.height % 2 == 0
    return np.asarray(picture)[1::2, 1::2]


def wrapped(*pieces: str) -> str:
    return "\n".join([svg.head(80, 60, "t"), *pieces, "</svg>", ""])


def test_rectangles_and_circles_stand_where_they_are_said_to() -> None:
    found = pixels(
        wrapped(
            '<rect x="10" y="20" width="30" height="10" fill="#0072b2"/>',
            '<circle cx="60" cy="40" r="5" fill="#d55e00" stroke="#ffffff"/>',
        )
    )
    assert found.shape == (60, 80, 3)
    blue = (found == (0x00, 0x72, 0xB2)).all(axis=2)
    assert blue[20:30, 10:40].all()
    assert blue.sum() == 300
    orange = np.argwhere((found == (0xD5, 0x5E, 0x00)).all(axis=2))
    assert orange.mean(axis=0) == pytest.approx([40, 60], abs=0.8)
    assert len(orange) == pytest.approx(np.pi * 4.5**2, rel=0.25)  # its rim is white
    assert (found[0, 0] == 255).all()


def test_lines_are_solid_or_dashed_and_later_ones_lie_on_top() -> None:
    solid = '<polyline points="0,30 80,30" fill="none" stroke="#000000" stroke-width="4"/>'
    over = '<path d="M20 30h40" fill="none" stroke="#ff0000" stroke-width="4"/>'
    found = pixels(wrapped(solid, over))
    assert (found[30, 5] == 0).all()
    assert (found[30, 40] == (255, 0, 0)).all()
    dashed = solid.replace("/>", ' stroke-dasharray="8 8"/>')
    row = pixels(wrapped(dashed))[30, :, 0]
    assert 0.35 < (row < 128).mean() < 0.65
    assert np.abs(np.diff((row < 128).astype(int))).sum() >= 8


def test_text_is_turned_and_anchored() -> None:
    def dark(piece: str) -> NDArray[np.int64]:
        return np.argwhere(pixels(wrapped(piece)).mean(axis=2) < 128)

    start = dark(svg.text(40, 30, "MMM"))
    end = dark(svg.text(40, 30, "MMM", anchor="end"))
    assert start[:, 1].min() >= 39
    assert end[:, 1].max() <= 41
    assert start[:, 0].max() <= 30  # the baseline
    up = dark(svg.text(40, 30, "MMM", turned=-90))
    assert up[:, 0].max() <= 31
    assert up[:, 0].min() < 15
    assert np.ptp(up[:, 0]) > np.ptp(up[:, 1])


def test_dollars_are_no_formula() -> None:
    assert png.encoded(wrapped(svg.text(4, 30, "$a_b$ %"))) != png.encoded(wrapped())


def test_all_that_is_drawn_can_be_a_png() -> None:
    panel = Panel("y", (Line("a", ((0.0, 0.0), (1.0, 2.0)), dot=(0.5, 1.0)),))
    one = curves.emit("t", "x", [panel, panel], mark=Mark(0.5, "here"), note="n")
    other = matrix.emit("t", ["a", "b"], np.array([[9, 1], [0, 10]]), note="n")
    for document in (one, other):
        assert png.encoded(document) == png.encoded(document)
        found = pixels(document)
        assert len(np.unique(found.reshape(-1, 3), axis=0)) > 10


@pytest.mark.parametrize(
    "piece",
    [
        '<ellipse cx="1" cy="2"/>',
        '<path d="M1 2C3 4 5 6 7 8" stroke="#000000"/>',
        '<text x="1" y="2" transform="scale(2)">a</text>',
    ],
)
def test_other_svg_is_refused(piece: str) -> None:
    with pytest.raises(ValueError, match="of our pictures"):
        png.encoded(wrapped(piece))


def test_the_name_says_which() -> None:
    document = wrapped(svg.text(4, 30, "a"))
    assert drawing.encoded(document, "a.SVG") == document.encode()
    assert drawing.encoded(document, "a.png")[:4] == b"\x89PNG"
    with pytest.raises(UsageError, match=r"a\.jpg: .*\.svg or \.png"):
        drawing.encoded(document, "a.jpg")
