"""SVDF, a fully connected layer over time. Kernel: firmware/src/nn/svdf.h, with m4/dot.h in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler import quantization
from edge_deploy.compiler.ops.layer import CORTEX_M4, Code, Constant, Layer, Shape, Site, State
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.quantization import Multiplier
from edge_deploy.model.graph import DType, Tensor

_PARAMETERS = (
    "const ed_svdf_shape *shape, const int8_t *input, int16_t *state, int8_t *output, "
    "const int8_t *feature, const int32_t *feature_bias, const int16_t *time, const int32_t *bias"
)
_CALL = "ed_svdf(shape, {}, input, state, output, feature, feature_bias, time, bias)"


@dataclass(frozen=True)
class Svdf(Layer):
    """feature: (filters, inputs) int8; time: (filters, memory) int16; bias: (units,) int64.

    feature_scaling, scaling: of sums over the input to the state's steps, and over time to the
    output's. The filters of a unit, `rank` of them, stand together.
    """

    batches: int
    rank: int
    feature: NDArray[np.int8]
    time: NDArray[np.int16]
    bias: NDArray[np.int64]
    input_zero_point: int
    output_zero_point: int
    feature_scaling: Multiplier
    scaling: Multiplier

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        units = self.feature.shape[0] // self.rank
        return f"{self.batches}x{self.feature.shape[1]} -> {self.batches}x{units}"

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self.batches * int(self.feature.size + self.time.size)

    @property
    def states(self) -> tuple[State, ...]:
        """The memory of every filter, silent at first."""
        return (State(self.inputs[1], bytes(2 * self.batches * self.time.size)),)

    def code(self, target: str) -> Code:
        """The layer in C."""
        fast = target == CORTEX_M4
        sums = self.feature.astype(np.int64).sum(axis=1)
        feature_bias = (-self.input_zero_point * sums).astype(np.int32)
        fields = {
            "batches": self.batches,
            "inputs": self.feature.shape[1],
            "units": self.feature.shape[0] // self.rank,
            "rank": self.rank,
            "memory": self.time.shape[1],
            "feature_multiplier": self.feature_scaling.multiplier,
            "feature_shift": self.feature_scaling.shift,
            "multiplier": self.scaling.multiplier,
            "shift": self.scaling.shift,
            "output_zero_point": self.output_zero_point,
        }
        return Code(
            include="nn/m4/svdf.h" if fast else "nn/svdf.h",
            stem="svdf",
            parameters=_PARAMETERS,
            body=f"    {_CALL.format('ed_m4_dot' if fast else 'ed_dot')};",
            constants=(
                Constant("feature", "int8_t", self.feature.reshape(-1)),
                Constant("feature_bias", "int32_t", feature_bias),
                Constant("time", "int16_t", self.time.reshape(-1)),
                Constant("bias", "int32_t", self.bias.astype(np.int32)),
            ),
            shape=Shape("ed_svdf_shape", fields),
        )


def read(site: Site) -> Svdf:
    """An SVDF of the file, checked. Raises UnsupportedModel."""
    source = site.activation(site.tensor(0), "an input")
    output = site.activation(site.output, "an output")
    feature = site.weights(1, rank=2, axis=0)
    time = _time_weights(site)
    filters, inputs = feature.shape
    rank = site.positive("rank")
    memory = time.shape[1]
    if filters % rank or time.shape[0] != filters:
        raise unsupported(
            site, f"has {filters} filters and {time.shape[0]} weights over time, of rank {rank}"
        )
    units = filters // rank
    if len(source.shape) != 2 or source.shape[1] != inputs:
        raise unsupported(site, f"has filters of {inputs} for an input of shape {source.shape}")
    if output.shape != (source.shape[0], units):
        raise unsupported(site, f"has output shape {output.shape} for {units} units")
    activation = str(site.option("fused_activation_function"))
    if activation != "RELU":  # the reference takes no other, and clamps nothing for this one
        raise unsupported(site, f"has a fused {activation}; the reference takes RELU alone")
    state = site.state(4, DType.INT16, source.shape[0] * memory * filters)
    if len(state.shape) != 2 or state.shape[0] != source.shape[0]:
        raise unsupported(site, f"has a state of shape {state.shape}")
    scales = [site.only_scale(tensor) for tensor in (source, feature, time, state, output)]
    of_input, of_feature, of_time, of_state, of_output = map(np.float32, scales)
    with np.errstate(over="ignore"):
        factors = of_input * of_feature / of_state, of_state * of_time / of_output
    if not np.isfinite(factors).all():
        raise unsupported(site, "has scales whose quotient is no float")
    assert feature.values is not None
    assert time.values is not None
    return Svdf(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index, state.index),
        outputs=(output.index,),
        batches=source.shape[0],
        rank=rank,
        feature=feature.values.astype(np.int8),
        time=time.values.astype(np.int16),
        bias=site.bias(3, units),
        input_zero_point=site.zero_point(source),
        output_zero_point=site.zero_point(output),
        feature_scaling=quantization.quantize_multiplier(float(factors[0])),
        scaling=quantization.quantize_multiplier(float(factors[1])),
    )


def _time_weights(site: Site) -> Tensor:
    """The weights over time, (filters, memory) int16."""
    time = site.tensor(2)
    if time.dtype is not DType.INT16 or not time.is_constant:
        raise unsupported(site, "has weights over time that are not constant int16")
    if len(time.shape) != 2 or time.elements <= 0:
        raise unsupported(site, f"has weights over time of shape {time.shape}")
    return time
