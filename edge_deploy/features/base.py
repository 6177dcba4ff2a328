"""What all features share: a C structure for each thread, and real values to a model's int8.

Knows nothing of what the features are of.
"""

from __future__ import annotations

import ctypes
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import BadInput
from edge_deploy.features import library


class BadFeatureSettings(BadInput):
    """Settings that the feature library cannot serve."""


class Refused(Exception):
    """The C's own look at the settings found them outside its limits."""


class Structure:
    """A C structure of the feature library, one for each thread, as the C works in it.

    stem: `ed_<stem>_bytes` and `ed_<stem>_init`. settings: what the latter takes.
    Raises Refused where it does not; toolchains.ToolchainMissing or toolchains.CompileFailed where
    the library has to be built first. May be used from several threads at once.
    """

    def __init__(self, stem: str, settings: ctypes.Structure) -> None:
        self.library = library.load()
        self._stem = stem
        self._settings = settings
        self._local = threading.local()
        _ = self.address

    @property
    def address(self) -> int:
        """Of this thread's structure."""
        if not hasattr(self._local, "memory"):
            size = getattr(self.library, f"ed_{self._stem}_bytes")()
            # Doubles, as they are aligned for whatever C may put there.
            memory = (ctypes.c_double * (size // 8 + 1))()
            begin = getattr(self.library, f"ed_{self._stem}_init")
            if begin(memory, ctypes.byref(self._settings)) != library.OK:
                raise Refused
            self._local.memory = memory
        return ctypes.addressof(self._local.memory)


def quantize(features: NDArray[np.float32], scale: float, zero_point: int) -> NDArray[np.int8]:
    """Features as a model's int8 input: features / scale + zero_point, in float32.

    Rounded half away from zero and clamped to [-128, 127]; not a number counts as 0.
    features: any shape, float32. scale: positive. zero_point: of int8.
    Raises ValueError.
    Source: TensorFlow Lite's QUANTIZE (reference/quantize.h).
    """
    if features.dtype != np.float32:
        raise ValueError(f"features are float32, found {described(features)}")
    if not 0 < scale < np.inf or not -128 <= zero_point <= 127:
        raise ValueError(f"scale {scale}, zero point {zero_point}: not those of an int8 tensor")
    values = np.ascontiguousarray(features)
    quantized = np.empty(values.shape, np.int8)
    library.load().ed_to_int8_all(
        values.ctypes.data, values.size, scale, zero_point, quantized.ctypes.data
    )
    return quantized


def described(array: NDArray[Any]) -> str:
    """Shape and type, for a message."""
    return f"{array.shape} {array.dtype}"
