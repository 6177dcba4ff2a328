"""What the Cortex-M4 kernel of CONV_2D is given: its kind, its weights, where its output may lie.

Knows how firmware/src/nn/m4/conv.h and conv_dot.h read; nothing about model files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops.layer import Shape
from edge_deploy.compiler.ops.weighted import Requantization, may_pair
from edge_deploy.compiler.ops.window import Window
from edge_deploy.compiler.quantization import INT8_MAX, INT8_MIN, Multiplier

# Pixels and output channels that the kernel computes at once (ED_M4_CONV_PIXELS).
_PIXELS = 2
_GROUP = 4
# What scales sums in the kernel takes them times 2^8, in a word.
_SUM_LIMIT = 2**23
# The shift of a channel whose outputs are all the zero point: any will do.
_ANY_SHIFT = -1


@dataclass(frozen=True)
class Kind:
    """Which of the functions of conv_dot.h runs.

    paired: two channels share a weight as one number. scaled: sums become outputs there;
    rectified: outputs below the zero point are all clamped to one value.
    """

    paired: bool
    scaled: bool
    rectified: bool

    @property
    def name(self) -> str:
        """The function's name."""
        end = "scaled" if not self.scaled else "rectified" if self.rectified else "signed"
        return f"ed_m4_conv_{'paired' if self.paired else 'bytes'}_{end}"


