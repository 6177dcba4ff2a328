"""The cycle model held against a board: layers measured there beside the same layers modelled.

Turns profiles of the same models on both into the clock and the wait states under which the model
gives the board's times, with what is left of each layer. Knows nothing of flashing or files.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edge_deploy import __version__
from edge_deploy.bench import origins
from edge_deploy.bench.measure import BenchResult
from edge_deploy.calibration import Calibration
from edge_deploy.errors import EdgeDeployError

SCHEMA_VERSION = 1
# With fewer the two factors would follow the noise of single layers.
LAYERS_LEAST = 6


class NotEnough(EdgeDeployError):
    """What was measured does not tell both factors."""


@dataclass(frozen=True)
class Point:
    """One layer. cycles (zero wait states), flash_words: as modelled. measured: by the board."""

    model: str
    layer: int
    operator: str
    cycles: int
    flash_words: int
    measured: int

    @property
    def ratio(self) -> float:
        """Measured cycles by modelled ones without wait states."""
        return self.measured / self.cycles


@dataclass(frozen=True)
class Fit:
    """measured = per_cycle * cycles + per_word * flash_words, by least squares of relative errors.

    core_hz: the board's cycles by its own microseconds. worst: the largest relative error that is
    left of a layer; rms: of all of them. *_error: standard errors.
    """

    per_cycle: float
    per_cycle_error: float
    per_word: float
    per_word_error: float
    core_hz: float
    rms: float
    worst: float

    @property
    def clock_hz(self) -> int:
        """At which modelled cycles take the measured time."""
        return round(self.core_hz / self.per_cycle)

    @property
    def wait_states(self) -> int:
        """In modelled cycles, to the nearest whole one that is not negative."""
        return max(0, round(self.per_word / self.per_cycle))


@dataclass(frozen=True)
class Report:
    """What `calibrate` found, to be shared: nothing of the person is in it."""

    board: str
    on: str
    measured_at: str
    firmware: str
    toolchain: str
    modelled_toolchain: str
    nominal_clock_hz: int
    modelled_wait_states: int
    origin: str
    points: tuple[Point, ...]
    fit: Fit

    @property
    def id(self) -> str:
        """Eight hex digits of all that is in it."""
        return hashlib.sha256(json.dumps(self._content(), sort_keys=True).encode()).hexdigest()[:8]

    @property
    def calibration(self) -> Calibration:
        """What a virtual board is to run by."""
        return Calibration(
            self.id, self.board, self.measured_at, self.fit.clock_hz, self.fit.wait_states
        )

    def as_json(self) -> dict[str, Any]:
        """The report's document."""
        return {"schema_version": SCHEMA_VERSION, "id": self.id, **self._content()}

    def _content(self) -> dict[str, Any]:
        fit = self.fit
        return {
            "board": self.board,
            "on": self.on,
            "measured_at": self.measured_at,
            "tool_version": __version__,
            "firmware": self.firmware,
            "toolchain": self.toolchain,
            "modelled_toolchain": self.modelled_toolchain,
            "host": platform.system(),
            "nominal_clock_hz": self.nominal_clock_hz,
            "modelled_wait_states": self.modelled_wait_states,
            "origin": self.origin,
            "clock_hz": fit.clock_hz,
            "flash_wait_states": fit.wait_states,
            "fit": {key: _rounded(value) for key, value in asdict(fit).items()},
            "layers": [{**asdict(point), "ratio": _rounded(point.ratio)} for point in self.points],
        }


def points(
    name: str, measured: BenchResult, modelled: BenchResult, wait_states: int
) -> list[Point]:
    """The layers that both have. Raises NotEnough where the board counts no cycles.

    wait_states: those that were modelled.
    """
    found = []
    for on_board, in_model in zip(measured.layers, modelled.layers, strict=True):
        real = on_board.counts.cycles_board
        cycles, with_flash = in_model.counts.cycles, in_model.counts.cycles_board
        if real is None or cycles is None or with_flash is None:
            raise NotEnough(
                f"{measured.hello.board} on {measured.on} counts no cycles of its own.",
                try_next=("edge-deploy bench  its times are still measured",),
            )
        words = (with_flash - cycles) // wait_states
        found.append(Point(name, on_board.index, on_board.operator or "?", cycles, words, real))
    return found


