"""How each kind of sensor is spoken of; what a virtual one senses, told, and held to the model.

Also how long what it senses takes, in results of the firmware's. Knows nothing of terminals.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.devices import Scene
from edge_deploy.errors import BadInput, NoBoard, UsageError
from edge_deploy.telemetry.facts import CAMERA, IMU, MICROPHONE, ImageFacts, MotionFacts
from edge_deploy.telemetry.facts import SensingFacts as Sensing
from edge_deploy.telemetry.hello import Hello


class NoSensor(NoBoard):
    """The firmware senses, and the board has nothing to do so with."""


@dataclass(frozen=True)
class Sense:
    """How one kind of source is spoken of.

    option: that says what a virtual board senses. models: those that want it. verb: what such a
    model does. sensor: what a board needs for it. raw: what the sensor gives. told: what it senses.
    nothing: where nothing was said. example: of the option. waits: of a board that has decided
    nothing yet. decided: of a label. none: where no label was. lost: what the sensor may drop.
    """

    option: str
    models: str
    verb: str
    sensor: str
    raw: str
    told: str
    nothing: str
    example: str
    waits: str
    decided: str
    none: str
    lost: str


_SENSES = {
    MICROPHONE: Sense(
        option="--mic",
        models="models that listen",
        verb="listens",
        sensor="microphone",
        raw="sound",
        told="It hears {}.",
        nothing="It hears silence; --mic recording.wav gives it something to listen to.",
        example="--mic recording.wav",
        waits="listening",
        decided="heard",
        none="No word was heard.",
        lost="samples",
    ),
    IMU: Sense(
        option="--imu",
        models="models that feel motion",
        verb="feels motion",
        sensor="IMU",
        raw="motion",
        told="It feels {}.",
        nothing="It lies still; --imu recording.csv moves it.",
        example="--imu recording.csv",
        waits="waiting for motion",
        decided="felt",
        none="Nothing was felt.",
        lost="samples",
    ),
    CAMERA: Sense(
        option="--camera",
        models="models that look",
        verb="looks",
        sensor="camera",
        raw="pictures",
        told="It sees {}.",
        nothing="It sees grey; --camera picture.png gives it something to look at.",
        example="--camera picture.png",
        waits="looking",
        decided="seen",
        none="Nothing was seen.",
        lost="frames",
    ),
}


def of(source: str) -> Sense | None:
    """How that source is spoken of; None for one that is no sensor."""
    return _SENSES.get(source)


def refuse_unused(scene: Scene, model: str, source: str) -> None:
    """Raises UsageError for an option that says what `model`, with that source, never senses."""
    own = of(source)
    for sense in _SENSES.values():
        if sense.option in scene.options and sense is not own:
            raise UsageError(
                f"{sense.option} is for {sense.models}; the source of {model} is {source}.",
                try_next=([f"{own.example}  what {model} takes"] if own else [])
                + ["edge-deploy labs  what each lab senses"],
            )


def refuse_axes(scene: Scene, model: str, axes: int) -> None:
    """Raises BadInput for recordings of motion that lack what `model` feels: `axes` of it."""
    if scene.imu is not None and scene.imu.axes < axes:
        raise BadInput(
            f"{scene.imu.words} has {scene.imu.axes} columns, acceleration alone; {model} feels "
            f"{axes}, rates of turn too.",
            try_next=("record with a gyroscope: aX,aY,aZ,gX,gY,gZ, a line a sample",),
        )


def refuse_senseless(hello: Hello, on: str) -> None:
    """Raises NoSensor where the board has not the sensor that its firmware wants."""
    sense = of(hello.source)
    if sense is not None and hello.source not in hello.sensors:
        evaluate = f"edge-deploy evaluate {hello.model} --board {hello.board} --on {on}"
        raise NoSensor(
            f"{hello.model} {sense.verb}, and {hello.board} ({on}) has no {sense.sensor}.",
            try_next=(
                f"--board nano33 --on virtual  that has one; {sense.option} says what it senses",
                f"{evaluate}  {sense.raw} from recordings, over the link",
            ),
        )


def told(scene: Scene) -> list[str]:
    """A line for each sensor for which something was said."""
    given = zip(_SENSES.values(), (scene.microphone, scene.imu, scene.camera), strict=True)
    return [sense.told.format(each.description) for sense, each in given if each is not None]


def strides(scene: Scene, sensing: Sensing | None) -> int | None:
    """How many results it takes until all of the scene was sensed; None where it has no end."""
    if isinstance(sensing, ImageFacts):
        return None if scene.camera is None else _least(scene.camera.frames(sensing.period_ms))
    if isinstance(sensing, MotionFacts):
        samples = None if scene.imu is None else scene.imu.samples(sensing.rate_hz)
        return None if samples is None else _least(samples // sensing.stride)
    if sensing is None or scene.microphone is None or scene.microphone.duration_s is None:
        return None
    samples = round(scene.microphone.duration_s * sensing.rate_hz)
    return _least(sensing.frames_in(samples) // sensing.stride)


def _least(results: int | None) -> int | None:
    return None if results is None else max(1, results)


def sensed_us(sensing: Sensing, strides: int) -> float:
    """How long it takes until so many strides were sensed, since the sensor was switched on."""
    if isinstance(sensing, ImageFacts):
        return strides * sensing.stride_us
    return 1e6 * sensing.samples_in(strides * sensing.stride) / sensing.rate_hz
