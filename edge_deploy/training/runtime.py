"""TensorFlow, loaded once, quietly, and made repeatable.

The only module that imports TensorFlow. Turns its absence into one clear error, and keeps
its native log lines off the terminal. Knows nothing about labs or models.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from edge_deploy.errors import BuildFailed

_ENVIRONMENT = {
    # 3: no native log line below FATAL. Read once, when TensorFlow is imported.
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # oneDNN picks its kernels by the CPU that it finds, and sums in another order on each:
    # without it the same seed gives the same model on every x86-64 machine we know of.
    "TF_ENABLE_ONEDNN_OPTS": "0",
    # Training is for the CPU; a GPU's sums would be another model.
    "CUDA_VISIBLE_DEVICES": "-1",
}


# Of one operation, and operations at a time: the same on a laptop and in CI.
_THREADS = 1


class TrainingMissing(BuildFailed):
    """TensorFlow is not installed, or does not load."""


def load() -> ModuleType:
    """The `tensorflow` module.

    Raises TrainingMissing where it is not installed or cannot be imported.
    """
    if "tensorflow" in sys.modules and sys.modules["tensorflow"] is not None:
        return sys.modules["tensorflow"]
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # tflite-runtime 2.14 and TensorFlow share the names of their native types, and the one
    # that is imported first decides them: after TensorFlow, tflite-runtime fails with
    # "vector::reserve"; before it, both work. So the reference goes first, where it is.
    with quiet(), contextlib.suppress(ImportError, AttributeError):
        importlib.import_module("tflite_runtime.interpreter")
    try:
        with quiet():
            tensorflow = importlib.import_module("tensorflow")
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == "tensorflow"
        what = "is not installed" if missing else f"does not load: {first_line(error)}"
        raise _missing(what) from error
    tensorflow.get_logger().setLevel("ERROR")
    # How a sum is shared out among threads decides its order, and so its last bits.
    # RuntimeError: somebody has used TensorFlow before us, with threads of his own.
    with contextlib.suppress(RuntimeError):
        tensorflow.config.threading.set_intra_op_parallelism_threads(_THREADS)
        tensorflow.config.threading.set_inter_op_parallelism_threads(_THREADS)
    return tensorflow


def part(name: str) -> Any:  # noqa: ANN401, a module that ships no types
    """A module of TensorFlow that `tensorflow` itself does not show. Raises ImportError."""
    load()
    return importlib.import_module(f"tensorflow.{name}")


def installed() -> None:
    """Raise TrainingMissing where TensorFlow is not installed; imports nothing."""
    try:
        found = importlib.util.find_spec("tensorflow") is not None
    except (ImportError, ValueError):
        found = False
    if not found:
        raise _missing("is not installed")


def _missing(what: str) -> TrainingMissing:
    return TrainingMissing(
        f"training and quantizing need TensorFlow, which {what}.",
        try_next=["pip install 'edge-deploy[train]'"],
    )


def repeatable(seed: int) -> None:
    """Seed Python, numpy and TensorFlow, and allow only kernels with one order of summing.

    Keras' counter of names starts anew too: `dense_3` would be another name in the model file
    than `dense`, and so other bytes.
    Source: TensorFlow API documentation, tf.config.experimental.enable_op_determinism.
    """
    tensorflow = load()
    tensorflow.keras.backend.clear_session()
    tensorflow.keras.utils.set_random_seed(seed)
    tensorflow.config.experimental.enable_op_determinism()


def versions() -> str:
    """What trains here: `tensorflow 2.21.0, keras 3.15.1`."""
    tensorflow = load()
    return f"tensorflow {tensorflow.__version__}, keras {tensorflow.keras.__version__}"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing of what TensorFlow's native code writes to standard error, and no warnings.

    Some of its lines obey no setting (`fully_quantize: 0, inference_type: ...`), so the file
    descriptor itself is turned away; what fails still comes as an exception.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            kept = os.dup(2)
        except OSError:  # no standard error at all (a service, pythonw): nothing to silence
            yield
            return
        sys.stderr.flush()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)


def first_line(error: BaseException) -> str:
    """What an error says, often a page long, in one line."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")
