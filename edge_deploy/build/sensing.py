"""What firmware that senses must know of its lab, as macros of `ed_app_config.h`.

Turns a sensor's settings, a lab's features and its decision into macros, and holds the model
against them. Knows nothing of boards.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge_deploy.compiler.text import c_float, c_string
from edge_deploy.errors import BadInput
from edge_deploy.features.windows import full_scale
from edge_deploy.model.graph import DType, Graph, Tensor
from edge_deploy.sensing import (
    AudioFeatureSettings,
    DecisionSettings,
    FeatureSettings,
    ImageFeatureSettings,
    MotionFeatureSettings,
    SourceSettings,
    VibrationFeatureSettings,
    elements,
)

# Words of firmware/src/features/ed_audio.h.
_KINDS = {"log_mel": "ED_AUDIO_LOG_MEL", "mfcc": "ED_AUDIO_MFCC"}


def hold(graph: Graph, labels: Sequence[str], features: FeatureSettings) -> None:
    """Refuse a model that does not take these features, or has not these labels.

    Raises BadInput with both sizes.
    """
    inputs = [graph.tensors[i] for i in graph.inputs]
    outputs = [graph.tensors[i] for i in graph.outputs]
    if not _is_int8(inputs, elements(features)):
        raise BadInput(
            f"the lab's features are {_window(features)} int8; {graph.name} takes {_shown(inputs)}."
        )
    if not _is_int8(outputs, len(labels)):
        raise BadInput(
            f"the lab has {len(labels)} label{'s' * (len(labels) != 1)} with an int8 score each; "
            f"{graph.name} gives {_shown(outputs)}."
        )


def _window(features: FeatureSettings) -> str:
    """The size of a model's input in words of its features."""
    rows, columns = features.shape
    if isinstance(features, AudioFeatureSettings):
        return f"{rows} frames of {columns}"
    if isinstance(features, MotionFeatureSettings):
        return f"{rows} values of {columns} axes"
    if isinstance(features, VibrationFeatureSettings):
        return f"{columns} values of each of {rows} axes"
    return f"a picture of {columns} x {rows}"


def _is_int8(tensors: Sequence[Tensor], count: int) -> bool:
    """Whether these are one quantized int8 tensor of so many elements."""
    return [(t.elements, t.dtype, t.quantization is not None) for t in tensors] == [
        (count, DType.INT8, True)
    ]


def _shown(tensors: Sequence[Tensor]) -> str:
    """Shapes and types, as in `1x49x10x1 int8`."""
    return ", ".join(f"{'x'.join(map(str, t.shape))} {t.dtype.value}" for t in tensors)


def sensor_macros(source: SourceSettings) -> list[str]:
    """The lines of `ed_app_config.h` that say how a sensor is set up."""
    if source.kind == "camera":
        return [
            f"#define ED_APP_SENSOR_WIDTH {source.width}u",
            f"#define ED_APP_SENSOR_HEIGHT {source.height}u",
            f"#define ED_APP_SENSOR_PERIOD_MS {source.period_ms}u",
        ]
    lines = [f"#define ED_APP_SENSOR_RATE_HZ {source.sample_rate_hz}u"]
    if source.kind == "imu":
        lines.append(f"#define ED_APP_SENSOR_AXES {source.axes}")
    return lines


