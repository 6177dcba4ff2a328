"""Draws demo/*.png, the hands that the handout shows: python labs/vision/make_demo.py.

The pictures are committed, so only whoever changes them does. Nobody's hand: a wrist, a palm and
fingers of round bones, lit from the upper left. So they are ours to give away.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy import labs, pictures

LAB = labs.load_folder(Path(__file__).resolve().parent)

FINER = 3  # pixels drawn for one of the picture, each way

Point = tuple[float, float]
Bone = tuple[Point, Point, float, float]  # from, to, radius there and there

# In units of the picture's height, x to the right of its middle, y down from its top. The palm of a
# right hand, thumb to the right as in a mirror: knuckles of index, middle, ring and little finger.
KNUCKLES: tuple[Point, ...] = ((0.095, 0.50), (0.025, 0.475), (-0.05, 0.49), (-0.115, 0.53))
TIPS: tuple[Point, ...] = ((0.165, 0.19), (0.035, 0.13), (-0.095, 0.18), (-0.215, 0.29))
RADII = (0.04, 0.042, 0.04, 0.034)
THUMB_ROOT: Point = (0.085, 0.70)

PALM: tuple[Bone, ...] = (
    ((-0.01, 1.1), (0.0, 0.86), 0.098, 0.09),
    ((0.0, 0.88), (-0.01, 0.72), 0.095, 0.115),
    ((0.055, 0.74), (0.065, 0.55), 0.07, 0.06),
    ((-0.05, 0.76), (-0.075, 0.57), 0.075, 0.052),
    ((0.0, 0.74), (0.0, 0.55), 0.085, 0.075),
)

# Which fingers are up, and whether the thumb's tip is on the little finger's or across the palm.
# The signs that the network, which has seen people only, takes from this hand as well.
SIGNS: dict[str, tuple[tuple[bool, bool, bool, bool], bool]] = {
    "1": ((True, False, False, False), False),
    "2": ((True, True, False, False), False),
    "4": ((True, True, True, True), False),
    "6": ((True, True, True, False), True),
}


def main() -> None:
    """Draw, and write."""
    folder = Path(__file__).with_name("demo")
    folder.mkdir(exist_ok=True)
    for sign in SIGNS:
        pictures.write(folder / f"{sign}.png", drawn(sign))


def drawn(
    sign: str, width: int = LAB.source.width, height: int = LAB.source.height
) -> pictures.Frame:
    """(height, width) uint8: a hand that shows `sign`, before a wall with darker corners."""
    up, touching = SIGNS[sign]
    rows, columns = height * FINER, width * FINER
    y, x = (np.mgrid[0:rows, 0:columns] + 0.5) / rows
    x = x - width / height / 2
    canvas = 0.86 - 0.55 * ((x / 1.2) ** 2 + ((y - 0.45) / 1.2) ** 2)
    for bone in bones(up, touching):
        _put(canvas, x, y, bone)
    canvas = canvas.reshape(height, FINER, width, FINER).mean(axis=(1, 3))
    frame: pictures.Frame = np.rint(255 * np.clip(canvas, 0, 1)).astype(np.uint8)
    return frame


def bones(up: tuple[bool, bool, bool, bool], touching: bool) -> list[Bone]:
    """What is farther away comes first."""
    fingers = list(zip(KNUCKLES, TIPS, RADII, up, strict=True))
    found = [
        (knuckle, tip, radius + 0.006, radius - 0.006)
        for knuckle, tip, radius, is_up in fingers
        if is_up
    ]
    found += PALM
    # Folded into the palm.
    found += [
        ((x, y), (x * 0.9, y + 0.09), radius + 0.012, radius + 0.004)
        for (x, y), _, radius, is_up in fingers
        if not is_up
    ]
    if touching:
        x, y = KNUCKLES[-1]
        knee, tip = (0.125, 0.64), (x * 0.8 + 0.015, y + 0.12)
    else:
        knee, tip = (0.115, 0.63), (0.0, 0.60)
    return [*found, (THUMB_ROOT, knee, 0.05, 0.036), (knee, tip, 0.036, 0.028)]


def _put(
    canvas: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64], bone: Bone
) -> None:
    """One bone: a cone with round ends, lit from the upper left, dark at its edge."""
    (x0, y0), (x1, y1), r0, r1 = bone
    dx, dy = x1 - x0, y1 - y0
    along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy), 0, 1)
    off_x, off_y = x - (x0 + along * dx), y - (y0 + along * dy)
    radius = r0 + along * (r1 - r0)
    from_axis = np.hypot(off_x, off_y) / radius
    inside = from_axis < 1
    height = np.sqrt(np.maximum(0.0, 1 - from_axis**2))
    shade = 0.36 + 0.2 * height - 0.05 * (off_x + off_y) / radius
    canvas[inside] = shade[inside]


if __name__ == "__main__":
    main()
