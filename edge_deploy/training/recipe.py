"""A lab's `recipe.py`: what it must offer, and how it is loaded.

A recipe is Python beside the lab's model. It imports TensorFlow only inside `network`, so
that its data and its score serve where TensorFlow is not installed:

    SEED, EPOCHS, BATCH      int
    ABOUT                    About
    data(seed)               -> Data
    network(plan)            -> compiled keras.Model, one input, one output
    score(targets, outputs)  -> {figure: (value, unit)}

What more it may offer:

    RECORDINGS = True        data(seed, folder) learns from recordings in a folder of the user's
    LABELS                   tuple of str: targets are (n, labels) shares, outputs are scores
    curves(targets, outputs) -> {figure: (scores, kinds)}, where anomalies are scored: of which test
                             samples each area under a ROC curve is, kinds 1 for an anomaly
    KNOBS                    tuple of Knob: what `explore` varies; `network` reads `plan.knobs`
    AIM                      Aim: by which figure points are compared, if not accuracy or auc
    data(..., knobs=KNOBS)   where a knob changes the inputs: is given those knobs
    variant(lab, knobs)      -> Lab, as its lab.yaml would be with these knobs
    PATIENCE                 int: stop after so many epochs without a lower validation loss, and
                             take the weights of the best epoch
    QUICK                    Quick: what `--quick` trains instead, in a minute or two

A lab with a sensor also says which recordings training never sees, and may say which are noise:

    held_out(data)           -> [(path, label's position) or HeldOut], of those in the folder `data`
    background(data)         -> [path]

A path is read as its lab's sensor writes it (WAV, CSV, picture); HeldOut serves for the rest. For a
lab that scores anomalies the position is 0 for what is normal and 1 for an anomaly.

Turns the file into a Recipe; knows nothing about training.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import inspect
import math
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import BadInput, EdgeDeployError

FILE_NAME = "recipe.py"

T = TypeVar("T")

Setting = int | float | str
"""What a knob can stand at."""

Knobs = Mapping[str, Setting]
"""Where every knob of a recipe stands."""


@dataclass(frozen=True)
class About:
    """What the card says in words."""

    purpose: str
    data: str
    limits: str


@dataclass(frozen=True)
class Samples:
    """inputs: (n, *shape) float32; targets: (n, ...), as the network's loss wants them."""

    inputs: NDArray[np.float32]
    targets: NDArray[Any]

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class Data:
    """Three parts that share no sample; `test` is seen once, after everything is decided.

    representative: (n, *shape) float32 inputs that set the int8 ranges; `train` if absent.
    fresh: the training samples of an epoch (0, 1, ...), as many as in `train`, where each epoch
    has its own, such as recordings with other noise each time. It depends on the epoch alone, or a
    run that was interrupted would end elsewhere. Keras takes the samples of every epoch in the
    same shuffled order, which the seed decides: `reordered` has others share a batch each time.
    notes: Markdown lines for the card about how the parts were made. about: in place of the
    recipe's ABOUT, where the samples are others than it says, such as a user's own.
    compared: by which `explore` compares networks, where `validation` does not serve: what learns
    from normal samples alone validates with such, and is judged with anomalies.
    """

    train: Samples
    validation: Samples
    test: Samples
    representative: NDArray[np.float32] | None = None
    fresh: Callable[[int], Samples] | None = None
    notes: tuple[str, ...] = ()
    about: About | None = None
    compared: Samples | None = None


@dataclass(frozen=True)
class HeldOut:
    """One recording that training never sees.

    name: as reports call it. label: its position among the lab's labels; of a lab that scores
    anomalies 0 for what is normal, 1 for an anomaly. samples: reads its raw samples: (n,) int16
    of a microphone, (n, axes) int16 of an IMU, (height, width) uint8 of a camera. group: what its
    figures are told apart by, such as a machine's speed.
    """

    name: str
    label: int
    samples: Callable[[], NDArray[Any]]
    group: str = ""


@dataclass(frozen=True)
class Knob:
    """One thing about a lab's network or its inputs that `explore` varies.

    name: lower-case letters, digits, `_`. meaning: one line, with the unit where there is one.
    values: all int, all float or all str, from what costs the least to what costs the most.
    default: one of them, which gives the lab's own network. inputs: it changes what the network is
    given, so `data` must know it.
    """

    name: str
    meaning: str
    values: tuple[Setting, ...]
    default: Setting
    inputs: bool = False


