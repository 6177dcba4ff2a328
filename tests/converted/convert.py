"""Functions of TensorFlow to int8 `.tflite` files, by TensorFlow's own converter.

The product reads what converters write, and they write more variants than a table of random
parameters thinks of: other versions, folded constants, shapes computed at run time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from edge_deploy.training import runtime

# Draws of every input that calibrate a function.
SAMPLES = 6


class NotConverted(Exception):
    """TensorFlow's converter has no file for this function."""


@dataclass(frozen=True)
class Function:
    """A function to be converted.

    call: of float32 tensors of `shapes`, where a first size of None is a batch left open.
    low, high: of the values that calibrate it, and so its input scale and zero point.
    input_type, output_type: of the model's ends. variables: what the function reads.
    one_scale: of each matrix, instead of one for each of its outputs. remembers: assigns some of
    the variables.
    """

    text: str
    shapes: tuple[tuple[int | None, ...], ...]
    call: Callable[..., Any]
    low: float = -3.0
    high: float = 3.0
    input_type: str = "int8"
    output_type: str = "int8"
    variables: Sequence[Any] = ()
    one_scale: bool = False
    remembers: bool = False


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

    with runtime.quiet(), tempfile.TemporaryDirectory() as folder:
        concrete = tf.function(function.call, input_signature=signature).get_concrete_function()
        converter = _converter(tf, function, concrete, folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = samples
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = getattr(tf, function.input_type)
        converter.inference_output_type = getattr(tf, function.output_type)
        # Private, and the only switches there are.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = (
            function.one_scale
        )
        converter._experimental_variable_quantization = function.remembers
        try:
            data: bytes = converter.convert()
        except Exception as error:  # TensorFlow documents none of what it raises
            raise NotConverted(str(error)) from error
    return data


def _converter(tf: Any, function: Function, concrete: Any, folder: str) -> Any:
    """A converter of a function; one with variables goes through a saved model in `folder`."""
    module = tf.Module()
    if not function.variables:
        return tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    module.kept = list(function.variables)
    tf.saved_model.save(module, folder, signatures=concrete)
    return tf.lite.TFLiteConverter.from_saved_model(folder)
