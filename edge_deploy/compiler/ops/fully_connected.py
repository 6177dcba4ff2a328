"""FULLY_CONNECTED. Kernels: firmware/src/nn/fully_connected.h; in nn/m4/ and nn/s3/ likewise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler import quantization
from edge_deploy.compiler.ops import vectors
from edge_deploy.compiler.ops.layer import CORTEX_M4, Code, Constant, Shape, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.weighted import Weighted, may_pair, paired_words, requantization
from edge_deploy.model.graph import Tensor

# Rows that the Cortex-M4 kernel computes at once (ED_M4_FULLY_CONNECTED_ROWS).
_ROWS = 4
_PER_TENSOR = (
    "converter._experimental_disable_per_channel_quantization_for_dense_layers = True   "
    "one scale a layer"
)
# What is known of a layer when its function is compiled; layers of one kind share it.
_KIND = """    const ed_m4_fully_connected_kind kind = {{
        .per_output = {per_output},
        .clamped = {clamped},
        .quick = {quick},
        .paired = {paired},
    }};
    ed_m4_fully_connected({arguments});"""


@dataclass(frozen=True)
class FullyConnected(Weighted):
    """weights: (outputs, inputs) int8. The input is taken as (batches, inputs)."""

    batches: int

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        outputs, inputs = self.weights.shape
        return f"{self.batches}x{inputs} -> {self.batches}x{outputs}"

    @property
    def rows(self) -> NDArray[np.int8]:
        """The weights as (output channels, taps)."""
        return self.weights

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self.batches * int(self.weights.size)

    def scratch_bytes(self, target: str) -> int:
        """Bytes beside input and output."""
        inputs = self.weights.shape[1]
        return vectors.scratch_bytes(inputs) if vectors.serve(target, inputs) else 0

    def code(self, target: str) -> Code:
        """The layer in C."""
        outputs, inputs = self.weights.shape
        fields = {"batches": self.batches, "inputs": inputs, "outputs": outputs}
        fields |= self.scale_fields()
        parameters = (
            "const {}_shape *shape, const int8_t *input, int8_t *output, const {} *weights, "
            "const int32_t *bias"
        )
        scales = self.scale_constants()
        if self.one_scale:
            one = self.requantization.multipliers[0]
            fields |= {"multiplier": one.multiplier, "shift": one.shift}
            scales = scales[:1]
            arguments = "input, weights, bias, &shape->multiplier, &shape->shift, output"
        else:
            parameters += ", const int32_t *multiplier, const int8_t *shift"
            arguments = "input, weights, bias, multiplier, shift, output"
        per_output = int(not self.one_scale)
        if vectors.serve(target, inputs):
            return Code(
                include="nn/s3/fully_connected.h",
                stem="fully_connected",
                parameters=parameters.format("ed_fully_connected", "int8_t")
                + ", uint32_t *scratch",
                body=f"    ed_s3_fully_connected(shape, {arguments}, scratch);",
                constants=(vectors.rows(self.weights), *scales),
                shape=Shape("ed_fully_connected_shape", {**fields, "per_output": per_output}),
            )
        if target != CORTEX_M4:
            return Code(
                include="nn/fully_connected.h",
                stem="fully_connected",
                parameters=parameters.format("ed_fully_connected", "int8_t"),
                body=f"    ed_fully_connected(shape, {arguments});",
                constants=(Constant("weights", "int8_t", self.weights.reshape(-1)), *scales),
                shape=Shape("ed_fully_connected_shape", {**fields, "per_output": per_output}),
            )
        blocked = outputs - outputs % _ROWS
        paired = may_pair(self.weights[:blocked])
        kind = {
            "per_output": per_output,
            "clamped": int(self.clamped),
            "quick": int(self.quick),
            "paired": int(paired),
        }
        words = Constant("weights", "uint32_t", self._words(blocked, paired))
        return Code(
            include="nn/m4/fully_connected.h",
            stem="fully_connected",
            parameters=parameters.format("ed_m4_fully_connected", "uint32_t"),
            body=_KIND.format(**kind, arguments=f"shape, kind, {arguments}"),
            constants=(words, *scales),
            shape=Shape("ed_m4_fully_connected_shape", fields),
        )

    def _words(self, blocked: int, paired: bool) -> NDArray[np.uint32]:
        """The weights as firmware/src/nn/m4/fully_connected.h describes them.

        Blocks of four rows: for each four taps the two words of rows 0 and 1, then those of
        rows 2 and 3 (`paired_words`); then the taps left over, tap by tap. After the blocks,
        the rows left over as they are. Zeros up to a whole word at the end.
        """
        inputs = self.weights.shape[1]
        even = inputs - inputs % 4
        parts: list[bytes] = []
        for first in range(0, blocked, _ROWS):
            block = self.weights[first : first + _ROWS]
            words = paired_words(block[:, :even], paired=paired)  # (2, even / 2)
            by_taps = words.reshape(2, -1, 2).transpose(1, 0, 2)
            parts.append(np.ascontiguousarray(by_taps).astype("<u4").tobytes())
            parts.append(np.ascontiguousarray(block[:, even:].T).tobytes())
        parts.append(np.ascontiguousarray(self.weights[blocked:]).tobytes())
        whole = b"".join(parts)
        return np.frombuffer(whole + bytes(-len(whole) % 4), "<u4").astype(np.uint32)


def output_shape(site: Site, source: Tensor, inputs: int, outputs: int) -> tuple[int, ...]:
    """Rows of outputs, or with `keep_num_dims` the input's shape, its last dimension replaced."""
    if not site.option("keep_num_dims"):
        return source.elements // inputs, outputs
    if source.shape[-1:] != (inputs,):
        raise unsupported(site, f"keeps the dimensions of {source.shape} with rows of {inputs}")
    return *source.shape[:-1], outputs


def read(site: Site) -> FullyConnected:
    """A FULLY_CONNECTED of the file, checked. Raises UnsupportedModel."""
    source = site.activation(site.tensor(0), "an input")
    output = site.activation(site.output, "an output")
    weights = site.weights(1, rank=2, axis=0)
    outputs, inputs = weights.shape
    layout = str(site.option("weights_format"))
    if layout != "DEFAULT":
        raise unsupported(site, f"has weights_format {layout}")
    if source.elements % inputs:
        raise unsupported(site, f"has {source.elements} inputs for rows of {inputs}")
    batches = source.elements // inputs
    wanted = output_shape(site, source, inputs, outputs)
    if output.shape != wanted:
        raise unsupported(site, f"has output shape {output.shape}; its weights give {wanted}")
    q = weights.quantization
    assert q is not None
    assert weights.values is not None
    scales = site.scale(source), site.scale(output)
    if q.per_channel:
        if len(wanted) != 2:
            # The reference takes the first two dimensions for batches and outputs then, and
            # leaves the rest of its output as it was: FullyConnectedPerChannel.
            raise unsupported(
                site,
                f"has a scale for each output and output shape {wanted}, where the reference "
                "computes only a part",
                ("keras.layers.Reshape((-1,))   before the Dense layer", _PER_TENSOR),
            )
        multipliers = quantization.per_channel(scales[0], q.scales, scales[1])
    else:
        multipliers = (quantization.per_tensor(scales[0], q.scale, scales[1]),) * outputs
    return FullyConnected(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index,),
        outputs=(output.index,),
        weights=weights.values.astype(np.int8),
        bias=site.bias(2, outputs),
        input_zero_point=site.zero_point(source),
        requantization=requantization(site, multipliers),
        folded=False,
        batches=batches,
    )
