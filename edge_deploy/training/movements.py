"""Recordings of movement made different without changing what is done, so that few teach like many.

Clips are (n, samples, 6) float32: acceleration of three axes, then rotation of the same three, in
any units. Every choice comes from the generator given, one for each clip, so the same generator
gives the same clips. Knows nothing about labels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Clips = NDArray[np.float32]

# Of a clip whose time is warped: so many points of it move, what lies between them goes along.
_WARP_POINTS = 5


def again(clips: Clips, draw: np.random.Generator, *, faster: float, warp: float) -> Clips:
    """As done another time: up to `faster` faster or slower, hurried here and slow there.

    faster: 0.2 is from 1 / 1.2 to 1.2 times as fast. warp: standard deviation of the samples by
    which points of a clip move. Rotation grows with speed. What lies beyond a clip is its end.
    """
    count, samples = clips.shape[:2]
    speed = np.exp(draw.uniform(-np.log1p(faster), np.log1p(faster), (count, 1)))
    middle = (samples - 1) / 2
    at = (np.arange(samples) - middle) * speed + middle
    points = draw.normal(0.0, warp, (count, _WARP_POINTS))
    moved = read_at(clips, at + bends(points, samples))
    moved[..., 3:] *= speed[..., np.newaxis]
    return moved


def shifted(clips: Clips, draw: np.random.Generator, *, samples: float) -> Clips:
    """Up to so many samples earlier or later; what comes in is the clip's end."""
    count, length = clips.shape[:2]
    by = draw.uniform(-samples, samples, (count, 1))
    return read_at(clips, np.arange(length) + by)


def stronger(clips: Clips, draw: np.random.Generator, *, by: float) -> Clips:
    """All axes up to `by` stronger or weaker: 0.2 is from 1 / 1.2 to 1.2 times."""
    factor = np.exp(draw.uniform(-np.log1p(by), np.log1p(by), (len(clips), 1, 1)))
    return np.asarray(clips * factor, np.float32)


def held_otherwise(clips: Clips, draw: np.random.Generator, *, degrees: float) -> Clips:
    """With the sensor turned in the hand, about any axis, by up to so many degrees.

    Source: O. Rodrigues, the rotation about an axis by an angle.
    """
    axis = draw.normal(size=(len(clips), 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.radians(draw.uniform(-degrees, degrees, (len(clips), 1, 1)))
    across = np.zeros((len(clips), 3, 3))
    for row, column, part, sign in (
        (0, 1, 2, -1), (0, 2, 1, 1), (1, 0, 2, 1), (1, 2, 0, -1), (2, 0, 1, -1), (2, 1, 0, 1),
    ):  # fmt: skip
        across[:, row, column] = sign * axis[:, part]
    turn = np.eye(3) + np.sin(angle) * across + (1 - np.cos(angle)) * (across @ across)
    both = clips.reshape(len(clips), -1, 2, 3)
    turned = np.einsum("nij,ntkj->ntki", turn, both).reshape(clips.shape)
    return np.asarray(turned, np.float32)


def bends(points: NDArray[np.float64], samples: int) -> NDArray[np.float64]:
    """(n, samples): straight lines from point to point of (n, points), evenly spread in time."""
    last = points.shape[1] - 1
    at = np.linspace(0, last, samples)
    first = np.minimum(at.astype(int), last - 1)
    part = at - first
    bent: NDArray[np.float64] = points[:, first] * (1 - part) + points[:, first + 1] * part
    return bent


def read_at(clips: Clips, at: NDArray[np.float64]) -> Clips:
    """Clips at times that are no whole samples, (n, samples); between samples on a straight line.

    Beyond a clip its first or last sample is repeated.
    """
    last = clips.shape[1] - 1
    at = np.clip(at, 0, last)
    first = np.minimum(at.astype(int), last - 1)
    part = (at - first)[..., np.newaxis]
    rows = np.arange(len(clips))[:, np.newaxis]
    mixed = clips[rows, first] * (1 - part) + clips[rows, first + 1] * part
    return np.asarray(mixed, np.float32)
