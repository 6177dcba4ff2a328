"""QUANTIZE, DEQUANTIZE and CAST: every pair of types that the reference has."""

from __future__ import annotations

from collections.abc import Mapping

from tests.model_file import ModelBuilder
from tests.nn.cases import ZERO_POINTS, Case, Family, Pick

_SHAPES = ((1,), (3, 5), (1, 4, 4, 3), (2, 1, 257))
_SCALES = (3e-6, 0.0003, 2**-8, 0.02353, 0.11, 1.0, 3.7, 5e3)
_REQUANTIZED = (
    ("int16", "int8"),
    ("int16", "int16"),
    ("int16", "int32"),
    ("int32", "int8"),
    ("int32", "int16"),
)
_CAST = ("bool", "int8", "uint8", "int16", "int32", "int64", "float32")


def _zero_point(pick: Pick, dtype: str) -> int:
    if dtype in ("int8", "uint8"):
        return pick.one_of(ZERO_POINTS) + (128 if dtype == "uint8" else 0)
    if dtype == "int16":
        return 0
    return pick.one_of((0, 0, 1, -7, -(2**31), 2**31 - 1))


def _one(pick: Pick, operator: str, source: str, output: str) -> Case:
    """source, output: types; float32 has no scale."""
    shape = pick.one_of(_SHAPES)
    model = ModelBuilder()
    ends = []
    texts = []
    for dtype in (source, output):
        scale = None if dtype == "float32" else pick.one_of(_SCALES)
        zero_point = 0 if scale is None else _zero_point(pick, dtype)
        ends.append(model.tensor(shape, dtype, scale=scale, zero_point=zero_point))
        texts.append(f"{dtype} {scale} {zero_point}")
    model.op(operator, ends[:1], ends[1:])
    return Case(f"{operator} {shape} {' -> '.join(texts)}", model.finish(ends[:1], ends[1:]))


def quantize(pick: Pick) -> Case:
    """QUANTIZE of float32."""
    return _one(pick, "QUANTIZE", "float32", pick.one_of(("int8", "uint8", "int16")))


def dequantize(pick: Pick) -> Case:
    """DEQUANTIZE."""
    return _one(pick, "DEQUANTIZE", pick.one_of(("int8", "uint8", "int16")), "float32")


def requantize(pick: Pick) -> Case:
    """QUANTIZE between integers, one wider than a byte."""
    return _one(pick, "QUANTIZE", *pick.one_of(_REQUANTIZED))


def cast(pick: Pick) -> Case:
    """CAST between any two types, but for float32 to int64."""
    source = pick.one_of(_CAST)
    output = pick.one_of(_CAST if source != "float32" else tuple(x for x in _CAST if x != "int64"))
    shape = pick.one_of(_SHAPES)
    model = ModelBuilder()
    x, y = model.tensor(shape, source), model.tensor(shape, output)
    model.op("CAST", [x], [y])
    return Case(f"CAST {shape} {source} -> {output}", model.finish([x], [y]))


def ends(pick: Pick) -> Case:
    """Floats or wide integers in, a table between, and out again as another type."""
    source = pick.one_of(("float32", "int16", "uint8"))
    output = pick.one_of(("float32", "uint8"))
    model = ModelBuilder()
    shape = pick.one_of(_SHAPES)
    scale = pick.one_of((0.001, 0.02353, 1.0))
    x = model.tensor(
        shape,
        source,
        scale=None if source == "float32" else scale,
        zero_point=_zero_point(pick, source) if source != "float32" else 0,
    )
    inner = model.tensor(shape, scale=0.05, zero_point=pick.one_of(ZERO_POINTS))
    after = model.tensor(shape, scale=1 / 128)
    y = model.tensor(
        shape,
        output,
        scale=None if output == "float32" else 1 / 256,
        zero_point=3 if output != "float32" else 0,
    )
    model.op("QUANTIZE", [x], [inner])
    model.op("TANH", [inner], [after])
    model.op("DEQUANTIZE" if output == "float32" else "QUANTIZE", [after], [y])
    return Case(f"{source} -> TANH -> {output} {shape}", model.finish([x], [y]))


FAMILIES: Mapping[str, Family] = {
    "cast": cast,
    "dequantize": dequantize,
    "ends": ends,
    "quantize": quantize,
    "requantize": requantize,
}
