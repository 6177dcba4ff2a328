"""Minutes of sound: the decision's rule, what thresholds make of scores, and the picture of it."""

from __future__ import annotations

import dataclasses
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_deploy import labs, model
from edge_deploy.bench import clips as recordings
from edge_deploy.bench import curve as curves
from edge_deploy.bench import decision, listening, passage
from edge_deploy.bench.curve import Track
from edge_deploy.bench.decision import Heard, Rule, Scores
from edge_deploy.bench.host import HearingHost
from edge_deploy.bench.listening import Holes
from edge_deploy.bench.passage import Passage, Word
from edge_deploy.bench.tuning import check_rule, tuning
from edge_deploy.drawing import curves as drawn
from edge_deploy.errors import BadInput, WrongBoard
from edge_deploy.features import AudioFeatures
from edge_deploy.model import oracle
from edge_deploy.telemetry.facts import AudioFacts
from edge_deploy.telemetry.hello import Hello, WireTensor
from edge_deploy.telemetry.readings import Inference
from tests import listening_lab
from tests.listening_lab import LABELS, RATE_HZ, SETTINGS

HOP, FRAME = SETTINGS.hop_samples, SETTINGS.frame_samples


def scores(rows: list[list[int]], *, frames: list[int] | None = None) -> Scores:
    """Scores of 1/256 a step from -128, as softmax gives them; a stride of 5 frames."""
    n = len(rows)
    return Scores(
        np.array(frames or [5 * (i + 1) for i in range(n)], np.int64),
        np.array(rows, np.int8).reshape(n, -1),
        1 / 256,
        -128,
    )


def heard(one: Scores, rule: Rule) -> list[tuple[int, int]]:
    made = decision.decide(decision.smoothed(one, rule.smooth), rule)
    return [(each.result, each.label) for each in made]


# --- the rule (docs/wire.md, "Listening") ---


def test_before_enough_results_there_is_no_decision() -> None:
    sure = scores([[-128, 127]] * 3)
    assert heard(sure, Rule(0.5, 3, 0)) == [(2, 1)]
    assert heard(sure, Rule(0.5, 4, 0)) == []
    assert heard(sure, Rule(0.5, 1, 0)) == [(0, 1), (1, 1), (2, 1)]


def test_the_mean_reaches_the_threshold_or_not() -> None:
    # Steps of 128 above -128: scores of 0.5; the mean of 0.5 and 0.25 is 0.375.
    rows = scores([[-128, 0], [-128, -64]])
    assert heard(rows, Rule(0.375, 2, 0)) == [(1, 1)]
    assert heard(rows, Rule(np.nextafter(np.float32(0.375), np.float32(1)), 2, 0)) == []


def test_of_equal_ones_the_first() -> None:
    assert heard(scores([[10, 50, 50]]), Rule(0.0, 1, 0)) == [(0, 1)]


def test_an_ignored_label_is_not_skipped_for_the_next() -> None:
    assert heard(scores([[100, 90]]), Rule(0.0, 1, 0, frozenset({0}))) == []


def test_hold_off_counts_hops_since_the_last_decision() -> None:
    sure = scores([[-128, 127]] * 7)  # frames 5, 10, ... 35
    assert [at for at, _ in heard(sure, Rule(0.5, 1, 10))] == [0, 2, 4, 6]
    assert [at for at, _ in heard(sure, Rule(0.5, 1, 11))] == [0, 3, 6]


def test_hold_off_goes_by_frames_where_results_were_missed() -> None:
    sure = scores([[-128, 127]] * 4, frames=[5, 10, 40, 45])
    assert [at for at, _ in heard(sure, Rule(0.5, 1, 30))] == [0, 2]


