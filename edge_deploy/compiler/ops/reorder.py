"""TRANSPOSE, REVERSE_V2, DEPTH_TO_SPACE and SPACE_TO_DEPTH: the same elements in another order.

Kernel: firmware/src/nn/strided.h.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge_deploy.compiler.ops import moved
from edge_deploy.compiler.ops.layer import Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.strided import Loop, Strided, copy, strides
from edge_deploy.model.graph import DType, Tensor

# The reference takes this many dimensions (transpose.cc).
_MOST_TRANSPOSED = 6


def read_transpose(site: Site) -> Strided:
    """A TRANSPOSE of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0, (*moved.TYPES, DType.INT16, DType.BOOL))
    rank = len(source.shape)
    order = [moved.axis(site, x, rank) for x in moved.numbers(site, 1, "dimensions", rank)]
    if rank > _MOST_TRANSPOSED:
        raise unsupported(site, f"has {rank} dimensions; {_MOST_TRANSPOSED} is most")
    if sorted(order) != list(range(rank)):
        raise unsupported(site, f"has the order {order}, which is no permutation")
    shape = [source.shape[i] for i in order]
    reads = strides(source.shape)
    return _dense(site, source, shape, [Loop(source.shape[i], reads[i], 0) for i in order])


def read_reverse(site: Site) -> Strided:
    """A REVERSE_V2 of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0, (*moved.TYPES, DType.INT16, DType.BOOL))
    rank = len(source.shape)
    axes = {moved.axis(site, x, rank) for x in moved.numbers(site, 1, "axes")}
    reads = strides(source.shape)
    loops = [
        Loop(size, -read if i in axes else read, 0)
        for i, (size, read) in enumerate(zip(source.shape, reads, strict=True))
    ]
    last = sum((source.shape[i] - 1) * reads[i] for i in axes)
    return _dense(site, source, source.shape, loops, read_at=last)


def read_depth_to_space(site: Site) -> Strided:
    """A DEPTH_TO_SPACE of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0)
    block = site.positive("block_size")
    batches, height, width, channels = _map(site, source)
    if channels % (block * block):
        raise unsupported(site, f"spreads {channels} channels over {block} x {block} pixels")
    depth = channels // (block * block)
    row, column = width * channels, channels
    loops = [
        Loop(batches, height * row, 0),
        Loop(height, row, 0),
        Loop(block, block * depth, 0),
        Loop(width, column, 0),
        Loop(block * depth, 1, 0),
    ]
    return _dense(site, source, (batches, height * block, width * block, depth), loops)


def read_space_to_depth(site: Site) -> Strided:
    """A SPACE_TO_DEPTH of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0)
    block = site.positive("block_size")
    batches, height, width, channels = _map(site, source)
    if height % block or width % block:
        raise unsupported(site, f"gathers blocks of {block} of {height} x {width} pixels")
    row, column = width * channels, channels
    loops = [
        Loop(batches, height * row, 0),
        Loop(height // block, block * row, 0),
        Loop(width // block, block * column, 0),
        Loop(block, row, 0),
        Loop(block * channels, 1, 0),
    ]
    shape = (batches, height // block, width // block, channels * block * block)
    return _dense(site, source, shape, loops)


def _map(site: Site, source: Tensor) -> tuple[int, int, int, int]:
    if len(source.shape) != 4:
        raise unsupported(site, f"has an input of shape {source.shape}; rank 4 is wanted")
    batches, height, width, channels = source.shape
    return batches, height, width, channels


def _dense(
    site: Site, source: Tensor, shape: Sequence[int], loops: Sequence[Loop], *, read_at: int = 0
) -> Strided:
    """The loops in the order of the output, whose elements follow each other."""
    output = moved.only_output(site, source, shape)
    writes = strides([loop.size for loop in loops])
    dense = [Loop(x.size, x.read, write) for x, write in zip(loops, writes, strict=True)]
    return copy(site, source, output, dense, read_at=read_at)
