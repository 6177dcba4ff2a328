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
from typing import Any

import numpy as np

from edge_deploy.model import schema
from edge_deploy.model.flatbuffer import BrokenBuffer, FlatBuffer, Table, Tables
from edge_deploy.model.graph import DType, Graph, Operator, Tensor
from edge_deploy.model.names import safe_name
from edge_deploy.model.options import read_options
from edge_deploy.model.refusals import Refusal
from edge_deploy.model.tensors import TensorReader

# Far above what fits a board, and low enough that the largest file is read in about a second:
# MLPerf Tiny's largest model has 33 operators, BERT-large about 3,000.
LARGEST_FILE_BYTES = 1 << 28
MOST_TENSORS = 16384
MOST_OPERATORS = 8192

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
    if len(subgraphs) > 1:
        raise refusal.unsupported(
            f"has {len(subgraphs):,} subgraphs, as models with control flow or initialisation do;"
            " only models with one can be compiled"
        )
    subgraph = subgraphs[0]
    tensor_tables = subgraph.tables(schema.SubGraph.TENSORS, "tensor")
    operator_tables = subgraph.tables(schema.SubGraph.OPERATORS, "operator")
    _check_count(refusal, len(tensor_tables), "tensors", MOST_TENSORS)
    _check_count(refusal, len(operator_tables), "operators", MOST_OPERATORS)
    tensor_reader = TensorReader(data, model.tables(schema.Model.BUFFERS, "buffer"), refusal)
    tensors = [tensor_reader.read(tensor_tables[i], i) for i in range(len(tensor_tables))]
    codes = model.tables(schema.Model.OPERATOR_CODES, "operator code")
    operators = [
        _operator(operator_tables[i], i, codes, len(tensors), refusal)
        for i in range(len(operator_tables))
    ]
    count = len(tensors)
    inputs = _indices(subgraph, schema.SubGraph.INPUTS, "the model's inputs", count)
    outputs = _indices(subgraph, schema.SubGraph.OUTPUTS, "the model's outputs", count)
    tensors = _with_empty_constants(tensors, operators, inputs)
    _check_ends(tensors, operators, inputs, outputs, refusal)
    _check_order(tensors, operators, inputs, outputs)
    _check_computes_in_integers(tensors, operators, refusal)
    return Graph(
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        tensors=tuple(tensors),
        operators=tuple(operators),
        inputs=inputs,
        outputs=outputs,
        file_bytes=len(data),
    )


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
        if 0 in tensor.shape and tensor.index not in produced and not tensor.is_variable
        else tensor
        for tensor in tensors
    ]


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