@dataclass(frozen=True)
class Product:
    """A convolution as rows of weights. rows: (outputs, taps) int8; bias: (outputs,) int64."""

    window: Window
    rows: NDArray[np.int8]
    bias: NDArray[np.int64]
    requantization: Requantization

    @property
    def kind(self) -> Kind:
        """The fastest function that is exact."""
        r = self.requantization
        even = np.pad(self.rows, ((0, self.rows.shape[0] % 2), (0, 0)))
        return Kind(may_pair(even), self._scalable(), r.rectified)

    def _scalable(self) -> bool:
        """True where the kernel can scale every sum that any input gives, exactly."""
        r = self.requantization
        if (r.lowest, r.highest) != (INT8_MIN, INT8_MAX):
            return False
        rows = self.rows.astype(np.int64)
        low = self.bias + np.minimum(rows * INT8_MIN, rows * INT8_MAX).sum(axis=1)
        high = self.bias + np.maximum(rows * INT8_MIN, rows * INT8_MAX).sum(axis=1)
        return all(
            m.multiplier == 0 or _scales(int(a), int(b), m, r.zero_point)
            for a, b, m in zip(low, high, r.multipliers, strict=True)
        )

    @property
    def words(self) -> NDArray[np.uint32]:
        """Weights, starts, multipliers and shifts in the order of conv_dot.h."""
        kind = self.kind
        filled = -self.rows.shape[0] % _GROUP
        rows = np.pad(self.rows, ((0, filled), (0, 0)))
        starts = np.pad(self.bias, (0, filled)) if kind.scaled else np.zeros(len(rows), np.int64)
        if kind.paired:
            starts[1::2] = starts[0::2] + 256 * starts[1::2]
        multipliers = [*self.requantization.multipliers, *[Multiplier(0, 0)] * filled]
        weights = _weights(rows, tap_pairs(self.window), paired=kind.paired)
        parts: list[NDArray[np.uint32]] = []
        for begin in range(0, len(rows), _GROUP):
            channels = slice(begin, begin + _GROUP)
            parts.append((starts[channels] & 0xFFFFFFFF).astype(np.uint32))
            parts.append(weights[begin // 2 : (begin + _GROUP) // 2].T.reshape(-1))
            if kind.scaled:
                parts.append(_scales_of(multipliers[channels]))
        return np.concatenate(parts)


def _scales(low: int, high: int, m: Multiplier, zero_point: int) -> bool:
    """True where the kernel's arithmetic holds for all sums from low to high."""
    if low < -_SUM_LIMIT or high >= _SUM_LIMIT or m.shift >= 0:
        return False
    offset = ((2 * zero_point + 1) << (6 - m.shift)) + 2**6
    least = offset - 2**7 + (256 * low * m.multiplier >> 32)
    most = offset + (256 * high * m.multiplier >> 32)
    return all(-(2**31) <= x < 2**31 for x in (offset - 2**6, offset, least, most))


def _scales_of(multipliers: list[Multiplier]) -> NDArray[np.uint32]:
    """Multipliers of a group of channels, then their shifts in one word."""
    word = 0
    for i, m in enumerate(multipliers):
        word |= (6 - (m.shift if m.multiplier else _ANY_SHIFT)) << (8 * i)
    return np.array([*(m.multiplier for m in multipliers), word], np.uint32)


def tap_pairs(window: Window) -> NDArray[np.int64]:
    """Which two taps each step multiplies, (steps, 2); -1 for none."""
    taps = window.kernel_width if window.dilation_x == 1 else 1
    run = taps * window.input_channels
    pairs: list[tuple[int, int]] = []
    for k in range(0, run - run % 4, 4):
        pairs += [(k, k + 2), (k + 1, k + 3)]
    k = run - run % 4
    pairs += {0: [], 1: [(k, -1)], 2: [(k, k + 1)], 3: [(k, k + 2), (k + 1, -1)]}[run % 4]
    one = np.array(pairs, np.int64)
    runs = window.kernel_height * (window.kernel_width // taps)
    return np.concatenate([np.where(one < 0, -1, one + i * run) for i in range(runs)])


def _weights(
    rows: NDArray[np.int8], pairs: NDArray[np.int64], *, paired: bool
) -> NDArray[np.uint32]:
    """Rows two by two, (outputs / 2, steps) words."""
    wide = np.pad(rows.astype(np.int32), ((0, 0), (0, 1)))[:, pairs]  # the last, of -1, is 0
    lower, upper = wide[0::2], wide[1::2]
    halves = 256 * upper + (lower if paired else lower & 0xFF) & 0xFFFF
    words = halves[..., 0].astype(np.uint32) | halves[..., 1].astype(np.uint32) << np.uint32(16)
    return words.astype(np.uint32)


def shape(
    window: Window, input_zero_point: int, requantization: Requantization
) -> tuple[str, Shape]:
    """The kernel of conv.h for a geometry, and its sizes."""
    fields = {
        "outputs.channels": window.output_channels,
        "outputs.zero_point": requantization.zero_point,
        "outputs.lowest": requantization.lowest,
        "outputs.highest": requantization.highest,
    }
    if is_pointwise(window):
        fields["pixels"] = window.batches * window.output_height * window.output_width
        fields["input_channels"] = window.input_channels
        return "ed_m4_conv_pointwise", Shape("ed_m4_conv_pointwise_shape", fields)
    fields |= {**vars(window), "input_zero_point": input_zero_point}
    del fields["output_channels"]
    return "ed_m4_conv", Shape("ed_m4_conv_shape", fields)


def is_pointwise(window: Window) -> bool:
    """True where columns are stretches of the input, one after the other."""
    return (
        (window.kernel_height, window.kernel_width) == (1, 1)
        and (window.stride_y, window.stride_x) == (1, 1)
        and (window.pad_top, window.pad_left) == (0, 0)
    )


def scratch_bytes(window: Window) -> int:
    """Bytes of two columns, and of a patch where patches reach over an edge."""
    w = window
    bottom = (w.output_height - 1) * w.stride_y - w.pad_top + (w.kernel_height - 1) * w.dilation_y
    right = (w.output_width - 1) * w.stride_x - w.pad_left + (w.kernel_width - 1) * w.dilation_x
    inside = (
        w.pad_top <= 0 and w.pad_left <= 0 and bottom < w.input_height and right < w.input_width
    )
    patch = w.kernel_height * w.kernel_width * w.input_channels
    return 4 * _PIXELS * len(tap_pairs(w)) + (0 if inside else -(-patch // 4) * 4)


def least_distance(window: Window) -> int:
    """How many bytes the output must at least begin before the input; may be below 0.

    The kernel reads what two pixels need, then writes both: what it has written must not reach
    the first byte that a later pixel reads.
    """
    w = window
    rows = _first_taps(w.output_height, w.stride_y, w.pad_top, w.dilation_y, w.kernel_height)
    columns = _first_taps(w.output_width, w.stride_x, w.pad_left, w.dilation_x, w.kernel_width)
    size = w.input_height * w.input_width * w.input_channels
    images = np.arange(w.batches, dtype=np.int64)[:, None, None] * size
    first = (images + (rows[:, None] * w.input_width + columns) * w.input_channels).reshape(
        -1
    )  # of each output pixel
    needed = np.minimum.accumulate(first[::-1])[::-1]
    done = np.arange(_PIXELS, len(first), _PIXELS)
    if not len(done):
        return -w.batches * size
    return int((done * w.output_channels - needed[done]).max())


def _first_taps(count: int, stride: int, pad: int, dilation: int, taps: int) -> NDArray[np.int64]:
    """Along one axis, where the first tap inside the input lies, for each output."""
    at = np.arange(count, dtype=np.int64) * stride - pad
    outside = np.minimum(np.where(at < 0, -(at // dilation), 0), taps - 1)
    return np.maximum(at + outside * dilation, 0)
