"""Operators of two operands: same shapes, stretched ones, constants, one tensor twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.model_file import ModelBuilder
from tests.nn.cases import ACTIVATIONS, ZERO_POINTS, Case, Family, Pick

Shape = tuple[int, ...]

_SIZES = (1, 1, 2, 3, 4, 5, 7, 9)


def shapes(pick: Pick, most_dimensions: int) -> tuple[Shape, Shape, Shape]:
    """Two operands' shapes and the output's: alike, or stretched by NumPy's rules."""
    kind = pick.one_of(("same", "same", "any", "channels", "scalar"))
    if kind == "same":
        rank = pick.integer(1, min(most_dimensions + 1, 6))  # more than can be stretched
        shape = tuple(pick.one_of(_SIZES if rank < 5 else (1, 2, 3)) for _ in range(rank))
        return shape, shape, shape
    rank = pick.integer(1, most_dimensions)
    output = tuple(pick.one_of(_SIZES if rank < 5 else (1, 2, 3)) for _ in range(rank))
    if kind == "channels":
        other: Shape = output[-1:]
    elif kind == "scalar":
        other = pick.one_of(((), (1,), (1,) * rank))
    else:
        first = tuple(pick.one_of((n, n, 1)) for n in output)
        other = tuple(
            pick.one_of((n, 1)) if f > 1 else n for n, f in zip(output, first, strict=True)
        )
        other = other[pick.integer(0, rank - 1) :] if pick.one_of((True, False)) else other
        padded = (1,) * (rank - len(other)) + other
        output = tuple(max(a, b) for a, b in zip(first, padded, strict=True))
        return (first, other, output) if pick.one_of((True, False)) else (other, first, output)
    return (output, other, output) if pick.one_of((True, False)) else (other, output, output)


def two_operands(
    pick: Pick,
    operator: str,
    where: tuple[Shape, Shape, Shape],
    scales: tuple[float, float, float],
    zero_points: tuple[int, int, int],
    options: dict[str, Any],
    *,
    version: int = 2,
    may_be_one: bool = True,
) -> Case:
    """A model of one operator; sometimes an operand is constant, sometimes both are the same."""
    model = ModelBuilder()
    kind = pick.one_of(("apart", "apart", "first constant", "second constant", "one"))
    if kind == "one" and not (may_be_one and where[0] == where[1]):
        kind = "apart"
    rng = np.random.default_rng(pick.integer(0, 2**31))
    operands: list[int] = []
    inputs: list[int] = []
    for i, name in enumerate(("first", "second")):
        values = None
        if kind == f"{name} constant":
            values = rng.integers(-128, 128, where[i]).astype(np.int8)
            if pick.one_of((True, False, False)):
                values = rng.choice([-128, 127, zero_points[i]], where[i]).astype(np.int8)
        if kind == "one" and i == 1:
            operands.append(operands[0])
            continue
        at = model.tensor(where[i], scale=scales[i], zero_point=zero_points[i], values=values)
        operands.append(at)
        inputs += [at] if values is None else []
    y = model.tensor(where[2], scale=scales[2], zero_point=zero_points[2])
    model.op(operator, operands, [y], options or None, version=version)
    text = f"{operator} {kind} {where} scales {scales} zero points {zero_points} {options}"
    return Case(text, model.finish(inputs, [y]))


def _zero_points(pick: Pick) -> tuple[int, int, int]:
    return pick.one_of(ZERO_POINTS), pick.one_of(ZERO_POINTS), pick.one_of(ZERO_POINTS)


def _scale(pick: Pick) -> float:
    rng = np.random.default_rng(pick.integer(0, 2**31))
    return float(np.float32(10 ** rng.uniform(-3, 0)))


