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
from edge_deploy.bench.agreement import Agreement
from edge_deploy.bench.classes import Classes
from edge_deploy.bench.clips import NoRecordings
from edge_deploy.bench.evaluate import EvaluateResult, on_board, on_host
from edge_deploy.bench.host import HearingHost, WindowHost
from edge_deploy.errors import BadInput, UnsupportedModel, WrongBoard
from edge_deploy.features import AudioFeatures
from edge_deploy.model import oracle
from edge_deploy.sensing import MotionFeatureSettings, SourceSettings
from edge_deploy.telemetry.hello import Hello
from edge_deploy.telemetry.readings import Inference
from edge_deploy.training.recipe import HeldOut
from tests import listening_lab, model_builder
from tests.listening_lab import LABELS, RATE_HZ, SETTINGS

pytest.importorskip("tflite_runtime", reason="the host's model runs on the extra `reference`")

TONES = labs.Lab(
    "tones",
    "Tones",
    Path(),
    Path("model.tflite"),
    LABELS,
    SourceSettings("microphone", sample_rate_hz=RATE_HZ, stride_ms=100),
    features=SETTINGS,
)

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


def make_host() -> HearingHost:
    data = listening_lab.model()
    features = AudioFeatures(SETTINGS)
    return HearingHost(SETTINGS, features, model.read(data), oracle.open_reference(data))


@pytest.fixture(scope="module")
def host() -> HearingHost:
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

    def __init__(self, host: HearingHost) -> None:
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


def evaluated(
    ear: FakeEar, clips: list[HeldOut], labels: tuple[str, ...] = LABELS
) -> EvaluateResult:
    return on_board(ear, ear.host, clips, dataclasses.replace(TONES, labels=labels), on="local")


def classes(result: EvaluateResult) -> Classes:
    assert isinstance(result.found, Classes)
    return result.found


def agreement(result: EvaluateResult) -> Agreement:
    assert result.agreement is not None
    return result.agreement


def clip(path: Path, label: int) -> HeldOut:
    return recordings.file(path, label, TONES.source)


def test_a_board_that_hears_as_the_host_does(host: HearingHost, lab: labs.Lab, data: Path) -> None:
    clips = recordings.held_out(lab, data)
    seen: list[tuple[float, float]] = []
    result = on_board(
        FakeEar(host),
        host,
        clips,
        lab,
        on="local",
        progress=lambda done, of: seen.append((done, of)),
    )
    assert not agreement(result).differs
    assert agreement(result).compared == result.n == len(clips) == 18
    assert seen == [(done, 18) for done in range(1, 19)]
    found = json.loads(json.dumps(result.as_json()))
    assert found["accuracy"]["value"] == 1.0
    assert found["accuracy"]["origin"] == "measured:held_out_clips"
    assert found["accuracy"]["low"] == pytest.approx(0.8241, abs=1e-4)  # Wilson, 18 of 18
    assert found["accuracy"]["high"] == 1.0
    assert found["confusion"] == [[6, 0, 0], [0, 6, 0], [0, 0, 6]]
    assert found["labels"] == list(LABELS)
    assert [row["label"] for row in found["per_class"]] == list(LABELS)


def test_confusion_has_what_it_was_in_rows(host: HearingHost, data: Path) -> None:
    # Two high tones that are said to be low: rows are what a clip is said to be.
    high = sorted((data / "high").glob("*.wav"))
    clips = [clip(path, 1) for path in high[:2]] + [clip(high[2], 2)]
    result = classes(evaluated(FakeEar(host), clips))
    assert result.confusion.tolist() == [[0, 0, 0], [0, 0, 2], [0, 0, 1]]
    assert result.accuracy.value == pytest.approx(1 / 3)
    silence, low, tall = result.per_class
    assert (silence.recall, silence.precision) == (None, None)
    assert (low.recall, low.precision) == (0.0, None)
    assert tall.precision == pytest.approx(1 / 3)
    assert [one["clip"] for one in result.as_json()["wrong"]] == [one.name for one in clips[:2]]
    assert {(one.was, one.taken_for) for one in result.wrong} == {("low", "high")}


def test_groups_have_their_own_accuracy(host: HearingHost, data: Path) -> None:
    high = sorted((data / "high").glob("*.wav"))
    groups = ["bea", "ada", "bea", "", "ada"]
    labels = [2, 2, 1, 2, 2]
    clips = [
        dataclasses.replace(clip(path, label), group=group)
        for path, label, group in zip(high, labels, groups, strict=False)
    ]
    result = classes(evaluated(FakeEar(host), clips))
    assert [(one.name, one.n, one.correct) for one in result.groups] == [
        ("ada", 2, 2),
        ("bea", 2, 1),
    ]
    flat = result.as_json()["groups"][1]
    assert (flat["group"], flat["accuracy"]["value"]) == ("bea", 0.5)
    assert flat["accuracy"]["interval"] == "wilson"
    assert classes(evaluated(FakeEar(host), clips[3:4])).groups == ()


