"""Models that remember as TensorFlow's converter writes them, against the reference."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from edge_deploy import model
from tests import compiled_model

RUNS = 40

# In a process of its own: tflite-runtime and TensorFlow do not go together in one.
STREAMING = '''
import sys
import numpy as np
import tensorflow as tf

class Streaming(tf.Module):
    """A convolution over the last three inputs, two of them kept in a variable."""

    def __init__(self):
        draw = np.random.default_rng(1)
        self.past = tf.Variable(np.full((1, 2, 1, 4), 0.5, np.float32))
        self.filters = tf.constant(draw.normal(size=(3, 1, 4, 6)).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([1, 1, 1, 4], tf.float32)])
    def __call__(self, x):
        window = tf.concat([self.past, x], 1)
        self.past.assign(window[:, 1:])
        return tf.nn.relu(tf.nn.conv2d(window, self.filters, 1, "VALID"))

folder, kept_as = sys.argv[1:]
module = Streaming()
tf.saved_model.save(module, folder, signatures=module.__call__.get_concrete_function())
converter = tf.lite.TFLiteConverter.from_saved_model(folder)
converter.optimizations = [tf.lite.Optimize.DEFAULT]
converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
converter.inference_input_type = converter.inference_output_type = tf.int8
converter._experimental_variable_quantization = kept_as == "int8"
draw = np.random.default_rng(2)
converter.representative_dataset = lambda: (
    [draw.normal(size=(1, 1, 1, 4)).astype(np.float32)] for _ in range(50)
)
with open(folder + "/model.tflite", "wb") as file:
    file.write(converter.convert())
'''


def check(data: bytes) -> None:
    """A sequence of inputs on the host and on an emulated core, both kernel sets."""
    inputs = compiled_model.random_inputs(model.read(data), RUNS)
    wanted = compiled_model.expected(data, inputs)
    assert len({outputs[0].tobytes() for outputs in wanted}) > RUNS // 2
    got = compiled_model.run_on_host(data, inputs)
    compiled_model.assert_equal(data, got, wanted, what="host")
    for target in ("portable", "cortex_m4"):
        run = compiled_model.run_on_m4(data, inputs, target, compiled_model.m4_toolchain())
        compiled_model.assert_equal(data, run.outputs, wanted, what=target)


def test_lstm_of_keras() -> None:
    check((Path(__file__).parent / "models" / "keras_lstm.tflite").read_bytes())


@pytest.mark.parametrize("kept_as", ["int8", "float32"])
def test_a_streaming_module(tmp_path: Path, kept_as: str) -> None:
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed")
    words = [sys.executable, "-c", STREAMING, str(tmp_path), kept_as]
    made = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert made.returncode == 0, made.stderr
    data = (tmp_path / "model.tflite").read_bytes()
    graph = model.read(data)
    assert {variable.dtype.value for variable in graph.variables.values()} == {kept_as}
    assert "CALL_ONCE" in [operator.name for operator in graph.operators]
    check(data)
