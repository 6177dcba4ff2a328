"""A search as people and programs see it: lines while it runs, then tables, JSON and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_deploy.boards import Board
from edge_deploy.cli import output
from edge_deploy.intervals import wilson
from edge_deploy.labs import Lab
from edge_deploy.teaching.explore import picture as drawing
from edge_deploy.teaching.explore import search
from edge_deploy.teaching.explore.picture import Dot, Panel, Up
from edge_deploy.teaching.explore.point import Point
from edge_deploy.teaching.explore.store import Store
from edge_deploy.teaching.explore.task import Task
from edge_deploy.training.recipe import Recipe

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


class Shown:
    """Tells of a search. done: points that are finished."""

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
        said = f"seed {task.seed}, {task.epochs} epoch{'s' if task.epochs > 1 else ''}"
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
        """All points by what they cost, in two tables that fit a terminal; failed ones last."""
        fronts = self._fronts(results)
        columns = [c for c in _COLUMNS if any(c[0] in point.costs for point in results)]
        judged = next((p.judged for p in results if p.judged is not None), None)
        ordered = sorted(enumerate(results, 1), key=_by_cost)
        output.show(f"{self._lab.name} on {self._board.name} (virtual): {self._effort}")
        output.table(
            [
                "#",
                *(knob.name for knob in self._recipe.knobs),
                "figure" if judged is None else judged.name,
                "float32",
                "front for",
            ],
            [self._row(number, point, fronts) for number, point in ordered],
        )
        output.table(
            ["#", *(heading for _, heading, _ in columns)],
            [
                [str(number), *(_cost(point, key, digits) for key, _, digits in columns)]
                for number, point in ordered
                if point.costs
            ],
        )
        for number, point in ordered:
            if point.failure is not None:
                output.show(f"#{number}  {point.failure.kind}: {point.failure.message}")
        for line in self._captions(results):
            output.show(line)

    def _row(self, number: int, point: Point, fronts: dict[str, list[int]]) -> list[str]:
        row = [str(number), *(str(point.knobs[knob.name]) for knob in self._recipe.knobs)]
        for value in ("in_int8", "in_float"):
            judged = None if point.judged is None else getattr(point.judged, value).value
            row.append("-" if judged is None else self._figure(judged, point))
        words = ["own"] if self._is_own(point) else []
        if point.failure is not None:
            words.append("failed")
        words += [cost.partition("_")[0] for cost, front in fronts.items() if number in front]
        return [*row, ", ".join(words)]

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


def _cost(point: Point, key: str, digits: int) -> str:
    cost = point.costs.get(key)
    return "-" if cost is None else output.number(cost.value, digits)


def _is_share(point: Point) -> bool:
    return point.judged is not None and point.judged.name == "accuracy"


def _by_cost(numbered: tuple[int, Point]) -> tuple[bool, float, int]:
    number, point = numbered
    cycles = point.costs.get("cycles")
    return point.failure is not None, 0.0 if cycles is None else cycles.value, number
