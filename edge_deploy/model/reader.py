"""The bytes of a `.tflite` -> a Graph, with nothing in the file taken on trust.

A Graph that comes out is consistent: indices exist, constants have the bytes that their
shapes take, operators stand in an order in which everything read is there. Whether its
operators can be compiled, and whether their shapes fit each other, is the compiler's matter.
Whatever the bytes, `read` returns in bounded time and memory with a Graph, a BadModel (exit 3)
or an UnsupportedModel (exit 15). Knows nothing of files, boards or C.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_deploy.model import schema
from edge_deploy.model.flatbuffer import BrokenBuffer, FlatBuffer, Table, Tables
from edge_deploy.model.graph import DType, Graph, Operator, Tensor
from edge_deploy.model.names import safe_name
from edge_deploy.model.options import read_options
from edge_deploy.model.refusals import Refusal
from edge_deploy.model.tensors import TensorReader
from edge_deploy.model.variables import find_variables

# Far above what fits a board, and low enough that the largest file is read in about a second:
# MLPerf Tiny's largest model has 33 operators, BERT-large about 3,000.
LARGEST_FILE_BYTES = 1 << 28
MOST_TENSORS = 16384
MOST_OPERATORS = 8192
# The main one, and one for each CALL_ONCE: converters write one, libraries of variables a few.
MOST_SUBGRAPHS = 16

ABSENT = -1  # the index of an optional input that is not there

_FLOATS = (DType.FLOAT32, DType.FLOAT16)
_INTEGERS = (DType.INT8, DType.UINT8, DType.INT16)
# These convert between types and do not show in which one a model computes.
_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE", "CAST", "FAKE_QUANT")


def read(data: bytes, *, name: str = "model") -> Graph:
    """Read a model.

    data: the whole file. name: what messages and the Graph call it, such as "kws".
    Raises BadModel where the bytes are no whole TFLite model, UnsupportedModel where they are
    one that cannot be compiled.
    Source: tensorflow/lite/schema/schema.fbs, version 3.
    """
    data = bytes(data)
    refusal = Refusal(name)
    refusal.check_kind(data)
    if len(data) > LARGEST_FILE_BYTES:
        raise refusal.unsupported(
            f"is {len(data):,} bytes; at most {LARGEST_FILE_BYTES:,} are read"
        )
    try:
        return _read(data, name, refusal)
    except BrokenBuffer as broken:
        raise refusal.broken(broken.message) from None


def _read(data: bytes, name: str, refusal: Refusal) -> Graph:
    buffer = FlatBuffer(data)
    model = buffer.root("the model table")
    version = model.uint32(schema.Model.VERSION)
    if version != schema.SCHEMA_VERSION:
        raise refusal.unsupported(
            f"is written in TFLite schema version {version:,}; version {schema.SCHEMA_VERSION} is"
            " read",
            try_next=("Convert the model again with TensorFlow 2",),
        )
    subgraphs = model.tables(schema.Model.SUBGRAPHS, "subgraph")
    if not len(subgraphs):
        raise BrokenBuffer("has no subgraph")
    _check_count(refusal, len(subgraphs), "subgraphs", MOST_SUBGRAPHS)
    parts = _Parts(
        TensorReader(data, model.tables(schema.Model.BUFFERS, "buffer"), refusal),
        model.tables(schema.Model.OPERATOR_CODES, "operator code"),
        refusal,
    )
    main = parts.read(subgraphs[0], "the model")
    inputs, outputs = main.inputs, main.outputs
    tensors = _with_empty_constants(main.tensors, main.operators, inputs)
    _check_ends(tensors, main.operators, inputs, outputs, refusal)
    _check_order(tensors, main.operators, inputs, outputs)
    _check_computes_in_integers(tensors, main.operators, refusal)
    called = _called_once(main.operators, len(subgraphs), refusal)
    initial = {index: parts.read(subgraphs[index], f"subgraph {index}") for index in called}
    for index, part in initial.items():
        if part.inputs or part.outputs:
            raise BrokenBuffer(f"initialises with subgraph {index}, which has inputs or outputs")
        _check_order(part.tensors, part.operators, (), ())
    return Graph(
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        tensors=tuple(tensors),
        operators=main.operators,
        inputs=inputs,
        outputs=outputs,
        file_bytes=len(data),
        variables=find_variables(tensors, main.operators, initial, refusal),
    )


@dataclass(frozen=True)
class _Part:
    """A subgraph."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class _Parts:
    """Reads subgraphs, of which all together have no more tensors and operators than one may."""

    def __init__(self, tensors: TensorReader, codes: Tables, refusal: Refusal) -> None:
        self._tensors = tensors
        self._codes = codes
        self._refusal = refusal
        self._tensors_read = self._operators_read = 0

    def read(self, subgraph: Table, what: str) -> _Part:
        """A subgraph that messages call `what`. Raises BrokenBuffer, UnsupportedModel."""
        tensors = subgraph.tables(schema.SubGraph.TENSORS, "tensor")
        operators = subgraph.tables(schema.SubGraph.OPERATORS, "operator")
        self._tensors_read += len(tensors)
        self._operators_read += len(operators)
        _check_count(self._refusal, self._tensors_read, "tensors", MOST_TENSORS)
        _check_count(self._refusal, self._operators_read, "operators", MOST_OPERATORS)
        count = len(tensors)
        return _Part(
            tuple(self._tensors.read(tensors[i], i) for i in range(count)),
            tuple(
                _operator(operators[i], i, self._codes, count, self._refusal)
                for i in range(len(operators))
            ),
            _indices(subgraph, schema.SubGraph.INPUTS, f"{what}'s inputs", count),
            _indices(subgraph, schema.SubGraph.OUTPUTS, f"{what}'s outputs", count),
        )