@pytest.mark.parametrize(
    ("what", "counts"),
    [("window", (1, 0, 0)), ("output", (0, 1, 0)), ("decision", (0, 0, 1))],
)
def test_one_difference_in_one_clip_is_found(
    host: HearingHost, lab: labs.Lab, data: Path, what: str, counts: tuple[int, int, int]
) -> None:
    ear = FakeEar(host)
    ear.spoil = {7: what}
    clips = recordings.held_out(lab, data)
    result = evaluated(ear, clips)
    found = agreement(result)
    assert tuple(found.differing.values()) == counts
    assert found.differs
    (one,) = found.first
    assert one.what == what
    assert one.clip == clips[6].name
    index, expected, got = one.first
    assert expected != got
    assert index == {"window": 3 * SETTINGS.bins + 2, "output": 1, "decision": 0}[what]


def test_scores_of_another_number_of_labels_are_refused(host: HearingHost, data: Path) -> None:
    clips = [clip(next((data / "low").glob("*.wav")), 0)]
    with pytest.raises(WrongBoard, match="3 scores for 2 labels"):
        evaluated(FakeEar(host), clips, LABELS[:2])
    two = dataclasses.replace(TONES, labels=LABELS[:2])
    with pytest.raises(WrongBoard, match="has 3 scores, tones 2 labels"):
        on_host(host, clips, two, model=("tones", ""))


