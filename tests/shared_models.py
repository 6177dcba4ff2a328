"""The MLPerf Tiny models, which are not in the repository.

They are looked for in `models/mlperf_tiny` under EDGE_DEPLOY_TEST_DATA, or under `../shared`
beside the checkout; a test that needs one is skipped where they are not.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

MLPERF_TINY = ("ad", "ic", "kws", "vww")

_BESIDE = Path(__file__).resolve().parents[2] / "shared"
_FOLDER = Path(os.environ.get("EDGE_DEPLOY_TEST_DATA", _BESIDE)) / "models" / "mlperf_tiny"


def path_of(name: str) -> Path:
    """Where one of MLPERF_TINY is, if it is anywhere."""
    return _FOLDER / f"{name}.tflite"


def mlperf_path(name: str) -> Path:
    """The path of one of MLPERF_TINY; skips the test where it is not there."""
    path = path_of(name)
    if not path.is_file():
        pytest.skip(f"{path.name} of MLPerf Tiny is not there (EDGE_DEPLOY_TEST_DATA, ../shared)")
    return path


def mlperf(name: str) -> bytes:
    """The bytes of one of MLPERF_TINY; skips the test where it is not there."""
    return mlperf_path(name).read_bytes()
