"""How far a pool may write over what it reads: as far as is claimed, and not a byte further."""

from __future__ import annotations

import random

from edge_deploy.compiler.ops.pool import Pool
from edge_deploy.compiler.ops.window import Window


def windows(count: int) -> list[Window]:
    """Windows with SAME or VALID padding, as `window.read` makes them."""
    chance = random.Random(5)
    found = []
    for _ in range(count):
        axes = []
        for _ in range(2):
            size, taps, stride = chance.randint(1, 9), chance.randint(1, 6), chance.randint(1, 4)
            same = chance.random() < 0.6 or taps > size
            outputs = -(-(size if same else size - taps + 1) // stride)
            pad = max(0, (outputs - 1) * stride + taps - size) // 2
            axes.append((size, outputs, taps, stride, pad))
        (height, rows, tall, stride_y, top), (width, columns, wide, stride_x, left) = axes
        batches, channels = chance.choice((1, 1, 2)), chance.choice((1, 2, 5))
        found.append(
            Window(
                batches=batches,
                input_height=height,
                input_width=width,
                input_channels=channels,
                output_height=rows,
                output_width=columns,
                output_channels=channels,
                kernel_height=tall,
                kernel_width=wide,
                stride_y=stride_y,
                stride_x=stride_x,
                dilation_y=1,
                dilation_x=1,
                pad_top=top,
                pad_left=left,
            )
        )
    return found


def survives(w: Window, ahead: int) -> bool:
    """Whether a pool whose output begins `ahead` bytes before its input reads what was there."""
    written: set[int] = set()
    outputs = 0
    for b in range(w.batches):
        for y in range(w.output_height):
            for x in range(w.output_width):
                for c in range(w.input_channels):
                    for iy in range(y * w.stride_y - w.pad_top, w.input_height):
                        for ix in range(x * w.stride_x - w.pad_left, w.input_width):
                            inside = iy >= 0 and ix >= 0
                            near = (
                                iy < y * w.stride_y - w.pad_top + w.kernel_height
                                and ix < x * w.stride_x - w.pad_left + w.kernel_width
                            )
                            pixel = (b * w.input_height + iy) * w.input_width + ix
                            if inside and near and ahead + pixel * w.input_channels + c in written:
                                return False
                    written.add(outputs)
                    outputs += 1
    return True


def test_the_claim_is_exact():
    tight = 0
    for w in windows(150):
        overlap = Pool(0, "MAX_POOL_2D", (0,), (1,), w, -128, 127, False).overlap("portable", 0)
        assert overlap is not None
        assert overlap.most is None
        assert survives(w, overlap.least)
        assert survives(w, overlap.least + 1)
        tight += overlap.least > 0 and not survives(w, overlap.least - 1)
        assert overlap.least == 0 or not survives(w, overlap.least - 1)
    assert tight > 20
