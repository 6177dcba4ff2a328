"""`firmware/src/features/` as a ctypes library: built on first use, its types and functions.

Knows nothing of what its settings mean; `audio.py` does.
"""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path

from edge_deploy import libraries, places

# Room in the C structure, on this computer; a board's build gives its own.
FFT_MOST = 4096
MEL_BINS_MOST = 128

KINDS = {"log_mel": 0, "mfcc": 1}  # ed_audio_kind
OK = 0  # ed_status


class Settings(ctypes.Structure):
    """`ed_audio_settings` of ed_audio.h."""

    _fields_ = (
        ("kind", ctypes.c_uint32),
        ("sample_rate_hz", ctypes.c_uint32),
        ("frame_samples", ctypes.c_uint32),
        ("hop_samples", ctypes.c_uint32),
        ("fft", ctypes.c_uint32),
        ("mel_bins", ctypes.c_uint32),
        ("coefficients", ctypes.c_uint32),
        ("low_hz", ctypes.c_float),
        ("high_hz", ctypes.c_float),
    )


class MotionSettings(ctypes.Structure):
    """`ed_motion_settings` of ed_motion.h."""

    _fields_ = (
        ("axes", ctypes.c_uint32),
        ("samples", ctypes.c_uint32),
        ("average", ctypes.c_uint32),
        ("remove_mean", ctypes.c_uint32),
        ("full_scale", ctypes.c_float * 6),
    )


class VibrationSettings(ctypes.Structure):
    """`ed_vibration_settings` of ed_vibration.h."""

    _fields_ = (
        ("sample_rate_hz", ctypes.c_uint32),
        ("samples", ctypes.c_uint32),
        ("bands", ctypes.c_uint32),
        ("fft", ctypes.c_uint32),
        ("low_hz", ctypes.c_float),
        ("high_hz", ctypes.c_float),
    )


class ImageSettings(ctypes.Structure):
    """`ed_image_settings` of ed_image.h."""

    _fields_ = (
        ("source_width", ctypes.c_uint32),
        ("source_height", ctypes.c_uint32),
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
    )


@functools.lru_cache(maxsize=1)
def load() -> ctypes.CDLL:
    """The feature library, built if this machine has not built it yet.

    Raises toolchains.ToolchainMissing or toolchains.CompileFailed (exit 16).
    """
    return bind(build(places.cache() / "features"))


def build(folder: Path) -> Path:
    """The shared library for this machine under `folder`, compiled only if it is not there."""
    root = places.shipped("firmware", "src")
    return libraries.build(
        "ed_features",
        sorted((root / "features").glob("*.c")),
        folder,
        headers=[*sorted((root / "features").glob("*.h")), root / "wire" / "ed_wire.h"],
        include=[root],
        defines={
            "ED_AUDIO_MAX_FFT": str(FFT_MOST),
            "ED_AUDIO_MAX_MEL_BINS": str(MEL_BINS_MOST),
            "ED_VIBRATION_MAX_FFT": str(FFT_MOST),
        },
    )


def bind(path: Path) -> ctypes.CDLL:
    """Load a library and tell ctypes what its functions take. Arrays are passed as addresses."""
    loaded = ctypes.CDLL(str(path))
    size, address, status = ctypes.c_size_t, ctypes.c_void_p, ctypes.c_int
    u32, pointer = ctypes.c_uint32, ctypes.POINTER
    for name, result, arguments in (
        ("ed_audio_bytes", size, ()),
        ("ed_audio_init", status, (address, pointer(Settings))),
        ("ed_audio_clip", size, (address, address, size, address)),
        ("ed_motion_bytes", u32, ()),
        ("ed_motion_init", status, (address, pointer(MotionSettings))),
        ("ed_motion_window", None, (address, address, address)),
        ("ed_vibration_bytes", u32, ()),
        ("ed_vibration_init", status, (address, pointer(VibrationSettings))),
        ("ed_vibration_window", None, (address, address, u32, address)),
        ("ed_image_bytes", u32, ()),
        ("ed_image_init", status, (address, pointer(ImageSettings))),
        ("ed_image_window", None, (address, address, address)),
        ("ed_to_int8_all", None, (address, size, ctypes.c_float, ctypes.c_int32, address)),
    ):
        function = getattr(loaded, name)
        function.restype = result
        function.argtypes = arguments
    return loaded
