"""Many values to one: means, sums, extremes and where they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.converted.convert import Function
from tests.nn.cases import Pick


def _reduction(name: str) -> Callable[[Any, Pick], Function]:
    def function(tf: Any, pick: Pick) -> Function:
        rank = pick.integer(1, 4)
        shape = tuple(pick.one_of((1, 2, 3, 5, 8)) for _ in range(rank))
        if rank == 4 and pick.one_of((True, False)):
            axes = [1, 2]
        else:
            axes = sorted({pick.integer(0, rank - 1) for _ in range(pick.integer(1, rank))})
        if pick.one_of((True, False, False)):
            axes = [axis - rank for axis in axes]
        keep = pick.one_of((True, False))
        call = getattr(tf, name)
        low, high = pick.one_of(((-3.0, 3.0), (0.0, 6.0), (-8.0, 1.0)))
        return Function(
            f"{name} {shape} {axes} keep {keep}",
            (shape,),
            lambda x: call(x, axes, keepdims=keep),
            low,
            high,
        )

    return function


def _index(name: str) -> Callable[[Any, Pick], Function]:
    def function(tf: Any, pick: Pick) -> Function:
        shape = tuple(pick.one_of((1, 2, 3, 5, 8)) for _ in range(pick.integer(1, 4)))
        axis = pick.integer(-len(shape), len(shape) - 1)
        wide = pick.one_of((tf.int32, tf.int64))
        call = getattr(tf, name)
        return Function(
            f"{name} {shape} {axis} {wide.name}",
            (shape,),
            lambda x: call(x, axis, output_type=wide),
        )

    return function


REDUCTIONS: Mapping[str, Callable[[Any, Pick], Function]] = {
    "MEAN": _reduction("reduce_mean"),
    "SUM": _reduction("reduce_sum"),
    "REDUCE_MAX": _reduction("reduce_max"),
    "REDUCE_MIN": _reduction("reduce_min"),
    "ARG_MAX": _index("argmax"),
    "ARG_MIN": _index("argmin"),
}