@dataclass(frozen=True)
class Aim:
    """The figure of `score` by which points are compared; less of it is better where `least`."""

    figure: str
    least: bool = False


def reordered(samples: Samples, seed: int) -> Callable[[int], Samples]:
    """A `fresh` that gives the same samples in another order in every epoch."""

    def fresh(epoch: int) -> Samples:
        order = np.random.default_rng((seed, epoch)).permutation(len(samples))
        return Samples(samples.inputs[order], samples.targets[order])

    return fresh


@dataclass(frozen=True)
class Quick:
    """What `--quick` trains: so many epochs, of at most so many training samples (None: all)."""

    epochs: int
    samples: int | None = None


class Network(Protocol):
    """As much of keras.Model as training uses (Keras ships no types)."""

    name: str
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    variables: Sequence[Any]
    trainable_variables: Sequence[Any]
    optimizer: Any

    def fit(self, inputs: object, targets: object, **options: object) -> object:
        """Train."""

    def predict(self, inputs: object, *, verbose: int) -> NDArray[Any]:
        """Outputs of many inputs, (n, ...)."""

    def export(self, folder: str, **options: object) -> object:
        """Write a SavedModel."""

    def count_params(self) -> int:
        """Number of weights and biases."""


@dataclass(frozen=True)
class Plan:
    """One training run, as `network` may want to know it for its learning rate.

    knobs: where every knob of KNOBS stands. quick: with `--quick`.
    """

    seed: int
    epochs: int
    batch: int
    train_samples: int
    knobs: Knobs = field(default_factory=lambda: MappingProxyType({}))
    quick: bool = False

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the training samples, the last one perhaps short."""
        return -(-self.train_samples // self.batch)

    @property
    def steps(self) -> int:
        """Batches in all."""
        return self.epochs * self.steps_per_epoch


@dataclass(frozen=True)
class Recipe:
    """What `recipe.py` offers, checked for being there.

    data: with the seed; where `recordings`, with the seed and the folder of the recordings; where
    a knob changes the inputs, with `knobs=` too.
    labels: of a classifier; empty otherwise. patience: 0 trains all epochs.
    variant: (lab, knobs) -> Lab; None where knobs change nothing that lab.yaml says.
    """

    path: Path
    seed: int
    epochs: int
    batch: int
    about: About
    data: Callable[..., Data]
    network: Callable[[Plan], Network]
    score: Callable[[NDArray[Any], NDArray[np.float32]], Mapping[str, tuple[float, str]]]
    recordings: bool = False
    labels: tuple[str, ...] = ()
    knobs: tuple[Knob, ...] = ()
    aim: Aim | None = None
    variant: Callable[..., Any] | None = None
    patience: int = 0
    quick: Quick | None = None
    curves: Callable[..., Any] | None = None

    @property
    def defaults(self) -> dict[str, Setting]:
        """Every knob where the lab's own network has it."""
        return {knob.name: knob.default for knob in self.knobs}

    def of_inputs(self, knobs: Knobs) -> dict[str, Setting]:
        """Those that change the inputs."""
        return {knob.name: knobs[knob.name] for knob in self.knobs if knob.inputs}


def load(folder: Path) -> Recipe:
    """Run `recipe.py` of a lab's folder, as a module of its own name.

    Raises BadInput where it is absent, fails, or lacks what a recipe must offer.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise BadInput(
            f"{folder}: no {FILE_NAME}, so there is nothing to train.",
            try_next=["edge-deploy labs"],
        )
    module = _module(path)
    knobs = _knobs(module, path) if hasattr(module, "KNOBS") else ()
    takes = "knobs" in inspect.signature(_function(module, path, "data")).parameters
    if takes != any(knob.inputs for knob in knobs):
        raise BadInput(
            f"{path}: data() takes knobs, and none of KNOBS has inputs=True."
            if takes
            else f"{path}: a knob has inputs=True, and data() takes no knobs."
        )
    return Recipe(
        path=path,
        seed=_number(module, path, "SEED", least=0),
        epochs=_number(module, path, "EPOCHS", least=1),
        batch=_number(module, path, "BATCH", least=1),
        about=_offered(module, path, "ABOUT", About),
        data=_function(module, path, "data"),
        network=_function(module, path, "network"),
        score=_function(module, path, "score"),
        recordings=bool(getattr(module, "RECORDINGS", False)),
        labels=_offered(module, path, "LABELS", tuple) if hasattr(module, "LABELS") else (),
        knobs=knobs,
        aim=_offered(module, path, "AIM", Aim) if hasattr(module, "AIM") else None,
        variant=_function(module, path, "variant") if hasattr(module, "variant") else None,
        patience=_number(module, path, "PATIENCE", least=0) if hasattr(module, "PATIENCE") else 0,
        quick=_offered(module, path, "QUICK", Quick) if hasattr(module, "QUICK") else None,
        curves=_function(module, path, "curves") if hasattr(module, "curves") else None,
    )


def function(folder: Path, name: str) -> Callable[..., Any] | None:
    """One function of a lab's recipe, None where it has none of that name.

    Asks for nothing else, so that it serves without what training needs. Raises BadInput where
    there is no recipe, or it fails.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise BadInput(f"{folder}: no {FILE_NAME}, which would say what the lab's recordings are.")
    value = getattr(_module(path), name, None)
    return value if callable(value) else None