def as_firmware(one: Scores, rule: Rule) -> list[Heard]:
    """The rule as docs/wire.md tells it, result by result, with a ring as in C."""
    made: list[Heard] = []
    for n in range(len(one.frames)):
        if n + 1 < rule.smooth:
            continue
        totals = [
            sum(int(one.outputs[k, i]) - one.zero_point for k in range(n + 1 - rule.smooth, n + 1))
            for i in range(one.outputs.shape[1])
        ]
        top = totals.index(max(totals))
        mean = np.float32(one.scale) * np.float32(totals[top]) / np.float32(rule.smooth)
        if top in rule.ignore or not mean >= np.float32(rule.threshold):
            continue
        frame = int(one.frames[n])
        if made and frame - made[-1].frame < rule.hold_off:
            continue
        made.append(Heard(n, frame, top, float(mean)))
    return made


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(st.integers(-128, 127), min_size=3, max_size=3), max_size=40),
    smooth=st.integers(1, 5),
    threshold=st.floats(0, 1, width=32),
    hold_off=st.integers(0, 30),
    ignore=st.frozensets(st.integers(0, 2), max_size=2),
)
def test_the_rule_is_the_one_that_is_written_down(
    rows: list[list[int]], smooth: int, threshold: float, hold_off: int, ignore: frozenset[int]
) -> None:
    one = Scores(
        np.arange(5, 5 * len(rows) + 5, 5),
        np.array(rows, np.int8).reshape(-1, 3),
        0.00390625,
        -128,
    )
    rule = Rule(threshold, smooth, hold_off, ignore)
    expected = as_firmware(one, rule)
    found = decision.decide(decision.smoothed(one, smooth), rule)
    assert found == expected
    assert decision.disagreement(found, expected) == 0


def test_disagreement_counts_what_one_alone_decided() -> None:
    one, other = Heard(3, 20, 1, 0.5), Heard(3, 20, 2, 0.5)
    assert decision.disagreement([one], [other]) == 2
    assert decision.disagreement([one, other], [one]) == 1


# --- passages ---


def sample_of(frame: int) -> int:
    """How many samples it takes until `frame` frames are there."""
    return (frame - 1) * HOP + FRAME


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return listening_lab.write_data(tmp_path_factory.mktemp("data"), each=3)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> labs.Lab:
    return labs.load_folder(listening_lab.write_lab(tmp_path_factory.mktemp("labs") / "tones"))


@pytest.fixture(scope="module")
def words(lab: labs.Lab, data: Path) -> Passage:
    clips = recordings.choose(recordings.held_out(lab, data), None, 0)
    return passage.spoken(clips, rate_hz=RATE_HZ, seed=3)


def test_words_stand_where_they_are_said_to(lab: labs.Lab, data: Path, words: Passage) -> None:
    clips = recordings.choose(recordings.held_out(lab, data), None, 0)
    assert [word.label for word in words.words] == [clip.label for clip in clips]
    for clip, word in zip(clips, words.words, strict=True):
        assert (words.samples[word.begins : word.ends] == clip.samples()).all()
    least, most = passage.GAP_S
    ends = [0, *(word.ends for word in words.words)]
    begins = [*(word.begins for word in words.words), words.samples.size]
    for end, begin in zip(ends, begins, strict=True):
        assert least * RATE_HZ <= begin - end <= most * RATE_HZ
        assert words.samples[end:begin].any()  # no microphone gives digital silence
        assert abs(words.samples[end:begin]).max() < 400
    again = passage.spoken(clips, rate_hz=RATE_HZ, seed=3)
    assert (again.samples == words.samples).all()
    other = passage.spoken(clips, rate_hz=RATE_HZ, seed=4)
    assert other.samples.size != words.samples.size


# --- the curve ---


def track_of(passage_: Passage, decided: dict[int, int]) -> Track:
    """A track that is sure of a label at some results and of label 0 elsewhere; stride 5."""
    count = listening.results_in(passage_.samples.size, SETTINGS, 5)
    rows = np.full((count, 3), -128, np.int8)
    rows[:, 0] = 127
    for at, label in decided.items():
        rows[at] = -128
        rows[at, label] = 100
    frames = 5 * np.arange(1, count + 1)
    return Track(passage_, Scores(frames, rows, 1 / 256, -128), None)


def swept(tracks: list[Track]) -> curves.Point:
    rule = Rule(0.6, 1, 0, frozenset({0}))
    return curves.sweep(tracks, rule, labels=LABELS, settings=SETTINGS).current


