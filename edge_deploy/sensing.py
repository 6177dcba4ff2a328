"""What a lab's model senses with: `source`, `features` and `decision` of lab.yaml, checked.

A source is a sensor, a ramp, or nothing. A sensor needs features, which make the model's input of
its raw samples, and a decision, which says when results mean something. Knows nothing of boards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_deploy.yamlfile import Fields, Value

SENSORS = ("microphone", "imu", "camera")
SOURCES = ("none", "ramp", *SENSORS)

# What can be made of a sensor's samples.
FEATURES = {
    "microphone": ("log_mel", "mfcc"),
    "imu": ("motion", "vibration"),
    "camera": ("image",),
}

# What the keys of each kind of source are.
_KEYS: dict[str, tuple[str, ...]] = {
    "none": (),
    "ramp": ("from", "to", "steps", "period_ms"),
    "microphone": ("sample_rate_hz", "stride_ms"),
    "imu": ("sample_rate_hz", "axes", "stride_samples"),
    "camera": ("width", "height", "period_ms"),
}
# 3 of acceleration, or those and 3 of rotation.
AXES = (3, 6)
_ACCELERATION_AXES = AXES[0]
# What an accelerometer of 16 bits and a gyroscope beside it measure: edge_deploy/motion.py.
_FULL_SCALE_G, _FULL_SCALE_DPS = 4.0, 2000.0
# Beyond 2^16 samples of 2^15 their sum is no int32 any more.
_WINDOW_SAMPLES_MOST = 4_096
# Results that a decision may be a mean of: at five a second more than anyone waits for.
_SMOOTH_MOST = 16


@dataclass(frozen=True)
class SourceSettings:
    """Where a streaming board takes its inputs from.

    kind: "none", or "ramp": `steps` inputs, evenly from `from_` to just before `to`, one every
    `period_ms`, over and over. `from_` and `to` are in the model's real units, not quantized.
    "microphone": an inference every `stride_ms` on what was heard at `sample_rate_hz`.
    "imu": an inference every `stride_samples` of `axes` values each (3: acceleration, 6: rotation
    too) at `sample_rate_hz`. "camera": an inference every `period_ms` on a grey picture of
    `width` x `height` pixels.
    """

    kind: str = "none"
    from_: float = 0.0
    to: float = 0.0
    steps: int = 0
    period_ms: int = 0
    sample_rate_hz: int = 0
    stride_ms: int = 0
    axes: int = 0
    stride_samples: int = 0
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class AudioFeatureSettings:
    """What features are made of sound, and how many frames of them are a model's input.

    kind: "log_mel" (`mel_bins` features a frame) or "mfcc" (`coefficients` of them).
    frame_samples, hop_samples, fft: in samples at `sample_rate_hz`; fft is a power of two, not
    shorter than a frame. coefficients: 0 for log_mel. frames: oldest first.
    """

    kind: str
    sample_rate_hz: int
    frame_samples: int
    hop_samples: int
    fft: int
    mel_bins: int
    coefficients: int
    low_hz: float
    high_hz: float
    frames: int

    @property
    def bins(self) -> int:
        """Features of one frame."""
        return self.coefficients if self.kind == "mfcc" else self.mel_bins

    @property
    def shape(self) -> tuple[int, ...]:
        """(frames, bins)."""
        return self.frames, self.bins


@dataclass(frozen=True)
class MotionFeatureSettings:
    """The last `samples` samples of an IMU as they are, scaled.

    average: so many consecutive samples become one value; divides `samples`. remove_mean: each
    axis less its mean over the window. accel_g, gyro_dps: what becomes 1.0; gyro_dps is 0 where
    only acceleration is used.
    """

    axes: int
    samples: int
    average: int
    remove_mean: bool
    accel_g: float
    gyro_dps: float

    @property
    def kind(self) -> str:
        """As lab.yaml has it."""
        return "motion"

    @property
    def shape(self) -> tuple[int, ...]:
        """(samples / average, axes)."""
        return self.samples // self.average, self.axes


@dataclass(frozen=True)
class VibrationFeatureSettings:
    """For each axis of the last `samples` accelerations how strong they are, and at which pitch.

    bands: of equal width from low_hz to high_hz; 0: the strength alone, and what follows is 0.
    fft: a power of two, not shorter than `samples`.
    """

    sample_rate_hz: int
    samples: int
    bands: int = 0
    fft: int = 0
    low_hz: float = 0.0
    high_hz: float = 0.0

    @property
    def kind(self) -> str:
        """As lab.yaml has it."""
        return "vibration"

    @property
    def axes(self) -> int:
        """Rotation says nothing of vibration."""
        return _ACCELERATION_AXES

    @property
    def shape(self) -> tuple[int, ...]:
        """(axes, 1 + bands): the logarithm of the rms first."""
        return self.axes, 1 + self.bands


@dataclass(frozen=True)
class ImageFeatureSettings:
    """A grey picture, cut to the proportions of `width` x `height` and made as small."""

    source_width: int
    source_height: int
    width: int
    height: int

    @property
    def kind(self) -> str:
        """As lab.yaml has it."""
        return "image"

    @property
    def shape(self) -> tuple[int, ...]:
        """(height, width)."""
        return self.height, self.width


FeatureSettings = (
    AudioFeatureSettings | MotionFeatureSettings | VibrationFeatureSettings | ImageFeatureSettings
)


def elements(settings: FeatureSettings) -> int:
    """Values of a model's input."""
    return math.prod(settings.shape)