def _called_once(
    operators: Sequence[Operator], subgraphs: int, refusal: Refusal
) -> tuple[int, ...]:
    """Subgraphs that CALL_ONCE names, in order. No other than these may stand beside the main."""
    called: list[int] = []
    for operator in operators:
        if operator.name == "CALL_ONCE":
            index = operator.options["init_subgraph_index"]
            if not 0 < index < subgraphs:
                raise BrokenBuffer(
                    f"has {subgraphs} subgraphs; operator {operator.index}, CALL_ONCE, calls"
                    f" subgraph {index:,}"
                )
            called.append(index)
    found = tuple(dict.fromkeys(called))
    if len(found) < subgraphs - 1:
        raise refusal.unsupported(
            f"has {subgraphs:,} subgraphs, as models with control flow do; beside the main one"
            " only those that CALL_ONCE initialises variables with can be compiled"
        )
    return found


def _check_count(refusal: Refusal, count: int, what: str, most: int) -> None:
    if count > most:
        raise refusal.unsupported(f"has {count:,} {what}; at most {most:,} are read")


def _operator(table: Table, index: int, codes: Tables, tensors: int, refusal: Refusal) -> Operator:
    number = table.uint32(schema.Operator.OPCODE_INDEX)
    if number >= len(codes):
        raise BrokenBuffer(f"has {len(codes):,} operator codes; {table.what} has number {number:,}")
    code = codes[number]
    name = _operator_name(code, table.what, refusal)
    options: dict[str, Any] = read_options(table, name)
    if name == "CUSTOM":
        options["custom_code"] = code.text(
            schema.OperatorCode.CUSTOM_CODE, f"the name of custom {table.what}"
        )
    named = f"{table.what}, {name},"
    return Operator(
        index=index,
        name=name,
        inputs=_indices(
            table, schema.Operator.INPUTS, f"the inputs of {named}", tensors, optional=True
        ),
        outputs=_indices(table, schema.Operator.OUTPUTS, f"the outputs of {named}", tensors),
        options=options,
        version=code.int32(schema.OperatorCode.VERSION, 1),
        intermediates=_indices(
            table, schema.Operator.INTERMEDIATES, f"the intermediates of {named}", tensors
        ),
    )


def _operator_name(code: Table, what: str, refusal: Refusal) -> str:
    slots = schema.OperatorCode
    number = max(code.int8(slots.DEPRECATED_BUILTIN_CODE), code.int32(slots.BUILTIN_CODE))
    if number < 0:
        raise BrokenBuffer(f"has code {number} for {what}")
    if number >= len(schema.OPERATORS):
        raise refusal.unsupported(
            f"has code {number:,} for {what}, newer than the schema that is read here"
            f" ({len(schema.OPERATORS)} operators)"
        )
    return schema.OPERATORS[number]


