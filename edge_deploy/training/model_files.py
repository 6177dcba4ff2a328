"""A model file of the user's -> its float `.tflite` and its int8 one, every size fixed.

Takes a `.keras` or `.h5` file, a SavedModel folder, or a float `.tflite`. What Keras and
SavedModels hold is written as a SavedModel whose batch is 1 and whose open sizes are those of the
samples, and converted twice by TensorFlow; a float `.tflite` is calibrated and quantized as
TensorFlow's converter does after it has made one. Knows nothing of boards.

Runs TensorFlow's native code on a file that somebody made: in a process of its own
(`conversion.py`), because some models end it with a segmentation fault.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import BadInput, EdgeDeployError, UnsupportedModel
from edge_deploy.model.names import safe_name
from edge_deploy.training import evaluate, keras_file, runtime
from edge_deploy.training.quantize import INPUT_NAME, reason, saved_to_int8
from edge_deploy.training.recipe import Network
from edge_deploy.training.sample_files import Input, Samples

# Operations of a SavedModel that do more than compute. SaveV2 and RestoreV2 are in every one: they
# write and read its own variables.
_ACTING = frozenset(
    (
        *("EagerPyFunc", "PyFunc", "PyFuncStateless"),
        *("MatchingFiles", "ReadFile", "WholeFileReader", "WholeFileReaderV2"),
        *("PrintV2", "Save", "SaveSlices", "WriteFile"),
    )
)
_SIGNATURE = "serving_default"
_TYPES = ("float32", "int32", "int64", "int8", "uint8", "bool")


@dataclass(frozen=True)
class Converted:
    """The same model twice. Both name the input `name` as `serving_default_name:0`."""

    in_float: bytes
    in_int8: bytes


class Source(Protocol):
    """A model file that has been opened."""

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What goes in."""
        ...

    def convert(self, samples: Samples, input_type: str, output_type: str) -> Converted:
        """Convert, with ranges and open sizes taken from `samples`. Raises UnsupportedModel."""
        ...


def open_file(path: Path, *, trusted: bool) -> Source:
    """Open a model file. Raises BadInput, UnsupportedModel, TrainingMissing."""
    if path.is_dir():
        return _Saved(*_of_saved_model(path, trusted=trusted), path.name)
    if path.suffix in keras_file.SUFFIXES:
        return _Saved(*_of_keras(keras_file.load(path, trusted=trusted), path.name), path.name)
    return _FloatTflite(path.read_bytes(), path.name)


Write = Callable[[str, Sequence[tuple[int, ...]]], None]
"""Write a SavedModel into a folder, its inputs of the given shapes with the batch."""


@dataclass(frozen=True)
class _Saved:
    """What can be written as a SavedModel with fixed shapes."""

    inputs: tuple[Input, ...]
    write: Write
    name: str

    def convert(self, samples: Samples, input_type: str, output_type: str) -> Converted:
        shapes = [(1, *samples[one.name].shape[1:]) for one in self.inputs]
        lite = runtime.load().lite
        with tempfile.TemporaryDirectory(prefix="edge-deploy-") as folder, runtime.quiet():
            try:
                self.write(folder, shapes)
                in_float = bytes(lite.TFLiteConverter.from_saved_model(folder).convert())
                in_int8 = saved_to_int8(
                    folder,
                    lambda: _each(samples),
                    input_type=input_type,
                    output_type=output_type,
                )
            except Exception as error:  # TensorFlow documents none of what it raises
                raise _cannot(self.name, error) from error
        return Converted(in_float, in_int8)


