"""The verb that searches: explore."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from edge_deploy import boards, devices, labs
from edge_deploy.boards import Board
from edge_deploy.cli import output
from edge_deploy.cli.options import DATA_VARIABLE, board_option, debug_option, json_option
from edge_deploy.errors import EdgeDeployError, UsageError
from edge_deploy.intervals import wilson
from edge_deploy.labs import Lab
from edge_deploy.teaching.explore import grid, pool, search
from edge_deploy.teaching.explore import picture as drawing
from edge_deploy.teaching.explore.picture import Dot, Panel, Up
from edge_deploy.teaching.explore.point import Point
from edge_deploy.teaching.explore.store import Store
from edge_deploy.teaching.explore.task import Task
from edge_deploy.training import recipe as recipes
from edge_deploy.training.recipe import Recipe

POINTS = 24
# A name or an IPv4 address, or an IPv6 address in brackets.
_ADDRESS = re.compile(r"tcp://([\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}")
# Each worker is a TensorFlow of some 700 MB.
_WORKERS_MOST = 4
# What the table and the picture tell of costs: key, heading, digits.
_COLUMNS = (
    ("cycles", "cycles", 0),
    ("latency_us", "latency, us", 0),
    ("features_us", "features, us", 0),
    ("energy_uj", "energy, uJ", 2),
    ("arena_bytes", "arena B", 0),
    ("flash_bytes", "flash B", 0),
)
_PANELS = (("cycles", "cycles of one inference"), ("flash_bytes", "flash bytes, firmware and all"))


@click.command()
@click.argument("lab_word", metavar="LAB")
@click.option(
    "--quick",
    is_flag=True,
    help=f"{search.QUICK_POINTS} points, a quarter of the epochs, at most "
    f"{search.QUICK_SAMPLES:,} training samples: to see how it works, not to choose by.",
)
@click.option(
    "--points",
    type=click.IntRange(min=1),
    default=None,
    help=f"How many points, the telling ones first.  [default: {POINTS}; "
    f"{search.QUICK_POINTS} with --quick]",
)
@click.option(
    "--knob",
    "knob_words",
    multiple=True,
    metavar="NAME=VALUE,VALUE",
    help="Other values of one of the recipe's knobs. May be repeated.",
)
@board_option
@click.option(
    "--data",
    "recordings",
    type=click.Path(path_type=Path),
    envvar=DATA_VARIABLE,
    default=None,
    metavar="FOLDER",
    help="Where the recordings are; on a cluster, for every machine.  [default: where edge-deploy "
    "data get has put them]",
)
@click.option("--seed", type=int, default=None, help="Another seed than the recipe's.")
@click.option("--epochs", type=click.IntRange(min=1), default=None, help="For each point.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=None,
    help=f"Points at a time on this machine.  [default: its cores, at most {_WORKERS_MOST}]",
)
@click.option(
    "--cluster",
    default=None,
    metavar="tcp://HOST:PORT",
    help="Hand the points to the workers of this Dask scheduler (extra: cluster).",
)
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Where results are kept.  [default: explore-LAB]",
)
@click.option(
    "--plot",
    "picture",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE.svg",
    help="Draw into this file.  [default: explore.svg in the folder of the results]",
)
@click.option("--dry-run", is_flag=True, help="List the points, and do none.")
@json_option
@debug_option
def explore(
    lab_word: str,
    *,
    quick: bool,
    points: int | None,
    knob_words: tuple[str, ...],
    board: str | None,
    recordings: Path | None,
    seed: int | None,
    epochs: int | None,
    workers: int | None,
    cluster: str | None,
    folder: Path | None,
    picture: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Train LAB with its knobs moved, and show what accuracy costs.

    Each point is trained, made int8, compiled, and measured on a virtual board; its accuracy is of
    validation samples, never of held-out ones. Ctrl-C keeps what is finished, and the same command
    goes on. Needs TensorFlow, and the virtual board's packages.
    """
    lab = labs.load(lab_word)
    recipe = recipes.load(lab.folder)
    if not recipe.knobs:
        raise search.knobs_missing(lab, recipe)
    chosen = _board(board or "nano33")
    wish = search.Wish(
        board=chosen.name,
        points=points or (search.QUICK_POINTS if quick else POINTS),
        quick=quick,
        values=grid.asked(knob_words, recipe.knobs),
        seed=seed,
        epochs=epochs,
        data=recordings,
    )
    if cluster is not None and workers is not None:
        raise UsageError("--workers is for this machine; the cluster has its own.")
    if cluster is not None and not _ADDRESS.fullmatch(cluster):
        raise UsageError(f"--cluster {cluster!r} is not tcp://HOST:PORT.")
    found = search.tasks_of(lab, recipe, wish)
    store = Store(folder or Path(f"explore-{lab.name}"))
    shown = _Shown(lab, recipe, chosen, found, quick)
    if dry_run:
        shown.planned(store, as_json=as_json)
        return
    with store.held():
        results = _search(found, store, shown, workers or _cores(), cluster)
    picture = picture or store.folder / "explore.svg"
    drawn = shown.draw(results, picture)
    if as_json:
        output.document(shown.document(results, store, picture if drawn else None))
    else:
        shown.table(results)
        if drawn:
            output.show(f"Drawn in {picture}; results and models in {store.folder}")
    if all(point.failure is not None for point in results):
        raise _none_worked(results)


