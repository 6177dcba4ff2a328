"""The reader: what it makes of good files, and the line it gives for each kind of bad one."""

from __future__ import annotations

import hashlib
import time

import numpy as np
import pytest

from edge_deploy import model
from edge_deploy.errors import BadInput, Exit, UnsupportedModel
from edge_deploy.model import schema
from edge_deploy.model.reader import LARGEST_FILE_BYTES, MOST_OPERATORS, MOST_TENSORS
from edge_deploy.model.tensors import LARGEST_TENSOR_BYTES
from tests import model_builder
from tests.model_builder import ModelBuilder
from tests.shared_models import MLPERF_TINY, mlperf

READY_MADE = {
    "sine_like": model_builder.sine_like(3),
    "tiny_conv": model_builder.tiny_conv(3),
    "kws_like": model_builder.kws_like(3, filters=8),
    "fully_connected": model_builder.fully_connected(batch=2, per_channel=True),
    "conv2d": model_builder.conv2d(dilation=2, padding="VALID"),
    "depthwise_conv2d": model_builder.depthwise_conv2d(multiplier=2, per_channel=False),
    "average_pool": model_builder.average_pool(),
    "reshape": model_builder.reshape(as_tensor=False),
    "softmax": model_builder.softmax(beta=0.5),
}


def interpreter(data: bytes):
    """TFLite's own view of a file."""
    runtime = pytest.importorskip("tflite_runtime.interpreter")
    reader = runtime.Interpreter(
        model_content=data,
        experimental_op_resolver_type=runtime.OpResolverType.BUILTIN_REF,
    )
    reader.allocate_tensors()
    return reader


def relu(**tensor) -> bytes:
    """One RELU; keywords replace those of its input tensor."""
    builder = ModelBuilder()
    x = builder.tensor(**{"shape": (1, 4), "scale": 0.5, "name": "x", **tensor})
    y = builder.tensor((1, 4), scale=0.5)
    builder.op("RELU", [x], [y])
    return builder.finish([x], [y])


# ---- good files ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*MLPERF_TINY, *READY_MADE])
def test_agrees_with_tflite(name):
    data = READY_MADE[name] if name in READY_MADE else mlperf(name)
    theirs = interpreter(data)
    graph = model.read(data, name=name)
    details = {detail["index"]: detail for detail in theirs.get_tensor_details()}
    # The runtime adds tensors of its own at the end (im2col buffers and the like).
    assert set(range(len(graph.tensors))) <= set(details)
    for tensor in graph.tensors:
        detail = details[tensor.index]
        assert tensor.name == detail["name"]
        assert np.dtype(tensor.dtype.value) == detail["dtype"]
        assert tensor.shape == tuple(detail["shape"])
        quantization = detail["quantization_parameters"]
        if tensor.quantization is None:
            assert not len(quantization["scales"])
        else:
            assert tensor.quantization.scales == tuple(quantization["scales"].tolist())
            assert tensor.quantization.zero_points == tuple(quantization["zero_points"].tolist())
            assert tensor.quantization.axis == quantization["quantized_dimension"]
        if tensor.values is not None:
            np.testing.assert_array_equal(tensor.values, theirs.get_tensor(tensor.index))
            assert tensor.values.shape == tensor.shape
            assert not tensor.values.flags.writeable
    assert graph.inputs == tuple(detail["index"] for detail in theirs.get_input_details())
    assert graph.outputs == tuple(detail["index"] for detail in theirs.get_output_details())
    operators = theirs._get_ops_details()
    assert [operator.name for operator in graph.operators] == [o["op_name"] for o in operators]
    for ours, other in zip(graph.operators, operators, strict=True):
        assert ours.inputs == tuple(other["inputs"])
        assert ours.outputs == tuple(other["outputs"])


@pytest.mark.parametrize("name", MLPERF_TINY)
def test_reads_an_mlperf_model_at_once(name):
    data = mlperf(name)
    taken = []
    for _ in range(5):
        begin = time.perf_counter()
        model.read(data)
        taken.append(time.perf_counter() - begin)
    assert min(taken) < 0.05


def test_the_graph_names_its_file():
    data = READY_MADE["sine_like"]
    graph = model.read(data, name="hello")
    assert graph.name == "hello"
    assert graph.sha256 == hashlib.sha256(data).hexdigest()
    assert graph.file_bytes == len(data)


