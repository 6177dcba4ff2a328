"""One value at a time, or two: functions, sums, products, conversions at the ends.

ELU and NEG are not among them: this converter leaves them in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.converted.convert import Function
from tests.nn.cases import Pick

RANGES = ((-3.0, 3.0), (-0.1, 0.1), (0.0, 6.0), (-8.0, 1.0), (-100.0, 60.0), (2.0, 3.0))


def _shape(pick: Pick, least: int = 1) -> tuple[int, ...]:
    """One to four dimensions, of sizes that are no multiple of anything."""
    sizes = (1, 2, 3, 4, 5, 7, 9)
    return tuple(pick.one_of(sizes) for _ in range(pick.integer(least, 4)))


def _of_one(
    name: str, call: Callable[[Any], Callable[[Any], Any]], *ranges: tuple[float, float]
) -> Callable[[Any, Pick], Function]:
    """A function of one tensor. call: of TensorFlow, so that nothing imports it early."""

    def function(tf: Any, pick: Pick) -> Function:
        low, high = pick.one_of(ranges or RANGES)
        shape = _shape(pick)
        return Function(f"{name} {shape} [{low}, {high}]", (shape,), call(tf), low, high)

    return function


def _of_two(name: str, call: Callable[[Any], Callable[[Any, Any], Any]]) -> Callable[..., Function]:
    """A function of two tensors, of one shape or broadcast, or of one with a constant."""

    def function(tf: Any, pick: Pick) -> Function:
        shape = _shape(pick)
        other = shape
        kind = pick.one_of(("same", "same", "broadcast", "shorter", "constant", "scalar"))
        if kind == "broadcast":
            other = tuple(pick.one_of((1, size)) for size in shape)
        elif kind == "shorter":
            other = shape[pick.integer(0, len(shape) - 1) :]
        low, high = pick.one_of(RANGES)
        low_text = f"{name} {kind} {shape} {other} [{low}, {high}]"
        clamp = pick.one_of(((lambda x: x), (lambda x: x), tf.nn.relu, tf.nn.relu6))
        one = call(tf)
        if kind in ("constant", "scalar"):
            draw = np.random.default_rng(pick.integer(0, 2**31))
            size = shape if kind == "constant" else ()
            fixed = draw.uniform(low, high, size).astype(np.float32)
            left = pick.one_of((True, False))
            return Function(
                low_text,
                (shape,),
                lambda x: clamp(one(fixed, x) if left else one(x, fixed)),
                low,
                high,
            )
        return Function(low_text, (shape, other), lambda x, y: clamp(one(x, y)), low, high)

    return function


def prelu(tf: Any, pick: Pick) -> Function:
    """PRELU, as Keras' layer writes it: slopes for each channel, or for each value."""
    shape = (1, pick.integer(1, 5), pick.integer(1, 5), pick.one_of((1, 3, 4, 8)))
    slopes = pick.one_of((shape[1:], (1, 1, shape[3])))
    draw = np.random.default_rng(pick.integer(0, 2**31))
    alpha = draw.normal(size=slopes).astype(np.float32)
    return Function(
        f"prelu {shape} {slopes}",
        (shape,),
        lambda x: tf.nn.relu(x) + -alpha * tf.nn.relu(-x),
    )


def _ends(name: str, input_type: str, output_type: str) -> Callable[[Any, Pick], Function]:
    """Conversions where a model begins and ends."""

    def function(tf: Any, pick: Pick) -> Function:
        low, high = pick.one_of(RANGES)
        shape = _shape(pick)
        return Function(
            f"{name} {shape} [{low}, {high}]",
            (shape,),
            lambda x: tf.tanh(x) * 0.5,
            low,
            high,
            input_type,
            output_type,
        )

    return function


def requantize(tf: Any, pick: Pick) -> Function:
    """QUANTIZE from int8 to int8: a concatenation wants one scale of all its inputs."""
    shape = _shape(pick)
    return Function(
        f"requantize {shape}",
        (shape, shape),
        lambda x, y: tf.concat([tf.nn.relu(x), tf.sigmoid(y)], -1),
    )


ELEMENTWISE: Mapping[str, Callable[[Any, Pick], Function]] = {
    "LOGISTIC": _of_one("sigmoid", lambda tf: tf.sigmoid),
    "TANH": _of_one("tanh", lambda tf: tf.tanh),
    "RELU": _of_one("relu", lambda tf: tf.nn.relu),
    "RELU6": _of_one("relu6", lambda tf: tf.nn.relu6),
    "RELU_N1_TO_1": _of_one(
        "relu_n1_to_1", lambda tf: lambda x: tf.minimum(tf.maximum(x, -1.0), 1.0)
    ),
    "LEAKY_RELU": _of_one("leaky_relu", lambda tf: lambda x: tf.nn.leaky_relu(x, 0.3)),
    "HARD_SWISH": _of_one(
        "hard_swish", lambda tf: lambda x: x * tf.nn.relu6(x + 3.0) * (1.0 / 6.0)
    ),
    "GELU": _of_one("gelu", lambda tf: tf.nn.gelu),
    "ABS": _of_one("abs", lambda tf: tf.abs),
    "EXP": _of_one("exp", lambda tf: tf.exp, (-3.0, 3.0), (-8.0, 0.0), (0.0, 2.0)),
    "SQRT": _of_one("sqrt", lambda tf: tf.sqrt, (0.1, 3.0), (1.0, 100.0)),
    "RSQRT": _of_one("rsqrt", lambda tf: tf.math.rsqrt, (0.1, 3.0), (1.0, 100.0)),
    "SOFTMAX": _of_one("softmax", lambda tf: tf.nn.softmax),
    "LOG_SOFTMAX": _of_one("log_softmax", lambda tf: tf.nn.log_softmax),
    "L2_NORMALIZATION": _of_one("l2_normalize", lambda tf: lambda x: tf.math.l2_normalize(x, -1)),
    "ADD": _of_two("add", lambda tf: tf.add),
    "SUB": _of_two("sub", lambda tf: tf.subtract),
    "MUL": _of_two("mul", lambda tf: tf.multiply),
    "MINIMUM": _of_two("minimum", lambda tf: tf.minimum),
    "MAXIMUM": _of_two("maximum", lambda tf: tf.maximum),
    "SQUARED_DIFFERENCE": _of_two("squared_difference", lambda tf: tf.math.squared_difference),
    "PRELU": prelu,
    "QUANTIZE": requantize,
    "float32 ends": _ends("float32 ends", "float32", "float32"),
    "uint8 ends": _ends("uint8 ends", "uint8", "uint8"),
}
