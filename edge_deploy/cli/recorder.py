"""A board with firmware that sends raw samples: put there, unless it is there already."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import edge_deploy
from edge_deploy import boards
from edge_deploy.cli import prepare, senses
from edge_deploy.cli.options import Target
from edge_deploy.devices import Scene, is_emulated
from edge_deploy.devices.device import Device
from edge_deploy.errors import NoBoard, WrongBoard
from edge_deploy.sensing import SourceSettings
from edge_deploy.telemetry.facts import RecorderFacts
from edge_deploy.telemetry.session import Session

LABS = {"microphone": "kws", "imu": "gesture", "camera": "vision"}
"""Whose rate or size a sensor has where nobody names a lab."""


@contextlib.contextmanager
def opened(target: Target, source: SourceSettings, scene: Scene) -> Iterator[Session]:
    """A session with a board whose firmware records from that sensor; it may not have it.

    What is behind a port that somebody named is used as it is. Raises WrongBoard where that
    records something else, or is another board.
    """
    with prepare.device(target, wait_states=False, scene=scene) as device:
        emulated = device.port in prepare.PORTS
        if emulated or not (target.on.startswith("port:") or _records(device, source, target)):
            board = boards.load(target.board)
            prepare.flash(device, prepare.recorder(board, device.port, source))
        with prepare.opened(device, target.timeout_s) as session:
            _refuse_other(session, source, target)
            yield session


def refuse_senseless(session: Session, source: SourceSettings, target: Target) -> None:
    """Raises NoBoard for a board that has not the sensor."""
    hello = session.board
    if source.kind not in hello.sensors:
        sense = senses.of(source.kind)
        assert sense is not None
        raise NoBoard(
            f"{hello.board} ({target.on}) has no {sense.sensor}.",
            try_next=[
                f"--on virtual    an emulated one has, with {sense.option} FILE"
                if is_emulated("virtual", boards.load(target.board))
                else "--board nano33    which has an emulated one (--on virtual)"
            ],
        )


def _records(device: Device, source: SourceSettings, target: Target) -> bool:
    """Whether a real board runs this version's recorder of that sensor already."""
    hello = prepare.asked(device, target.timeout_s)
    return hello is not None and (hello.board, hello.firmware, hello.recorder) == (
        target.board,
        edge_deploy.__version__,
        _recorded(source),
    )


def _refuse_other(session: Session, source: SourceSettings, target: Target) -> None:
    hello = session.board
    if hello.board != target.board:
        raise WrongBoard(
            f"the board on {target.on} is a {hello.board}, not a {target.board}.",
            try_next=[f"--board {hello.board}"],
        )
    if hello.recorder != _recorded(source):
        what = (
            "does not record" if hello.recorder is None else "records another sensor, rate or size"
        )
        raise WrongBoard(
            f"the firmware on {target.on} {what}: it runs {hello.model}, and cannot be replaced "
            "from here.",
            try_next=["--on virtual"],
        )


def _recorded(source: SourceSettings) -> RecorderFacts:
    """What firmware that records from this source says of itself."""
    if source.kind == "camera":
        return RecorderFacts(
            source.kind, width=source.width, height=source.height, period_ms=source.period_ms
        )
    return RecorderFacts(source.kind, source.sample_rate_hz, axes=source.axes)
