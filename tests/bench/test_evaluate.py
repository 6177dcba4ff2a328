"""Recordings through a board: what is counted, and that any difference to the host is found."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_deploy import labs, model
from edge_deploy.bench import clips as recordings
from edge_deploy.bench.clips import Clip, NoRecordings
from edge_deploy.bench.evaluate import EvaluateResult, evaluate
from edge_deploy.bench.host import Host
from edge_deploy.errors import BadInput, UnsupportedModel, WrongBoard
from edge_deploy.features import AudioFeatures
from edge_deploy.model import oracle
from edge_deploy.telemetry.hello import Hello
from edge_deploy.telemetry.readings import Inference
from tests import listening_lab, model_builder
from tests.listening_lab import LABELS, SETTINGS

pytest.importorskip("tflite_runtime", reason="the host's model runs on the extra `reference`")

HELLO = Hello(
    protocol=1,
    board="nano33",
    variant="fake",
    port="host",
    firmware="0",
    engine="fake/portable",
    model="tones",
    sha256="0" * 64,
    clock_hz=1,
    inputs=(),
    outputs=(),
    labels=LABELS,
    layers=1,
    arena_bytes=1,
    sensors=(),
    source="microphone",
    counters=(),
)


def make_host() -> Host:
    data = listening_lab.model()
    features = AudioFeatures(SETTINGS)
    return Host(SETTINGS, features, model.read(data), oracle.open_reference(data))


@pytest.fixture(scope="module")
def host() -> Host:
    return make_host()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return listening_lab.write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> labs.Lab:
    return labs.load_folder(listening_lab.write_lab(tmp_path_factory.mktemp("labs") / "tones"))


class FakeEar:
    """A board that computes as the host does, frame by frame, and errs where it is told to.

    Keeps its frames as firmware does: one by one, the oldest forgotten.
    """

    board = HELLO

    def __init__(self, host: Host) -> None:
        self.host = host
        self.clips = 0
        self.spoil: dict[int, str] = {}  # clip's number -> window, output, decision
        self.frames: list[NDArray[np.int8]] = []
        self.samples = np.zeros(0, np.int16)

    def forget(self) -> None:
        self.clips += 1
        self.frames = []
        self.samples = np.zeros(0, np.int16)

    def hear(self, samples: NDArray[np.int16]) -> None:
        self.samples = np.concatenate([self.samples, samples])
        while self.samples.size >= SETTINGS.frame_samples:
            self.frames.append(self.host.frames(self.samples[: SETTINGS.frame_samples])[0])
            self.samples = self.samples[SETTINGS.hop_samples :]

    def _window(self) -> NDArray[np.int8]:
        silent = self.host.frames(np.zeros(SETTINGS.frame_samples, np.int16))[0]
        kept = self.frames[-SETTINGS.frames :]
        return np.stack([silent] * (SETTINGS.frames - len(kept)) + kept)

    def window(self) -> bytes:
        window = self._window().copy()
        if self.spoil.get(self.clips) == "window":
            window[3, 2] ^= 1
        return window.tobytes()

    def decide(self) -> Inference:
        scores = self.host.scores(self._window()).copy()
        top = int(np.argmax(scores))
        if self.spoil.get(self.clips) == "output":
            scores[1] ^= 1
        if self.spoil.get(self.clips) == "decision":
            top = (top + 1) % len(LABELS)
        return Inference(
            n=0, t_us=0, dsp_us=1, inference_us=1, post_us=1, output=scores.tobytes(), top=top
        )


def evaluated(ear: FakeEar, clips: list[Clip]) -> EvaluateResult:
    return evaluate(ear, ear.host, clips, lab="tones", labels=LABELS, on="local")


def test_a_board_that_hears_as_the_host_does(host: Host, lab: labs.Lab, data: Path) -> None:
    clips = recordings.held_out(lab, data)
    seen: list[tuple[float, float]] = []
    result = evaluate(
        FakeEar(host),
        host,
        clips,
        lab="tones",
        labels=LABELS,
        on="local",
        progress=lambda done, of: seen.append((done, of)),
    )
    assert not result.differs
    assert result.windows_compared == result.n == len(clips) == 18
    assert seen == [(done, 18) for done in range(1, 19)]
    found = json.loads(json.dumps(result.as_json()))
    assert found["accuracy"]["value"] == 1.0
    assert found["accuracy"]["origin"] == "measured:held_out_clips"
    assert found["accuracy"]["low"] == pytest.approx(0.8241, abs=1e-4)  # Wilson, 18 of 18
    assert found["accuracy"]["high"] == 1.0
    assert found["confusion"] == [[6, 0, 0], [0, 6, 0], [0, 0, 6]]
    assert found["labels"] == list(LABELS)
    assert [row["label"] for row in found["per_class"]] == list(LABELS)


def test_confusion_has_what_it_was_in_rows(host: Host, data: Path) -> None:
    # Two high tones that are said to be low: rows are what a clip is said to be.
    high = sorted((data / "high").glob("*.wav"))
    clips = [Clip(path, 1) for path in high[:2]] + [Clip(high[2], 2)]
    result = evaluated(FakeEar(host), clips)
    assert result.confusion.tolist() == [[0, 0, 0], [0, 0, 2], [0, 0, 1]]
    assert result.accuracy.value == pytest.approx(1 / 3)
    silence, low, tall = result.per_class
    assert (silence.recall, silence.precision) == (None, None)
    assert (low.recall, low.precision) == (0.0, None)
    assert tall.precision == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("what", "counts"),
    [("window", (1, 0, 0)), ("output", (0, 1, 0)), ("decision", (0, 0, 1))],
)
def test_one_difference_in_one_clip_is_found(
    host: Host, lab: labs.Lab, data: Path, what: str, counts: tuple[int, int, int]
) -> None:
    ear = FakeEar(host)
    ear.spoil = {7: what}
    clips = recordings.held_out(lab, data)
    result = evaluated(ear, clips)
    assert (
        result.differing_windows,
        result.differing_outputs,
        result.differing_decisions,
    ) == counts
    assert result.differs
    (one,) = result.first
    assert one.what == what
    assert one.clip == f"{clips[6].path.parent.name}/{clips[6].path.name}"
    index, expected, got = one.first
    assert expected != got
    assert index == {"window": 3 * SETTINGS.bins + 2, "output": 1, "decision": 0}[what]


def test_scores_of_another_number_of_labels_are_refused(host: Host, data: Path) -> None:
    clips = [Clip(next((data / "low").glob("*.wav")), 0)]
    with pytest.raises(WrongBoard, match="3 scores for 2 labels"):
        evaluate(FakeEar(host), host, clips, lab="tones", labels=LABELS[:2], on="local")


def test_short_clips_end_in_silence(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    listening_lab.write_wav(path, listening_lab.tone("low", 5, 0.2))
    samples = recordings.window_of(Clip(path, 1), 16_000, host.window_samples)
    assert samples.size == host.window_samples
    assert not samples[3200:].any()
    assert evaluated(FakeEar(host), [Clip(path, 1)]).n == 1


def test_of_long_clips_the_beginning_counts(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    low, high = (listening_lab.tone(label, 5, 0.5) for label in ("low", "high"))
    listening_lab.write_wav(path, np.concatenate([low, high, high]))
    assert evaluated(FakeEar(host), [Clip(path, 1)]).accuracy.value == 1.0


def test_a_window_begins_as_digital_silence(host: Host) -> None:
    frames = host.frames(listening_lab.tone("low", 5, 0.1))
    assert 0 < len(frames) < SETTINGS.frames
    window = host.window(frames)
    assert (window[: -len(frames)] == host.frames(np.zeros(480, np.int16))[0]).all()
    assert (window[-len(frames) :] == frames).all()
    assert (host.window(frames, 0) == host.frames(np.zeros(480, np.int16))[0]).all()
    assert len(host.frames(np.zeros(479, np.int16))) == 0


def test_a_model_of_another_window_is_refused() -> None:
    data = model_builder.tiny_conv()
    with pytest.raises(UnsupportedModel, match="20 frames of 16"):
        Host(SETTINGS, AudioFeatures(SETTINGS), model.read(data), oracle.open_reference(data))


# --- which recordings ---


def test_the_few_are_of_all_labels_and_depend_on_the_seed(lab: labs.Lab, data: Path) -> None:
    clips = recordings.held_out(lab, data)
    few = recordings.choose(clips, 6, 0)
    assert sorted(clip.label for clip in few) == [0, 0, 1, 1, 2, 2]
    assert few == recordings.choose(list(reversed(clips)), 6, 0)
    assert few != recordings.choose(clips, 6, 1)
    assert recordings.choose(clips, 12, 0)[:6] == few
    assert len(recordings.choose(clips, None, 0)) == 18


def test_a_folder_that_is_not_there(lab: labs.Lab, tmp_path: Path) -> None:
    with pytest.raises(NoRecordings, match="no such folder"):
        recordings.held_out(lab, tmp_path / "nowhere")


def test_a_folder_without_recordings(lab: labs.Lab, tmp_path: Path) -> None:
    with pytest.raises(NoRecordings, match="has no recordings"):
        recordings.held_out(lab, tmp_path)


def test_a_recipe_that_holds_nothing_out(tmp_path: Path, data: Path) -> None:
    lab = labs.load_folder(listening_lab.write_lab(tmp_path / "other"))
    (lab.folder / "recipe.py").write_text("SEED = 1\n")
    with pytest.raises(BadInput, match="held_out is missing"):
        recordings.held_out(lab, data)


def test_a_recipe_that_fails_is_told_with_its_line(tmp_path: Path, data: Path) -> None:
    lab = labs.load_folder(listening_lab.write_lab(tmp_path / "other"))
    (lab.folder / "recipe.py").write_text("def held_out(data):\n    return 1 / 0\n")
    with pytest.raises(BadInput, match=r"recipe\.py, line 2: ZeroDivisionError"):
        recordings.held_out(lab, data)


def test_a_label_that_the_lab_has_not(tmp_path: Path, data: Path) -> None:
    lab = labs.load_folder(listening_lab.write_lab(tmp_path / "other"))
    (lab.folder / "recipe.py").write_text("def held_out(data):\n    return [(data / 'x.wav', 3)]\n")
    with pytest.raises(BadInput, match=r"label 3 for x\.wav; .* 0 to 2"):
        recordings.held_out(lab, data)


def test_an_unreadable_clip_is_named(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "torn.wav"
    path.write_bytes(b"RIFF\x10")
    with pytest.raises(BadInput, match=r"torn\.wav"):
        evaluated(FakeEar(host), [Clip(path, 1)])


def test_noise_is_found_by_the_folders_name_where_the_recipe_says_nothing(
    tmp_path: Path, data: Path
) -> None:
    lab = labs.load_folder(listening_lab.write_lab(tmp_path / "other"))
    named = recordings.background(lab, data)
    assert [path.name for path in named] == ["hiss.wav"]
    (lab.folder / "recipe.py").write_text("SEED = 1\n")
    assert recordings.background(lab, data) == named


def test_no_clips_make_no_accuracy_up(host: Host) -> None:
    result = evaluated(FakeEar(host), [])
    assert result.interval == (0.0, 1.0)
    assert dataclasses.asdict(result)["windows_compared"] == 0
