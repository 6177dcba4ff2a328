"""Keras models with weights as after training and pruning, made into functions to be converted."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.converted.convert import Function
from tests.nn.cases import Pick


def apply(tf: Any, call: Any, *xs: Any) -> Any:
    """A function of TensorFlow on Keras tensors."""
    return tf.keras.layers.Lambda(lambda values: call(*values))(list(xs))


def fill(model: Any, pick: Pick) -> None:
    """Draw all weights: kernels by their fan-in, some filters or most single weights zero.

    Of deep models few filters: little would be left of them.
    """
    draw = np.random.default_rng(pick.integer(0, 2**31))
    pruned = pick.one_of((0.0, 0.0, 0.3, 0.7))
    filters_pruned = pick.one_of((0.0, 0.02) if len(model.layers) > 60 else (0.0, 0.2, 0.5))
    for variable in model.weights:
        shape = tuple(variable.shape)
        name = variable.path.rpartition("/")[2]
        if variable.dtype not in ("float32", "float"):
            continue
        if "variance" in name:
            values = draw.uniform(0.5, 2.0, shape)
        elif name in ("gamma", "scale"):
            values = draw.uniform(0.3, 1.5, shape) * draw.choice([1, 1, 1, -1], shape)
            values *= draw.random(shape) >= filters_pruned / 2
        elif len(shape) < 2:
            values = draw.normal(0, 0.3, shape)
        else:
            fan_in = max(1, int(np.prod(shape[:-1])))
            if "depthwise" in variable.path:
                fan_in = max(1, int(np.prod(shape[:-2])))
            values = draw.normal(0, 1.4 / np.sqrt(fan_in), shape)
            values *= draw.random(shape) >= pruned
            values *= draw.random(shape[-1]) >= filters_pruned
        variable.assign(values.astype(np.float32))


def network(
    tf: Any,
    pick: Pick,
    text: str,
    inputs: Any,
    outputs: Any,
    *,
    batch: int | None = 1,
    low: float = -2.0,
    high: float = 2.0,
    one_scale: bool | None = None,
    ends: tuple[str, str] | None = None,
) -> Function:
    """A function of a model from Keras tensors to Keras tensors, its weights drawn.

    batch: 1, or None where it is left open. one_scale: see Function; drawn where it is None.
    ends: types of the file's inputs and outputs.
    """
    model = tf.keras.Model(inputs, outputs)
    fill(model, pick)
    types = ends or pick.one_of(
        (("int8", "int8"), ("int8", "int8"), ("uint8", "uint8"), ("float32", "float32"))
    )
    given = inputs if isinstance(inputs, list) else [inputs]

    def call(*values: Any) -> Any:
        return model(list(values) if isinstance(inputs, list) else values[0], training=False)

    return Function(
        f"{text} {types[0]} to {types[1]}, batch {batch}",
        tuple((batch, *x.shape[1:]) for x in given),
        call,
        low,
        high,
        *types,
        one_scale=pick.one_of((True, False)) if one_scale is None else one_scale,
        variables=[variable.value for variable in model.variables],
    )


def application(tf: Any, pick: Pick, name: str, **keywords: Any) -> Function:
    """One of keras.applications, with 64x64x3 pixels, 10 classes and weights drawn."""
    model = getattr(tf.keras.applications, name)(
        input_shape=(64, 64, 3), weights=None, classes=10, **keywords
    )
    batch, types = pick.one_of((1, None)), ("int8", "int8")
    return network(tf, pick, name, model.inputs, model.outputs, batch=batch, ends=types)
