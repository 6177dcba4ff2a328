"""Tables of 256 bytes against the reference, over many more scales than models are built for.

One model of 256 values shows a whole table. EDGE_DEPLOY_SWEEP=<n> draws n pairs of scales for
each operator instead of 60.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from edge_deploy.compiler import reals, tables
from edge_deploy.compiler.tables import Side, Table, TableRefused
from edge_deploy.model.graph import DType
from tests.model_file import ModelBuilder
from tests.nn.cases import ZERO_POINTS

PAIRS = int(os.environ.get("EDGE_DEPLOY_SWEEP", "60"))

Options = dict[str, Any] | None

TABLES: Mapping[str, Callable[[Options, Side, Side], Table]] = {
    "ABS": lambda _, a, b: tables.absolute(a, b),
    "ELU": lambda _, a, b: tables.by_float(a, b, reals.elu),
    "EXP": lambda _, a, b: tables.by_float(a, b, reals.exp),
    "GELU": lambda o, a, b: tables.by_float(
        a, b, reals.gelu_approximate if o and o["approximate"] else reals.gelu
    ),
    "HARD_SWISH": lambda _, a, b: tables.hard_swish(a, b),
    "LEAKY_RELU": lambda o, a, b: tables.leaky_relu(a, b, o["alpha"] if o else 0.0),
    "LOGISTIC": lambda _, a, b: tables.by_float(a, b, reals.logistic),
    "QUANTIZE": lambda _, a, b: tables.requantize(a, b),
    "RELU": lambda _, a, b: tables.relu(a, b, "RELU"),
    "RELU6": lambda _, a, b: tables.relu(a, b, "RELU6"),
    "RELU_N1_TO_1": lambda _, a, b: tables.relu(a, b, "RELU_N1_TO_1"),
    "RSQRT": lambda _, a, b: tables.rsqrt(a, b),
    "SQRT": lambda _, a, b: tables.square_root(a, b),
    "TANH": lambda _, a, b: tables.by_float(a, b, reals.tanh),
}
INT8_ONLY = ("ABS", "ELU", "EXP", "RSQRT", "SQRT")
# Of these tflite-runtime 2.14 has no int8 kernel; the newer runtime has.
NEWER = ("SQRT",)
# Of numbers below zero the reference fails.
NOT_BELOW_ZERO = ("RSQRT", "SQRT")


def _float32(value: float) -> float:
    return float(np.float32(value))


def _reference(operator: str, options: Options, source: Side, output: Side) -> Any:
    """An interpreter of the one operator over 256 values; ValueError or RuntimeError refuse it."""
    package = "ai_edge_litert" if operator in NEWER else "tflite_runtime"
    runtime = pytest.importorskip(f"{package}.interpreter")
    model = ModelBuilder()
    x = model.tensor((256,), source.dtype.value, scale=source.scale, zero_point=source.zero_point)
    y = model.tensor((256,), output.dtype.value, scale=output.scale, zero_point=output.zero_point)
    model.op(operator, [x], [y], options, version=2 if operator in NEWER else None)
    resolvers = runtime.OpResolverType
    # BUILTIN_REF has no ELU; the runtime has one kernel for it.
    resolver = (
        resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES if operator == "ELU" else resolvers.BUILTIN_REF
    )
    found = runtime.Interpreter(
        model_content=model.finish([x], [y]), experimental_op_resolver_type=resolver, num_threads=1
    )
    found.allocate_tensors()
    return found


def _side(chance: random.Random, dtype: DType) -> Side:
    """Scales that converters choose, wild ones, and powers of two."""
    scale = chance.choice((10 ** chance.uniform(-3, 0.3), 2.0 ** -chance.randint(0, 9)))
    if chance.random() < 0.1:
        scale = 10 ** chance.uniform(-8, 6)
    return Side(
        dtype, _float32(scale), chance.choice(ZERO_POINTS) + (128 if dtype is DType.UINT8 else 0)
    )


def _pair(chance: random.Random, operator: str) -> tuple[Options, Side, Side]:
    types = (DType.INT8,) if operator in INT8_ONLY else (DType.INT8, DType.UINT8)
    dtype = chance.choice(types)
    source = _side(chance, dtype)
    output = _side(chance, chance.choice(types) if operator == "QUANTIZE" else dtype)
    middle = 128 if output.dtype is DType.UINT8 else 0
    if operator == "LOGISTIC":
        output = Side(output.dtype, 1 / 256, middle - 128)
    elif operator == "TANH" and chance.random() < 0.7:
        output = Side(output.dtype, 1 / 128, middle)
    elif chance.random() < 0.2:
        output = Side(output.dtype, source.scale, output.zero_point)
    options: Options = None
    if operator == "GELU":
        options = {"approximate": chance.random() < 0.5}
    elif operator == "LEAKY_RELU":
        options = {"alpha": _float32(chance.choice((0.1, 0.3, 0.0, 1.0, 2.5, -0.3)))}
    return options, source, output


@pytest.mark.parametrize("operator", TABLES)
def test_every_byte_is_the_reference_s(operator: str) -> None:
    chance = random.Random(operator)
    compared = 0
    for _ in range(PAIRS):
        options, source, output = _pair(chance, operator)
        values = np.arange(256, dtype=np.uint8).view(source.dtype.value)
        if operator in NOT_BELOW_ZERO:
            values = np.maximum(values, source.zero_point).astype(source.dtype.value)
        try:
            interpreter = _reference(operator, options, source, output)
        except (ValueError, RuntimeError):
            continue
        try:
            table = TABLES[operator](options, source, output)
        except TableRefused:
            continue
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
        interpreter.invoke()
        wanted = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        np.testing.assert_array_equal(
            table[values.view(np.uint8)],
            wanted.view(np.uint8),
            err_msg=f"{operator} {options} {source} {output}",
        )
        compared += 1
    assert compared > PAIRS * 0.7


@pytest.mark.parametrize(
    ("function", "transform"),
    [("expf", reals.exp), ("tanhf", reals.tanh), ("expm1f", reals.elu)],
)
def test_this_computer_s_library_stays_within_what_is_allowed_for(function, transform):
    library = ctypes.util.find_library("m")
    if library is None:
        pytest.skip("no C library to ask")
    call = getattr(ctypes.CDLL(library), function)
    call.restype, call.argtypes = ctypes.c_float, [ctypes.c_float]
    draw = np.random.default_rng(0)
    x = np.concatenate([-(10 ** draw.uniform(-4, 1.5, 6000)), draw.uniform(-25, 0, 6000)])
    x = x.astype(np.float32)
    if function != "expm1f":  # ELU calls it below zero alone
        x *= draw.choice([-1, 1], x.shape).astype(np.float32)
    found = np.array([call(float(value)) for value in x], np.float32)
    allowed = np.stack(transform(x))
    assert (allowed == found).any(axis=0).all()


def test_erfc_of_this_computer_s_library_too():
    library = ctypes.util.find_library("m")
    if library is None:
        pytest.skip("no C library to ask")
    call = ctypes.CDLL(library).erfcf
    call.restype, call.argtypes = ctypes.c_float, [ctypes.c_float]
    x = np.random.default_rng(0).uniform(-7, 7, 8000).astype(np.float32)
    inside = x * np.float32(-np.sqrt(0.5))
    found = np.float32(0.5) * x * np.array([call(float(value)) for value in inside], np.float32)
    assert (np.stack(reals.gelu(x)) == found).any(axis=0).all()


def test_a_tie_that_the_library_decides_has_no_table():
    source = Side(DType.INT8, _float32(0.01), 0)
    tied = np.tanh(np.float64(np.float32(0.01) * np.float32(100)))
    output = Side(DType.INT8, _float32(tied / 60.5), 0)
    with pytest.raises(TableRefused, match=r"rounding tie at input -?100"):
        tables.by_float(source, output, reals.tanh)


def test_a_factor_that_could_wrap_has_no_table():
    with pytest.raises(TableRefused, match="multiply by"):
        tables.requantize(Side(DType.INT8, 1e6, 0), Side(DType.INT8, 1e-3, 0))
    with pytest.raises(TableRefused, match="multiply by inf"):
        tables.relu(Side(DType.INT8, 3e38, 0), Side(DType.INT8, 1e-30, 0), "RELU")
    with pytest.raises(TableRefused, match="too small for its clamps"):
        tables.relu(Side(DType.INT8, 1e-10, 0), Side(DType.INT8, 1e-10, 0), "RELU6")
    with pytest.raises(TableRefused, match="more than 128 times"):
        tables.hard_swish(Side(DType.INT8, 1.0, 0), Side(DType.INT8, 1e-3, 0))
