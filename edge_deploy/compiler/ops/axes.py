"""Dimensions that an operator names by a constant: checked, and neighbours joined."""

from __future__ import annotations

from collections.abc import Iterable

from edge_deploy.compiler.ops.layer import Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.model.graph import DType


def read(site: Site, position: int, rank: int, dtypes: Iterable[DType]) -> tuple[int, ...]:
    """The dimensions in a constant input, each in [0, rank), in order; negative ones resolved."""
    tensor = site.tensor(position)
    if tensor.values is None:
        raise unsupported(site, "has dimensions that are computed at run time")
    if tensor.dtype not in tuple(dtypes):
        raise unsupported(site, f"has dimensions of type {tensor.dtype.value}")
    named = [int(axis) for axis in tensor.values.reshape(-1)]
    for axis in named:
        if not -rank <= axis < rank:
            raise unsupported(site, f"names dimension {axis} of {rank}")
    return tuple(sorted({axis % rank for axis in named}))


def strewn(shape: tuple[int, ...], chosen: Iterable[int]) -> list[tuple[int, int]]:
    """Sizes and steps, outermost first, of the chosen dimensions of a dense tensor.

    Neighbours that are both chosen are one; sizes of 1 are left out.
    """
    kept: list[tuple[int, int]] = []
    wanted = set(chosen)
    step, last = 1, 0  # last: the step from which the one before may be joined
    for axis in reversed(range(len(shape))):
        size = shape[axis]
        if axis in wanted and size > 1:
            if kept and last == step:
                kept[-1] = (kept[-1][0] * size, kept[-1][1])
            else:
                kept.append((size, step))
            last = step * size
        step *= size
    return kept[::-1]
