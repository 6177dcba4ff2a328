"""Worker processes of a search, as the system lists them."""

from __future__ import annotations

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


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
