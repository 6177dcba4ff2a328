"""The file's tensors -> Tensor facts: shape, type, quantization, constant values.

Every count, index and number is checked against the others and against the bytes at hand
before it is used; constants are views of the file, never copies.

Sources: TensorFlow Lite 8-bit quantization specification; the checks that TFLite's own
loader makes (tensorflow/lite/core/interpreter_builder.cc, ParseQuantization and ParseTensors).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_deploy.model import schema
from edge_deploy.model.flatbuffer import BrokenBuffer, Table, Tables
from edge_deploy.model.graph import DType, Quantization, Tensor
from edge_deploy.model.names import safe_name
from edge_deploy.model.refusals import Refusal

# TFLite's own kernels take at most 8 dimensions; more cannot be meant.
MOST_DIMENSIONS = 8
# 256 MiB, many times what the largest board has; keeps sizes far from overflow everywhere.
LARGEST_TENSOR_BYTES = 1 << 28

_DTYPES = {dtype.value.upper(): dtype for dtype in DType}

# Zero points that a type can hold. Types that are not quantized have none to check, and take
# what the reference stores them in.
_INT32_RANGE = (-(2**31), 2**31 - 1)
_RANGES = {
    DType.INT8: (-128, 127),
    DType.UINT8: (0, 255),
    DType.INT16: (-32768, 32767),
}

_QUANTIZATION_DETAILS = ("none", "custom", "blockwise")
_EXTERNAL_OFFSET = 1  # schema.fbs: an offset above 1 means that the data are outside


class TensorReader:
    """Reads the tensors of one subgraph."""

    def __init__(self, data: bytes, buffers: Tables, refusal: Refusal) -> None:
        self._data = data
        self._buffers = buffers
        self._refusal = refusal

    def read(self, table: Table, index: int) -> Tensor:
        """Tensor `index`. Raises BrokenBuffer, UnsupportedModel."""
        name = table.text(schema.Tensor.NAME, f"the name of {table.what}")
        # From here on messages name the tensor as people know it.
        table.what = f"tensor {index} ('{safe_name(name)}')"
        dtype = self._dtype(table)
        if table.has(schema.Tensor.SPARSITY):
            raise self._refusal.unsupported(
                f"stores {table.what} sparsely; only dense tensors can be compiled",
                try_next=("Convert without sparsity (no tf.lite.Optimize.EXPERIMENTAL_SPARSITY)",),
            )
        shape = self._shape(table, dtype)
        quantization = self._quantization(table, dtype, shape)
        variable = table.boolean(schema.Tensor.IS_VARIABLE)
        values = self._values(table, dtype, shape)
        if variable and values is not None:
            raise self._refusal.unsupported(f"gives the variable {table.what} initial values")
        return Tensor(
            index=index,
            name=name,
            shape=shape,
            dtype=dtype,
            quantization=quantization,
            values=values,
            is_variable=variable,
            open=self._open(table, shape),
        )

    def _dtype(self, table: Table) -> DType:
        code = table.int8(schema.Tensor.TYPE)
        if not 0 <= code < len(schema.TENSOR_TYPES):
            raise BrokenBuffer(f"has type {code} for {table.what}, which the schema does not know")
        word = schema.TENSOR_TYPES[code]
        if word not in _DTYPES:
            raise self._refusal.unsupported(
                f"has {table.what} of type {word}, which cannot be compiled"
            )
        return _DTYPES[word]

    def _shape(self, table: Table, dtype: DType) -> tuple[int, ...]:
        """The shape, its batch resolved to what the file's shape says (1, from a converter)."""
        sizes = table.numbers(schema.Tensor.SHAPE, "<i4", f"the shape of {table.what}")
        if len(sizes) > MOST_DIMENSIONS:
            raise self._refusal.unsupported(
                f"has {len(sizes):,} dimensions for {table.what}, at most {MOST_DIMENSIONS} are"
                " taken"
            )
        shape = tuple(sizes.tolist())
        if any(size < 0 for size in shape):
            raise BrokenBuffer(f"has the shape {_times(shape)} for {table.what}")
        # Of what has no elements too: numpy refuses shapes whose other sizes overflow.
        elements = math.prod(max(1, size) for size in shape)
        if elements * dtype.itemsize > LARGEST_TENSOR_BYTES:
            raise self._refusal.unsupported(
                f"has the shape {_times(shape)} for {table.what}, {elements * dtype.itemsize:,}"
                f" bytes; at most {LARGEST_TENSOR_BYTES:,} are taken"
            )
        return shape

    def _open(self, table: Table, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Dimensions that may change: where the signature, otherwise the shape, has -1."""
        what = f"the shape signature of {table.what}"
        signature = table.numbers(schema.Tensor.SHAPE_SIGNATURE, "<i4", what)
        if not len(signature):
            return ()
        if len(signature) != len(shape):
            raise BrokenBuffer(
                f"has {len(shape)} dimensions for {table.what}, and {len(signature)} in its"
                " signature"
            )
        declared = tuple(signature.tolist())
        if any(size not in (-1, known) for size, known in zip(declared, shape, strict=True)):
            raise BrokenBuffer(
                f"has the shape {_times(shape)} for {table.what}, and the signature"
                f" {_times(declared)}"
            )
        return tuple(i for i, size in enumerate(declared) if size == -1)

    def _quantization(
        self, table: Table, dtype: DType, shape: tuple[int, ...]
    ) -> Quantization | None:
        what = f"the quantization of {table.what}"
        given = table.table(schema.Tensor.QUANTIZATION, what)
        if given is None:
            return None
        slots = schema.QuantizationParameters
        details = given.uint8(slots.DETAILS_TYPE)
        if details:
            word = (
                _QUANTIZATION_DETAILS[details] if details < len(_QUANTIZATION_DETAILS) else details
            )
            raise self._refusal.unsupported(
                f"has {word} quantization for {table.what}; only scale and zero point are taken"
            )
        scales = given.numbers(slots.SCALE, "<f4", f"the scales of {table.what}")
        if not len(scales):
            return None  # calibration ranges alone, which float models carry
        zero_points = given.numbers(slots.ZERO_POINT, "<i8", f"the zero points of {table.what}")
        axis = given.int32(slots.QUANTIZED_DIMENSION)
        if len(zero_points) != len(scales):
            raise BrokenBuffer(
                f"has {len(scales):,} scales and {len(zero_points):,} zero points for {table.what}"
            )
        if shape and not 0 <= axis < len(shape):
            raise BrokenBuffer(f"quantizes {table.what} along dimension {axis}, of {len(shape)}")
        channels = shape[axis] if shape else 1
        if len(scales) not in (1, channels):
            raise BrokenBuffer(
                f"has {len(scales):,} scales for the {channels:,} channels of {table.what}"
            )
        if not np.all(np.isfinite(scales) & (scales > 0)):
            wrong = scales[~(np.isfinite(scales) & (scales > 0))][0]
            raise BrokenBuffer(f"has the scale {float(wrong):.9g} for {table.what}")
        low, high = _RANGES.get(dtype, _INT32_RANGE)
        if not np.all((zero_points >= low) & (zero_points <= high)):
            wrong = zero_points[(zero_points < low) | (zero_points > high)][0]
            raise BrokenBuffer(
                f"has the zero point {int(wrong)} for {table.what}, outside {low} to {high}"
            )
        return Quantization(tuple(scales.tolist()), tuple(zero_points.tolist()), axis)

    def _values(
        self, table: Table, dtype: DType, shape: tuple[int, ...]
    ) -> NDArray[np.generic] | None:
        """The constant's values, of `shape` and `dtype`; None where the file holds none."""
        if table.uint32(schema.Tensor.EXTERNAL_BUFFER):
            raise self._outside(table.what)
        number = table.uint32(schema.Tensor.BUFFER)
        if number >= len(self._buffers):
            if number == 0:
                return None
            raise BrokenBuffer(
                f"has {len(self._buffers):,} buffers; {table.what} is in buffer {number:,}"
            )
        buffer = self._buffers[number]
        if buffer.uint64(schema.Buffer.OFFSET) > _EXTERNAL_OFFSET:
            raise self._outside(table.what)
        begin, length = buffer.extent(schema.Buffer.DATA, f"the data of {table.what}")
        if not length:
            return None
        if dtype is DType.RESOURCE:
            raise BrokenBuffer(f"has data for {table.what}, the handle of a variable")
        elements = math.prod(shape)
        if length != elements * dtype.itemsize:
            raise BrokenBuffer(
                f"has {length:,} bytes for {table.what}; its shape {_times(shape)} of"
                f" {dtype.value} takes {elements * dtype.itemsize:,}"
            )
        raw = np.dtype(dtype.value).newbyteorder("<")
        if dtype is DType.BOOL:
            # Only 0 and 1 are values of numpy's bool.
            stored = buffer.numbers(schema.Buffer.DATA, "u1", f"the data of {table.what}")
            if stored.max() > 1:
                raise BrokenBuffer(f"has {stored.max()} among the bools of {table.what}")
        return np.frombuffer(self._data, raw, elements, begin).reshape(shape)

    def _outside(self, what: str) -> Exception:
        return self._refusal.unsupported(
            f"keeps the data of {what} outside the FlatBuffer, as files over 2 GB do; no board"
            " holds that much"
        )


def _times(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) if shape else "scalar"
