"""What every operator family gives the compiler, and the checks they share.

A Site is an operator of the file with its graph, as a reader gets it; a Layer is what the
reader made of it: checked, with constants of its own, ready to be planned and emitted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler import quantization
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.model.graph import DType, Graph, Operator, Tensor

CORTEX_M4 = "cortex_m4"
ESP32S3 = "esp32s3"
PORTABLE = "portable"
TARGETS = (PORTABLE, CORTEX_M4, ESP32S3)

_FULL_INTEGER = (
    "converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]",
    "converter.inference_input_type = converter.inference_output_type = tf.int8",
)


@dataclass(frozen=True)
class Constant:
    """An array of the generated file. suffix: what it is, a C identifier; ctype: its elements.

    alignment: bytes to whose multiples its address must be one; 0 for what the elements need.
    """

    suffix: str
    ctype: str
    values: NDArray[Any]
    alignment: int = 0

    @property
    def bytes(self) -> int:
        """Bytes in flash."""
        return int(self.values.nbytes)


@dataclass(frozen=True)
class Shape:
    """A kernel's sizes as a constant structure of type `ctype`, one for each layer."""

    ctype: str
    fields: Mapping[str, int]


@dataclass(frozen=True)
class Code:
    """One layer in C.

    include: the kernel's header. stem: how its shared function is to be called. parameters
    and body: the function's, without its name; layers whose parameters and body are equal
    share one function. Its arguments are, in order: a pointer to `shape` where there is one,
    inputs, outputs, constants, scratch.

    With a `shape` one function serves every layer of its kind; with the structure inside the
    body (`struct_body`) the C compiler sees every size, and makes faster and more code.
    """

    include: str
    stem: str
    parameters: str
    body: str
    constants: tuple[Constant, ...] = ()
    shape: Shape | None = None


@dataclass(frozen=True)
class Overlap:
    """How an output may lie over an input that nothing reads later.

    least, most: bounds of (address of the input) - (address of the output), in bytes; most is
    None where there is none. Overlap(0, 0): only at the very same address. Overlap(0): a kernel
    that goes forward and has read what it writes over. Overlap(n): the output must begin at
    least n bytes before the input.
    """

    least: int
    most: int | None = None


@dataclass(frozen=True)
class State:
    """A tensor that lives from one inference to the next, from `ed_model_reset` on.

    tensor: its index, which layers name among their inputs and outputs. initial: its bytes
    after a reset; repr is short because they may be many.
    """

    tensor: int
    initial: bytes = field(repr=False)

    @property
    def bytes(self) -> int:
        """Bytes of the arena."""
        return len(self.initial)


