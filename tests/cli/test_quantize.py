"""`quantize`, the whole way: a Keras file that is not ours becomes a model that verifies."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from edge_deploy import model
from edge_deploy.errors import Exit
from edge_deploy.model.graph import DType
from edge_deploy.training import TrainingMissing, runtime
from tests.cli.conftest import Command
from tests.training import user_models

LOCAL = ("--board", "nano33", "--on", "local")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        runtime.load()
    except TrainingMissing as error:
        pytest.skip(error.message)
    return user_models.build(tmp_path_factory.mktemp("user"))


@pytest.fixture
def files(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's own, which he is in."""
    folder = tmp_path / "user"
    shutil.copytree(built, folder)
    monkeypatch.chdir(folder)
    return folder


def test_a_convnet_of_kerass_documentation_verifies_bit_for_bit(
    command: Command, files: Path
) -> None:
    words = ("--data", "pictures.npy", "--labels", "classes.npy", "--report", "report.md")
    ended = command("quantize", "convnet.keras", *words)
    assert ended.code == Exit.DONE, ended.err
    made = files / "convnet_int8.tflite"
    graph = model.read(made.read_bytes())
    assert {graph.tensors[i].dtype for i in graph.inputs + graph.outputs} == {DType.INT8}
    for verb in ("inspect", "verify", "flash"):
        assert f"  edge-deploy {verb} convnet_int8.tflite --board nano33" in ended.out
    assert "CONV_2D" in ended.out
    assert "accuracy" in ended.out

    report = (files / "report.md").read_text()
    assert f"sha256 of the int8 file: `{graph.sha256}`" in report
    assert "| file                 | " in report
    assert all(f"| {operator.index} {operator.name}" in report for operator in graph.operators)

    pytest.importorskip("tflite_runtime", reason="the reference is the extra `reference`")
    verified = command("verify", made, *LOCAL, "--inputs", "20", "--json")
    assert verified.code == Exit.DONE, verified.err
    found = json.loads(verified.out)
    assert (found["compared"], found["mismatches"]) == (200, 0)
    assert found["distinct_outputs"] > 5


def test_two_inputs_as_json_with_floats_at_the_ends(command: Command, files: Path) -> None:
    ends = ("--input-type", "float32", "--output-type", "float32")
    ended = command("quantize", "two.h5", "--data", "two.npz", *ends, "-o", "made.tflite", "--json")
    assert ended.code == Exit.DONE, ended.err
    told = json.loads(ended.out)
    assert told["schema_version"] == 1
    graph = model.read((files / "made.tflite").read_bytes())
    assert told["model"] == {"path": "made.tflite", "name": "two", "sha256": graph.sha256}
    assert told["int8_bytes"] == graph.file_bytes
    assert told["samples"] == told["test_samples"] == user_models.SAMPLES
    with np.load(files / "two.npz") as arrays:
        for row in told["inputs"]:
            values = arrays[row["name"]].astype(np.float32)
            assert row["range"] == [float(values.min()), float(values.max())]
    figures = {name: row["int8"]["value"] for name, row in told["figures"].items()}
    assert all(figures[f"max_abs_difference {i}"] < 0.2 for i in (0, 1))
    # One of the outputs has three classes; their order is the converter's.
    (same,) = (value for name, value in figures.items() if name.startswith("same_largest"))
    assert same > 0.8
    assert len(told["layers"]) + told["layers_unmatched"] == len(graph.operators)
    assert told["arena_bytes"] > 0
    assert not told["notes"]

    pytest.importorskip("tflite_runtime", reason="the reference is the extra `reference`")
    verified = command("verify", "made.tflite", *LOCAL, "--inputs", "20", "--json")
    assert verified.code == Exit.DONE, verified.err
    assert json.loads(verified.out)["mismatches"] == 0


def test_random_samples_are_said_to_be_random(command: Command, files: Path) -> None:
    ended = command("quantize", "convnet.keras", "--random-data", "--seed", "3")
    assert ended.code == Exit.DONE, ended.err
    assert "100 samples of random numbers, seed 3" in ended.out
    assert "outputs are not" in ended.out