def macros(
    labels: Sequence[str],
    source: SourceSettings,
    features: FeatureSettings,
    decision: DecisionSettings,
) -> list[str]:
    """The lines of `ed_app_config.h` that a sensor, its features and a decision need.

    Times become whole frames: hops of sound, samples of motion, pictures of a camera.
    """
    if isinstance(features, AudioFeatureSettings):
        frame_us = features.hop_samples * 1_000_000 / features.sample_rate_hz
        stride = source.stride_ms * features.sample_rate_hz // (1000 * features.hop_samples)
        lines = _audio(features)
    elif isinstance(features, ImageFeatureSettings):
        frame_us = source.period_ms * 1000.0
        stride = 1
        lines = _image(features)
    else:
        frame_us = 1_000_000 / source.sample_rate_hz
        stride = source.stride_samples
        lines = _motion(features)
    hold_off = -int(-decision.hold_off_ms * 1000 // frame_us)
    ignored = ", ".join(str(int(label in decision.ignore)) for label in labels)
    return [
        *sensor_macros(source),
        *lines,
        f"#define ED_APP_STRIDE {stride}u",
        f"#define ED_APP_DECISION_THRESHOLD {c_float(decision.threshold)}",
        f"#define ED_APP_DECISION_SMOOTH {decision.smooth}",
        f"#define ED_APP_DECISION_HOLD_OFF {hold_off}u",
        f"#define ED_APP_DECISION_IGNORED {{ {ignored} }}",
    ]


def _audio(features: AudioFeatureSettings) -> list[str]:
    settings = (
        _KINDS[features.kind],
        f"{features.sample_rate_hz}u",
        f"{features.frame_samples}u",
        f"{features.hop_samples}u",
        f"{features.fft}u",
        f"{features.mel_bins}u",
        f"{features.coefficients}u",
        c_float(features.low_hz),
        c_float(features.high_hz),
    )
    return [
        f"#define ED_APP_AUDIO_KIND {c_string(features.kind)}",
        f"#define ED_APP_AUDIO_FRAME_SAMPLES {features.frame_samples}",
        f"#define ED_APP_AUDIO_HOP_SAMPLES {features.hop_samples}",
        f"#define ED_APP_AUDIO_FFT {features.fft}",
        f"#define ED_APP_AUDIO_MEL_BINS {features.mel_bins}",
        f"#define ED_APP_AUDIO_BINS {features.bins}",
        f"#define ED_APP_AUDIO_FRAMES {features.frames}",
        f"#define ED_APP_AUDIO_SETTINGS {{ {', '.join(settings)} }}",
    ]


def _motion(features: MotionFeatureSettings | VibrationFeatureSettings) -> list[str]:
    settings: tuple[str, ...]
    if isinstance(features, VibrationFeatureSettings):
        settings = (
            f"{features.sample_rate_hz}u",
            f"{features.samples}u",
            f"{features.bands}u",
            f"{features.fft}u",
            c_float(features.low_hz),
            c_float(features.high_hz),
        )
        lines = [
            "#define ED_APP_MOTION_VIBRATION 1",
            f"#define ED_APP_MOTION_FFT {features.fft}",
            f"#define ED_APP_MOTION_BANDS {features.bands}",
            f"#define ED_APP_MOTION_LOW_HZ {c_float(features.low_hz)}",
            f"#define ED_APP_MOTION_HIGH_HZ {c_float(features.high_hz)}",
        ]
    else:
        scale = ", ".join(map(c_float, full_scale(features)))
        settings = (
            f"{features.axes}u",
            f"{features.samples}u",
            f"{features.average}u",
            f"{int(features.remove_mean)}u",
            f"{{ {scale} }}",
        )
        lines = [
            "#define ED_APP_MOTION_VIBRATION 0",
            f"#define ED_APP_MOTION_AVERAGE {features.average}",
            f"#define ED_APP_MOTION_REMOVE_MEAN {int(features.remove_mean)}",
            f"#define ED_APP_MOTION_ACCEL_G {c_float(features.accel_g)}",
            f"#define ED_APP_MOTION_GYRO_DPS {c_float(features.gyro_dps)}",
        ]
    return [
        f"#define ED_APP_MOTION_KIND {c_string(features.kind)}",
        f"#define ED_APP_MOTION_SAMPLES {features.samples}",
        f"#define ED_APP_MOTION_ELEMENTS {elements(features)}",
        *lines,
        f"#define ED_APP_MOTION_SETTINGS {{ {', '.join(settings)} }}",
    ]


def _image(features: ImageFeatureSettings) -> list[str]:
    return [
        f"#define ED_APP_IMAGE_WIDTH {features.width}",
        f"#define ED_APP_IMAGE_HEIGHT {features.height}",
    ]


def defines(features: FeatureSettings | None) -> dict[str, str]:
    """The room that features need, for the compiler's command line."""
    if isinstance(features, AudioFeatureSettings):
        return {
            "ED_AUDIO_MAX_FFT": str(features.fft),
            "ED_AUDIO_MAX_FRAME": str(features.frame_samples),
            "ED_AUDIO_MAX_MEL_BINS": str(features.mel_bins),
        }
    if isinstance(features, VibrationFeatureSettings):
        return {
            "ED_VIBRATION_MAX_FFT": str(features.fft if features.bands else 0),
            "ED_VIBRATION_MAX_BANDS": str(features.bands),
        }
    return {}
