"""Curves to one SVG picture: panels above each other that share their horizontal axis.

Knows numbers and words, nothing of what they mean. Every text is escaped; the same input gives
the same bytes. Drawn so that it reads on a light and on a dark page: it brings its own paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 760
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 150, 44, 46
_PANEL, _GAP = 190, 30
_TICKS = 5
_PAPER, _INK, _GRID = "#ffffff", "#24292f", "#d8dee4"
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
    """One curve. points: (x, y), in the order of x, all finite."""

    name: str
    points: tuple[tuple[float, float], ...]


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


def emit(title: str, x_label: str, panels: Sequence[Panel], *, mark: Mark | None = None) -> str:
    """The whole SVG document, ending in a newline. Raises ValueError where nothing is to draw."""
    points = [point for panel in panels for line in panel.lines for point in line.points]
    if not points or not all(math.isfinite(value) for point in points for value in point):
        raise ValueError("a picture needs points, all of them finite")
    xs = [x for x, _ in points] + ([mark.x] if mark else [])
    across = _Axis(min(xs), max(xs), _LEFT, WIDTH - _RIGHT)
    height = _TOP + len(panels) * _PANEL + (len(panels) - 1) * _GAP + _BOTTOM
    names = list(dict.fromkeys(line.name for panel in panels for line in panel.lines))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"',
        f'viewBox="0 0 {WIDTH} {height}" role="img" font-family="system-ui, sans-serif"',
        f'font-size="12" fill="{_INK}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="{_PAPER}"/>',
        _text(_LEFT, 24, title, size=15),
    ]
    for number, panel in enumerate(panels):
        top = _TOP + number * (_PANEL + _GAP)
        parts += _panel(panel, across, top, names)
    bottom = height - _BOTTOM
    for tick in across.ticks():
        parts.append(_text(across.at(tick), bottom + 18, _number(tick), anchor="middle"))
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, bottom + 38, x_label, anchor="middle"))
    if mark:
        x = across.at(mark.x)
        parts.append(
            f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom}" stroke="{_INK}" '
            'stroke-dasharray="4 4"/>'
        )
        parts.append(_text(x, _TOP - 6, mark.name, anchor="middle", size=11))
    for number, name in enumerate(names):
        y = _TOP + 10 + 20 * number
        left = WIDTH - _RIGHT + 14
        parts.append(f'<path d="M{left} {y}h24" {_stroke(number)}/>')
        parts.append(_text(left + 30, y + 4, name))
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, across: _Axis, top: float, names: list[str]) -> list[str]:
    highest = max((y for line in panel.lines for _, y in line.points), default=0.0)
    up = _Axis(0.0, highest or 1.0, top + _PANEL, top, from_zero=True)
    parts = []
    for tick in up.ticks():
        y = up.at(tick)
        parts.append(
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}" stroke="{_GRID}"/>'
        )
        parts.append(_text(_LEFT - 8, y + 4, _number(tick), anchor="end"))
    parts += [
        f'<line x1="{across.at(tick):.1f}" y1="{top:.1f}" x2="{across.at(tick):.1f}" '
        f'y2="{top + _PANEL:.1f}" stroke="{_GRID}"/>'
        for tick in across.ticks()
    ]
    middle = top + _PANEL / 2
    parts.append(
        f'<text x="18" y="{middle:.1f}" text-anchor="middle" '
        f'transform="rotate(-90 18 {middle:.1f})">{escape(panel.label)}</text>'
    )
    for line in panel.lines:
        steps = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in line.points)
        parts.append(f'<polyline points="{steps}" {_stroke(names.index(line.name))}/>')
    return parts


class _Axis:
    """Values to places between two pixels, widened to round numbers."""

    def __init__(
        self, low: float, high: float, first: float, last: float, *, from_zero: bool = False
    ) -> None:
        span = (high - low) or abs(high) or 1.0
        self.step = _round_step(span / _TICKS)
        self.low = 0.0 if from_zero else math.floor(low / self.step + 1e-9) * self.step
        self.high = max(math.ceil(high / self.step - 1e-9) * self.step, self.low + self.step)
        self.first, self.last = first, last

    def at(self, value: float) -> float:
        """The pixel of `value`."""
        return self.first + (value - self.low) / (self.high - self.low) * (self.last - self.first)

    def ticks(self) -> list[float]:
        """The round numbers from end to end."""
        count = round((self.high - self.low) / self.step)
        return [self.low + self.step * number for number in range(count + 1)]


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5, 10, ... times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * head for head in (1, 2, 5, 10) if power * head >= rough * (1 - 1e-9))


def _stroke(number: int) -> str:
    colour, dashes = _STYLES[number % len(_STYLES)]
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'fill="none" stroke="{colour}" stroke-width="2"{dashed}'


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">'
        f"{escape(text)}</text>"
    )


def _number(value: float) -> str:
    """Without the digits that a float's rounding adds: 0.30000000000000004 is 0.3."""
    return f"{round(value, 9):,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
