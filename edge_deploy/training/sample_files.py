"""Files of samples -> one array for each input of a model, checked.

Takes a `.npy` file (n, *shape), an `.npz` file with one such array for each input, or a folder
of `.npy` files that are a sample or several each. Knows nothing about networks; imports no
TensorFlow.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import BadInput
from edge_deploy.model.names import safe_name

# Enough to have a range, and to tell a repeated sample from a set of them.
FEWEST = 2


@dataclass(frozen=True)
class Input:
    """One input of a model. shape: without the batch; None where the model leaves a size open."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str = "float32"


Samples = dict[str, NDArray[Any]]
"""By the name of the input: (n, *shape), n the same for all."""


def read(path: Path, inputs: Sequence[Input]) -> Samples:
    """The samples that `path` holds for `inputs`.

    Raises BadInput where there are none, their shape or type is another, or a value is no number.
    """
    if path.is_dir():
        found = _folder(path, inputs)
    else:
        arrays = _arrays(path)
        if len(arrays) == 1 and len(inputs) == 1:
            found = {inputs[0].name: next(iter(arrays.values()))}
        else:
            found = {one.name: _named(arrays, one.name, path, inputs) for one in inputs}
    return checked(found, inputs, path.name)


def checked(arrays: Mapping[str, NDArray[Any]], inputs: Sequence[Input], what: str) -> Samples:
    """The same values in the inputs' types. what: how messages call where they come from.

    Raises BadInput as `read` does.
    """
    samples = {one.name: _checked(arrays[one.name], one, what) for one in inputs}
    counts = {name: len(values) for name, values in samples.items()}
    if len(set(counts.values())) > 1:
        raise BadInput(
            f"{what}: the inputs have different numbers of samples: "
            + ", ".join(f"{safe_name(name)} {count:,}" for name, count in counts.items())
            + "."
        )
    return samples


def distinct(samples: Samples, what: str) -> None:
    """Raise BadInput where there are not two samples that differ: they give no range."""
    count = count_of(samples)
    if count < FEWEST or all((values == values[:1]).all() for values in samples.values()):
        held = {0: "no sample", 1: "one sample"}.get(count, f"{count:,} samples, all the same")
        raise BadInput(
            f"{what} has {held}; int8 takes its ranges from what the model will meet.",
            try_next=["give some hundred samples that are as different as the real ones"],
        )


def count_of(samples: Samples) -> int:
    """How many samples there are."""
    return len(next(iter(samples.values())))


def evenly(samples: Samples, most: int) -> Samples:
    """At most so many of the samples, at even distances."""
    count = count_of(samples)
    if count <= most:
        return samples
    chosen = np.arange(most) * count // most
    return {name: values[chosen] for name, values in samples.items()}


def labels(path: Path) -> NDArray[Any]:
    """The one array of a file of labels. Raises BadInput."""
    arrays = _arrays(path)
    if len(arrays) != 1:
        raise BadInput(f"{path.name} holds {len(arrays)} arrays; labels are one.")
    (values,) = arrays.values()
    if not _is_real(values) or not np.isfinite(values).all():
        raise BadInput(f"{path.name}: labels are of type {values.dtype}, or not all finite.")
    return values


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a `.npy` or `.npz` file. Never unpickles: a pickle runs code."""
    if path.suffix not in {".npy", ".npz"}:
        raise BadInput(
            f"{path.name}: samples come as a .npy or .npz file, or a folder of .npy files.",
            try_next=["numpy.save('inputs.npy', samples)    an array (n, *the model's shape)"],
        )
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return {"": loaded}
            with loaded:
                return {name: loaded[name] for name in loaded.files}
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file.") from None
    # EOFError: an empty file. MemoryError: a header that promises more than there is.
    except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise BadInput(f"{path.name} cannot be read as numpy's: {safe_name(reason)}.") from error


def _named(
    arrays: Mapping[str, NDArray[Any]], name: str, path: Path, inputs: Sequence[Input]
) -> NDArray[Any]:
    if name not in arrays:
        words = ", ".join(f"{safe_name(one.name)}=..." for one in inputs)
        held = ", ".join(safe_name(key) for key in arrays if key) or "one array without a name"
        raise BadInput(
            f"{path.name} has no array for the input {safe_name(name)} (it has {held}).",
            try_next=[f"numpy.savez('inputs.npz', {words})    each (n, *shape)"],
        )
    return arrays[name]


def _folder(path: Path, inputs: Sequence[Input]) -> dict[str, NDArray[Any]]:
    if len(inputs) != 1:
        raise BadInput(
            f"the model has {len(inputs)} inputs; samples for them come as one .npz file.",
            try_next=["numpy.savez('inputs.npz', ...)    an array for each input, by its name"],
        )
    (wanted,) = inputs
    files = sorted(path.glob("*.npy"))
    if not files:
        raise BadInput(f"{path}: no .npy file in this folder.")
    parts: list[NDArray[Any]] = []
    for file in files:
        (values,) = _arrays(file).values()
        rank = len(wanted.shape)
        part = values[np.newaxis] if values.ndim == rank else values
        _check_shape(part, wanted, f"{path.name}/{file.name}")
        if parts and part.shape[1:] != parts[0].shape[1:]:
            raise BadInput(
                f"{path.name}/{file.name} has samples of shape {part.shape[1:]}; those of "
                f"{files[0].name} have {parts[0].shape[1:]}."
            )
        parts.append(part)
    return {wanted.name: np.concatenate(parts)}


def _check_shape(values: NDArray[Any], wanted: Input, what: str) -> None:
    sizes = ", ".join("any" if size is None else str(size) for size in wanted.shape)
    fits = values.ndim == len(wanted.shape) + 1 and all(
        size in (None, found) for size, found in zip(wanted.shape, values.shape[1:], strict=True)
    )
    if not fits or 0 in values.shape[1:]:
        raise BadInput(
            f"{what} has shape {values.shape}; the model's {_called(wanted)} takes (n, {sizes})."
        )


def _checked(values: NDArray[Any], wanted: Input, what: str) -> NDArray[Any]:
    if not _is_real(values):
        raise BadInput(f"{what}: the values are of type {values.dtype}, which are no real numbers.")
    _check_shape(values, wanted, what)
    if not np.isfinite(values).all():
        bad = int(np.count_nonzero(~np.isfinite(values)))
        raise BadInput(f"{what}: {bad:,} of {values.size:,} values are not finite.")
    with np.errstate(over="ignore", invalid="ignore"):
        cast = np.ascontiguousarray(values.astype(wanted.dtype))
    if np.dtype(wanted.dtype).kind != "f":
        same = bool((cast == values).all())
    else:
        same = bool(np.isfinite(cast).all())
    if not same:
        raise BadInput(
            f"{what}: not all values fit {wanted.dtype}, the type of the model's {_called(wanted)}."
        )
    return cast


def _called(one: Input) -> str:
    """`input meta`; the only input of a model has no better name than `input`."""
    return "input" if one.name == "input" else f"input {safe_name(one.name)}"


def _is_real(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "biuf"