def _cores() -> int:
    return max(1, min(os.cpu_count() or 1, _WORKERS_MOST))


def _board(name: str) -> Board:
    board = boards.load(name)
    if not devices.is_emulated("virtual", board):
        raise UsageError(
            f"{name} has no emulated core, so nobody knows what a network costs there.",
            try_next=["--board nano33"],
        )
    return board


def _search(
    found: Sequence[Task], store: Store, shown: _Shown, workers: int, address: str | None
) -> list[Point]:
    """The points, done or kept; told one by one. Ctrl-C ends the command in one line."""
    try:
        with _doers(workers, address) as doers:
            return search.run(
                found, doers, store, kept=shown.kept, ended=shown.ended, said=output.say
            )
    except KeyboardInterrupt:
        raise click.Abort(
            f"Interrupted: {shown.done} of {len(found)} points are kept in {store.folder}; the "
            "same command goes on."
        ) from None


@contextlib.contextmanager
def _doers(workers: int, address: str | None) -> Iterator[search.Doers]:
    """Who does the jobs; a cluster is only spoken to if there are any."""
    if address is None:
        yield pool.Processes(workers)
        return
    from edge_deploy.teaching.explore.cluster import Cluster

    with contextlib.closing(Cluster(address, output.say)) as cluster:
        output.say(f"{address}: {cluster.workers} points at a time.")
        yield cluster


def _none_worked(results: Sequence[Point]) -> EdgeDeployError:
    first = results[0].failure
    assert first is not None
    return EdgeDeployError(
        f"none of the {len(results)} points worked; the first: {first.kind}: {first.message}"
    )


