"""The reference runtime: what it computes, in which order it answers, how it fails."""

from __future__ import annotations

import importlib
import sys
import types
from importlib import metadata

import numpy as np
import pytest

from edge_deploy import model
from edge_deploy.errors import BadInput, EdgeDeployError, Exit
from edge_deploy.model import oracle
from tests import model_builder
from tests.model_builder import ModelBuilder
from tests.nn.cases_state import Memory
from tests.shared_models import MLPERF_TINY, mlperf


@pytest.fixture
def reference():
    """open_reference, or a skip where this machine has no runtime."""
    try:
        oracle.open_reference(model_builder.sine_like())
    except oracle.ReferenceMissing as missing:
        pytest.skip(missing.message)
    return oracle.open_reference


def drawn(data: bytes, seed: int = 0) -> list[np.ndarray]:
    graph = model.read(data)
    rng = np.random.default_rng(seed)
    return [
        rng.integers(-128, 128, size=graph.tensors[i].shape).astype(np.int8) for i in graph.inputs
    ]


def test_its_name_says_runtime_version_and_kernels(reference):
    name = reference(model_builder.sine_like()).name
    runtime, version, kernels = name.split()
    assert runtime in ("tflite-runtime", "ai-edge-litert")
    assert version == metadata.version(runtime)
    assert kernels == "BUILTIN_REF"


@pytest.mark.parametrize("name", MLPERF_TINY)
def test_runs_the_mlperf_models(reference, name):
    data = mlperf(name)
    graph = model.read(data)
    outputs = reference(data).run(drawn(data))
    assert [o.shape for o in outputs] == [graph.tensors[i].shape for i in graph.outputs]
    assert [o.dtype for o in outputs] == [np.int8]


def test_a_version_that_the_runtime_does_not_know_is_lowered(reference):
    """Converters declare TILE's version 3 for int8, which 2.14 registers up to version 2 only."""
    outputs = []
    for version in (1, 3):
        builder = ModelBuilder()
        x = builder.tensor((2, 3), scale=0.1, zero_point=4)
        times = builder.tensor((2,), "int32", values=[2, 1])
        y = builder.tensor((4, 3), scale=0.1, zero_point=4)
        builder.op("TILE", [x, times], [y], version=version)
        data = builder.finish([x], [y])
        outputs.append(reference(data).run(drawn(data))[0])
    np.testing.assert_array_equal(*outputs)
    assert outputs[0].shape == (4, 3)


def test_a_name_that_is_no_utf_8_is_told(reference):
    data = bytearray(model_builder.sine_like())
    at = data.index(b"tensor_0")
    data[at] = 0xFF
    with pytest.raises(oracle.ReferenceFailed, match="decode"):
        reference(bytes(data))


def test_a_quantized_layer_is_what_the_specification_says(reference):
    """real = scale * (quantized - zero point), to half a step: computed here in float64."""
    data = model_builder.fully_connected(seed=5, inputs=12, outputs=6, input_zero_point=-7)
    graph = model.read(data)
    x, weights, bias, y = (graph.tensors[i] for i in (0, 1, 2, 3))
    (given,) = drawn(data)

    def real(tensor, values):
        q = tensor.quantization
        return q.scale * (values.astype(np.float64) - q.zero_point)

    product = real(x, given) @ real(weights, weights.values).T + real(bias, bias.values)
    expected = product / y.quantization.scale + y.quantization.zero_point
    (got,) = reference(data).run([given])
    assert len(np.unique(got)) > 3
    np.testing.assert_allclose(got, np.clip(expected, -128, 127), atol=0.51)


def test_inputs_and_outputs_are_in_the_graphs_order(reference):
    builder = ModelBuilder()
    a, b, c, d = (builder.tensor((1, 3), scale=1.0, name=n) for n in "abcd")
    builder.op("SUB", [a, b], [c], {})
    builder.op("RELU", [a], [d])
    data = builder.finish([b, a], [d, c])
    in_b = np.array([[1, 2, 3]], np.int8)
    in_a = np.array([[10, -20, 30]], np.int8)
    out_d, out_c = reference(data).run([in_b, in_a])
    assert out_d.tolist() == [[10, 0, 30]]
    assert out_c.tolist() == [[9, -22, 27]]


