"""Worker processes of a search, as the system lists them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from edge_deploy.teaching.explore import worker


def of(parent):
    """Ids of the worker processes that the process `parent` has started."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_text()
            owner = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if owner == parent and worker.__name__ in words:
            found.append(int(folder.name))
    return found


def kill_one(parent, after_s=0.5):
    """SIGKILL a worker of `parent` in the middle of its work."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = of(parent)
        if found:
            time.sleep(after_s)
            os.kill(found[0], signal.SIGKILL)
            return
        time.sleep(0.02)


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
