"""`evaluate` as a user types it, and how it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_deploy.cli.main import run
from edge_deploy.errors import Exit

VIRTUAL = ("--board", "nano33", "--on", "virtual")


LOCAL = ("--board", "nano33", "--on", "local")


def typed(capfd: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    capfd.readouterr()
    code = run([str(word) for word in words])
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


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
