"""What a board senses, told to a person; which of `--mic`, `--imu`, `--camera` does not suit it."""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.devices import Scene
from edge_deploy.errors import NoBoard, UsageError
from edge_deploy.telemetry.hello import Hello


class NoSensor(NoBoard):
    """The firmware senses, and the board has nothing to do so with."""


@dataclass(frozen=True)
class _Sense:
    """How one kind of source is spoken of."""

    option: str
    models: str
    verb: str
    sensor: str
    raw: str
    told: str
    nothing: str
    example: str


_SENSES = {
    "microphone": _Sense(
        "--mic",
        "models that listen",
        "listens",
        "microphone",
        "sound",
        "It hears {}.",
        "It hears silence; --mic recording.wav gives it something to listen to.",
        "--mic recording.wav",
    ),
    "imu": _Sense(
        "--imu",
        "models that feel motion",
        "feels motion",
        "IMU",
        "motion",
        "It feels {}.",
        "It lies still; --imu recording.csv moves it.",
        "--imu recording.csv",
    ),
    "camera": _Sense(
        "--camera",
        "models that look",
        "looks",
        "camera",
        "pictures",
        "It sees {}.",
        "It sees grey; --camera picture.png gives it something to look at.",
        "--camera picture.png",
    ),
}


def refuse_unused(scene: Scene, model: str, source: str) -> None:
    """Raises UsageError for an option that says what `model`, with that source, never senses."""
    own = _SENSES.get(source)
    for sense in _SENSES.values():
        if sense.option in scene.options and sense is not own:
            raise UsageError(
                f"{sense.option} is for {sense.models}; the source of {model} is {source}.",
                try_next=([f"{own.example}  what {model} takes"] if own else [])
                + ["edge-deploy labs  what each lab senses"],
            )


def refuse_senseless(hello: Hello, on: str) -> None:
    """Raises NoSensor where the board has not the sensor that its firmware wants."""
    sense = _SENSES.get(hello.source)
    if sense is not None and hello.source not in hello.sensors:
        raise NoSensor(
            f"{hello.model} {sense.verb}, and {hello.board} ({on}) has no {sense.sensor}.",
            try_next=(
                f"--on virtual  an emulated board has one; {sense.option} says what is there",
                f"edge-deploy evaluate LAB --board BOARD --on {on}  {sense.raw} over the link",
            ),
        )


def told(scene: Scene) -> list[str]:
    """A line for each sensor for which something was said."""
    given = zip(_SENSES.values(), (scene.microphone, scene.imu, scene.camera), strict=True)
    return [sense.told.format(each.description) for sense, each in given if each is not None]


def told_nothing(source: str) -> str | None:
    """What a virtual board with that source senses for which nothing was said; None: no sensor."""
    sense = _SENSES.get(source)
    return None if sense is None else sense.nothing
