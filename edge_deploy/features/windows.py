"""Raw samples of an IMU or a camera -> a model's window, bit for bit that of the board.

Checks settings and arrays, and calls the C; docs/features.md has the formulas.
"""

from __future__ import annotations

import ctypes
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from edge_deploy.features import base, library
from edge_deploy.features.base import BadFeatureSettings, described
from edge_deploy.motion import units
from edge_deploy.sensing import (
    ImageFeatureSettings,
    MotionFeatureSettings,
    VibrationFeatureSettings,
)

S = TypeVar("S", MotionFeatureSettings, VibrationFeatureSettings, ImageFeatureSettings)


class _Windows(Generic[S]):
    """What the three have in common. May be used from several threads at once, and pickled.

    Raises BadFeatureSettings, and toolchains.ToolchainMissing or toolchains.CompileFailed where
    the C library has to be built first.
    """

    stem: ClassVar[str]

    def __init__(self, settings: S) -> None:
        self.settings: S = settings
        try:
            self._c = base.Structure(self.stem, self._for_c(settings))
        except base.Refused:
            raise BadFeatureSettings(
                f"features: {self.stem} cannot be made with {settings}."
            ) from None

    def __reduce__(self) -> tuple[type[_Windows[S]], tuple[S]]:
        """A process that unpickles it loads the library itself."""
        return type(self), (self.settings,)

    @staticmethod
    def quantize(features: NDArray[np.float32], scale: float, zero_point: int) -> NDArray[np.int8]:
        """Features as a model's int8 input: `base.quantize`."""
        return base.quantize(features, scale, zero_point)

    @staticmethod
    def _for_c(settings: S) -> ctypes.Structure:
        """The settings as the C has them."""
        raise NotImplementedError

    def _made(self, samples: NDArray[Any], shape: tuple[int, ...], kind: type, *more: int) -> (
        NDArray[np.float32]
    ):  # fmt: skip
        """The window of samples that are of this shape and type. Raises ValueError."""
        if samples.shape != shape or samples.dtype != kind:
            raise ValueError(
                f"a window has shape {shape} and {np.dtype(kind)}, found {described(samples)}"
            )
        values = np.ascontiguousarray(samples)
        features = np.empty(self.settings.shape, np.float32)
        make = getattr(self._c.library, f"ed_{self.stem}_window")
        make(self._c.address, values.ctypes.data, *more, features.ctypes.data)
        return features


class MotionFeatures(_Windows[MotionFeatureSettings]):
    """Samples of an IMU, scaled."""

    stem = "motion"

    @staticmethod
    def _for_c(settings: MotionFeatureSettings) -> ctypes.Structure:
        return library.MotionSettings(
            settings.axes,
            settings.samples,
            settings.average,
            int(settings.remove_mean),
            (ctypes.c_float * 6)(*full_scale(settings)),
        )

    def window(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """(samples, axes) int16 -> (samples / average, axes) float32. Raises ValueError."""
        shape = self.settings.samples, self.settings.axes
        return self._made(samples, shape, np.int16)


class VibrationFeatures(_Windows[VibrationFeatureSettings]):
    """Strength and spectrum of acceleration."""

    stem = "vibration"

    @staticmethod
    def _for_c(settings: VibrationFeatureSettings) -> ctypes.Structure:
        return library.VibrationSettings(
            settings.sample_rate_hz,
            settings.samples,
            settings.bands,
            settings.fft,
            settings.low_hz,
            settings.high_hz,
        )

    def window(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """(samples, 3) int16 in 1/8192 g -> (3, 1 + bands) float32. Raises ValueError."""
        oldest = 0
        return self._made(samples, (self.settings.samples, self.settings.axes), np.int16, oldest)


class ImageFeatures(_Windows[ImageFeatureSettings]):
    """A grey picture, cut and made small."""

    stem = "image"

    @staticmethod
    def _for_c(settings: ImageFeatureSettings) -> ctypes.Structure:
        return library.ImageSettings(
            settings.source_width, settings.source_height, settings.width, settings.height
        )

    def window(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(source height, source width) uint8 -> (height, width) float32. Raises ValueError."""
        shape = self.settings.source_height, self.settings.source_width
        return self._made(frame, shape, np.uint8)


def full_scale(settings: MotionFeatureSettings) -> tuple[float, ...]:
    """For each axis how many steps of the sensor become 1.0."""
    real = [settings.accel_g] * 3 + [settings.gyro_dps] * (settings.axes - 3)
    return tuple(float(each) for each in units(settings.axes) * real)
