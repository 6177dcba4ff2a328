"""A model file and samples -> an int8 `.tflite` and what quantization cost.

Checks what can be told at once, has `conversion.py` do the work in a process of its own, and makes
figures of what comes back. Nothing is written but into a folder that is gone at the end.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy import model, process
from edge_deploy.errors import BadInput, EdgeDeployError, UnsupportedModel
from edge_deploy.labs import Lab
from edge_deploy.model.graph import Graph
from edge_deploy.quantity import Quantity
from edge_deploy.training import conversion, keras_file, runtime
from edge_deploy.training import recipe as recipes
from edge_deploy.training.layer_errors import LayerError
from edge_deploy.training.result import Comparison
from edge_deploy.training.sample_files import labels as read_labels
from edge_deploy.training.train import data_of

# Of an output with one element: from here on the sample is of class 1, as Keras's own
# BinaryAccuracy has it.
_HALF = 0.5
# A model that takes longer is none for a microcontroller.
_TIMEOUT_S = 3600.0
# Windows ends a process that crashed with an NTSTATUS of severity "error", such as 0xc0000005.
_WINDOWS_CRASH = 0x80000000
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Request:
    """What to quantize, and by what.

    model: a `.keras`, `.h5` or `.tflite` file, or a SavedModel folder. data: what sets the ranges;
    or lab (with `recordings`, where its recipe needs them); or `random` drawn samples. test: what
    the figures are of, `data` where absent. labels: one for each sample of `test`. trusted: the
    model may run code of its own.
    """

    model: Path
    data: Path | None = None
    lab: Lab | None = None
    recordings: Path | None = None
    random: int = 0
    seed: int = 0
    test: Path | None = None
    labels: Path | None = None
    input_type: str = "int8"
    output_type: str = "int8"
    trusted: bool = False


@dataclass(frozen=True)
class Quantized:
    """An int8 model beside the float one that it was made of.

    content, graph: the `.tflite`. float_bytes: of the same model as a float `.tflite`.
    figures: of `test_samples` samples. layers: worst first, of `layer_samples` samples;
    unmatched: operators that no float one answers to. ranges: of the values of each input.
    fixed: inputs whose open sizes were taken from the samples. source: where samples came from.
    same_samples: the figures are of the samples that set the ranges.
    """

    content: bytes
    graph: Graph
    float_bytes: int
    figures: tuple[Comparison, ...]
    layers: tuple[LayerError, ...]
    layer_samples: int
    unmatched: int
    shapes: Mapping[str, tuple[int, ...]]
    ranges: Mapping[str, tuple[float, float]]
    fixed: tuple[str, ...]
    samples: int
    test_samples: int
    same_samples: bool
    source: str
    reference: str
    versions: str

    @property
    def sha256(self) -> str:
        """Of the `.tflite`."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def lost_points(self) -> float | None:
        """Points of accuracy that int8 costs; None where no accuracy is known."""
        for row in self.figures:
            if row.name == "accuracy":
                return 100 * (row.in_float.value - row.in_int8.value)
        return None


Score = Callable[[Sequence[NDArray[np.float32]]], Mapping[str, tuple[float, str]]]
"""Outputs of a model, each (n, *shape) -> figures with their units."""


def quantize_file(request: Request) -> Quantized:
    """Quantize a model file.

    Raises BadInput, UnsupportedModel, TrainingMissing; EdgeDeployError where TensorFlow fails in a
    way of its own.
    """
    _check(request)
    runtime.installed()
    with tempfile.TemporaryDirectory(prefix="edge-deploy-") as name:
        folder = Path(name)
        data, test, score = request.data, request.test, None
        if request.lab is not None:
            data, test, score = _of_lab(request, request.lab, folder)
        job = {
            "model": str(request.model.resolve()),
            "data": None if data is None else str(data.resolve()),
            "test": None if test is None else str(test.resolve()),
            "random": request.random,
            "seed": request.seed,
            "input_type": request.input_type,
            "output_type": request.output_type,
            "trusted": request.trusted,
        }
        (folder / conversion.JOB).write_text(json.dumps(job), "utf-8")
        _convert(request.model.name, folder)
        return _result(request, folder, score, same=test is None)