def _indices(
    table: Table, slot: int, what: str, tensors: int, *, optional: bool = False
) -> tuple[int, ...]:
    """A list of tensor indices, each of a tensor that exists, or ABSENT where `optional`."""
    indices = table.numbers(slot, "<i4", what)
    lowest = ABSENT if optional else 0
    wrong = indices[(indices < lowest) | (indices >= tensors)]
    if len(wrong):
        raise BrokenBuffer(f"has {tensors:,} tensors, and tensor {int(wrong[0]):,} among {what}")
    return tuple(indices.tolist())


def _with_empty_constants(
    tensors: Sequence[Tensor], operators: Sequence[Operator], inputs: Sequence[int]
) -> list[Tensor]:
    """Make constants of tensors without elements that nothing produces.

    A converter writes the shape of a scalar as a constant of shape (0,), whose buffer is as
    empty as that of a tensor that is no constant.
    """
    produced = set(inputs).union(*(operator.outputs for operator in operators))
    return [
        dataclasses.replace(tensor, values=np.empty(tensor.shape, tensor.dtype.value))
        if _is_empty_constant(tensor) and tensor.index not in produced
        else tensor
        for tensor in tensors
    ]


def _is_empty_constant(tensor: Tensor) -> bool:
    return 0 in tensor.shape and not tensor.is_variable and tensor.dtype is not DType.RESOURCE


def _check_ends(
    tensors: Sequence[Tensor],
    operators: Sequence[Operator],
    inputs: Sequence[int],
    outputs: Sequence[int],
    refusal: Refusal,
) -> None:
    """Something goes in, something happens, something comes out."""
    if not operators:
        raise refusal.unsupported("has no operators: there is nothing to compile")
    if not inputs:
        raise refusal.unsupported("has no inputs: it would always answer the same")
    if not outputs:
        raise refusal.unsupported("has no outputs")
    if len(set(inputs)) < len(inputs):
        raise BrokenBuffer("names a tensor twice among the model's inputs")
    for index in inputs:
        tensor = tensors[index]
        if tensor.is_constant or tensor.is_variable:
            kind = "constant" if tensor.is_constant else "variable"
            raise BrokenBuffer(f"has the {kind} {_title(tensor)} among the model's inputs")
    for index in (*inputs, *outputs):
        beyond = [i for i in tensors[index].open if i > 0]
        if beyond:
            raise refusal.unsupported(
                f"leaves dimension {beyond[0]} of {_title(tensors[index])} open; only the batch,"
                " dimension 0, may be",
                try_next=("Convert with a fixed shape: tf.keras.Input((49, 10, 1), batch_size=1)",),
            )


def _check_order(
    tensors: Sequence[Tensor],
    operators: Sequence[Operator],
    inputs: Sequence[int],
    outputs: Sequence[int],
) -> None:
    """What is read is there by then; what is written is written once."""
    fixed = [tensor.is_constant or tensor.is_variable for tensor in tensors]
    ready = [*fixed]
    for index in inputs:
        ready[index] = True
    for operator in operators:
        what = f"operator {operator.index}, {operator.name},"
        for index in operator.inputs:
            if index != ABSENT and not ready[index]:
                raise BrokenBuffer(
                    f"has {what} read {_title(tensors[index])}, which nothing has produced by then"
                )
        for index in operator.outputs:
            if ready[index]:
                raise BrokenBuffer(
                    f"has {what} write {_title(tensors[index])}, which is there already"
                )
            ready[index] = True
    for index in outputs:
        if not ready[index]:
            raise BrokenBuffer(f"never produces {_title(tensors[index])}, an output of the model")


def _check_computes_in_integers(
    tensors: Sequence[Tensor], operators: Sequence[Operator], refusal: Refusal
) -> None:
    """Refuse a model none of whose operators computes in integers, and some do in floats."""
    computing = [operator for operator in operators if operator.name not in _CONVERSIONS]
    types = {tensors[index].dtype for operator in computing for index in operator.outputs}
    if not types.intersection(_FLOATS) or types.intersection(_INTEGERS):
        return
    constants = {
        tensors[index].dtype
        for operator in operators
        for index in operator.inputs
        if index != ABSENT and tensors[index].is_constant
    }
    if DType.INT8 in constants:
        raise refusal.not_int8(
            "has int8 weights and computes in float32 (dynamic-range quantization)"
        )
    if DType.FLOAT16 in constants or types == {DType.FLOAT16}:
        raise refusal.not_int8("is a float16 model")
    raise refusal.not_int8("is a float32 model")


def _title(tensor: Tensor) -> str:
    return f"tensor {tensor.index} ('{safe_name(tensor.name)}')"
