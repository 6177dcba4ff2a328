"""The checks that all operators share that only move elements, of whatever type."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops.layer import Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.strided import times
from edge_deploy.model.graph import DType, Tensor

# What the reference moves in every one of these operators.
TYPES = (DType.INT8, DType.UINT8, DType.INT32, DType.INT64, DType.FLOAT32)
_INDEX_TYPES = (DType.INT32, DType.INT64)
# More parts or dimensions than any operator has.
_MOST_NUMBERS = 16384


def source(site: Site, position: int, types: Sequence[DType] = TYPES) -> Tensor:
    """Check an input whose elements are moved, constant or not; returns it."""
    tensor = site.tensor(position)
    if tensor.dtype not in types:
        raise unsupported(site, f"moves {tensor.dtype.value}, which is not supported")
    if tensor.elements <= 0:
        raise unsupported(site, f"has an empty input, shape {tensor.shape}")
    return tensor


def output(site: Site, moved: Tensor, shape: Sequence[int], position: int = 0) -> Tensor:
    """Check an output that must have a shape and the type of what is moved; returns it."""
    tensor = site.settled(site.graph.tensors[site.operator.outputs[position]], tuple(shape))
    if tensor.dtype is not moved.dtype:
        site.quantized(moved, "an input")
        raise unsupported(site, f"turns {moved.dtype.value} into {tensor.dtype.value}")
    if tensor.shape != tuple(shape):
        raise unsupported(
            site, f"has an output of shape {times(tensor.shape)}, where {times(shape)} results"
        )
    if tensor.elements <= 0:
        raise unsupported(site, f"has an empty output, shape {tensor.shape}")
    return tensor


def only_output(site: Site, moved: Tensor, shape: Sequence[int]) -> Tensor:
    """Check the only output as `output` does; returns it."""
    if len(site.operator.outputs) != 1:
        raise unsupported(site, f"has {len(site.operator.outputs)} outputs instead of 1")
    return output(site, moved, shape)


def indices(site: Site, position: int, what: str) -> NDArray[np.int64]:
    """The values of an input that must be a constant of indices or sizes, as int64."""
    tensor = site.tensor(position)
    if tensor.values is None:
        raise unsupported(
            site,
            f"has {what} that are computed at run time",
            ("a model whose shapes are all fixed, with a batch of 1",),
        )
    if tensor.dtype not in _INDEX_TYPES:
        raise unsupported(site, f"has {what} of type {tensor.dtype.value}; int32 is wanted")
    return tensor.values.astype(np.int64)


def numbers(site: Site, position: int, what: str, count: int | None = None) -> tuple[int, ...]:
    """The values of a constant, one after the other: as many as `count` says."""
    if site.tensor(position).elements > _MOST_NUMBERS:
        raise unsupported(site, f"has {site.tensor(position).elements} {what}")
    found = indices(site, position, what)
    if count is not None and found.size != count:
        raise unsupported(site, f"has {found.size} {what} where {count} are wanted")
    return tuple(found.reshape(-1).tolist())


def number(site: Site, position: int, what: str) -> int:
    """The only value of a constant."""
    return numbers(site, position, what, 1)[0]


def axis(site: Site, value: int, rank: int) -> int:
    """A dimension of `rank`, counted from the end where it is negative; checked."""
    found = value + rank if value < 0 else value
    if not 0 <= found < rank:
        raise unsupported(site, f"has axis {value} for {rank} dimensions")
    return found


def same_scale(site: Site, one: Tensor, other: Tensor) -> None:
    """Refuse quantized tensors of different scale or zero point, as the reference does."""
    if one.dtype not in (DType.INT8, DType.UINT8, DType.INT16):
        return
    a, b = one.quantization, other.quantization
    if (a.scales, a.zero_points) != (b.scales, b.zero_points) if a and b else a is not b:
        raise unsupported(site, "joins tensors of different scale or zero point")