def test_hits_misses_confusions_and_what_belongs_to_no_word() -> None:
    second = RATE_HZ
    silence = np.zeros(12 * second, np.int16)
    words = (
        Word(1, 1 * second, 2 * second),
        Word(2, 4 * second, 5 * second),
        Word(1, 7 * second, 8 * second),
        Word(0, 10 * second, 11 * second),
    )
    track = track_of(
        Passage("words", silence, RATE_HZ, words),
        {
            15: 1,  # 1.6 s: the first word
            45: 1,  # 4.6 s: the second as another
            60: 2,  # 6.1 s: in a gap
            106: 2,  # 10.7 s: where the lab is to ignore what is said
        },
    )
    point = swept([track])
    assert [(said.label, said.n, said.missed, said.confused) for said in point.said] == [
        ("low", 2, 1, 0),
        ("high", 1, 1, 1),
    ]
    assert (point.words, point.missed, point.stray) == (3, 2, 2)
    assert point.miss_rate == pytest.approx(2 / 3)
    assert point.false_accepts_per_hour is None


def test_a_decision_may_come_a_little_late_and_never_early() -> None:
    word = (Word(1, 2 * RATE_HZ, 3 * RATE_HZ),)
    passage_ = Passage("words", np.zeros(6 * RATE_HZ, np.int16), RATE_HZ, word)
    late = round(curves.LATE_S * RATE_HZ)
    for at in range(listening.results_in(passage_.samples.size, SETTINGS, 5)):
        end = sample_of(5 * (at + 1))
        point = swept([track_of(passage_, {at: 1})])
        hit = 2 * RATE_HZ < end <= 3 * RATE_HZ + late
        assert (point.missed, point.stray) == ((0, 0) if hit else (1, 1)), at


def test_false_accepts_per_hour() -> None:
    noise = Passage("noise", np.zeros(36 * RATE_HZ, np.int16), RATE_HZ)
    point = swept([track_of(noise, {10: 1, 200: 2, 300: 0})])
    assert point.false_accepts == 2
    assert point.false_accepts_per_hour == pytest.approx(200)
    found = point.as_json()
    assert found["false_accepts_per_hour"]["low"] == pytest.approx(24.2, abs=0.1)
    assert found["false_accepts_per_hour"]["high"] == pytest.approx(722.5, abs=0.1)
    assert "miss_rate" not in found


def test_the_curve_has_the_labs_own_point_and_falls_with_the_threshold() -> None:
    noise = Passage("noise", np.zeros(30 * RATE_HZ, np.int16), RATE_HZ)
    draw = np.random.default_rng(0)
    count = listening.results_in(noise.samples.size, SETTINGS, 5)
    rows = draw.integers(-128, 128, (count, 3)).astype(np.int8)
    one = Track(noise, Scores(5 * np.arange(1, count + 1), rows, 1 / 256, -128), None)
    rule = Rule(0.61, 2, 0, frozenset({0}))
    curve = curves.sweep([one], rule, labels=LABELS, settings=SETTINGS)
    assert curve.smoothings == (1, 2, 3, 5)
    assert (curve.current.threshold, curve.current.smooth) == (0.61, 2)
    for smooth in curve.smoothings:
        along = curve.along(smooth)
        assert [point.threshold for point in along] == sorted({*curves.THRESHOLDS, 0.61})
        accepts = [point.false_accepts for point in along]
        assert accepts == sorted(accepts, reverse=True)
        assert accepts[0] > accepts[-1]


# --- the picture ---


def elements(svg: str, name: str) -> list[ET.Element]:
    return list(ET.fromstring(svg).iter(f"{{http://www.w3.org/2000/svg}}{name}"))


def test_a_picture_has_curves_axes_and_the_labs_threshold() -> None:
    noise = Passage("noise", np.zeros(36 * RATE_HZ, np.int16), RATE_HZ)
    word = Passage("w", noise.samples, RATE_HZ, (Word(1, 1000, 17000),))
    tracks = [track_of(noise, {10: 1}), track_of(word, {8: 1})]
    rule = Rule(0.6, 1, 0, frozenset({0}))
    curve = curves.sweep(tracks, rule, labels=LABELS, settings=SETTINGS)
    svg = curves.picture(curve, "tones & <words>")
    assert svg == curves.picture(curve, "tones & <words>")
    texts = [each.text for each in elements(svg, "text")]
    assert "tones & <words>" in texts
    assert {"threshold", "words missed, %", "false accepts per hour", "the lab's: 0.6"} <= set(
        texts
    )
    assert len(elements(svg, "polyline")) == 2 * len(curve.smoothings)
    width, height = (int(ET.fromstring(svg).attrib[key]) for key in ("width", "height"))
    for line in elements(svg, "polyline"):
        for pair in line.attrib["points"].split():
            x, y = (float(value) for value in pair.split(","))
            assert 0 < x < width
            assert 0 < y < height


