"""A float Keras model and inputs that represent its use -> a full-int8 `.tflite`.

Weights, activations, input and output are int8, biases int32. The same model and inputs give
the same bytes. Knows nothing about labs.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import BadInput, UnsupportedModel
from edge_deploy.training import runtime
from edge_deploy.training.recipe import Network

# The name that the model's input tensor gets, and through it `hello` on the wire.
INPUT_NAME = "input"


def quantize(network: Network, representative: NDArray[np.float32]) -> bytes:
    """Convert `network` to int8, its ranges taken from `representative`.

    network: a keras.Model with one input of a fixed shape (batch aside) and one output.
    representative: (n, *input shape) float32, n at least 1. The extremes that the model will
    meet must be among them: what lies outside is clamped.
    Returns the bytes of the `.tflite`, its batch fixed to 1.
    Raises BadInput where the inputs do not fit the network, UnsupportedModel where the network
    or one of its layers cannot be converted to int8, TrainingMissing without TensorFlow.

    FULLY_CONNECTED weights get one scale per tensor, convolutions one per channel. TensorFlow
    2.21 would give dense layers one per channel as well. tflite-runtime 2.14 computes either
    form correctly, but both carry operator version 4: an interpreter that knows only the
    older form (the TensorFlow Lite Micro of many boards) takes such a file and silently
    applies its first scale to all channels. The older form is right everywhere, and the
    file is 24 bytes a neuron smaller.
    Source: TensorFlow Lite 8-bit quantization specification (FULLY_CONNECTED: per-tensor).
    """
    tensorflow = runtime.load()
    shape = _input_shape(network)
    inputs = np.ascontiguousarray(representative, dtype=np.float32)
    if inputs.shape[1:] != shape or not len(inputs):
        raise BadInput(
            f"representative inputs have shape {inputs.shape}; the network takes (n, "
            f"{', '.join(map(str, shape))}) with n at least 1."
        )
    if not np.isfinite(inputs).all():
        bad = int(np.count_nonzero(~np.isfinite(inputs)))
        raise BadInput(f"{bad} of {inputs.size} representative values are not finite.")

    def samples() -> Iterator[list[NDArray[np.float32]]]:
        for index in range(len(inputs)):
            yield [inputs[index : index + 1]]

    with tempfile.TemporaryDirectory(prefix="edge-deploy-") as folder, runtime.quiet():
        try:
            signature = tensorflow.TensorSpec((1, *shape), tensorflow.float32, name=INPUT_NAME)
            network.export(
                folder, format="tf_saved_model", verbose=False, input_signature=[signature]
            )
            return saved_to_int8(folder, samples)
        except Exception as error:  # TensorFlow documents none of what it raises
            raise UnsupportedModel(
                f"TensorFlow cannot convert the network {network.name!r} to int8: {reason(error)}"
            ) from error


def saved_to_int8(
    folder: str,
    samples: Callable[[], Iterable[object]],
    *,
    input_type: str = "int8",
    output_type: str = "int8",
) -> bytes:
    """A SavedModel with fixed shapes as an int8 `.tflite`, its ends of the given types.

    samples: gives what TensorFlow calls a representative dataset.
    Raises whatever TensorFlow does.
    """
    lite = runtime.load().lite
    converter = lite.TFLiteConverter.from_saved_model(folder)
    converter.optimizations = [lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = getattr(runtime.load(), input_type)
    converter.inference_output_type = getattr(runtime.load(), output_type)
    # Private, and the only switch there is; a test reads the result.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True  # noqa: SLF001
    return bytes(converter.convert())


def _input_shape(network: Network) -> tuple[int, ...]:
    """Shape of the one input, without the batch."""
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise UnsupportedModel(
            f"the network {network.name!r} has {len(network.inputs)} inputs and "
            f"{len(network.outputs)} outputs; one of each can be quantized."
        )
    shape = tuple(network.inputs[0].shape[1:])
    if None in shape:
        raise UnsupportedModel(
            f"the network {network.name!r} takes inputs of shape {shape}; every size but the "
            "batch must be fixed."
        )
    return shape


def reason(error: BaseException) -> str:
    """What a converter's error, often a page long, is about, in one line."""
    text = str(error)
    operations = sorted(set(re.findall(r"'(tf\.\w+)' op is neither", text)))
    if operations:
        return f"TensorFlow Lite has no {', '.join(operations)}."
    return next((line.strip() for line in text.splitlines() if line.strip()), repr(error))
