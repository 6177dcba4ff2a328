"""Channels of copies that put some channels of one tensor side by side with those of others.

A CONCATENATION of channels is one such copy for each input, a SPLIT or SLICE of channels one for
each output. All other copies keep every channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_deploy.compiler.ops.strided import Strided
from edge_deploy.compiler.passes.channels.rule import Link, Mask, Rule, Tie
from edge_deploy.compiler.passes.channels.values import Values, unwritten


@dataclass(frozen=True)
class _Copy:
    """count channels of each pixel, from `read` of `sources` on, to `write` of `targets` on."""

    pixels: int
    count: int
    read: int
    sources: int
    write: int
    targets: int


class StridedRule(Rule[Strided]):
    """Copies of channels."""

    def ranges(self, layer: Strided, inputs: Sequence[Values]) -> tuple[Values, ...] | None:
        """What is known of the channels that it writes; of the others nothing is written."""
        copy = _copy(layer, inputs)
        if copy is None:
            return None
        known = unwritten(copy.targets)
        for mine, source in (
            (known.lowest, inputs[0].lowest),
            (known.highest, inputs[0].highest),
        ):
            mine[copy.write : copy.write + copy.count] = source[copy.read : copy.read + copy.count]
        return (known,)

    def links(self, layer: Strided, inputs: Sequence[Values]) -> tuple[Link, ...] | None:
        """Channel to channel."""
        copy = _copy(layer, inputs)
        if copy is None:
            return None
        channels = np.arange(copy.count)
        return (Tie(0, 0, copy.read + channels, copy.write + channels),)

    def keep(
        self,
        layer: Strided,
        inputs: Sequence[Values],
        read: Sequence[Mask],
        written: Sequence[Mask],
    ) -> Strided | None:
        """Fewer channels on both sides."""
        copy = _copy(layer, inputs)
        assert copy is not None
        sources, targets = int(read[0].sum()), int(written[0].sum())
        run = int(written[0][copy.write : copy.write + copy.count].sum())
        if not run:
            return None
        read_at, write_at = (
            int(mask[:first].sum())
            for mask, first in ((read[0], copy.read), (written[0], copy.write))
        )
        loops = tuple(replace(loop, read=sources, write=targets) for loop in layer.loops)
        if sources == targets == run:  # all there is
            loops, run = (), run * copy.pixels
        return replace(
            layer,
            loops=loops,
            run=run,
            read_at=read_at,
            write_at=write_at,
            source_bytes=sources * copy.pixels,
            output_bytes=targets * copy.pixels,
        )


def _copy(layer: Strided, inputs: Sequence[Values]) -> _Copy | None:
    """The copy that a layer is; None where it is another one, or of elements of several bytes."""
    if not inputs or layer.fill is not None or len(layer.loops) > 1:
        return None
    sources = inputs[0].channels
    pixels, rest = divmod(layer.source_bytes, sources)
    targets = layer.output_bytes // pixels if pixels else 0
    if rest or targets * pixels != layer.output_bytes:
        return None
    steps = [(loop.size, loop.read, loop.write) for loop in layer.loops] or [(1, sources, targets)]
    if steps != [(pixels, sources, targets)]:
        return None
    copy = _Copy(pixels, layer.run, layer.read_at, sources, layer.write_at, targets)
    inside = copy.read + copy.count <= sources and copy.write + copy.count <= targets
    return copy if inside else None