@dataclass(frozen=True)
class DecisionSettings:
    """When results of a sensing model are a decision.

    The mean of the last `smooth` score vectors has its largest element at a label that is not in
    `ignore`, at least `threshold`, and `hold_off_ms` have passed since the last decision.
    """

    threshold: float
    smooth: int
    hold_off_ms: int
    ignore: tuple[str, ...] = ()


def read(
    fields: Fields, labels: tuple[str, ...]
) -> tuple[SourceSettings, FeatureSettings | None, DecisionSettings | None]:
    """`source`, and `features` and `decision`, which a sensor needs and nothing else has.

    fields: of a whole lab.yaml, whose `labels` are these. Raises BadFile.
    """
    given = fields.get("source")
    source = SourceSettings() if given is None else _source(given)
    features, decision = fields.get("features"), fields.get("decision")
    if given is None or source.kind not in SENSORS:
        for value in (features, decision):
            if value is not None:
                raise value.wrong("is for a lab whose source is a sensor.")
        return source, None, None
    if features is None or decision is None:
        raise given.wrong(f"kind {source.kind} needs `features` and `decision` beside it.")
    if not labels:
        raise given.wrong(f"kind {source.kind} needs `labels`: what is found must have a name.")
    settings = _features(features, source)
    if isinstance(settings, AudioFeatureSettings) and (
        source.stride_ms * source.sample_rate_hz % (1000 * settings.hop_samples) != 0
    ):
        raise given.wrong(f"stride_ms: expected a multiple of hop_ms, found {source.stride_ms}.")
    return source, settings, _decision(decision, labels)


