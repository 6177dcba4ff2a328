"""The verb that shows a recording again: replay."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from edge_deploy import places
from edge_deploy.cli import output
from edge_deploy.cli.options import debug_option, view_options
from edge_deploy.cli.stream import FOLDER, Showing, show_again, sum_up
from edge_deploy.cli.tally import Tally
from edge_deploy.errors import BadInput
from edge_deploy.telemetry import recording
from edge_deploy.telemetry.readings import Inference, Power, Reading

MAX = math.inf


class Speed(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.3 only
    """A factor of the recording's own pace, or `max`."""

    name = "speed"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The factor; infinity for `max`."""
        if isinstance(value, float):
            return value
        if value == "max":
            return MAX
        try:
            factor = float(str(value))
        except ValueError:
            factor = math.nan
        if not 0 < factor < MAX:
            self.fail(f"{value!r} is neither a number above 0 nor max.", param, ctx)
        return factor


@click.command()
@click.argument("path", metavar="[RECORDING]", type=click.Path(path_type=Path), required=False)
@click.option(
    "--speed",
    type=Speed(),
    default=None,
    metavar="N|max",
    help="N times as fast as it was  [default: 1 on a terminal, max elsewhere]",
)
@view_options
@debug_option
def replay(path: Path | None, speed: float | None, as_json: bool, plain: bool) -> None:
    """Show a recording again, as it was seen; without RECORDING, the latest one.

    Every stream is recorded; its last line says where.
    """
    showing = Showing(as_json=as_json, plain=plain)
    path = path or _latest()
    loaded = recording.load(path)
    if speed is None:
        speed = 1.0 if sys.stdout.isatty() else MAX
    header = loaded.header
    output.say(
        f"{header.model_name} on {header.board} ({header.on}, {header.engine}), {header.started}"
    )
    tally = Tally(header)
    show_again(_paced(loaded.readings, speed), tally, showing)
    sum_up(tally, f"Replayed {path}")
    if loaded.cut_bytes:
        output.say(f"Its last line was cut off ({loaded.cut_bytes} B): it is left out.")


def _latest() -> Path:
    folder = places.home() / FOLDER
    found = sorted(folder.glob("*.jsonl"))  # names begin with their time
    if not found:
        raise BadInput(
            f"nothing was recorded yet: {folder} has no recordings.",
            try_next=["edge-deploy flash --board nano33 --on virtual hello  makes one"],
        )
    return found[-1]


def _paced(readings: Iterable[Reading], speed: float) -> Iterator[Reading]:
    """Each reading when it is due by the board's clock; at once where that went back."""
    began_s, first_us, last_us = time.monotonic(), 0, 0
    started = False
    for reading in readings:
        if speed != MAX and isinstance(reading, Inference | Power):
            if not started or reading.t_us < last_us:  # the first one, or the board was restarted
                began_s, first_us, started = time.monotonic(), reading.t_us, True
            last_us = reading.t_us
            due_s = began_s + (reading.t_us - first_us) / 1e6 / speed
            time.sleep(max(0.0, due_s - time.monotonic()))
        yield reading
