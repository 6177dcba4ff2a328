"""Writes `.tflite` files without TensorFlow: any graph of tensors and operators.

Uses the public FlatBuffers runtime, and so shares nothing with the product's reader but the
schema's tables. `model_builder.py` has ready-made models.

    builder = ModelBuilder()
    x = builder.tensor((1, 4), scale=0.5, zero_point=-3)
    y = builder.tensor((2, 2), scale=0.5, zero_point=-3)
    builder.op("RESHAPE", [x], [y], {"new_shape": [2, 2]})
    data = builder.finish([x], [y])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray

from edge_deploy.model import schema

# A scale or zero point: one for the tensor, or one for each index of its axis.
Scale = float | Sequence[float] | NDArray[Any]
ZeroPoint = int | Sequence[int]

# The operator versions that TensorFlow's converter writes for int8 models.
_INT8_VERSIONS = {
    "AVERAGE_POOL_2D": 2,
    "BROADCAST_TO": 2,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 4,
    "MAX_POOL_2D": 2,
    "SOFTMAX": 2,
}


@dataclass(frozen=True)
class _TensorSpec:
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    buffer: int
    variable: bool
    shape_signature: tuple[int, ...]


@dataclass(frozen=True)
class _OperatorSpec:
    code: tuple[str, str, int]  # name, custom code, version
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any] | None
    intermediates: tuple[int, ...]


class ModelBuilder:
    """Collects tensors and operators; `finish` writes the file.

    Nothing is checked: tests of the reader need wrong files as well.
    """

    def __init__(self) -> None:
        self.tensors: list[_TensorSpec] = []
        self.operators: list[_OperatorSpec] = []
        self.buffers: list[bytes] = [b""]  # buffer 0 is empty by convention

    def tensor(
        self,
        shape: Sequence[int],
        dtype: str = "int8",
        *,
        scale: Scale | None = None,
        zero_point: ZeroPoint = 0,
        axis: int = 0,
        values: NDArray[Any] | Sequence[Any] | bytes | None = None,
        name: str | None = None,
        variable: bool = False,
        shape_signature: Sequence[int] = (),
    ) -> int:
        """Add a tensor and return its index. `values` makes it a constant (bytes: as they are)."""
        scales = () if scale is None else tuple(np.atleast_1d(scale).tolist())
        zero_points = np.atleast_1d(np.asarray(zero_point, dtype=np.int64)).tolist()
        if len(zero_points) == 1:
            zero_points = zero_points * len(scales)
        buffer = 0
        if values is not None:
            raw = values
            if not isinstance(raw, bytes):
                raw = np.asarray(raw, dtype=np.dtype(dtype).newbyteorder("<")).tobytes()
            buffer = len(self.buffers)
            self.buffers.append(raw)
        self.tensors.append(
            _TensorSpec(
                name=f"tensor_{len(self.tensors)}" if name is None else name,
                shape=tuple(shape),
                dtype=dtype,
                scales=scales,
                zero_points=tuple(zero_points) if scales else (),
                axis=axis,
                buffer=buffer,
                variable=variable,
                shape_signature=tuple(shape_signature),
            )
        )
        return len(self.tensors) - 1

    def op(
        self,
        name: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: Mapping[str, Any] | None = None,
        *,
        version: int | None = None,
        custom_code: str = "",
        intermediates: Sequence[int] = (),
    ) -> int:
        """Add an operator and return its index.

        options: the schema's field names; enums as words ("SAME") or numbers. None writes no
        option table; absent fields are not written, and so take the schema's defaults.
        """
        chosen = version if version is not None else _INT8_VERSIONS.get(name, 1)
        self.operators.append(
            _OperatorSpec(
                (name, custom_code, chosen),
                tuple(inputs),
                tuple(outputs),
                options,
                tuple(intermediates),
            )
        )
        return len(self.operators) - 1

    def finish(
        self,
        inputs: Sequence[int],
        outputs: Sequence[int],
        *,
        identifier: bytes = schema.FILE_IDENTIFIER,
        schema_version: int = schema.SCHEMA_VERSION,
        subgraphs: int = 1,
        others: Sequence[Subgraph] = (),
    ) -> bytes:
        """The file's bytes. others: more subgraphs. `subgraphs` repeats the main one."""
        fb = flatbuffers.Builder(1024)
        ends: Sequence[Subgraph] = ((self, inputs, outputs), *others)
        operators = [operator for builder, _, _ in ends for operator in builder.operators]
        codes = list(dict.fromkeys(operator.code for operator in operators))
        buffers = [_buffer(fb, b"")]  # buffer 0 is empty by convention
        firsts = []
        for builder, _, _ in ends:
            firsts.append(len(buffers) - 1)
            buffers += [_buffer(fb, raw) for raw in builder.buffers[1:]]
        graphs = [
            _subgraph(fb, *end, codes, first) for end, first in zip(ends, firsts, strict=True)
        ]
        model = {
            schema.Model.OPERATOR_CODES: _offsets(fb, [_operator_code(fb, c) for c in codes]),
            schema.Model.SUBGRAPHS: _offsets(fb, graphs[:1] * subgraphs + graphs[1:]),
            schema.Model.DESCRIPTION: fb.CreateString("built by tests/model_builder.py"),
            schema.Model.BUFFERS: _offsets(fb, buffers),
        }
        root = _table(fb, model, {schema.Model.VERSION: ("Uint32", schema_version)})
        fb.Finish(root, file_identifier=identifier)
        return bytes(fb.Output())


