"""Projects that others build: nothing is missing, nothing is too much, and they run."""

from __future__ import annotations

import configparser
import posixpath
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge_deploy import boards, compiler, kits, labs, model
from edge_deploy.build import config, export, project
from edge_deploy.errors import UsageError
from tests import compiled_model
from tests.firmware import building
from tests.firmware.board import Board, fields_of

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
# Of the boards' cores, found there.
CORE = ("Arduino.h", "Wire.h", "PDM.h")


def generated(lab, board):
    graph = model.read(lab.model.read_bytes(), name=lab.name)
    compiled = compiler.compile(graph, target=board.target, model_name=lab.name)
    text = config.emit(board, project.PORT, lab.labels, lab.source, lab.features, lab.decision)
    return {**compiled.files, config.FILE: text}


@pytest.fixture(scope="module", params=["nano33", "xiao_esp32s3"])
def board(request):
    return boards.load(request.param)


@pytest.fixture(scope="module", params=["kws", "hello"])
def lab(request):
    return labs.load(request.param)


@pytest.fixture(scope="module")
def files(lab, board):
    """The whole export: both projects and the page."""
    return export.files(lab.name, generated(lab, board), board, lab.features)


def write(files, folder: Path) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_the_page_says_what_to_do_by_hand(files, board):
    kit = kits.find(board.name)
    assert kit is not None
    assert f"does not find the board: {kit.by_hand.text}." in " ".join(files["README.md"].split())


def test_every_include_is_in_the_project(files):
    roots = ("platformio/src", "platformio/src/generated")
    for path, text in files.items():
        for name in INCLUDE.findall(text):
            beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
            there = beside in files
            if path.startswith("platformio/"):
                there = there or any(f"{root}/{name}" in files for root in roots)
            assert there, f"{path} includes {name}"


def test_every_header_is_included_and_features_only_where_they_are_used(files, lab):
    for tree in ("platformio", lab.name):
        inside = {path: text for path, text in files.items() if path.startswith(tree)}
        names = {
            posixpath.basename(name) for text in inside.values() for name in INCLUDE.findall(text)
        }
        headers = {posixpath.basename(path) for path in inside if path.endswith(".h")}
        assert headers <= names
        features = [path for path in inside if "/features/" in path and path.endswith(".c")]
        assert bool(features) == (lab.features is not None)


def test_the_page_names_what_is_there(files, lab, board):
    page = files["README.md"]
    assert board.title in page
    assert f"{lab.name}/{lab.name}.ino" in page
    assert "has not run on a board" in page
    assert "{" not in page
    assert files["LICENSE"].startswith("MIT License")
    assert len(page.splitlines()) < 50  # one page


def test_platformio_ini_is_for_the_one_board(files, board, lab):
    ini = configparser.ConfigParser(interpolation=None)
    ini.read_string(files["platformio/platformio.ini"])
    assert ini.sections() == ["platformio", "env", f"env:{board.name}"]
    assert ini["platformio"]["default_envs"] == board.name
    environment = ini[f"env:{board.name}"]
    assert board.platformio is not None
    assert environment["board"] == board.platformio.board
    platform, _, version = environment["platform"].partition("@")
    assert platform == board.platformio.platform
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert ("-DED_AUDIO_MAX_FFT=512" in ini["env"]["build_src_flags"]) == (lab.name == "kws")


@pytest.mark.parametrize("kind", ["model", "blink"])
def test_platformio_takes_it(files, board, tmp_path, kind):
    pio = shutil.which("pio")
    if pio is None:
        pytest.skip("PlatformIO is not installed (pip install 'edge-deploy[boards]')")
    if kind == "model":
        folder = write(files, tmp_path) / "platformio"
    else:
        folder = write(project.blink(board), tmp_path)
    for words in (["config"], ["config", "--lint"]):
        done = subprocess.run(
            [pio, "project", *words, "--project-dir", str(folder)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_board_that_platformio_does_not_build_for():
    with pytest.raises(UsageError, match="pi is not a board that PlatformIO builds"):
        project.platformio({}, boards.load("pi"), None)


@pytest.mark.parametrize(
    ("name", "sketch"),
    [("kws", "kws"), ("my model!", "my_model_"), ("2nd", "model_2nd"), ("é", "model__")],
)
def test_a_sketch_has_a_name_that_arduino_takes(name, sketch):
    assert export.sketch_name(name) == sketch


# -- compiled and run, with nothing but what is in the folder ------------------------------------


def compile_all(
    folder: Path, flags: list[str], output: Path, *, board: str = building.NANO33
) -> list[Path]:
    """Every C and C++ file below a folder, for a fake core of the board on this computer."""
    core = building.ARDUINO / "core"
    sources = sorted([*folder.rglob("*.c"), *folder.rglob("*.cpp")])

    def compiled(source: Path) -> Path:
        made = output / f"{sources.index(source)}.o"
        words = (
            ["gcc", "-std=c99"]
            if source.suffix == ".c"
            else ["g++", building.CORE_CPP, f"-D{board}", "-I", str(core)]
        )
        words += ["-O1", building.CORE_CHAR, "-Werror", "-Wno-unknown-pragmas", *flags]
        done = subprocess.run(
            [*words, "-c", str(source), "-o", str(made)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return made

    return building.each_of(sources, compiled)


@pytest.mark.parametrize("target", [compiler.PORTABLE, compiler.ESP32S3])
@pytest.mark.parametrize("kind", ["platformio", "hello"])
def test_what_is_exported_runs_and_gives_the_references_bits(kind, target, tmp_path):
    if not shutil.which("gcc") or not shutil.which("g++"):
        pytest.skip("no gcc and g++ on this machine")
    lab, board = labs.load("hello"), boards.load("nano33")
    # This computer is no Cortex-M4; what an ESP32-S3 does by vectors runs everywhere, in C.
    graph = model.read(lab.model.read_bytes(), name=lab.name)
    compiled = compiler.compile(graph, target=target, model_name=lab.name)
    made = generated(lab, board) | compiled.files
    folder = write(export.files(lab.name, made, board, lab.features), tmp_path / "export") / kind
    flags = []
    if kind == "platformio":  # Arduino's builder has no include path
        flags = ["-I", str(folder / "src"), "-I", str(folder / "src" / "generated")]
    objects = compile_all(folder / "src", flags, tmp_path)
    objects += building.fake_core(tmp_path, board=building.NANO33)
    program = tmp_path / "firmware"
    words = ["g++", *map(str, objects), "-lpthread", "-o", str(program)]
    assert subprocess.run(words, timeout=120, check=False).returncode == 0
    with Board(program) as running:
        hello = running.tell("hello")[0]
        assert (hello["port"], hello["sha256"]) == (project.PORT, graph.sha256)
        for one in compiled_model.random_inputs(graph, 4):
            running.load(one[0].tobytes())
            out = [r for r in running.tell("run 1 0 0") if r["kind"] == "out"]
            wanted = compiled_model.expected(lab.model.read_bytes(), [one])[0][0]
            assert out[0]["hex"] == wanted.tobytes().hex()
        running.send(b"hello%")
        assert fields_of(running.line())["model"] == "hello"
        running.until_ready()
