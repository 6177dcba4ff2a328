"""Which layer of an int8 model is how far from the float one, on the same samples.

Both models run in TensorFlow's interpreter, on its reference kernels, with every tensor kept. What
an operator of the int8 model wrote is dequantized and held against the float tensor of the same
name: TensorFlow's quantizer keeps the names. `docs/quantize.md` says how to read the figures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.model.graph import Graph, Operator, Tensor
from edge_deploy.model.names import safe_name
from edge_deploy.training import evaluate

# Samples that the figures are of: they settle to a tenth of a dB far below.
SAMPLES_MOST = 100


@dataclass(frozen=True)
class LayerError:
    """One operator's output, float against int8.

    index: of the operator in the int8 file. shape: of the output, without the batch.
    sqnr_db: power of the float values over power of the difference, in decibels; None where
    nothing differs. lost_db: how much of that the layer itself cost: the lowest sqnr_db of what
    it reads less its own; None where one of them is not known.
    """

    index: int
    operator: str
    name: str
    shape: tuple[int, ...]
    sqnr_db: float | None
    lost_db: float | None

    def as_json(self) -> dict[str, Any]:
        """The form in `--json` output and between processes."""
        return asdict(self)


@dataclass
class _Powers:
    """Sums over all samples and elements."""

    signal: float = 0.0
    noise: float = 0.0

    def add(self, in_float: NDArray[Any], in_int8: NDArray[Any]) -> None:
        wanted = in_float.astype(np.float64)
        self.signal += float(np.sum(wanted**2))
        self.noise += float(np.sum((wanted - in_int8) ** 2))

    @property
    def decibels(self) -> float:
        """Infinite where nothing differs, minus infinite where there is nothing but noise."""
        if self.noise == 0:
            return math.inf
        return 10 * math.log10(self.signal / self.noise) if self.signal else -math.inf


def measure(
    in_float: bytes,
    in_int8: bytes,
    graph: Graph,
    samples: Iterator[Mapping[str, NDArray[Any]]],
) -> tuple[tuple[LayerError, ...], int]:
    """The layers, worst first, and how many have no float counterpart to be held against.

    graph: of `in_int8`. samples: by the name of the float model's input tensor, batch 1.
    """
    real = evaluate.reference_interpreter(in_float, keep_all=True)
    small = evaluate.reference_interpreter(in_int8, keep_all=True)
    counterparts = {detail["name"]: detail for detail in real.get_tensor_details()}
    pairs = {
        tensor.index: counterparts[tensor.name]["index"]
        for tensor in _written(graph)
        if tensor.name in counterparts
        and tuple(counterparts[tensor.name]["shape"]) == tensor.shape
        and not tensor.is_constant
    }
    powers = {index: _Powers() for index in pairs}
    sources = {detail["name"]: detail["index"] for detail in real.get_input_details()}
    for sample in samples:
        for name, values in sample.items():
            real.set_tensor(sources[name], values)
        for index in graph.inputs:
            tensor = graph.tensors[index]
            small.set_tensor(index, evaluate.quantized(sample[tensor.name], tensor))
        real.invoke()
        small.invoke()
        for index, counterpart in pairs.items():
            tensor = graph.tensors[index]
            powers[index].add(
                real.get_tensor(counterpart),
                evaluate.dequantized(small.get_tensor(index), tensor),
            )
    decibels = {index: power.decibels for index, power in powers.items()}
    layers = [
        _layer(operator, graph.tensors[operator.outputs[0]], decibels)
        for operator in graph.operators
        if operator.outputs[0] in decibels
    ]
    worst_first = sorted(layers, key=_badness)
    return tuple(worst_first), len(graph.operators) - len(layers)


def _written(graph: Graph) -> Sequence[Tensor]:
    """What goes in, and the first output of every operator."""
    indices = [*graph.inputs, *(operator.outputs[0] for operator in graph.operators)]
    return [graph.tensors[index] for index in dict.fromkeys(indices)]


def _layer(operator: Operator, output: Tensor, decibels: Mapping[int, float]) -> LayerError:
    own = decibels[output.index]
    before = [decibels[index] for index in operator.inputs if index in decibels]
    lost = min(before) - own if before else math.nan
    return LayerError(
        operator.index,
        operator.name,
        # Where the converter has made one operator of several, their names stand in a row.
        safe_name(output.name.partition(";")[0]),
        output.shape[1:],
        own if math.isfinite(own) else None,
        lost if math.isfinite(lost) else None,
    )


def _badness(layer: LayerError) -> tuple[float, int]:
    return (math.inf if layer.sqnr_db is None else layer.sqnr_db, layer.index)