def test_short_clips_end_in_silence(host: HearingHost, tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    listening_lab.write_wav(path, listening_lab.tone("low", 5, 0.2))
    samples = host.cut(clip(path, 1).samples())
    assert samples.size == host.window_samples
    assert not samples[3200:].any()
    assert evaluated(FakeEar(host), [clip(path, 1)]).n == 1


def test_of_long_clips_the_beginning_counts(host: HearingHost, tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    low, high = (listening_lab.tone(label, 5, 0.5) for label in ("low", "high"))
    listening_lab.write_wav(path, np.concatenate([low, high, high]))
    assert classes(evaluated(FakeEar(host), [clip(path, 1)])).accuracy.value == 1.0


def test_a_window_begins_as_digital_silence(host: HearingHost) -> None:
    frames = host.frames(listening_lab.tone("low", 5, 0.1))
    assert 0 < len(frames) < SETTINGS.frames
    window = host.window(frames)
    assert (window[: -len(frames)] == host.frames(np.zeros(480, np.int16))[0]).all()
    assert (window[-len(frames) :] == frames).all()
    assert (host.window(frames, 0) == host.frames(np.zeros(480, np.int16))[0]).all()
    assert len(host.frames(np.zeros(479, np.int16))) == 0


def test_a_model_of_another_window_is_refused() -> None:
    data = model_builder.tiny_conv()
    with pytest.raises(UnsupportedModel, match=r"features \(log_mel\) are \[20, 16\]"):
        HearingHost(
            SETTINGS, AudioFeatures(SETTINGS), model.read(data), oracle.open_reference(data)
        )


def test_the_host_alone_finds_the_same(host: HearingHost, lab: labs.Lab, data: Path) -> None:
    clips = recordings.held_out(lab, data)
    alone = on_host(host, clips, lab, model=("tones", "ab"), seed=4, held_out=20)
    board = evaluated(FakeEar(host), clips)
    assert classes(alone).confusion.tolist() == classes(board).confusion.tolist()
    assert alone.agreement is None
    found = json.loads(json.dumps(alone.as_json()))
    assert (found["on"], found["n"], found["held_out"]) == ("host", 18, 20)
    assert found["engine"] == found["reference"]
    assert not {"board", "windows_compared", "differing_windows"} & set(found)


# --- which recordings ---


def test_the_few_are_of_all_labels_and_depend_on_the_seed(lab: labs.Lab, data: Path) -> None:
    clips = recordings.held_out(lab, data)
    few = recordings.choose(clips, 6, 0)
    assert sorted(one.label for one in few) == [0, 0, 1, 1, 2, 2]
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
    with pytest.raises(BadInput, match=r"label 3 for .*/x\.wav; .* 0 to 2"):
        recordings.held_out(lab, data)


def test_an_unreadable_clip_is_named(host: HearingHost, tmp_path: Path) -> None:
    path = tmp_path / "torn.wav"
    path.write_bytes(b"RIFF\x10")
    with pytest.raises(BadInput, match=r"torn\.wav"):
        evaluated(FakeEar(host), [clip(path, 1)])


def test_noise_is_found_by_the_folders_name_where_the_recipe_says_nothing(
    tmp_path: Path, data: Path
) -> None:
    lab = labs.load_folder(listening_lab.write_lab(tmp_path / "other"))
    named = recordings.background(lab, data)
    assert [path.name for path in named] == ["hiss.wav"]
    (lab.folder / "recipe.py").write_text("SEED = 1\n")
    assert recordings.background(lab, data) == named


def test_no_clips_make_no_accuracy_up(host: HearingHost) -> None:
    result = evaluated(FakeEar(host), [])
    assert classes(result).interval == (0.0, 1.0)
    assert agreement(result).compared == 0


def test_what_a_recipe_reads_itself(tmp_path: Path, data: Path) -> None:
    lab = labs.load_folder(listening_lab.write_lab(tmp_path / "other"))
    (lab.folder / "recipe.py").write_text(
        "import numpy as np\n"
        "from edge_deploy.training.recipe import HeldOut\n\n\n"
        "def held_out(data):\n"
        "    return [HeldOut('a', 1, lambda: np.ones(5, np.int16), 'slow'),\n"
        "            HeldOut('b', 2, lambda: np.ones((5, 2), np.int16)),\n"
        "            HeldOut('c', 2, lambda: np.ones(5)),\n"
        "            HeldOut('d', 2, lambda: 1 / 0)]\n"
    )
    good, wide, real, broken = recordings.held_out(lab, data)
    assert (good.name, good.label, good.group) == ("a", 1, "slow")
    assert good.samples().tolist() == [1] * 5
    with pytest.raises(BadInput, match=r"b has samples int16 \[5, 2\]; .* are int16 \[n"):
        wide.samples()
    with pytest.raises(BadInput, match=r"c has samples float64 \[5\]"):
        real.samples()
    with pytest.raises(BadInput, match=r"recipe\.py, line 9: ZeroDivisionError"):
        broken.samples()


@pytest.mark.parametrize(
    ("source", "shape", "dtype", "fits"),
    [
        (SourceSettings("imu", sample_rate_hz=100, axes=3), (7, 3), np.int16, True),
        (SourceSettings("imu", sample_rate_hz=100, axes=6), (7, 3), np.int16, False),
        (SourceSettings("imu", sample_rate_hz=100, axes=3), (0, 3), np.int16, False),
        (SourceSettings("camera", width=8, height=9), (9, 8), np.uint8, True),
        (SourceSettings("camera", width=8, height=9), (8, 9), np.uint8, False),
        (SourceSettings("camera", width=8, height=9), (9, 8), np.int16, False),
    ],
)
def test_samples_are_of_the_sensors_form(
    tmp_path: Path, source: SourceSettings, shape: tuple[int, ...], dtype: type, fits: bool
) -> None:
    lab = dataclasses.replace(TONES, source=source, folder=tmp_path)
    (tmp_path / "recipe.py").write_text(
        "import numpy as np\n"
        "from edge_deploy.training.recipe import HeldOut\n\n\n"
        "def held_out(data):\n"
        f"    return [HeldOut('a', 1, lambda: np.zeros({shape}, np.{dtype.__name__}))]\n"
    )
    (one,) = recordings.held_out(lab, tmp_path)
    if fits:
        assert one.samples().shape == shape
    else:
        with pytest.raises(BadInput, match=f"those of the {source.kind} are"):
            one.samples()


def test_files_are_read_by_the_labs_sensor(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("aX,aY,aZ\n1,0,-1\n0.5,0,0\n")
    imu = SourceSettings("imu", sample_rate_hz=100, axes=3)
    assert recordings.file(tmp_path / "a.csv", 0, imu).samples().tolist() == [
        [8192, 0, -8192],
        [4096, 0, 0],
    ]
    with pytest.raises(BadInput, match=r"a\.csv"):
        clip(tmp_path / "a.csv", 0).samples()
    pytest.importorskip("PIL", reason="pictures need Pillow")
    camera = SourceSettings("camera", width=8, height=6)
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.raises(BadInput, match=r"b\.png"):
        recordings.file(tmp_path / "b.png", 0, camera).samples()


# --- sensors whose window is whole ---


class Halved:
    """Features that are the samples' halves."""

    def window(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        return (samples / np.float32(2)).astype(np.float32)

    def quantize(
        self, features: NDArray[np.float32], scale: float, zero_point: int
    ) -> NDArray[np.int8]:
        return np.clip(np.rint(features / scale) + zero_point, -128, 127).astype(np.int8)


def test_an_imus_window_is_its_newest_samples_after_zeros() -> None:
    data = model_builder.tiny_conv()  # takes [1, 8, 6, 1]
    graph = model.read(data)
    settings = MotionFeatureSettings(6, 8, 1, False, 4.0, 2000.0)
    host = WindowHost(settings, Halved(), graph, oracle.open_reference(data), samples=8)
    terms = graph.tensors[graph.inputs[0]].quantization
    assert terms is not None
    long = np.arange(60, dtype=np.int16).reshape(10, 6)
    assert host.cut(long).tolist() == long[:8].tolist()
    window = host.window_of(long)
    expected = np.clip(np.rint(long[2:] / 2 / terms.scale) + terms.zero_point, -128, 127)
    assert (window == expected).all()
    short = host.window_of(host.cut(long[:3]))
    assert (short[:5] == terms.zero_point).all()
    assert (short[5:] == host.window_of(long[:8])[:3]).all()
    assert host.scores(window).size == graph.tensors[graph.outputs[0]].elements
    with pytest.raises(UnsupportedModel, match=r"features \(motion\) are \[9, 6\]"):
        WindowHost(
            dataclasses.replace(settings, samples=9),
            Halved(),
            graph,
            oracle.open_reference(data),
            samples=9,
        )
