"""TILE and BROADCAST_TO. Kernels: firmware/src/nn/strided.h, firmware/src/nn/picked.h."""

from __future__ import annotations

from edge_deploy.compiler.ops import moved, picked
from edge_deploy.compiler.ops.layer import Layer, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.model.graph import DType


def read_tile(site: Site) -> Layer:
    """A TILE of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0, (*moved.TYPES, DType.BOOL))
    counts = moved.numbers(site, 1, "multiples", len(source.shape))
    if min(counts, default=1) < 1:
        raise unsupported(site, f"repeats {min(counts)} times")
    shape = [size * count for size, count in zip(source.shape, counts, strict=True)]
    output = moved.only_output(site, source, shape)
    tables = [
        picked.table_of(site, whole) % size for size, whole in zip(source.shape, shape, strict=True)
    ]
    return picked.copy(site, source, output, tables)


def read_broadcast_to(site: Site) -> Layer:
    """A BROADCAST_TO of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0, (*moved.TYPES, DType.INT16, DType.BOOL))
    shape = moved.numbers(site, 1, "sizes")
    output = moved.only_output(site, source, shape)
    if len(source.shape) > len(shape):
        raise unsupported(site, f"turns shape {source.shape} into {shape}")
    sizes = (1,) * (len(shape) - len(source.shape)) + source.shape
    tables = []
    for size, whole in zip(sizes, shape, strict=True):
        if size not in (1, whole):
            raise unsupported(site, f"turns shape {source.shape} into {shape}")
        tables.append(picked.table_of(site, whole) % size)
    return picked.copy(site, source, output, tables, sizes)
