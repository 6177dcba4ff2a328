"""Folders of recordings: clips by their names, the index, and what is refused or left whole."""

from __future__ import annotations

import errno
import hashlib
import string
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edge_deploy import recordings
from edge_deploy.errors import BadInput, EdgeDeployError, Exit, UsageError
from edge_deploy.recordings import Facts, RecordingsUnwritable, folder, layout, tables
from tests.recordings.made import MIC, keep, session

HEADING = ",".join(folder.INDEX_COLUMNS)
FILE = "yes/ada_20260101T000000_001.wav"


def test_what_is_kept_is_found_with_its_row(tmp_path: Path) -> None:
    first = keep(tmp_path, "yes", "ada")
    second = keep(tmp_path, "yes", "ada")
    other = keep(tmp_path, "no", "bob-2", 1, facts=Facts("imu", 119, "nano33", "usb:1,2"))
    assert first.path == tmp_path / "yes" / f"ada_{session(0)}_001.wav"
    assert second.path.name == f"ada_{session(0)}_002.wav"
    assert first.path.read_bytes() == b"yes ada 0"
    assert recordings.clips(tmp_path) == [other, first, second]
    assert recordings.clips(tmp_path, label="yes", speaker="ada") == [first, second]
    assert recordings.clips(tmp_path, session=session(1)) == [other]
    assert [row.file for row in recordings.index(tmp_path)] == [
        f"yes/ada_{session(0)}_001.wav",
        f"yes/ada_{session(0)}_002.wav",
        f"no/bob-2_{session(1)}_001.csv",
    ]
    assert recordings.index(tmp_path)[2].facts == Facts("imu", 119, "nano33", "usb:1,2")
    assert recordings.index(tmp_path)[0].facts == MIC
    # Nothing else is there, not even for a moment's use.
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"yes", "no", "recordings.csv", ".lock"}
    # A session goes on over labels: numbers are not given twice.
    assert keep(tmp_path, "no", "ada").path.name == f"ada_{session(0)}_003.wav"


def test_the_files_are_the_truth(tmp_path: Path) -> None:
    """Copied together, cleared by hand, without an index: what is there counts."""
    keep(tmp_path, "yes", "ada")
    (tmp_path / "recordings.csv").unlink()
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "yes" / "notes.txt").write_text("mine")
    (tmp_path / "empty").mkdir()
    (tmp_path / ".git").mkdir()
    assert [clip.speaker for clip in recordings.clips(tmp_path)] == ["ada"]
    assert [path.name for path in recordings.label_folders(tmp_path)] == ["empty", "yes"]
    assert recordings.index(tmp_path) == []


@pytest.mark.parametrize(
    "label",
    [
        *("", "..", ".", "a/b", "a\\b", "/etc", "yes ", "yes.", ".yes", "con", "Nul.x", "é"),
        *("a" * 64, "-yes", "y\0s", "y\ns"),
    ],
)
def test_a_label_that_leads_out_or_is_no_folder_everywhere(tmp_path: Path, label: str) -> None:
    with pytest.raises(UsageError, match="label"):
        keep(tmp_path / "d", label, "ada")
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(
    "speaker", ["", "Ada", "ada_b", "..", "a/b", "-a", "a" * 33, "a.b", "ada\n"]
)
def test_a_speaker_that_is_no_pseudonym(tmp_path: Path, speaker: str) -> None:
    with pytest.raises(UsageError, match="pseudonym"):
        keep(tmp_path / "d", "yes", speaker)
    with pytest.raises(UsageError, match="pseudonym"):
        recordings.give_consent(tmp_path / "d", speaker, "yes")
    with pytest.raises(UsageError, match="pseudonym"):
        recordings.forget(tmp_path, speaker)
    assert not (tmp_path / "d" / "yes").exists()


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    keep(outside, "yes", "ada")
    data = tmp_path / "data"
    keep(data, "no", "ada")
    (data / "yes").symlink_to(outside / "yes", target_is_directory=True)
    assert [clip.label for clip in recordings.clips(data)] == ["no"]
    with pytest.raises(BadInput, match="is a link"):
        keep(data, "yes", "bob")
    assert len(list((outside / "yes").iterdir())) == 1
    (data / "no" / f"eve_{session(0)}_001.wav").symlink_to(outside / "yes" / "x.wav")
    with pytest.raises(BadInput, match="is a link"):
        recordings.clips(data)