def test_the_same_tensor_may_be_two_outputs(reference):
    builder = ModelBuilder()
    x, y = builder.tensor((1, 2), scale=1.0), builder.tensor((1, 2), scale=1.0)
    builder.op("RELU", [x], [y])
    outputs = reference(builder.finish([x], [y, y])).run([np.array([[-1, 2]], np.int8)])
    assert [o.tolist() for o in outputs] == [[[0, 2]], [[0, 2]]]


def test_floats_at_the_edges_stay_floats(reference):
    builder = ModelBuilder()
    x, y = builder.tensor((1, 2), "float32"), builder.tensor((1, 2), "float32")
    a, b = builder.tensor((1, 2), scale=0.5), builder.tensor((1, 2), scale=0.5)
    builder.op("QUANTIZE", [x], [a])
    builder.op("RELU", [a], [b])
    builder.op("DEQUANTIZE", [b], [y], version=2)
    (out,) = reference(builder.finish([x], [y])).run([np.array([[-1.0, 1.6]], np.float32)])
    assert out.dtype == np.float32
    assert out.tolist() == [[0.0, 1.5]]


def test_outputs_outlive_the_next_run(reference):
    data = model_builder.tiny_conv()
    opened = reference(data)
    (first,) = opened.run(drawn(data, 0))
    kept = first.copy()
    (second,) = opened.run(drawn(data, 1))
    assert (second != kept).any()
    np.testing.assert_array_equal(first, kept)


def test_reset_forgets_a_stream(reference):
    """SVDF keeps its last inputs in a variable."""
    builder = ModelBuilder()
    x = builder.tensor((1, 2), scale=0.1)
    features = builder.tensor((1, 2), scale=0.1, values=[[10, 10]])
    time = builder.tensor((1, 3), "int16", scale=0.01, values=[[100, 100, 100]])
    bias = builder.tensor((1,), "int32", scale=0.001, values=[0])
    state = builder.tensor((1, 3), "int16", scale=0.1, variable=True)
    y = builder.tensor((1, 1), scale=0.1)
    options = {"rank": 1, "fused_activation_function": "RELU"}
    builder.op("SVDF", [x, features, time, bias, state], [y], options, version=3)
    opened = reference(builder.finish([x], [y]))
    given = np.array([[20, 20]], np.int8)
    first, second = (int(opened.run([given])[0][0, 0]) for _ in range(2))
    assert 0 < first < second
    opened.reset()
    assert int(opened.run([given])[0][0, 0]) == first


def test_reset_puts_variables_back(reference):
    memory = Memory()
    x = memory.model.tensor((1, 2), scale=0.1)
    memory.initialise("past", np.array([[5, 6]], np.int8))
    memory.begin()
    y = memory.read("past", (1, 2), scale=0.1)
    memory.assign("past", x)
    opened = reference(memory.finish([x], [y]))
    given = np.array([[20, 30]], np.int8)
    assert [opened.run([given])[0].tolist() for _ in range(2)] == [[[5, 6]], [[20, 30]]]
    opened.reset()
    assert opened.run([given])[0].tolist() == [[5, 6]]


def test_nothing_is_written_to_the_terminal(reference, capfd):
    data = model_builder.kws_like(filters=8)
    reference(data).run(drawn(data))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ([], "0 inputs for a model that takes 1"),
        ([np.zeros((1, 2), np.int8)], "takes int8 (1, 1), and was given int8 (1, 2)"),
        ([np.zeros((1, 1), np.float32)], "takes int8 (1, 1), and was given float32 (1, 1)"),
    ],
)
def test_wrong_inputs_are_refused(reference, inputs, found):
    with pytest.raises(oracle.WrongInputs) as caught:
        reference(model_builder.sine_like()).run(inputs)
    assert found in caught.value.message
    assert isinstance(caught.value, BadInput)


