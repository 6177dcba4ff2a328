"""What all tests share.

zig's runtime libraries are built once, not once for each test's home. And tflite-runtime is
imported before any test imports TensorFlow: the two share the names of their native types, and in
the other order the process crashes. Ctrl-C is heard, also where the tests were started in the
background of a shell, which makes them and all that they start deaf to it.
"""

from __future__ import annotations

import contextlib
import os
import signal

from edge_deploy import places

os.environ.setdefault("ZIG_GLOBAL_CACHE_DIR", str(places.cache() / "zig"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

with contextlib.suppress(ImportError, AttributeError):
    import tflite_runtime.interpreter  # noqa: F401
