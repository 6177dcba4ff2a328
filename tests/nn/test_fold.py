"""Constants folded before run time against the reference."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from edge_deploy import model
from tests import compiled_model
from tests.nn import checks
from tests.nn.cases_fold import FAMILIES

test_family = checks.of(FAMILIES)


@pytest.fixture(scope="module")
def network():
    """Flattened, reshaped and permuted, its batch open: the converter computes shapes."""
    keras = pytest.importorskip("tensorflow").keras
    x = source = keras.Input((8, 6, 3))
    x = keras.layers.Conv2D(4, 3, padding="same")(x)
    x = keras.layers.Reshape((-1, 4))(x)
    x = keras.layers.Permute((2, 1))(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(source, keras.layers.Dense(5)(x))


def test_a_converted_model_computes_no_shapes(network):
    data = _converted(network)
    graph = model.read(data)
    assert {"SHAPE", "PACK", "STRIDED_SLICE"} <= {operator.name for operator in graph.operators}
    _, compiled = compiled_model.compile_graph(data, "portable")
    assert [x.operator for x in compiled.layers] == ["CONV_2D", "TRANSPOSE", "FULLY_CONNECTED"]
    inputs = compiled_model.random_inputs(graph, 4)
    wanted = compiled_model.expected(data, inputs)
    got = compiled_model.run_on_host(data, inputs)
    compiled_model.assert_equal(data, got, wanted, what="host, a converted model")


def _converted(network):
    import tensorflow as tf

    def representative():
        draw = np.random.default_rng(0)
        for _ in range(4):
            yield [draw.normal(size=(1, *network.input_shape[1:])).astype(np.float32)]

    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converter's own: resources, statistics
        return converter.convert()
