"""How a stream is shown: JSON lines, plain lines, or the live view; chosen in one place.

A view is entered, shown one reading after the other, and left. What it shows comes from the
reading and the Tally alone, so that a recording shows as its board did.
"""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import Any, Protocol

from edge_deploy.bench import origins
from edge_deploy.cli import output, senses
from edge_deploy.cli.tally import Tally
from edge_deploy.telemetry.hello import WireTensor
from edge_deploy.telemetry.readings import Inference, Log, Power, Reading, to_json
from edge_deploy.telemetry.recording import Header

_PLOT_COLUMNS = 31


class View(Protocol):
    """What a stream is shown by."""

    def __enter__(self) -> View:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""

    def show(self, reading: Reading) -> None:
        """One reading, which the tally has taken already."""


def choose(tally: Tally, *, as_json: bool, plain: bool) -> View:
    """The view that the options ask for, otherwise the one that suits standard output.

    A pipe gets JSON lines. A person at a terminal gets the live view of a model that tells
    labels apart, and plain lines of any other, or where the terminal is a log (`CI`, `TERM=dumb`).
    """
    if as_json or not (plain or sys.stdout.isatty()):
        return JsonLines(tally)
    if plain or os.environ.get("CI") or os.environ.get("TERM") == "dumb":
        return PlainLines(tally)
    if not (tally.header.labels or tally.header.sensing):
        return PlainLines(tally)
    from edge_deploy.cli.live_view import LiveView

    return LiveView(tally)


class _Lines:
    """A view that needs no beginning and no end."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally

    def __enter__(self) -> _Lines:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def show(self, reading: Reading) -> None:
        """One reading."""
        raise NotImplementedError


class JsonLines(_Lines):
    """One JSON object a line, each reading as it is recorded, and the words for its indices."""

    def show(self, reading: Reading) -> None:
        """One line."""
        output.line(json_of(reading, self.tally))


def json_of(reading: Reading, tally: Tally) -> dict[str, Any]:
    """A reading's object: `label` names `top`, `word` what was `heard`, `at_s` when.

    `origin` says for its times, cycles and energy where each comes from.
    """
    flat = to_json(reading)
    if isinstance(reading, Inference | Power):
        flat["origin"] = _origins(reading, tally)
    if isinstance(reading, Inference):
        if reading.top is not None and reading.top < len(tally.header.labels):
            flat["label"] = tally.label(reading.top)
        if reading.heard is not None:
            flat["word"] = tally.label(reading.heard)
        if tally.header.sensing is not None:
            flat["at_s"] = round(tally.at_s(reading), 3)
    return flat


def _origins(reading: Inference | Power, tally: Tally) -> dict[str, str]:
    """Of what the reading has: `latency`, `cycles`, `energy`."""
    known = origins.of(tally.header)
    if isinstance(reading, Power):
        return {"energy": known.energy}  # a board's current is told from its energy
    found = {"latency": known.latency}
    if reading.counts.cycles is not None or reading.counts.cycles_board is not None:
        found["cycles"] = known.cycles
    if reading.counts.energy_nj is not None:
        found["energy"] = known.energy
    return found


class PlainLines(_Lines):
    """A line for each inference; of a board that senses, for each label that it decided on."""

    def __init__(self, tally: Tally) -> None:
        super().__init__(tally)
        self._overruns = 0
        self._lost = 0

    def show(self, reading: Reading) -> None:
        """A line, where there is something to say."""
        if isinstance(reading, Log):
            output.say(reading.text)
        if not isinstance(reading, Inference):
            return
        if self.tally.header.sensing is None:
            output.show(inference_line(reading, self.tally))
        elif reading.heard is not None:
            output.show(decided_line(reading, self.tally))
        self._tell_of_gaps(reading)

    def _tell_of_gaps(self, reading: Inference) -> None:
        """That the board could not keep up is news whenever it gets worse."""
        lost = reading.lost or 0
        if self.tally.header.sensing is not None and (
            reading.overruns > self._overruns or lost > self._lost
        ):
            output.show(
                f"{self.tally.at_s(reading):9.3f} s  the board fell behind: "
                f"{reading.overruns} overruns, {lost:,} {self.tally.lost_what} lost"
            )
        self._overruns, self._lost = reading.overruns, lost


def decided_line(reading: Inference, tally: Tally) -> str:
    """One decision: when, how sure, and what the result that made it cost."""
    word = tally.label(reading.heard if reading.heard is not None else -1)
    sense = senses.of(tally.header.source)
    if tally.threshold is not None:
        decided = f"{word.upper():<10}"
        sure = f"{reading.score or 0.0:.2f} (threshold {tally.threshold:.2f})"
    else:
        decided = f"{sense.decided if sense else 'heard'} {word:<10}"
        sure = f"{reading.score or 0.0:.2f}"
    parts = [
        f"{tally.at_s(reading):9.3f} s",
        decided,
        sure,
        f"dsp {reading.dsp_us:,}",
        f"inference {reading.inference_us:,}",
        f"post {reading.post_us:,} us",
        *_costs(reading),
    ]
    return "  ".join(parts)


def inference_line(reading: Inference, tally: Tally) -> str:
    """One line for one inference: when, what went in and came out, what it cost."""
    header = tally.header
    parts = [f"{reading.t_us / 1e6:9.3f} s"]
    given = _values(reading.input, header.inputs)
    scores = reading.scores
    if given is not None and scores is not None and len(given) == len(scores) == 1:
        low, high = score_range(header)
        parts.append(f"x {given[0]:+7.3f}  y {scores[0]:+7.3f}  {_plot(scores[0], low, high)}")
    elif reading.top is not None and reading.top_score is not None:
        parts.append(f"{tally.label(reading.top)} {reading.top_score:.3f}")
    elif scores:
        best = max(range(len(scores)), key=scores.__getitem__)
        parts.append(f"{tally.label(best)} {scores[best]:.3f}")
    parts.append(f"{reading.end_to_end_us:,} us")
    return "  ".join([*parts, *_costs(reading)])


def _costs(reading: Inference) -> list[str]:
    costs = []
    if reading.counts.cycles is not None:
        costs.append(f"{reading.counts.cycles:,} cycles")
    if reading.counts.energy_nj is not None:
        costs.append(f"{reading.counts.energy_nj / 1000:.2f} uJ")
    return costs


def _values(data: bytes | None, tensors: tuple[WireTensor, ...]) -> list[float] | None:
    """The real values of the only tensor, or None where there is not one or it was not sent."""
    if data is None or len(tensors) != 1 or len(data) != tensors[0].bytes:
        return None
    tensor = tensors[0]
    return [float(value) for value in tensor.dequantize(tensor.decode(data)).reshape(-1)]


def score_range(header: Header) -> tuple[float, float]:
    """The least and the greatest real value that an int8 output can have; 0 to 1 if not known."""
    tensor = header.outputs[0] if header.outputs else None
    if tensor is None or tensor.scale is None or tensor.dtype != "int8":
        return 0.0, 1.0
    zero_point = tensor.zero_point or 0
    return tensor.scale * (-128 - zero_point), tensor.scale * (127 - zero_point)


def _plot(value: float, low: float, high: float) -> str:
    """Where `value` stands between `low` and `high`, as a dot on a line."""
    column = round((value - low) / (high - low) * (_PLOT_COLUMNS - 1))
    column = min(max(column, 0), _PLOT_COLUMNS - 1)
    return "." * column + "o" + "." * (_PLOT_COLUMNS - 1 - column)
