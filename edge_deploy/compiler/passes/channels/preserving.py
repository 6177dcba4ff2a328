"""Channels of layers that compute each output channel from the same channel of their inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edge_deploy.compiler.ops.lookup import Lookup
from edge_deploy.compiler.ops.pool import Pool
from edge_deploy.compiler.passes.channels.rule import Link, Mask, Rule, Tie
from edge_deploy.compiler.passes.channels.values import Values


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


class LookupRule(Rule[Lookup]):
    """Tables: a range of bytes becomes the range of what the table has there."""

    def ranges(self, layer: Lookup, inputs: Sequence[Values]) -> tuple[Values, ...]:
        """What is known of the output."""
        known = inputs[0]
        values = np.arange(256, dtype=np.uint8).view(layer.source_type.value).astype(np.int64)
        found = layer.table.view(layer.output_type.value).astype(np.int64)
        inside = (values >= known.lowest[:, None]) & (values <= known.highest[:, None])
        limits = np.iinfo(layer.output_type.value)
        return (
            Values(
                np.where(inside, found, limits.max).min(axis=1),
                np.where(inside, found, limits.min).max(axis=1),
            ),
        )

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
