"""`evaluate` for the labs that ship, on recordings where they are; and without TensorFlow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edge_deploy import labs
from edge_deploy.errors import Exit
from tests.cli.evaluate.asking import VIRTUAL
from tests.cli.test_spine import typed

pytest.importorskip("unicorn", reason="the virtual board needs the extra `virtual`")
pytest.importorskip("tflite_runtime", reason="the host's model runs on the extra `reference`")


_BESIDE = Path(__file__).resolve().parents[4] / "shared"


RECORDINGS = Path(os.environ.get("EDGE_DEPLOY_TEST_DATA", _BESIDE)) / "data"


RECORDED = {
    "kws": ("speech_commands", "speech_commands_background_noise"),
    "gesture": ("magic_wand_spells_nano33",),
    "vision": ("sign_language_digits",),
    "anomaly": ("ceiling_fan_vibration",),
}


def test_every_lab_with_recordings_is_tried() -> None:
    shipped = {lab.name for lab in labs.load_all() if lab.features is not None}
    assert shipped <= set(RECORDED)


@pytest.mark.parametrize("name", list(RECORDED))
def test_a_few_recordings_of_the_lab(capfd: pytest.CaptureFixture[str], name: str) -> None:
    if name not in {lab.name for lab in labs.load_all()}:
        pytest.skip(f"there is no lab {name}")
    missing = [each for each in RECORDED[name] if not (RECORDINGS / f"{each}.tar.xz").is_file()]
    if missing:
        pytest.skip(f"{', '.join(missing)} not there (EDGE_DEPLOY_TEST_DATA, ../shared)")
    if not labs.load(name).model.is_file():
        pytest.skip(f"{name} has no trained model yet")
    words = ("evaluate", name, "--data", RECORDINGS, "--limit", "24", "--json")
    code, out, err = typed(capfd, *words, *VIRTUAL)
    assert code == Exit.DONE, err
    board: dict[str, Any] = json.loads(out)
    assert board["n"] == board["windows_compared"] == 24
    for what in ("windows", "outputs", "decisions"):
        assert board[f"differing_{what}"] == 0
    code, out, err = typed(capfd, *words, "--on", "host")
    assert code == Exit.DONE, err
    host: dict[str, Any] = json.loads(out)
    assert {key for key in host if host[key] != board[key]} == {"on", "engine"}
    assert board.get("accuracy", board.get("auc"))["value"] > 0.6  # 24 make a rough figure


WITHOUT = """
import sys
for name in ("tensorflow", "keras", "matplotlib"):
    sys.modules[name] = None  # importing it fails, as where it is not installed
"""


def alone(code: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + code, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_tensorflow_is_not_needed(tones: Path, data: Path) -> None:
    code = "from edge_deploy.cli.main import run\nsys.exit(run(sys.argv[1:]))"
    ended = alone(code, "evaluate", tones, "--on", "host", "--data", data, "--json")
    assert ended.returncode == Exit.DONE, ended.stderr
    assert json.loads(ended.stdout)["n"] == 9


def test_every_labs_recipe_holds_out_without_tensorflow() -> None:
    code = (
        "from edge_deploy import labs\n"
        "from edge_deploy.training import recipe\n"
        "for lab in labs.load_all():\n"
        "    if lab.features is not None:\n"
        "        assert recipe.function(lab.folder, 'held_out') is not None, lab.name\n"
        "        print(lab.name)\n"
    )
    ended = alone(code)
    assert ended.returncode == 0, ended.stderr
    assert "kws" in ended.stdout.split()