def _source(value: Value) -> SourceSettings:
    """`source`: its kind, and what that kind needs."""
    known = tuple(key for keys in _KEYS.values() for key in keys)
    kind = value.fields(required=("kind",), optional=known)["kind"].choice(SOURCES)
    fields = value.fields(required=("kind", *_KEYS[kind]))
    if kind == "none":
        return SourceSettings()
    if kind == "microphone":
        # 8 kHz is a telephone's, 48 kHz the most that these microphones give.
        return SourceSettings(
            kind=kind,
            sample_rate_hz=fields["sample_rate_hz"].integer(8_000, 48_000),
            stride_ms=fields["stride_ms"].integer(1, 60_000),
        )
    if kind == "imu":
        # 952 Hz is the most that an LSM9DS1 gives (its data sheet, "ODR").
        return SourceSettings(
            kind=kind,
            sample_rate_hz=fields["sample_rate_hz"].integer(1, 952),
            axes=_axes(fields["axes"]),
            stride_samples=fields["stride_samples"].integer(1, _WINDOW_SAMPLES_MOST),
        )
    if kind == "camera":
        # 320 x 240 is QVGA: 76,800 B, as much of a small board's RAM as a picture may have.
        return SourceSettings(
            kind=kind,
            width=fields["width"].integer(8, 320),
            height=fields["height"].integer(8, 240),
            period_ms=fields["period_ms"].integer(10, 60_000),
        )
    # Beyond 2^24 a float32 cannot count steps; a minute is the longest anyone watches for.
    ramp = SourceSettings(
        kind=kind,
        from_=fields["from"].number(-1e30, 1e30),
        to=fields["to"].number(-1e30, 1e30),
        steps=fields["steps"].integer(1, 1 << 24),
        period_ms=fields["period_ms"].integer(1, 60_000),
    )
    if ramp.from_ == ramp.to:
        raise fields["to"].wrong(f"expected another number than `from`, {ramp.from_:g}.")
    return ramp


def _axes(value: Value) -> int:
    axes = value.integer(AXES[0], AXES[-1])
    if axes not in AXES:
        raise value.expected("3 (acceleration) or 6 (rotation too)")
    return axes


_AUDIO = ("frame_ms", "hop_ms", "fft", "mel_bins", "low_hz", "high_hz", "frames")
_MOTION = ("samples", "accel_g")
_BANDS = ("bands", "fft", "low_hz", "high_hz")
_IMAGE = ("width", "height")
_ANY = ("coefficients", "average", "remove_mean", "gyro_dps")


def _features(value: Value, source: SourceSettings) -> FeatureSettings:
    """`features`: all of them, each within what `firmware/src/features` can do."""
    known = {*_AUDIO, *_MOTION, *_BANDS, *_IMAGE, *_ANY}
    fields = value.fields(required=("kind",), optional=tuple(sorted(known)))
    kind = fields["kind"].choice(FEATURES[source.kind])
    if kind == "motion":
        return _motion(value, source)
    if kind == "vibration":
        return _vibration(value, source)
    if kind == "image":
        return _image(value, source)
    return _audio(value, kind, source.sample_rate_hz)


def _audio(value: Value, kind: str, sample_rate_hz: int) -> AudioFeatureSettings:
    """Frames of sound."""
    fields = value.fields(required=("kind", *_AUDIO), optional=("coefficients",))
    coefficients = fields.get("coefficients")
    if (kind == "mfcc") != (coefficients is not None):
        where = value if coefficients is None else coefficients
        raise where.wrong("`coefficients` belongs to mfcc, and to nothing else.")
    mel_bins = fields["mel_bins"].integer(2, 128)
    audio = AudioFeatureSettings(
        kind=kind,
        sample_rate_hz=sample_rate_hz,
        frame_samples=_samples(fields["frame_ms"], sample_rate_hz),
        hop_samples=_samples(fields["hop_ms"], sample_rate_hz),
        fft=fields["fft"].integer(64, 4096),
        mel_bins=mel_bins,
        coefficients=0 if coefficients is None else coefficients.integer(1, mel_bins),
        low_hz=fields["low_hz"].number(0, sample_rate_hz / 2),
        high_hz=fields["high_hz"].number(0, sample_rate_hz / 2),
        frames=fields["frames"].integer(1, 1_000),
    )
    _hold_fft(fields, audio.fft, audio.frame_samples, "the frame's")
    if audio.hop_samples > audio.frame_samples:
        raise fields["hop_ms"].wrong("expected at most frame_ms: no sample may be skipped.")
    if audio.low_hz >= audio.high_hz:
        raise fields["high_hz"].wrong(f"expected more than low_hz, {audio.low_hz:g}.")
    return audio


