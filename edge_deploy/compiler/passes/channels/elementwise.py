"""Channels of layers of two operands: a channel goes where all parties agree.

Such a layer knows its output for any pair of int8, so its ranges are tight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edge_deploy.compiler.fixed_point import Words
from edge_deploy.compiler.ops.broadcast import Elementwise
from edge_deploy.compiler.passes.channels.rule import Link, Mask, Need, Rule, Tie
from edge_deploy.compiler.passes.channels.values import Values, full
from edge_deploy.compiler.quantization import INT8_MIN

# Pairs of ranges beyond which channels are not told apart: each takes up to 65,536 outputs.
_MOST_PAIRS = 1024


class ElementwiseRule(Rule[Elementwise]):
    """ADD, SUB, MUL, MINIMUM, MAXIMUM, SQUARED_DIFFERENCE, PRELU."""

    def ranges(self, layer: Elementwise, inputs: Sequence[Values]) -> tuple[Values, ...]:
        """What is known of the output."""
        channels = layer.operands.channels
        first, second = self._operands(layer, inputs)
        pairs = np.stack([first.lowest, first.highest, second.lowest, second.highest], axis=1)
        boxes, which = np.unique(pairs, axis=0, return_inverse=True)
        if layer.extreme_at_ends:
            found = layer.outputs_of(boxes[:, [0, 0, 1, 1]], boxes[:, [2, 3, 2, 3]])
            lowest, highest = found.min(axis=1), found.max(axis=1)
        else:
            every = layer.outputs_of_all()
            if len(boxes) > _MOST_PAIRS:
                return (full(channels, int(every.min()), int(every.max())),)
            outputs = [_box(every, *box) for box in (boxes - INT8_MIN).tolist()]
            lowest, highest = (np.array(ends, np.int64) for ends in zip(*outputs, strict=True))
        return (Values(lowest[which.reshape(-1)], highest[which.reshape(-1)]),)

    def links(self, layer: Elementwise, inputs: Sequence[Values]) -> tuple[Link, ...] | None:
        """Channel to channel; an operand of one channel is needed for all."""
        channels = np.arange(layer.operands.channels)
        links: list[Link] = []
        for position, source in enumerate(inputs):
            seen = layer.operands.channels_of(layer.operands.at_run_time[position])
            if source.channels != seen:
                return None
            if seen == channels.size:
                links.append(Tie(position, 0, channels, channels))
            else:
                links.append(Need(position, 0, np.ones((channels.size, 1), np.bool_)))
        return tuple(links)

    def keep(
        self,
        layer: Elementwise,
        inputs: Sequence[Values],
        read: Sequence[Mask],
        written: Sequence[Mask],
    ) -> Elementwise:
        """Fewer channels of both operands, constant ones too."""
        del inputs, read
        return replace(layer, operands=layer.operands.select(written[0]))

    def _operands(self, layer: Elementwise, inputs: Sequence[Values]) -> tuple[Values, Values]:
        """Both operands' ranges, for each channel of the output."""
        found: list[Values] = []
        at_run_time = iter(inputs)
        for i, tensor in enumerate(layer.operands.tensors):
            seen = layer.operands.channels_of(i)
            if tensor.values is None:
                found.append(next(at_run_time).seen_as(seen))
            else:
                by_channel = tensor.values.reshape(-1, seen).astype(np.int64)
                found.append(Values(by_channel.min(axis=0), by_channel.max(axis=0)))
        return found[0].seen_as(layer.operands.channels), found[1].seen_as(layer.operands.channels)


def _box(every: Words, first: int, last: int, second: int, second_last: int) -> tuple[int, int]:
    """Least and greatest of some rows and columns, both ends included."""
    box = every[first : last + 1, second : second_last + 1]
    return int(box.min()), int(box.max())
