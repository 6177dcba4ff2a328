"""A network and its data -> a trained network, epoch by epoch, from wherever a run stopped.

An epoch depends on the seed, its number and the state before it, and on nothing that only this
process knows: so a run that was interrupted ends in the same bytes as one that was not. Knows
nothing about labs, int8 or files.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeDeployError
from edge_deploy.training import recipe as recipes
from edge_deploy.training import runtime
from edge_deploy.training.checkpoint import Arrays, Identity, Kept, State
from edge_deploy.training.recipe import Data, Network, Plan, Samples
from edge_deploy.training.result import Batch, Epoch


class TrainingDiverged(EdgeDeployError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class Watch:
    """Who is told what happens while it happens.

    epoch: after each. batch: after each, or after as many as the network takes in one call; None
    spares the cost of asking. say: a line about what is done now.
    """

    epoch: Callable[[Epoch], None] = lambda _epoch: None
    batch: Callable[[Batch], None] | None = None
    say: Callable[[str], None] = lambda _text: None


@dataclass(frozen=True)
class Fitted:
    """How training went. best_epoch: the one whose weights the network has now."""

    history: tuple[Epoch, ...]
    best_epoch: int


def fit(
    network: Network,
    data: Data,
    plan: Plan,
    path: Path,
    watch: Watch,
    *,
    patience: int = 0,
    kept: Kept | None = None,
    settings: str = "",
) -> Fitted:
    """Train `network` in place: on the same samples in every epoch, or on fresh ones.

    path: of the recipe. patience: stop after so many epochs without a lower validation loss, and
    take the weights of the best; 0 trains all epochs and takes the last. kept: where the state
    after each epoch is written, and read first. settings: what else decides the run.
    Raises TrainingDiverged, CannotGoOn, DiskFull.
    """
    first = _First(data, path)
    state, identity = State((), [], []), None
    if kept is not None:
        identity = _identity(network, data, first, settings)
        found = kept.load(identity)
        if found is not None:
            _restore(network, found)
            state = found
            last = found.history[-1]
            watch.say(f"Going on after epoch {last.number} of {last.of}.")
    while len(state.history) < plan.epochs and not _stopped(state, patience):
        index = len(state.history)
        # For recipes that draw from the global generators of Python and numpy.
        random.seed(f"{plan.seed} {index}")
        np.random.seed((plan.seed + 1_000_003 * index) % 2**32)  # noqa: NPY002
        samples = first.samples(index)
        epoch = _epoch(network, samples, data, plan, index, watch)
        if not math.isfinite(epoch.loss):
            if kept is not None:
                kept.forget()
            raise TrainingDiverged(
                f"the loss is {epoch.loss} after epoch {epoch.number} of {epoch.of}.",
                try_next=["lower the learning rate in recipe.py"],
            )
        state = _after(network, state, epoch, patience)
        if kept is not None and identity is not None:
            kept.save(identity, state)
        watch.epoch(epoch)
    if patience and state.best:
        for variable, value in zip(network.variables, state.best, strict=True):
            variable.assign(value)
    return Fitted(state.history, state.best_epoch or len(state.history))


class _First:
    """The samples of every epoch; fresh ones of the first are made once, whoever asks first."""

    def __init__(self, data: Data, path: Path) -> None:
        self._data = data
        self._path = path
        self._fresh: Samples | None = None

    def fresh(self) -> Samples | None:
        """Those of epoch 0, None where a recipe has no fresh ones."""
        if self._data.fresh is not None and self._fresh is None:
            with recipes.blamed(self._path):
                self._fresh = self._data.fresh(0)
        return self._fresh

    def samples(self, index: int) -> Samples:
        """Those of an epoch."""
        if self._data.fresh is None:
            return self._data.train
        first, self._fresh = self._fresh, None
        if index == 0 and first is not None:
            return first
        with recipes.blamed(self._path):
            return self._data.fresh(index)


def _epoch(
    network: Network, samples: Samples, data: Data, plan: Plan, index: int, watch: Watch
) -> Epoch:
    """One pass over `samples`."""
    callbacks = runtime.load().keras.callbacks
    told: dict[str, float] = {}

    def ended(_index: int, logs: dict[str, float]) -> None:
        told.update({name: float(value) for name, value in logs.items()})

    listeners = [callbacks.LambdaCallback(on_epoch_end=ended)]
    if watch.batch is not None:
        tell = watch.batch

        def stepped(step: int, logs: dict[str, float]) -> None:
            loss = float(logs["loss"])
            tell(Batch(index + 1, plan.epochs, step + 1, plan.steps_per_epoch, loss))

        listeners.append(callbacks.LambdaCallback(on_train_batch_end=stepped))
    network.fit(
        samples.inputs,
        samples.targets,
        validation_data=(data.validation.inputs, data.validation.targets),
        initial_epoch=index,
        epochs=index + 1,
        batch_size=plan.batch,
        verbose=0,
        callbacks=listeners,
    )
    return Epoch(index + 1, plan.epochs, told["loss"], told["val_loss"], told.get("val_accuracy"))


def _after(network: Network, state: State, epoch: Epoch, patience: int) -> State:
    """The state that `epoch` leaves."""
    variables = _values(network.variables)
    best, best_epoch = state.best, state.best_epoch
    if patience:
        lowest = min(
            (e.validation_loss for e in state.history if math.isfinite(e.validation_loss)),
            default=math.inf,
        )
        if epoch.validation_loss < lowest:
            best, best_epoch = variables, epoch.number
    return State(
        (*state.history, epoch), variables, _values(network.optimizer.variables), best, best_epoch
    )


def _stopped(state: State, patience: int) -> bool:
    return bool(patience) and len(state.history) - state.best_epoch >= patience


def _restore(network: Network, state: State) -> None:
    network.optimizer.build(network.trainable_variables)
    for variables, values in (
        (network.variables, state.network),
        (network.optimizer.variables, state.optimizer),
    ):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def _values(variables: Any) -> Arrays:  # noqa: ANN401, Keras ships no types
    return [np.array(variable) for variable in variables]


def _identity(network: Network, data: Data, first: _First, settings: str) -> Identity:
    layers = [(variable.path, tuple(variable.shape)) for variable in network.variables]
    recipe = f"{settings}\n{layers!r}"
    digest = hashlib.sha256()
    fresh = first.fresh()
    parts = [data.train, data.validation, data.test, *([] if fresh is None else [fresh])]
    arrays = [array for part in parts for array in (part.inputs, part.targets)]
    if data.representative is not None:
        arrays.append(data.representative)
    for array in arrays:
        _digest(digest, array)
    return Identity(
        hashlib.sha256(recipe.encode()).hexdigest(),
        digest.hexdigest(),
        f"{runtime.versions()}, numpy {np.__version__}",
    )


def _digest(digest: hashlib._Hash, array: NDArray[Any]) -> None:
    digest.update(f"{array.dtype.str} {array.shape}\n".encode())
    digest.update(np.ascontiguousarray(array).data)
