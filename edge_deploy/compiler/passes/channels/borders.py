"""Which taps of a window lie on the map: at a border some do not, and read the zero point."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops.window import Window


def inside(window: Window) -> NDArray[np.bool_]:
    """Each set of taps that some output position has on the map, once.

    Returns (sets, kernel height * kernel width), True on the map.
    """
    w = window
    rows = _axis(
        w.input_height, w.output_height, w.kernel_height, w.stride_y, w.dilation_y, w.pad_top
    )
    columns = _axis(
        w.input_width, w.output_width, w.kernel_width, w.stride_x, w.dilation_x, w.pad_left
    )
    both = rows[:, None, :, None] & columns[None, :, None, :]
    return both.reshape(len(rows) * len(columns), -1)


def _axis(
    size: int, positions: int, taps: int, stride: int, dilation: int, pad: int
) -> NDArray[np.bool_]:
    """The same along one axis: (sets, taps)."""
    first = np.arange(positions)[:, None] * stride - pad
    at = first + np.arange(taps) * dilation
    return np.unique((at >= 0) & (at < size), axis=0)