def test_an_operator_that_cannot_be_compiled_is_named_and_nothing_is_written(
    command: Command, files: Path
) -> None:
    keras = runtime.load().keras
    tokens = keras.Input((5,), dtype="int32")
    outputs = keras.ops.sort(keras.layers.Dense(4)(keras.ops.cast(tokens, "float32")))
    keras.Model(tokens, outputs).save(files / "sorts.keras")
    np.save(files / "tokens.npy", np.random.default_rng(0).integers(0, 20, (30, 5)))
    ended = command("quantize", "sorts.keras", "--data", "tokens.npy")
    assert ended.code == Exit.UNSUPPORTED_MODEL
    assert "TOPK_V2" in ended.err
    assert not list(files.glob("*.tflite.part")) + list(files.glob("sorts_int8*"))


def test_accuracy_lost_to_int8_is_told_with_what_could_help(
    command: Command, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figures are made up here: a network that loses more than a point is another test's."""
    from edge_deploy.training import quantized

    accuracies = iter((0.95, 0.92))
    monkeypatch.setattr(
        quantized, "_accuracy", lambda wanted: lambda given: {"accuracy": (next(accuracies), "1")}
    )
    words = ("--data", "pictures.npy", "--labels", "classes.npy")
    ended = command("quantize", "convnet.keras", *words)
    assert ended.code == Exit.DONE, ended.err
    assert "int8 costs 3.0 points of accuracy" in ended.out
    assert "no maintained library does it for Keras 3" in ended.out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("two.keras",), Exit.USAGE, "give samples of it"),
        (("two.keras", "--random-data", "--data", "x"), Exit.USAGE, "--random-data goes with"),
        (("two.keras", "--random-data", "--lab", "kws"), Exit.USAGE, "--random-data goes with"),
        (("two.keras", "--lab", "kws", "--labels", "y"), Exit.USAGE, "--lab brings its own"),
        (("two.keras", "--random-data", "--labels", "y"), Exit.USAGE, "random ones are nothing"),
        (("m.tflite", "--random-data", "-o", "./m.tflite"), Exit.USAGE, "is the model itself"),
        (("none.keras", "--random-data"), Exit.BAD_INPUT, "none.keras: no such file"),
        (("m.onnx", "--random-data"), Exit.BAD_INPUT, "none of the files that can be quantized"),
        ((".", "--random-data"), Exit.BAD_INPUT, "so no SavedModel"),
        (("m.tflite", "--random-data"), Exit.BAD_INPUT, "not a TFLite model: it looks like text"),
        (("two.keras", "--lab", "kws"), Exit.BAD_INPUT, "kws learns from recordings"),
        (("two.keras", "--lab", "kwz"), Exit.BAD_INPUT, "Did you mean kws?"),
    ],
)
def test_what_needs_no_tensorflow_is_refused_at_once(
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    code: Exit,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EDGE_DEPLOY_DATA", raising=False)
    monkeypatch.setattr(runtime, "installed", lambda: None)
    for name in ("two.keras", "m.onnx", "m.tflite"):
        Path(name).write_text("a file of text")
    ended = command("quantize", *words)
    assert ended.code == code
    assert message in ended.err
    assert len(ended.err.partition("Things to try:")[0].strip().splitlines()) <= 2


def test_without_tensorflow_it_says_how_to_install_it(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.keras").write_text("text")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    ended = command("quantize", tmp_path / "m.keras", "--random-data")
    assert ended.code == Exit.BUILD_FAILED
    assert "need TensorFlow, which is not installed" in ended.err
    assert "pip install 'edge-deploy[train]'" in ended.err


def test_other_verbs_send_a_keras_file_here(command: Command, tmp_path: Path) -> None:
    (tmp_path / "m.keras").write_bytes(b"PK\x03\x04")
    ended = command("inspect", tmp_path / "m.keras")
    assert ended.code == Exit.BAD_INPUT
    assert "edge-deploy quantize" in ended.err