@dataclass(frozen=True)
class Layer(ABC):
    """One operator, checked. index: in the file.

    inputs, outputs: indices of the tensors that it reads and writes at run time, in the order
    of its arguments; constants are its own.
    """

    index: int
    operator: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    @abstractmethod
    def shapes(self) -> str:
        """Input and output shape, for a person."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return 0

    @property
    def states(self) -> tuple[State, ...]:
        """Those of its inputs and outputs that live from one inference to the next."""
        return ()

    def scratch_bytes(self, target: str) -> int:
        """Bytes that the kernel needs beside input and output."""
        del target
        return 0

    def overlap(self, target: str, position: int) -> Overlap | None:
        """How outputs[0] may share memory with inputs[position]; None where it must not."""
        del target, position
        return None

    def limited(self, lowest: int, highest: int) -> Layer | None:
        """The layer that does the same and then limits its int8 output; None where none does.

        That makes an activation after it free (passes/lookups.py).
        """
        del lowest, highest
        return None

    @abstractmethod
    def code(self, target: str) -> Code:
        """The layer in C for a target."""


@dataclass(frozen=True)
class Site:
    """An operator of the file, with the questions that readers ask of it.

    found: shapes of outputs that the file leaves open, by tensor, as the reader finds them.
    """

    graph: Graph
    operator: Operator
    found: dict[int, tuple[int, ...]] = field(default_factory=dict, compare=False)

    def option(self, name: str) -> Any:  # noqa: ANN401 (an option may be of any type)
        """An option of the operator; refused where the file has none of that name."""
        if name not in self.operator.options:
            raise unsupported(self, f"has no option {name}")
        return self.operator.options[name]

    def positive(self, name: str) -> int:
        """An option that must be an integer above 0."""
        value = int(self.option(name))
        if value <= 0:
            raise unsupported(self, f"has {name} {value}, which must be above 0")
        return value

    def tensor(self, position: int) -> Tensor:
        """The tensor of an input that must be there."""
        found = self.optional(position)
        if found is None:
            raise unsupported(self, f"lacks its input {position}")
        return found

    def optional(self, position: int) -> Tensor | None:
        """The tensor of an input, or None where it is left out."""
        if position >= len(self.operator.inputs) or self.operator.inputs[position] < 0:
            return None
        return self.graph.tensors[self.operator.inputs[position]]

    @property
    def output(self) -> Tensor:
        """The only output."""
        if len(self.operator.outputs) != 1:
            raise unsupported(self, f"has {len(self.operator.outputs)} outputs instead of 1")
        return self.graph.tensors[self.operator.outputs[0]]

    def settled(self, output: Tensor, shape: tuple[int, ...]) -> Tensor:
        """An output whose open dimensions are as its operator makes them, which `found` keeps."""
        if not output.open or len(shape) != len(output.shape):
            return output
        both = enumerate(zip(shape, output.shape, strict=True))
        if any(size != known and i not in output.open for i, (size, known) in both):
            return output
        self.found[output.index] = shape
        return replace(output, shape=shape, open=())

    def at_run_time(self, tensor: Tensor, what: str) -> Tensor:
        """Check a tensor of any type that is computed at run time, with elements; returns it."""
        if tensor.is_constant:
            raise unsupported(self, f"has {what} that is constant")
        if tensor.elements <= 0:
            raise unsupported(self, f"has {what} without elements, shape {tensor.shape}")
        return tensor

    def activation(
        self, tensor: Tensor, what: str, types: tuple[DType, ...] = (DType.INT8,)
    ) -> Tensor:
        """Check an int8 tensor that is computed at run time, with one scale; returns it.

        types: what it may be instead.
        """
        self.quantized(tensor, what, types)
        return self.at_run_time(tensor, what)

    def quantized(
        self, tensor: Tensor, what: str, types: tuple[DType, ...] = (DType.INT8,)
    ) -> Tensor:
        """Check an int8 tensor, constant or not, with one scale and zero point; returns it."""
        if tensor.dtype not in types:
            raise unsupported(
                self,
                f"has {what} of type {tensor.dtype.value}; "
                f"{' or '.join(known.value for known in types)} is what runs here",
                _FULL_INTEGER,
            )
        if tensor.quantization is None or tensor.quantization.per_channel:
            raise unsupported(self, f"has {what} without one scale and zero point", _FULL_INTEGER)
        return tensor

    def state(self, position: int, dtype: DType, elements: int) -> Tensor:
        """Check a variable with one scale that the operator keeps to itself; returns it."""
        tensor = self.tensor(position)
        if not tensor.is_variable or tensor.dtype is not dtype:
            raise unsupported(self, f"has an input {position} that is no {dtype.value} variable")
        if tensor.elements != elements or tensor.elements <= 0:
            raise unsupported(self, f"has a state of {tensor.elements} instead of {elements}")
        self.only_scale(tensor)
        if self.graph.uses[tensor.index] > 1:
            raise unsupported(self, "shares its state")
        return tensor

    def only_scale(self, tensor: Tensor) -> float:
        """The scale of a tensor of any type; refused where it has none or several."""
        if tensor.quantization is None or tensor.quantization.per_channel:
            raise unsupported(self, f"has tensor {tensor.index} without one scale")
        return tensor.quantization.scale

    def scale(self, tensor: Tensor) -> float:
        """The scale of a tensor that `quantized` has checked."""
        assert tensor.quantization is not None
        return tensor.quantization.scale

    def zero_point(self, tensor: Tensor) -> int:
        """The zero point of a tensor that `quantized` has checked."""
        assert tensor.quantization is not None
        return tensor.quantization.zero_point

    def weights(self, position: int, rank: int, axis: int) -> Tensor:
        """Check a constant int8 filter, symmetric, with scales per tensor or along `axis`."""
        tensor = self.tensor(position)
        if tensor.dtype is not DType.INT8 or not tensor.is_constant:
            raise unsupported(self, "has weights that are not constant int8", _FULL_INTEGER)
        if len(tensor.shape) != rank or tensor.elements <= 0:
            raise unsupported(self, f"has weights of shape {tensor.shape}")
        q = tensor.quantization
        if q is None or any(q.zero_points):
            raise unsupported(self, "has weights that are not symmetric (zero point 0)")
        if q.per_channel and (q.axis != axis or len(q.scales) != tensor.shape[axis]):
            raise unsupported(
                self, f"has {len(q.scales)} weight scales along axis {q.axis}, not one a channel"
            )
        return tensor

    def bias(self, position: int, channels: int) -> NDArray[np.int64]:
        """The bias, (channels,) int64; zeros where the file has none."""
        tensor = self.optional(position)
        if tensor is None:
            return np.zeros(channels, np.int64)
        if tensor.dtype is not DType.INT32 or tensor.values is None:
            raise unsupported(self, "has a bias that is not constant int32", _FULL_INTEGER)
        if tensor.elements != channels:
            raise unsupported(self, f"has {tensor.elements} biases for {channels} channels")
        return tensor.values.reshape(channels).astype(np.int64)

    def activation_range(self, output: Tensor) -> tuple[int, int]:
        """Lowest and highest int8 output of the fused activation."""
        word = str(self.option("fused_activation_function"))
        found = quantization.activation_range(word, self.scale(output), self.zero_point(output))
        if found is None:
            raise unsupported(
                self,
                f"has a fused {word}, which the reference cannot do in int8",
                ("a separate activation layer instead",),
            )
        lowest, highest = found
        if lowest > highest:
            raise unsupported(
                self, f"has a fused {word} whose range is empty ({lowest} to {highest})"
            )
        return lowest, highest


def struct_body(kind: str, call: str, fields: Mapping[str, int | str]) -> str:
    """A function body: the shape as a constant structure, then the kernel's call.

    fields: numbers, or what else C has for them.
    """
    lines = [f"    static const {kind} shape = {{"]
    lines += [f"        .{name} = {value}," for name, value in fields.items()]
    lines += ["    };", f"    {call};"]
    return "\n".join(lines)
