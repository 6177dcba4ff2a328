"""Which taps of a kernel have an input at an output's position: at a border some have none.

A tap that lies off the map reads the zero point, and so adds nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops.transpose_conv import TransposeConv
from edge_deploy.compiler.ops.window import Window

# Sets of taps beyond which positions are not told apart (large kernels on small maps).
_MOST_SETS = 64

Sets = NDArray[np.bool_]


def of_window(window: Window) -> Sets | None:
    """Each set of taps that some output position has on the map, once.

    Returns (sets, kernel height * kernel width), True on the map; None where there are too many.
    """
    w = window
    rows = _under_window(
        w.input_height, w.output_height, w.kernel_height, w.stride_y, w.dilation_y, w.pad_top
    )
    columns = _under_window(
        w.input_width, w.output_width, w.kernel_width, w.stride_x, w.dilation_x, w.pad_left
    )
    return _both(rows, columns)


def of_transposed(layer: TransposeConv) -> Sets | None:
    """The same for a transposed convolution, where strides leave taps out as well."""
    return _both(
        *(
            _transposed(
                layer.input_shape[axis + 1],
                layer.output_shape[axis + 1],
                layer.weights.shape[axis + 1],
                layer.strides[axis],
                layer.pads[axis],
            )
            for axis in (0, 1)
        )
    )


def _under_window(
    size: int, positions: int, taps: int, stride: int, dilation: int, pad: int
) -> Sets | None:
    """Along one axis, (sets, taps): tap k of position p reads p * stride - pad + k * dilation."""
    first = np.arange(positions) * stride - pad
    return _ranges(-(first // dilation), -((first - size) // dilation), 1, taps)


def _transposed(size: int, positions: int, taps: int, stride: int, pad: int) -> Sets | None:
    """Along one axis, (sets, taps): tap k of position p reads (p + pad - k) / stride."""
    last = np.arange(positions) + pad
    least = np.maximum(last - (size - 1) * stride, last % stride)
    return _ranges(least, last + 1, stride, taps)


def _ranges(
    starts: NDArray[np.int64], stops: NDArray[np.int64], step: int, taps: int
) -> Sets | None:
    """The different range(start, stop, step) within range(taps), as masks."""
    starts = np.clip(starts, 0, taps)
    stops = np.maximum(np.minimum(stops, taps), starts)
    found = np.unique(starts * (taps + 1) + stops)  # both in one number sort quickly
    if len(found) > _MOST_SETS:
        return None
    sets = np.zeros((len(found), taps), np.bool_)
    for mask, both in zip(sets, found.tolist(), strict=True):
        start, stop = divmod(both, taps + 1)
        mask[start:stop:step] = True
    return np.unique(sets, axis=0)


def _both(rows: Sets | None, columns: Sets | None) -> Sets | None:
    """Sets along both axes to sets of all taps, (sets, taps)."""
    if rows is None or columns is None or len(rows) * len(columns) > _MOST_SETS:
        return None
    both = rows[:, None, :, None] & columns[None, :, None, :]
    return both.reshape(len(rows) * len(columns), -1)
