"""Converts one model in a process of its own: `python -m edge_deploy.training.conversion FOLDER`.

TensorFlow's converter ends some models with a segmentation fault or an abort; here it takes
nothing with it. FOLDER holds `job.json`; what comes of it is written beside it: the models,
the outputs, and `result.json`, or `error.json` with what a person can be told. Its caller is
`quantized.py`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy import model
from edge_deploy.errors import BadInput, EdgeDeployError, UnsupportedModel
from edge_deploy.model.graph import Graph
from edge_deploy.training import evaluate, layer_errors, model_files, runtime, sample_files
from edge_deploy.training.sample_files import Input, Samples

JOB, RESULT, ERROR = "job.json", "result.json", "error.json"
IN_FLOAT, IN_INT8, OUTPUTS = "float.tflite", "int8.tflite", "outputs.npz"

# The errors that keep their class on the way to the parent process.
KINDS: dict[str, type[EdgeDeployError]] = {
    kind.__name__: kind
    for kind in (EdgeDeployError, BadInput, UnsupportedModel, runtime.TrainingMissing)
}


def main(folder: Path) -> None:
    """Do the job of a folder. Any other error than an EdgeDeployError is a traceback."""
    try:
        result = _convert(json.loads((folder / JOB).read_text("utf-8")), folder)
    except EdgeDeployError as error:
        kind = next(name for name in map(_name, type(error).__mro__) if name in KINDS)
        result = {"kind": kind, "message": error.message, "try_next": error.try_next}
        (folder / ERROR).write_text(json.dumps(result), "utf-8")
        return
    (folder / RESULT).write_text(json.dumps(result), "utf-8")


def _name(kind: type) -> str:
    return kind.__name__


def _convert(job: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """job: the fields of `quantized.Request`, paths as absolute text."""
    runtime.load()
    runtime.repeatable(0)
    path = Path(job["model"])
    source = model_files.open_file(path, trusted=job["trusted"])
    if job["data"] is None:
        samples = _random(source.inputs, job["random"], job["seed"], path.name)
    else:
        samples = sample_files.read(Path(job["data"]), source.inputs)
        sample_files.distinct(samples, Path(job["data"]).name)
    fixed = tuple(Input(one.name, samples[one.name].shape[1:], one.dtype) for one in source.inputs)
    test = sample_files.read(Path(job["test"]), fixed) if job["test"] else samples
    converted = source.convert(samples, job["input_type"], job["output_type"])
    graph = _graph(converted.in_int8, path.name)
    (folder / IN_FLOAT).write_bytes(converted.in_float)
    (folder / IN_INT8).write_bytes(converted.in_int8)

    few = sample_files.evenly(test, layer_errors.SAMPLES_MOST)
    layers, unmatched = layer_errors.measure(
        converted.in_float, converted.in_int8, graph, _by_tensor(few, converted.in_float)
    )
    reference = _outputs(converted, graph, test, folder)
    return {
        "inputs": [
            {"name": one.name, "shape": list(one.shape), "dtype": one.dtype} for one in fixed
        ],
        "open": [one.name for one in source.inputs if None in one.shape],
        "ranges": {
            name: [float(values.min()), float(values.max())] for name, values in samples.items()
        },
        "samples": sample_files.count_of(samples),
        "test_samples": sample_files.count_of(test),
        "layers": [layer.as_json() for layer in layers],
        "layer_samples": sample_files.count_of(few),
        "unmatched": unmatched,
        "reference": reference,
        "tensorflow": runtime.versions(),
    }


def _graph(in_int8: bytes, name: str) -> Graph:
    """The converted model. Raises UnsupportedModel that names what stayed in floating point."""
    try:
        return model.read(in_int8, name=name)
    except UnsupportedModel as error:
        left = evaluate.float_operators(in_int8)
        if not left:
            raise
        raise UnsupportedModel(
            f"{name}: TensorFlow has no int8 form of {', '.join(left)}, and left it in float32.",
            try_next=["rebuild the model without that operator"],
        ) from error


def _random(inputs: tuple[Input, ...], count: int, seed: int, name: str) -> Samples:
    """Standard normal values, or 0 and 1 where whole numbers go in."""
    draw = np.random.default_rng(seed)
    samples: Samples = {}
    for one in inputs:
        if None in one.shape:
            raise UnsupportedModel(
                f"{name}: the input {model.safe_name(one.name)} leaves a size open, which only "
                "real samples can tell.",
                try_next=["--data inputs.npy    samples of the size that the board will see"],
            )
        shape = (count, *(size for size in one.shape if size is not None))
        whole = np.dtype(one.dtype).kind != "f"
        values = draw.integers(0, 2, shape) if whole else draw.standard_normal(shape)
        samples[one.name] = values.astype(one.dtype)
    return samples


def _by_tensor(samples: Samples, in_float: bytes) -> Iterator[dict[str, NDArray[Any]]]:
    """Sample after sample with a batch of 1, by the name of the tensor that takes it."""
    details = evaluate.reference_interpreter(in_float).get_input_details()
    tensors = {model_files.plain(detail["name"]): detail["name"] for detail in details}
    for index in range(sample_files.count_of(samples)):
        yield {tensors[name]: values[index : index + 1] for name, values in samples.items()}


def _outputs(converted: model_files.Converted, graph: Graph, test: Samples, folder: Path) -> str:
    """Write what both models make of the test samples; returns what ran the int8 one.

    For output i: `float_i` and `int8_i`, (n, *shape) float32, the second dequantized.
    """
    real = evaluate.reference_interpreter(converted.in_float)
    sources = {detail["name"]: detail["index"] for detail in real.get_input_details()}
    # TensorFlow's converter keeps the order of outputs.
    sinks = [detail["index"] for detail in real.get_output_details()]
    run, name = evaluate.runner(converted.in_int8, graph)
    rows: dict[str, list[NDArray[Any]]] = {}
    for sample in _by_tensor(test, converted.in_float):
        for tensor, values in sample.items():
            real.set_tensor(sources[tensor], values)
        real.invoke()
        small = run(
            [
                evaluate.quantized(sample[graph.tensors[i].name], graph.tensors[i])
                for i in graph.inputs
            ]
        )
        for position, index in enumerate(graph.outputs):
            rows.setdefault(f"float_{position}", []).append(real.get_tensor(sinks[position])[0])
            values = evaluate.dequantized(small[position], graph.tensors[index])
            rows.setdefault(f"int8_{position}", []).append(values[0])
    arrays: dict[str, Any] = {key: np.stack(parts) for key, parts in rows.items()}
    np.savez(folder / OUTPUTS, **arrays)
    return name


if __name__ == "__main__":
    main(Path(sys.argv[1]))
