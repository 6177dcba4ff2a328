"""What layers of products have in common on an ESP32-S3: 16 int8 at a time, at 16-byte boundaries.

Kernels: firmware/src/nn/s3/.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops.layer import ESP32S3, Constant

LANES = 16
"""Bytes of a vector, and products of an instruction."""

# A product of two int8 is at most 2^14. Accumulators stay at their ends instead of wrapping, so
# none may get there: the sum of all lanes has 40 bits, that of each lane 20.
_MOST_PRODUCTS = 2**25 - 1
MOST_LANE_PRODUCTS = 31
"""Products of one lane that its accumulator holds, whatever they are."""

# Scratch is planned at words (compiler/plan.py); the kernel goes on to the next boundary.
_TO_BOUNDARY = LANES - 4


def serve(target: str, taps: int) -> bool:
    """True where sums of so many products are taken by vectors."""
    return target == ESP32S3 and taps <= _MOST_PRODUCTS


def count(values: int) -> int:
    """Vectors that hold so many values."""
    return -(-values // LANES)


def scratch_bytes(values: int) -> int:
    """Scratch for one row of so many values."""
    return LANES * count(values) + _TO_BOUNDARY


def rows(weights: NDArray[np.int8]) -> Constant:
    """Weights, (rows, taps), each row filled up to whole vectors by zeros."""
    taps = weights.shape[1]
    padded = np.pad(weights, ((0, 0), (0, LANES * count(taps) - taps)))
    return Constant("weights", "int8_t", padded.reshape(-1), alignment=LANES)
