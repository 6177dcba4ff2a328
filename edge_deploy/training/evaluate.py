"""The outputs of the float network and of its int8 model on the same samples.

The int8 model runs on the project's oracle (`model.oracle`: TensorFlow Lite's reference
kernels); where that is not installed, on the reference kernels of the TensorFlow that
trained it. Which one it was stands in the origin of every figure.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge_deploy.model import oracle
from edge_deploy.model.graph import Graph, Quantization, Tensor
from edge_deploy.training import runtime
from edge_deploy.training.recipe import Network

Run = Callable[[NDArray[np.int8]], NDArray[np.int8]]


def float_outputs(network: Network, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, *output shape) float32 of a keras.Model for (n, *input shape)."""
    return np.asarray(network.predict(inputs, verbose=0), dtype=np.float32)


def int8_outputs(
    model: bytes, graph: Graph, inputs: NDArray[np.float32]
) -> tuple[NDArray[np.float32], str]:
    """Outputs of an int8 model for real-valued inputs, and the name of what computed them.

    inputs: (n, *input shape) float32. Returns (n, *output shape) float32, dequantized.
    """
    source, sink = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    run, name = _runner(model)
    outputs = [run(row[np.newaxis])[0] for row in quantized(inputs, source)]
    return dequantized(np.stack(outputs), sink), name


def quantized(values: NDArray[np.float32], tensor: Tensor) -> NDArray[np.int8]:
    """Real values as the int8 of `tensor`: round half away from zero, clamp.

    Source: TensorFlow Lite's reference AffineQuantize, in float32 as there.
    """
    terms = _terms(tensor)
    scaled = values.astype(np.float32) / np.float32(terms.scale)
    rounded = np.trunc(scaled + np.copysign(np.float32(0.5), scaled))
    result: NDArray[np.int8] = np.clip(rounded + terms.zero_point, -128, 127).astype(np.int8)
    return result


def dequantized(values: NDArray[np.int8], tensor: Tensor) -> NDArray[np.float32]:
    """Real values of int8: scale * (value - zero point), in float32."""
    terms = _terms(tensor)
    return np.float32(terms.scale) * (values.astype(np.int32) - terms.zero_point).astype(np.float32)


def _terms(tensor: Tensor) -> Quantization:
    if tensor.quantization is None:
        # `quantize` asked the converter for int8 at both ends.
        raise AssertionError(f"tensor {tensor.index} is not quantized")
    return tensor.quantization


def _runner(model: bytes) -> tuple[Run, str]:
    try:
        reference = oracle.open_reference(model)
    except (oracle.ReferenceMissing, oracle.ReferenceFailed):
        # Failed: older than an operator of the model, or shut out by a TensorFlow that the
        # caller imported first (see runtime.load).
        return _tensorflow_runner(model)

    def run(row: NDArray[np.int8]) -> NDArray[np.int8]:
        return np.asarray(reference.run([row])[0], dtype=np.int8)

    return run, reference.name


def _tensorflow_runner(model: bytes) -> tuple[Run, str]:
    tensorflow = runtime.load()
    kind = tensorflow.lite.experimental.OpResolverType.BUILTIN_REF
    with runtime.quiet():
        interpreter = tensorflow.lite.Interpreter(
            model_content=model, experimental_op_resolver_type=kind
        )
        interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    sink = interpreter.get_output_details()[0]["index"]

    def run(row: NDArray[np.int8]) -> NDArray[np.int8]:
        interpreter.set_tensor(source, row)
        interpreter.invoke()
        return np.array(interpreter.get_tensor(sink), dtype=np.int8)

    return run, f"tensorflow {tensorflow.__version__} BUILTIN_REF"
