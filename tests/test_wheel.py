"""The wheel works outside the checkout: installed into an empty environment, in an empty folder.

Built from the source distribution, so that one is tested as well.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(
    not (ROOT / "pyproject.toml").is_file(), reason="needs a checkout to build from"
)


@dataclass(frozen=True)
class Installed:
    """An environment that has nothing but the wheel and its dependencies."""

    python: Path
    folder: Path
    environment: dict[str, str]

    def run(self, *words: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """`edge-deploy` with these words, in the empty folder."""
        return self._run([str(self.python.parent / "edge-deploy"), *words], timeout_s)

    def pip(self, *words: str) -> subprocess.CompletedProcess[str]:
        """pip with these words."""
        return self._run([str(self.python), "-m", "pip", "--no-input", *words], 600)

    def evaluate(self, expression: str) -> str:
        """What the environment's Python prints for an expression."""
        code = f"import edge_deploy.places; print({expression})"
        return self._run([str(self.python), "-c", code], 60).stdout.strip()

    def _run(self, argv: list[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built by way of the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Installed:
    """The wheel in an environment of its own. Skips where pip reaches no index."""
    root = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", str(root / "venv")], check=True, timeout=120)
    programs = root / "venv" / ("Scripts" if os.name == "nt" else "bin")
    (root / "empty").mkdir()
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("EDGE_DEPLOY_", "PYTHON", "VIRTUAL_ENV"))
    }
    environment["EDGE_DEPLOY_HOME"] = str(root / "home")
    environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    made = Installed(programs / "python", root / "empty", environment)
    reached = made.pip("download", "--no-deps", "--dest", str(root / "probe"), "click")
    if reached.returncode != 0:
        pytest.skip("pip reaches no package index")
    result = made.pip("install", "--quiet", str(wheel))
    assert result.returncode == 0, result.stderr
    return made


def tracked(*folders: str) -> set[str]:
    """Files under version control below `folders`, as they are on disk."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs git and a checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *folders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}


def test_the_wheel_carries_what_the_checkout_has(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    missing = {
        name
        for name in tracked("boards.yaml", "firmware", "labs", "kits")
        if f"edge_deploy/_shipped/{name}" not in names
    }
    assert not missing
    missing = tracked("edge_deploy") - names
    assert not missing


def test_the_wheel_carries_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert len(names) == len(set(names))
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"edge_deploy", next(top for top in tops if top.endswith(".dist-info"))}
    waste = (".pyc", ".o", ".so", ".elf", ".tmp")
    assert not [name for name in names if name.endswith(waste) or "__pycache__" in name]


def test_the_installed_package_is_the_wheels(installed):
    root = Path(installed.evaluate("edge_deploy.places.shipped()"))
    assert root.name == "_shipped"
    assert ROOT not in root.parents


def test_boards_outside_the_checkout(installed):
    ended = installed.run("boards", "--json")
    assert ended.returncode == 0, ended.stderr
    names = [board["name"] for board in json.loads(ended.stdout)["boards"]]
    assert names == ["nano33", "xiao_esp32s3", "pi"]


@pytest.mark.parametrize("board", [None, "nano33"])
def test_compile_outside_the_checkout(installed, tmp_path, board):
    output = tmp_path / "c"
    words = ["compile", "hello", "--output", str(output)]
    ended = installed.run(*words, *(["--board", board] if board else []))
    assert ended.returncode == 0, ended.stderr
    assert (output / "ed_model.c").stat().st_size > 0
    assert not list(installed.folder.iterdir())
    compiler = shutil.which("cc")
    if board is None and compiler is not None:
        # The folder holds all it takes, as the command's help says.
        checked = subprocess.run(
            [compiler, "-std=c99", "-I", str(output), "-c", str(output / "ed_model.c")],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert checked.returncode == 0, checked.stderr


def test_without_its_extra_a_virtual_board_says_what_to_install(installed):
    ended = installed.run("flash", "--board", "nano33", "--on", "virtual", "hello", "--count", "3")
    assert ended.returncode not in {0, 1}, ended.stdout
    assert "Traceback" not in ended.stderr
    assert "edge-deploy[virtual]" in ended.stderr


@pytest.mark.slow
def test_flash_outside_the_checkout(installed, wheel):
    result = installed.pip("install", "--quiet", f"{wheel}[virtual]")
    assert result.returncode == 0, result.stderr
    ended = installed.run(
        "flash", "--board", "nano33", "--on", "virtual", "hello", "--count", "3", timeout_s=300
    )
    assert ended.returncode == 0, ended.stderr
    assert not list(installed.folder.iterdir())
