"""SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: every nth pixel as a map of its own, and back.

TensorFlow writes dilated convolutions between the two. Kernels: firmware/src/nn/strided.h,
firmware/src/nn/picked.h.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np

from edge_deploy.compiler.ops import moved, pad, picked
from edge_deploy.compiler.ops.layer import Layer, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.strided import Loop, Strided, copy, strides
from edge_deploy.model.graph import Tensor

# Maps that one is taken apart to, each by a layer; a dilation of 8 by 8.
_MOST_PARTS = 64


def read_space_to_batch(site: Site) -> Layer | tuple[Layer, ...]:
    """A SPACE_TO_BATCH_ND of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0)
    blocks, before, after = _blocks(site, source)
    batches, *sizes, channels = source.shape
    whole = [size + a + b for size, a, b in zip(sizes, before, after, strict=True)]
    if any(size % block for size, block in zip(whole, blocks, strict=True)):
        raise unsupported(site, f"takes {whole} pixels apart by {list(blocks)}")
    maps = [size // block for size, block in zip(whole, blocks, strict=True)]
    shape = (batches * math.prod(blocks), *maps, channels)
    output = moved.only_output(site, source, shape)
    reads, writes = strides(source.shape), strides(shape)
    if whole == sizes:
        offsets = [np.arange(n) * read for n, read in zip(blocks, reads[1:], strict=False)]
        offsets.append(picked.table_of(site, batches) * reads[0])
        for size, block, read in zip(maps, blocks, reads[1:], strict=False):
            offsets.append(picked.table_of(site, size) * block * read)
        offsets.append(picked.table_of(site, channels))
        return picked.copy_from(site, source, output, offsets)
    if math.prod(blocks) > _MOST_PARTS:
        raise unsupported(site, f"makes {math.prod(blocks)} maps of one; {_MOST_PARTS} is most")
    fill: int | None = pad.zero_byte(site, output)
    layers: list[Strided] = []
    for part, phases in enumerate(product(*(range(block) for block in blocks))):
        # Of each dimension the output's pixels that the input has: where the first one is read
        # and written, and how many there are.
        spans = [
            _span(size, block, phase - first)
            for size, block, phase, first in zip(sizes, blocks, phases, before, strict=True)
        ]
        if any(count <= 0 for _, _, count in spans):
            continue
        loops = [Loop(batches, reads[0], writes[0])]
        loops += [
            Loop(count, block * read, write)
            for (_, _, count), block, read, write in zip(
                spans, blocks, reads[1:], writes[1:], strict=False
            )
        ]
        loops.append(Loop(channels, 1, 1))
        read_at = sum(at * read for (at, _, _), read in zip(spans, reads[1:], strict=False))
        write_at = sum(at * write for (_, at, _), write in zip(spans, writes[1:], strict=False))
        write_at += part * batches * writes[0]
        layers.append(
            copy(site, source, output, loops, read_at=read_at, write_at=write_at, fill=fill)
        )
        fill = None
    return tuple(layers)


def read_batch_to_space(site: Site) -> Layer:
    """A BATCH_TO_SPACE_ND of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0)
    blocks, before, after = _blocks(site, source)
    parts = math.prod(blocks)
    if source.shape[0] % parts:
        raise unsupported(site, f"puts {source.shape[0]} maps together by {list(blocks)}")
    batches = source.shape[0] // parts
    reads = strides(source.shape)
    offsets = [picked.table_of(site, batches) * reads[0]]
    shape = [batches]
    phase = batches * parts * reads[0]  # elements from one phase of a dimension to the next
    for size, block, first, last, read in zip(
        source.shape[1:-1], blocks, before, after, reads[1:-1], strict=True
    ):
        phase //= block
        if size * block <= first + last:
            raise unsupported(site, f"crops {first + last} of {size * block} pixels")
        shape.append(size * block - first - last)
        places = picked.table_of(site, size * block)[first : size * block - last]
        offsets.append(places % block * phase + places // block * read)
    shape.append(source.shape[-1])
    offsets.append(picked.table_of(site, source.shape[-1]))
    return picked.copy_from(site, source, moved.only_output(site, source, shape), offsets)


def _blocks(site: Site, source: Tensor) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    """The block's sizes, and what is added or cropped before and after each dimension."""
    if len(source.shape) not in (3, 4):
        raise unsupported(site, f"has an input of shape {source.shape}; rank 3 or 4 is wanted")
    count = len(source.shape) - 2
    blocks = moved.numbers(site, 1, "block sizes", count)
    if site.tensor(2).shape != (count, 2):
        raise unsupported(site, f"has paddings or crops of shape {site.tensor(2).shape}")
    sides = moved.numbers(site, 2, "paddings or crops", 2 * count)
    if min(blocks) < 1 or min(sides) < 0:
        raise unsupported(site, f"has blocks {blocks} and paddings or crops {sides}")
    return blocks, sides[::2], sides[1::2]


def _span(size: int, block: int, begin: int) -> tuple[int, int, int]:
    """Of pixels begin, begin + block, ... those that exist: first, its number, how many."""
    number = max(0, -(begin // block))
    first = begin + number * block
    return first, number, -(-(size - first) // block)
