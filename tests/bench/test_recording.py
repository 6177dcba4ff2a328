"""Pieces of a sensor's stream become clips, each whole; whatever ends it, none is half."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge_deploy import audio, motion, pictures, recordings
from edge_deploy.bench import recording, takes
from edge_deploy.bench.recording import NothingWorthKeeping, Order, Outcome
from edge_deploy.bench.takes import Cutter, Judged, Problem
from edge_deploy.errors import LinkLost
from edge_deploy.recordings import Clip, Facts, RecordingsUnwritable
from edge_deploy.sensing import SourceSettings
from edge_deploy.telemetry.raw import RawSamples

MIC = SourceSettings("microphone", sample_rate_hz=8_000, stride_ms=200)
IMU = SourceSettings("imu", sample_rate_hz=50, axes=3, stride_samples=20)
CAMERA = SourceSettings("camera", width=16, height=8, period_ms=500)
SESSION = "20260131T101500"


class Notes:
    """Who looks on, and writes down what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def sensed(self, samples: np.ndarray, cutter: Cutter) -> None:
        assert len(samples)

    def kept(self, clip: Clip, judged: Judged) -> None:
        assert clip.path.is_file()
        self.said.append(f"kept {clip.number}")

    def dropped(self, judged: Judged) -> None:
        assert judged.problem is not None
        self.said.append(judged.problem.value)


def pieces(stream: np.ndarray, size: int, *, without: tuple[int, ...] = ()) -> Iterator[RawSamples]:
    for number, first in enumerate(range(0, len(stream), size)):
        if number not in without:
            yield RawSamples(stream[first : first + size], first)


def order(folder: Path, source: SourceSettings, **given: object) -> Order:
    form = takes.form(source, None, clip_s=0.5, gap_s=0.5, lead_s=0.0)
    facts = Facts(source.kind, source.sample_rate_hz or None, "nano33", "virtual")
    return Order(folder, "yes", "ada", SESSION, facts, form, **given)


def tones(*amplitudes: int) -> np.ndarray:
    """Half a second of a tone at each amplitude, and half a second of silence after it."""
    tone = np.sin(2 * np.pi * 300 * np.arange(4_000) / 8_000)
    parts = [np.concatenate([each * tone, np.zeros(4_000)]) for each in amplitudes]
    return np.clip(np.rint(np.concatenate(parts)), -32_768, 32_767).astype(np.int16)


def run(stream: np.ndarray, given: Order, **how: object) -> tuple[Outcome, list[str]]:
    notes, outcome = Notes(), Outcome()
    recording.record(pieces(stream, 100, **how), given, notes, outcome)
    return outcome, notes.said


def test_what_is_good_is_kept_as_it_came(tmp_path: Path) -> None:
    stream = tones(3_000, 0, 90_000, 5_000)
    outcome, said = run(stream, order(tmp_path, MIC))
    assert said == ["kept 1", "silent", "clipped", "kept 2"]
    assert [clip.file for clip in outcome.clips] == [
        f"yes/ada_{SESSION}_00{number}.wav" for number in (1, 2)
    ]
    for clip, begin in zip(outcome.clips, (0, 24_000), strict=True):
        read = audio.read(clip.path, rate_hz=8_000).samples
        assert read.tolist() == stream[begin : begin + 4_000].tolist()
    assert recordings.clips(tmp_path) == outcome.clips
    assert recordings.index(tmp_path)[1].facts == Facts("microphone", 8_000, "nano33", "virtual")


def test_keep_keeps_all_that_is_whole(tmp_path: Path) -> None:
    given = order(tmp_path, MIC, keep_all=True)
    # The piece that is missing is one of the last tone's.
    outcome, said = run(tones(3_000, 0, 90_000, 5_000), given, without=(245,))
    assert said == ["kept 1", "kept 2", "kept 3", "lost"]
    assert [judged.problem for judged in outcome.dropped] == [Problem.LOST]
    assert len(recordings.clips(tmp_path)) == 3


def test_it_ends_where_it_should(tmp_path: Path) -> None:
    stream = tones(*[3_000] * 9)
    assert run(stream, order(tmp_path / "a", MIC, count=2))[1] == ["kept 1", "kept 2"]
    assert len(run(stream, order(tmp_path / "b", MIC, last=24_000))[1]) == 3
    assert len(run(stream, order(tmp_path / "c", MIC))[1]) == 9


def test_a_covered_microphone_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(NothingWorthKeeping, match=r"5 takes in a row .* silent") as told:
        run(tones(*[0] * 9), order(tmp_path, MIC, count=3))
    assert "louder" in told.value.try_next[0]
    assert not tmp_path.joinpath("yes").exists()
    # What a file plays has an end of its own; then the rest may be good.
    stream = tones(*[0] * 7, 3_000)
    assert run(stream, order(tmp_path, MIC, last=len(stream)))[1][-1] == "kept 1"


def test_motion_and_pictures_become_files_that_are_read_back(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    moved = draw.integers(-9_000, 9_000, (100, 3)).astype(np.int16)
    (clip,) = run(moved, order(tmp_path, IMU, count=1))[0].clips
    assert clip.path.suffix == ".csv"
    assert motion.read(clip.path, 3).tolist() == moved[:25].tolist()
    seen = draw.integers(0, 256, (3, 8, 16)).astype(np.uint8)
    outcome, notes = Outcome(), Notes()
    frames = [RawSamples(frame, number) for number, frame in enumerate(seen)]
    recording.record(frames, order(tmp_path, CAMERA, count=2), notes, outcome)
    assert [clip.path.suffix for clip in outcome.clips] == [".png", ".png"]
    for clip, frame in zip(outcome.clips, seen, strict=False):
        assert pictures.read(clip.path, 16, 8).tolist() == frame.tolist()


@pytest.mark.parametrize("end", [LinkLost("unplugged"), KeyboardInterrupt()])
def test_whatever_ends_it_what_is_kept_is_whole(tmp_path: Path, end: BaseException) -> None:
    def ending() -> Iterator[RawSamples]:
        yield from pieces(tones(3_000, 3_000)[:10_000], 100)
        raise end

    outcome = Outcome()
    with pytest.raises(type(end)):
        recording.record(ending(), order(tmp_path, MIC), Notes(), outcome)
    assert len(outcome.clips) == 1
    assert [path.name for path in (tmp_path / "yes").iterdir()] == [outcome.clips[0].path.name]


def test_a_disk_that_fills_up_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = audio.write
    calls: list[Path] = []

    def write(path: Path, samples: np.ndarray, *, rate_hz: int) -> None:
        calls.append(path)
        if len(calls) == 2:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        real(path, samples, rate_hz=rate_hz)

    monkeypatch.setattr("edge_deploy.audio.write", write)
    outcome = Outcome()
    with pytest.raises(RecordingsUnwritable, match="no room left"):
        recording.record(pieces(tones(3_000, 3_000), 100), order(tmp_path, MIC), Notes(), outcome)
    assert recordings.clips(tmp_path) == outcome.clips
    assert len(list((tmp_path / "yes").iterdir())) == len(recordings.index(tmp_path)) == 1
