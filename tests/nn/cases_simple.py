"""Pools, softmax, its logarithm and reshape."""

from __future__ import annotations

from collections.abc import Mapping

from tests.model_file import ModelBuilder
from tests.nn.cases import ZERO_POINTS, Case, Family, Pick, geometry


def pool(pick: Pick) -> Case:
    """AVERAGE_POOL_2D or MAX_POOL_2D."""
    g = geometry(pick, dilations=False, largest_kernel=6)
    channels = pick.one_of((1, 2, 3, 4, 7, 8, 12))
    operator = pick.one_of(("AVERAGE_POOL_2D", "MAX_POOL_2D"))
    scale = pick.one_of((0.003, 0.02, 0.05, 1.0))
    zero_point = pick.one_of(ZERO_POINTS)
    model = ModelBuilder()
    x = model.tensor((*g.shape, channels), scale=scale, zero_point=zero_point)
    y = model.tensor((g.shape[0], *g.output, channels), scale=scale, zero_point=zero_point)
    options = {**g.options, "filter_height": g.kernel[0], "filter_width": g.kernel[1]}
    model.op(operator, [x], [y], options)
    return Case(f"{operator} {g.text} {channels}", model.finish([x], [y]))


def softmax(pick: Pick) -> Case:
    """SOFTMAX over the last of one to four dimensions."""
    source, output = pick.one_of(
        (
            ("int8", "int8"),
            ("int8", "int8"),
            ("int8", "int16"),
            ("uint8", "uint8"),
            ("uint8", "int16"),
        )
    )
    shape, scale, zero_point = _rows(pick, source)
    beta = pick.one_of((1.0, 1.0, 0.5, 2.0, 0.1))
    model = ModelBuilder()
    x = model.tensor(shape, source, scale=scale, zero_point=zero_point)
    bits, lowest = {"int8": (8, -128), "uint8": (8, 0), "int16": (16, 0)}[output]
    y = model.tensor(shape, output, scale=2.0**-bits, zero_point=lowest)
    model.op("SOFTMAX", [x], [y], {"beta": beta})
    text = f"SOFTMAX {shape} {source} {scale} -> {output} beta {beta}"
    return Case(text, model.finish([x], [y]))


def log_softmax(pick: Pick) -> Case:
    """LOG_SOFTMAX over the last of one to four dimensions."""
    shape, scale, zero_point = _rows(pick, "int8")
    model = ModelBuilder()
    x = model.tensor(shape, scale=scale, zero_point=zero_point)
    y = model.tensor(shape, scale=1 / 16, zero_point=127)
    model.op("LOG_SOFTMAX", [x], [y])
    return Case(f"LOG_SOFTMAX {shape} scale {scale}", model.finish([x], [y]))


def _rows(pick: Pick, dtype: str) -> tuple[tuple[int, ...], float, int]:
    """A shape, a scale from the least that the reference takes, and a zero point."""
    depth = pick.one_of((1, 2, 3, 7, 12, 100, 400, 513, 1001, 4095))
    shape = (*(pick.integer(1, 3) for _ in range(pick.integer(0, 3))), depth)
    scale = pick.one_of((1e-6, 0.0005, 0.01, 0.05, 0.1, 0.3, 1.0, 20.0))
    return shape, scale, pick.one_of(ZERO_POINTS) + (128 if dtype == "uint8" else 0)


def reshape(pick: Pick) -> Case:
    """RESHAPE alone, which leaves a model with no layer, or after a softmax."""
    height, width = pick.integer(1, 5), pick.integer(1, 5)
    model = ModelBuilder()
    x = model.tensor((height, width), scale=0.1, zero_point=3)
    source, scale, zero_point = x, 0.1, 3
    if pick.one_of((True, False)):
        source, scale, zero_point = (
            model.tensor((height, width), scale=1 / 256, zero_point=-128),
            1 / 256,
            -128,
        )
        model.op("SOFTMAX", [x], [source], {"beta": 1.0})
    y = model.tensor((1, height * width, 1), scale=scale, zero_point=zero_point)
    wanted = model.tensor((3,), "int32", values=[1, height * width, 1])
    model.op("RESHAPE", [source, wanted], [y], {"new_shape": [1, height * width, 1]})
    return Case(f"RESHAPE {height} x {width}", model.finish([x], [y]))


FAMILIES: Mapping[str, Family] = {
    "log softmax": log_softmax,
    "pool": pool,
    "reshape": reshape,
    "softmax": softmax,
}