def _motion(value: Value, source: SourceSettings) -> MotionFeatureSettings:
    """The samples of an IMU themselves."""
    rotation = ("gyro_dps",) if source.axes == AXES[-1] else ()
    fields = value.fields(
        required=("kind", *_MOTION, *rotation), optional=("average", "remove_mean")
    )
    average, remove_mean = fields.get("average"), fields.get("remove_mean")
    settings = MotionFeatureSettings(
        axes=source.axes,
        samples=fields["samples"].integer(1, _WINDOW_SAMPLES_MOST),
        average=1 if average is None else average.integer(1, _WINDOW_SAMPLES_MOST),
        remove_mean=remove_mean is not None and remove_mean.flag(),
        accel_g=fields["accel_g"].number(0.001, _FULL_SCALE_G),
        gyro_dps=fields["gyro_dps"].number(0.1, _FULL_SCALE_DPS) if rotation else 0.0,
    )
    if average is not None and settings.samples % settings.average:
        raise average.expected(f"what divides the {settings.samples} samples")
    return settings


def _vibration(value: Value, source: SourceSettings) -> VibrationFeatureSettings:
    """Strength of acceleration, and its spectrum where `bands` are asked for."""
    if source.axes != _ACCELERATION_AXES:
        raise value.wrong("vibration is made of acceleration alone: the source needs axes: 3.")
    asked = value.fields(required=("kind", "samples"), optional=_BANDS).get("bands")
    fields = value.fields(required=("kind", "samples", *(() if asked is None else _BANDS)))
    samples = fields["samples"].integer(8, _WINDOW_SAMPLES_MOST)
    if asked is None:
        return VibrationFeatureSettings(source.sample_rate_hz, samples)
    settings = VibrationFeatureSettings(
        sample_rate_hz=source.sample_rate_hz,
        samples=samples,
        bands=fields["bands"].integer(1, 64),
        fft=fields["fft"].integer(32, _WINDOW_SAMPLES_MOST),
        low_hz=fields["low_hz"].number(0, source.sample_rate_hz / 2),
        high_hz=fields["high_hz"].number(0, source.sample_rate_hz / 2),
    )
    _hold_fft(fields, settings.fft, samples, "the window's")
    if settings.low_hz >= settings.high_hz:
        raise fields["high_hz"].wrong(f"expected more than low_hz, {settings.low_hz:g}.")
    band_hz = (settings.high_hz - settings.low_hz) / settings.bands
    bin_hz = source.sample_rate_hz / settings.fft
    if band_hz < bin_hz:
        raise fields["bands"].wrong(
            f"expected bands of at least {bin_hz:.2f} Hz, which an fft of {settings.fft} "
            f"resolves; they are {band_hz:.2f} Hz wide."
        )
    return settings


def _image(value: Value, source: SourceSettings) -> ImageFeatureSettings:
    """A picture made smaller."""
    fields = value.fields(required=("kind", *_IMAGE))
    return ImageFeatureSettings(
        source_width=source.width,
        source_height=source.height,
        width=fields["width"].integer(1, source.width),
        height=fields["height"].integer(1, source.height),
    )


def _hold_fft(fields: Fields, fft: int, samples: int, whose: str) -> None:
    if fft & (fft - 1) or fft < samples:
        raise fields["fft"].expected(f"a power of two, not below {whose} {samples} samples")


def _samples(value: Value, sample_rate_hz: int) -> int:
    """A time in whole milliseconds, as a whole number of samples."""
    time_ms = value.integer(1, 60_000)
    if time_ms * sample_rate_hz % 1000 != 0:
        raise value.expected(f"a whole number of samples at {sample_rate_hz:,} Hz")
    return time_ms * sample_rate_hz // 1000


def _decision(value: Value, labels: tuple[str, ...]) -> DecisionSettings:
    """`decision`: when results are one."""
    fields = value.fields(required=("threshold", "smooth", "hold_off_ms"), optional=("ignore",))
    ignore = fields.get("ignore")
    entries = [] if ignore is None else ignore.entries()
    return DecisionSettings(
        threshold=fields["threshold"].number(-1e30, 1e30),
        smooth=fields["smooth"].integer(1, _SMOOTH_MOST),
        hold_off_ms=fields["hold_off_ms"].integer(0, 60_000),
        ignore=tuple(entry.choice(labels) for entry in entries),
    )
