"""Pictures made different without changing what they show, so that few teach like many.

A picture is (height, width) float32, from 0 (black) to 1 (white), as the features `image` make it.
Every choice is the caller's, or comes from the generator given. Knows nothing about labels.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]


def moved(
    picture: Picture,
    *,
    turn_deg: float = 0.0,
    scale: float = 1.0,
    wider: float = 1.0,
    shear: float = 0.0,
    right: float = 0.0,
    down: float = 0.0,
    mirrored: bool = False,
) -> Picture:
    """Seen from elsewhere: turned clockwise, larger by `scale`, slanted, shifted, as in a mirror.

    wider: so many times, before it is turned. right, down: shares of the picture's width and
    height. All but the shift is about the middle. What comes in at an edge repeats the edge.
    Linear interpolation.
    """
    height, width = picture.shape
    across, along = _middle(height, width)
    angle = np.deg2rad(turn_deg)
    cos, sin = np.float32(np.cos(angle) / scale), np.float32(np.sin(angle) / scale)
    # From each place of the result back to where it comes from.
    across = across - np.float32(right * width)
    along = along - np.float32(down * height)
    x = cos * across + (sin + np.float32(shear)) * along
    y = cos * along - sin * across
    x = x * np.float32((-1 if mirrored else 1) / wider)
    return _at(picture, x + np.float32((width - 1) / 2), y + np.float32((height - 1) / 2))


def lit(
    picture: Picture,
    *,
    contrast: float = 1.0,
    brighter: float = 0.0,
    from_left: float = 0.0,
    from_top: float = 0.0,
) -> Picture:
    """In other light: `contrast` times as far from the mean, then brighter by so much.

    from_left, from_top: so much darker at the left (top) edge and lighter at the other. Not
    clipped: `clipped` is last.
    """
    across, along = _middle(*picture.shape)
    mean = picture.mean()
    slope_x = np.float32(2 * from_left / picture.shape[1])
    slope_y = np.float32(2 * from_top / picture.shape[0])
    changed: Picture = (
        (picture - mean) * np.float32(contrast)
        + (mean + np.float32(brighter))
        + slope_x * across
        + slope_y * along
    )
    return changed


def blurred(picture: Picture, share: float) -> Picture:
    """Out of focus: `share` (0 to 1) of the way to each pixel's mean with its eight neighbours."""
    padded = np.pad(picture, 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    mean = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / np.float32(9)
    result: Picture = picture + np.float32(share) * (mean - picture)
    return result


def covered(picture: Picture, most: float, draw: np.random.Generator) -> Picture:
    """With a rectangle of the picture's mean over some of it, up to `most` of width and height.

    Source: T. DeVries and G. Taylor, "Improved Regularization of Convolutional Neural Networks with
    Cutout", arXiv 1708.04552, with a rectangle of any size.
    """
    result = picture.copy()
    spans = []
    for size in picture.shape:
        length = int(draw.integers(int(most * size) + 1))
        first = int(draw.integers(size - length + 1))
        spans.append(slice(first, first + length))
    result[tuple(spans)] = picture.mean()
    return result


def noisy(picture: Picture, deviation: float, draw: np.random.Generator) -> Picture:
    """With normal noise of that standard deviation on every pixel."""
    return picture + draw.standard_normal(picture.shape, np.float32) * np.float32(deviation)


def clipped(picture: Picture) -> Picture:
    """As a sensor has it: nothing below black, nothing above white."""
    inside: Picture = np.clip(picture, np.float32(0), np.float32(1))
    return inside


@lru_cache(maxsize=4)
def _middle(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(height, width) each: how far right of, and below, the middle a pixel's centre is."""
    along, across = np.mgrid[0:height, 0:width].astype(np.float32)
    return across - np.float32((width - 1) / 2), along - np.float32((height - 1) / 2)


def _at(picture: Picture, x: NDArray[np.float32], y: NDArray[np.float32]) -> Picture:
    """The picture at places between its pixels; beyond an edge, the edge."""
    height, width = picture.shape
    x = np.clip(x, 0, np.float32(width - 1))
    y = np.clip(y, 0, np.float32(height - 1))
    # The last pixel is the far end of the last cell: its weight is 1 there.
    column = np.minimum(x.astype(np.int32), width - 2)
    row = np.minimum(y.astype(np.int32), height - 2)
    # Whole numbers of 32 bits would make float64 of it.
    to_right, to_below = x - column.astype(np.float32), y - row.astype(np.float32)
    flat, first = picture.ravel(), row * width + column
    above = flat[first] * (1 - to_right) + flat[first + 1] * to_right
    below = flat[first + width] * (1 - to_right) + flat[first + width + 1] * to_right
    result: Picture = above * (1 - to_below) + below * to_below
    return result
