"""Curves to one SVG picture: panels above each other that share their horizontal axis.

Knows numbers and words, nothing of what they mean. Every text is escaped; the same input gives
the same bytes. Drawn so that it reads on a light and on a dark page: it brings its own paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edge_deploy import svg

WIDTH = 760
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 150, 44, 46
_PANEL, _GAP, _NOTE = 190, 30, 18
# Beside a panel: what stands before a name, and a letter of it, nearly.
_LEGEND, _LETTER = 52, 7.2
SQUARE = WIDTH - _LEFT - _RIGHT  # a panel as high as it is wide
# Okabe and Ito's colours, which people with any colour vision tell apart; and dashes, for print.
_STYLES = (
    ("#0072b2", ""),
    ("#d55e00", "7 3"),
    ("#009e73", "2 3"),
    ("#cc79a7", "9 3 2 3"),
    ("#e69f00", "1 2"),
    ("#56b4e9", "5 5"),
)


@dataclass(frozen=True)
class Line:
    """One curve. points: (x, y), in the order of x, all finite. dot: a point to be seen."""

    name: str
    points: tuple[tuple[float, float], ...]
    dot: tuple[float, float] | None = None


@dataclass(frozen=True)
class Panel:
    """One vertical axis, from 0, and its curves; those of the same name look alike everywhere."""

    label: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Mark:
    """A vertical line across all panels."""

    x: float
    name: str


def emit(
    title: str,
    x_label: str,
    panels: Sequence[Panel],
    *,
    mark: Mark | None = None,
    note: str = "",
    panel_height: int = _PANEL,
) -> str:
    """The whole SVG document, ending in a newline. note: a line below the title.

    Raises ValueError where nothing is to draw.
    """
    points = [point for panel in panels for line in panel.lines for point in line.points]
    if not points or not all(math.isfinite(value) for point in points for value in point):
        raise ValueError("a picture needs points, all of them finite")
    xs = [x for x, _ in points] + ([mark.x] if mark else [])
    across = svg.Axis(min(xs), max(xs), _LEFT, WIDTH - _RIGHT)
    first = _TOP + (_NOTE if note else 0)
    height = first + len(panels) * panel_height + (len(panels) - 1) * _GAP + _BOTTOM
    names = list(dict.fromkeys(line.name for panel in panels for line in panel.lines))
    beside = _LEGEND + _LETTER * max(len(name) for name in names)
    width = WIDTH + max(0, math.ceil(beside) - _RIGHT)
    parts = [svg.head(width, height, title), svg.text(_LEFT, 24, title, size=15)]
    if note:
        parts.append(svg.text(_LEFT, 42, note))
    for number, panel in enumerate(panels):
        top = first + number * (panel_height + _GAP)
        parts += _panel(panel, across, top, panel_height, names)
    bottom = height - _BOTTOM
    for tick in across.ticks():
        parts.append(svg.text(across.at(tick), bottom + 18, svg.number(tick), anchor="middle"))
    parts.append(svg.text((_LEFT + WIDTH - _RIGHT) / 2, bottom + 38, x_label, anchor="middle"))
    if mark:
        x = across.at(mark.x)
        parts.append(svg.line(x, first, x, bottom, colour=svg.INK, dashes="4 4"))
        parts.append(svg.text(x, first - 6, mark.name, anchor="middle", size=11))
    for number, name in enumerate(names):
        y = first + 10 + 20 * number
        left = WIDTH - _RIGHT + 14
        parts.append(f'<path d="M{left} {y}h24" {_stroke(number)}/>')
        parts.append(svg.text(left + 30, y + 4, name))
    return "\n".join([*parts, "</svg>", ""])


def _panel(
    panel: Panel, across: svg.Axis, top: float, height: float, names: list[str]
) -> list[str]:
    highest = max((y for line in panel.lines for _, y in line.points), default=0.0)
    up = svg.Axis(0.0, highest or 1.0, top + height, top, from_zero=True)
    parts = []
    for tick in up.ticks():
        y = up.at(tick)
        parts.append(svg.line(_LEFT, y, WIDTH - _RIGHT, y))
        parts.append(svg.text(_LEFT - 8, y + 4, svg.number(tick), anchor="end"))
    for tick in across.ticks():
        x = across.at(tick)
        parts.append(svg.line(x, top, x, top + height))
    middle = top + height / 2
    parts.append(svg.text(18, middle, panel.label, anchor="middle", turned=-90))
    for line in panel.lines:
        steps = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in line.points)
        parts.append(f'<polyline points="{steps}" {_stroke(names.index(line.name))}/>')
        if line.dot is not None:
            colour = _STYLES[names.index(line.name) % len(_STYLES)][0]
            x, y = across.at(line.dot[0]), up.at(line.dot[1])
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}" stroke="{svg.PAPER}"/>'
            )
    return parts


def _stroke(number: int) -> str:
    colour, dashes = _STYLES[number % len(_STYLES)]
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'fill="none" stroke="{colour}" stroke-width="2"{dashed}'
