"""A parsed int8 model: tensors with resolved shapes and quantization, operators in order.

Plain facts; `reader.py` makes them from the bytes of a `.tflite` and has checked every
offset, shape and scale before a Graph exists. Names of tensors come from the file and are
not to be trusted: they may hold any character and must be escaped wherever they are shown
or emitted.
"""

from __future__ import annotations

import enum
import functools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


class DType(enum.Enum):
    """Element types, by the name that the schema's TensorType gives them."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    BOOL = "bool"
    # A handle of a variable: it has no values that could be computed with.
    RESOURCE = "resource"

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return 4 if self is DType.RESOURCE else np.dtype(self.value).itemsize


@dataclass(frozen=True)
class Quantization:
    """real = scale * (quantized - zero_point); one pair, or one per index along `axis`.

    scales: float32 values, all finite and above zero.
    zero_points: as many as scales, each within the range of the tensor's type.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def per_channel(self) -> bool:
        """True when there is more than one scale."""
        return len(self.scales) > 1

    @property
    def scale(self) -> float:
        """The only (or first) scale."""
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        """The only (or first) zero point."""
        return self.zero_points[0]


@dataclass(frozen=True)
class Tensor:
    """One tensor. `values` is set for constants only: read-only, of `shape` and `dtype`.

    is_variable: keeps its value from one inference to the next (streaming state); it begins
    as its zero point if int8, otherwise as 0 (TFLite: Subgraph::ResetVariableTensors).
    open: dimensions that the file leaves open; `shape` has what it says there nevertheless (1,
    from a converter), which is right for the batch of what goes in and out, not for every tensor
    between.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: DType
    quantization: Quantization | None = None
    values: NDArray[Any] | None = field(default=None, compare=False, repr=False)
    is_variable: bool = False
    open: tuple[int, ...] = ()

    @property
    def is_constant(self) -> bool:
        """True when the file holds the values."""
        return self.values is not None

    @property
    def elements(self) -> int:
        """Number of elements."""
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def bytes(self) -> int:
        """Bytes of the dense, row-major tensor."""
        return self.elements * self.dtype.itemsize


@dataclass(frozen=True)
class Operator:
    """One operator. An absent optional input is -1.

    name: the schema's BuiltinOperator name, such as `CONV_2D`.
    options: the schema's field names (`stride_w`, `fused_activation_function`, ...);
    enums as the schema's words (`"SAME"`, `"RELU6"`); defaults filled in. A `CUSTOM` operator
    has one option, `custom_code`: its name, from the file and not to be trusted.
    intermediates: tensors that only say with which scales it computes inside.
    """

    index: int
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any]
    version: int = 1
    intermediates: tuple[int, ...] = ()


@dataclass(frozen=True)
class Variable:
    """What READ_VARIABLE and ASSIGN_VARIABLE keep from one inference to the next.

    tensor: the first of its handles (tensors of type RESOURCE), which stands for it.
    initial: what the first inference finds, of `shape` and `dtype`; None where each inference
    assigns it before it reads it.
    """

    tensor: int
    name: str
    shape: tuple[int, ...]
    dtype: DType
    initial: NDArray[Any] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Graph:
    """A model: what goes in, what happens in order, what comes out (indices of tensors).

    variables: by the index of each handle. What CALL_ONCE initialises is in them.
    """

    name: str
    sha256: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    file_bytes: int
    variables: Mapping[int, Variable] = field(default_factory=dict)

    @functools.cached_property
    def uses(self) -> Mapping[int, int]:
        """How often operators name each tensor, by its index."""
        return Counter(
            index
            for operator in self.operators
            for index in (*operator.inputs, *operator.outputs)
            if index >= 0
        )