# A builder with the inputs and outputs of its subgraph.
Subgraph = tuple[ModelBuilder, Sequence[int], Sequence[int]]


def _subgraph(
    fb: flatbuffers.Builder,
    builder: ModelBuilder,
    inputs: Sequence[int],
    outputs: Sequence[int],
    codes: Sequence[tuple[str, str, int]],
    first_buffer: int,
) -> int:
    """A subgraph whose buffers other than 0 come after `first_buffer` others."""
    tensors = [_tensor(fb, spec, first_buffer) for spec in builder.tensors]
    operators = [_operator(fb, spec, codes.index(spec.code)) for spec in builder.operators]
    return _table(
        fb,
        {
            schema.SubGraph.TENSORS: _offsets(fb, tensors),
            schema.SubGraph.INPUTS: _numbers(fb, inputs, np.int32),
            schema.SubGraph.OUTPUTS: _numbers(fb, outputs, np.int32),
            schema.SubGraph.OPERATORS: _offsets(fb, operators),
            schema.SubGraph.NAME: fb.CreateString("main"),
        },
    )


def _table(
    fb: flatbuffers.Builder,
    offsets: Mapping[int, int],
    scalars: Mapping[int, tuple[str, Any]] | None = None,
) -> int:
    """A table of `offsets` (slot to an object written before; 0 is left out) and `scalars`
    (slot to the runtime's type name and value)."""
    scalars = scalars or {}
    fb.StartObject(1 + max([-1, *offsets, *scalars]))
    for slot, offset in offsets.items():
        fb.PrependUOffsetTRelativeSlot(slot, offset, 0)
    for slot, (kind, value) in scalars.items():
        # The default is given as None, so that every value is written.
        getattr(fb, f"Prepend{kind}Slot")(slot, value, None)
    return int(fb.EndObject())


def _offsets(fb: flatbuffers.Builder, objects: Sequence[int]) -> int:
    fb.StartVector(4, len(objects), 4)
    for offset in reversed(objects):
        fb.PrependUOffsetTRelative(offset)
    return int(fb.EndVector())


def _numbers(fb: flatbuffers.Builder, values: Sequence[Any], dtype: Any) -> int:
    return int(fb.CreateNumpyVector(np.asarray(values, dtype=dtype)))


