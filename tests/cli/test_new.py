"""`new`: a lab that every verb takes; the whole trip from nothing to an evaluated model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge_deploy import audio, labs, recordings
from edge_deploy.cli import edge_deploy
from edge_deploy.errors import Exit
from edge_deploy.training import recipe
from tests import own_lab
from tests.cli.conftest import Command
from tests.cli.test_refusals import refused
from tests.documented import PROGRAM, commands


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("sensor", own_lab.SENSORS)
def test_it_is_a_lab_with_a_recipe_a_handout_and_budgets(command: Command, sensor: str) -> None:
    ended = command("new", "mine", "--sensor", sensor)
    assert ended.code == Exit.DONE, ended.err
    made = labs.load("mine")
    assert len(made.labels) >= 2
    assert set(made.budgets) == {"nano33", "xiao_esp32s3"}
    loaded = recipe.load(made.folder)
    assert loaded.recordings
    assert loaded.labels == made.labels
    assert recipe.function(made.folder, "held_out")
    assert "data/" in Path("mine/.gitignore").read_text()
    # Nothing is left to be filled in but what a teacher writes.
    for path in Path("mine").rglob("*"):
        if path.is_file():
            assert "$name" not in path.read_text(encoding="utf-8")
    # What it tells to type parses, on the terminal and in the handout.
    typed = commands("```\n" + ended.out.replace("\n  edge", "\nedge") + "```\n", "out")
    typed += commands(Path("mine/handout.md").read_text(encoding="utf-8"), "handout.md")
    assert {each.words[0] for each in typed} >= {"record", "train", "evaluate", "flash", "inspect"}
    for each in typed:
        with edge_deploy.make_context(PROGRAM, list(each.words)) as root:
            name, verb, rest = edge_deploy.resolve_command(root, list(each.words))
            assert verb is not None
            verb.make_context(name, rest, parent=root).close()


def test_labels_and_place_as_asked(command: Command, tmp_path: Path) -> None:
    ended = command(
        "new", "bell", "--labels", "ring, no,noise", "-o", tmp_path / "a" / "b", "--json"
    )
    document = json.loads(ended.out)
    assert document["labels"] == ["ring", "no", "noise"]
    made = labs.load(str(tmp_path / "a" / "b" / "bell"))
    assert made.labels == ("ring", "no", "noise")  # YAML's no is a text here
    assert made.decision is not None
    assert made.decision.ignore == ("noise",)
    assert all(Path(path).is_file() for path in document["files"])
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["bell"]


@pytest.mark.parametrize(
    "name", ["", "Mine", "a/b", "..", "1st", "-x", "a b", "x" * 33, "con", "é"]
)
def test_names_that_are_none(command: Command, tmp_path: Path, name: str) -> None:
    ended = command("new", "--", name)
    assert ended.code == Exit.USAGE
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_taken(command: Command, tmp_path: Path) -> None:
    ended = command("new", "kws")
    refused(ended, Exit.USAGE, "kws is one of ours")
    assert "edge-deploy new mykws" in ended.err
    assert command("new", "mine").code == Exit.DONE
    before = (tmp_path / "mine" / "lab.yaml").read_bytes()
    refused(command("new", "mine", "--sensor", "imu"), Exit.USAGE, "mine is there already")
    assert (tmp_path / "mine" / "lab.yaml").read_bytes() == before
    (tmp_path / "file").write_text("mine")
    refused(command("new", "x", "-o", tmp_path / "file" / "y"), Exit.FAILED, "cannot be written")


def test_labs_lists_it_and_shows_what_was_recorded(command: Command, tmp_path: Path) -> None:
    made = own_lab.lab(tmp_path / "bell", "mic")
    own_lab.record(made, "ada", 0)
    own_lab.record(made, recordings.NOBODY, 1)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "lab.yaml").write_text("title: 1")
    ended = command("labs")
    assert ended.code == Exit.DONE
    assert "./bell" in ended.out
    assert "kws" in ended.out
    assert "broken/lab.yaml" in ended.err  # told, and the others listed all the same
    ended = command("labs", "./bell")
    assert "not trained yet" in ended.out
    assert "microphone, 16,000 Hz" in ended.out
    document = json.loads(command("labs", "./bell", "--json").out)
    assert document["recordings"]["low"] == {"clips": 4, "speakers": 1, "sessions": 2}
    assert document["budgets"]["nano33"]["flash_bytes"] == 81_920
    shown = json.loads(command("labs", "kws", "--json").out)
    assert (shown["trained"], shown["recordings"]) == (True, None)
    for lab in ("hello", "kws"):
        assert command("labs", lab).code == Exit.DONE
    refused(command("labs", "./none"), Exit.BAD_INPUT, "./none")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("yes", "has 1 label;"),
        ("yes,,no", "an empty label"),
        ("yes,Yes", "the same folder"),
        ("a/b,c", "cannot be a folder's name"),
        (",".join(f"l{n}" for n in range(51)), "has 51 labels"),
    ],
)
def test_labels_that_are_none(command: Command, tmp_path: Path, labels: str, words: str) -> None:
    refused(command("new", "mine", "--labels", labels), Exit.USAGE, words)
    assert list(tmp_path.iterdir()) == []


def test_from_nothing_to_an_evaluated_model(command: Command, tmp_path: Path) -> None:
    """new, record (two labels, three sessions), train, inspect, evaluate: nothing else is typed."""
    pytest.importorskip("tensorflow", reason="needs the extra `train`")
    pytest.importorskip("unicorn", reason="needs the extra `virtual`")
    pytest.importorskip("tflite_runtime", reason="needs the extra `reference`")
    assert command("new", "bell", "--labels", "ring,knock").code == Exit.DONE
    refused(command("train", "./bell"), Exit.BAD_INPUT, "no recordings of ring")
    at = np.arange(16_000) / 16_000
    for run in range(3):
        for index, label in enumerate(("ring", "knock")):
            draw = np.random.default_rng((run, index))
            plays = tmp_path / f"{label}{run}"
            plays.mkdir()
            for clip in range(3):
                tone = 4_000 * np.sin(2 * np.pi * 300 * 4**index * at) * (np.abs(at - 0.5) < 0.3)
                sound = np.rint(tone + draw.normal(0, 50, at.size)).astype(np.int16)
                audio.write(plays / f"{clip}.wav", sound)
            ended = command(
                "record", "--board", "nano33", "--on", "virtual", "--lab", "./bell", "--label",
                label, "--mic", plays, "--speaker", "ada", "--consent",
            )  # fmt: skip
            assert ended.code == Exit.DONE, ended.err
            if run < 2:
                refused(command("train", "./bell"), Exit.BAD_INPUT, "knock")
    assert len(recordings.clips(Path("bell/data"))) == 18
    ended = command("train", "./bell", "--epochs", "3", "--json")
    assert ended.code == Exit.DONE, ended.err
    figures = json.loads(ended.out)["figures"]
    card = Path("bell/card.md").read_text(encoding="utf-8")
    assert recordings.names_speaker(card, "ada")
    assert command("inspect", "./bell", "--board", "nano33").code == Exit.DONE
    ended = command("evaluate", "./bell", "--board", "nano33", "--on", "host", "--json")
    assert ended.code == Exit.DONE, ended.err
    document = json.loads(ended.out)
    assert document["n"] == 6
    # The test that the card tells of is the very one that evaluate makes.
    assert document["accuracy"]["value"] == pytest.approx(figures["accuracy"]["int8"]["value"])
    ended = command("data", "forget", "ada", "--data", "bell/data", "--yes")
    assert f"{tmp_path.resolve() / 'bell' / 'model.tflite'}" in ended.err
    assert recordings.clips(Path("bell/data")) == []
