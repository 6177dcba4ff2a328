"""The host's own way from samples to scores, which a board's is held against, bit for bit.

The features come from the very C source that the board runs, compiled for this computer; the
model runs on the reference kernels. Knows nothing of boards and sessions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_deploy.bench.verify import Reference
from edge_deploy.errors import UnsupportedModel
from edge_deploy.model.graph import DType, Graph
from edge_deploy.sensing import AudioFeatureSettings


class Features(Protocol):
    """Samples to features: `edge_deploy.features.AudioFeatures` is one."""

    def clip(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """(n,) int16 -> (frames, bins) float32: every whole frame, from the first sample on."""

    def quantize(
        self, features: NDArray[np.float32], scale: float, zero_point: int
    ) -> NDArray[np.int8]:
        """Real values as int8, rounded as on the board."""


class Host:
    """One lab's chain on this computer: features, window, int8 model.

    settings: of the features. features: made of them. reference: has the model of `graph`.
    Raises UnsupportedModel where the model takes no such window.
    """

    def __init__(
        self,
        settings: AudioFeatureSettings,
        features: Features,
        graph: Graph,
        reference: Reference,
    ) -> None:
        self.settings = settings
        self._features = features
        self._reference = reference
        self._input = graph.tensors[graph.inputs[0]]
        terms = self._input.quantization
        silence = np.zeros(settings.frame_samples, np.int16)
        frame = features.clip(silence)
        if (
            terms is None
            or self._input.dtype is not DType.INT8
            or self._input.elements != settings.frames * settings.bins
        ):
            raise UnsupportedModel(
                f"the model takes {self._input.dtype.value} {list(self._input.shape)}; the lab's "
                f"features are {settings.frames} frames of {settings.bins}, as int8."
            )
        self._scale, self._zero_point = terms.scale, terms.zero_point
        self._silence = features.quantize(frame, self._scale, self._zero_point)

    @property
    def reference(self) -> str:
        """What runs the model here, with its version."""
        return self._reference.name

    @property
    def rate_hz(self) -> int:
        """Samples a second."""
        return self.settings.sample_rate_hz

    @property
    def window_samples(self) -> int:
        """Samples that fill the window once."""
        settings = self.settings
        return settings.frame_samples + (settings.frames - 1) * settings.hop_samples

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

    def forget(self) -> None:
        """Put the model's variables to their initial values, as the board's `forget` does."""
        self._reference.reset()

    def scores(self, window: NDArray[np.int8]) -> NDArray[np.int8]:
        """(frames, bins) int8 -> (labels,) int8, by the reference kernels."""
        outputs: Sequence[NDArray[Any]] = self._reference.run([window.reshape(self._input.shape)])
        flat: NDArray[np.int8] = np.asarray(outputs[0], dtype=np.int8).reshape(-1)
        return flat
