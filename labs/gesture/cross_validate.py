"""Cross-validates the recipe: python labs/gesture/cross_validate.py FOLDER.

All 125 clips are dealt into five folds; each is told, in float and in int8, by a model that learnt
from the other four; and all that five times with other folds. Writes cross_validation.json beside
itself, which the card quotes while the recipe stays as it is. Seven minutes on one core.

With --training-only it is of the 100 clips of train/ alone, for choices, and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from edge_deploy import model
from edge_deploy.training import datasets, evaluate, recipe, runtime
from edge_deploy.training.quantize import quantize
from edge_deploy.training.recipe import Plan, Recipe

FOLDS = 5
REPEATS = 5
HERE = Path(__file__).resolve().parent


def main(words: Sequence[str]) -> None:
    """Measure, say so, and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the recordings are")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="how often to deal (5)")
    parser.add_argument("--training-only", action="store_true", help="for choices")
    given = parser.parse_args(words)
    runtime.load()
    loaded = recipe.load(HERE)
    module = sys.modules[loaded.data.__module__]
    settings = module.settings_sha256()  # now: the file may change while this runs
    every = module.clips(given.folder)
    if given.training_only:
        every = [clip for clip in every if clip.part != datasets.TEST]
    inputs = module.windows(every)
    truth = np.array([clip.label for clip in every])
    found: dict[str, list[float]] = {"float": [], "int8": []}
    reference = ""
    for repeat in range(given.repeats):
        told = {kind: np.full(len(every), -1) for kind in found}
        fold = dealt(truth, np.random.default_rng(repeat))
        for number in range(FOLDS):
            seen, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            training = [every[position] for position in seen]
            told["float"][held], told["int8"][held], reference = one(
                loaded, module, training, inputs[seen], inputs[held], FOLDS * repeat + number
            )
        for kind, positions in told.items():
            found[kind].append(float(np.mean(positions == truth)))
        rows = ", ".join(f"{kind} {100 * values[-1]:.1f} %" for kind, values in found.items())
        sys.stdout.write(f"{repeat + 1} of {given.repeats}: {rows}\n")
        sys.stdout.flush()
    if given.training_only:
        return
    text = {
        "settings": settings,
        "clips": len(every),
        "folds": FOLDS,
        "reference": reference,
        "versions": runtime.versions(),
        **found,
    }
    path: Path = module.CROSS_VALIDATION
    path.write_text(json.dumps(text, indent=1) + "\n", encoding="utf-8")


def dealt(truth: NDArray[np.int64], draw: np.random.Generator) -> NDArray[np.int64]:
    """(n,) int64: the fold of every clip; each has as many of every label, within one."""
    fold = np.empty(len(truth), np.int64)
    first = 0
    for label in np.unique(truth):
        positions = draw.permutation(np.flatnonzero(truth == label))
        fold[positions] = (first + np.arange(len(positions))) % FOLDS
        first += len(positions)
    return fold


def one(
    loaded: Recipe,
    module: ModuleType,
    training: Sequence[object],
    seen: NDArray[np.float32],
    held: NDArray[np.float32],
    seed: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], str]:
    """Labels that float and int8 give to `held`, and what computed the int8 ones.

    seen: the windows of `training`. The last epoch counts: nothing is chosen by what is held.
    """
    draw = np.random.default_rng((seed, 1))
    samples = module.epoch(training, seen, draw)
    plan = Plan(seed, loaded.epochs, loaded.batch, len(samples), loaded.defaults)
    runtime.repeatable(seed)
    network = loaded.network(plan)
    for number in range(plan.epochs):
        if number:
            samples = module.epoch(training, seen, draw)
        network.fit(samples.inputs, samples.targets, batch_size=plan.batch, epochs=1, verbose=0)
    content = quantize(network, seen)
    in_float = evaluate.float_outputs(network, held)
    in_int8, reference = evaluate.int8_outputs(content, model.read(content), held)
    return in_float.argmax(axis=-1), in_int8.argmax(axis=-1), reference


if __name__ == "__main__":
    main(sys.argv[1:])