def _buffer(fb: flatbuffers.Builder, raw: bytes) -> int:
    if not raw:
        return _table(fb, {})
    fb.Prep(16, len(raw))  # the runtimes want constant data aligned to 16 bytes
    return _table(fb, {schema.Buffer.DATA: int(fb.CreateByteVector(raw))})


def _tensor(fb: flatbuffers.Builder, spec: _TensorSpec, first_buffer: int) -> int:
    offsets = {
        schema.Tensor.SHAPE: _numbers(fb, spec.shape, np.int32),
        schema.Tensor.NAME: int(fb.CreateString(spec.name)),
    }
    if spec.scales:
        offsets[schema.Tensor.QUANTIZATION] = _table(
            fb,
            {
                schema.QuantizationParameters.SCALE: _numbers(fb, spec.scales, np.float32),
                schema.QuantizationParameters.ZERO_POINT: _numbers(fb, spec.zero_points, np.int64),
            },
            {schema.QuantizationParameters.QUANTIZED_DIMENSION: ("Int32", spec.axis)},
        )
    if spec.shape_signature:
        offsets[schema.Tensor.SHAPE_SIGNATURE] = _numbers(fb, spec.shape_signature, np.int32)
    return _table(
        fb,
        offsets,
        {
            schema.Tensor.TYPE: ("Int8", schema.TENSOR_TYPES.index(spec.dtype.upper())),
            schema.Tensor.BUFFER: ("Uint32", spec.buffer and first_buffer + spec.buffer),
            schema.Tensor.IS_VARIABLE: ("Bool", spec.variable),
        },
    )


def _operator_code(fb: flatbuffers.Builder, code: tuple[str, str, int]) -> int:
    name, custom_code, version = code
    number = schema.OPERATOR_CODES[name]
    slots = schema.OperatorCode
    return _table(
        fb,
        {slots.CUSTOM_CODE: int(fb.CreateString(custom_code)) if custom_code else 0},
        {
            slots.DEPRECATED_BUILTIN_CODE: ("Int8", min(number, 127)),
            slots.VERSION: ("Int32", version),
            slots.BUILTIN_CODE: ("Int32", number),
        },
    )


def _operator(fb: flatbuffers.Builder, spec: _OperatorSpec, code_index: int) -> int:
    offsets = {
        schema.Operator.INPUTS: _numbers(fb, spec.inputs, np.int32),
        schema.Operator.OUTPUTS: _numbers(fb, spec.outputs, np.int32),
    }
    if spec.intermediates:
        offsets[schema.Operator.INTERMEDIATES] = _numbers(fb, spec.intermediates, np.int32)
    scalars = {schema.Operator.OPCODE_INDEX: ("Uint32", code_index)}
    if spec.options is not None:
        table = schema.OPERATOR_OPTIONS[spec.code[0]]
        offsets[schema.Operator.BUILTIN_OPTIONS] = _options(fb, table, spec.options)
        scalars[schema.Operator.BUILTIN_OPTIONS_TYPE] = ("Uint8", table.code)
    return _table(fb, offsets, scalars)


def _options(fb: flatbuffers.Builder, table: schema.OptionTable, options: Mapping[str, Any]) -> int:
    fields = {field.name: field for field in table.fields}
    offsets: dict[int, int] = {}
    scalars: dict[int, tuple[str, Any]] = {}
    for name, value in options.items():
        field = fields[name]
        if field.kind == "[int32]":
            offsets[field.slot] = _numbers(fb, value, np.int32)
        elif field.kind == "[float32]":
            offsets[field.slot] = _numbers(fb, value, np.float32)
        elif field.kind == "string":
            offsets[field.slot] = int(fb.CreateString(value))
        else:
            number = field.words.index(value) if isinstance(value, str) else value
            scalars[field.slot] = (field.kind.capitalize(), number)
    return _table(fb, offsets, scalars)
