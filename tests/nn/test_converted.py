"""Models as Keras and TensorFlow's converter write them where the batch is open.

Shapes are computed in the model, and those between are declared as if every open dimension were 1.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from edge_deploy import model
from tests import compiled_model

WINDOW = (8, 6, 3)


def _reshaped(layers, x):
    x = layers.Conv2D(4, 3, padding="same")(x)
    x = layers.Reshape((-1, 4))(x)
    x = layers.Permute((2, 1))(x)
    return layers.Dense(5)(layers.Flatten()(x))


def _joined_and_doubled(layers, x):
    x = layers.Concatenate()([layers.Conv2D(4, 3, padding="same")(x), layers.Conv2D(2, 1)(x)])
    x = layers.Conv2D(3, 3)(layers.UpSampling2D(2)(x))
    return layers.Dense(5)(layers.Flatten()(x))


def _dilated(layers, x):
    x = layers.Conv2D(4, 3, dilation_rate=2, padding="same")(x)
    x = layers.Cropping2D(2)(layers.ZeroPadding2D(1)(x))
    return layers.UpSampling2D(2, interpolation="bilinear")(x)


def _causal(layers, x):
    x = layers.Reshape((16, 9))(x)
    for rate in (1, 2, 4):
        x = layers.Conv1D(6, 3, dilation_rate=rate, padding="causal")(x)
    return layers.Flatten()(x)


@pytest.mark.parametrize(
    ("build", "operators"),
    [
        (_reshaped, {"SHAPE", "STRIDED_SLICE", "PACK", "RESHAPE", "TRANSPOSE"}),
        (_joined_and_doubled, {"SHAPE", "EXPAND_DIMS", "TILE", "CONCATENATION"}),
        (_dilated, {"SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "PAD", "RESIZE_BILINEAR"}),
        (_causal, {"SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "EXPAND_DIMS"}),
    ],
)
def test_a_model_of_open_batch_runs_as_in_the_reference(build, operators):
    data = _converted(build)
    graph = model.read(data)
    assert operators <= {operator.name for operator in graph.operators}
    assert any(tensor.open for tensor in graph.tensors)
    inputs = compiled_model.random_inputs(graph, 4)
    wanted = compiled_model.expected(data, inputs)
    got = compiled_model.run_on_host(data, inputs)
    compiled_model.assert_equal(data, got, wanted, what=f"host, {build.__name__}")
    got = compiled_model.run_on_m4(data, inputs).outputs
    compiled_model.assert_equal(data, got, wanted, what=f"cortex_m4, {build.__name__}")


def test_of_shapes_that_a_model_computes_nothing_is_left():
    _, compiled = compiled_model.compile_graph(_converted(_reshaped), "portable")
    assert [x.operator for x in compiled.layers] == ["CONV_2D", "TRANSPOSE", "FULLY_CONNECTED"]


@pytest.mark.parametrize(
    ("build", "left"),
    [
        (_dilated, ["CONV_2D", "PAD", "STRIDED_SLICE", "RESIZE_BILINEAR"]),
        (_causal, ["CONV_2D"] * 3),
    ],
)
def test_dilated_convolutions_are_single_layers(build, left):
    _, compiled = compiled_model.compile_graph(_converted(build), "cortex_m4")
    assert [x.operator for x in compiled.layers] == left


def _converted(build):
    """The int8 model of a network over WINDOW with random weights."""
    tensorflow = pytest.importorskip("tensorflow")
    keras = tensorflow.keras
    keras.utils.set_random_seed(1)
    x = keras.Input(WINDOW)
    network = keras.Model(x, build(keras.layers, x))

    def representative():
        draw = np.random.default_rng(0)
        for _ in range(4):
            yield [draw.normal(size=(1, *WINDOW)).astype(np.float32)]

    converter = tensorflow.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tensorflow.int8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converter's own: resources, statistics
        return converter.convert()