def test_a_name_that_does_not_say_who(tmp_path: Path) -> None:
    keep(tmp_path, "yes", "ada")
    for name in ("hello.wav", "ada_20261399T000000_001.wav", "ada_20260101T000000_01.wav", "a.WAV"):
        path = tmp_path / "yes" / name
        path.write_bytes(b"")
        with pytest.raises(BadInput, match="does not say who"):
            recordings.clips(tmp_path)
        path.unlink()
    with pytest.raises(BadInput, match="cannot be read"):
        recordings.clips(tmp_path / "absent")


def test_labels_that_are_one_folder_on_some_systems(tmp_path: Path) -> None:
    keep(tmp_path, "Yes", "ada")
    with pytest.raises(BadInput, match="would be the same"):
        keep(tmp_path, "yes", "ada")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a,b\n", 1, "the heading is not file,label"),
        (f"{HEADING}\nyes/x.wav\n", 2, "it has 1 cells; the 9 are"),
        (f'{HEADING}\n"yes\n', 2, "it is no CSV"),
        (f"{HEADING}\n\n../x,..,ada,s,microphone,1,b,o,t\n", 3, "its file is not"),
        (
            f"{HEADING}\n{FILE},yes,bob,20260101T000000,microphone,16000,b,o,t\n",
            2,
            "speaker, session or sensor are not the file's",
        ),
        (
            f"{HEADING}\n{FILE},yes,ada,20260101T000000,microphone,\u0663,b,o,t\n",
            2,
            "rate_hz is no whole number",
        ),
        (f"{HEADING}\na\x07,b,c,d,e,f,g,h,i\n", 2, "holds a control character"),
        (f"{HEADING}\n{'a' * 2001},b,c,d,e,f,g,h,i\n", 2, "too long"),
    ],
)
def test_a_damaged_index_is_told_with_its_line(
    tmp_path: Path, text: str, line: int, what: str
) -> None:
    keep(tmp_path, "yes", "ada")
    path = tmp_path / "recordings.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=what) as told:
        recordings.index(tmp_path)
    assert f"recordings.csv, line {line}: " in told.value.message
    # Neither kept nor forgotten is anything then, and the index stays for whoever mends it.
    with pytest.raises(BadInput):
        keep(tmp_path, "no", "ada")
    with pytest.raises(BadInput):
        recordings.forget(tmp_path, "ada")
    assert path.read_text(encoding="utf-8") == text
    assert [clip.label for clip in recordings.clips(tmp_path)] == ["yes"]
    assert not (tmp_path / "no").exists()


def test_bytes_and_sizes_that_are_no_table(tmp_path: Path) -> None:
    path = tmp_path / "recordings.csv"
    path.write_bytes(HEADING.encode() + b"\n\xff\n")
    with pytest.raises(BadInput, match="line 2: it is no UTF-8"):
        recordings.index(tmp_path)
    path.write_bytes(b"a" * ((32 << 20) + 1))
    with pytest.raises(BadInput, match="has more than"):
        recordings.index(tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(BadInput, match="cannot be read"):
        recordings.index(tmp_path)
    path.rmdir()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="is a link"):
        recordings.index(tmp_path)


_TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


@given(data=st.one_of(st.binary(max_size=200), st.lists(_TEXT).map(lambda c: ",".join(c).encode())))
@example(data=b"\xef\xbb\xbf")
@example(data=HEADING.encode() + b"\n" + b'"' * 9)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_an_index_holds_is_read_or_told(tmp_path: Path, data: bytes) -> None:
    for heading in (b"", HEADING.encode() + b"\n"):
        (tmp_path / "recordings.csv").write_bytes(heading + data)
        try:
            rows = recordings.index(tmp_path)
        except BadInput as told:
            assert "\n" not in told.message
            assert told.exit_code == Exit.BAD_INPUT
        else:
            for row in rows:
                path = (tmp_path / row.file).resolve()
                assert path.is_relative_to(tmp_path.resolve())


_CELL = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), max_size=30)
_SPEAKERS = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=32).filter(
    lambda text: text[0] != "-"
)
_LABELS = st.text(string.ascii_letters + string.digits + "_ .+-", min_size=1, max_size=63).filter(
    layout.is_label
)


