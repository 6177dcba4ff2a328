"""Points to one SVG picture: how good they are against what they cost, in panels side by side.

Knows numbers and words, nothing of how points are made. Every text is escaped; the same input
gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from edge_deploy import svg

WIDTH = 1060
_LEFT, _GAP, _TOP, _PANEL_WIDTH, _PANEL = 74, 84, 64, 430, 340
_ROW = 17
# Okabe and Ito's blue and vermilion, which people with any colour vision tell apart.
_FRONT, _OWN, _OTHER, _LIMIT = "#0072b2", "#d55e00", "#8c959f", "#cc79a7"
_RADIUS = 4.5
# A limit so many times beyond the dearest point is told in words, not drawn.
_NEAR = 1.6


@dataclass(frozen=True)
class Dot:
    """One point. number: as in the table. costs: by panel; good: up is better.

    low, high: its 95 % interval, where there is one. own: the lab's own network.
    """

    number: int
    name: str
    costs: Mapping[str, float]
    good: float
    low: float | None = None
    high: float | None = None
    own: bool = False


@dataclass(frozen=True)
class Panel:
    """One cost across. front: numbers of the dots that nobody beats, by rising cost.

    limits: (value, what it is), marked where the axis reaches, otherwise told below it.
    """

    cost: str
    label: str
    front: tuple[int, ...]
    limits: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Up:
    """The axis of what is good. percent: shares as percentages. least: less is better, and up."""

    label: str
    percent: bool = False
    least: bool = False
    limits: tuple[tuple[float, str], ...] = ()


def emit(
    title: str,
    dots: Sequence[Dot],
    panels: Sequence[Panel],
    up: Up,
    *,
    failed: Sequence[tuple[int, str]] = (),
    captions: Iterable[str] = (),
) -> str:
    """The whole SVG document, ending in a newline. Raises ValueError where nothing is to draw.

    dots: listed in that order. failed: number and words of points that have no dot.
    """
    values = [value for dot in dots for value in (dot.good, *dot.costs.values())]
    if not dots or not all(map(math.isfinite, values)):
        raise ValueError("a picture needs points, all of them finite")
    captions = list(captions)
    listed = [(str(dot.number), dot.name) for dot in dots]
    listed += [(str(number), words) for number, words in failed]
    half = -(-len(listed) // 2)
    list_top = _TOP + _PANEL + 78
    height = list_top + _ROW * half + 16 + _ROW * len(captions) + 8
    parts = [svg.head(WIDTH, height, title), svg.text(_LEFT, 26, title, size=15)]
    parts.append(_key(_LEFT, 46))
    heights = _heights(dots, up)
    for number, panel in enumerate(panels):
        left = _LEFT + number * (_PANEL_WIDTH + _GAP)
        parts += _panel(panel, dots, up, heights, left, names=number == 0)
    for place, (said, name) in enumerate(listed):
        column, row = divmod(place, half)
        x, y = _LEFT + column * (_PANEL_WIDTH + _GAP), list_top + _ROW * row
        parts.append(svg.text(x + 18, y, said, anchor="end", size=11))
        parts.append(svg.text(x + 26, y, name, size=11))
    for number, words in enumerate(captions):
        y = list_top + _ROW * (half + number) + 10
        parts.append(svg.text(_LEFT, y, words, size=11))
    return "\n".join([*parts, "</svg>", ""])


def _key(x: float, y: float) -> str:
    """What the marks mean, in one line."""
    entries = (
        (_FRONT, "nobody cheaper is better"),
        (_OTHER, "another one beats it"),
        (_OWN, "ring: the lab's own network"),
    )
    parts = []
    for colour, words in entries:
        own = colour == _OWN
        parts.append(_ring(x, y - 4) if own else _disc(x, y - 4, colour))
        parts.append(svg.text(x + (16 if own else 12), y, words, size=11))
        x += 44 + 6.2 * len(words)
    parts.append(svg.line(x - 6, y - 4, x + 14, y - 4, colour=_LIMIT, dashes="5 3"))
    parts.append(svg.text(x + 20, y, "limit", size=11))
    return "\n".join(parts)


def _disc(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}" fill="{colour}"/>'


def _ring(x: float, y: float) -> str:
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS + 3.5}" fill="none" stroke="{_OWN}" '
        'stroke-width="2"/>'
    )


def _heights(dots: Sequence[Dot], up: Up) -> svg.Axis:
    scale = 100.0 if up.percent else 1.0
    values = [
        scale * value
        for dot in dots
        for value in (dot.good, dot.low, dot.high)
        if value is not None
    ]
    values += [scale * value for value, _ in up.limits]
    low, high = min(values), max(values)
    first, last = _TOP + _PANEL, _TOP
    # Where less is better the axis is turned over: up and left is good in every picture.
    ends = (last, first) if up.least else (first, last)
    return svg.Axis(low, high, float(ends[0]), float(ends[1]))


def _panel(
    panel: Panel, dots: Sequence[Dot], up: Up, heights: svg.Axis, left: float, *, names: bool
) -> list[str]:
    scale = 100.0 if up.percent else 1.0
    right, bottom = left + _PANEL_WIDTH, _TOP + _PANEL
    here = [dot for dot in dots if panel.cost in dot.costs]
    costs = [dot.costs[panel.cost] for dot in here] or [1.0]
    near = [(value, words) for value, words in panel.limits if value <= _NEAR * max(costs)]
    across = _across([*costs, *(value for value, _ in near)], left, right)
    parts = []
    for tick in heights.ticks():
        y = heights.at(tick)
        parts.append(svg.line(left, y, right, y))
        words = svg.number(tick) + (" %" if up.percent else "")
        parts.append(svg.text(left - 8, y + 4, words, anchor="end", size=11))
    for tick in across.ticks():
        x = across.at(tick)
        parts.append(svg.line(x, _TOP, x, bottom))
        parts.append(svg.text(x, bottom + 17, svg.number(tick), anchor="middle", size=11))
    parts.append(svg.text((left + right) / 2, bottom + 38, panel.label, anchor="middle"))
    if names:
        middle = (_TOP + bottom) / 2
        parts.append(svg.text(20, middle, up.label, anchor="middle", turned=-90))
    far = [words for value, words in panel.limits if (value, words) not in near]
    if far:
        said = f"further right: {'; '.join(far)}"
        parts.append(svg.text((left + right) / 2, bottom + 54, said, anchor="middle", size=11))
    parts += _limits(near, up, across, heights, (left, right, float(_TOP), bottom))

    spots = {
        dot.number: (across.at(dot.costs[panel.cost]), heights.at(scale * dot.good)) for dot in here
    }
    steps = _steps([spots[number] for number in panel.front], right)
    parts.append(f'<polyline points="{steps}" fill="none" stroke="{_FRONT}" stroke-width="1.5"/>')
    for dot in here:
        x, y = spots[dot.number]
        colour = _FRONT if dot.number in panel.front else _OTHER
        if dot.low is not None and dot.high is not None:
            ends = (heights.at(scale * dot.low), heights.at(scale * dot.high))
            parts.append(svg.line(x, ends[0], x, ends[1], colour=colour))
        parts.append(_disc(x, y, colour))
        if dot.own:
            parts.append(_ring(x, y))
    parts += _numbers(here, spots, panel.front, (left, right, _TOP, bottom))
    return parts


def _steps(front: Sequence[tuple[float, float]], right: float) -> str:
    """The front as stairs: between two points nothing better than the left one is known."""
    places: list[tuple[float, float]] = []
    for x, y in front:
        if places:
            places.append((x, places[-1][1]))
        places.append((x, y))
    if places:
        places.append((right, places[-1][1]))
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _across(values: Sequence[float], left: float, right: float) -> svg.Axis:
    """From 0, unless all values are far from it; with room beside the last."""
    low, high = min(values), max(values)
    room = 0.03 * high
    if low > high / 2:
        return svg.Axis(low - room, high + room, left, right)
    return svg.Axis(0.0, high + room, left, right, from_zero=True)


def _limits(
    near: Sequence[tuple[float, str]],
    up: Up,
    across: svg.Axis,
    heights: svg.Axis,
    frame: tuple[float, float, float, float],
) -> list[str]:
    left, right, top, bottom = frame
    parts = []
    for number, (value, words) in enumerate(near):
        x = across.at(value)
        parts.append(svg.line(x, top, x, bottom, colour=_LIMIT, dashes="5 3"))
        y = bottom - 10 - 14 * number
        parts.append(svg.text(x - 5, y, words, anchor="end", size=11, halo=svg.PAPER))
    for value, words in up.limits:
        y = heights.at(value * (100.0 if up.percent else 1.0))
        parts.append(svg.line(left, y, right, y, colour=_LIMIT, dashes="5 3"))
        parts.append(svg.text(left + 6, y - 5, words, size=11, halo=svg.PAPER))
    return parts


def _numbers(
    dots: Sequence[Dot],
    spots: Mapping[int, tuple[float, float]],
    front: Sequence[int],
    frame: tuple[float, float, float, float],
) -> list[str]:
    """Each dot's number beside it, where no other dot or number is; those of the front first."""
    left, right, top, bottom = frame
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in spots.values()]
    parts = []
    for dot in sorted(dots, key=lambda dot: (dot.number not in front, dot.number)):
        x, y = spots[dot.number]
        words = str(dot.number)
        wide = 7.0 * len(words)
        chosen = None
        for far in range(0, 100, 12):
            for dx, dy in _AROUND:
                box_x = x + dx * (8 + far) - (wide if dx < 0 else 0 if dx > 0 else wide / 2)
                box_y = y + dy * (10 + far) + 4
                box = (box_x - 1, box_y - 10, box_x + wide + 1, box_y + 1)
                inside = left < box[0] and box[2] < right and top < box[1] and box[3] < bottom
                if inside and not any(_overlap(box, other) for other in taken):
                    chosen = (box_x, box_y, box)
                    break
            if chosen:
                break
        if chosen is None:
            chosen = (x + 8, y + 4, (x + 7, y - 6, x + 9 + wide, y + 5))
        taken.append(chosen[2])
        parts.append(svg.text(chosen[0], chosen[1], words, size=11, halo=svg.PAPER))
    return parts


# Above to the left first: the front's stairs go to the right of and below a point.
_AROUND = ((-1, -1), (0, -1), (-1, 0), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1))


def _overlap(
    one: tuple[float, float, float, float], two: tuple[float, float, float, float]
) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]
