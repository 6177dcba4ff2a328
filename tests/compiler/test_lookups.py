"""Tables in a program: fused, turned into clamps, or gone."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy import model
from edge_deploy.compiler import ops, passes
from edge_deploy.compiler.ops.lookup import Lookup
from edge_deploy.compiler.ops.weighted import Weighted
from edge_deploy.compiler.passes import Program
from edge_deploy.compiler.passes.channels.preserving import LookupRule
from edge_deploy.compiler.passes.channels.values import Values
from edge_deploy.errors import UnsupportedModel
from edge_deploy.model.graph import DType
from tests import compiled_model
from tests.model_file import ModelBuilder

Quantized = tuple[float, int]


def _program(data: bytes) -> Program:
    graph = model.read(data)
    return Program(graph, ops.read(graph), graph.inputs, graph.outputs)


def _chain(
    *operators: tuple[str, Quantized], weights: bool = False, also: int | None = None
) -> bytes:
    """Operators in a row, each with its output's scale and zero point, after an input of 0.05, 3.

    weights: after a fully connected layer. also: which tensor beside the last is an output, from
    0 the first operator's.
    """
    builder = ModelBuilder()
    x = last = builder.tensor((1, 6), scale=0.05, zero_point=3)
    if weights:
        values = np.arange(-18, 18, dtype=np.int8).reshape(6, 6)
        w = builder.tensor((6, 6), scale=0.02, values=values)
        last = builder.tensor((1, 6), scale=0.05, zero_point=3)
        options = {"fused_activation_function": "NONE"}
        builder.op("FULLY_CONNECTED", [x, w, -1], [last], options)
    made = []
    for name, (scale, zero_point) in operators:
        y = builder.tensor((1, 6), scale=scale, zero_point=zero_point)
        builder.op(name, [last], [y])
        made.append(y)
        last = y
    outputs = [last] if also is None else [made[also], last]
    return builder.finish([x], outputs)


def test_two_tables_become_one():
    data = _chain(("TANH", (1 / 128, 0)), ("RELU", (0.01, -7)))
    program = _program(data)
    fused = passes.fuse_lookups(program)
    assert [layer.operator for layer in fused.layers] == ["RELU"]
    first, second = program.layers
    (both,) = fused.layers
    assert isinstance(first, Lookup)
    assert isinstance(second, Lookup)
    assert isinstance(both, Lookup)
    np.testing.assert_array_equal(both.table, [second.table[byte] for byte in first.table])
    assert (both.inputs, both.outputs) == (program.inputs, program.outputs)


def test_a_table_whose_input_something_else_reads_stays():
    program = _program(_chain(("TANH", (1 / 128, 0)), ("RELU", (0.01, -7)), also=0))
    assert passes.fuse_lookups(program).layers == program.layers


def test_a_clamp_goes_into_the_layer_before():
    program = _program(_chain(("RELU6", (0.05, 3)), weights=True))
    (layer,) = passes.fuse_lookups(program).layers
    assert isinstance(layer, Weighted)
    r = layer.requantization
    assert (r.lowest, r.highest) == (3, 3 + 120)
    assert layer.outputs == program.outputs


def test_a_clamp_that_leaves_nothing_of_another():
    program = _program(_chain(("RELU", (0.05, 3)), weights=True))
    layer = program.layers[0]
    assert isinstance(layer, Weighted)
    for first, second, wanted in (
        ((-10, 5), (7, 9), (7, 7)),
        ((20, 30), (7, 9), (9, 9)),
        ((-10, 8), (7, 9), (7, 8)),
        ((-128, 127), (-3, 4), (-3, 4)),
    ):
        r = layer.limited(*first).limited(*second).requantization
        assert (r.lowest, r.highest) == wanted


def test_a_table_that_is_no_clamp_stays_behind_its_layer():
    program = passes.run(_program(_chain(("TANH", (1 / 128, 0)), weights=True)))
    assert [layer.operator for layer in program.layers] == ["FULLY_CONNECTED", "TANH"]


def test_a_requantization_to_the_same_scale_vanishes():
    program = passes.remove_identities(_program(_chain(("QUANTIZE", (0.05, 3)))))
    assert program.layers == ()
    assert program.outputs == program.inputs


def test_there_and_back_to_another_type_vanishes():
    builder = ModelBuilder()
    x = builder.tensor((5,), scale=0.05, zero_point=3)
    y = builder.tensor((5,), "uint8", scale=0.05, zero_point=131)
    z = builder.tensor((5,), scale=0.05, zero_point=3)
    builder.op("QUANTIZE", [x], [y])
    builder.op("QUANTIZE", [y], [z])
    assert passes.run(_program(builder.finish([x], [z]))).layers == ()


@pytest.mark.parametrize(
    ("operator", "output", "wanted"),
    [
        ("RELU", (0.05, 3), (3, 127)),
        ("RELU_N1_TO_1", (0.05, 3), (-17, 23)),
        ("RELU", (0.05, 4), None),
        ("QUANTIZE", (0.05, 3), (-128, 127)),
    ],
)
def test_which_tables_are_clamps(operator, output, wanted):
    (layer,) = _program(_chain((operator, output))).layers
    assert isinstance(layer, Lookup)
    assert layer.clamp() == wanted


def test_layers_of_any_size_share_one_function():
    builder = ModelBuilder()
    x = builder.tensor((5,), scale=0.05, zero_point=3)
    y = builder.tensor((5,), scale=1 / 128, zero_point=0)
    z = builder.tensor((5,), scale=0.02, zero_point=0)
    u = builder.tensor((9,), scale=0.05, zero_point=3)
    v = builder.tensor((9,), scale=1 / 256, zero_point=-128)
    builder.op("TANH", [x], [y])
    builder.op("EXP", [x], [z])
    builder.op("LOGISTIC", [u], [v])
    _, compiled = compiled_model.compile_graph(builder.finish([x, u], [y, z, v]), "cortex_m4")
    assert compiled.files["ed_model.c"].count("ED_SHARED void lookup") == 1


@pytest.mark.parametrize(
    ("operator", "output", "said"),
    [
        ("LOGISTIC", (1 / 128, -128), "output of other scale than 1/256"),
        ("RELU6", (1e-10, 0), "output scale too small for its clamps"),
        ("HARD_SWISH", (1e-6, 0), "input scale more than 128 times its output's"),
    ],
)
def test_refused_in_one_line(operator, output, said):
    with pytest.raises(UnsupportedModel, match=said):
        _program(_chain((operator, output)))


def test_types_that_the_reference_has_no_kernel_for_are_refused():
    builder = ModelBuilder()
    x = builder.tensor((5,), "uint8", scale=0.05, zero_point=3)
    y = builder.tensor((5,), "uint8", scale=0.05, zero_point=3)
    builder.op("ABS", [x], [y])
    with pytest.raises(UnsupportedModel, match="uint8; int8 is what runs here"):
        _program(builder.finish([x], [y]))


@pytest.mark.parametrize("source", [DType.INT8, DType.UINT8])
@pytest.mark.parametrize("output", [DType.INT8, DType.UINT8])
def test_a_range_of_values_becomes_the_range_of_their_outputs(source: DType, output: DType):
    draw = np.random.default_rng(0)
    table = draw.integers(0, 256, 256).astype(np.uint8)
    layer = Lookup(0, "ANY", (0,), (1,), 1, table, source, output)
    limits = np.iinfo(source.value)
    ends = np.sort(draw.integers(limits.min, limits.max, (2, 300), endpoint=True), axis=0)
    (known,) = LookupRule().ranges(layer, [Values(ends[0], ends[1])])
    for i in range(300):
        every = np.arange(ends[0, i], ends[1, i] + 1).astype(source.value).view(np.uint8)
        found = table[every].view(output.value)
        assert (known.lowest[i], known.highest[i]) == (found.min(), found.max())


def test_between_the_8_bit_types_only_a_bit_turns():
    builder = ModelBuilder()
    x = builder.tensor((50,), "uint8", scale=0.05, zero_point=131)
    y = builder.tensor((50,), scale=0.05, zero_point=3)
    builder.op("QUANTIZE", [x], [y])
    for target in ("portable", "cortex_m4"):
        _, compiled = compiled_model.compile_graph(builder.finish([x], [y]), target)
        assert "lookup_flipped(shape, input, output)" in compiled.files["ed_model.c"]
        assert compiled.weights_bytes == 0


def _reals(*operators: str, shared: bool = False) -> bytes:
    """DEQUANTIZE, operators on float32, QUANTIZE. shared: the DEQUANTIZE has another reader."""
    builder = ModelBuilder()
    x = builder.tensor((7,), scale=0.05, zero_point=3)
    last = floats = builder.tensor((7,), "float32")
    builder.op("DEQUANTIZE", [x], [last])
    for name in operators:
        y = builder.tensor((7,), "float32")
        builder.op(name, [last], [y])
        last = y
    z = builder.tensor((7,), scale=0.02, zero_point=-5)
    builder.op("QUANTIZE", [last], [z])
    last = builder.tensor((7,), scale=0.02, zero_point=-5)
    builder.op("RELU_N1_TO_1", [z], [last])  # a model without it would be one of floats
    outputs = [last]
    if shared:
        outputs.append(builder.tensor((7,), scale=0.05, zero_point=3))
        builder.op("QUANTIZE", [floats], [outputs[1]])
    return builder.finish([x], outputs)


def test_from_8_bits_over_floats_to_8_bits_is_one_table():
    program = passes.run(_program(_reals("NEG", "SQRT")))
    (layer,) = program.layers
    assert isinstance(layer, Lookup)
    assert (layer.inputs, layer.outputs) == (program.inputs, program.outputs)
    # -(x - 3) * 0.05, its root, in steps of 0.02 from -5; of what is below 0 there is none, which
    # turns up at the highest, because the zero point is below 0; 1 is the most in the end.
    wanted = {3: -5, 2: 6, -17: 45, 4: 45, 127: 45}
    assert {x: int(layer.table[x & 0xFF].astype(np.int8)) for x in wanted} == wanted


def test_floats_that_two_rows_begin_with_are_read_as_integers_by_both():
    program = passes.run(_program(_reals("NEG", shared=True)))
    (layer,) = program.layers
    assert layer.operator == "RELU_N1_TO_1"
    assert program.outputs == (layer.outputs[0], program.inputs[0])  # there and back again is x


def test_floats_that_stay_floats_are_refused_by_name():
    builder = ModelBuilder()
    x = builder.tensor((5,), "float32")
    y = builder.tensor((5,), "float32")
    builder.op("NEG", [x], [y])
    z = builder.tensor((5,), scale=0.05, zero_point=3)
    u = builder.tensor((5,), scale=0.05, zero_point=3)
    builder.op("QUANTIZE", [x], [z])
    builder.op("RELU", [z], [u])
    with pytest.raises(UnsupportedModel, match=r"operator 0, NEG .*is not between a DEQUANTIZE"):
        compiled_model.compile_graph(builder.finish([x], [y, u]), "portable")


def test_int8_that_the_reference_has_for_floats_alone_is_refused_with_a_way_out():
    with pytest.raises(UnsupportedModel, match="is of int8; the reference has it for float32"):
        _program(_chain(("NEG", (0.05, 3))))
