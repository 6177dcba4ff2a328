"""A live stream on a terminal or as JSON lines, recorded, with a summary at its end."""

from __future__ import annotations

import datetime as dt
import statistics
from contextlib import closing, suppress
from pathlib import Path

from edge_deploy import places
from edge_deploy.bench import origins
from edge_deploy.cli import output
from edge_deploy.telemetry.readings import Inference, Log, to_json
from edge_deploy.telemetry.recording import Header, Recorder
from edge_deploy.telemetry.session import Hello, Session, WireTensor

_PLOT_COLUMNS = 31


def show_stream(session: Session, *, on: str, count: int | None, as_json: bool) -> None:
    """Stream until `count` inferences or Ctrl-C, print and record each, and sum up.

    Ctrl-C is the normal end of a live stream: it leads to the summary, not to an error.
    """
    hello = session.board
    inferences: list[Inference] = []
    path = _recording_path(hello.model)
    header = Header.now(hello, on=on)
    with (
        Recorder(path, header) as recorder,
        closing(session.stream(count)) as readings,
        suppress(KeyboardInterrupt),
    ):
        for reading in readings:
            recorder.write(reading)
            if isinstance(reading, Inference):
                inferences.append(reading)
            if as_json:
                output.line(to_json(reading))
            elif isinstance(reading, Inference):
                output.show(_inference_line(reading, hello))
            elif isinstance(reading, Log):
                output.say(reading.text)
    _summary(session, inferences, path)


def _inference_line(reading: Inference, hello: Hello) -> str:
    """One line for one inference: when, what went in and came out, what it cost."""
    parts = [f"{reading.t_us / 1e6:9.3f} s"]
    given = _values(reading.input, hello.inputs)
    result = _values(reading.output, hello.outputs)
    if given is not None and result is not None and len(given) == len(result) == 1:
        low, high = _range(hello.outputs[0])
        parts.append(f"x {given[0]:+7.3f}  y {result[0]:+7.3f}  {_plot(result[0], low, high)}")
    elif result is not None:
        best = max(range(len(result)), key=result.__getitem__)
        label = hello.labels[best] if best < len(hello.labels) else f"output {best}"
        parts.append(f"{label} {result[best]:.3f}")
    parts.append(f"{reading.end_to_end_us:,} us")
    if reading.counts.cycles is not None:
        parts.append(f"{reading.counts.cycles:,} cycles")
    if reading.counts.energy_nj is not None:
        parts.append(f"{reading.counts.energy_nj / 1000:.2f} uJ")
    return "  ".join(parts)


def _values(data: bytes | None, tensors: tuple[WireTensor, ...]) -> list[float] | None:
    """The real values of the only tensor, or None where there is not one or it was not sent."""
    if data is None or len(tensors) != 1 or len(data) != tensors[0].bytes:
        return None
    tensor = tensors[0]
    return [float(value) for value in tensor.dequantize(tensor.decode(data)).reshape(-1)]


def _range(tensor: WireTensor) -> tuple[float, float]:
    """The least and the greatest real value that an int8 tensor can have."""
    scale, zero_point = tensor.scale or 1.0, tensor.zero_point or 0
    return scale * (-128 - zero_point), scale * (127 - zero_point)


def _plot(value: float, low: float, high: float) -> str:
    """Where `value` stands between `low` and `high`, as a dot on a line."""
    column = round((value - low) / (high - low) * (_PLOT_COLUMNS - 1))
    column = min(max(column, 0), _PLOT_COLUMNS - 1)
    return "." * column + "o" + "." * (_PLOT_COLUMNS - 1 - column)


def _summary(session: Session, inferences: list[Inference], path: Path) -> None:
    health = session.health
    if inferences:
        origin = origins.of(session.board).latency
        middle = statistics.median(reading.end_to_end_us for reading in inferences)
        output.say(
            f"{len(inferences)} inferences, median {middle:,.0f} us ({origin}), "
            f"{inferences[-1].overruns} overruns, {health.lost_records} records lost, "
            f"{health.corrupt_lines} corrupt lines."
        )
    else:
        output.say("No inference came.")
    output.say(f"Recorded in {path}")


def _recording_path(model: str) -> Path:
    stamp = dt.datetime.now(dt.timezone.utc).strftime("%Y%m%d-%H%M%S-%f")
    plain = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in model)
    return places.home() / "recordings" / f"{stamp}-{plain or 'model'}.jsonl"