@contextlib.contextmanager
def blamed(path: Path) -> Iterator[None]:
    """Turn what a recipe raises into BadInput that names the recipe's line.

    An error that did not pass through the recipe's own lines is left as it is.
    """
    try:
        yield
    except EdgeDeployError:
        raise
    except Exception as error:
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == str(path)
        ]
        if isinstance(error, SyntaxError) and error.filename == str(path):
            lines = [error.lineno]
        if not lines:
            raise
        text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        raise BadInput(f"{path}, line {lines[-1]}: {type(error).__name__}: {text}") from error


def _module(path: Path) -> ModuleType:
    # Two labs may have the same folder name, and a folder's name need not be Python's.
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    word = re.sub(r"\W", "_", path.parent.name, flags=re.ASCII)
    name = f"edge_deploy_recipe_{word}_{place}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{path}: cannot be loaded as Python.")
    module = importlib.util.module_from_spec(spec)
    # Where dataclasses and pickle look for a class's module.
    sys.modules[name] = module
    try:
        with blamed(path):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _offered(module: ModuleType, path: Path, name: str, kind: type[T]) -> T:
    if not hasattr(module, name):
        raise BadInput(f"{path}: {name} is missing ({kind.__name__}).")
    value = getattr(module, name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadInput(f"{path}: {name} is {value!r}; expected {kind.__name__}.")
    return value


def _knobs(module: ModuleType, path: Path) -> tuple[Knob, ...]:
    given: tuple[object, ...] = _offered(module, path, "KNOBS", tuple)
    knobs: list[Knob] = []
    for knob in given:
        if not isinstance(knob, Knob):
            raise BadInput(f"{path}: KNOBS has {knob!r}; expected Knob.")
        said = f"{path}: the knob {knob.name!r}"
        if not re.fullmatch(r"[a-z][a-z0-9_]*", str(knob.name)):
            raise BadInput(f"{said} has another name than lower-case letters, digits and _.")
        if any(knob.name == other.name for other in knobs):
            raise BadInput(f"{said} stands there twice.")
        kinds = {type(value) for value in knob.values}
        if len(kinds) != 1 or not kinds <= {int, float, str}:
            raise BadInput(f"{said} has {knob.values!r}; expected all int, all float or all str.")
        if any(isinstance(value, float) and not math.isfinite(value) for value in knob.values):
            raise BadInput(f"{said} has {knob.values!r}; expected finite numbers.")
        if len(set(knob.values)) != len(knob.values):
            raise BadInput(f"{said} has a value twice: {knob.values!r}.")
        if type(knob.default) not in kinds or knob.default not in knob.values:
            raise BadInput(f"{said} has the default {knob.default!r}, which is none of its values.")
        knobs.append(knob)
    return tuple(knobs)


def _number(module: ModuleType, path: Path, name: str, *, least: int) -> int:
    value = _offered(module, path, name, int)
    if value < least:
        raise BadInput(f"{path}: {name} is {value}; expected at least {least}.")
    return value


def _function(module: ModuleType, path: Path, name: str) -> Callable[..., Any]:
    value = getattr(module, name, None)
    if not callable(value):
        raise BadInput(f"{path}: the function {name} is missing.")
    return value  # type: ignore[no-any-return]
