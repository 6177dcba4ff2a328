"""A lab's recipe -> a trained, quantized, evaluated model with its card.

Seeds everything first: the same recipe, seed and TensorFlow give the same bytes on the same
kind of machine. Knows nothing about boards.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edge_deploy import catalogue, model
from edge_deploy.errors import BadInput, EdgeDeployError
from edge_deploy.labs import Lab
from edge_deploy.model.graph import Graph
from edge_deploy.quantity import Quantity
from edge_deploy.training import card, datasets, evaluate, runtime
from edge_deploy.training import recipe as recipes
from edge_deploy.training.classification import Classification, classified
from edge_deploy.training.datasets import NoData
from edge_deploy.training.quantize import quantize
from edge_deploy.training.recipe import Data, Knobs, Network, Plan, Recipe, Samples
from edge_deploy.training.result import Comparison, Epoch, TrainResult

Progress = Callable[[Epoch], None]


class TrainingDiverged(EdgeDeployError):
    """The loss is no longer a number."""


def train(
    lab: Lab,
    *,
    seed: int | None = None,
    epochs: int | None = None,
    recordings: Path | None = None,
    progress: Progress | None = None,
) -> TrainResult:
    """Train, quantize and evaluate a lab's model; nothing is written.

    seed, epochs: the recipe's own where absent. recordings: the folder that a recipe with
    RECORDINGS learns from. progress: called after every epoch.
    Raises TrainingMissing without TensorFlow, BadInput for a recipe that fails or lacks
    something, TrainingDiverged, UnsupportedModel where the network cannot become int8.
    """
    started = time.monotonic()
    runtime.load()
    recipe = recipes.load(lab.folder)
    chosen_seed = recipe.seed if seed is None else seed
    data = data_of(recipe, chosen_seed, recordings, lab.name)
    check(data, recipe)
    plan = Plan(
        seed=chosen_seed,
        epochs=recipe.epochs if epochs is None else epochs,
        batch=recipe.batch,
        train_samples=len(data.train),
        knobs=recipe.defaults,
    )
    network = network_of(recipe, plan)
    history = fit(network, data, plan, recipe.path, progress)

    representative = data.train.inputs if data.representative is None else data.representative
    content = quantize(network, representative)
    graph = model.read(content, name=lab.name)
    figures, classes, reference = _figures(network, content, graph, data, recipe)
    sha256 = hashlib.sha256(content).hexdigest()
    return TrainResult(
        lab=lab.name,
        model=content,
        sha256=sha256,
        card=card.text(
            lab=lab,
            about=recipe.about,
            data=data,
            plan=plan,
            default_epochs=recipe.epochs,
            recordings=recipe.recordings,
            network=network,
            content=content,
            graph=graph,
            figures=figures,
            classes=classes,
            versions=runtime.versions(),
        ),
        figures=figures,
        classes=classes,
        history=history,
        seed=plan.seed,
        epochs=plan.epochs,
        parameters=int(network.count_params()),
        test_samples=len(data.test),
        reference=reference,
        seconds=time.monotonic() - started,
    )


def data_of(
    recipe: Recipe, seed: int, recordings: Path | None, name: str, knobs: Knobs | None = None
) -> Data:
    """The recipe's data; raises NoData where it needs recordings and none are given.

    knobs: the recipe's defaults where absent.
    """
    more: dict[str, Any] = {}
    if recipe.data_takes_knobs:
        more["knobs"] = recipe.defaults if knobs is None else knobs
    if not recipe.recordings:
        with recipes.blamed(recipe.path):
            return recipe.data(seed, **more)
    recordings = recordings or datasets.fetched()
    if recordings is None or not recordings.is_dir():
        what = "none are given" if recordings is None else f"{recordings} is no folder"
        raise NoData(
            f"{name} learns from recordings, and {what}.",
            try_next=[*catalogue.to_get(name), "--data FOLDER    where the recordings are"],
        )
    with recipes.blamed(recipe.path):
        return recipe.data(seed, recordings, **more)


def network_of(recipe: Recipe, plan: Plan) -> Network:
    """The recipe's network, everything seeded first. Raises BadInput where it is none."""
    tensorflow = runtime.load()
    runtime.repeatable(plan.seed)
    with recipes.blamed(recipe.path):
        network = recipe.network(plan)
    if not isinstance(network, tensorflow.keras.Model):
        given = type(network).__name__
        raise BadInput(f"{recipe.path}: network() gives {given}, not a keras.Model.")
    return network  # type: ignore[no-any-return]


def check(data: Data, recipe: Recipe) -> None:
    """Refuse parts that are empty, uneven or not finite, before minutes are spent on them."""
    for name in ("train", "validation", "test"):
        part = getattr(data, name)
        if not len(part) or len(part) != len(part.targets):
            raise BadInput(
                f"{recipe.path}: data() gives {len(part)} inputs and {len(part.targets)} targets "
                f"as {name}; expected as many of both, and at least 1."
            )
        if not np.isfinite(part.inputs).all():
            raise BadInput(f"{recipe.path}: data() gives inputs as {name} that are not finite.")


def fit(
    network: Network, data: Data, plan: Plan, path: Path, progress: Progress | None
) -> tuple[Epoch, ...]:
    """Train, on the same samples in every epoch or on fresh ones. path: of the recipe."""
    tensorflow = runtime.load()
    history: list[Epoch] = []

    def ended(index: int, logs: dict[str, float]) -> None:
        accuracy = logs.get("val_accuracy")
        epoch = Epoch(
            index + 1,
            plan.epochs,
            float(logs["loss"]),
            float(logs["val_loss"]),
            None if accuracy is None else float(accuracy),
        )
        if not math.isfinite(epoch.loss):
            raise TrainingDiverged(
                f"the loss is {epoch.loss} after epoch {epoch.number} of {epoch.of}.",
                try_next=["lower the learning rate in recipe.py"],
            )
        history.append(epoch)
        if progress is not None:
            progress(epoch)

    def through(samples: Samples, first: int, last: int) -> None:
        network.fit(
            samples.inputs,
            samples.targets,
            validation_data=(data.validation.inputs, data.validation.targets),
            initial_epoch=first,
            epochs=last,
            batch_size=plan.batch,
            verbose=0,
            callbacks=[tensorflow.keras.callbacks.LambdaCallback(on_epoch_end=ended)],
        )

    if data.fresh is None:
        through(data.train, 0, plan.epochs)
        return tuple(history)
    for index in range(plan.epochs):
        with recipes.blamed(path):
            samples = data.fresh(index)
        through(samples, index, index + 1)
    return tuple(history)


def _figures(
    network: Network, content: bytes, graph: Graph, data: Data, recipe: Recipe
) -> tuple[tuple[Comparison, ...], Classification | None, str]:
    """Every figure of the recipe's score, float beside int8, and the int8 runtime's name.

    Between them, what a classifier made of every class.
    """
    in_float = evaluate.float_outputs(network, data.test.inputs)
    in_int8, reference = evaluate.int8_outputs(content, graph, data.test.inputs)
    with recipes.blamed(recipe.path):
        float_scores = recipe.score(data.test.targets, in_float)
        int8_scores = recipe.score(data.test.targets, in_int8)
    keras = f"keras {runtime.load().keras.__version__} float32"
    return (
        tuple(
            Comparison(
                name,
                Quantity(float(value), unit, f"measured:{keras}"),
                Quantity(float(int8_scores[name][0]), unit, f"measured:{reference}"),
            )
            for name, (value, unit) in float_scores.items()
        ),
        classified(recipe.labels, data.test.targets, in_float, in_int8) if recipe.labels else None,
        reference,
    )
