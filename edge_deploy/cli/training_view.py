"""How training is watched: bars on a terminal, lines in a pipe, JSON events for a program.

All of it on stderr: stdout is for what training gives.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from edge_deploy.cli import output

if TYPE_CHECKING:
    from rich.progress import Progress

    from edge_deploy.training import Batch, Epoch, Watch

# So many lines of epochs in a pipe, whatever their number.
_LINES = 10
_MINUTE_S = 60


@contextlib.contextmanager
def watching(*, as_json: bool) -> Iterator[Watch]:
    """What `training.train` tells, shown while it happens."""
    from edge_deploy.training import Watch

    if as_json:
        yield Watch(epoch=_epoch_event, say=lambda text: _event("stage", text=text))
    elif output.is_terminal(sys.stderr):
        with _bars() as drawn:
            yield Watch(epoch=drawn.epoch, batch=drawn.batch, say=drawn.say)
    else:
        yield Watch(epoch=_Lines(time.monotonic).epoch, say=output.say)


def figures(epoch: Epoch) -> str:
    """What an epoch reached: `loss 0.123   validation 0.234   accuracy 91.2 %`."""
    accuracy = epoch.validation_accuracy
    return f"loss {epoch.loss:.5f}   validation {epoch.validation_loss:.5f}" + (
        "" if accuracy is None else f"   accuracy {100 * accuracy:.1f} %"
    )


def duration(seconds: float) -> str:
    """`40 s`, `12 min`: as much as a person wants to know."""
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE_S:.0f} min"


def _event(name: str, **content: Any) -> None:  # noqa: ANN401
    output.say(json.dumps({"event": name, **content}))


def _epoch_event(epoch: Epoch) -> None:
    _event(
        "epoch",
        number=epoch.number,
        of=epoch.of,
        loss=epoch.loss,
        validation_loss=epoch.validation_loss,
        validation_accuracy=epoch.validation_accuracy,
    )


class _Lines:
    """A line now and then, with the time that is left as the epochs so far tell it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._first: tuple[int, float] | None = None

    def epoch(self, epoch: Epoch) -> None:
        """One epoch is done."""
        now, left = self._clock(), ""
        if self._first is None:
            self._first = epoch.number, now
        elif epoch.number < epoch.of:
            number, then = self._first
            each = (now - then) / (epoch.number - number)
            left = f"   {duration(each * (epoch.of - epoch.number))} left"
        last = epoch.number == epoch.of
        if last or epoch.number == 1 or epoch.number % max(1, epoch.of // _LINES) == 0:
            output.say(f"epoch {epoch.number:>4} of {epoch.of}   {figures(epoch)}{left}")


class _Bars:
    """A bar of the epochs with what the last one reached, and one of the batches of this one."""

    def __init__(self, drawn: Progress) -> None:
        self._drawn = drawn
        self._tasks: dict[str, Any] = {}

    def epoch(self, epoch: Epoch) -> None:
        """One epoch is done. Shorter than a line's figures: 80 columns hold it and the bar."""
        told = f"loss {epoch.loss:.4f}  validation {epoch.validation_loss:.4f}"
        if epoch.validation_accuracy is not None:
            told += f"  {100 * epoch.validation_accuracy:.1f} %"
        self._show("epochs", epoch.number, epoch.of, told)

    def batch(self, batch: Batch) -> None:
        """Some batches are done."""
        if "epochs" not in self._tasks:
            self._show("epochs", batch.epoch - 1, batch.epochs, "")
        self._show(f"epoch {batch.epoch}", batch.number, batch.of, f"loss {batch.loss:.4f}", "now")

    def say(self, text: str) -> None:
        """A line above the bars."""
        self._drawn.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _show(self, name: str, done: int, of: int, told: str, key: str = "") -> None:
        key = key or name
        if key not in self._tasks:
            # From where it goes on: what was done before says nothing of the time that is left.
            self._tasks[key] = self._drawn.add_task(name, total=of, completed=done, told=told)
            return
        self._drawn.update(self._tasks[key], description=name, completed=done, total=of, told=told)


@contextlib.contextmanager
def _bars() -> Iterator[_Bars]:
    from rich import progress
    from rich.console import Console

    with progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(bar_width=14),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(compact=True),
        progress.TextColumn("{task.fields[told]}", markup=False),
        console=Console(stderr=True),
        # An epoch may take a minute; the usual 30 s would know of none.
        speed_estimate_period=3600,
        transient=True,
    ) as drawn:
        yield _Bars(drawn)
