"""SVG of ours to PNG, by matplotlib: one drawing, two kinds of file that look alike.

Knows the pieces that `edge_deploy/svg.py` and its users write (rectangles, lines, circles, text)
and no other SVG. The same document and matplotlib give the same bytes.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
import xml.etree.ElementTree as ET
from typing import Any

from edge_deploy.errors import EdgeDeployError

_SPACE = "{http://www.w3.org/2000/svg}"
_DOTS_PER_PIXEL = 2  # sharp on a screen of today
_PIXELS_PER_INCH = 100
_POINTS = 72 / _PIXELS_PER_INCH  # of a pixel
_SIDES = {"start": "left", "middle": "center", "end": "right"}


class MatplotlibMissing(EdgeDeployError):
    """PNG cannot be drawn without matplotlib."""


def check() -> None:
    """Raise MatplotlibMissing where matplotlib is not installed."""
    try:
        import matplotlib as mpl  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        raise MatplotlibMissing(
            "PNG pictures need the Python package matplotlib, which is not installed.",
            try_next=(
                "give a name that ends in .svg",
                "pip install 'edge-deploy[train]'",
            ),
        ) from error


def encoded(svg: str) -> bytes:
    """The PNG of a document. Raises MatplotlibMissing; ValueError for SVG that is not ours."""
    check()
    # It tells at length that it looks for fonts.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib import style

    with style.context("default", after_reset=True), warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box.
        warnings.simplefilter("ignore", UserWarning)
        return _encoded(ET.fromstring(svg))  # noqa: S314 (our own text)


def _encoded(root: ET.Element) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = (float(root.attrib[side]) for side in ("width", "height"))
    figure = Figure(
        (width / _PIXELS_PER_INCH, height / _PIXELS_PER_INCH),
        dpi=_DOTS_PER_PIXEL * _PIXELS_PER_INCH,
    )
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    ink = root.attrib["fill"]
    for order, piece in enumerate(root):
        _draw(axes, piece, order, ink)
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def _draw(axes: Any, piece: ET.Element, order: int, ink: str) -> None:  # noqa: ANN401
    """Add one piece to matplotlib's axes, above those before it."""
    given = piece.attrib
    match piece.tag.removeprefix(_SPACE):
        case "title":
            pass
        case "rect":
            from matplotlib.patches import Rectangle

            axes.add_patch(
                Rectangle(
                    _at(given, "x", "y") if "x" in given else (0.0, 0.0),
                    *_at(given, "width", "height"),
                    facecolor=given["fill"],
                    edgecolor=given.get("stroke", "none"),
                    linewidth=_POINTS,
                    zorder=order,
                )
            )
        case "circle":
            from matplotlib.patches import Circle

            axes.add_patch(
                Circle(
                    _at(given, "cx", "cy"),
                    float(given["r"]),
                    facecolor=given["fill"],
                    edgecolor=given.get("stroke", "none"),
                    linewidth=_POINTS,
                    zorder=order,
                )
            )
        case "line":
            _stroke(axes, given, [_at(given, "x1", "y1"), _at(given, "x2", "y2")], order)
        case "polyline":
            points = [point.split(",") for point in given["points"].split()]
            _stroke(axes, given, [(float(x), float(y)) for x, y in points], order)
        case "path":
            _stroke(axes, given, _dash(given["d"]), order)
        case "text":
            _write(axes, piece, order, ink)
        case other:
            raise ValueError(f"<{other}> is no piece of our pictures")


def _at(given: dict[str, str], x: str, y: str) -> tuple[float, float]:
    return float(given[x]), float(given[y])


def _dash(path: str) -> list[tuple[float, float]]:
    """The only path of ours: `M x y h dx`, the piece of a line in a legend."""
    found = re.fullmatch(r"M(-?[\d.]+) (-?[\d.]+)h(-?[\d.]+)", path)
    if found is None:
        raise ValueError(f"{path!r} is no path of our pictures")
    x, y, dx = (float(number) for number in found.groups())
    return [(x, y), (x + dx, y)]


def _stroke(
    axes: Any,  # noqa: ANN401
    given: dict[str, str],
    points: list[tuple[float, float]],
    order: int,
) -> None:
    wide = float(given.get("stroke-width", 1))
    dashes = [float(length) / wide for length in given.get("stroke-dasharray", "").split()]
    axes.plot(
        *zip(*points, strict=True),
        color=given["stroke"],
        linewidth=wide * _POINTS,
        linestyle=(0, dashes) if dashes else "solid",
        dash_capstyle="butt",
        zorder=order,
    )


def _write(axes: Any, piece: ET.Element, order: int, ink: str) -> None:  # noqa: ANN401
    from matplotlib.patheffects import Normal, Stroke

    given = piece.attrib
    turned = re.match(r"rotate\((-?[\d.]+) ", given.get("transform", "rotate(0 "))
    if turned is None:
        raise ValueError(f"{given['transform']!r} is no turn of our pictures")
    written = axes.text(
        *_at(given, "x", "y"),
        piece.text or "",
        color=given.get("fill", ink),
        fontsize=float(given.get("font-size", 12)) * _POINTS,
        horizontalalignment=_SIDES[given.get("text-anchor", "start")],
        verticalalignment="baseline",
        rotation=-float(turned[1]),
        rotation_mode="anchor",
        parse_math=False,
        zorder=order,
    )
    if "stroke" in given:
        halo = Stroke(linewidth=float(given["stroke-width"]) * _POINTS, foreground=given["stroke"])
        written.set_path_effects([halo, Normal()])
