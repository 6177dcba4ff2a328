"""Model files of users: opened safely, converted whole, and compared layer by layer."""

from __future__ import annotations

import json
import signal

import numpy as np
import pytest

from edge_deploy import compiler, model
from edge_deploy.errors import BadInput, EdgeDeployError, UnsupportedModel
from edge_deploy.model.graph import DType, Quantization, Tensor
from edge_deploy.training import (
    conversion,
    evaluate,
    keras_file,
    layer_errors,
    quantized,
)
from tests.training import user_models


@pytest.fixture(scope="module")
def files(tensorflow, tmp_path_factory):
    return user_models.build(tmp_path_factory.mktemp("models"))


@pytest.fixture
def convert(tmp_path):
    """What the conversion's process does, in this one: quicker, and its errors are raised."""

    def convert_(path, data=None, **more):
        job = {
            "model": str(path),
            "data": None if data is None else str(data),
            "test": None,
            "random": 20,
            "seed": 0,
            "input_type": "int8",
            "output_type": "int8",
            "trusted": False,
            **more,
        }
        result = conversion._convert(job, tmp_path)
        return (tmp_path / conversion.IN_INT8).read_bytes(), result

    return convert_


def _save(keras, path, *layers, shape=(4,)):
    keras.Sequential([keras.Input(shape), *layers]).save(path)
    return path


@pytest.mark.parametrize("name", ["two.keras", "two.h5", "two_saved", "two.tflite"])
def test_every_kind_of_file_gives_the_same_network(files, convert, name):
    content, result = convert(files / name, files / "two.npz")
    graph = model.read(content)
    assert {graph.tensors[i].dtype for i in graph.inputs + graph.outputs} == {DType.INT8}
    assert all(graph.tensors[i].shape[0] == 1 for i in graph.inputs)
    # The converter folds what it can; that of a float .tflite has been folded before.
    assert compiler.compile(graph, target="cortex_m4").macs == 16 * 2 * 9 * 4 + 5 * 4 + 8 + 8 * 3
    assert {row["name"] for row in result["inputs"]} == {"picture", "numbers"}
    assert all(layer["sqnr_db"] is None or layer["sqnr_db"] > 20 for layer in result["layers"])
    assert not result["unmatched"]


def test_the_same_file_and_samples_give_the_same_bytes(files, convert):
    first, _ = convert(files / "two.keras", files / "two.npz")
    assert convert(files / "two.h5", files / "two.npz")[0] == first


@pytest.mark.parametrize("name", ["two.keras", "two.tflite"])
def test_ends_may_be_of_other_types(files, convert, name):
    content, result = convert(
        files / name, files / "two.npz", input_type="float32", output_type="uint8"
    )
    graph = model.read(content)
    assert {graph.tensors[i].dtype for i in graph.inputs} == {DType.FLOAT32}
    assert {graph.tensors[i].dtype for i in graph.outputs} == {DType.UINT8}
    compiler.compile(graph, target="portable")
    assert len(result["layers"]) > 3


def test_outputs_are_those_of_the_users_own_network(files, convert, tmp_path):
    """The network is called by Keras itself, neither by the converter nor by its interpreter."""
    convert(files / "two.keras", files / "two.npz")
    network = keras_file.load(files / "two.keras", trusted=False)
    with np.load(files / "two.npz") as arrays:
        expected = network.predict([arrays["picture"], arrays["numbers"]], verbose=0)
    with np.load(tmp_path / conversion.OUTPUTS) as got:
        for values in expected:
            position = next(i for i in (0, 1) if got[f"float_{i}"].shape == values.shape)
            np.testing.assert_allclose(got[f"float_{position}"], values, atol=1e-5)
            np.testing.assert_allclose(got[f"int8_{position}"], values, atol=0.1)


def test_sqnr_of_the_output_is_that_of_its_values(files, convert, tmp_path):
    """Recomputed from the two models' outputs, which other interpreters made."""
    content, result = convert(files / "convnet.keras", files / "pictures.npy")
    graph = model.read(content)
    with np.load(tmp_path / conversion.OUTPUTS) as got:
        ours, theirs = got["float_0"].astype(np.float64), got["int8_0"]
    wanted = 10 * np.log10(np.sum(ours**2) / np.sum((ours - theirs) ** 2))
    rows = {row["index"]: row for row in result["layers"]}
    last = rows[len(graph.operators) - 1]
    assert last["operator"] == "SOFTMAX"
    # tflite-runtime 2.14 and TensorFlow round differently here and there.
    assert last["sqnr_db"] == pytest.approx(wanted, abs=0.5)
    figures = [row["sqnr_db"] for row in result["layers"] if row["sqnr_db"] is not None]
    assert figures == sorted(figures)


