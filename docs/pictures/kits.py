"""Draws the pictures of the kits from kits/*/kit.yaml: python docs/pictures/kits.py.

Writes `wiring.svg` (the board, its pins and parts) and `power.svg` (a meter in its supply) beside
each kit.yaml. The same files give the same bytes. Not to scale.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from html import escape

from edge_deploy import boards, kits, svg
from edge_deploy.kits import Kit, Part

POWER, GROUND, BUS, DATA, FAINT = "#cf222e", "#24292f", "#0969da", "#1a7f37", "#57606a"
BOARD, PLUGGED, BOX = "#eef4fb", "#f3f6ec", "#ffffff"
_BUS_PINS = ("SDA", "SCL")
_POWER_PINS = ("5V", "3V3", "VIN", "VUSB")

PIN_STEP = 30
LINE = 15
LINE_CHARACTERS = 50
BOX_WIDTH = 310
PANEL_WIDTH = BOX_WIDTH + 40
MARGIN = 30
LABELS = 105  # for the names of pins, on either side of the board


def main() -> None:
    """Draw all."""
    for kit in kits.load_all():
        for name, picture in pictures(kit).items():
            (kit.folder / name).write_text(picture, encoding="utf-8", newline="\n")


def pictures(kit: Kit) -> dict[str, str]:
    """The documents of a kit by file name."""
    return {"wiring.svg": wiring(kit), "power.svg": power(kit)}


# -- the board and its parts ------------------------------------------------------------------


def wiring(kit: Kit) -> str:
    """The board with its header, and beside it what can be plugged on."""
    title = boards.load(kit.board).title
    carriers = list(dict.fromkeys(part.carrier for part in kit.parts))
    panels = {on: [part for part in kit.parts if part.carrier == on] for on in carriers}
    heights = {on: _stack_height(parts, kit) + 60 for on, parts in panels.items()}
    board_height = max(heights[kits.ITSELF], len(kit.header.left) * PIN_STEP + 30)
    plugged = [on for on in carriers if on != kits.ITSELF]
    beside = sum(heights[on] + MARGIN for on in plugged)
    height = max(board_height, beside) + 160
    left = MARGIN + LABELS
    right = left + PANEL_WIDTH + LABELS + MARGIN
    lines = [
        svg.head(right + PANEL_WIDTH + MARGIN, height, f"{title}: pins and parts"),
        svg.text(MARGIN, 30, f"{title}: pins and parts", size=18),
        svg.text(MARGIN, 50, "from above, USB at the top; not to scale", size=12),
        *_usb(left + PANEL_WIDTH / 2, 62),
        *_panel(left, 80, board_height, panels[kits.ITSELF], title, BOARD, kit),
        *_header(kit, left, 80 + 30, board_height - 60),
    ]
    top = 80
    for on in plugged:
        words = f"{on}, plugged on"
        lines += _panel(right, top, heights[on], panels[on], words, PLUGGED, kit)
        top += heights[on] + MARGIN
    lines += _legend(MARGIN, height - 42)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _panel(
    x: float, y: float, height: float, parts: Sequence[Part], title: str, fill: str, kit: Kit
) -> list[str]:
    """A circuit board with its parts one below the other, those on I2C on one line."""
    lines = [_box(x, y, PANEL_WIDTH, height, fill=fill, stroke=FAINT, radius=8)]
    lines.append(svg.text(x + PANEL_WIDTH / 2, y + 22, title, anchor="middle", size=13))
    on_bus: list[float] = []
    at = y + 40
    for part in sorted(parts, key=lambda part: part.bus == "i2c"):
        tall = _box_height(part, kit)
        if part.bus == "i2c":
            on_bus.append(at + tall / 2)
            lines.append(_wire([(x + 14, at + tall / 2), (x + 28, at + tall / 2)], BUS))
        lines.append(_box(x + 28, at, BOX_WIDTH, tall, fill=BOX, stroke=FAINT, radius=4))
        lines.append(svg.text(x + 36, at + 17, part.name, size=13))
        lines.append(svg.text(x + 30 + BOX_WIDTH - 8, at + 17, part.kind, anchor="end", size=11))
        for number, words in enumerate(_words(part, kit)):
            lines.append(svg.text(x + 36, at + 33 + number * LINE, words, size=11))
        at += tall + 8
    if on_bus:
        lines.append(_wire([(x + 14, on_bus[0]), (x + 14, on_bus[-1])], BUS))
    return lines


def _words(part: Part, kit: Kit) -> list[str]:
    """What stands in a part's box below its name."""
    found = textwrap.wrap(part.where, LINE_CHARACTERS)
    if part.variants != kit.variants:
        found.append("variants: " + ", ".join(part.variants))
    return found


