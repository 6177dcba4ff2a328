"""How firmware senses, by its own word: the record of `hello` that says so, typed.

docs/wire.md, "hello". What the kinds have in common has the same names in all of them, so that
whoever only wants a model's window or its pace need not ask which sensor there is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from edge_deploy.telemetry.failures import ForeignFirmware
from edge_deploy.telemetry.wire import Record

MICROPHONE = "microphone"
IMU = "imu"
CAMERA = "camera"
RECORDER = "recorder"
"""The `source` of firmware whose sensor's samples go to the host as they are."""


@dataclass(frozen=True)
class AudioFacts:
    """How firmware listens (`ed-audio`).

    frame, hop, fft: samples. bins: features of a frame; mel: bands they are made of.
    frames: how many make the model's input. stride, hold_off: hops. threshold: of the mean of the
    last `smooth` results.
    """

    sensor: ClassVar[str] = MICROPHONE
    record: ClassVar[str] = "audio"

    kind: str
    rate_hz: int
    frame: int
    hop: int
    fft: int
    mel: int
    bins: int
    frames: int
    stride: int
    threshold: float
    smooth: int
    hold_off: int

    @property
    def sample_bytes(self) -> int:
        """Of one raw sample on the wire."""
        return 2

    @property
    def stride_us(self) -> float:
        """Time between two inferences."""
        return 1e6 * self.stride * self.hop / self.rate_hz

    @property
    def window_samples(self) -> int:
        """How many samples the model's input covers."""
        return (self.frames - 1) * self.hop + self.frame

    def frames_in(self, samples: int) -> int:
        """How many frames are complete once so many samples came to a cleared window."""
        return max(0, (samples - self.frame) // self.hop + 1)

    def samples_in(self, frames: int) -> int:
        """How many samples it takes to complete so many frames of a cleared window."""
        return (frames - 1) * self.hop + self.frame if frames > 0 else 0


@dataclass(frozen=True)
class MotionFacts:
    """How firmware follows motion (`ed-motion`). Each sample is a frame.

    kind: "motion" or "vibration". axes: of a raw sample, 3 or 6. samples: that the model's input
    covers. stride, hold_off: samples. What belongs to the other kind is 0.
    """

    sensor: ClassVar[str] = IMU
    record: ClassVar[str] = "motion"

    kind: str
    rate_hz: int
    axes: int
    samples: int
    stride: int
    threshold: float
    smooth: int
    hold_off: int
    average: int = 0
    remove_mean: bool = False
    accel_g: float = 0.0
    gyro_dps: float = 0.0
    fft: int = 0
    bands: int = 0
    low_hz: float = 0.0
    high_hz: float = 0.0

    @property
    def sample_bytes(self) -> int:
        """Of one raw sample on the wire."""
        return 2 * self.axes

    @property
    def stride_us(self) -> float:
        """Time between two inferences."""
        return 1e6 * self.stride / self.rate_hz

    @property
    def window_samples(self) -> int:
        """How many samples the model's input covers."""
        return self.samples

    def frames_in(self, samples: int) -> int:
        """How many frames so many samples are."""
        return samples

    def samples_in(self, frames: int) -> int:
        """How many samples so many frames are."""
        return frames


@dataclass(frozen=True)
class ImageFacts:
    """How firmware sees (`ed-image`). A raw sample is a pixel; hold_off: frames."""

    sensor: ClassVar[str] = CAMERA
    record: ClassVar[str] = "image"
    kind: ClassVar[str] = "image"
    stride: ClassVar[int] = 1

    width: int
    height: int
    to_width: int
    to_height: int
    period_ms: int
    threshold: float
    smooth: int
    hold_off: int

    @property
    def sample_bytes(self) -> int:
        """Of one raw sample on the wire."""
        return 1

    @property
    def stride_us(self) -> float:
        """Time between two inferences."""
        return 1e3 * self.period_ms

    @property
    def window_samples(self) -> int:
        """How many samples the model's input covers: those of a frame."""
        return self.width * self.height

    def frames_in(self, samples: int) -> int:
        """How many whole frames are in so many samples."""
        return samples // self.window_samples

    def samples_in(self, frames: int) -> int:
        """How many samples so many frames have."""
        return frames * self.window_samples


@dataclass(frozen=True)
class RecorderFacts:
    """Whose raw samples firmware sends (`ed-recorder`). What another sensor has is 0."""

    sensor: str
    rate_hz: int = 0
    axes: int = 0
    width: int = 0
    height: int = 0
    period_ms: int = 0

    @property
    def sample_bytes(self) -> int:
        """Of one raw sample on the wire."""
        return {MICROPHONE: 2, IMU: 2 * self.axes, CAMERA: 1}[self.sensor]


SensingFacts = AudioFacts | MotionFacts | ImageFacts
Facts = SensingFacts | RecorderFacts

KINDS = {MICROPHONE: "audio", IMU: "motion", CAMERA: "image", RECORDER: "recorder"}
"""For each `source` that has one, the record that says how it senses."""

_F = TypeVar("_F", bound=Facts)


def read(record: Record) -> Facts:
    """One of the records in KINDS.

    Raises ForeignFirmware for one that no firmware of ours would send, BadRecord.
    """
    readers: dict[str, Callable[[Record], Facts]] = {
        "audio": _audio,
        "motion": _motion,
        "image": _image,
        "recorder": _recorder,
    }
    return readers[record.kind](record)


def from_json(line: Mapping[str, Any]) -> SensingFacts | None:
    """What stands under the name of a record that says how firmware senses; None without one.

    Raises KeyError, TypeError, ValueError where it is not what `dataclasses.asdict` makes.
    """
    for made in (AudioFacts, MotionFacts, ImageFacts):
        if made.record in line:
            return _from_json(made, line[made.record])
    return None


def _from_json(made: type[SensingFacts], flat: Mapping[str, Any]) -> SensingFacts:
    types: dict[object, Callable[[Any], Any]] = {"int": int, "float": float, "bool": bool}
    values = {
        field.name: types.get(field.type, str)(flat[field.name])
        for field in dataclasses.fields(made)
    }
    facts = made(**values)
    if min(facts.stride_us, facts.window_samples, facts.sample_bytes) <= 0:
        raise ValueError(f"{made.record} without samples.")
    return facts


def _audio(record: Record) -> AudioFacts:
    facts = AudioFacts(
        kind=record.text("kind"),
        rate_hz=record.integer("rate_hz"),
        frame=record.integer("frame"),
        hop=record.integer("hop"),
        fft=record.integer("fft"),
        mel=record.integer("mel"),
        bins=record.integer("bins"),
        frames=record.integer("frames"),
        stride=record.integer("stride"),
        threshold=record.optional_float32("threshold_bits") or 0.0,
        smooth=record.integer("smooth"),
        hold_off=record.integer("hold_off"),
    )
    return _positive(record, facts, "rate_hz", "frame", "hop", "bins", "frames", "stride")


def _motion(record: Record) -> MotionFacts:
    facts = MotionFacts(
        kind=record.text("kind"),
        rate_hz=record.integer("rate_hz"),
        axes=record.integer("axes"),
        samples=record.integer("samples"),
        stride=record.integer("stride"),
        threshold=record.optional_float32("threshold_bits") or 0.0,
        smooth=record.integer("smooth"),
        hold_off=record.integer("hold_off"),
        average=record.optional_integer("average") or 0,
        remove_mean=bool(record.optional_integer("remove_mean")),
        accel_g=record.optional_float32("accel_bits") or 0.0,
        gyro_dps=record.optional_float32("gyro_bits") or 0.0,
        fft=record.optional_integer("fft") or 0,
        bands=record.optional_integer("bands") or 0,
        low_hz=record.optional_float32("low_bits") or 0.0,
        high_hz=record.optional_float32("high_bits") or 0.0,
    )
    return _positive(record, facts, "rate_hz", "axes", "samples", "stride")


def _image(record: Record) -> ImageFacts:
    facts = ImageFacts(
        width=record.integer("width"),
        height=record.integer("height"),
        to_width=record.integer("to_width"),
        to_height=record.integer("to_height"),
        period_ms=record.integer("period_ms"),
        threshold=record.optional_float32("threshold_bits") or 0.0,
        smooth=record.integer("smooth"),
        hold_off=record.integer("hold_off"),
    )
    return _positive(record, facts, "width", "height", "to_width", "to_height", "period_ms")


def _recorder(record: Record) -> RecorderFacts:
    sensor = record.text("sensor")
    needed = {
        MICROPHONE: ("rate_hz",),
        IMU: ("rate_hz", "axes"),
        CAMERA: ("width", "height", "period_ms"),
    }.get(sensor)
    if needed is None:
        raise ForeignFirmware(f"the board's ed-recorder has sensor={sensor[:20]}.")
    facts = RecorderFacts(sensor, **{key: record.integer(key) for key in needed})
    return _positive(record, facts, *needed)


def _positive(record: Record, facts: _F, *keys: str) -> _F:
    for key in keys:
        if getattr(facts, key) < 1:
            raise ForeignFirmware(f"the board's ed-{record.kind} has {key}={getattr(facts, key)}.")
    return facts
