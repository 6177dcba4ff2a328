"""Where `evaluate` is typed for, and how it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_deploy.errors import Exit
from tests.cli.test_spine import typed

VIRTUAL = ("--board", "nano33", "--on", "virtual")
LOCAL = ("--board", "nano33", "--on", "local")


def refused(
    capfd: pytest.CaptureFixture[str], code: Exit, words: tuple[str | Path, ...], *texts: str
) -> str:
    """One `Error:` line with all `texts`, and the exit code; returns all of stderr."""
    found, _, err = typed(capfd, "evaluate", *words)
    assert found == code, err
    (line,) = [line for line in err.splitlines() if line.startswith("Error: ")]
    for text in texts:
        assert text in line
    return err
