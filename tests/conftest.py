"""What all tests share: zig's runtime libraries are built once, not once for each test's home."""

from __future__ import annotations

import os

from edge_deploy import places

os.environ.setdefault("ZIG_GLOBAL_CACHE_DIR", str(places.cache() / "zig"))
