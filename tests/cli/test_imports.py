"""`edge-deploy --help` is quick: nothing heavy is imported for it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = (
    "capstone",
    "elftools",
    "numpy",
    "platformdirs",
    "rich",
    "serial",
    "tensorflow",
    "tflite_runtime",
    "unicorn",
    "yaml",
)

# Runs the command line in a fresh interpreter, then says which modules that took.
CODE = """
import json, sys
from edge_deploy.cli.main import run
code = run(sys.argv[1:])
sys.stdout.flush()
packages = sorted({name.partition(".")[0] for name in sys.modules})
print("\\n" + json.dumps({"code": code, "packages": packages}))
"""


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("flash", "--help")])
def test_help_imports_nothing_heavy(words):
    # Without -I, so that an editable install and the checkout's path are found alike.
    ended = subprocess.run(
        [sys.executable, "-c", CODE, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found["code"] == 0
    assert "click" in found["packages"]
    # `flash --help` belongs to a verb, whose module may import what the verb needs.
    if words != ("flash", "--help"):
        assert not set(HEAVY) & set(found["packages"])
    else:
        assert "tensorflow" not in found["packages"]
