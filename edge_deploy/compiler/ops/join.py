"""CONCATENATION and PACK: one strided copy for each input. Kernel: firmware/src/nn/strided.h."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edge_deploy.compiler.ops import moved
from edge_deploy.compiler.ops.layer import Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.strided import Loop, Strided, copy
from edge_deploy.model.graph import DType, Tensor


def read_concatenation(site: Site) -> tuple[Strided, ...]:
    """A CONCATENATION of the file, checked. Raises UnsupportedModel."""
    parts = _parts(site, (*moved.TYPES, DType.INT16, DType.BOOL))
    first = parts[0]
    axis = moved.axis(site, int(site.option("axis")), len(first.shape))
    if site.option("fused_activation_function") != "NONE":
        raise unsupported(site, "has a fused activation, which the reference does not take")
    for part in parts:
        if part.dtype is not first.dtype:
            raise unsupported(site, f"joins {first.dtype.value} and {part.dtype.value}")
        alike = len(part.shape) == len(first.shape)
        if not alike or _without(part.shape, axis) != _without(first.shape, axis):
            raise unsupported(site, f"joins shapes {first.shape} and {part.shape}")
    size = sum(part.shape[axis] for part in parts)
    shape = (*first.shape[:axis], size, *first.shape[axis + 1 :])
    return _joined(site, parts, moved.only_output(site, first, shape), axis)


def read_pack(site: Site) -> tuple[Strided, ...]:
    """A PACK of the file, checked. Raises UnsupportedModel."""
    parts = _parts(site, moved.TYPES)
    first = parts[0]
    axis = moved.axis(site, int(site.option("axis")), len(first.shape) + 1)
    if int(site.option("values_count")) != len(parts):
        raise unsupported(
            site, f"has values_count {site.option('values_count')} for {len(parts)} inputs"
        )
    for part in parts:
        if (part.dtype, part.shape) != (first.dtype, first.shape):
            raise unsupported(site, f"packs shapes {first.shape} and {part.shape}")
    shape = (*first.shape[:axis], len(parts), *first.shape[axis:])
    return _joined(site, parts, moved.only_output(site, first, shape), axis)


def _parts(site: Site, types: Sequence[DType]) -> list[Tensor]:
    if not site.operator.inputs:
        raise unsupported(site, "has no inputs")
    return [moved.source(site, i, types) for i in range(len(site.operator.inputs))]


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


def _joined(site: Site, parts: list[Tensor], output: Tensor, axis: int) -> tuple[Strided, ...]:
    """Each part's runs, one for each index of the dimensions before the axis."""
    outer = math.prod(output.shape[:axis])
    whole = output.elements // outer
    layers: list[Strided] = []
    at = 0
    for part in parts:
        moved.same_scale(site, part, output)
        run = part.elements // outer
        loops = (Loop(outer, run, whole), Loop(run, 1, 1))
        layers.append(copy(site, part, output, loops, write_at=at))
        at += run
    return tuple(layers)