def test_the_layer_that_loses_most_is_named(tensorflow, convert, tmp_path, draw):
    """One weight of a thousand times the others' size leaves these one step of 127."""
    keras = tensorflow.keras
    spoilt = keras.layers.Dense(6, name="spoilt")
    path = tmp_path / "spoilt.keras"
    network = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(6, name="good"), spoilt, keras.layers.Dense(3)]
    )
    kernel = draw.normal(size=(6, 6))
    kernel[0, 0] = 1000.0
    good = draw.normal(size=(6, 6))
    good[:, 0] = 0  # what the large weight would multiply is nothing
    network.layers[0].set_weights([good, np.zeros(6)])
    spoilt.set_weights([kernel, np.zeros(6)])
    network.save(path)
    np.save(tmp_path / "x.npy", draw.normal(size=(50, 6)))
    _, result = convert(path, tmp_path / "x.npy")
    most = max(result["layers"], key=lambda row: row["lost_db"] or 0)
    assert "spoilt" in most["name"]
    assert most["lost_db"] > 10


def test_powers_add_up_over_samples():
    powers = layer_errors._Powers()
    powers.add(np.array([3.0, 4.0]), np.array([3.0, 4.0]))
    assert powers.decibels == np.inf
    powers.add(np.array([0.0, 0.0]), np.array([0.5, 0.0]))
    assert powers.decibels == pytest.approx(20.0)  # 25 to 0.25


def test_random_samples_leave_no_size_open(tensorflow, convert, tmp_path):
    keras = tensorflow.keras
    layers = [keras.layers.Conv1D(2, 3), keras.layers.GlobalAveragePooling1D()]
    path = _save(keras, tmp_path / "open.keras", *layers, shape=(None, 2))
    with pytest.raises(UnsupportedModel, match="leaves a size open, which only real samples"):
        convert(path)
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(9, 8, 2)))
    content, result = convert(path, tmp_path / "x.npy")
    assert result["open"] == ["input"]
    graph = model.read(content)
    assert graph.tensors[graph.inputs[0]].shape == (1, 8, 2)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_lambda_runs_only_if_it_is_trusted(tensorflow, convert, tmp_path, suffix):
    keras = tensorflow.keras
    path = tmp_path / f"model{suffix}"
    # What a Python lambda would do to this computer, it does to this file.
    _save(keras, path, keras.layers.Lambda(lambda x: x * 2), keras.layers.Dense(2))
    with pytest.raises(keras_file.UnsafeModel, match="Lambda layer carries Python code"):
        convert(path)
    content, _ = convert(path, trusted=True)
    assert model.read(content).operators


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_layer_of_the_users_own_is_named(tensorflow, convert, tmp_path, suffix):
    class Mine(tensorflow.keras.layers.Layer):
        def call(self, x):
            return x + 1

    path = _save(tensorflow.keras, tmp_path / f"model{suffix}", Mine())
    with pytest.raises(keras_file.UnsafeModel, match="Mine is not of Keras's own") as caught:
        convert(path)
    assert caught.value.try_next[0].startswith("model.export('model')")


@pytest.mark.parametrize(
    "function",
    [
        {"module": "builtins", "class_name": "function", "config": "exec"},
        {"module": "keras.utils", "class_name": "function", "config": "get_file"},
        {"module": "os", "class_name": "system", "config": {}},
        {"module": None, "class_name": "Mine", "config": {}},
        {"class_name": "__lambda__", "config": {"code": "4wE="}},
    ],
)
def test_functions_hidden_in_a_configuration_are_found(tensorflow, function):
    layer = {"module": "keras.layers", "class_name": "Dense", "config": {"activation": function}}
    config = {"module": "keras", "class_name": "Sequential", "config": {"layers": [layer]}}
    with pytest.raises(keras_file.UnsafeModel):
        keras_file.check(config, "model.keras")
    layer["config"]["activation"] = "relu"
    keras_file.check({**config, "compile_config": {"loss": function}}, "model.keras")


def test_a_saved_model_that_writes_files_is_not_loaded(tensorflow, convert, tmp_path):
    class Writes(tensorflow.Module):
        @tensorflow.function(input_signature=[tensorflow.TensorSpec((None, 4))])
        def serve(self, x):
            tensorflow.io.write_file(str(tmp_path / "written"), "x")
            return x + 1.0

    module = Writes()
    tensorflow.saved_model.save(
        module, str(tmp_path / "m"), signatures={"serving_default": module.serve}
    )
    with pytest.raises(keras_file.UnsafeModel, match="more than compute: WriteFile"):
        convert(tmp_path / "m")
    assert not (tmp_path / "written").exists()


def test_what_tensorflow_leaves_in_float_is_named(tensorflow, convert, tmp_path):
    layers = tensorflow.keras.layers
    path = _save(tensorflow.keras, tmp_path / "m.keras", layers.Conv3D(2, 2), shape=(3, 3, 3, 1))
    with pytest.raises(UnsupportedModel, match="no int8 form of CONV_3D"):
        convert(path)


def test_mixed_precision_is_named(tensorflow, convert, tmp_path):
    layer = tensorflow.keras.layers.Dense(3, dtype="mixed_float16", name="half")
    path = _save(tensorflow.keras, tmp_path / "m.keras", layer)
    with pytest.raises(UnsupportedModel, match="the layer half computes in float16"):
        convert(path)


