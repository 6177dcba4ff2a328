"""Operators that make one byte of one byte: every value of the input is in each model."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.model_file import ModelBuilder
from tests.nn.cases import ZERO_POINTS, Case, Family, Pick

# As far apart as converters put them, and further.
SCALES = (0.0004, 0.003, 2**-8, 0.0078125, 0.02353, 0.05, 0.11, 0.3, 1.0, 3.7)

# The operators of a model, so that what is run covers them all with few models.
OPERATORS = (
    "ABS",
    "EXP",
    "GELU",
    "HARD_SWISH",
    "LEAKY_RELU",
    "LOGISTIC",
    "QUANTIZE",
    "RELU",
    "RELU6",
    "RELU_N1_TO_1",
    "TANH",
)
# What the reference has for float32: what IEEE 754 rounds, and what the C library does.
ROUNDED_REALS = (
    "ABS",
    "FLOOR",
    "HARD_SWISH",
    "LEAKY_RELU",
    "NEG",
    "RELU",
    "RELU6",
    "RELU_N1_TO_1",
    "RSQRT",
    "SQRT",
    "SQUARE",
)
LIBRARY_REALS = ("COS", "EXP", "LOG", "LOGISTIC", "SIN", "TANH")
SIGNED_ONLY = ("ABS", "ELU", "EXP", "RSQRT")


def zero_point(pick: Pick, dtype: str) -> int:
    """A zero point of an 8-bit type, often at its end."""
    return pick.one_of(ZERO_POINTS) + (128 if dtype == "uint8" else 0)


def output_of(
    pick: Pick, operator: str, dtype: str, source: tuple[float, int]
) -> tuple[float, int]:
    """Scale and zero point that the operator may have at its output."""
    lowest = 0 if dtype == "uint8" else -128
    if operator == "LOGISTIC":
        return 1 / 256, lowest
    if operator == "TANH":
        return 1 / 128, lowest + 128
    if operator == "QUANTIZE" and pick.one_of((True, False)):  # perhaps only another type
        return source[0], source[1] + (lowest + 128) - (128 if source[1] > 127 else 0)
    if pick.one_of((True, False)):  # a clamp, where the operator is an activation
        return source[0], max(lowest, min(lowest + 255, source[1]))
    scale = pick.one_of(SCALES)
    if operator == "HARD_SWISH":
        scale = max(scale, source[0])
    return scale, zero_point(pick, dtype)


def options_of(pick: Pick, operator: str) -> dict[str, Any] | None:
    """What the operator's table in the file may say."""
    if operator == "GELU":
        return {"approximate": pick.one_of((True, False))}
    if operator == "LEAKY_RELU":
        alpha = pick.one_of((0.1, 0.2, 0.3, 0.0, 1.0, -0.5, 2.5))
        return {"alpha": float(np.float32(alpha))}
    return None


def one(operators: tuple[str, ...], pick: Pick) -> Case:
    """One operator over all 256 values, in a model with odd numbers of them."""
    operator = pick.one_of(operators)
    dtype = "int8" if operator in SIGNED_ONLY else pick.one_of(("int8", "int8", "uint8"))
    other = pick.one_of(("int8", "uint8")) if operator == "QUANTIZE" else dtype
    source = pick.one_of(SCALES), zero_point(pick, dtype)
    result = output_of(pick, operator, other, source)
    shape = (pick.one_of((1, 3, 4, 257, 1026, 1027)),)
    model = ModelBuilder()
    x = model.tensor(shape, dtype, scale=source[0], zero_point=source[1])
    y = model.tensor(shape, other, scale=result[0], zero_point=result[1])
    model.op(operator, [x], [y], options_of(pick, operator))
    text = f"{operator} {shape} {dtype} {source} -> {other} {result}"
    return Case(text, model.finish([x], [y]))


def chain(pick: Pick) -> Case:
    """A fully connected layer and two tables after it, the middle one's input read twice or not."""
    rng = np.random.default_rng(pick.integer(0, 2**31))
    model = ModelBuilder()
    x = model.tensor((1, 8), scale=0.05, zero_point=pick.one_of(ZERO_POINTS))
    w = model.tensor((37, 8), scale=0.02, values=rng.integers(-127, 128, (37, 8)).astype(np.int8))
    ends = [x]
    scale, zero = pick.one_of((0.05, 0.11)), pick.one_of(ZERO_POINTS)
    last = model.tensor((1, 37), scale=scale, zero_point=zero)
    activation = pick.one_of(("NONE", "RELU"))
    model.op("FULLY_CONNECTED", [x, w, -1], [last], {"fused_activation_function": activation})
    outputs = []
    names = []
    for _ in range(2):
        operator = pick.one_of(("RELU", "RELU6", "TANH", "QUANTIZE", "LEAKY_RELU"))
        result = output_of(pick, operator, "int8", (scale, zero))
        y = model.tensor((1, 37), scale=result[0], zero_point=result[1])
        model.op(operator, [last], [y], options_of(pick, operator))
        if pick.one_of((True, False, False)):
            outputs.append(last)
        names.append(operator)
        (scale, zero), last = result, y
    return Case(f"FULLY_CONNECTED {names}", model.finish(ends, [*outputs, last]))


def real(pick: Pick) -> Case:
    """Operators on float32 between a DEQUANTIZE and a QUANTIZE, the integers all 256 values.

    What the C library rounds comes last: after it, a function that jumps makes its last bit decide.
    """
    dtype, other = pick.one_of(("int8", "uint8")), pick.one_of(("int8", "uint8"))
    shape = (pick.one_of((1, 257, 1027)),)
    model = ModelBuilder()
    scale, zero = pick.one_of(SCALES), zero_point(pick, dtype)
    x = model.tensor(shape, dtype, scale=scale, zero_point=zero)
    last = model.tensor(shape, "float32")
    model.op("DEQUANTIZE", [x], [last])
    beside = model.tensor(shape, dtype, scale=scale, zero_point=zero)
    model.op("RELU", [x], [beside])  # a model without it would be one of floats, and refused
    names = []
    kinds = pick.one_of(((), (ROUNDED_REALS,), (LIBRARY_REALS,), (ROUNDED_REALS, LIBRARY_REALS)))
    for kind in kinds:
        operator = pick.one_of(kind)
        y = model.tensor(shape, "float32")
        model.op(operator, [last], [y], {"alpha": 0.25} if operator == "LEAKY_RELU" else None)
        names.append(operator)
        last = y
    result = pick.one_of(SCALES), zero_point(pick, other)
    y = model.tensor(shape, other, scale=result[0], zero_point=result[1])
    model.op("QUANTIZE", [last], [y])
    text = f"{shape} {dtype} {scale} {zero} {names} {other} {result}"
    return Case(text, model.finish([x], [y, beside]))


FAMILIES: Mapping[str, Family] = {
    "lookup": functools.partial(one, OPERATORS),
    "lookup chain": chain,
    "lookup of reals": real,
}