def test_options_have_the_schemas_words_and_defaults():
    builder = ModelBuilder()
    x = builder.tensor((1, 8, 8, 1), scale=1.0)
    weights = builder.tensor((2, 3, 3, 1), scale=1.0, values=np.ones(18))
    y = builder.tensor((1, 3, 6, 2), scale=1.0)
    builder.op("CONV_2D", [x, weights, -1], [y], {"padding": "VALID", "stride_h": 2, "stride_w": 1})
    (operator,) = model.read(builder.finish([x], [y])).operators
    assert operator == model.Operator(
        index=0,
        name="CONV_2D",
        inputs=(0, 1, -1),
        outputs=(2,),
        options={
            "padding": "VALID",
            "stride_w": 1,
            "stride_h": 2,
            "fused_activation_function": "NONE",
            "dilation_w_factor": 1,
            "dilation_h_factor": 1,
            "quantized_bias_type": "FLOAT32",
        },
        version=3,
    )


def test_every_option_table_survives_the_way_through_a_file():
    # Operators on variables must fit each other: test_variables.py.
    of_variables = {"CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"}
    for name, table in schema.OPERATOR_OPTIONS.items():
        if name in of_variables:
            continue
        given = {}
        for number, field in enumerate(table.fields):
            plain = {
                "[int32]": (number, -7),
                "[float32]": (0.5, -2.0),
                "string": f"text {number}",
                "float32": 0.25 + number,
                "bool": not field.default,
            }
            word = field.words[-1] if field.words else 3 + number
            given[field.name] = plain.get(field.kind, word)
        builder = ModelBuilder()
        x, y = builder.tensor((2,), scale=1.0), builder.tensor((2,), scale=1.0)
        builder.op(name, [x], [y], given)
        assert model.read(builder.finish([x], [y])).operators[0].options == given, name


@pytest.mark.parametrize("options", [None, {}])
def test_absent_options_are_the_defaults(options):
    builder = ModelBuilder()
    x, y = builder.tensor((2,), scale=1.0), builder.tensor((2,), scale=1.0)
    builder.op("ADD", [x, x], [y], options)
    (operator,) = model.read(builder.finish([x], [y])).operators
    assert operator.options == {"fused_activation_function": "NONE", "pot_scale_int16": True}


def test_a_custom_operator_keeps_its_name():
    builder = ModelBuilder()
    x, y = builder.tensor((2,), scale=1.0), builder.tensor((2,), scale=1.0)
    builder.op("CUSTOM", [x], [y], custom_code="Microphone\n")
    (operator,) = model.read(builder.finish([x], [y])).operators
    assert (operator.name, operator.options) == ("CUSTOM", {"custom_code": "Microphone\n"})


def test_an_operator_code_above_126_is_taken_from_the_wider_field():
    builder = ModelBuilder()
    x, y = builder.tensor((2,), scale=1.0), builder.tensor((2,), scale=1.0)
    builder.op("GELU", [x], [y])
    assert model.read(builder.finish([x], [y])).operators[0].name == "GELU"


def test_a_dynamic_batch_is_the_one_of_the_shape():
    graph = model.read(relu(shape_signature=(-1, 4)))
    assert graph.tensors[0].shape == (1, 4)


def test_the_empty_shape_of_a_reshape_to_a_scalar_is_a_constant():
    builder = ModelBuilder()
    x = builder.tensor((1,), scale=1.0)
    shape = builder.tensor((0,), "int32")
    y = builder.tensor((), scale=1.0)
    builder.op("RESHAPE", [x, shape], [y])
    graph = model.read(builder.finish([x], [y]))
    assert graph.tensors[shape].values is not None
    assert graph.tensors[shape].values.shape == (0,)
    assert graph.tensors[y].shape == ()
    assert graph.tensors[y].elements == 1


def test_a_variable_is_there_from_the_start():
    builder = ModelBuilder()
    x = builder.tensor((1, 4), scale=1.0)
    state = builder.tensor((1, 8), scale=1.0, zero_point=3, variable=True)
    y = builder.tensor((1, 4), scale=1.0)
    builder.op("SVDF", [x, state], [y])
    graph = model.read(builder.finish([x], [y]))
    assert [tensor.is_variable for tensor in graph.tensors] == [False, True, False]


def test_several_inputs_and_outputs_keep_the_files_order():
    builder = ModelBuilder()
    a, b, c, d = (builder.tensor((2,), scale=1.0) for _ in range(4))
    builder.op("ADD", [a, b], [c])
    builder.op("SUB", [a, b], [d])
    graph = model.read(builder.finish([b, a], [d, c]))
    assert (graph.inputs, graph.outputs) == ((1, 0), (3, 2))


def test_a_name_may_hold_anything():
    name = 'x*/ system("rm"); \x1b[2J\n"\\\u202e\U0001f600'
    graph = model.read(relu(name=name))
    assert graph.tensors[0].name == name
    shown = model.safe_name(name)
    assert shown == r'x*/ system("rm"); \x1b[2J\x0a"\\\u202e\U0001f600'
    assert shown.isascii()
    assert shown.isprintable()


