"""Functions of TensorFlow to int8 `.tflite` files, by TensorFlow's own converter.

The product reads what converters write, and they write more variants than a table of random
parameters thinks of: other versions, folded constants, shapes computed at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from edge_deploy.training import runtime

# Draws of every input that calibrate a function.
SAMPLES = 6


@dataclass(frozen=True)
class Function:
    """A function to be converted.

    call: of float32 tensors of `shapes`, where a first size of None is a batch left open.
    low, high: of the values that calibrate it, and so its input scale and zero point.
    input_type, output_type: of the model's ends.
    """

    text: str
    shapes: tuple[tuple[int | None, ...], ...]
    call: Callable[..., Any]
    low: float = -3.0
    high: float = 3.0
    input_type: str = "int8"
    output_type: str = "int8"


def tensorflow() -> Any:
    """TensorFlow; skips the test where it is not installed."""
    try:
        return runtime.load()
    except runtime.TrainingMissing as missing:
        pytest.skip(str(missing))


def convert(function: Function, seed: int) -> bytes:
    """The file: int8 inside, calibrated with values drawn from `seed`."""
    tf = tensorflow()
    # By name: the converter may put them in another order.
    signature = [
        tf.TensorSpec(shape, tf.float32, name=f"input_{i}")
        for i, shape in enumerate(function.shapes)
    ]
    draw = np.random.default_rng(seed)

    def samples() -> Iterator[Mapping[str, Any]]:
        for _ in range(SAMPLES):
            yield {
                spec.name: draw.uniform(
                    function.low, function.high, [size or 1 for size in spec.shape]
                ).astype(np.float32)
                for spec in signature
            }

    with runtime.quiet():
        concrete = tf.function(function.call, input_signature=signature).get_concrete_function()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module())
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = samples
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = getattr(tf, function.input_type)
        converter.inference_output_type = getattr(tf, function.output_type)
        data: bytes = converter.convert()
    return data