def _of_keras(network: Network, name: str) -> tuple[tuple[Input, ...], Write]:
    if not getattr(network, "inputs", None):
        raise UnsupportedModel(
            f"{name}: the model does not say what goes in (it has never been built).",
            try_next=["call it once on a sample before model.save, or begin with keras.Input"],
        )
    _check_precision(network, name)
    names = [tensor.name for tensor in network.inputs]
    if len(names) == 1:
        names = [INPUT_NAME]
    # TensorFlow makes words of C of them, and a sample's name must be the same.
    names = [re.sub(r"\W", "_", word, flags=re.ASCII) for word in names]
    if len(set(names)) < len(names):
        names = [f"{INPUT_NAME}_{position}" for position in range(len(names))]
    inputs = tuple(
        Input(word, tuple(tensor.shape[1:]), _type(tensor.dtype, word))
        for word, tensor in zip(names, network.inputs, strict=True)
    )

    def write(folder: str, shapes: Sequence[tuple[int, ...]]) -> None:
        tensorflow = runtime.load()
        archive = tensorflow.keras.export.ExportArchive()
        archive.track(network)
        archive.add_endpoint(
            "serve",
            lambda *given: network(  # type: ignore[operator]
                list(given) if len(given) > 1 else given[0], training=False
            ),
            input_signature=[
                tensorflow.TensorSpec(shape, one.dtype, name=one.name)
                for one, shape in zip(inputs, shapes, strict=True)
            ],
        )
        archive.write_out(folder, verbose=False)

    return inputs, write


def _check_precision(network: Network, name: str) -> None:
    """Refuse layers of mixed precision: the converter has no float16 arithmetic to begin with."""
    pending: list[Any] = [network]
    while pending:
        layer = pending.pop()
        pending.extend(getattr(layer, "layers", ()))
        if layer.compute_dtype != "float32":
            raise UnsupportedModel(
                f"{name}: the layer {safe_name(layer.name)} computes in {layer.compute_dtype}; "
                "what becomes int8 computes in float32.",
                try_next=[
                    "keras.config.set_dtype_policy('float32')    then build it again, and "  # noqa: ISC004
                    "new.set_weights(old.get_weights())",
                ],
            )


def _of_saved_model(path: Path, *, trusted: bool) -> tuple[tuple[Input, ...], Write]:
    if not trusted:
        _check_operations(path)
    tensorflow = runtime.load()
    try:
        with runtime.quiet():
            loaded = tensorflow.saved_model.load(str(path))
            signatures = dict(loaded.signatures)
    except Exception as error:  # TensorFlow documents none of what it raises
        raise BadInput(
            f"{path.name}: cannot be read as a SavedModel: "
            f"{safe_name(runtime.first_line(error), longest=200)}"
        ) from error
    if _SIGNATURE not in signatures:
        raise UnsupportedModel(
            f"{path.name}: the SavedModel has no signature {_SIGNATURE} "
            f"(it has {', '.join(map(safe_name, signatures)) or 'none'}).",
            try_next=["model.export('folder')    of Keras writes one"],
        )
    serve = signatures[_SIGNATURE]
    specs = serve.structured_input_signature[1]
    inputs = []
    for word, spec in specs.items():
        if spec.shape.rank is None or spec.shape.rank < 1:
            raise UnsupportedModel(
                f"{path.name}: the input {safe_name(word)} has no shape to take samples by."
            )
        inputs.append(Input(word, tuple(spec.shape[1:]), _type(spec.dtype.name, word)))
    batches = {word: spec.shape[0] for word, spec in specs.items()}
    if any(batch not in (None, 1) for batch in batches.values()):
        raise UnsupportedModel(
            f"{path.name}: the batch is fixed to {max(b for b in batches.values() if b)}; a board "
            "takes one sample at a time.",
            try_next=["export it again with a batch of None or 1"],
        )

    def write(folder: str, shapes: Sequence[tuple[int, ...]]) -> None:
        module = tensorflow.Module()
        module.loaded = loaded  # keeps its variables
        words = [one.name for one in inputs]

        def call(*given: object) -> object:
            return serve(**dict(zip(words, given, strict=True)))

        module.serve = tensorflow.function(
            call,
            input_signature=[
                tensorflow.TensorSpec(shape, one.dtype, name=one.name)
                for one, shape in zip(inputs, shapes, strict=True)
            ],
        )
        fixed = module.serve.get_concrete_function()
        tensorflow.saved_model.save(module, folder, signatures={_SIGNATURE: fixed})

    return tuple(inputs), write


