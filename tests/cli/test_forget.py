"""`data forget`: what is removed is said, asked for and no more than that; who still knows it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from edge_deploy import recordings
from edge_deploy.errors import Exit
from edge_deploy.training import checkpoint
from tests.cli.conftest import Command
from tests.cli.test_refusals import refused
from tests.recordings.made import keep


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Recordings of two, in the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("ada", "bob"):
        for label in ("yes", "no"):
            keep(tmp_path / "recordings", label, name)
        recordings.give_consent(tmp_path / "recordings", name, "x")
    return tmp_path / "recordings"


class Typing(io.StringIO):
    """A keyboard with somebody at it."""

    def isatty(self) -> bool:
        return True


def test_who_does_not_say_yes_removes_nothing(command: Command, folder: Path) -> None:
    refused(
        command("data", "forget", "ada"),
        Exit.USAGE,
        "2 recordings of ada, 2 rows of recordings.csv and the consent would be removed",
        "--yes",
    )
    assert len(recordings.clips(folder, speaker="ada")) == 2
    ended = command("data", "forget", "ada", "--dry-run")
    assert ended.code == Exit.DONE
    assert "2 recordings of ada, 2 rows of recordings.csv and the consent would be" in ended.out
    assert str(Path("recordings") / "yes" / "ada_") in ended.out
    assert len(recordings.clips(folder)) == 4


def test_yes_removes_all_of_one_and_says_who_still_knows(command: Command, folder: Path) -> None:
    # What the card of a lab here says; and of another that learnt from nobody.
    found = recordings.clips(folder)
    for name, line in (
        ("mine", recordings.speakers_line(found)),
        ("other", recordings.speakers_line(recordings.clips(folder, speaker="bob"))),
        ("old", "a card without"),
    ):
        (folder.parent / name).mkdir()
        (folder.parent / name / "card.md").write_text(f"# {name}\n\n- {line}\n")
    ended = command("data", "forget", "ada", "--yes")
    assert ended.code == Exit.DONE
    assert ended.out == (
        "2 recordings of ada, 2 rows of recordings.csv and the consent removed from recordings.\n"
    )
    assert "These models learnt from ada" in ended.err
    assert f"{folder.parent / 'mine'}    edge-deploy train {folder.parent}" in ended.err
    assert "other" not in ended.err
    assert {clip.speaker for clip in recordings.clips(folder)} == {"bob"}
    refused(command("data", "forget", "ada", "--yes"), Exit.BAD_INPUT, "known are bob")


def test_a_card_that_does_not_say_is_told(command: Command, tmp_path: Path) -> None:
    keep(tmp_path / "lab" / "data", "yes", "ada")
    (tmp_path / "lab" / "card.md").write_text("# lab\n")
    ended = command("data", "forget", "ada", "--data", tmp_path / "lab" / "data", "--yes", "--json")
    document = json.loads(ended.out)
    assert document["models_unsure"] == [str((tmp_path / "lab").resolve())]
    assert document["models_that_learnt"] == []
    assert (document["index_rows"], document["consent"]) == (1, False)
    assert len(document["files"]) == 1
    assert document["schema_version"] == 1


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 2), ("\n", 2)])
def test_a_person_is_asked(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    monkeypatch.setattr("edge_deploy.cli.output.is_terminal", lambda _stream: True)
    monkeypatch.setattr("sys.stdin", Typing(answer))
    ended = command("data", "forget", "ada")
    assert "Remove 2 recordings of ada" in ended.err
    assert len(recordings.clips(folder, speaker="ada")) == left
    assert ended.code == (Exit.USAGE if left else Exit.DONE)


def test_interrupted_trainings_are_named(command: Command, folder: Path) -> None:
    checkpoint.home().mkdir(parents=True)
    path = checkpoint.home() / f"bell-3a67{checkpoint.SUFFIX}"
    path.write_bytes(b"")
    ended = command("data", "forget", "ada", "--yes")
    assert f"{path} is of an interrupted training" in ended.err
    assert "--restart" in ended.err
    document = json.loads(command("data", "forget", "bob", "--yes", "--json").out)
    assert document["interrupted_trainings"] == [str(path)]


def test_links_are_said_and_left(command: Command, folder: Path, tmp_path: Path) -> None:
    theirs = keep(tmp_path / "elsewhere", "up", "ada")
    (folder / "up").symlink_to(theirs.path.parent, target_is_directory=True)
    ended = command("data", "forget", "ada", "--yes", "--data", folder)
    assert f"{folder / 'up'} is a link" in ended.err
    assert theirs.path.is_file()


def test_a_speaker_or_folder_that_is_none(command: Command, folder: Path, tmp_path: Path) -> None:
    refused(command("data", "forget", "../x", "--yes"), Exit.USAGE, "no pseudonym")
    refused(
        command("data", "forget", "ada", "--data", tmp_path / "no"), Exit.BAD_INPUT, "no folder"
    )
    (folder / "recordings.csv").write_text("what\n")
    refused(command("data", "forget", "ada", "--yes"), Exit.BAD_INPUT, "recordings.csv, line 1")
    assert len(recordings.clips(folder)) == 4
