"""Channels of layers that compute each output channel from the same channel of their inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edge_deploy.compiler.ops.lookup import Lookup
from edge_deploy.compiler.ops.pool import Pool
from edge_deploy.compiler.ops.reduce import Reduce
from edge_deploy.compiler.ops.uniform import Uniform
from edge_deploy.compiler.ops.weighted import Requantization
from edge_deploy.compiler.passes.channels.rule import Link, Mask, Rule, Tie
from edge_deploy.compiler.passes.channels.values import Values, full, requantized
from edge_deploy.compiler.quantization import INT8_MAX, INT8_MIN


class PoolRule(Rule[Pool]):
    """Pools: mean and maximum of values that lie in a range lie there too. Borders add nothing."""

    def ranges(self, layer: Pool, inputs: Sequence[Values]) -> tuple[Values, ...]:
        """What is known of the output."""
        seen = inputs[0].seen_as(layer.window.input_channels)
        return (seen.clamped(layer.lowest, layer.highest),)

    def links(self, layer: Pool, inputs: Sequence[Values]) -> tuple[Link, ...] | None:
        """Channel to channel."""
        if inputs[0].channels != layer.window.input_channels:
            return None
        channels = np.arange(inputs[0].channels)
        return (Tie(0, 0, channels, channels),)

    def keep(
        self, layer: Pool, inputs: Sequence[Values], read: Sequence[Mask], written: Sequence[Mask]
    ) -> Pool:
        """Fewer channels."""
        del inputs, read
        left = int(written[0].sum())
        window = replace(layer.window, input_channels=left, output_channels=left)
        return replace(layer, window=window)


class ReduceRule(Rule[Reduce]):
    """Reductions that keep channels apart; those over channels leave none."""

    def ranges(self, layer: Reduce, inputs: Sequence[Values]) -> tuple[Values, ...]:
        """What is known of the output; of sums nothing, whose bytes the reference misreads."""
        if not _keeps_channels(layer) or layer.operator == "SUM":
            channels = layer.shape[-1] if _keeps_channels(layer) else 1
            return (full(channels, INT8_MIN, INT8_MAX),)
        seen = inputs[0].seen_as(layer.shape[-1])
        if layer.operator != "MEAN":
            return (seen,)
        sums = [bound * layer.values + layer.offset for bound in (seen.lowest, seen.highest)]
        factors = (layer.factor,) * seen.channels
        scaling = Requantization(factors, layer.output_zero_point, INT8_MIN, INT8_MAX)
        return (requantized(sums[0], sums[1], scaling),)

    def links(self, layer: Reduce, inputs: Sequence[Values]) -> tuple[Link, ...] | None:
        """Channel to channel."""
        if not _keeps_channels(layer) or inputs[0].channels != layer.shape[-1]:
            return None
        channels = np.arange(inputs[0].channels)
        return (Tie(0, 0, channels, channels),)

    def keep(
        self, layer: Reduce, inputs: Sequence[Values], read: Sequence[Mask], written: Sequence[Mask]
    ) -> Reduce:
        """Fewer channels."""
        del inputs, read
        return replace(layer, shape=(*layer.shape[:-1], int(written[0].sum())))


def _keeps_channels(layer: Reduce) -> bool:
    return len(layer.shape) > 0 and len(layer.shape) - 1 not in layer.over


class LookupRule(Rule[Lookup]):
    """Tables: a range of bytes becomes the range of what the table has there."""

    def ranges(self, layer: Lookup, inputs: Sequence[Values]) -> tuple[Values, ...]:
        """What is known of the output."""
        first = int(np.iinfo(layer.source_type.value).min)
        found = layer.table.view(layer.output_type.value).astype(np.int64)
        ordered = np.roll(found, first)  # by value, from the least
        # [i, j]: over the values from i to j, which is i or above.
        before = np.tri(256, k=-1, dtype=np.bool_)
        limits = np.iinfo(layer.output_type.value)
        least = np.minimum.accumulate(np.where(before, limits.max, ordered), axis=1)
        greatest = np.maximum.accumulate(np.where(before, limits.min, ordered), axis=1)
        ends = inputs[0].lowest - first, inputs[0].highest - first
        return (Values(least[ends], greatest[ends]),)

    def links(self, layer: Lookup, inputs: Sequence[Values]) -> tuple[Link, ...]:
        """Channel to channel."""
        del layer
        channels = np.arange(inputs[0].channels)
        return (Tie(0, 0, channels, channels),)

    def keep(
        self, layer: Lookup, inputs: Sequence[Values], read: Sequence[Mask], written: Sequence[Mask]
    ) -> Lookup:
        """Fewer values."""
        del inputs, read
        stays = written[0]
        return replace(layer, count=layer.count // stays.size * int(stays.sum()))


class UniformRule(Rule[Uniform]):
    """Constants: nothing is needed, and everything known."""

    def ranges(self, layer: Uniform, inputs: Sequence[Values]) -> tuple[Values, ...]:
        """What is known of the output."""
        del inputs
        values = layer.values.view(layer.dtype.value).astype(np.int64)
        return (Values(values, values),)

    def links(self, layer: Uniform, inputs: Sequence[Values]) -> tuple[Link, ...]:
        """None: there are no inputs."""
        del layer, inputs
        return ()

    def keep(
        self,
        layer: Uniform,
        inputs: Sequence[Values],
        read: Sequence[Mask],
        written: Sequence[Mask],
    ) -> Uniform:
        """Fewer channels."""
        del inputs, read
        return replace(layer, values=layer.values[written[0]])
