"""Pieces of SVG pictures: an axis with round ticks, escaped text, numbers, colours.

Knows nothing of what is drawn. What is drawn from it brings its own paper, so that it reads on a
light and on a dark page, and the same input gives the same bytes.
"""

from __future__ import annotations

import math
from html import escape

TICKS = 5
PAPER, INK, GRID = "#ffffff", "#24292f", "#d8dee4"


def head(width: int, height: int, title: str) -> str:
    """The first lines of a document, with its paper."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="system-ui, sans-serif" '
        f'font-size="12" fill="{INK}">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>'
    )


def text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    size: int = 12,
    turned: int = 0,
    halo: str = "",
) -> str:
    """Words at a place, escaped.

    turned: degrees, clockwise about that place. halo: a colour around the letters, for words on
    a pattern.
    """
    rotation = f' transform="rotate({turned} {x:.1f} {y:.1f})"' if turned else ""
    if halo:
        rotation += f' stroke="{halo}" stroke-width="4" paint-order="stroke"'
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{rotation}>'
        f"{escape(words)}</text>"
    )


def line(
    x1: float, y1: float, x2: float, y2: float, *, colour: str = GRID, dashes: str = ""
) -> str:
    """A straight line, one pixel wide."""
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashed}/>'
    )


def number(value: float) -> str:
    """Without the digits that a float's rounding adds: 0.30000000000000004 is 0.3."""
    return f"{round(value, 9):,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"


class Axis:
    """Values to places between two pixels, widened to round numbers."""

    def __init__(
        self, low: float, high: float, first: float, last: float, *, from_zero: bool = False
    ) -> None:
        span = (high - low) or abs(high) or 1.0
        self.step = _round_step(span / TICKS)
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
