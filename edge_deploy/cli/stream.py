"""A stream from its beginning to its summary: shown, recorded, ended by its count or by Ctrl-C."""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from edge_deploy import places
from edge_deploy.cli import output, senses, views
from edge_deploy.cli.tally import Tally
from edge_deploy.cli.views import View
from edge_deploy.devices import Scene
from edge_deploy.errors import LinkLost, UsageError
from edge_deploy.telemetry.hello import Hello
from edge_deploy.telemetry.readings import Inference, LinkHealth, Reading
from edge_deploy.telemetry.recording import Header, Recorder
from edge_deploy.telemetry.session import Session

FOLDER = "recordings"
"""Of recordings, below the user's data folder."""


@dataclass(frozen=True)
class Showing:
    """How a stream is to be shown, and when it ends by itself.

    count: inferences. scene: what a virtual board senses until everything was played.
    """

    as_json: bool = False
    plain: bool = False
    count: int | None = None
    scene: Scene = field(default_factory=Scene)

    def __post_init__(self) -> None:
        if self.as_json and self.plain:
            raise UsageError("--json and --plain exclude each other; give one of them.")

    def strides(self, hello: Hello) -> int | None:
        """After how many inferences, made or missed, the stream ends; None for Ctrl-C."""
        ends = [] if self.count is None else [self.count]
        played = senses.strides(self.scene, hello.sensing)
        if played is not None:
            ends.append(played)
        return min(ends, default=None)


def show_stream(session: Session, *, on: str, showing: Showing) -> None:
    """Stream until the end that `showing` knows or Ctrl-C, show and record each, and sum up.

    Ctrl-C is the normal end of a live stream: it leads to the summary, not to an error.
    Raises NoSensor (`senses.refuse_senseless`); LinkLost after the summary of what had come.
    """
    hello = session.board
    senses.refuse_senseless(hello, on)
    path = _recording_path(hello.model)
    header = Header.now(hello, on=on)
    tally = Tally(header)
    with Recorder(path, header) as recorder:
        try:
            with views.choose(tally, as_json=showing.as_json, plain=showing.plain) as view:
                before = LinkHealth()
                with (
                    suppress(KeyboardInterrupt),
                    closing(_until(session, showing.strides(hello))) as readings,
                ):
                    for reading in readings:
                        before = _tell_health(session, before, recorder, tally, view)
                        _take(reading, recorder, tally, view)
                _tell_health(session, before, recorder, tally, view)
        except LinkLost:
            sum_up(tally, f"Recorded in {path}")
            raise
    sum_up(tally, f"Recorded in {path}")


def _until(session: Session, strides: int | None) -> Generator[Reading, None, None]:
    """What the board streams, until that many inferences were made or missed."""
    with closing(session.stream(strides)) as readings:
        for reading in readings:
            yield reading
            # A missed one counts: what is sensed does not wait for it.
            if (
                strides is not None
                and isinstance(reading, Inference)
                and reading.n + reading.overruns + 1 >= strides
            ):
                return


def _tell_health(
    session: Session, before: LinkHealth, recorder: Recorder, tally: Tally, view: View
) -> LinkHealth:
    """What the link has damaged is a reading of its own, whenever it has grown."""
    health = session.health
    now = LinkHealth(health.lost_records, health.corrupt_lines, health.retries)
    if now != before:
        _take(now, recorder, tally, view)
    return now


def _take(reading: Reading, recorder: Recorder | None, tally: Tally, view: View) -> None:
    if recorder is not None:
        recorder.write(reading)
    tally.add(reading)
    view.show(reading)


def show_again(readings: Iterable[Reading], tally: Tally, showing: Showing) -> None:
    """Readings of a recording, as they come, through the same views. Ctrl-C ends it."""
    with (
        suppress(KeyboardInterrupt),
        views.choose(tally, as_json=showing.as_json, plain=showing.plain) as view,
    ):
        for reading in readings:
            _take(reading, None, tally, view)


def sum_up(tally: Tally, last: str) -> None:
    """What was decided, what it cost, and `last`; on stderr."""
    if tally.header.sensing is not None and tally.inferences:
        _tell_decisions(tally)
    for line in tally.summary():
        output.say(line)
    output.say(last)


def _tell_decisions(tally: Tally) -> None:
    """A table of them, in the words of the sensor."""
    unusual = tally.threshold is not None
    sense = senses.of(tally.header.source)
    assert sense is not None
    if not tally.heard:
        output.say(f"No {tally.label(0)}." if unusual else sense.none)
        return
    confidence = "score" if unusual else "confidence"
    output.table(
        [sense.decided, "at, s", confidence],
        [[each.word, f"{each.at_s:.2f}", f"{each.confidence:.2f}"] for each in tally.heard],
        err=True,
    )


def _recording_path(model: str) -> Path:
    stamp = dt.datetime.now(dt.timezone.utc).strftime("%Y%m%d-%H%M%S-%f")
    plain = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in model)
    return places.home() / FOLDER / f"{stamp}-{plain or 'model'}.jsonl"