def test_a_shown_name_is_of_bounded_length():
    assert model.safe_name("a" * 80) == "a" * 80
    assert model.safe_name("a" * 81) == "a" * 77 + "..."
    assert len(model.safe_name("\U0001f600" * 10_000_000)) == 80
    assert model.safe_name("abcdef", longest=5) == "ab..."


# ---- files that are no model (exit 3) -------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "is empty"),
        (b"hello\n", "looks like text, 6 bytes"),
        (b"# A model card\n" * 100, "looks like text, 1,500 bytes"),
        (b"\x00\x01\x02", "is 3 bytes, too short for any model"),
        (bytes(100), r"has '\x00\x00\x00\x00' at byte 4, where a TFLite model has 'TFL3'"),
        (b"PK\x03\x04" + bytes(50), "looks like a zip archive, as .keras files are"),
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "looks like an HDF5 file, as Keras .h5 files are"),
        (b"<!DOCTYPE html><html>", "looks like a web page"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n",
            "looks like a Git LFS pointer",
        ),
        (
            model_builder.ModelBuilder().finish([], [], identifier=b"ARMN"),
            "has 'ARMN' at byte 4, where a TFLite model has 'TFL3'",
        ),
    ],
)
def test_a_file_that_is_no_model_is_named_for_what_it_is(data, found):
    with pytest.raises(model.BadModel) as caught:
        model.read(data, name="kws.tflite")
    assert caught.value.message == f"kws.tflite is not a TFLite model: it {found}"
    assert caught.value.exit_code == Exit.BAD_INPUT
    assert isinstance(caught.value, BadInput)
    assert caught.value.try_next


def test_a_file_cut_short_is_told_with_its_numbers():
    data = READY_MADE["tiny_conv"][:100]
    with pytest.raises(model.BadModel) as caught:
        model.read(data, name="kws.tflite")
    assert caught.value.message.startswith(
        "kws.tflite is not a whole TFLite model: it is 100 bytes;"
    )
    assert "byte" in caught.value.message.rpartition(";")[2]
    assert "\n" not in caught.value.message


def test_the_file_name_is_shown_escaped():
    with pytest.raises(model.BadModel) as caught:
        model.read(b"", name="a\nb")
    assert caught.value.message.startswith(r"a\x0ab is not")


@pytest.mark.parametrize(
    ("tensor", "found"),
    [
        ({"shape": (1, -4)}, "has the shape 1x-4 for tensor 0 ('x')"),
        ({"scale": 0.0}, "has the scale 0 for tensor 0 ('x')"),
        ({"scale": -1.0}, "has the scale -1 for tensor 0 ('x')"),
        ({"scale": float("nan")}, "has the scale nan for tensor 0 ('x')"),
        ({"scale": float("inf")}, "has the scale inf for tensor 0 ('x')"),
        ({"zero_point": 128}, "has the zero point 128 for tensor 0 ('x'), outside -128 to 127"),
        ({"zero_point": -(2**63)}, "has the zero point -9223372036854775808"),
        (
            {"dtype": "uint8", "zero_point": -1},
            "has the zero point -1 for tensor 0 ('x'), outside 0 to 255",
        ),
        ({"scale": [1, 1, 1], "axis": 1}, "has 3 scales for the 4 channels of tensor 0 ('x')"),
        (
            {"scale": [1] * 4, "zero_point": [0] * 3, "axis": 1},
            "has 4 scales and 3 zero points for tensor 0 ('x')",
        ),
        ({"axis": 2}, "quantizes tensor 0 ('x') along dimension 2, of 2"),
        ({"axis": -1}, "quantizes tensor 0 ('x') along dimension -1, of 2"),
        ({"values": b"\0" * 3}, "has 3 bytes for tensor 0 ('x'); its shape 1x4 of int8 takes 4"),
        ({"values": b"\0" * 5}, "has 5 bytes for tensor 0 ('x'); its shape 1x4 of int8 takes 4"),
        ({"values": b"\0" * 4}, "has the constant tensor 0 ('x') among the model's inputs"),
        ({"variable": True}, "has the variable tensor 0 ('x') among the model's inputs"),
        (
            {"dtype": "bool", "values": b"\0\1\2\0", "scale": None},
            "has 2 among the bools of tensor 0 ('x')",
        ),
        ({"shape_signature": (1,)}, "has 2 dimensions for tensor 0 ('x'), and 1 in its signature"),
        (
            {"shape_signature": (-1, 5)},
            "has the shape 1x4 for tensor 0 ('x'), and the signature -1x5",
        ),
    ],
)
def test_a_tensor_that_contradicts_itself_is_refused(tensor, found):
    with pytest.raises(model.BadModel) as caught:
        model.read(relu(**tensor))
    assert found in caught.value.message