def test_a_model_that_the_runtime_refuses_is_told_in_one_line(reference):
    builder = ModelBuilder()
    x, y = builder.tensor((1, 2), scale=1.0), builder.tensor((1, 2), scale=1.0)
    builder.op("CUSTOM", [x], [y], custom_code="NoSuchThing")
    with pytest.raises(oracle.ReferenceFailed) as caught:
        reference(builder.finish([x], [y]), name="m.tflite")
    assert "cannot load m.tflite" in caught.value.message
    assert "NoSuchThing" in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == Exit.FAILED


def test_a_broken_file_never_reaches_the_runtime(monkeypatch):
    monkeypatch.setattr(oracle, "runtimes", lambda: pytest.fail("the runtime was looked for"))
    with pytest.raises(model.BadModel):
        oracle.open_reference(model_builder.sine_like()[:200])


class Installed:
    """What importlib.metadata and the import system say is installed."""

    def __init__(self, monkeypatch, versions: dict[str, str], *, importable: bool = True) -> None:
        self.imported: list[str] = []
        self._versions = versions
        self._importable = importable
        monkeypatch.setattr(metadata, "version", self.version)
        monkeypatch.setattr(importlib, "import_module", self.import_module)

    def version(self, package: str) -> str:
        if package not in self._versions:
            raise metadata.PackageNotFoundError(package)
        return self._versions[package]

    def import_module(self, module: str) -> str:
        self.imported.append(module)
        if not self._importable:
            raise ImportError("built for another Python")
        return module


def missing() -> str:
    with pytest.raises(oracle.ReferenceMissing) as caught:
        oracle.runtimes()
    assert isinstance(caught.value, EdgeDeployError)
    assert caught.value.exit_code == Exit.FAILED
    assert caught.value.try_next[0].startswith("pip install 'edge-deploy[reference]'")
    return caught.value.message


def test_without_any_runtime_it_says_what_to_install(monkeypatch):
    Installed(monkeypatch, {})
    assert "neither tflite-runtime nor ai-edge-litert is installed" in missing()


def test_numpy_2_is_named_and_the_broken_import_not_tried(monkeypatch):
    installed = Installed(monkeypatch, {"tflite-runtime": "2.14.0"})
    monkeypatch.setattr(np, "__version__", "2.1.3")
    assert "tflite-runtime 2.14.0 needs numpy below 2, and 2.1.3 is installed" in missing()
    assert not installed.imported


def test_with_numpy_2_the_newer_runtime_serves(monkeypatch):
    Installed(monkeypatch, {"tflite-runtime": "2.14.0", "ai-edge-litert": "2.3.0"})
    monkeypatch.setattr(np, "__version__", "2.1.3")
    assert oracle.runtimes() == [("ai-edge-litert 2.3.0", "ai_edge_litert.interpreter")]


def test_with_both_the_exact_runtime_comes_first(monkeypatch):
    Installed(monkeypatch, {"tflite-runtime": "2.14.0", "ai-edge-litert": "2.3.0"})
    monkeypatch.setattr(np, "__version__", "1.26.4")
    assert [name for name, _ in oracle.runtimes()] == [
        "tflite-runtime 2.14.0",
        "ai-edge-litert 2.3.0",
    ]


def test_a_runtime_that_cannot_be_imported_is_named(monkeypatch):
    Installed(monkeypatch, {"ai-edge-litert": "2.3.0"}, importable=False)
    assert "ai-edge-litert 2.3.0 cannot be imported (built for another Python)" in missing()


def test_tensorflow_before_tflite_runtime_is_told_and_not_a_crash(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", types.ModuleType("tensorflow"))
    monkeypatch.delitem(sys.modules, "tflite_runtime.interpreter", raising=False)
    real = metadata.version

    def only_tflite(package):
        if package == "tflite-runtime":
            return "2.14.0"
        if package == "ai-edge-litert":
            raise metadata.PackageNotFoundError(package)
        return real(package)

    monkeypatch.setattr(oracle.metadata, "version", only_tflite)
    monkeypatch.setattr(oracle.np, "__version__", "1.26.4")
    with pytest.raises(oracle.ReferenceMissing, match="before TensorFlow"):
        oracle.open_reference(model_builder.sine_like())
