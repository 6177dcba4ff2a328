"""The outputs of the float network and of its int8 model on the same samples.

The int8 model runs on the project's oracle (`model.oracle`: TensorFlow Lite's reference
kernels); where that is not installed, on the reference kernels of the TensorFlow that
trained it. Which one it was stands in the origin of every figure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.model import oracle, versions
from edge_deploy.model.graph import Graph, Tensor
from edge_deploy.training import runtime
from edge_deploy.training.recipe import Network

Run = Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]]
"""One inference: an array for each of Graph.inputs, and one for each of Graph.outputs."""


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
    run, name = runner(model, graph)
    outputs = [run([row[np.newaxis]])[0][0] for row in quantized(inputs, source)]
    return dequantized(np.stack(outputs), sink), name


def quantized(values: NDArray[Any], tensor: Tensor) -> NDArray[Any]:
    """Real values as `tensor` holds them: round half away from zero, clamp to its type.

    Source: TensorFlow Lite's reference AffineQuantize, in float32 as there. A tensor that is not
    quantized (an index, a float32 end) holds the values themselves.
    """
    kind = np.dtype(tensor.dtype.value)
    terms = tensor.quantization
    if terms is None:
        return values.astype(kind)
    scaled = values.astype(np.float32) / np.float32(terms.scale)
    rounded = np.trunc(scaled + np.copysign(np.float32(0.5), scaled))
    limits = np.iinfo(kind)
    result: NDArray[Any] = np.clip(rounded + terms.zero_point, limits.min, limits.max).astype(kind)
    return result


def dequantized(values: NDArray[Any], tensor: Tensor) -> NDArray[np.float32]:
    """Real values of what `tensor` holds: scale * (value - zero point), in float32."""
    terms = tensor.quantization
    if terms is None:
        return values.astype(np.float32)
    return np.float32(terms.scale) * (values.astype(np.int32) - terms.zero_point).astype(np.float32)


def runner(model: bytes, graph: Graph) -> tuple[Run, str]:
    """What runs an int8 model, and its name."""
    try:
        reference = oracle.open_reference(model)
    except (oracle.ReferenceMissing, oracle.ReferenceFailed):
        # Failed: older than an operator of the model, or shut out by a TensorFlow that the
        # caller imported first (see runtime.load).
        return _tensorflow_runner(model, graph)
    return reference.run, reference.name


def _tensorflow_runner(model: bytes, graph: Graph) -> tuple[Run, str]:
    tensorflow = runtime.load()
    interpreter = reference_interpreter(model)

    def run(inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        for index, values in zip(graph.inputs, inputs, strict=True):
            interpreter.set_tensor(index, values)
        interpreter.invoke()
        return [np.array(interpreter.get_tensor(index)) for index in graph.outputs]

    return run, f"tensorflow {tensorflow.__version__} BUILTIN_REF"


def reference_interpreter(model: bytes, *, keep_all: bool = False) -> Any:  # noqa: ANN401
    """TensorFlow's own interpreter with its reference kernels, its tensors allocated.

    keep_all: every tensor can be read after a run, not those of the ends alone.
    """
    lite = runtime.load().lite

    def opened(form: bytes) -> Any:  # noqa: ANN401
        return lite.Interpreter(
            model_content=form,
            experimental_op_resolver_type=lite.experimental.OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=keep_all,
        )

    with runtime.quiet():
        try:
            interpreter = opened(model)
        # Its reference kernels are of older versions than its converter writes (TILE, in 2.21).
        except ValueError:
            interpreter = opened(versions.lowered(model))
        interpreter.allocate_tensors()
    return interpreter


def float_operators(model: bytes) -> list[str]:
    """Names of a model's operators that compute in floating point."""
    interpreter = reference_interpreter(model)
    types = {detail["index"]: detail["dtype"] for detail in interpreter.get_tensor_details()}
    return sorted(
        {
            operator["op_name"]
            for operator in interpreter._get_ops_details()  # noqa: SLF001, there is no other way
            if operator["op_name"] not in {"QUANTIZE", "DEQUANTIZE"}
            and any(types.get(index) is np.float32 for index in operator["outputs"])
        }
    )