def finished(
    *operators: tuple[str, list[int], list[int]],
    tensors: int = 4,
    inputs: tuple[int, ...] = (0,),
    outputs: tuple[int, ...] = (1,),
    **finish,
) -> bytes:
    builder = ModelBuilder()
    for _ in range(tensors):
        builder.tensor((2,), scale=1.0)
    for operator in operators:
        builder.op(*operator)
    return builder.finish(inputs, outputs, **finish)


RELU = ("RELU", [0], [1])


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (
            finished(("RELU", [2], [1])),
            "has operator 0, RELU, read tensor 2 ('tensor_2'), which nothing has produced by then",
        ),
        (
            finished(("RELU", [2], [1]), ("RELU", [0], [2])),
            "has operator 0, RELU, read tensor 2 ('tensor_2'), which nothing has produced by then",
        ),
        (
            finished(("RELU", [1], [1])),
            "has operator 0, RELU, read tensor 1 ('tensor_1'), which nothing has produced by then",
        ),
        (
            finished(RELU, ("RELU", [0], [1])),
            "has operator 1, RELU, write tensor 1 ('tensor_1'), which is there already",
        ),
        (
            finished(("RELU", [0], [0])),
            "has operator 0, RELU, write tensor 0 ('tensor_0'), which is there already",
        ),
        (finished(RELU, outputs=(3,)), "never produces tensor 3 ('tensor_3'), an output of"),
        (finished(RELU, outputs=(4,)), "has 4 tensors, and tensor 4 among the model's outputs"),
        (finished(RELU, outputs=(-1,)), "has 4 tensors, and tensor -1 among the model's outputs"),
        (finished(RELU, inputs=(99,)), "has 4 tensors, and tensor 99 among the model's inputs"),
        (finished(RELU, inputs=(0, 0)), "names a tensor twice among the model's inputs"),
        (
            finished(("RELU", [-2], [1])),
            "has 4 tensors, and tensor -2 among the inputs of operator 0, RELU,",
        ),
        (
            finished(("RELU", [0], [-1])),
            "has 4 tensors, and tensor -1 among the outputs of operator 0, RELU,",
        ),
        (finished(RELU, subgraphs=0), "has no subgraph"),
    ],
)
def test_a_graph_that_contradicts_itself_is_refused(data, found):
    with pytest.raises(model.BadModel) as caught:
        model.read(data, name="m")
    assert caught.value.message.startswith(f"m is not a whole TFLite model: it {found}")


@pytest.mark.parametrize(
    ("name", "options", "found"),
    [
        (
            "CONV_2D",
            {"padding": 2},
            "has 2 for padding in the Conv2DOptions of operator 0, where the schema ends at 2",
        ),
        ("CONV_2D", {"fused_activation_function": -1}, "has -1 for fused_activation_function"),
        ("SOFTMAX", {"beta": float("nan")}, "has nan for beta in the SoftmaxOptions of operator 0"),
    ],
)
def test_options_outside_the_schema_are_refused(name, options, found):
    builder = ModelBuilder()
    x, y = builder.tensor((2,), scale=1.0), builder.tensor((2,), scale=1.0)
    builder.op(name, [x], [y], options)
    with pytest.raises(model.BadModel) as caught:
        model.read(builder.finish([x], [y]))
    assert found in caught.value.message


def test_options_of_another_operator_are_refused(monkeypatch):
    builder = ModelBuilder()
    x, y = builder.tensor((2,), scale=1.0), builder.tensor((2,), scale=1.0)
    builder.op("SOFTMAX", [x], [y], {})
    swapped = {**schema.OPERATOR_OPTIONS, "SOFTMAX": schema.OPTIONS_BY_NAME["ReshapeOptions"]}
    with monkeypatch.context() as patch:
        patch.setattr(schema, "OPERATOR_OPTIONS", swapped)
        data = builder.finish([x], [y])
    with pytest.raises(model.BadModel, match="operator 0, SOFTMAX, options of kind ReshapeOptions"):
        model.read(data)


# ---- models that we do not take (exit 15) ---------------------------------------------------


def dynamic_range() -> bytes:
    builder = ModelBuilder()
    x, y = builder.tensor((1, 4), "float32"), builder.tensor((1, 2), "float32")
    weights = builder.tensor((2, 4), scale=0.1, values=np.ones(8))
    builder.op("FULLY_CONNECTED", [x, weights, -1], [y], {})
    return builder.finish([x], [y])