def test_files_that_are_no_models_are_refused(files, convert, tmp_path):
    for name in ("two.keras", "two.h5"):
        whole = (files / name).read_bytes()
        for cut in (whole[: len(whole) // 2], b"", b"hello"):
            path = tmp_path / name
            path.write_bytes(cut)
            with pytest.raises(BadInput, match="not a whole Keras model"):
                convert(path)
    (tmp_path / "saved_model.pb").write_bytes(b"\x00\x01hello")
    with pytest.raises(BadInput, match="not a whole SavedModel"):
        convert(tmp_path)


def test_float_tflite_files_are_judged_before_tensorflow_sees_them(files, convert, tmp_path):
    path = tmp_path / "m.tflite"
    whole = (files / "two.tflite").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(model.BadModel, match="not a whole TFLite model"):
        quantized.quantize_file(quantized.Request(path, random=9))
    path.write_bytes(convert(files / "two.tflite", files / "two.npz")[0])
    with pytest.raises(UnsupportedModel, match="computes in integers already"):
        quantized.quantize_file(quantized.Request(path, random=9))


def test_a_crash_of_the_converter_is_one_clear_line(tmp_path):
    with pytest.raises(UnsupportedModel, match=r"m.keras: TensorFlow crashed .* \(SIGSEGV\)"):
        quantized._convert("m.keras", tmp_path, "tests.training.crashing")
    with pytest.raises(EdgeDeployError, match=r"m.keras: the conversion failed: .*No module"):
        quantized._convert("m.keras", tmp_path, "tests.training.absent")
    assert quantized._signal(-signal.SIGABRT) == "SIGABRT"
    assert quantized._signal(0xC0000005) == "0xc0000005"


def test_errors_keep_their_class_between_processes(tmp_path):
    told = {"kind": "BadInput", "message": "bad", "try_next": ["this"]}
    (tmp_path / conversion.ERROR).write_text(json.dumps(told))
    with pytest.raises(BadInput, match=r"^bad$") as caught:
        quantized._convert("m.keras", tmp_path, "tests.training.absent")
    assert caught.value.try_next == ("this",)


@pytest.mark.parametrize(
    ("labels", "figure", "value"),
    [
        (np.array([0, 2, 1]), "accuracy", 2 / 3),
        (np.array([[0], [2], [2]]), "accuracy", 1.0),
        (np.eye(3)[[0, 2, 0]], "accuracy", 2 / 3),
        (np.full((3, 3), 0.5), "rmse", np.sqrt((9 * 0.25) / 9)),
    ],
)
def test_labels_are_classes_or_values(tmp_path, labels, figure, value):
    np.save(tmp_path / "y.npy", labels)
    outputs = [np.eye(3, dtype=np.float32)[[0, 2, 2]]]
    scores = quantized._by_labels(tmp_path / "y.npy", outputs)(outputs)
    assert scores[figure][0] == pytest.approx(value)


def test_labels_of_one_output_are_judged_at_a_half(tmp_path):
    np.save(tmp_path / "y.npy", np.array([0, 1, 1, 0]))
    outputs = [np.array([[0.1], [0.5], [0.4], [0.2]], np.float32)]
    assert quantized._by_labels(tmp_path / "y.npy", outputs)(outputs)["accuracy"][0] == 0.75


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            np.array([0, 3, 1]),
            r"from 0 to 3; the model's output \(3, 3\) takes classes from 0 to 2",
        ),
        (np.array([0, 1]), "there are 3 samples"),
        (np.array(1), "there are 3 samples"),
        (np.array([0, 1, np.nan]), "not all finite"),
        (np.array(["a", "b", "c"]), "type <U1"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path, labels, message):
    np.save(tmp_path / "y.npy", labels)
    with pytest.raises(BadInput, match=message):
        quantized._by_labels(tmp_path / "y.npy", [np.eye(3, dtype=np.float32)])


def test_values_become_those_of_any_type_of_end():
    terms = Quantization((0.5,), (128,))
    tensor = Tensor(0, "t", (1, 3), DType.UINT8, terms)
    values = np.array([-100.0, 0.25, 100.0], np.float32)
    assert evaluate.quantized(values, tensor).tolist() == [0, 129, 255]
    plain = Tensor(0, "t", (1, 3), DType.FLOAT32)
    assert evaluate.quantized(values, plain).tolist() == values.tolist()
    assert evaluate.dequantized(np.array([7], np.int32), plain).tolist() == [7.0]


@pytest.mark.slow
@pytest.mark.parametrize("unroll", [True, False])
def test_recurrent_layers_compile_or_are_refused(tensorflow, tmp_path, unroll):
    """TensorFlow 2.21 crashes where it calibrates an LSTM that is not unrolled."""
    layers = tensorflow.keras.layers
    path = _save(
        tensorflow.keras, tmp_path / "m.keras", layers.LSTM(4, unroll=unroll), shape=(5, 3)
    )
    try:
        result = quantized.quantize_file(quantized.Request(path, random=9))
    except UnsupportedModel as error:
        assert not unroll
        assert "crashed while it converted" in error.message
        assert "unroll=True" in error.try_next[0]
        return
    assert compiler.compile(result.graph, target="portable").layers
