"""What all tests share.

zig's runtime libraries are built once, not once for each test's home. And tflite-runtime is
imported before any test imports TensorFlow: the two share the names of their native types, and in
the other order the process crashes.
"""

from __future__ import annotations

import contextlib
import os

from edge_deploy import places

os.environ.setdefault("ZIG_GLOBAL_CACHE_DIR", str(places.cache() / "zig"))

with contextlib.suppress(ImportError, AttributeError):
    import tflite_runtime.interpreter  # noqa: F401
