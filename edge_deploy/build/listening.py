"""What firmware that listens must know of its lab, as macros of `ed_app_config.h`.

Turns a lab's features and decision into macros, and holds the model against them. Knows nothing
of boards.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge_deploy.compiler.text import c_float, c_string
from edge_deploy.errors import BadInput
from edge_deploy.model.graph import DType, Graph, Tensor
from edge_deploy.sensing import AudioFeatureSettings, DecisionSettings, SourceSettings

# Words of firmware/src/features/ed_audio.h.
_KINDS = {"log_mel": "ED_AUDIO_LOG_MEL", "mfcc": "ED_AUDIO_MFCC"}


def hold(graph: Graph, labels: Sequence[str], features: AudioFeatureSettings) -> None:
    """Refuse a model that does not take these features, or has not these labels.

    Raises BadInput with both sizes.
    """
    inputs = [graph.tensors[i] for i in graph.inputs]
    outputs = [graph.tensors[i] for i in graph.outputs]
    if not _is_int8(inputs, features.frames * features.bins):
        raise BadInput(
            f"the lab's features are {features.frames} frames of {features.bins} int8; "
            f"{graph.name} takes {_shown(inputs)}."
        )
    if not _is_int8(outputs, len(labels)):
        raise BadInput(
            f"the lab has {len(labels)} labels with an int8 score each; "
            f"{graph.name} gives {_shown(outputs)}."
        )


def _is_int8(tensors: Sequence[Tensor], elements: int) -> bool:
    """Whether these are one quantized int8 tensor of so many elements."""
    return [(t.elements, t.dtype, t.quantization is not None) for t in tensors] == [
        (elements, DType.INT8, True)
    ]


def _shown(tensors: Sequence[Tensor]) -> str:
    """Shapes and types, as in `1x49x10x1 int8`."""
    return ", ".join(f"{'x'.join(map(str, t.shape))} {t.dtype.value}" for t in tensors)


def macros(
    labels: Sequence[str],
    source: SourceSettings,
    features: AudioFeatureSettings,
    decision: DecisionSettings,
) -> list[str]:
    """The lines of `ed_app_config.h` that a microphone needs, whole samples and hops."""
    hop_us = features.hop_samples * 1_000_000 / features.sample_rate_hz
    stride = source.stride_ms * features.sample_rate_hz // (1000 * features.hop_samples)
    hold_off = -int(-decision.hold_off_ms * 1000 // hop_us)
    ignored = ", ".join(str(int(label in decision.ignore)) for label in labels)
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
        f"#define ED_APP_AUDIO_RATE_HZ {features.sample_rate_hz}u",
        f"#define ED_APP_AUDIO_FRAME_SAMPLES {features.frame_samples}",
        f"#define ED_APP_AUDIO_HOP_SAMPLES {features.hop_samples}",
        f"#define ED_APP_AUDIO_FFT {features.fft}",
        f"#define ED_APP_AUDIO_MEL_BINS {features.mel_bins}",
        f"#define ED_APP_AUDIO_BINS {features.bins}",
        f"#define ED_APP_AUDIO_FRAMES {features.frames}",
        f"#define ED_APP_AUDIO_STRIDE {stride}",
        f"#define ED_APP_AUDIO_SETTINGS {{ {', '.join(settings)} }}",
        f"#define ED_APP_DECISION_THRESHOLD {c_float(decision.threshold)}",
        f"#define ED_APP_DECISION_SMOOTH {decision.smooth}",
        f"#define ED_APP_DECISION_HOLD_OFF {hold_off}u",
        f"#define ED_APP_DECISION_IGNORED {{ {ignored} }}",
    ]


def defines(features: AudioFeatureSettings | None) -> dict[str, str]:
    """The room that `ed_audio` needs, for the compiler's command line."""
    if features is None:
        return {}
    return {
        "ED_AUDIO_MAX_FFT": str(features.fft),
        "ED_AUDIO_MAX_FRAME": str(features.frame_samples),
        "ED_AUDIO_MAX_MEL_BINS": str(features.mel_bins),
    }
