"""The host's own way from raw samples to scores, which a board's is held against, bit for bit.

The features come from the very C source that the board runs, compiled for this computer; the
model runs on the reference kernels. Knows nothing of boards and sessions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_deploy import features
from edge_deploy.bench.verify import Reference
from edge_deploy.errors import BadInput, UnsupportedModel
from edge_deploy.features import AudioFeatures, ImageFeatures
from edge_deploy.labs import Lab
from edge_deploy.model.graph import DType, Graph
from edge_deploy.sensing import AudioFeatureSettings, FeatureSettings


class Quantizing(Protocol):
    """Real features to a model's int8, rounded as on the board."""

    def quantize(
        self, features: NDArray[np.float32], scale: float, zero_point: int
    ) -> NDArray[np.int8]:
        """Of any shape."""


class Framing(Quantizing, Protocol):
    """Sound to features: `edge_deploy.features.AudioFeatures` is one."""

    def clip(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """(n,) int16 -> (frames, bins) float32: every whole frame, from the first sample on."""


class Windowing(Quantizing, Protocol):
    """A whole window of samples to features: those of motion, vibration and images."""

    def window(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """(samples, axes) int16, or (height, width) uint8 -> float32 of the settings' shape."""


class Host:
    """One lab's chain on this computer; its children know the sensor.

    settings: of the features. reference: has the model of `graph`.
    Raises UnsupportedModel where the model takes no such window, or gives no int8 scores.
    """

    def __init__(self, settings: FeatureSettings, graph: Graph, reference: Reference) -> None:
        self._reference = reference
        self._input = graph.tensors[graph.inputs[0]]
        output = graph.tensors[graph.outputs[0]]
        terms, scores = self._input.quantization, output.quantization
        if (
            terms is None
            or self._input.dtype is not DType.INT8
            or self._input.elements != math.prod(settings.shape)
        ):
            raise UnsupportedModel(
                f"the model takes {self._input.dtype.value} {list(self._input.shape)}; the lab's "
                f"features ({settings.kind}) are {list(settings.shape)}, as int8."
            )
        if scores is None or output.dtype is not DType.INT8:
            raise UnsupportedModel(
                f"the model gives {output.dtype.value} {list(output.shape)}; the scores of a lab "
                "with a sensor are int8."
            )
        self._scale, self._zero_point = terms.scale, terms.zero_point
        self.score_scale, self.score_zero_point = scores.scale, scores.zero_point

    @property
    def reference(self) -> str:
        """What runs the model here, with its version."""
        return self._reference.name

    def cut(self, samples: NDArray[Any]) -> NDArray[Any]:
        """As much of a recording as one window is made of, from its beginning."""
        raise NotImplementedError

    def is_short(self, samples: NDArray[Any]) -> bool:
        """Whether something has to stand in for what a recording lacks of a window."""
        raise NotImplementedError

    def window_of(self, samples: NDArray[Any]) -> NDArray[np.int8]:
        """The window after a cleared board has had `samples`, as the board keeps it."""
        raise NotImplementedError

    def forget(self) -> None:
        """Put the model's variables to their initial values, as the board's `forget` does."""
        self._reference.reset()

    def scores(self, window: NDArray[np.int8]) -> NDArray[np.int8]:
        """A window -> (labels,) int8, by the reference kernels."""
        outputs: Sequence[NDArray[Any]] = self._reference.run([window.reshape(self._input.shape)])
        flat: NDArray[np.int8] = np.asarray(outputs[0], dtype=np.int8).reshape(-1)
        return flat


class HearingHost(Host):
    """The chain of a microphone: frames of sound, the newest of which are the window."""

    def __init__(
        self,
        settings: AudioFeatureSettings,
        features: Framing,
        graph: Graph,
        reference: Reference,
    ) -> None:
        super().__init__(settings, graph, reference)
        self.settings = settings
        self._features = features
        frame = features.clip(np.zeros(settings.frame_samples, np.int16))
        self._silence = features.quantize(frame, self._scale, self._zero_point)

    @property
    def rate_hz(self) -> int:
        """Samples a second."""
        return self.settings.sample_rate_hz

    @property
    def window_samples(self) -> int:
        """Samples that fill the window once."""
        settings = self.settings
        return settings.frame_samples + (settings.frames - 1) * settings.hop_samples

    def cut(self, samples: NDArray[Any]) -> NDArray[Any]:
        """(n,) -> (window_samples,): silence behind it where it is shorter, as training cuts."""
        heard = samples[: self.window_samples]
        return np.pad(heard, (0, self.window_samples - heard.size))

    def is_short(self, samples: NDArray[Any]) -> bool:
        """Whether silence follows a recording."""
        return samples.size < self.window_samples

    def frames(self, samples: NDArray[np.int16]) -> NDArray[np.int8]:
        """(n,) int16 -> (frames, bins) int8: every whole frame, as the board keeps it."""
        if samples.size < self.settings.frame_samples:
            return self._silence[:0]
        return self._features.quantize(self._features.clip(samples), self._scale, self._zero_point)

    def window(self, frames: NDArray[np.int8], end: int | None = None) -> NDArray[np.int8]:
        """The window whose newest frame is the one before `end`; those missing are silence."""
        seen = frames[: len(frames) if end is None else end][-self.settings.frames :]
        missing = self.settings.frames - len(seen)
        return np.concatenate([np.repeat(self._silence, missing, axis=0), seen])

    def window_of(self, samples: NDArray[Any]) -> NDArray[np.int8]:
        """(n,) int16 -> (frames, bins) int8."""
        return self.window(self.frames(samples))


class WindowHost(Host):
    """The chain of an IMU or a camera: the newest samples are the window, whole.

    samples: of a window; None where one recording is one, such as a picture.
    """

    def __init__(
        self,
        settings: FeatureSettings,
        features: Windowing,
        graph: Graph,
        reference: Reference,
        *,
        samples: int | None,
    ) -> None:
        super().__init__(settings, graph, reference)
        self._features = features
        self._samples = samples

    def cut(self, samples: NDArray[Any]) -> NDArray[Any]:
        """The first samples, as many as a window has; all of a shorter recording."""
        return samples[: self._samples] if self._samples else samples

    def is_short(self, samples: NDArray[Any]) -> bool:
        """Whether zeros stand before a recording."""
        return self._samples is not None and len(samples) < self._samples

    def window_of(self, samples: NDArray[Any]) -> NDArray[np.int8]:
        """(n, axes) int16 or (height, width) uint8 -> int8 of the features' shape.

        Before the first of few samples there are zeros, as in a board's cleared window.
        """
        if self._samples:
            newest = samples[-self._samples :]
            missing = self._samples - len(newest)
            samples = np.pad(newest, ((missing, 0), (0, 0)))
        return self._features.quantize(
            self._features.window(samples), self._scale, self._zero_point
        )


def of(lab: Lab, graph: Graph, reference: Reference) -> Host:
    """The chain of a lab with a sensor. Raises UnsupportedModel, and what its features do.

    Raises BadInput for a lab that has none.
    """
    settings = lab.features
    if settings is None:
        raise BadInput(f"lab {lab.name} has no sensor.")
    made = features.of(settings)
    if isinstance(made, AudioFeatures):
        return HearingHost(made.settings, made, graph, reference)
    samples = None if isinstance(made, ImageFeatures) else made.settings.samples
    return WindowHost(settings, made, graph, reference, samples=samples)
