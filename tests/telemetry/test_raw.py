"""Raw samples of a board that records: on good links and on bad ones."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from edge_deploy.errors import LinkLost, UsageError
from edge_deploy.telemetry.facts import RecorderFacts
from edge_deploy.telemetry.failures import BoardRefused, BoardRestarted, LinkSilent
from edge_deploy.telemetry.raw import NotRecording, RawReader
from edge_deploy.telemetry.session import Session
from edge_deploy.telemetry.wire import BadRecord, Record
from tests.fake_device import FakeBoard, FakeLink, Faults
from tests.fake_senses import FakeRecorder

RANDOM = np.random.default_rng(4)
SAMPLES = {
    "microphone": RANDOM.integers(-32768, 32768, 5_000).astype(np.int16),
    "imu": RANDOM.integers(-32768, 32768, (700, 6)).astype(np.int16),
    "camera": RANDOM.integers(0, 256, (9, 30, 40)).astype(np.uint8),
}
SENSORS = sorted(SAMPLES)


def begun(recorder, faults=None):
    board = FakeBoard(recorder=recorder, faults=faults or Faults(), meter=False)
    link = FakeLink(board)
    session = Session(link, clock=link.clock)
    session.begin()
    return session, board


def held_against(pieces, sensor, dropped=()):
    """Every piece is at its place, and what is between them is told. Returns what is missing."""
    samples = SAMPLES[sensor]
    at = 0
    gone = {number for numbers in dropped for number in numbers}
    damaged = 0
    for piece in pieces:
        count = 1 if sensor == "camera" else len(piece.samples)
        assert piece.number - at == piece.missing
        between = set(range(at, piece.number))
        assert piece.dropped == len(between & gone)
        end = piece.number + count
        right = samples[piece.number] if sensor == "camera" else samples[piece.number : end]
        assert piece.samples.dtype == samples.dtype
        assert np.array_equal(piece.samples, right)
        damaged += piece.damaged
        at = end
    return damaged


@pytest.mark.parametrize("sensor", SENSORS)
def test_all_samples_come(sensor):
    samples = SAMPLES[sensor]
    session, board = begun(FakeRecorder(sensor, samples))
    assert session.board.recorder.sensor == sensor
    assert (session.board.source, session.board.sensing) == ("recorder", None)
    pieces = list(session.raw(len(samples)))
    assert held_against(pieces, sensor) == 0
    joined = np.concatenate([piece.samples.reshape(-1) for piece in pieces])
    assert np.array_equal(joined, samples.reshape(-1))
    assert session.health.retries == 0
    assert not board.streaming


@pytest.mark.parametrize("sensor", SENSORS)
def test_what_the_sensor_dropped_is_told(sensor):
    samples = SAMPLES[sensor]
    dropped = (range(1, 3), range(5, 6)) if sensor == "camera" else (range(3, 90), range(200, 201))
    session, _ = begun(FakeRecorder(sensor, samples, dropped))
    count = len(samples) - sum(map(len, dropped))
    pieces = list(session.raw(count))
    assert held_against(pieces, sensor, dropped) == 0
    assert sum(piece.dropped for piece in pieces) == sum(map(len, dropped))


def test_a_generator_that_is_closed_ends_the_stream():
    session, board = begun(FakeRecorder("imu", SAMPLES["imu"]))
    first = list(itertools.islice(session.raw(), 3))
    assert held_against(first, "imu") == 0
    assert not board.streaming
    assert session.hello().recorder is not None
    # The next one begins anew.
    assert held_against(list(session.raw(50)), "imu") == 0


def test_what_another_host_left_running_is_ended():
    recorder = FakeRecorder("microphone", SAMPLES["microphone"])
    session, board = begun(recorder)
    stream = session.raw()
    next(stream)
    link = FakeLink(board)
    link.now_us = session._talk._link.now_us
    other = Session(link, clock=link.clock)
    other.begin()
    assert not board.streaming
    assert held_against(list(other.raw(300)), "microphone") == 0
    stream.close()


def test_what_is_refused():
    session, _ = begun(FakeRecorder("imu", SAMPLES["imu"], refuses="imu"))
    with pytest.raises(BoardRefused, match="missing=imu"):
        list(session.raw(1))
    session, _ = begun(FakeRecorder("imu", SAMPLES["imu"]))
    with pytest.raises(BoardRefused, match="no-source"):
        list(session.stream(1))
    for count in (0, -1, 1_000_001):
        with pytest.raises(UsageError):
            list(session.raw(count))
    with pytest.raises(NotRecording, match="does not record"):
        list(begun(None)[0].raw())


def test_a_sensor_that_falls_silent_is_told():
    session, _ = begun(FakeRecorder("imu", SAMPLES["imu"], stops_after=2))
    stream = session.raw()
    assert held_against([next(stream), next(stream)], "imu") == 0
    with pytest.raises(LinkSilent, match="no samples"):
        next(stream)


def record_all(sensor, faults):
    """(damaged, pieces) of all samples over a bad link, or the error."""
    samples = SAMPLES[sensor]
    try:
        session, _ = begun(FakeRecorder(sensor, samples), faults)
        pieces = list(session.raw(len(samples)))
    except LinkLost as lost:
        return lost
    damaged = held_against(pieces, sensor)
    count = sum(1 if sensor == "camera" else len(piece.samples) for piece in pieces)
    assert count + damaged <= len(samples)
    # Where nothing was damaged on the way, nothing is missing.
    if session.health.corrupt_lines == session.health.lost_records == 0:
        assert (damaged, count) == (0, len(samples))
    return damaged


@pytest.mark.parametrize("sensor", SENSORS)
@pytest.mark.parametrize("kind", ["drop", "garble", "double", "repeat", "swap"])
def test_damage_is_a_gap_of_known_length(sensor, kind):
    rate = 0.02 if kind in {"repeat", "swap"} else 0.0003
    results = [record_all(sensor, Faults(seed=seed, **{kind: rate})) for seed in range(12)]
    assert not [each for each in results if isinstance(each, LinkLost)]
    assert (sum(results) > 0) == (kind != "repeat")


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_board_that_restarts_or_goes_is_told(sensor):
    told = {
        type(record_all(sensor, Faults(seed=position, **{fault: position})))
        for position in range(1_000, 12_000, 571)  # after the hello
        for fault in ("reboot_at", "cut_at")
    }
    assert told == {BoardRestarted, LinkLost}


FACTS = {
    "microphone": RecorderFacts("microphone", rate_hz=16_000),
    "imu": RecorderFacts("imu", rate_hz=119, axes=6),
    "camera": RecorderFacts("camera", width=40, height=30, period_ms=20),
}


@pytest.mark.parametrize("sensor", SENSORS)
@settings(max_examples=80, deadline=None)
@given(data=some.data())
def test_any_records_that_are_missing(sensor, data):
    """Whatever subset of the records arrives, and some of them twice."""
    samples = SAMPLES[sensor][:4] if sensor == "camera" else SAMPLES[sensor][:700]
    records = FakeRecorder(sensor, samples).records()
    reader = RawReader(FACTS[sensor])
    pieces = []
    for number, lost, _, raw in records:
        for _ in range(data.draw(some.sampled_from([0, 1, 1, 1, 2]))):
            fields = {"n": str(number), "lost": str(lost), "hex": raw.hex()}
            piece = reader.add(Record("raw", 0, fields))
            if piece is not None:
                pieces.append(piece)
    damaged = held_against(pieces, sensor)
    given_out = sum(1 if sensor == "camera" else len(piece.samples) for piece in pieces)
    assert reader.taken == given_out + damaged


@pytest.mark.parametrize(
    ("sensor", "fields"),
    [
        ("imu", {"n": "0", "lost": "0", "hex": "00" * 13}),
        ("imu", {"n": "0", "lost": "0", "hex": ""}),
        ("microphone", {"n": "-1", "lost": "0", "hex": "0000"}),
        ("microphone", {"n": "0", "lost": "-1", "hex": "0000"}),
        ("microphone", {"n": "0", "hex": "0000"}),
        ("camera", {"n": "1100", "lost": "0", "hex": "00" * 200}),
    ],
)
def test_records_that_no_firmware_of_ours_sends(sensor, fields):
    with pytest.raises(BadRecord):
        RawReader(FACTS[sensor]).add(Record("raw", 0, fields))


def test_recorders_that_no_firmware_of_ours_is():
    session, board = begun(FakeRecorder("imu", SAMPLES["imu"]))
    for said in ({"sensor": "nose"}, {"sensor": "imu", "rate_hz": 0, "axes": 6}):
        board.recorder.said = lambda said=said: said
        with pytest.raises(Exception, match="ed-recorder has"):
            session.begin()
