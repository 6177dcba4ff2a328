"""`train` as it is typed: interrupted and gone on, quick, refused, watched by a program."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge_deploy import places
from edge_deploy.errors import Exit
from edge_deploy.training import TrainingMissing, runtime
from tests.training import small_labs

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def _tensorflow():
    try:
        runtime.load()
    except TrainingMissing as error:
        pytest.skip(error.message)


@pytest.fixture
def lab(tmp_path):
    return small_labs.write(tmp_path / "thirds")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The sha256 of the model of `lab`, and its card, trained in one go."""
    from edge_deploy import labs
    from edge_deploy.training import train

    folder = small_labs.write(tmp_path_factory.mktemp("whole") / "thirds")
    result = train(labs.load_folder(folder))
    return result.sha256, result.card


def _sha256(folder):
    return hashlib.sha256((folder / "model.tflite").read_bytes()).hexdigest()


def _checkpoints():
    return list((places.cache() / "training").glob("*.checkpoint"))


def test_ctrl_c_says_how_to_go_on_and_what_follows_is_the_same_model(command, lab, uninterrupted):
    for epoch in (3, 4):  # interrupted twice, before the fourth epoch and before the fifth
        (lab / "stop").write_text(f"{epoch} SIGINT")
        ended = command("train", lab)
        assert ended.code == Exit.INTERRUPTED
        assert ended.err.splitlines()[-1] == (
            f"Interrupted; {epoch} epochs of thirds are kept. The same command goes on from there, "
            "--restart begins anew."
        )
        assert ended.out == ""
        assert not (lab / "model.tflite").exists()
    ended = command("train", lab)
    assert ended.code == 0
    assert "Going on after epoch 4 of 5." in ended.err
    assert (_sha256(lab), (lab / "card.md").read_text()) == uninterrupted
    assert _checkpoints() == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_kill_loses_the_epoch_that_was_begun_and_nothing_else(command, lab, uninterrupted):
    (lab / "stop").write_text("2 SIGKILL")
    killed = subprocess.run(
        [sys.executable, "-c", "from edge_deploy.cli import main; main()", "train", lab],
        cwd=ROOT,
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert killed.returncode == -9
    assert not (lab / "model.tflite").exists()
    (kept,) = _checkpoints()
    assert not list(kept.parent.glob("*.part"))
    ended = command("train", lab, "--json")
    assert ended.code == 0
    events = [json.loads(line) for line in ended.err.splitlines()]
    assert {"event": "stage", "text": "Going on after epoch 2 of 5."} in events
    assert [event["number"] for event in events if event["event"] == "epoch"] == [3, 4, 5]
    document = json.loads(ended.out)
    assert document["sha256"] == _sha256(lab) == uninterrupted[0]
    assert (document["epochs"], document["trained_epochs"], document["quick"]) == (5, 5, False)


def test_a_run_that_had_ended_but_was_not_written_is_not_trained_again(
    command, lab, tmp_path, uninterrupted, monkeypatch
):
    def interrupted(_result):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("edge_deploy.training.pictures", interrupted)
        ended = command("train", lab)
    assert ended.code == Exit.INTERRUPTED
    assert "Interrupted; 5 epochs of thirds are kept." in ended.err
    (tmp_path / "file").write_text("")
    ended = command("train", lab, "-o", tmp_path / "file" / "folder")
    assert ended.code == Exit.FAILED
    assert "cannot be written" in ended.err
    assert "--output OTHER_FOLDER    what was trained is kept" in ended.err
    again = command("train", lab)
    assert "Going on after epoch 5 of 5." in again.err
    assert "epoch    " not in again.err
    assert _sha256(lab) == uninterrupted[0]


@pytest.mark.parametrize(
    ("file", "old", "new", "what"),
    [("recipe.py", "0.05", "0.06", "its recipe"), ("edge", "0.3", "0.4", "the data")],
)
def test_another_recipe_or_other_data_do_not_go_on_with_the_old_weights(
    command, lab, file, old, new, what
):
    (lab / "stop").write_text("2 SIGINT")
    assert command("train", lab).code == Exit.INTERRUPTED
    (lab / file).write_text((lab / file).read_text().replace(old, new))
    ended = command("train", lab)
    assert ended.code == Exit.BAD_INPUT
    assert ended.err.splitlines()[-3:] == [
        (
            f"Error: training of thirds cannot go on where it stopped: {what} changed since it was "
            "interrupted after epoch 2 of 5."
        ),
        "Things to try:",
        f"  edge-deploy train {lab} --restart    begin anew",
    ]
    assert len(_checkpoints()) == 1
    ended = command("train", lab, "--restart")
    assert ended.code == 0
    assert "Going on" not in ended.err


def test_quick_leaves_the_labs_own_model_alone(command, lab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (lab / "model.tflite").write_bytes(b"the lab's own")
    ended = command("train", lab, "--quick")
    assert ended.code == 0
    assert "A QUICK RUN" in ended.out
    assert (lab / "model.tflite").read_bytes() == b"the lab's own"
    folder = tmp_path / "thirds-quick"
    card = (folder / "card.md").read_text()
    assert "> **QUICK RUN: 3 epochs instead of 5. This is not the lab's model**" in card
    assert "$ edge-deploy train thirds --seed 7 --quick\n" in card
    for name in ("curve.png", "confusion.png"):
        assert f"]({name})" in card
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    # It is a lab of its own, which every verb takes.
    quick = command("inspect", "./thirds-quick", "--json")
    assert json.loads(quick.out)["model"]["sha256"] == _sha256(folder)