@given(
    label=_LABELS,
    speaker=_SPEAKERS,
    board=_CELL,
    on=_CELL,
    rate=st.one_of(st.none(), st.integers(1, 10**9 - 1)),
    sensor=st.sampled_from(sorted(recordings.SUFFIXES)),
    seconds=st.integers(0, 10**9),
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_that_is_written_is_read_back(
    tmp_path: Path, label, speaker, board, on, rate, sensor, seconds
) -> None:
    moment = datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    at = recordings.session_at(moment)
    name = layout.file_name(speaker, at, 7, recordings.SUFFIXES[sensor])
    facts = Facts(sensor, rate, board.replace("\xa0", " "), on.replace("\xa0", " "))
    printable = all(text.isprintable() for text in (facts.board, facts.on))
    row = recordings.Row(f"{label}/{name}", label, speaker, at, facts, moment.isoformat())
    folder.write_index(tmp_path, [row, row])
    if printable:
        assert recordings.index(tmp_path) == [row, row]
    clip = layout.clip_of(tmp_path / label / name, label)
    assert clip is not None
    assert (clip.speaker, clip.session, clip.number, clip.sensor) == (speaker, at, 7, sensor)


@pytest.mark.parametrize("moment", ["write", "sync", "index"])
def test_a_full_disk_leaves_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    keep(tmp_path, "yes", "ada")
    before = (tmp_path / "recordings.csv").read_bytes()

    def full(*_given: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def half(path: Path) -> None:
        path.write_bytes(b"ha")
        if moment == "write":
            full()

    if moment == "sync":
        monkeypatch.setattr(folder.os, "fsync", full)
    if moment == "index":
        # The clip itself found room.
        monkeypatch.setattr(tables.tempfile, "mkstemp", _only_clips(tables.tempfile.mkstemp, full))
    for label in ("yes", "no"):
        with pytest.raises(RecordingsUnwritable, match="no room left on the disk"):
            recordings.keep(tmp_path, label, "ada", session(1), MIC, half)
    assert [path.name for path in (tmp_path / "yes").iterdir()] == [f"ada_{session(0)}_001.wav"]
    assert {path.name for path in tmp_path.iterdir()} == {"yes", "recordings.csv", ".lock"}
    assert (tmp_path / "recordings.csv").read_bytes() == before


def _only_clips(real, refuse):
    def mkstemp(*given: object, **named: object):
        if str(named.get("prefix", "")).startswith(".recordings.csv"):
            refuse()
        return real(*given, **named)

    return mkstemp


def test_ctrl_c_while_a_clip_is_written(tmp_path: Path) -> None:
    def interrupted(path: Path) -> None:
        path.write_bytes(b"ha")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recordings.keep(tmp_path, "yes", "ada", session(0), MIC, interrupted)
    assert list(tmp_path.iterdir()) == []


def test_two_at_once_take_no_number_twice(tmp_path: Path) -> None:
    failures: list[EdgeDeployError] = []

    def ten() -> None:
        try:
            for _ in range(10):
                keep(tmp_path, "yes", "ada")
        except EdgeDeployError as error:
            failures.append(error)

    threads = [threading.Thread(target=ten) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [clip.number for clip in recordings.clips(tmp_path)] == list(range(1, 21))
    assert len({row.file for row in recordings.index(tmp_path)}) == 20


def test_two_runs_in_one_second_are_two_sessions(tmp_path: Path) -> None:
    moment = datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert recordings.new_session(tmp_path / "absent", "ada", moment) == session(0)
    keep(tmp_path, "yes", "ada")
    assert recordings.new_session(tmp_path, "bob", moment) == session(0)
    assert recordings.new_session(tmp_path, "ada", moment) == "20260101T000001"


def test_the_fingerprint_is_one_that_other_tools_make(tmp_path: Path) -> None:
    keep(tmp_path, "yes", "ada")
    keep(tmp_path, "no", "bob")
    lines = "".join(
        f"{hashlib.sha256(text).hexdigest()}  {label}/{name}_{session(0)}_001.wav\n"
        for text, label, name in ((b"no bob 0", "no", "bob"), (b"yes ada 0", "yes", "ada"))
    )
    found = recordings.clips(tmp_path)
    assert recordings.fingerprint(found) == hashlib.sha256(lines.encode()).hexdigest()
    assert recordings.fingerprint(reversed(found)) == recordings.fingerprint(found)
    found[0].path.write_bytes(b"other")
    assert recordings.fingerprint(found) != hashlib.sha256(lines.encode()).hexdigest()