def fit(found: Sequence[Point], core_hz: float) -> Fit:
    """Least squares with every layer's error relative to what was measured. Raises NotEnough."""
    used = [point for point in found if point.measured > 0 and point.cycles > 0]
    if len(used) < LAYERS_LEAST:
        raise NotEnough(f"{len(used)} layers were measured; at least {LAYERS_LEAST} are needed.")
    rows = [(point.cycles / point.measured, point.flash_words / point.measured) for point in used]
    a = sum(x * x for x, _ in rows)
    b = sum(x * y for x, y in rows)
    c = sum(y * y for _, y in rows)
    determinant = a * c - b * b
    if determinant <= 1e-9 * a * c:
        raise NotEnough(
            "the layers read flash all alike, so its wait states cannot be told from the clock."
        )
    p, q = sum(x for x, _ in rows), sum(y for _, y in rows)
    per_cycle, per_word = (c * p - b * q) / determinant, (a * q - b * p) / determinant
    errors = [x * per_cycle + y * per_word - 1.0 for x, y in rows]
    variance = sum(error * error for error in errors) / max(1, len(rows) - 2)
    return Fit(
        per_cycle=per_cycle,
        per_cycle_error=math.sqrt(variance * c / determinant),
        per_word=per_word,
        per_word_error=math.sqrt(variance * a / determinant),
        core_hz=core_hz,
        rms=math.sqrt(sum(error * error for error in errors) / len(errors)),
        worst=max(abs(error) for error in errors),
    )


def core_hz(measured: Sequence[BenchResult]) -> float:
    """The board's cycles by its own microseconds, over everything that was run."""
    cycles = sum(result.lap.counts.cycles_board or 0 for result in measured)
    us = sum(result.lap.us for result in measured)
    if not cycles or not us:
        raise NotEnough("the board's clock and its cycle counter have not moved.")
    return cycles / us * 1e6


def report(
    measured: Sequence[BenchResult],
    modelled: Sequence[BenchResult],
    *,
    measured_at: str,
    nominal_clock_hz: int,
    wait_states: int,
) -> Report:
    """Both profiles of each model, in the same order, as a report. Raises NotEnough.

    wait_states: those that were modelled, at least 1.
    """
    found = [
        point
        for real, model in zip(measured, modelled, strict=True)
        for point in points(real.hello.model, real, model, wait_states)
    ]
    first, other = measured[0], modelled[0]
    return Report(
        board=first.hello.board,
        on=first.on,
        measured_at=measured_at,
        firmware=first.hello.firmware,
        toolchain=first.manifest.toolchain if first.manifest else "?",
        modelled_toolchain=other.manifest.toolchain if other.manifest else "?",
        nominal_clock_hz=nominal_clock_hz,
        modelled_wait_states=wait_states,
        origin=origins.of(first.hello).cycles,
        points=tuple(found),
        fit=fit(found, core_hz(measured)),
    )


def markdown(report: Report) -> str:
    """The report as a page."""
    fit = report.fit
    rows = "\n".join(
        f"| {p.model} | {p.layer} | {p.operator} | {p.cycles:,} | {p.flash_words:,} "
        f"| {p.measured:,} | {p.ratio:.3f} |"
        for p in report.points
    )
    return _PAGE.format(
        report=report,
        fit=fit,
        version=__version__,
        waits=fit.per_word / fit.per_cycle,
        rms=100 * fit.rms,
        worst=100 * fit.worst,
        rows=rows,
    )


_PAGE = """\
# Calibration {report.id} of a {report.board}

Measured {report.measured_at} with edge-deploy {version}, firmware {report.firmware} by
{report.toolchain}; modelled with {report.modelled_toolchain}. Origin: {report.origin}.

| what | modelled | found |
|---|---|---|
| clock of modelled cycles | {report.nominal_clock_hz:,} Hz | {fit.clock_hz:,} Hz |
| wait states of flash data | {report.modelled_wait_states} | {fit.wait_states} ({waits:.2f}) |

Measured cycles = {fit.per_cycle:.4f} (+- {fit.per_cycle_error:.4f}) x modelled cycles
\\+ {fit.per_word:.3f} (+- {fit.per_word_error:.3f}) x 32-bit words of data read from flash.
The core ran at {fit.core_hz:,.0f} Hz by its own clock. What is left of a layer: {rms:.1f} % rms,
{worst:.1f} % at most.

| model | layer | operator | modelled cycles | flash words | measured cycles | ratio |
|---|---|---|---|---|---|---|
{rows}
"""


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
