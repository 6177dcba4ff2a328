"""Reductions over any dimensions, indices of extremes, normalization."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tests.model_file import ModelBuilder
from tests.nn.cases import ZERO_POINTS, Case, Family, Pick

_SIZES = (1, 1, 2, 3, 4, 5, 7, 9)


def _shape(pick: Pick, most_dimensions: int) -> tuple[int, ...]:
    rank = pick.integer(1, most_dimensions)
    return tuple(pick.one_of(_SIZES if rank < 5 else (1, 2, 3)) for _ in range(rank))


def _reduced(shape: tuple[int, ...], chosen: set[int], keep: bool) -> tuple[int, ...]:
    return tuple(
        1 if axis in chosen else size
        for axis, size in enumerate(shape)
        if keep or axis not in chosen
    )


def reduction(pick: Pick) -> Case:
    """MEAN, SUM, REDUCE_MAX or REDUCE_MIN: some dimensions, negative, twice, all or none."""
    operator = pick.one_of(("MEAN", "MEAN", "MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"))
    shape = _shape(pick, 6)
    rank = len(shape)
    named = [pick.integer(-rank, rank - 1) for _ in range(pick.integer(1, rank))]
    kind = pick.one_of(("named", "named", "maps", "none"))
    if kind == "maps":  # the mean over a picture, as classifiers end
        shape = (pick.one_of((1, 2)), *(pick.integer(1, 40) for _ in range(2)), pick.integer(1, 21))
        named, rank = pick.one_of(([1, 2], [2, 1], [-2, -3])), 4
    if kind == "none":
        named = []
    keep = pick.one_of((True, False))
    scale = pick.one_of((0.004, 0.05, 1.0))
    zero_point = pick.one_of(ZERO_POINTS)
    output_scale, output_zero_point = scale, zero_point
    if operator in ("MEAN", "SUM") and pick.one_of((True, True, False)):
        ratio = 10 ** (pick.integer(-1500, 1500) / 1000)
        ratio = pick.one_of((ratio, ratio, 1e-7, 1e7))
        output_scale, output_zero_point = float(np.float32(scale * ratio)), pick.one_of(ZERO_POINTS)
    model = ModelBuilder()
    x = model.tensor(shape, scale=scale, zero_point=zero_point)
    axes_shape = () if len(named) == 1 and pick.one_of((True, False)) else (len(named),)
    axes = model.tensor(axes_shape, "int32", values=np.array(named, np.int32))
    y = model.tensor(
        _reduced(shape, {axis % rank for axis in named}, keep),
        scale=output_scale,
        zero_point=output_zero_point,
    )
    model.op(operator, [x, axes], [y], {"keep_dims": keep}, version=2)
    text = f"{operator} {shape} over {named} keep {keep} scales {scale} {output_scale}"
    return Case(text, model.finish([x], [y]))


def arg_min_max(pick: Pick) -> Case:
    """ARG_MAX or ARG_MIN, with indices of either width."""
    operator = pick.one_of(("ARG_MAX", "ARG_MIN"))
    shape = _shape(pick, 6)
    axis = pick.integer(-len(shape), len(shape) - 1)
    width = pick.one_of(("int32", "int64"))
    model = ModelBuilder()
    x = model.tensor(shape, scale=0.1, zero_point=pick.one_of(ZERO_POINTS))
    chosen = model.tensor(pick.one_of(((), (1,))), pick.one_of(("int32", "int64")), values=[axis])
    y = model.tensor(_reduced(shape, {axis % len(shape)}, keep=False), width)
    model.op(operator, [x, chosen], [y], {"output_type": width.upper()}, version=2)
    return Case(f"{operator} {shape} along {axis} as {width}", model.finish([x], [y]))


def l2_normalization(pick: Pick) -> Case:
    """L2_NORMALIZATION: short and long vectors, some of them near nothing."""
    depth = pick.one_of((1, 2, 3, 16, 300))
    shape = (*_shape(pick, 3), depth)
    zero_point = pick.one_of(ZERO_POINTS)
    model = ModelBuilder()
    x = model.tensor(shape, scale=0.1, zero_point=zero_point)
    y = model.tensor(shape, scale=1 / 128, zero_point=0)
    model.op("L2_NORMALIZATION", [x], [y], {}, version=2)
    return Case(f"L2_NORMALIZATION {shape} zero point {zero_point}", model.finish([x], [y]))


FAMILIES: Mapping[str, Family] = {
    "arg_min_max": arg_min_max,
    "l2_normalization": l2_normalization,
    "reduction": reduction,
}