def _check_operations(path: Path) -> None:
    """Refuse a SavedModel whose graph reads or writes files, or calls Python."""
    message = runtime.part("core.protobuf.saved_model_pb2").SavedModel()
    try:
        message.ParseFromString((path / "saved_model.pb").read_bytes())
    # google.protobuf's DecodeError is none of Python's own.
    except Exception as error:
        raise BadInput(
            f"{path.name}: saved_model.pb is not a whole SavedModel: "
            f"{safe_name(runtime.first_line(error), longest=200)}"
        ) from error
    for part in message.meta_graphs:
        nodes = [*part.graph_def.node]
        for function in part.graph_def.library.function:
            nodes.extend(function.node_def)
        acting = sorted({node.op for node in nodes} & _ACTING)
        if acting:
            raise keras_file.UnsafeModel(
                f"{path.name}: the SavedModel does more than compute: {', '.join(acting)}.",
                try_next=["--trust-model    if the model is your own"],
            )


class _FloatTflite:
    """A float `.tflite`. Its tensors are addressed by index, in the order of the file."""

    def __init__(self, data: bytes, name: str) -> None:
        self._data, self._name = data, name
        try:
            details = evaluate.reference_interpreter(data).get_input_details()
        except (RuntimeError, ValueError) as error:
            raise UnsupportedModel(
                f"{name}: TensorFlow cannot run it: {safe_name(reason(error), longest=200)}"
            ) from error
        self.inputs = tuple(
            Input(
                plain(detail["name"]),
                tuple(None if size < 0 else int(size) for size in _signature(detail)[1:]),
                _type(np.dtype(detail["dtype"]).name, detail["name"]),
            )
            for detail in details
        )
        if any(None in one.shape for one in self.inputs):
            raise UnsupportedModel(
                f"{name}: only the batch of a .tflite may be open.",
                try_next=["convert it again with fixed sizes, or quantize what it was made from"],
            )

    def convert(self, samples: Samples, input_type: str, output_type: str) -> Converted:
        tensorflow = runtime.load()
        names = [one.name for one in self.inputs]
        try:
            # Not public: what TFLiteConverter.convert does once it has a float model.
            calibrator = runtime.part("lite.python.optimize.calibrator")
            quantizer = runtime.part("lite.python.convert").mlir_quantize
            with runtime.quiet():
                prepared = calibrator.add_intermediate_tensors(self._data)
                calibrated = calibrator.Calibrator(prepared).calibrate(
                    lambda: ([sample[name] for name in names] for sample in _each(samples))
                )
                in_int8 = quantizer(
                    calibrated,
                    input_data_type=getattr(tensorflow, input_type),
                    output_data_type=getattr(tensorflow, output_type),
                    disable_per_channel_for_dense_layers=True,
                )
        except (ImportError, AttributeError, TypeError) as error:
            raise EdgeDeployError(
                f"tensorflow {tensorflow.__version__} has no way to quantize a float .tflite.",
                try_next=["quantize the .keras file or SavedModel that it was made from"],
            ) from error
        except Exception as error:  # TensorFlow documents none of what it raises
            raise _cannot(self._name, error) from error
        return Converted(self._data, bytes(in_int8))


def _cannot(name: str, error: Exception) -> UnsupportedModel:
    return UnsupportedModel(
        f"TensorFlow cannot convert {name} to int8: {safe_name(reason(error), longest=300)}",
        try_next=["rebuild the model from layers that TensorFlow Lite has in int8"],
    )


def _each(samples: Samples) -> Iterator[Mapping[str, NDArray[Any]]]:
    """Sample after sample, each with a batch of 1."""
    for index in range(len(next(iter(samples.values())))):
        yield {name: values[index : index + 1] for name, values in samples.items()}


def _signature(detail: Mapping[str, Any]) -> Sequence[int]:
    """The shape that the file declares: -1 where it leaves a size open."""
    found: Sequence[int] = detail["shape_signature"]
    return found if len(found) == len(detail["shape"]) else detail["shape"]


def plain(name: str) -> str:
    """`serving_default_x:0` -> `x`: what its maker called it."""
    return name.removeprefix(f"{_SIGNATURE}_").partition(":")[0]


def _type(dtype: str, name: str) -> str:
    if dtype not in _TYPES:
        raise UnsupportedModel(
            f"the input {safe_name(name)} is of type {safe_name(str(dtype))}; inputs are one of "
            f"{', '.join(_TYPES)}."
        )
    return dtype
