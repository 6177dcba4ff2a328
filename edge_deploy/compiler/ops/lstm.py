"""UNIDIRECTIONAL_SEQUENCE_LSTM. Kernel: firmware/src/nn/lstm.h; firmware/src/nn/m4/dot.h in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler import quantization
from edge_deploy.compiler.ops.layer import CORTEX_M4, Code, Constant, Layer, Shape, Site, State
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.quantization import Multiplier
from edge_deploy.model.graph import DType, Tensor

# Positions of the inputs. Those of the four gates stand together: input, forget, candidate,
# output. Source: tensorflow/lite/kernels/lstm_shared.h.
_INPUT_WEIGHTS, _RECURRENT_WEIGHTS, _BIASES = 1, 5, 12
_HIDDEN, _CELL = 18, 19
_COUNTS = (20, 24)
_WITHOUT = {
    "peephole weights": (9, 10, 11),
    "a projection": (16, 17),
    "layer normalization": (20, 21, 22, 23),
}
_GATES = 4
# Which of the operator's intermediate tensors has the scale of the output.
_INTERMEDIATES, _HIDDEN_INTERMEDIATE = 5, 4
_GATE_FRACTION_BITS = 12

_PARAMETERS = (
    "const ed_lstm_shape *shape, const int8_t *input, int8_t *hidden, int16_t *cell, "
    "int8_t *output, const int8_t *input_weights, const int32_t *input_bias, "
    "const int8_t *recurrent_weights, const int32_t *recurrent_bias, uint32_t *scratch"
)
_CALL = (
    "ed_lstm(shape, {}, input, hidden, cell, output, input_weights, input_bias,\n"
    "            recurrent_weights, recurrent_bias, (int16_t *)scratch)"
)


@dataclass(frozen=True)
class Product:
    """What the gates make of one of their two operands, the input and the last output.

    weights: (gates, units, operands) int8; bias: (gates, units) int64, with the operand's zero
    point in it; scaling: of the sums to Q3.12, one a gate.
    """

    weights: NDArray[np.int8]
    bias: NDArray[np.int64]
    scaling: tuple[Multiplier, ...]

    def constants(self, name: str) -> tuple[Constant, ...]:
        """Weights and bias."""
        words = (self.bias & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
        return (
            Constant(f"{name}_weights", "int8_t", self.weights.reshape(-1)),
            Constant(f"{name}_bias", "int32_t", words.reshape(-1)),
        )

    def fields(self, name: str) -> dict[str, int]:
        """Multipliers and shifts."""
        found = {}
        for gate, factor in enumerate(self.scaling):
            found[f"{name}_multiplier[{gate}]"] = factor.multiplier
            found[f"{name}_shift[{gate}]"] = factor.shift
        return found


@dataclass(frozen=True)
class Lstm(Layer):
    """batches, steps: of the input, which has the steps first if `time_major`.

    cell_bits: integer bits of the cell; cell_clip: its limit in steps, 0 for none. silence: the
    zero point of the last output, with which it begins.
    """

    batches: int
    steps: int
    time_major: bool
    of_input: Product
    of_hidden: Product
    cell_bits: int
    cell_clip: int
    hidden_scaling: Multiplier
    hidden_zero_point: int
    silence: int

    @property
    def units(self) -> int:
        """Of the layer."""
        return self.of_hidden.weights.shape[1]

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        sizes = (self.steps, self.batches) if self.time_major else (self.batches, self.steps)
        begin = "x".join(map(str, sizes))
        return f"{begin}x{self.of_input.weights.shape[2]} -> {begin}x{self.units}"

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the gates."""
        once = self.of_input.weights.size + self.of_hidden.weights.size
        return self.batches * self.steps * int(once)

    @property
    def states(self) -> tuple[State, ...]:
        """The last output and the cell."""
        count = self.batches * self.units
        silent = np.full(count, self.silence, np.int8).tobytes()
        return (State(self.inputs[1], silent), State(self.inputs[2], bytes(2 * count)))

    def scratch_bytes(self, target: str) -> int:
        """All gates of a step."""
        del target
        return 2 * _GATES * self.units

    def code(self, target: str) -> Code:
        """The layer in C."""
        fast = target == CORTEX_M4
        fields = {
            "batches": self.batches,
            "steps": self.steps,
            "inputs": self.of_input.weights.shape[2],
            "units": self.units,
            "time_major": int(self.time_major),
            **self.of_input.fields("input"),
            **self.of_hidden.fields("recurrent"),
            "cell_bits": self.cell_bits,
            "cell_clip": self.cell_clip,
            "input_right": 15 + self.cell_bits,
            "hidden_multiplier": self.hidden_scaling.multiplier,
            "hidden_shift": self.hidden_scaling.shift,
            "hidden_zero_point": self.hidden_zero_point,
        }
        return Code(
            include="nn/m4/lstm.h" if fast else "nn/lstm.h",
            stem="lstm",
            parameters=_PARAMETERS,
            body=f"    {_CALL.format('ed_m4_dot' if fast else 'ed_dot')};",
            constants=(*self.of_input.constants("input"), *self.of_hidden.constants("recurrent")),
            shape=Shape("ed_lstm_shape", fields),
        )


