"""16-bit sound -> log-mel or MFCC features, bit for bit those of the board.

Checks settings and arrays, and calls the C; docs/features.md has the formulas.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_deploy.features import base, library
from edge_deploy.features.base import BadFeatureSettings, described
from edge_deploy.sensing import AudioFeatureSettings

_FFT_LEAST = 32
_RATE_LEAST_HZ, _RATE_MOST_HZ = 1_000, 192_000


class AudioFeatures:
    """The features that some settings ask for.

    settings: of a lab. Raises BadFeatureSettings, and toolchains.ToolchainMissing or
    toolchains.CompileFailed where the C library has to be built first.
    May be used from several threads at once, and pickled.
    """

    def __init__(self, settings: AudioFeatureSettings) -> None:
        _check(settings)
        self.settings = settings
        try:
            self._audio = base.Structure("audio", _for_c(settings))
        except base.Refused:  # filters without a bin
            raise BadFeatureSettings(_too_narrow(settings)) from None

    def __reduce__(self) -> tuple[type[AudioFeatures], tuple[AudioFeatureSettings]]:
        """A process that unpickles it loads the library itself."""
        return type(self), (self.settings,)

    @property
    def bins(self) -> int:
        """Features of a frame."""
        return self.settings.bins

    def frames(self, samples: int) -> int:
        """How many whole frames so many samples hold."""
        rest = samples - self.settings.frame_samples
        return 0 if rest < 0 else 1 + rest // self.settings.hop_samples

    def frame(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """The features of one frame.

        samples: (frame_samples,) int16. Returns (bins,) float32.
        Raises ValueError if `samples` is of another shape or type.
        """
        if samples.shape != (self.settings.frame_samples,):
            raise ValueError(
                f"a frame has shape ({self.settings.frame_samples},), found {samples.shape}"
            )
        features: NDArray[np.float32] = self.clip(samples)[0]
        return features

    def clip(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """The features of every whole frame, one each hop.

        samples: (n,) int16. Returns (frames(n), bins) float32.
        Raises ValueError if `samples` is of another shape or type.
        """
        if samples.ndim != 1 or samples.dtype != np.int16:
            raise ValueError(f"sound has shape (n,) and int16, found {described(samples)}")
        sound = np.ascontiguousarray(samples)
        features = np.empty((self.frames(sound.size), self.bins), np.float32)
        self._audio.library.ed_audio_clip(
            self._audio.address, sound.ctypes.data, sound.size, features.ctypes.data
        )
        return features

    def quantize(
        self, features: NDArray[np.float32], scale: float, zero_point: int
    ) -> NDArray[np.int8]:
        """Features as a model's int8 input: `base.quantize`."""
        return base.quantize(features, scale, zero_point)


def _for_c(settings: AudioFeatureSettings) -> library.Settings:
    """The settings as the C has them."""
    return library.Settings(
        library.KINDS[settings.kind],
        settings.sample_rate_hz,
        settings.frame_samples,
        settings.hop_samples,
        settings.fft,
        settings.mel_bins,
        settings.coefficients,
        settings.low_hz,
        settings.high_hz,
    )


def _too_narrow(settings: AudioFeatureSettings) -> str:
    """What is wrong with settings that only the C refuses."""
    return (
        f"features: {settings.mel_bins} mel bins from {settings.low_hz:g} to "
        f"{settings.high_hz:g} Hz are too narrow for an FFT of {settings.fft} at "
        f"{settings.sample_rate_hz:,} Hz ({settings.sample_rate_hz / settings.fft:.1f} Hz a "
        f"bin): one of them would never hear anything. Take fewer mel bins or a longer FFT."
    )


def _check(settings: AudioFeatureSettings) -> None:
    """Raise BadFeatureSettings for the first setting outside its limits."""
    if settings.kind not in library.KINDS:
        raise BadFeatureSettings(
            f"features: kind is {settings.kind!r}; known are {', '.join(library.KINDS)}."
        )
    _hold("sample_rate_hz", settings.sample_rate_hz, _RATE_LEAST_HZ, _RATE_MOST_HZ)
    _hold("fft", settings.fft, _FFT_LEAST, library.FFT_MOST)
    if settings.fft & (settings.fft - 1):
        raise BadFeatureSettings(f"features: fft is {settings.fft:,}, not a power of two.")
    _hold("frame_samples", settings.frame_samples, 2, settings.fft)
    _hold("hop_samples", settings.hop_samples, 1, 1 << 20)
    _hold("mel_bins", settings.mel_bins, 1, library.MEL_BINS_MOST)
    if settings.kind == "mfcc":
        _hold("coefficients", settings.coefficients, 1, settings.mel_bins)
    _hold("frames", settings.frames, 1, 1 << 20)
    half = settings.sample_rate_hz / 2
    if not 0 <= settings.low_hz < settings.high_hz <= half:
        raise BadFeatureSettings(
            f"features: low_hz is {settings.low_hz:g} and high_hz {settings.high_hz:g}; "
            f"expected 0 <= low_hz < high_hz <= {half:g}, half the sample rate."
        )


def _hold(name: str, value: int, least: int, most: int) -> None:
    """Raise BadFeatureSettings if a setting is not in [least, most]."""
    if not least <= value <= most:
        raise BadFeatureSettings(f"features: {name} is {value:,}; expected {least:,} to {most:,}.")
