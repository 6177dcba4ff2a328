"""Recordings on disk: round trip, a cut last line, a full disk, files that are none."""

import json
import sys

import pytest

from edge_deploy.errors import BadInput, Exit
from edge_deploy.telemetry.readings import (
    Counts,
    Inference,
    Lap,
    LayerLap,
    Log,
    Power,
    from_json,
    to_json,
)
from edge_deploy.telemetry.recording import Header, Recorder, RecordingFailed, load
from edge_deploy.telemetry.session import Session
from tests.fake_device import FakeBoard, FakeLink
from tests.fake_model import SHA256
from tests.fake_senses import FakeAudio, FakeImage, FakeMotion

READINGS = (
    Inference(0, 1500, 1, 211, 3, 0, Counts(5, 6, 7, 8), b"\x1f", b"\x5a\xff"),
    Inference(2, 1600, 0, 0, 0, 4),
    Power(1600, 3310, 3300, 17201),
    Power(1700, 3310, 3300),
    Lap(0, 92031, Counts(cycles=5890012)),
    LayerLap(0, 3, 12, Counts(cycles=1, instructions=0)),
    Log('a "line" \\ of text'),
)


@pytest.fixture
def header():
    link = FakeLink(FakeBoard())
    with Session(link, clock=link.clock) as session:
        return Header.now(session.begin(), on="virtual")


@pytest.mark.parametrize("reading", READINGS)
def test_reading_to_json_and_back(reading):
    flat = json.loads(json.dumps(to_json(reading)))
    assert from_json(flat) == reading
    assert None not in flat.values()


def test_json_of_an_inference_is_flat():
    assert to_json(READINGS[0]) == {
        "kind": "inference",
        "n": 0,
        "t_us": 1500,
        "dsp_us": 1,
        "inference_us": 211,
        "post_us": 3,
        "overruns": 0,
        "cycles": 5,
        "cycles_board": 6,
        "instructions": 7,
        "energy_nj": 8,
        "input": "1f",
        "output": "5aff",
    }


@pytest.mark.parametrize(
    "flat",
    [
        {},
        {"kind": "dream"},
        {"kind": "inference", "n": 1},
        {"kind": "power", "t_us": "soon", "current_ua": 1, "voltage_mv": 1},
        {"kind": "power", "t_us": True, "current_ua": 1, "voltage_mv": 1},
        {"kind": "lap", "run": 0, "us": 1, "cycles": "many"},
    ],
)
def test_what_is_no_reading(flat):
    with pytest.raises(BadInput, match="not a reading"):
        from_json(flat)


def test_written_and_read(tmp_path, header):
    path = tmp_path / "some" / "where" / "a.jsonl"
    with Recorder(path, header) as recorder:
        for number, reading in enumerate(READINGS, start=1):
            recorder.write(reading)
            assert len(load(path).readings) == number  # on disk at once
    loaded = load(path)
    assert loaded.readings == READINGS
    assert loaded.header == header
    assert loaded.cut_bytes == 0
    first = json.loads(path.read_text().splitlines()[0])
    assert first["schema_version"] == 1
    assert first["tool_version"]
    assert first["model"] == {"name": "fake model", "sha256": SHA256}
    assert (first["board"], first["on"]) == ("nano33", "virtual")
    assert first["started"].endswith("+00:00")


@pytest.mark.parametrize(
    "board",
    [{"audio": FakeAudio()}, {"senses": FakeMotion()}, {"senses": FakeImage()}, {}],
    ids=["sound", "motion", "pictures", "nothing"],
)
def test_how_the_board_senses_is_kept(tmp_path, board):
    link = FakeLink(FakeBoard(**board))
    with Session(link, clock=link.clock) as session:
        hello = session.begin()
    path = tmp_path / "r.jsonl"
    Recorder(path, Header.now(hello, on="virtual")).close()
    found = load(path).header
    assert found.sensing == hello.sensing
    assert (found.sensing is None) == (not board)
    assert (found.audio is None) == ("audio" not in board)