def _check(request: Request) -> None:
    """Refuse at once what needs no TensorFlow to be refused."""
    path = request.model
    if not path.exists():
        raise BadInput(f"{path}: no such file.")
    if path.is_dir():
        if not (path / "saved_model.pb").is_file():
            raise BadInput(
                f"{path} is a folder without a saved_model.pb, so no SavedModel.",
                try_next=[f"model.export('{path.name}')    in the program that made the model"],
            )
    elif path.suffix == ".tflite":
        _check_tflite(path)
    elif path.suffix not in keras_file.SUFFIXES:
        raise BadInput(
            f"{path} is none of the files that can be quantized: .keras, .h5, a SavedModel folder, "
            "a float .tflite.",
        )


def _check_tflite(path: Path) -> None:
    """Raise BadModel where it is no whole model, UnsupportedModel where it is quantized already."""
    try:
        model.read(path.read_bytes(), name=path.name)
    except UnsupportedModel:
        return  # a float model is one that cannot be compiled: what we are here for
    raise UnsupportedModel(
        f"{path.name} computes in integers already; there is nothing to quantize.",
        try_next=[f"edge-deploy inspect {path}"],
    )


def _of_lab(request: Request, lab: Lab, folder: Path) -> tuple[Path, Path, Score]:
    """The lab's samples as files, and what its recipe says of outputs."""
    recipe = recipes.load(lab.folder)
    data = data_of(recipe, recipe.seed, request.recordings, lab.name)
    representative = data.train.inputs if data.representative is None else data.representative
    paths = []
    for name, values in (("ranges", representative), ("test", data.test.inputs)):
        paths.append(folder / f"{name} of {lab.name}.npy")
        np.save(paths[-1], values)

    def score(outputs: Sequence[NDArray[np.float32]]) -> Mapping[str, tuple[float, str]]:
        if len(outputs) != 1:
            raise UnsupportedModel(
                f"the model has {len(outputs)} outputs; the recipe of {lab.name} scores one."
            )
        with recipes.blamed(recipe.path):
            return recipe.score(data.test.targets, outputs[0])

    return paths[0], paths[1], score


def _convert(name: str, folder: Path, module: str = conversion.__name__) -> None:
    """Run `conversion.py` on a folder; raises what it could not do. name: of the model."""
    search = os.pathsep.join(filter(None, (str(_PACKAGE_ROOT), os.environ.get("PYTHONPATH"))))
    ended = process.run(
        [sys.executable, "-m", module, folder],
        # A file `random.py` of the user's would be imported from the folder that he is in.
        cwd=folder,
        env={"PYTHONPATH": search},
        timeout_s=_TIMEOUT_S,
    )
    if (folder / conversion.ERROR).is_file():
        told = json.loads((folder / conversion.ERROR).read_text("utf-8"))
        raise conversion.KINDS[told["kind"]](told["message"], try_next=told["try_next"])
    if not 0 <= ended.returncode < _WINDOWS_CRASH:
        raise UnsupportedModel(
            f"{name}: TensorFlow crashed while it converted the model "
            f"({_signal(ended.returncode)}).",
            try_next=[
                "recurrent layers (LSTM, GRU, SimpleRNN): build the model with unroll=True",
                "pip install -U tensorflow    or another version of it",
            ],
        )
    if ended.returncode or not (folder / conversion.RESULT).is_file():
        lines = ended.stderr.decode("utf-8", "replace").strip().splitlines()
        last = model.safe_name(lines[-1] if lines else "no message", longest=300)
        raise EdgeDeployError(f"{name}: the conversion failed: {last}")


def _signal(returncode: int) -> str:
    """`SIGSEGV`, or the number of what Windows calls it."""
    try:
        return signal.Signals(-returncode).name
    except ValueError:
        return f"{returncode:#x}"


def _result(request: Request, folder: Path, score: Score | None, *, same: bool) -> Quantized:
    told = json.loads((folder / conversion.RESULT).read_text("utf-8"))
    content = (folder / conversion.IN_INT8).read_bytes()
    with np.load(folder / conversion.OUTPUTS) as arrays:
        count = len(arrays.files) // 2
        in_float = [arrays[f"float_{i}"] for i in range(count)]
        in_int8 = [arrays[f"int8_{i}"] for i in range(count)]
    if request.labels is not None:
        score = _by_labels(request.labels, in_float)
    origins = (f"measured:{told['tensorflow']} float32", f"measured:{told['reference']}")
    figures = [*_scored(score, in_float, in_int8, origins)]
    figures += _agreement(in_float, in_int8, origins[1])
    return Quantized(
        content=content,
        graph=model.read(content, name=request.model.stem),
        float_bytes=(folder / conversion.IN_FLOAT).stat().st_size,
        figures=tuple(figures),
        layers=tuple(LayerError(**{**row, "shape": tuple(row["shape"])}) for row in told["layers"]),
        layer_samples=told["layer_samples"],
        unmatched=told["unmatched"],
        shapes={row["name"]: tuple(row["shape"]) for row in told["inputs"]},
        ranges={name: (low, high) for name, (low, high) in told["ranges"].items()},
        fixed=tuple(told["open"]),
        samples=told["samples"],
        test_samples=told["test_samples"],
        same_samples=same,
        source=_source(request),
        reference=told["reference"],
        versions=told["tensorflow"],
    )


