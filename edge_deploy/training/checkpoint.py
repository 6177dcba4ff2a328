"""A training run that was interrupted -> a file that it goes on from, and back.

One file for a run, replaced as a whole after every epoch, so that a kill at any moment leaves the
last epoch that was finished. It begins with the SHA-256 of the rest, which is a `.npz`: damage is
noticed before anything of it is read. Knows nothing about networks: what it keeps are arrays.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from edge_deploy import download, places
from edge_deploy.errors import BadInput, EdgeDeployError
from edge_deploy.training.result import Epoch

SUFFIX = ".checkpoint"

_DIGEST_BYTES = 32
_ABOUT = "about"
# The groups of arrays in a file, each numbered: `network_0`, `network_1`, ...
_NETWORK, _OPTIMIZER, _BEST = "network", "optimizer", "best"

Arrays = list[NDArray[Any]]


class CannotGoOn(BadInput):
    """What was begun cannot be gone on with: it is of another recipe or data, or damaged."""


class AlreadyTraining(EdgeDeployError):
    """Another process trains the same."""


@dataclass(frozen=True)
class Identity:
    """What decides the bytes of a run: it may go on only where all of it is the same.

    recipe: SHA-256 of the recipe, the lab's settings and the network's layers. data: of all
    samples. versions: of what computes.
    """

    recipe: str
    data: str
    versions: str


@dataclass(frozen=True)
class State:
    """A run after some epochs.

    network, optimizer: every variable, seeds of random layers among them. best: the network's
    variables after the epoch `best_epoch`; empty where only the last ones count.
    """

    history: tuple[Epoch, ...]
    network: Arrays
    optimizer: Arrays
    best: Arrays = dataclasses.field(default_factory=list)
    best_epoch: int = 0


class Kept:
    """The file of one run, while its lock is held. epochs: finished ones, in it."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        self.epochs = 0

    @property
    def begun(self) -> bool:
        """Whether there is anything to go on from."""
        return self.path.is_file()

    def load(self, identity: Identity) -> State | None:
        """What an earlier call left; None where there is nothing. Raises CannotGoOn."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._refused(f"{self.path} cannot be read: {error.strerror}") from error
        body = content[_DIGEST_BYTES:]
        if hashlib.sha256(body).digest() != content[:_DIGEST_BYTES]:
            raise self._refused(f"{self.path} is damaged")
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            about = json.loads(bytes(arrays[_ABOUT]))
            state = State(
                history=tuple(Epoch(**epoch) for epoch in about["history"]),
                network=_group(arrays, _NETWORK),
                optimizer=_group(arrays, _OPTIMIZER),
                best=_group(arrays, _BEST),
                best_epoch=about["best_epoch"],
            )
        last = state.history[-1]
        for field, what in (
            ("recipe", "its recipe"),
            ("data", "the data"),
            ("versions", "TensorFlow"),
        ):
            if about["identity"][field] != getattr(identity, field):
                raise self._refused(
                    f"{what} changed since it was interrupted after epoch {last.number} "
                    f"of {last.of}"
                )
        self.epochs = last.number
        return state

    def save(self, identity: Identity, state: State) -> None:
        """Replace the file, in one step. Raises DiskFull, EdgeDeployError."""
        about = {
            "identity": dataclasses.asdict(identity),
            "history": [dataclasses.asdict(epoch) for epoch in state.history],
            "best_epoch": state.best_epoch,
        }
        arrays: dict[str, NDArray[Any]] = {
            _ABOUT: np.frombuffer(json.dumps(about).encode(), np.uint8)
        }
        for group in (_NETWORK, _OPTIMIZER, _BEST):
            for index, values in enumerate(getattr(state, group)):
                arrays[f"{group}_{index}"] = values
        file = io.BytesIO()
        np.savez(file, **arrays)
        body = file.getvalue()
        part = self.path.with_name(self.path.name + ".part")
        with download.writing(self.path.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as out:
                out.write(hashlib.sha256(body).digest() + body)
                out.flush()
                os.fsync(out.fileno())  # a power cut leaves the old file or the new one
            part.replace(self.path)
        self.epochs = len(state.history)

    def forget(self) -> None:
        """Remove the file: the run is finished, or shall begin anew."""
        self.path.unlink(missing_ok=True)
        self.epochs = 0

    def _refused(self, why: str) -> CannotGoOn:
        return CannotGoOn(
            f"training of {self.name} cannot go on where it stopped: {why}.",
            try_next=["--restart    begin anew"],
        )


def home() -> Path:
    """Where `edge-deploy train` keeps the files of interrupted runs."""
    return places.cache() / "training"


@contextlib.contextmanager
def kept(folder: Path, name: str, key: Sequence[object]) -> Iterator[Kept]:
    """The file of a run in `folder`, for as long as nobody else may train the same.

    name: of the lab. key: what tells this run from others of that name, such as its seed.
    Raises AlreadyTraining.
    """
    digest = hashlib.sha256(repr(tuple(map(str, key))).encode()).hexdigest()[:12]
    word = re.sub(r"[^\w-]", "_", name, flags=re.ASCII)[:64]
    path = folder / f"{word}-{digest}{SUFFIX}"
    with download.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(path.name + ".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise AlreadyTraining(
            f"another edge-deploy trains {name} with the same seed and epochs.",
            try_next=["wait for it, or end it", "--seed 2    another run beside it"],
        ) from None
    try:
        yield Kept(path, name)
    finally:
        lock.release()


def _group(arrays: Any, name: str) -> Arrays:  # noqa: ANN401, numpy's NpzFile
    count = sum(key.startswith(f"{name}_") for key in arrays.files)
    return [arrays[f"{name}_{index}"] for index in range(count)]