def _box_height(part: Part, kit: Kit) -> float:
    return 24 + LINE * len(_words(part, kit))


def _stack_height(parts: Sequence[Part], kit: Kit) -> int:
    return round(sum(_box_height(part, kit) + 8 for part in parts))


def _header(kit: Kit, left: float, top: float, height: float) -> list[str]:
    """The pins of both sides, as they are printed on the board."""
    lines = []
    step = height / (len(kit.header.left) - 1)
    for x, side, pins in (
        (left, -1, kit.header.left),
        (left + PANEL_WIDTH, 1, kit.header.right),
    ):
        for number, pin in enumerate(pins):
            y = top + number * step
            lines.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7" fill="{_colour(pin)}" '
                f'stroke="{svg.PAPER}" stroke-width="2"/>'
            )
            anchor = "end" if side < 0 else "start"
            lines.append(svg.text(x + side * 14, y + 4, pin, anchor=anchor))
    return lines


def _colour(pin: str) -> str:
    if pin == "GND":
        return GROUND
    if pin in _POWER_PINS:
        return POWER
    return BUS if any(word in pin for word in _BUS_PINS) else "#8c959f"


def _legend(x: float, y: float) -> list[str]:
    lines = []
    for colour, words in (
        (POWER, "power"),
        (GROUND, "ground"),
        (BUS, "I2C"),
        ("#8c959f", "other pin"),
    ):
        lines.append(f'<circle cx="{x + 6:.1f}" cy="{y:.1f}" r="6" fill="{colour}"/>')
        lines.append(svg.text(x + 18, y + 4, words))
        x += 90
    return lines


def _usb(x: float, y: float) -> list[str]:
    return [
        _box(x - 32, y, 64, 22, fill="#d0d7de", stroke=FAINT, radius=3),
        svg.text(x, y + 15, "USB", anchor="middle", size=11),
    ]


# -- a meter in the supply --------------------------------------------------------------------

ROW = 190
COMPUTER, METER, TARGET = (40, 150), (330, 200), (680, 170)
WIRES = (("5 V", POWER), ("D+ D-", DATA), ("GND", GROUND))


