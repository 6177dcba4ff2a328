"""A lab's recipe with its knobs moved -> an int8 model, judged on validation samples alone.

What searches among many networks must not look at the test samples: the best of many tries on
them would look better than it is. Knows nothing about boards and about other tries.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy import model
from edge_deploy.errors import BadInput
from edge_deploy.labs import Lab
from edge_deploy.model.graph import Graph
from edge_deploy.quantity import Quantity
from edge_deploy.training import evaluate, runtime
from edge_deploy.training import recipe as recipes
from edge_deploy.training.fitting import Watch, fit
from edge_deploy.training.quantize import quantize
from edge_deploy.training.recipe import Data, Knobs, Plan, Recipe, Samples
from edge_deploy.training.result import Comparison
from edge_deploy.training.train import check, data_of, network_of

# What counts where a recipe does not say: more of them is better.
_KNOWN = ("accuracy", "auc")


@dataclass(frozen=True)
class Trial:
    """One trained network as int8 model.

    figure: the recipe's aim, of the validation samples, by the float network and the int8 model.
    lab: as its lab.yaml would be. data_sha256: of the targets, so that tries on other data show.
    """

    lab: Lab
    model: bytes
    graph: Graph
    figure: Comparison
    parameters: int
    train_samples: int
    validation_samples: int
    data_sha256: str
    versions: str


@dataclass(frozen=True)
class Effort:
    """How much goes into one try.

    most_samples: of the training samples; evenly taken, each the same in every epoch. None: all
    of them, as the recipe has them.
    """

    seed: int
    epochs: int
    most_samples: int | None = None


class Tries:
    """Tries of one lab, one after the other; data that several have in common is made once.

    recordings: where a recipe with RECORDINGS finds them.
    """

    def __init__(self, lab: Lab, recordings: Path | None) -> None:
        self._lab = lab
        self._recordings = recordings
        self._made: tuple[object, Data] | None = None

    def run(self, knobs: Knobs, effort: Effort) -> Trial:
        """Train, quantize, evaluate. knobs: all of the recipe's.

        Raises TrainingMissing, NoData, TrainingDiverged, UnsupportedModel, and BadInput where the
        recipe fails with these knobs.
        """
        runtime.installed()
        recipe = recipes.load(self._lab.folder)
        data = thinned(self._data(recipe, knobs, effort.seed), effort.most_samples)
        plan = Plan(effort.seed, effort.epochs, recipe.batch, len(data.train), dict(knobs))
        network = network_of(recipe, plan)
        fit(network, data, plan, recipe.path, Watch(), patience=recipe.patience)
        representative = data.train.inputs if data.representative is None else data.representative
        content = quantize(network, representative)
        graph = model.read(content, name=self._lab.name)
        compared = data.validation if data.compared is None else data.compared
        inputs, targets = compared.inputs, compared.targets
        in_int8, reference = evaluate.int8_outputs(content, graph, inputs)
        in_float = evaluate.float_outputs(network, inputs)
        return Trial(
            lab=self._variant(recipe, knobs),
            model=content,
            graph=graph,
            figure=_figure(recipe, targets, in_float, in_int8, reference),
            parameters=int(network.count_params()),
            train_samples=len(data.train),
            validation_samples=len(compared),
            data_sha256=_digest(data),
            versions=runtime.versions(),
        )

    def _data(self, recipe: Recipe, knobs: Knobs, seed: int) -> Data:
        asked = (seed, tuple(sorted(recipe.of_inputs(knobs).items())))
        if self._made is None or self._made[0] != asked:
            self._made = None  # before the next is made: two of them may be too much for memory
            data = data_of(recipe, seed, self._recordings, self._lab.name, knobs)
            check(data, recipe)
            self._made = (asked, data)
        return self._made[1]

    def _variant(self, recipe: Recipe, knobs: Knobs) -> Lab:
        if recipe.variant is None:
            return self._lab
        with recipes.blamed(recipe.path):
            changed = recipe.variant(self._lab, knobs)
        if not isinstance(changed, Lab):
            raise BadInput(f"{recipe.path}: variant() gives {type(changed).__name__}, not a Lab.")
        return changed


def thinned(data: Data, most: int | None) -> Data:
    """At most so many training samples, evenly taken, without fresh ones; all where `most` is None.

    Evenly, because recipes have them label by label.
    """
    if most is None:
        return data
    count = len(data.train)
    kept = np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int))
    train = Samples(data.train.inputs[kept], data.train.targets[kept])
    return dataclasses.replace(data, train=train, fresh=None)


def _figure(
    recipe: Recipe,
    targets: NDArray[Any],
    in_float: NDArray[np.float32],
    in_int8: NDArray[np.float32],
    reference: str,
) -> Comparison:
    """The one figure that counts, of validation samples. Raises BadInput where there is none."""
    with recipes.blamed(recipe.path):
        scores = [recipe.score(targets, outputs) for outputs in (in_float, in_int8)]
    name = _chosen(recipe, scores[0])
    values = [(float(score[name][0]), score[name][1]) for score in scores]
    if not all(math.isfinite(value) for value, _ in values):
        raise BadInput(f"{recipe.path}: {name} is not a number on the validation samples.")
    keras = f"keras {runtime.load().keras.__version__} float32"
    (in_float_, unit), (in_int8_, _) = values
    return Comparison(
        name,
        Quantity(in_float_, unit, f"measured:{keras}, validation samples"),
        Quantity(in_int8_, unit, f"measured:{reference}, validation samples"),
    )


def _chosen(recipe: Recipe, scores: Mapping[str, tuple[float, str]]) -> str:
    if recipe.aim is not None:
        if recipe.aim.figure not in scores:
            raise BadInput(
                f"{recipe.path}: AIM is {recipe.aim.figure}; score() gives {', '.join(scores)}."
            )
        return recipe.aim.figure
    found = next((name for name in _KNOWN if name in scores), None)
    if found is None:
        raise BadInput(
            f"{recipe.path}: score() gives {', '.join(scores)}, and no AIM says which of them "
            "counts.",
            try_next=['AIM = Aim("rmse", least=True)    in recipe.py'],
        )
    return found


def _digest(data: Data) -> str:
    """Of targets, not inputs: it is the same for all knobs, and another one for other data."""
    digest = hashlib.sha256()
    for part in (data.train, data.validation):
        digest.update(repr((part.targets.shape, str(part.targets.dtype))).encode())
        digest.update(np.ascontiguousarray(part.targets).tobytes())
    return digest.hexdigest()
