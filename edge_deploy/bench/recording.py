"""A sensor's raw samples -> labelled clips in a folder: cut, judged, and kept one by one.

What is kept is whole and in its place before the next take begins, so that whatever ends a
recording (Ctrl-C, an unplugged board, a full disk) leaves nothing half. Knows nothing about
boards; whoever watches is told of every piece and every take.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from edge_deploy import audio, motion, pictures, recordings
from edge_deploy.bench import takes
from edge_deploy.bench.takes import Cutter, Form, Judged, Problem, Samples
from edge_deploy.errors import EdgeDeployError
from edge_deploy.recordings import Clip, Facts
from edge_deploy.telemetry.raw import RawSamples

# So many takes in a row that are worth nothing are no accident of the person's.
GIVE_UP_AFTER = 5


class NothingWorthKeeping(EdgeDeployError):
    """Take after take failed the same checks."""


class Watcher(Protocol):
    """Whoever looks on."""

    def sensed(self, samples: Samples, cutter: Cutter) -> None:
        """A piece has come; the cutter knows whether a take is under way."""

    def kept(self, clip: Clip, judged: Judged) -> None:
        """A take is in its place."""

    def dropped(self, judged: Judged) -> None:
        """A take was not worth keeping."""


@dataclass(frozen=True)
class Order:
    """What is to be recorded, and where to.

    count: so many clips; None: until `last`, or without end. last: raw samples that there are;
    None: without end. keep_all: whole takes are kept whatever they hold.
    """

    folder: Path
    label: str
    speaker: str
    session: str
    facts: Facts
    form: Form
    count: int | None = None
    last: int | None = None
    keep_all: bool = False


@dataclass
class Outcome:
    """What has come of it so far."""

    clips: list[Clip] = field(default_factory=list)
    dropped: list[Judged] = field(default_factory=list)


def record(pieces: Iterable[RawSamples], order: Order, watcher: Watcher, outcome: Outcome) -> None:
    """Keep takes until the order is fulfilled or the pieces end; `outcome` grows on the way.

    Raises NothingWorthKeeping after GIVE_UP_AFTER takes in a row of a sensor without an end,
    what `recordings.keep` raises, and whatever ends the pieces.
    """
    cutter = Cutter(order.form)
    in_vain = 0
    camera = order.form.source.kind == "camera"
    for piece in pieces:
        samples = piece.samples[np.newaxis] if camera else piece.samples
        watcher.sensed(samples, cutter)
        for take in cutter.feed(piece.number, samples):
            judged = takes.judge(order.form, take)
            if judged.problem is None or (order.keep_all and judged.problem is not Problem.LOST):
                clip = keep(order, take.samples)
                outcome.clips.append(clip)
                watcher.kept(clip, judged)
                in_vain = 0
                if order.count is not None and len(outcome.clips) >= order.count:
                    return
                continue
            outcome.dropped.append(judged)
            watcher.dropped(judged)
            in_vain += 1
            if in_vain >= GIVE_UP_AFTER and order.last is None:
                raise NothingWorthKeeping(
                    f"{in_vain} takes in a row were not worth keeping; the last one: {judged.why}.",
                    try_next=[judged.advice],
                )
        if order.last is not None and cutter.position >= order.last:
            return


def keep(order: Order, samples: Samples) -> Clip:
    """Put one take into the folder as a file of its sensor's kind."""
    source = order.form.source

    def write(path: Path) -> None:
        if source.kind == "microphone":
            audio.write(path, samples, rate_hz=source.sample_rate_hz)
        elif source.kind == "imu":
            motion.write(path, samples)
        else:
            frame = np.asarray(samples, np.uint8).reshape(source.height, source.width)
            pictures.write(path, frame)

    return recordings.keep(
        order.folder, order.label, order.speaker, order.session, order.facts, write
    )