def read(site: Site) -> Lstm:
    """A UNIDIRECTIONAL_SEQUENCE_LSTM of the file, checked. Raises UnsupportedModel."""
    _check_kind(site)
    source = site.activation(site.tensor(0), "an input")
    output = site.activation(site.output, "an output")
    if len(source.shape) != 3:
        raise unsupported(site, f"has an input of shape {source.shape}; rank 3 is wanted")
    time_major = bool(site.option("time_major"))
    steps, batches = source.shape[:2] if time_major else source.shape[1::-1]
    units = site.weights(_INPUT_WEIGHTS, rank=2, axis=0).shape[0]
    if output.shape != (*source.shape[:2], units):
        raise unsupported(site, f"has output shape {output.shape} for {units} units")
    hidden = site.state(_HIDDEN, DType.INT8, batches * units)
    cell = site.state(_CELL, DType.INT16, batches * units)
    shown = _intermediate(site)
    cell_bits = _cell_bits(site, cell)
    biases = np.stack([_bias(site, _BIASES + gate, units) for gate in range(_GATES)])
    none = np.zeros((_GATES, units), np.int64)
    return Lstm(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index, hidden.index, cell.index),
        outputs=(output.index,),
        batches=batches,
        steps=steps,
        time_major=time_major,
        of_input=_product(site, _INPUT_WEIGHTS, source, (units, source.shape[2]), biases),
        of_hidden=_product(site, _RECURRENT_WEIGHTS, hidden, (units, units), none),
        cell_bits=cell_bits,
        cell_clip=_cell_clip(site, cell),
        hidden_scaling=_factor(site, 2.0**-15 / site.only_scale(shown) * 2.0**-15),
        hidden_zero_point=site.zero_point(shown),
        silence=site.zero_point(hidden),
    )


def _check_kind(site: Site) -> None:
    """Only what Keras' LSTM is made of."""
    if len(site.operator.inputs) not in _COUNTS:
        raise unsupported(site, f"has {len(site.operator.inputs)} inputs, not 20 or 24")
    for what, positions in _WITHOUT.items():
        if any(site.optional(position) is not None for position in positions):
            raise unsupported(site, f"has {what}, which Keras' LSTM has not")
    if site.optional(_INPUT_WEIGHTS) is None:
        raise unsupported(site, "has input and forget gates coupled, which Keras' LSTM has not")
    activation = str(site.option("fused_activation_function"))
    if activation != "TANH":
        raise unsupported(site, f"has a fused {activation}; only TANH is exact here")
    if site.option("diagonal_recurrent_tensors"):
        raise unsupported(site, "has diagonal recurrent weights")


def _intermediate(site: Site) -> Tensor:
    """The tensor that has scale and zero point of the output."""
    if len(site.operator.intermediates) != _INTERMEDIATES:
        raise unsupported(
            site, f"has {len(site.operator.intermediates)} intermediate tensors, not 5"
        )
    tensor = site.graph.tensors[site.operator.intermediates[_HIDDEN_INTERMEDIATE]]
    if tensor.dtype is not DType.INT8:
        raise unsupported(site, f"has a hidden state of type {tensor.dtype.value}, not int8")
    site.only_scale(tensor)
    return tensor


def _cell_bits(site: Site, cell: Tensor) -> int:
    """Integer bits of the cell, whose scale is a power of two."""
    fraction, exponent = math.frexp(site.only_scale(cell))
    bits = 15 + exponent - 1
    if fraction != 0.5 or not 0 <= bits <= 6:
        raise unsupported(
            site,
            f"has a cell of scale {site.only_scale(cell):.9g}; powers of two, 2^-15 to 2^-9, are"
            " exact here",
        )
    return bits


def _cell_clip(site: Site, cell: Tensor) -> int:
    """The limit of the cell in steps, rounded towards zero; 0 for none."""
    clip = float(site.option("cell_clip"))
    if clip < 0.0:
        raise unsupported(site, f"has cell_clip {clip}")
    return int(min(clip / site.only_scale(cell), 32767.0))


def _product(
    site: Site, first: int, operand: Tensor, shape: tuple[int, int], bias: NDArray[np.int64]
) -> Product:
    """The weights of all gates for one operand, from the operator's input `first` on."""
    weights, scaling = [], []
    for gate in range(_GATES):
        tensor = site.weights(first + gate, rank=2, axis=0)
        if tensor.shape != shape:
            raise unsupported(site, f"has weights of shape {tensor.shape} instead of {shape}")
        assert tensor.values is not None
        weights.append(tensor.values.astype(np.int8))
        # float32 all along, as in the reference; dividing by 2^-12 is exact.
        with np.errstate(over="ignore"):
            factor = np.float32(site.only_scale(tensor)) * np.float32(site.only_scale(operand))
        scaling.append(_factor(site, float(factor) * 2.0**_GATE_FRACTION_BITS))
    stacked = np.stack(weights)
    sums = stacked.astype(np.int64).sum(axis=2)
    return Product(stacked, bias - site.zero_point(operand) * sums, tuple(scaling))


def _bias(site: Site, position: int, units: int) -> NDArray[np.int64]:
    """The bias of a gate, which must be there."""
    site.tensor(position)
    return site.bias(position, units)


def _factor(site: Site, real: float) -> Multiplier:
    """A factor in float32 as fixed point."""
    with np.errstate(over="ignore"):
        narrow = float(np.float32(real))
    if not math.isfinite(narrow):
        raise unsupported(site, "has scales whose quotient is no float")
    return quantization.quantize_multiplier(narrow)
