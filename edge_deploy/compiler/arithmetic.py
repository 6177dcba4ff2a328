"""Arithmetic on constants, as shapes and sizes need it: int32, int64, bool, and exact floats.

A function for each operator, from its site to the values of its output, in numpy; None where
the operator is of another kind, such as the sum of two quantized tensors. The result's shape is
held against the declared one before anything is computed, so that no file can make it large.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops import moved
from edge_deploy.compiler.ops.layer import Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.strided import times
from edge_deploy.model.graph import DType

Values = NDArray[Any]
Function = Callable[[Site], "list[Values] | None"]

_INTEGERS = (DType.INT32, DType.INT64)
_NUMBERS = (*_INTEGERS, DType.FLOAT32)


def _inputs(site: Site, kinds: Sequence[DType]) -> list[Values] | None:
    """The constants, or None where one is not among `kinds` or absent, or an activation is."""
    if site.operator.options.get("fused_activation_function", "NONE") != "NONE":
        return None
    tensors = [site.tensor(i) for i in range(len(site.operator.inputs))]
    if any(tensor.dtype not in kinds for tensor in tensors):
        return None
    return [tensor.values for tensor in tensors if tensor.values is not None]


def _declared(site: Site, shape: Sequence[int], dtype: str | None = None) -> None:
    """Refuse a result that is not what the file declares."""
    output = site.output
    if output.shape != tuple(shape):
        raise unsupported(
            site, f"has an output of shape {times(output.shape)}, where {times(shape)} results"
        )
    if dtype is not None and output.dtype.value != dtype:
        raise unsupported(site, f"has an output of type {output.dtype.value}, not {dtype}")


def _elementwise(
    count: int, kinds: Sequence[DType], compute: Callable[..., Values], result: str | None = None
) -> Function:
    """Of `count` inputs of one type that are stretched over each other."""

    def function(site: Site) -> list[Values] | None:
        inputs = _inputs(site, kinds)
        if inputs is None:
            return None
        if len(inputs) != count or len({x.dtype for x in inputs}) > 1:
            raise unsupported(site, f"has {len(inputs)} inputs of {inputs[0].dtype}")
        try:
            shape = np.broadcast_shapes(*(x.shape for x in inputs))
        except ValueError:
            raise unsupported(site, f"has shapes {[x.shape for x in inputs]}") from None
        _declared(site, shape, result or inputs[0].dtype.name)
        with np.errstate(all="ignore"):
            return [compute(*inputs)]

    return function


def _division(compute: Callable[[Values, Values], Values], kinds: Sequence[DType]) -> Function:
    """As the others, but by what is not 0."""
    divided = _elementwise(2, kinds, compute)

    def function(site: Site) -> list[Values] | None:
        inputs = _inputs(site, kinds)
        if inputs is not None and len(inputs) > 1 and not inputs[1].all():
            raise unsupported(site, "divides by 0")
        return divided(site)

    return function


def _truncated(a: Values, b: Values) -> Values:
    """The quotient; of integers, rounded towards 0."""
    if a.dtype.kind == "f":
        ratio: Values = np.divide(a, b)
        return ratio
    quotient: Values = np.floor_divide(a, b)
    quotient += (quotient < 0) & (quotient * b != a)
    return quotient


def _reduction(compute: Callable[..., Values], kinds: Sequence[DType]) -> Function:
    """Over the dimensions that the second input names."""

    def function(site: Site) -> list[Values] | None:
        source = site.tensor(0)
        if source.dtype not in kinds or source.values is None:
            return None
        rank = len(source.shape)
        axes = {moved.axis(site, x, rank) for x in moved.numbers(site, 1, "axes")}
        if site.option("keep_dims"):
            shape = [1 if i in axes else size for i, size in enumerate(source.shape)]
        else:
            shape = [size for i, size in enumerate(source.shape) if i not in axes]
        _declared(site, shape, source.dtype.value)
        if not source.elements:
            raise unsupported(site, f"reduces nothing, shape {source.shape}")
        return [compute(source.values, axis=tuple(axes)).astype(source.values.dtype)]

    return function


def _cast(site: Site) -> list[Values] | None:
    inputs = _inputs(site, (*_NUMBERS, DType.BOOL))
    output = site.output
    if inputs is None or output.dtype not in (*_NUMBERS, DType.BOOL):
        return None
    _declared(site, inputs[0].shape)
    if output.dtype in _INTEGERS and inputs[0].dtype.kind == "f":
        limit = 2.0 ** (output.dtype.itemsize * 8 - 1)
        if not (np.abs(inputs[0].astype(np.float64)) < limit).all():
            raise unsupported(site, "turns floats into integers that do not hold them")
    return [inputs[0].astype(output.dtype.value)]


def _shape(site: Site) -> list[Values] | None:
    source = site.tensor(0)
    _declared(site, (len(source.shape),))
    if site.output.dtype not in _INTEGERS:
        raise unsupported(site, f"gives a shape as {site.output.dtype.value}")
    return [np.array(source.shape, site.output.dtype.value)]


def _rank(site: Site) -> list[Values] | None:
    _declared(site, (), "int32")
    return [np.array(len(site.tensor(0).shape))]


def _zeros_like(site: Site) -> list[Values] | None:
    source = site.tensor(0)
    if source.dtype not in _NUMBERS:
        return None
    _declared(site, source.shape, source.dtype.value)
    return [np.zeros(source.shape, source.dtype.value)]


def _fill(site: Site) -> list[Values] | None:
    _declared(site, moved.numbers(site, 0, "sizes"), site.tensor(1).dtype.value)
    value = site.tensor(1).values
    if value is None or value.size != 1:
        raise unsupported(site, "fills with what is not one value")
    return [np.full(site.output.shape, value.reshape(()))]


def _range(site: Site) -> list[Values] | None:
    inputs = _inputs(site, _INTEGERS)
    if inputs is None:
        return None
    start, limit, step = (moved.number(site, i, "limits") for i in range(3))
    if step == 0:
        raise unsupported(site, "counts in steps of 0")
    _declared(site, (len(range(start, limit, step)),), site.tensor(0).dtype.value)
    return [np.arange(start, limit, step)]


def _select(site: Site) -> list[Values] | None:
    condition, one, other = (site.tensor(i) for i in range(3))
    if condition.dtype is not DType.BOOL or one.dtype not in (*_NUMBERS, DType.BOOL):
        return None
    shapes = (condition.shape, one.shape, other.shape)
    if len(set(shapes)) > 1 and (condition.elements != 1 or one.shape != other.shape):
        return None
    _declared(site, one.shape, one.dtype.value)
    assert condition.values is not None
    assert one.values is not None
    assert other.values is not None
    return [
        np.where(
            condition.values.reshape(one.shape if condition.elements > 1 else ()),
            one.values,
            other.values,
        )
    ]


def _broadcast_args(site: Site) -> list[Values] | None:
    one, other = (moved.numbers(site, i, "sizes") for i in range(2))
    try:
        shape = np.broadcast_shapes(one, other)
    except ValueError:
        raise unsupported(site, f"has shapes {one} and {other}") from None
    _declared(site, (len(shape),))
    return [np.array(shape)]


def _product(values: Values, *, axis: tuple[int, ...]) -> Values:
    product: Values = np.prod(values, axis=axis, dtype=values.dtype)
    return product


def _sum(values: Values, *, axis: tuple[int, ...]) -> Values:
    total: Values = np.sum(values, axis=axis, dtype=values.dtype)
    return total


_ANY = (*_NUMBERS, DType.BOOL)
FUNCTIONS: Mapping[str, Function] = {
    "ABS": _elementwise(1, _NUMBERS, np.abs),
    "ADD": _elementwise(2, _NUMBERS, np.add),
    "BROADCAST_ARGS": _broadcast_args,
    "CAST": _cast,
    "DIV": _division(_truncated, (DType.INT32, DType.FLOAT32)),
    "EQUAL": _elementwise(2, _ANY, np.equal, "bool"),
    "FILL": _fill,
    "FLOOR_DIV": _division(np.floor_divide, (DType.INT32,)),
    "FLOOR_MOD": _division(np.mod, _INTEGERS),
    "GREATER": _elementwise(2, _NUMBERS, np.greater, "bool"),
    "GREATER_EQUAL": _elementwise(2, _NUMBERS, np.greater_equal, "bool"),
    "LESS": _elementwise(2, _NUMBERS, np.less, "bool"),
    "LESS_EQUAL": _elementwise(2, _NUMBERS, np.less_equal, "bool"),
    "LOGICAL_AND": _elementwise(2, (DType.BOOL,), np.logical_and),
    "LOGICAL_NOT": _elementwise(1, (DType.BOOL,), np.logical_not),
    "LOGICAL_OR": _elementwise(2, (DType.BOOL,), np.logical_or),
    "MAXIMUM": _elementwise(2, _INTEGERS, np.maximum),
    "MINIMUM": _elementwise(2, _INTEGERS, np.minimum),
    "MUL": _elementwise(2, _NUMBERS, np.multiply),
    "NEG": _elementwise(1, _NUMBERS, np.negative),
    "NOT_EQUAL": _elementwise(2, _ANY, np.not_equal, "bool"),
    "RANGE": _range,
    "RANK": _rank,
    "REDUCE_MAX": _reduction(np.max, _INTEGERS),
    "REDUCE_MIN": _reduction(np.min, _INTEGERS),
    "REDUCE_PROD": _reduction(_product, _INTEGERS),
    "SELECT": _select,
    "SELECT_V2": _select,
    "SHAPE": _shape,
    "SUB": _elementwise(2, _NUMBERS, np.subtract),
    "SUM": _reduction(_sum, _INTEGERS),
    "ZEROS_LIKE": _zeros_like,
}
