"""A lab and what to vary -> its tasks, those done before, and a Search that can be told and drawn.

Puts the parts together; who does the jobs is the caller's choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edge_deploy.errors import BadInput
from edge_deploy.labs import Lab
from edge_deploy.teaching.explore import grid
from edge_deploy.teaching.explore import task as tasks
from edge_deploy.teaching.explore.front import Place, front
from edge_deploy.teaching.explore.point import Point
from edge_deploy.teaching.explore.store import Store
from edge_deploy.teaching.explore.task import Task
from edge_deploy.training import datasets
from edge_deploy.training.recipe import Recipe, Setting

QUICK_POINTS = 8
QUICK_SAMPLES = 1_000
# A quarter of the epochs, but not fewer than some: one epoch tells nothing.
_QUICK_SHARE, _QUICK_EPOCHS_LEAST = 4, 3


class Doers(Protocol):
    """Who does jobs: processes on this machine, or a cluster."""

    def run(self, tasks: Sequence[Task]) -> Iterator[Point]:
        """The points of all jobs, as they end."""


@dataclass(frozen=True)
class Wish:
    """What to vary, and how much to spend on it; None: as the recipe has it.

    values: of knobs for which others than their own serve. data: where the recordings are.
    """

    board: str
    points: int
    quick: bool = False
    values: Mapping[str, Sequence[Setting]] | None = None
    seed: int | None = None
    epochs: int | None = None
    data: Path | None = None


def knobs_missing(lab: Lab, recipe: Recipe) -> BadInput:
    """What a lab without knobs is told."""
    return BadInput(
        f"{lab.name} has no knobs: {recipe.path} does not say what can be varied.",
        try_next=[
            'KNOBS = (Knob("width", "neurons", (8, 16, 32), default=16),)    in recipe.py',
            'plan.knobs["width"]    in its network(); docs/explore.md',
            "edge-deploy explore hello --quick    a lab that has them",
        ],
    )


def tasks_of(lab: Lab, recipe: Recipe, wish: Wish) -> tuple[Task, ...]:
    """The jobs of a search, the telling ones first. Raises BadInput, UsageError."""
    if not recipe.knobs:
        raise knobs_missing(lab, recipe)
    seed = recipe.seed if wish.seed is None else wish.seed
    epochs = wish.epochs
    if epochs is None:
        epochs = quick_epochs(recipe) if wish.quick else recipe.epochs
    files = tasks.files_of(lab.folder)
    data = None
    if recipe.recordings:
        data = wish.data or datasets.beside(lab.folder) or datasets.fetched()
    return tuple(
        Task(
            lab=lab.name,
            files=files,
            knobs=knobs,
            inputs=recipe.of_inputs(knobs),
            seed=seed,
            epochs=epochs,
            most_samples=QUICK_SAMPLES if wish.quick else None,
            board=wish.board,
            data="" if data is None else str(data.absolute()),
            data_mark="" if data is None else tasks.mark_of(data),
        )
        for knobs in grid.points(recipe.knobs, wish.values or {}, wish.points, seed)
    )


def quick_epochs(recipe: Recipe) -> int:
    """Epochs of a quick search."""
    return min(recipe.epochs, max(_QUICK_EPOCHS_LEAST, recipe.epochs // _QUICK_SHARE))


def run(
    found: Sequence[Task],
    doers: Doers,
    store: Store,
    *,
    kept: Callable[[Point], None],
    ended: Callable[[Point], None],
    said: Callable[[str], None],
) -> list[Point]:
    """All points, in the tasks' order: from the store as far as it has them, otherwise done now.

    kept: called for a point that was there already; ended: for one that was done now, after it
    was kept. said: with what is wrong with a kept file; its point is done again.
    Raises what is wrong with the machine or the disk; what was done until then is kept.
    """
    points: dict[str, Point] = {}
    missing: list[Task] = []
    for task in found:
        point, wrong = store.load(task.key)
        if wrong:
            said(f"{wrong}; the point is done again.")
        if point is None:
            missing.append(task)
        else:
            points[task.key] = point
            kept(point)
    for point in doers.run(missing) if missing else ():
        if point.failure is None or point.failure.lasting:
            store.keep(point)
        points[point.key] = point
        ended(point)
    return [points[task.key] for task in found]


def place(point: Point, cost: str, *, least: bool) -> Place | None:
    """Where a point stands; None for one that failed or whose cost is not known.

    least: less of the figure is better.
    """
    if point.failure is not None or point.judged is None or cost not in point.costs:
        return None
    value = point.judged.in_int8.value
    return Place(point.costs[cost].value, -value if least else value)


def front_of(points: Sequence[Point], cost: str, *, least: bool) -> list[int]:
    """Positions of the points that nobody beats, by rising cost."""
    return front([place(point, cost, least=least) for point in points])


def mixed(points: Sequence[Point]) -> list[str]:
    """What not all points have in common but should: a line for each."""
    lines = []
    for fact, what in (
        ("compiled_with", "compilers"),
        ("trained_with", "versions"),
        ("targets_sha256", "recordings"),
    ):
        seen = sorted({p.facts[fact] for p in points if fact in p.facts})
        if len(seen) > 1:
            shown = ", ".join(word[:60] for word in seen)
            lines.append(f"Not all points had the same {what}: {shown}.")
    return lines
