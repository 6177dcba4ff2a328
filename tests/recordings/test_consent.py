"""Consent noted, and people forgotten: all of theirs, nothing of others, nothing outside."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from edge_deploy import recordings
from edge_deploy.errors import BadInput
from edge_deploy.recordings import Facts, RecordingsUnwritable
from tests.recordings.made import keep, session


def test_consent_is_noted_once_each_time(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert recordings.consent_of(folder, "ada") is None
    given = recordings.give_consent(folder, "ada", 'to "this",\n and that')
    assert given.statement == 'to "this", and that'
    again = recordings.give_consent(folder, "ada", "to more")
    recordings.give_consent(folder, "bob", "x")
    assert recordings.consents(folder)[:2] == [given, again]
    assert recordings.consent_of(folder, "ada") == again
    assert given.given_at.endswith("+00:00")


@pytest.mark.parametrize("text", ["a,b\n", "speaker,given_at,statement\n../x,t,s\n"])
def test_a_damaged_consent_file_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "consent.csv").write_text(text)
    for call in (
        lambda: recordings.consent_of(tmp_path, "ada"),
        lambda: recordings.give_consent(tmp_path, "ada", "x"),
        lambda: recordings.forget(tmp_path, "ada"),
    ):
        with pytest.raises(BadInput, match=r"consent\.csv, line"):
            call()
    assert (tmp_path / "consent.csv").read_text() == text


def test_all_of_a_speaker_goes_and_nothing_else(tmp_path: Path) -> None:
    mine = [keep(tmp_path, "yes", "ada"), keep(tmp_path, "no", "ada", 1)]
    mine.append(keep(tmp_path, "wave", "ada", facts=Facts("imu", 119, "nano33", "virtual")))
    others = [keep(tmp_path, "yes", name) for name in ("ad", "ada-2", "bob")]
    for name in ("ada", "bob"):
        recordings.give_consent(tmp_path, name, "x")
    torn = tmp_path / "no" / ".ada_x1y2.wav"  # of a power cut
    torn.write_bytes(b"voice")
    seen = recordings.forget(tmp_path, "ada", dry_run=True)
    assert all(clip.path.is_file() for clip in mine)
    assert torn.is_file()
    gone = recordings.forget(tmp_path, "ada")
    assert gone == seen
    assert sorted(gone.files) == sorted([*(clip.path for clip in mine), torn])
    assert (gone.rows, gone.consent, gone.left) == (3, True, ())
    assert recordings.clips(tmp_path) == sorted(others, key=lambda clip: clip.speaker)
    assert {row.speaker for row in recordings.index(tmp_path)} == {"ad", "ada-2", "bob"}
    assert [each.speaker for each in recordings.consents(tmp_path)] == ["bob"]
    assert not any("ada_" in str(path) for path in tmp_path.rglob("*"))
    with pytest.raises(BadInput, match="no recordings of ada; known are ad, ada-2, bob"):
        recordings.forget(tmp_path, "ada")


def test_consent_without_recordings_is_forgotten_too(tmp_path: Path) -> None:
    recordings.give_consent(tmp_path, "ada", "x")
    assert recordings.forget(tmp_path, "ada").consent
    with pytest.raises(BadInput, match="has none of anybody"):
        recordings.forget(tmp_path, "ada")
    with pytest.raises(BadInput, match="is no folder"):
        recordings.forget(tmp_path / "absent", "ada")


def test_nothing_outside_the_folder_is_removed(tmp_path: Path) -> None:
    outside, data = tmp_path / "outside", tmp_path / "data"
    theirs = keep(outside, "yes", "ada")
    keep(data, "no", "ada")
    (data / "yes").symlink_to(outside / "yes", target_is_directory=True)
    link = data / "no" / f"ada_{session(1)}_001.wav"
    link.symlink_to(theirs.path)
    gone = recordings.forget(data, "ada")
    assert gone.left == (data / "yes",)
    assert link in gone.files
    assert not link.is_symlink()
    assert theirs.path.read_bytes() == b"yes ada 0"
    assert (data / "yes").is_symlink()


def test_what_cannot_be_removed_is_named_and_stays_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = keep(tmp_path, "yes", "ada")
    recordings.give_consent(tmp_path, "ada", "x")

    def refuse(_path: Path, **_given: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refuse)
        with pytest.raises(RecordingsUnwritable, match=f"{clip.path.name}: .* Permission denied"):
            recordings.forget(tmp_path, "ada")
    assert recordings.consent_of(tmp_path, "ada") is not None
    assert recordings.forget(tmp_path, "ada").files == (clip.path,)


def test_a_card_says_whose_recordings_by_keys_alone(tmp_path: Path) -> None:
    found = [keep(tmp_path, "yes", name) for name in ("ada", "bob", "ada", "nobody")]
    line = recordings.speakers_line(found)
    assert "ada" not in line
    assert "bob" not in line
    card = f"# kws\n\n- {line}.\n"
    assert recordings.names_speaker(card, "ada")
    assert recordings.names_speaker(card, "eve") is False
    assert recordings.names_speaker("# kws\n", "ada") is None
    assert recordings.names_speaker(recordings.speakers_line(found[3:]), "ada") is False