class _Shown:
    """A search for people and programs: lines while it runs, then a table, JSON, a picture."""

    def __init__(
        self, lab: Lab, recipe: Recipe, board: Board, found: Sequence[Task], quick: bool
    ) -> None:
        self._lab = lab
        self._recipe = recipe
        self._board = board
        self._found = found
        self._quick = quick
        self._numbers = {task.key: number for number, task in enumerate(found, 1)}
        self.done = 0

    @property
    def _least(self) -> bool:
        return self._recipe.aim is not None and self._recipe.aim.least

    @property
    def _effort(self) -> str:
        """What went into each point."""
        task = self._found[0]
        said = f"seed {task.seed}, {task.epochs} epochs"
        if self._quick:
            said = f"QUICK, not to choose by: {said} of at most {task.most_samples:,} samples"
        return said

    def kept(self, point: Point) -> None:
        """A point that was there already."""
        self.done += 1
        self._told(point, "kept")

    def ended(self, point: Point) -> None:
        """A point that was done now."""
        self.done += 1
        self._told(point, f"{point.seconds:.0f} s")

    def _told(self, point: Point, when: str) -> None:
        told = [f"[{self.done} of {len(self._found)}] #{self._numbers[point.key]}"]
        told.append(f"{self._name(point)}: {self._result(point)} ({when})")
        output.say(" ".join(told))

    def _result(self, point: Point) -> str:
        if point.failure is not None:
            return f"{point.failure.kind}: {point.failure.message}"
        assert point.judged is not None
        cycles = point.costs.get("cycles")
        said = f"{point.judged.name} {self._figure(point.judged.in_int8.value, point)}"
        return said if cycles is None else f"{said}, {cycles.value:,.0f} cycles"

    def _figure(self, value: float, point: Point) -> str:
        return f"{100 * value:.1f} %" if _is_share(point) else f"{value:.4g}"

    def _is_own(self, point: Point) -> bool:
        return dict(point.knobs) == self._recipe.defaults

    def _name(self, point: Point) -> str:
        """The knobs that are not where the lab has them."""
        if self._is_own(point):
            return "the lab's own"
        moved = {
            name: value
            for name, value in point.knobs.items()
            if value != self._recipe.defaults[name]
        }
        return ", ".join(f"{name} {value}" for name, value in moved.items())

    def _fronts(self, results: Sequence[Point]) -> dict[str, list[int]]:
        """Numbers of the points that nobody beats, by cost."""
        return {
            cost: [position + 1 for position in search.front_of(results, cost, least=self._least)]
            for cost, _ in _PANELS
        }

    def planned(self, store: Store, *, as_json: bool) -> None:
        """What would be done, and what is there."""
        there = [store.load(task.key)[0] is not None for task in self._found]
        if as_json:
            points = [
                {"key": task.key, "knobs": dict(task.knobs), "kept": kept}
                for task, kept in zip(self._found, there, strict=True)
            ]
            output.document({"lab": self._lab.name, "quick": self._quick, "points": points})
            return
        output.show(f"{self._lab.name} on {self._board.name} (virtual): {self._effort}")
        output.table(
            ["#", *(knob.name for knob in self._recipe.knobs), ""],
            [
                [str(number), *map(str, task.knobs.values()), "kept" if kept else "to do"]
                for number, (task, kept) in enumerate(zip(self._found, there, strict=True), 1)
            ],
        )
        output.table(
            ["knob", "what it is", "the lab's own"],
            [[knob.name, knob.meaning, str(knob.default)] for knob in self._recipe.knobs],
        )

    def table(self, results: Sequence[Point]) -> None:
        """All points by what they cost; failed ones last."""
        fronts = self._fronts(results)
        columns = [c for c in _COLUMNS if any(c[0] in point.costs for point in results)]
        judged = next((p.judged for p in results if p.judged is not None), None)
        figure = judged.name if judged is not None else "figure"
        output.show(f"{self._lab.name} on {self._board.name} (virtual): {self._effort}")
        rows = []
        for number, point in sorted(enumerate(results, 1), key=_by_cost):
            row = [str(number), *(str(point.knobs[k.name]) for k in self._recipe.knobs)]
            if point.judged is None:
                row += ["-", "-"]
            else:
                row.append(self._figure(point.judged.in_int8.value, point))
                row.append(self._figure(point.judged.in_float.value, point))
            for key, _, digits in columns:
                cost = point.costs.get(key)
                row.append("-" if cost is None else output.number(cost.value, digits))
            row.append(self._remark(number, point, fronts))
            rows.append(row)
        output.table(
            [
                "#",
                *(knob.name for knob in self._recipe.knobs),
                f"{figure} int8",
                "float32",
                *(heading for _, heading, _ in columns),
                "",
            ],
            rows,
        )
        for line in self._captions(results):
            output.show(line)

    def _remark(self, number: int, point: Point, fronts: dict[str, list[int]]) -> str:
        if point.failure is not None:
            return f"{point.failure.kind}: {point.failure.message}"
        words = [cost.partition("_")[0] for cost, front in fronts.items() if number in front]
        said = f"front: {', '.join(words)}" if words else ""
        own = "the lab's own" if self._is_own(point) else ""
        return "; ".join(word for word in (own, said) if word)

    def _captions(self, results: Sequence[Point]) -> list[str]:
        """Where the numbers come from."""
        lines = []
        judged = [point.judged for point in results if point.judged is not None]
        if judged:
            first = judged[0]
            lines.append(
                f"{first.name}: of {first.samples:,} validation samples; int8 "
                f"{first.in_int8.origin.partition(',')[0]}, float32 "
                f"{first.in_float.origin.partition(',')[0]}."
            )
            lines.append("float32 has no costs: what the compiler takes is int8.")
        origins: dict[str, list[str]] = {}
        for key, _, _ in _COLUMNS:
            for origin in sorted({p.costs[key].origin for p in results if key in p.costs}):
                origins.setdefault(origin, []).append(key.rpartition("_")[0] or key)
        if origins:
            said = "; ".join(f"{', '.join(keys)} {origin}" for origin, keys in origins.items())
            lines.append(f"Costs of one inference on {self._board.name}:")
            lines.append(f"{said}.")
        return lines + search.mixed(results)

    def document(
        self, results: Sequence[Point], store: Store, picture: Path | None
    ) -> dict[str, Any]:
        """The keys of `explore --json` (docs/explore.md)."""
        fronts = self._fronts(results)
        task = self._found[0]
        judged = next((p.judged for p in results if p.judged is not None), None)
        document: dict[str, Any] = {
            "lab": self._lab.name,
            "board": self._board.name,
            "on": "virtual",
            "quick": self._quick,
            "seed": task.seed,
            "epochs": task.epochs,
            "knobs": {
                knob.name: {"meaning": knob.meaning, "default": knob.default}
                for knob in self._recipe.knobs
            },
            "front": fronts,
            "points": [
                {"number": number, "own": self._is_own(point), **point.as_json()}
                for number, point in enumerate(results, 1)
            ],
            "notes": search.mixed(results),
            "folder": str(store.folder),
        }
        if task.most_samples is not None:
            document["most_samples"] = task.most_samples
        if judged is not None:
            document["figure"] = {"name": judged.name, "least": self._least}
        if picture is not None:
            document["picture"] = str(picture)
        return document

    def draw(self, results: Sequence[Point], path: Path) -> bool:
        """The picture; False where no point worked."""
        fronts = self._fronts(results)
        dots = []
        for number, point in enumerate(results, 1):
            if point.failure is None and point.judged is not None:
                value, samples = point.judged.in_int8.value, point.judged.samples
                low, high = (
                    wilson(round(value * samples), samples)
                    if point.judged.name == "accuracy"
                    else (None, None)
                )
                dots.append(
                    Dot(
                        number,
                        self._name(point),
                        {cost: point.costs[cost].value for cost, _ in _PANELS},
                        value,
                        low,
                        high,
                        own=self._is_own(point),
                    )
                )
        if not dots:
            return False
        judged = next(point.judged for point in results if point.judged is not None)
        share = any(_is_share(point) for point in results)
        ours = self._lab.budgets.get(self._board.name, {})
        least = ours.get(judged.name)
        bars = " Bars: 95 % intervals (Wilson)." if dots[0].low is not None else ""
        direction = ", less is better" if self._least else ""
        title = f"{self._lab.name}: {judged.name} against cost on {self._board.name} (virtual)"
        output.write(
            path,
            drawing.emit(
                f"{title}; QUICK, not to choose by" if self._quick else title,
                dots,
                [
                    Panel(cost, label, tuple(fronts[cost]), self._limits(cost))
                    for cost, label in _PANELS
                ],
                Up(
                    f"{judged.name} of the int8 model, validation samples{direction}",
                    percent=share,
                    least=self._least,
                    limits=() if least is None else ((least, "budget, on held-out samples"),),
                ),
                failed=[
                    (number, f"{self._name(point)}: {point.failure.kind}")
                    for number, point in enumerate(results, 1)
                    if point.failure is not None
                ],
                captions=[f"{self._effort}.{bars}", *self._captions(results)],
            ),
        )
        return True

    def _limits(self, cost: str) -> tuple[tuple[float, str], ...]:
        """The board's own, and the lab's budgets for it."""
        ours = self._lab.budgets.get(self._board.name, {})
        found: list[tuple[float, str]] = []
        if cost == "cycles" and "latency_us" in ours:
            cycles = ours["latency_us"] * self._board.clock_hz / 1e6
            found.append((cycles, f"budget, {ours['latency_us'] / 1000:g} ms"))
        if cost in ours:
            found.append((ours[cost], f"budget, {ours[cost]:,.0f}"))
        if cost == "flash_bytes" and self._board.application_flash_bytes is not None:
            limit = self._board.application_flash_bytes
            found.append((limit, f"{self._board.name} has {limit:,} B"))
        return tuple(found)


def _is_share(point: Point) -> bool:
    return point.judged is not None and point.judged.name == "accuracy"


def _by_cost(numbered: tuple[int, Point]) -> tuple[bool, float, int]:
    number, point = numbered
    cycles = point.costs.get("cycles")
    return point.failure is not None, 0.0 if cycles is None else cycles.value, number
