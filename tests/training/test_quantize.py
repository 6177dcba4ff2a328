"""Keras models in, int8 files out: whole, repeatable, in the form that every runtime reads."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy import model
from edge_deploy.errors import BadInput, UnsupportedModel
from edge_deploy.model import oracle
from edge_deploy.model.graph import DType, Quantization, Tensor
from edge_deploy.training import evaluate, quantize


@pytest.fixture(scope="module")
def dense_model(dense_network):
    inputs = np.random.default_rng(6).uniform(-1, 1, (100, 3)).astype(np.float32)
    return quantize(dense_network, inputs), inputs


def test_everything_is_int8_and_dense_weights_have_one_scale(dense_model):
    graph = model.read(dense_model[0])
    assert [operator.name for operator in graph.operators] == ["FULLY_CONNECTED"] * 2
    for index in graph.inputs + graph.outputs:
        assert graph.tensors[index].dtype is DType.INT8
        assert graph.tensors[index].shape[0] == 1
    for operator in graph.operators:
        source, weights, bias = (graph.tensors[index] for index in operator.inputs)
        assert (source.dtype, weights.dtype, bias.dtype) == (DType.INT8, DType.INT8, DType.INT32)
        assert not weights.quantization.per_channel
        assert not bias.quantization.per_channel


def test_the_same_network_and_inputs_give_the_same_bytes(dense_network, dense_model):
    content, inputs = dense_model
    assert quantize(dense_network, inputs) == content
    assert quantize(dense_network, inputs * 2) != content


def test_int8_outputs_follow_the_float_network(dense_network, dense_model):
    content, inputs = dense_model
    graph = model.read(content)
    outputs, _ = evaluate.int8_outputs(content, graph, inputs)
    expected = evaluate.float_outputs(dense_network, inputs)
    step = graph.tensors[graph.outputs[0]].quantization.scale
    assert np.abs(outputs - expected).max() <= 4 * step
    assert np.ptp(expected) > 100 * step  # so 4 steps is near, not anything


def test_a_network_like_keyword_spotting_is_read_and_runs_on_the_reference(conv_network, draw):
    inputs = draw.uniform(0, 1, (50, 8, 8, 1)).astype(np.float32)
    content = quantize(conv_network, inputs)
    graph = model.read(content)
    names = [operator.name for operator in graph.operators]
    assert names[:3] == ["CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D"]
    assert names[-2:] == ["FULLY_CONNECTED", "SOFTMAX"]
    assert graph.tensors[graph.operators[0].inputs[1]].quantization.per_channel
    outputs, name = evaluate.int8_outputs(content, graph, inputs)
    np.testing.assert_allclose(outputs, evaluate.float_outputs(conv_network, inputs), atol=0.03)
    assert "BUILTIN_REF" in name


def test_tensorflows_own_reference_serves_where_the_oracle_is_not_installed(
    dense_model, monkeypatch
):
    content, inputs = dense_model
    graph = model.read(content)
    try:
        oracle.open_reference(content)
    except oracle.ReferenceMissing as error:
        pytest.skip(error.message)
    expected, name = evaluate.int8_outputs(content, graph, inputs)
    assert name.startswith(("tflite-runtime", "ai-edge-litert"))

    def missing(data):
        raise oracle.ReferenceMissing("not installed")

    monkeypatch.setattr(oracle, "open_reference", missing)
    outputs, name = evaluate.int8_outputs(content, graph, inputs)
    assert name.startswith("tensorflow ")
    # Newer kernels round half of a step another way: near, not equal (6 of 200 with 2.21).
    step = graph.tensors[graph.outputs[0]].quantization.scale
    assert np.abs(outputs - expected).max() < 2.5 * step


def test_values_round_half_away_from_zero_and_clamp():
    tensor = Tensor(0, "t", (1, 6), DType.INT8, Quantization((0.5,), (1,)))
    values = np.array([0.25, -0.25, 0.74, 1000.0, -1000.0, 0.0], dtype=np.float32)
    quantized = evaluate.quantized(values, tensor)
    assert quantized.tolist() == [2, 0, 2, 127, -128, 1]
    assert evaluate.dequantized(quantized, tensor).tolist() == [0.5, -0.5, 0.5, 63, -64.5, 0]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.zeros((5, 4), np.float32), r"shape \(5, 4\); the network takes \(n, 3\)"),
        (np.zeros((0, 3), np.float32), r"shape \(0, 3\).*n at least 1"),
        (np.full((2, 3), np.nan, np.float32), "6 of 6 representative values are not finite"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(dense_network, inputs, message):
    with pytest.raises(BadInput, match=message):
        quantize(dense_network, inputs)


def test_a_network_of_open_size_is_refused(tensorflow):
    keras = tensorflow.keras
    network = keras.Sequential(
        [keras.Input((None, 2)), keras.layers.Conv1D(2, 3)], name="open_ended"
    )
    with pytest.raises(UnsupportedModel, match=r"open_ended.*\(None, 2\).*must be fixed"):
        quantize(network, np.zeros((1, 4, 2), np.float32))


def test_a_layer_without_an_int8_form_is_named(tensorflow):
    keras = tensorflow.keras
    angle = keras.Input((3,))
    network = keras.Model(angle, keras.ops.erf(angle), name="with_erf")
    with pytest.raises(UnsupportedModel, match=r"'with_erf' to int8: .* has no tf\.Erf\.$"):
        quantize(network, np.zeros((1, 3), np.float32))