def sum_scales(pick: Pick) -> tuple[float, float, float]:
    """Scales of a sum's operands and output: any, alike, powers of two apart, far apart."""
    first = _scale(pick)
    ratios = {
        "any": (10 ** (pick.integer(-1000, 1000) / 1000), 10 ** (pick.integer(-300, 1000) / 1000)),
        "alike": (1.0, pick.one_of((1.0, 2.0, 0.5, 4.0))),
        "powers": (pick.one_of((2.0, 0.25, 1.0)), pick.one_of((4.0, 8.0, 0.125, 1.0))),
        "far": (pick.one_of((1e-4, 3e4)), pick.one_of((3e3, 1e-2, 2e-5))),
    }[pick.one_of(("any", "any", "any", "alike", "powers", "far"))]
    second = first * ratios[0]
    output = max(first, second) * ratios[1]
    return first, float(np.float32(second)), float(np.float32(output))


def _add_or_sub(pick: Pick, operator: str, most_dimensions: int) -> Case:
    options = {"fused_activation_function": pick.one_of(ACTIVATIONS)}
    where = shapes(pick, most_dimensions)
    return two_operands(pick, operator, where, sum_scales(pick), _zero_points(pick), options)


def add(pick: Pick) -> Case:
    """ADD."""
    return _add_or_sub(pick, "ADD", 6)


def sub(pick: Pick) -> Case:
    """SUB."""
    return _add_or_sub(pick, "SUB", 5)


def mul(pick: Pick) -> Case:
    """MUL, its factor from far below to above 1."""
    first, second = _scale(pick), _scale(pick)
    gain = pick.one_of((0.01, 0.3, 1.0, 1.0, 2.0, 50.0, 1e4, 1e7))
    output = max(first * second * 128 / gain, 1e-8)
    if pick.one_of((True, False, False)):
        first, second, output = 0.5, 0.25, pick.one_of((0.125, 1.0, 4.0, 16.0))
    return two_operands(
        pick,
        "MUL",
        shapes(pick, 4),
        (first, second, float(np.float32(output))),
        _zero_points(pick),
        {"fused_activation_function": pick.one_of(ACTIVATIONS)},
    )


def minimum_maximum(pick: Pick) -> Case:
    """MINIMUM or MAXIMUM; the scales need not be equal."""
    operator = pick.one_of(("MINIMUM", "MAXIMUM"))
    scales, zero_points = (0.1, 0.1, 0.1), (3, 3, 3)
    if pick.one_of((True, False, False)):
        scales, zero_points = sum_scales(pick), _zero_points(pick)
    return two_operands(pick, operator, shapes(pick, 5), scales, zero_points, {})


def squared_difference(pick: Pick) -> Case:
    """SQUARED_DIFFERENCE."""
    first, second, _ = sum_scales(pick)
    gain = pick.one_of((1.0, 1.0, 0.01, 20.0, 200.0))
    output = float(np.float32((max(first, second) * 200) ** 2 / 200 / gain))
    scales = (first, second, output)
    where = shapes(pick, 6)
    return two_operands(
        pick, "SQUARED_DIFFERENCE", where, scales, _zero_points(pick), {}, version=1
    )


def prelu(pick: Pick) -> Case:
    """PRELU, its alphas per channel, for all or one for each value, constant or not."""
    rank = pick.integer(1, 4)
    shape = tuple(pick.one_of(_SIZES) for _ in range(rank))
    alphas = {
        "channels": (1,) * (rank - 2) + shape[-1:],
        "any": tuple(pick.one_of((n, 1)) for n in shape),
        "one": (1,),
        "same": shape,
    }[pick.one_of(("channels", "channels", "any", "one", "same"))]
    scale = _scale(pick)
    alpha_scale = pick.one_of((0.002, 0.01, 0.05, 3.0))
    output_scale = float(np.float32(scale * pick.one_of((1.0, 1.0, 0.3, 2.5, 0.002))))
    return two_operands(
        pick,
        "PRELU",
        (shape, alphas, shape),
        (scale, alpha_scale, output_scale),
        _zero_points(pick),
        {},
        version=1,
    )


FAMILIES: Mapping[str, Family] = {
    "add": add,
    "minimum_maximum": minimum_maximum,
    "mul": mul,
    "prelu": prelu,
    "squared_difference": squared_difference,
    "sub": sub,
}