def power(kit: Kit) -> str:
    """Three ways to measure what the board draws from USB while it speaks to the computer."""
    title = boards.load(kit.board).title
    lines = [
        svg.head(880, 90 + 3 * ROW, f"{title}: a meter in the supply"),
        svg.text(30, 30, f"{title}: a meter in the supply", size=18),
        svg.text(
            30, 50, "from the vendors' documents, not tried; 1 is one plug, 2 and 3 need a USB"
        ),
        svg.text(30, 66, "cable or breakout whose 5 V wire is open"),
        *_usb_meter(90, title),
        *_source_meter(90 + ROW, title),
        *_shunt(90 + 2 * ROW, title),
    ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _usb_meter(y: float, title: str) -> list[str]:
    lines = _ends(y, "1  USB power meter", title)
    lines += _device(y, "USB power meter", "shows volts and milliamperes", "of the whole board")
    for number in range(3):
        lines += _straight(y, number, METER[0])
        lines += _straight(y, number, TARGET[0], start=METER[0] + METER[1])
    return lines


def _source_meter(y: float, title: str) -> list[str]:
    lines = _ends(y, "2  Nordic PPK2, source meter at 5.0 V", title)
    lines += _device(y, "PPK2", "VOUT: 5.0 V", "GND: to both grounds", height=60)
    at = _level(y, 0)
    lines.append(_wire([(COMPUTER[0] + COMPUTER[1], at), (260, at)], POWER))
    lines.append(svg.text(264, at + 5, "\u2715 open", size=13))
    lines += _straight(y, 0, TARGET[0], start=METER[0] + METER[1])
    lines.append(svg.text(METER[0] + METER[1] + 8, at - 5, "VOUT", size=11))
    lines += _straight(y, 1, TARGET[0])
    lines += _straight(y, 2, TARGET[0])
    x = METER[0] + METER[1] - 30
    lines.append(_wire([(x, y + 84), (x, _level(y, 2))], GROUND))
    lines.append(svg.text(x + 6, y + 106, "GND", size=11))
    return lines


def _shunt(y: float, title: str) -> list[str]:
    lines = _ends(y, "3  INA219, read by a Raspberry Pi or a second board", title)
    lines += _device(y, "INA219", "VIN+ to VIN-: 0.1 ohm", "I2C 0x40", height=60)
    at = _level(y, 0)
    lines += _straight(y, 0, METER[0])
    lines.append(svg.text(METER[0] - 8, at - 5, "VIN+", anchor="end", size=11))
    lines += _straight(y, 0, TARGET[0], start=METER[0] + METER[1])
    lines.append(svg.text(METER[0] + METER[1] + 8, at - 5, "VIN-", size=11))
    lines += _straight(y, 1, TARGET[0])
    lines += _straight(y, 2, TARGET[0])
    x = METER[0] + METER[1] - 30
    lines.append(_wire([(x, y + 84), (x, _level(y, 2))], GROUND))
    lines.append(svg.text(x + 6, y + 106, "GND", size=11))
    lines.append(_wire([(METER[0] + 150, y + 24), (METER[0] + 150, y + 8), (560, y + 8)], BUS))
    lines.append(svg.text(566, y + 12, "SDA, SCL, 3.3 V, GND: the reader", size=11))
    return lines


def _level(y: float, number: int) -> float:
    """Where a wire runs."""
    return y + 44 + number * 36 + (14 if number else 0)


def _straight(y: float, number: int, end: float, *, start: float = 0.0) -> list[str]:
    """A wire from the computer, or from `start`, to `end`."""
    at = _level(y, number)
    return [_wire([(start or COMPUTER[0] + COMPUTER[1], at), (end, at)], WIRES[number][1])]


def _ends(y: float, words: str, title: str) -> list[str]:
    """The computer and the board, with the names of the wires."""
    lines = [svg.text(30, y + 12, words, size=14)]
    for (x, width), name in ((COMPUTER, "computer"), (TARGET, "board")):
        lines.append(_box(x, y + 24, width, 120, fill=BOARD, stroke=FAINT, radius=8))
        shown = title if name == "board" else "Computer"
        for number, part in enumerate(textwrap.wrap(shown, 13)):
            centre = x + width / 2 + (20 if name == "board" else -20)
            height = y + 80 + number * 16
            lines.append(svg.text(centre, height, part, anchor="middle", size=13))
        for number, (wire, _) in enumerate(WIRES):
            left = name == "board"
            at = x + 8 if left else x + width - 8
            anchor = "start" if left else "end"
            lines.append(svg.text(at, _level(y, number) + 4, wire, anchor=anchor, size=11))
    return lines


def _device(y: float, name: str, *words: str, height: float = 120) -> list[str]:
    """The meter."""
    x, width = METER
    lines = [_box(x, y + 24, width, height, fill=PLUGGED, stroke=FAINT, radius=8)]
    lines.append(svg.text(x + width / 2, y + 42, name, anchor="middle", size=14))
    for number, line in enumerate(words):
        lines.append(
            svg.text(x + width / 2, y + 60 + number * LINE, line, anchor="middle", size=11)
        )
    return lines


# -- pieces -----------------------------------------------------------------------------------


def _box(
    x: float, y: float, width: float, height: float, *, fill: str, stroke: str, radius: int
) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius}" '
        f'fill="{escape(fill)}" stroke="{escape(stroke)}"/>'
    )


def _wire(places: Sequence[tuple[float, float]], colour: str) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>'


if __name__ == "__main__":
    main()
