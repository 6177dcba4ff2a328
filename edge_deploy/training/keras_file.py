"""A `.keras` or `.h5` file -> a keras.Model, without running code that the file brings.

A Keras file is a configuration and weights; the configuration names classes and functions to
call, and a Lambda layer carries Python code. So what it names is looked at before Keras is given
the file: only Keras's own layers pass, unless the caller trusts the file. Keras looks too
(`safe_mode`); not every version that we take looks at `.h5` files.
"""

from __future__ import annotations

import importlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge_deploy.errors import BadInput, UnsupportedModel
from edge_deploy.model.names import safe_name
from edge_deploy.training import runtime
from edge_deploy.training.recipe import Network

SUFFIXES = (".keras", ".h5", ".hdf5")

_CONFIG = "config.json"
# The configuration of a network of a thousand layers takes about one megabyte.
_CONFIG_BYTES_MOST = 1 << 26

_CODE = ("Lambda", "__lambda__")
# Models that are layers of models, under the names that their files say.
_MODELS = ("Functional", "Model", "Sequential")
# Modules of Keras whose functions do more than compute: they load, fetch and write files.
_ACTING = frozenset({"utils", "saving", "export", "callbacks", "datasets", "trainers", "wrappers"})


class UnsafeModel(UnsupportedModel):
    """A model file that brings code of its own, or needs code that it does not bring."""


def load(path: Path, *, trusted: bool) -> Network:
    """The model of a file.

    trusted: the file may run Python code of its own.
    Raises BadInput where the file is none of Keras's or not whole, UnsafeModel where it has more
    than Keras's own layers.
    """
    if not trusted:
        check(_config(path), path.name)
    tensorflow = runtime.load()
    try:
        with runtime.quiet():
            network: Network = tensorflow.keras.models.load_model(
                str(path), compile=False, safe_mode=not trusted
            )
    except Exception as error:  # Keras documents none of what it raises
        text = runtime.first_line(error)
        raise BadInput(
            f"{path.name}: {runtime.versions()} cannot load it: {safe_name(text, longest=200)}",
            try_next=_export(path),
        ) from error
    return network


def check(config: object, name: str) -> None:
    """Raise UnsafeModel where a configuration names anything but Keras's own classes.

    How the model was compiled (its loss, its optimizer) is not looked at: Keras is told not to.
    """
    layers = runtime.load().keras.layers
    if isinstance(config, dict):
        config = {key: value for key, value in config.items() if key != "compile_config"}
    for part, is_layer in _objects(config):
        kind = part["class_name"]
        if kind in _CODE:
            raise UnsafeModel(
                f"{name}: a Lambda layer carries Python code, which would run on this computer.",
                try_next=[
                    "rebuild the model with keras.ops or layers instead of Lambda",
                    "--trust-model    if the file is your own",
                ],
            )
        module = part.get("module", "keras")
        words = str(module).split(".")
        foreign = words[0] != "keras" or bool(_ACTING.intersection(words))
        if foreign or (is_layer and kind not in _MODELS and not hasattr(layers, kind)):
            raise UnsafeModel(
                f"{name}: {safe_name(str(kind))} is not of Keras's own, and its code is not in "
                "the file.",
                try_next=_export(Path(name)),
            )


def _export(path: Path) -> list[str]:
    return [
        f"model.export('{safe_name(path.stem)}')    where it was made: a SavedModel needs no code",
        f"edge-deploy quantize {safe_name(path.stem)} --data inputs.npy",
    ]


def _objects(config: object) -> Iterator[tuple[dict[str, Any], bool]]:
    """Every part of a configuration that names a class, and whether it is one of its `layers`.

    Layers of `.h5` files say no module. Keras's own operations (`keras.ops`) are layers that do,
    and stand in no list of layers' classes.
    """
    pending: list[tuple[object, bool]] = [(config, False)]
    while pending:
        part, is_layer = pending.pop()
        if isinstance(part, dict):
            if isinstance(part.get("class_name"), str):
                yield part, is_layer and "module" not in part
            pending.extend((value, key == "layers") for key, value in part.items())
        elif isinstance(part, list):
            pending.extend((value, is_layer) for value in part)


def _config(path: Path) -> object:
    """The configuration that a file holds, as JSON."""
    try:
        text = _from_zip(path) if path.suffix == ".keras" else _from_hdf5(path)
        return json.loads(text)
    # OSError: h5py of a damaged file. KeyError: another archive.
    except (OSError, KeyError, ValueError, RecursionError, zipfile.BadZipFile) as error:
        raise BadInput(
            f"{path.name} is not a whole Keras model: "
            f"{safe_name(runtime.first_line(error), longest=200)}",
            try_next=["model.save('model.keras')    a whole model, not only its weights"],
        ) from error


def _from_zip(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        if archive.getinfo(_CONFIG).file_size > _CONFIG_BYTES_MOST:
            raise ValueError(f"{_CONFIG} is larger than {_CONFIG_BYTES_MOST:,} bytes")
        return archive.read(_CONFIG)


def _from_hdf5(path: Path) -> str | bytes:
    h5py = importlib.import_module("h5py")  # comes with Keras
    with h5py.File(path, "r") as file:
        if "model_config" not in file.attrs:
            raise ValueError("it has no model_config, only weights")
        text: str | bytes = file.attrs["model_config"]
        return text
