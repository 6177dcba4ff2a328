"""A lab's recipe -> a trained, quantized, evaluated model with its card.

Seeds everything first: the same recipe, seed and TensorFlow give the same bytes on the same
kind of machine. Knows nothing about boards.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edge_deploy import catalogue, model
from edge_deploy.errors import BadInput
from edge_deploy.labs import FILE as LAB_FILE
from edge_deploy.labs import Lab
from edge_deploy.model.graph import Graph
from edge_deploy.training import card, datasets, drawings, evaluate, runtime, scores
from edge_deploy.training import recipe as recipes
from edge_deploy.training.checkpoint import Kept
from edge_deploy.training.classification import classified
from edge_deploy.training.datasets import NoData
from edge_deploy.training.fitting import Watch, fit
from edge_deploy.training.quantize import quantize
from edge_deploy.training.recipe import Data, Knobs, Network, Plan, Quick, Recipe, Samples
from edge_deploy.training.result import Epoch, Outputs, TrainResult

Progress = Callable[[Epoch], None]

# Where a recipe does not say what `--quick` trains: a tenth of its epochs, but not fewer.
_QUICK_LEAST = 3
_QUICK_SHARE = 10


def train(
    lab: Lab,
    *,
    seed: int | None = None,
    epochs: int | None = None,
    recordings: Path | None = None,
    quick: bool = False,
    kept: Kept | None = None,
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> TrainResult:
    """Train, quantize and evaluate a lab's model; nothing is written but the state in `kept`.

    seed, epochs: the recipe's own where absent. recordings: the folder that a recipe with
    RECORDINGS learns from. quick: the recipe's QUICK instead of all of it. kept: where the run is
    kept after every epoch, and goes on from; the caller forgets it once the result is safe.
    progress: called after every epoch; watch: the same and more.
    Raises TrainingMissing without TensorFlow, BadInput for a recipe that fails or lacks
    something, TrainingDiverged, UnsupportedModel where the network cannot become int8,
    CannotGoOn, DiskFull.
    """
    started = time.monotonic()
    watch = watch or Watch()
    if progress is not None:
        watch = dataclasses.replace(watch, epoch=progress)
    runtime.load()
    recipe = recipes.load(lab.folder)
    smaller = quick_of(recipe) if quick else None
    chosen_seed = recipe.seed if seed is None else seed
    watch.say("Reading the samples ..." if recipe.recordings else "Making the samples ...")
    data = data_of(recipe, chosen_seed, recordings, lab.name)
    check(data, recipe)
    if smaller is not None and smaller.samples is not None:
        data = _fewer(data, smaller.samples, chosen_seed)
    default_epochs = recipe.epochs if smaller is None else smaller.epochs
    plan = Plan(
        seed=chosen_seed,
        epochs=default_epochs if epochs is None else epochs,
        batch=recipe.batch,
        train_samples=len(data.train),
        quick=quick,
        knobs=recipe.defaults,
    )
    network = network_of(recipe, plan)
    fitted = fit(
        network,
        data,
        plan,
        recipe.path,
        watch,
        patience=recipe.patience,
        kept=kept,
        settings=_settings(lab.folder),
    )
    watch.say("Quantizing, and trying the test samples ...")
    representative = data.train.inputs if data.representative is None else data.representative
    content = quantize(network, representative)
    graph = model.read(content, name=lab.name)
    outputs, reference = _outputs(network, content, graph, data, recipe, lab)
    origins = f"measured:keras {runtime.load().keras.__version__} float32", f"measured:{reference}"
    with recipes.blamed(recipe.path):
        figures = scores.compared(recipe.score, recipe.labels, outputs, origins)
    classes = (
        classified(recipe.labels, outputs.targets, outputs.in_float, outputs.in_int8)
        if len(recipe.labels) > 1
        else None
    )
    names = drawings.names(recipe.labels, outputs)
    return TrainResult(
        lab=lab.name,
        model=content,
        sha256=hashlib.sha256(content).hexdigest(),
        card=card.text(
            lab=lab,
            recipe=recipe,
            data=data,
            plan=plan,
            default_epochs=default_epochs,
            network=network,
            fitted=fitted,
            content=content,
            graph=graph,
            figures=figures,
            classes=classes,
            pictures=names,
            versions=runtime.versions(),
        ),
        figures=figures,
        classes=classes,
        history=fitted.history,
        best_epoch=fitted.best_epoch,
        seed=plan.seed,
        epochs=plan.epochs,
        quick=quick,
        parameters=int(network.count_params()),
        outputs=outputs,
        pictures=names,
        test_samples=len(data.test),
        reference=reference,
        seconds=time.monotonic() - started,
    )


def quick_of(recipe: Recipe) -> Quick:
    """What `--quick` trains of a recipe."""
    if recipe.quick is not None:
        return recipe.quick
    tenth = -(-recipe.epochs // _QUICK_SHARE)
    return Quick(min(recipe.epochs, max(_QUICK_LEAST, tenth)))


def data_of(
    recipe: Recipe, seed: int, recordings: Path | None, name: str, knobs: Knobs | None = None
) -> Data:
    """The recipe's data; raises NoData where it needs recordings and none are given.

    knobs: the recipe's defaults where absent.
    """
    ours = recipe.of_inputs(recipe.defaults if knobs is None else knobs)
    more: dict[str, Any] = {"knobs": ours} if ours else {}
    if not recipe.recordings:
        with recipes.blamed(recipe.path):
            return recipe.data(seed, **more)
    recordings = recordings or datasets.beside(recipe.path.parent) or datasets.fetched()
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
    if len(recipe.labels) > 1 and np.asarray(data.train.targets).ndim > 1:
        learnt = np.unique(np.argmax(data.train.targets, axis=-1))
        if len(learnt) == 1:
            raise BadInput(
                f"{recipe.path}: all {len(data.train):,} training samples are of one class, "
                f"{recipe.labels[learnt[0]]}; there must be 2 to be told apart.",
            )


def _fewer(data: Data, samples: int, seed: int) -> Data:
    """At most so many training samples, drawn from all of them; validation and test stay."""
    if len(data.train) <= samples:
        return data
    drawn = np.random.default_rng(seed).choice(len(data.train), samples, replace=False)
    order = np.sort(drawn)

    def some(part: Samples) -> Samples:
        return Samples(part.inputs[order], part.targets[order])

    whole = data.fresh
    return dataclasses.replace(
        data,
        train=some(data.train),
        fresh=None if whole is None else lambda epoch: some(whole(epoch)),
        # Of all of them: the ranges shall not depend on which were drawn.
        representative=data.train.inputs if data.representative is None else data.representative,
    )


def _settings(folder: Path) -> str:
    """What the lab's folder says about a run: its Python and its lab.yaml."""
    paths = sorted([*folder.glob("*.py"), *folder.glob(LAB_FILE)])
    return "\n".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)


def _outputs(
    network: Network, content: bytes, graph: Graph, data: Data, recipe: Recipe, lab: Lab
) -> tuple[Outputs, str]:
    """What both models make of the test samples, and the int8 runtime's name."""
    targets = data.test.targets
    in_float = evaluate.float_outputs(network, data.test.inputs)
    in_int8, reference = evaluate.int8_outputs(content, graph, data.test.inputs)
    labels = recipe.labels or lab.labels
    with recipes.blamed(recipe.path):
        float_curves, int8_curves = (
            scores.curves(recipe.curves, labels, targets, each) for each in (in_float, in_int8)
        )
    return Outputs(targets, in_float, in_int8, float_curves, int8_curves), reference