def test_a_higher_value_is_drawn_higher_and_ticks_are_round() -> None:
    panel = drawn.Panel("y", (drawn.Line("a", ((0.0, 0.0), (0.5, 7.0), (1.0, 14.0))),))
    svg = drawn.emit("t", "x", [panel])
    (line,) = elements(svg, "polyline")
    points = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
    assert points[0][0] < points[1][0] < points[2][0]
    assert points[0][1] > points[1][1] > points[2][1]
    assert points[1][1] == pytest.approx((points[0][1] + points[2][1]) / 2, abs=0.11)
    texts = [each.text for each in elements(svg, "text")]
    assert [text for text in texts if text in {"0", "5", "10", "15"}][:4] == ["0", "5", "10", "15"]
    assert "0.2" in texts
    assert "0.6000000000000001" not in texts


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(ValueError, match="points"):
        drawn.emit("t", "x", [])
    with pytest.raises(ValueError, match="finite"):
        drawn.emit("t", "x", [drawn.Panel("y", (drawn.Line("a", ((0.0, float("nan")),)),))])


# --- through a board ---


OUTPUT = WireTensor("scores", "int8", (1, 3), 3, 1 / 256, -128)
HELLO = Hello(
    protocol=1,
    board="nano33",
    variant="fake",
    port="virtual_m4",
    firmware="0",
    engine="fake/cortex_m4",
    model="tones",
    sha256="0" * 64,
    clock_hz=64_000_000,
    inputs=(),
    outputs=(OUTPUT,),
    labels=LABELS,
    layers=1,
    arena_bytes=1,
    sensors=("microphone",),
    source="microphone",
    counters=(),
    sensing=AudioFacts("log_mel", RATE_HZ, FRAME, HOP, 512, 16, 16, 20, 5, 0.6, 2, 35),
)


class FakeStream:
    """A board that streams given results, as `lost`, `overruns` and what was `heard` have it."""

    board = HELLO

    def __init__(self, rows: np.ndarray, **more: list[Any]) -> None:
        self.rows = rows
        self.more = more
        self.asked: int | None = None
        self.skip: set[int] = set()

    def forget(self) -> None:
        raise AssertionError("a stream begins by itself")

    def hear(self, samples: np.ndarray) -> None:
        raise AssertionError("the microphone hears")

    def decide(self) -> Inference:
        raise AssertionError("the stream decides")

    def stream(self, n: int | None = None) -> Iterator[Inference]:
        self.asked = n
        for at in range(n or 0):
            if at in self.skip:
                continue
            given = {key: values[at] for key, values in self.more.items()}
            yield Inference(
                **{"n": at, "t_us": at, "dsp_us": 500, "inference_us": 1000, "post_us": 1, **given},
                output=self.rows[at].tobytes(),
                top=0,
            )


def eight_tenths(overruns: list[int] | None = None) -> tuple[Passage, FakeStream]:
    """0.83 s of sound: 40 frames, 8 results; sure of `low` all the time."""
    sound = Passage("p", np.zeros(sample_of(40), np.int16), RATE_HZ)
    rows = np.tile(np.array([-128, 120, -128], np.int8), (8, 1))
    stream = FakeStream(rows, **({"overruns": overruns} if overruns else {}))
    return sound, stream


def test_a_microphones_results_know_their_frames(lab: labs.Lab) -> None:
    sound, stream = eight_tenths()
    seen: list[tuple[float, float]] = []
    found = listening.by_microphone(
        stream, sound, lab, progress=lambda done, of: seen.append((done, of))
    )
    assert stream.asked == 8
    assert found.track.scores.frames.tolist() == [5, 10, 15, 20, 25, 30, 35, 40]
    assert found.track.heard == ()
    assert found.pace.busy_us == 8 * 1501
    assert found.pace.core_share.value == pytest.approx(8 * 1501e-6 / sound.seconds)
    assert found.pace.core_share.origin == "modelled:cortex_m4"
    assert seen[-1] == (pytest.approx(0.8), sound.seconds)