def _source(request: Request) -> str:
    if request.lab is not None:
        return f"the recipe of {request.lab.name}"
    if request.data is not None:
        return request.data.name
    return f"random numbers, seed {request.seed}"


def _scored(
    score: Score | None,
    in_float: Sequence[NDArray[np.float32]],
    in_int8: Sequence[NDArray[np.float32]],
    origins: tuple[str, str],
) -> list[Comparison]:
    if score is None:
        return []
    ours, theirs = score(in_float), score(in_int8)
    return [
        Comparison(
            name,
            Quantity(float(value), unit, origins[0]),
            Quantity(float(theirs[name][0]), unit, origins[1]),
        )
        for name, (value, unit) in ours.items()
    ]


def _agreement(
    in_float: Sequence[NDArray[np.float32]], in_int8: Sequence[NDArray[np.float32]], origin: str
) -> list[Comparison]:
    """How near the int8 outputs are; of the float ones it is what they would be to themselves."""
    rows = []
    for position, (ours, theirs) in enumerate(zip(in_float, in_int8, strict=True)):
        of = "" if len(in_float) == 1 else f" {position}"
        difference = float(np.abs(ours.astype(np.float64) - theirs).max(initial=0))
        rows.append((f"max_abs_difference{of}", 0.0, difference))
        if ours.ndim == 2 and ours.shape[1] > 1:
            same = np.argmax(ours, axis=1) == np.argmax(theirs, axis=1)
            rows.append((f"same_largest_output{of}", 1.0, float(np.mean(same))))
    return [
        Comparison(
            name,
            Quantity(ours, "1", "computed:by definition"),
            Quantity(theirs, "1", origin),
        )
        for name, ours, theirs in rows
    ]


def _by_labels(path: Path, outputs: Sequence[NDArray[np.float32]]) -> Score:
    """What labels say of outputs: how many are right, or how far off they are.

    Whole numbers (n,) or (n, 1), or one 1 a row, are classes; otherwise what should have come out.
    """
    wanted = read_labels(path)
    if len(outputs) != 1:
        raise BadInput(f"{path.name}: labels are for one output, the model has {len(outputs)}.")
    output = outputs[0]
    count = len(output)
    flat = output.reshape(count, -1)
    if wanted.ndim == 0 or len(wanted) != count:
        raise BadInput(f"{path.name} has shape {wanted.shape}; there are {count:,} samples.")
    labels = wanted.reshape(count, -1)
    classes = flat.shape[1]
    if labels.shape[1] == 1 and np.array_equal(labels, np.floor(labels)):
        if classes > 1 and labels.min() >= 0 and labels.max() < classes:
            return _accuracy(labels[:, 0].astype(np.int64))
        if classes == 1 and set(np.unique(labels)) <= {0, 1}:
            return _accuracy(labels[:, 0].astype(np.int64))
    if labels.shape != flat.shape:
        raise BadInput(
            f"{path.name} has shape {wanted.shape}, from {wanted.min():g} to {wanted.max():g}; the "
            f"model's output {output.shape} takes classes from 0 to {max(1, classes - 1)}, or "
            "values of its own shape."
        )
    if classes > 1 and set(np.unique(labels)) <= {0, 1} and (labels.sum(axis=1) == 1).all():
        return _accuracy(np.argmax(labels, axis=1))

    def rmse(given: Sequence[NDArray[np.float32]]) -> Mapping[str, tuple[float, str]]:
        error = given[0].reshape(count, -1).astype(np.float64) - labels
        return {"rmse": (float(np.sqrt(np.mean(error**2))), "1")}

    return rmse


def _accuracy(wanted: NDArray[np.int64]) -> Score:
    def score(given: Sequence[NDArray[np.float32]]) -> Mapping[str, tuple[float, str]]:
        flat = given[0].reshape(len(wanted), -1)
        chosen = np.argmax(flat, axis=1) if flat.shape[1] > 1 else flat[:, 0] >= _HALF
        return {"accuracy": (float(np.mean(chosen == wanted)), "1")}

    return score
