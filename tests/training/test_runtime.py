"""TensorFlow's absence is one clear line; its presence is quiet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_deploy.errors import Exit
from edge_deploy.training import TrainingMissing, quantize, runtime

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def blocked(monkeypatch):
    """Make `import tensorflow` raise an error of one's choice, installed or not."""

    def block(error):
        class Hook:
            @staticmethod
            def find_spec(name, *_):
                if name == "tensorflow":
                    raise error

        monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
        monkeypatch.setattr(sys, "meta_path", [Hook, *sys.meta_path])

    return block


def test_tensorflow_absent_is_one_clear_error(blocked):
    blocked(ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow"))
    with pytest.raises(TrainingMissing) as caught:
        quantize(None, None)
    assert str(caught.value) == "training and quantizing need TensorFlow, which is not installed."
    assert caught.value.try_next == ("pip install 'edge-deploy[train]'",)
    assert caught.value.exit_code is Exit.BUILD_FAILED


def test_tensorflow_that_does_not_load_says_why(blocked):
    blocked(ImportError("libstdc++.so.6: version `GLIBCXX_3.4.99' not found\nmore"))
    with pytest.raises(TrainingMissing, match=r"which does not load: libstdc\+\+.*not found\.$"):
        runtime.load()


def test_importing_the_room_imports_no_tensorflow():
    code = "import sys, edge_deploy.training; print('tensorflow' in sys.modules)"
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=60).stdout
    assert printed.strip() == b"False"


def test_quiet_turns_native_lines_away_and_gives_them_back(capfd):
    with runtime.quiet():
        os.write(2, b"a native log line\n")
    os.write(2, b"an error of ours\n")
    assert capfd.readouterr().err == "an error of ours\n"