def test_missed_strides_move_what_follows(lab: labs.Lab) -> None:
    sound, stream = eight_tenths([0, 0, 2, 2, 2, 2, 2, 2])
    found = listening.by_microphone(stream, sound, lab)
    assert found.track.scores.frames.tolist() == [5, 10, 25, 30, 35, 40]
    assert found.pace.overruns == 2


def test_a_lost_result_is_no_gap_to_be_guessed(lab: labs.Lab) -> None:
    sound, stream = eight_tenths()
    stream.skip = {4}
    with pytest.raises(Holes, match="result 4 of 8"):
        listening.by_microphone(stream, sound, lab)


def test_too_short_a_passage(lab: labs.Lab) -> None:
    sound = Passage("blip", np.zeros(sample_of(5) - 1, np.int16), RATE_HZ)
    with pytest.raises(BadInput, match="too short"):
        listening.by_microphone(FakeStream(np.zeros((0, 3), np.int8)), sound, lab)


def tuned(lab: labs.Lab, stream: FakeStream, sound: Passage) -> dict[str, object]:
    data = listening_lab.model()
    host = HearingHost(
        SETTINGS, AudioFeatures(SETTINGS), model.read(data), oracle.open_reference(data)
    )
    found = listening.by_microphone(stream, sound, lab)
    result = tuning([found.track], lab, host, HELLO, on="virtual", seed=0, pace=found.pace)
    flat: dict[str, object] = json.loads(json.dumps(result.as_json()))
    return flat


def test_a_firmware_that_decides_otherwise_is_found(lab: labs.Lab) -> None:
    pytest.importorskip("tflite_runtime", reason="the host's model runs on it")
    sound, stream = eight_tenths()
    mean = float(np.float32(1 / 256) * np.float32(2 * 248) / np.float32(2))
    stream.more = {"heard": [None, 1, *[None] * 6], "score": [None, mean, *[None] * 6]}
    flat = tuned(lab, stream, sound)
    assert (flat["decisions_compared"], flat["differing_decisions"]) == (1, 0)
    # A passage without words is noise: ten frames of 20 ms had come when `low` was heard.
    (accept,) = flat["false_accepts"]  # type: ignore[misc]
    assert accept == {"recording": "p", "at_s": 0.2, "label": "low", "score": mean}
    # The fake's scores are its own invention, and so none is the host's.
    assert (flat["results"], flat["differing_outputs"]) == (8, 8)
    stream.more["heard"] = [None, 1, None, 1, *[None] * 4]
    stream.more["score"] = [None, mean, None, mean, *[None] * 4]
    flat = tuned(lab, stream, sound)
    assert (flat["decisions_compared"], flat["differing_decisions"]) == (2, 1)


def test_a_score_keeps_the_bits_that_the_board_gave_it(lab: labs.Lab) -> None:
    sound, stream = eight_tenths()
    third = np.float32(1) / np.float32(3)
    stream.more = {"heard": [1, *[None] * 7], "score": [0.333333343, *[None] * 7]}
    (found,) = listening.by_microphone(stream, sound, lab).track.heard or ()
    assert found == Heard(0, 5, 1, float(third))


def test_a_board_with_another_rule_is_refused(lab: labs.Lab) -> None:
    rule = listening.rule_of(lab)
    assert (rule.threshold, rule.smooth, rule.hold_off, rule.ignore) == (0.6, 2, 35, {0})
    check_rule(rule, HELLO)
    assert HELLO.audio is not None
    for change in ({"threshold": 0.61}, {"smooth": 3}, {"hold_off": 34}):
        audio = dataclasses.replace(HELLO.audio, **change)
        with pytest.raises(WrongBoard, match="decides by threshold"):
            check_rule(rule, dataclasses.replace(HELLO, sensing=audio))
    with pytest.raises(WrongBoard, match="does not listen"):
        check_rule(rule, dataclasses.replace(HELLO, sensing=None))