def float16_weights() -> bytes:
    builder = ModelBuilder()
    x, y = builder.tensor((1, 4), "float32"), builder.tensor((1, 2), "float32")
    half = builder.tensor((2, 4), "float16", values=np.ones(8))
    weights = builder.tensor((2, 4), "float32")
    builder.op("DEQUANTIZE", [half], [weights])
    builder.op("FULLY_CONNECTED", [x, weights, -1], [y], {})
    return builder.finish([x], [y])


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (model_builder.float_model(), "m is a float32 model; only int8 models can be compiled"),
        (dynamic_range(), "m has int8 weights and computes in float32 (dynamic-range"),
        (float16_weights(), "m is a float16 model; only int8 models"),
        (finished(RELU, schema_version=2), "m is written in TFLite schema version 2; version 3"),
        (finished(RELU, subgraphs=2), "m has 2 subgraphs, as models with control flow"),
        (finished(), "m has no operators: there is nothing to compile"),
        (finished(("RELU", [], [1]), inputs=()), "m has no inputs"),
        (finished(RELU, outputs=()), "m has no outputs"),
        (relu(dtype="string", scale=None), "m has tensor 0 ('x') of type STRING, which cannot"),
        (relu(dtype="int4", scale=None), "m has tensor 0 ('x') of type INT4, which cannot"),
        (relu(shape=(1,) * 9), "m has 9 dimensions for tensor 0 ('x'), at most 8 are taken"),
        (
            relu(shape=(2**31 - 1,) * 8),
            "m has the shape 2147483647x2147483647",
        ),
        (
            relu(shape=(0, 2**31 - 1, 2**31 - 1, 2**31 - 1)),
            "m has the shape 0x2147483647",
        ),
        (
            relu(shape=(1, LARGEST_TENSOR_BYTES + 1)),
            "m has the shape 1x268435457 for tensor 0 ('x'), 268,435,457 bytes; at most",
        ),
        (
            relu(shape=(1, 4, 1), shape_signature=(-1, 4, -1)),
            "m leaves dimension 2 of tensor 0 ('x') open; only the batch, dimension 0, may be",
        ),
        (relu(variable=True, values=b"\0" * 4), "m gives the variable tensor 0 ('x') initial"),
    ],
)
def test_a_model_beyond_us_is_refused_in_one_line(data, found):
    with pytest.raises(UnsupportedModel) as caught:
        model.read(data, name="m")
    assert caught.value.message.startswith(found)
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == Exit.UNSUPPORTED_MODEL


def test_a_float_model_is_told_how_to_become_an_int8_one():
    with pytest.raises(UnsupportedModel) as caught:
        model.read(model_builder.float_model())
    assert any("TFLITE_BUILTINS_INT8" in line for line in caught.value.try_next)


def test_floats_at_the_edges_of_an_int8_model_are_taken():
    builder = ModelBuilder()
    x, y = builder.tensor((2,), "float32"), builder.tensor((2,), "float32")
    a, b = builder.tensor((2,), scale=1.0), builder.tensor((2,), scale=1.0)
    builder.op("QUANTIZE", [x], [a])
    builder.op("RELU", [a], [b])
    builder.op("DEQUANTIZE", [b], [y])
    assert len(model.read(builder.finish([x], [y])).operators) == 3


@pytest.mark.parametrize(
    ("tensors", "operators", "found"),
    [(MOST_TENSORS + 1, 1, "has 16,385 tensors"), (2, MOST_OPERATORS + 1, "has 8,193 operators")],
)
def test_more_than_can_be_meant_is_refused(tensors, operators, found):
    with pytest.raises(UnsupportedModel, match=found):
        model.read(finished(*[RELU] * operators, tensors=tensors))


def test_the_largest_graph_is_read_in_bounded_time():
    chain = [("RELU", [i], [i + 1]) for i in range(MOST_OPERATORS)]
    data = finished(*chain, tensors=MOST_TENSORS, outputs=(MOST_OPERATORS,))
    begin = time.perf_counter()
    assert len(model.read(data).operators) == MOST_OPERATORS
    assert time.perf_counter() - begin < 3.0


def test_a_file_larger_than_is_read_is_refused_before_anything_is(monkeypatch):
    monkeypatch.setattr("edge_deploy.model.reader.LARGEST_FILE_BYTES", 1000)
    assert LARGEST_FILE_BYTES > 1000
    with pytest.raises(UnsupportedModel, match="is 3,712 bytes; at most 1,000 are read"):
        model.read(model_builder.tiny_conv())
