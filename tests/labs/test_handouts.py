"""What a handout tells a student to type runs, as it stands, and hello's board says the sine."""

from __future__ import annotations

import json
import os
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from edge_deploy import catalogue, labs, model
from edge_deploy.cli.main import run
from edge_deploy.model import oracle
from edge_deploy.training import evaluate
from tests.documented import Typed, commands

pytest.importorskip("unicorn", reason="the virtual board needs the extra `virtual`")

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("EDGE_DEPLOY_TEST_DATA", ROOT.parent / "shared")) / "data"
MADE = ("fan.csv", "spells.csv")
STEPS = 50  # of hello's ramp: once around the circle


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def typed(home, monkeypatch, capfd):
    """Run words as the CLI; returns (exit code, stdout, stderr). One home, so built once."""
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(home))
    for name in ("EDGE_DEPLOY_BOARD", "EDGE_DEPLOY_ON", "EDGE_DEPLOY_PORT"):
        monkeypatch.delenv(name, raising=False)

    def type_(*words):
        capfd.readouterr()
        code = run(words)
        return code, *capfd.readouterr()

    return type_


def _of_handouts() -> list[Typed]:
    """Every command but training, and what needs its result: test_hello has those."""
    return [
        one
        for path in sorted(ROOT.glob("labs/*/handout.md"))
        for one in commands(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
        if one.words[0] != "train" and not any("model.tflite" in word for word in one.words)
    ]


@pytest.fixture(scope="module")
def reference():
    """hello's model on the oracle."""
    try:
        return oracle.open_reference(labs.load("hello").model.read_bytes())
    except oracle.ReferenceMissing as error:
        pytest.skip(error.message)


def _param(one: Typed) -> object:
    # All the noise there is, seven minutes of it, is played with --stream.
    marks = [pytest.mark.slow] if "--stream" in one.words else []
    return pytest.param(one, id=f"{one.where} {' '.join(one.words)}", marks=marks)


@pytest.mark.parametrize("one", [_param(one) for one in _of_handouts()])
def test_a_handouts_command_runs(one, typed, request, monkeypatch, tmp_path):
    words = one.words
    if words[0] in {"verify", "evaluate"}:
        request.getfixturevalue("reference")
    lab = one.where.split("/")[1]
    made = next((word for word in words if word in MADE), None)
    if "FOLDER" in words or made:
        needed = [name for name, data in catalogue.load_all().items() if lab in data.labs]
        if missing := [name for name in needed if not (DATA / f"{name}.tar.xz").is_file()]:
            pytest.skip(f"no {', '.join(missing)} (EDGE_DEPLOY_TEST_DATA, {DATA})")
        words = tuple(str(DATA) if word == "FOLDER" else word for word in words)
    if made:  # by a program of the lab's, which the handout tells to run first
        path = tmp_path / made
        runpy.run_path(str(ROOT / "labs" / lab / "make_demo.py"))["main"](DATA, path)
        words = tuple(str(path) if word == made else word for word in words)
    # A stream has no end of its own: the student ends it with Ctrl-C. Few recordings do here.
    words += {"flash": ("--count", "3"), "evaluate": ("--limit", "48")}.get(words[0], ())
    monkeypatch.chdir(ROOT)  # where a handout's paths start
    code, out, err = typed(*words)
    assert code == 0, err
    assert out.strip()


def test_hellos_board_streams_the_oracles_bytes_for_the_whole_circle(typed, reference):
    lab = labs.load("hello")
    graph = model.read(lab.model.read_bytes())
    source, sink = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]

    target = ("--board", "nano33", "--on", "virtual")
    code, out, err = typed("flash", "hello", *target, "--count", str(STEPS), "--json")
    assert code == 0, err
    readings = [json.loads(line) for line in out.splitlines()]
    results = [reading for reading in readings if reading["kind"] == "inference"]
    assert len(results) == lab.source.steps == STEPS

    given = np.frombuffer(bytes.fromhex("".join(r["input"] for r in results)), np.int8)
    came = np.frombuffer(bytes.fromhex("".join(r["output"] for r in results)), np.int8)
    angles = np.linspace(0, 2 * np.pi, STEPS, endpoint=False, dtype=np.float32)
    # Within a step of what we round ourselves: the board computes its angles in float32.
    assert np.abs(given.astype(int) - evaluate.quantized(angles, source)).max() <= 1
    expected = [int(reference.run([byte.reshape(1, 1)])[0][0, 0]) for byte in given]
    if "tflite-runtime 2.14" in reference.name:
        assert came.tolist() == expected
    sines = evaluate.dequantized(came, sink)
    assert np.abs(sines - np.sin(evaluate.dequantized(given, source))).max() < 0.05


def test_the_solutions_figures_that_do_not_drift_are_the_models():
    text = (ROOT / "labs" / "hello" / "solution.md").read_text(encoding="utf-8")
    graph = model.read(labs.load("hello").model.read_bytes())
    macs = re.search(r"^(\d+) MACs at two a cycle", text, re.MULTILINE)
    weights = re.search(r"^\| weights and biases, bytes .* (\d+) \|$", text, re.MULTILINE)
    assert sum(model.macs(graph)) == int(macs[1])
    assert model.weights_bytes(graph) == int(weights[1])
