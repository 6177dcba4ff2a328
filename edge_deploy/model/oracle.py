"""The reference: the same `.tflite` run by TensorFlow Lite's own reference kernels.

The oracle that every output is compared with is `tflite-runtime` 2.14 with BUILTIN_REF, with the
versions that a file declares of its operators lowered where it knows only older ones. Where only
the newer `ai-edge-litert` is installed, or only it has an operator's int8 kernel, it serves, and
its name says so: its kernels round differently here and there. Knows nothing of boards or of our
compiler.

A Reference is anything with `name`, `run` and `reset`, so that one in a child process (for
files that may crash the runtime) can stand beside the one in this process.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import BadInput, EdgeDeployError
from edge_deploy.model import versions
from edge_deploy.model.graph import Graph, Tensor
from edge_deploy.model.names import safe_name
from edge_deploy.model.reader import read

_RESOLVER = "BUILTIN_REF"
_TFLITE = ("tflite-runtime", "tflite_runtime.interpreter")
_LITERT = ("ai-edge-litert", "ai_edge_litert.interpreter")
# tflite-runtime 2.14 is compiled against numpy 1: with numpy 2 its import fails, after pages
# of warnings on stderr.
_NUMPY_1_ONLY = "2.14"
_INSTALL = "pip install 'edge-deploy[reference]'"


class ReferenceMissing(EdgeDeployError):
    """No TensorFlow Lite runtime that could serve as the reference is installed."""


class ReferenceFailed(EdgeDeployError):
    """The reference runtime refused the model, or failed while it ran."""


class WrongInputs(BadInput):
    """The inputs for a run are not those that the model declares."""


class Reference(Protocol):
    """A model that can be run exactly as TensorFlow Lite runs it."""

    @property
    def name(self) -> str:
        """What runs it, with version and kernels: "tflite-runtime 2.14.0 BUILTIN_REF"."""
        ...

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run once.

        inputs: one array for each of Graph.inputs, in that order, of its shape and type
        (quantized values, not real ones). Returns one for each of Graph.outputs.
        Raises WrongInputs, ReferenceFailed.
        """
        ...

    def reset(self) -> None:
        """Put variables (streaming state) to their initial values."""
        ...


def open_reference(data: bytes, *, name: str = "model") -> Reference:
    """Load a model into the best reference runtime that is installed.

    data: the whole `.tflite`; it is read (and so checked) by `model.read` before the runtime,
    which trusts more, sees it. Raises what `model.read` raises, ReferenceMissing where no
    runtime is installed, ReferenceFailed where every runtime refuses the model.
    """
    graph = read(data, name=name)
    refused: ReferenceFailed | None = None
    for runtime, module in runtimes():
        for form in dict.fromkeys((data, versions.lowered(data))):
            try:
                return _InProcess(form, graph, runtime, module)
            except ReferenceFailed as error:
                refused = refused or error
    assert refused is not None
    raise refused


class _InProcess:
    """The reference in this process, through the runtime's Interpreter."""

    def __init__(self, data: bytes, graph: Graph, runtime: str, module: Any) -> None:  # noqa: ANN401
        self.name = f"{runtime} {_RESOLVER}"
        self._graph = graph
        self._data = bytes(data)
        self._module = module
        self._interpreter = self._load()
        with self._failing("load"):
            # Decodes the names of tensors, which may be no UTF-8.
            inputs = self._interpreter.get_input_details()
            outputs = self._interpreter.get_output_details()
        # The interpreter addresses tensors by the file's index, as the Graph does, so the
        # order in which it lists them does not matter; what it lists must be the same.
        for kind, ours, theirs in (
            ("inputs", graph.inputs, inputs),
            ("outputs", graph.outputs, outputs),
        ):
            if {detail["index"] for detail in theirs} != set(ours):
                raise ReferenceFailed(
                    f"{self.name} finds other {kind} in {safe_name(graph.name)} than we do"
                )

    def _load(self) -> Any:  # noqa: ANN401
        with self._failing("load"):
            # With BUILTIN_REF no delegate is created, and so neither runtime writes its
            # "INFO: ..." lines to the process's stderr.
            interpreter = self._module.Interpreter(
                model_content=self._data,
                experimental_op_resolver_type=self._module.OpResolverType.BUILTIN_REF,
                num_threads=1,
            )
            interpreter.allocate_tensors()
        return interpreter

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        declared = [self._graph.tensors[index] for index in self._graph.inputs]
        if len(inputs) != len(declared):
            raise WrongInputs(f"{len(inputs)} inputs for a model that takes {len(declared)}")
        for tensor, values in zip(declared, inputs, strict=True):
            _check_input(tensor, values)
        with self._failing("run"):
            for tensor, values in zip(declared, inputs, strict=True):
                self._interpreter.set_tensor(tensor.index, values)
            self._interpreter.invoke()
            # get_tensor copies: the arrays outlive the next run.
            return [self._interpreter.get_tensor(index) for index in self._graph.outputs]

    def reset(self) -> None:
        if self._graph.variables:
            # The runtime has no way to put these back, nor to call CALL_ONCE twice.
            self._interpreter = self._load()
            return
        with self._failing("reset"):
            self._interpreter.reset_all_variables()

    @contextlib.contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        """The runtime reports with RuntimeError or ValueError, its message several lines."""
        try:
            yield
        except (RuntimeError, ValueError) as error:
            text = " ".join(str(error).split())
            raise ReferenceFailed(
                f"{self.name} cannot {what} {safe_name(self._graph.name)}:"
                f" {safe_name(text, longest=300)}"
            ) from error


def _check_input(tensor: Tensor, values: NDArray[Any]) -> None:
    expected = np.dtype(tensor.dtype.value)
    if values.dtype != expected or values.shape != tensor.shape:
        raise WrongInputs(
            f"input '{safe_name(tensor.name)}' takes {expected} {tensor.shape}, and was given"
            f" {values.dtype} {values.shape}"
        )


def runtimes() -> list[tuple[str, Any]]:
    """The runtimes that can be used here, the exact one first: name with version, and module.

    Raises ReferenceMissing where there is none.
    """
    reasons: list[str] = []
    found: list[tuple[str, Any]] = []
    for package, module in (_TFLITE, _LITERT):
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
        if package == _TFLITE[0] and _needs_numpy_1(version):
            reasons.append(
                f"{package} {version} needs numpy below 2, and {np.__version__} is installed"
            )
            continue
        if package == _TFLITE[0] and "tensorflow" in sys.modules and module not in sys.modules:
            # The two share the names of their native types; in this order the process crashes.
            reasons.append(f"{package} must be imported before TensorFlow, which already is")
            continue
        try:
            found.append((f"{package} {version}", importlib.import_module(module)))
        except (ImportError, AttributeError) as error:
            # Either is what an extension built for another Python or numpy raises.
            reasons.append(f"{package} {version} cannot be imported ({safe_name(str(error))})")
    if found:
        return found
    why = (
        "; ".join(reasons) if reasons else "neither tflite-runtime nor ai-edge-litert is installed"
    )
    raise ReferenceMissing(
        f"No TensorFlow Lite runtime to compare with: {why}.",
        try_next=(f"{_INSTALL}   CPython 3.11 or older on Linux has the exact reference",),
    )


def _needs_numpy_1(version: str) -> bool:
    numpy_major = int(np.__version__.split(".", maxsplit=1)[0])
    return numpy_major >= 2 and _release(version) <= _release(_NUMPY_1_ONLY)


def _release(version: str) -> tuple[int, ...]:
    """Major and minor: "2.14.0" -> (2, 14)."""
    return tuple(int(part) for part in version.split(".")[:2])