def test_existing_file_is_not_overwritten(tmp_path, header):
    path = tmp_path / "a.jsonl"
    path.write_text("precious")
    with pytest.raises(RecordingFailed, match=r"cannot write .*a\.jsonl: File exists"):
        Recorder(path, header)
    assert path.read_text() == "precious"


def test_every_cut_is_tolerated_and_told(tmp_path, header):
    path = tmp_path / "a.jsonl"
    with Recorder(path, header) as recorder:
        for reading in READINGS:
            recorder.write(reading)
    data = path.read_bytes()
    head = data.index(b"\n") + 1
    for size in range(head, len(data)):
        path.write_bytes(data[:size])
        loaded = load(path)
        whole = data[:size].count(b"\n") - 1
        assert loaded.readings == READINGS[:whole]
        assert loaded.cut_bytes == size - data[:size].rindex(b"\n") - 1
    for size in range(head):
        path.write_bytes(data[:size])
        with pytest.raises(BadInput, match="not a recording"):
            load(path)


def test_resumed_after_a_cut(tmp_path, header):
    path = tmp_path / "a.jsonl"
    with Recorder(path, header) as recorder:
        recorder.write(READINGS[0])
        recorder.write(READINGS[1])
    path.write_bytes(path.read_bytes()[:-7])
    with Recorder(path, None) as recorder:
        assert recorder.readings == 1
        recorder.write(READINGS[2])
    assert load(path).readings == (READINGS[0], READINGS[2])
    assert load(path).cut_bytes == 0


def test_damage_in_the_middle_is_named_by_its_line(tmp_path, header):
    path = tmp_path / "a.jsonl"
    with Recorder(path, header) as recorder:
        for reading in READINGS:
            recorder.write(reading)
    lines = path.read_bytes().split(b"\n")
    lines[3] = lines[3][:9]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(BadInput, match="line 4: not a JSON object") as caught:
        load(path)
    assert caught.value.exit_code == Exit.BAD_INPUT


@pytest.mark.parametrize(
    "text",
    ["", "hello\n", "[]\n", '{"kind": "header"}\n', '{"kind":"power","schema_version":1}\n', "\n"],
)
def test_other_files_are_no_recordings(tmp_path, text):
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    with pytest.raises(BadInput, match="not a recording"):
        load(path)


def test_newer_schema_is_named(tmp_path, header):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({**header.as_json(), "schema_version": 2}) + "\n")
    with pytest.raises(BadInput, match="schema 2"):
        load(path)


def test_missing_file(tmp_path):
    with pytest.raises(BadInput, match="No such file"):
        load(tmp_path / "none.jsonl")


@pytest.fixture
def file_limit():
    """No file of this process may grow beyond so many bytes: a disk that is full."""
    if sys.platform == "win32":
        pytest.skip("limits of file sizes are a POSIX thing")
    import resource
    import signal

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, handler)


def test_full_disk_loses_nothing_that_was_written(tmp_path, header, file_limit):
    path = tmp_path / "a.jsonl"
    with Recorder(path, header) as recorder:
        recorder.write(READINGS[0])
        recorder.write(READINGS[1])
        file_limit(path.stat().st_size + 20)  # a part of the next line fits
        with pytest.raises(RecordingFailed, match=r"after 2 readings.*they are kept") as caught:
            recorder.write(READINGS[2])
        file_limit(1 << 20)
        assert load(path).cut_bytes == 0
        recorder.write(READINGS[3])  # there is room again
    assert load(path).readings == (READINGS[0], READINGS[1], READINGS[3])
    assert caught.value.exit_code == Exit.FAILED
    assert caught.value.try_next


def test_disk_full_from_the_start_leaves_no_headless_file(tmp_path, header, file_limit):
    path = tmp_path / "a.jsonl"
    file_limit(10)
    with pytest.raises(RecordingFailed):
        Recorder(path, header)
    file_limit(1 << 20)
    assert not path.exists()
