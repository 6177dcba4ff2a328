"""Streams of boards that feel and look: lines, ends, summaries; and what is refused."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from edge_deploy import motion, pictures
from edge_deploy.cli import senses
from edge_deploy.cli.main import _pasteable
from edge_deploy.cli.stream import Showing
from edge_deploy.cli.tally import percent
from edge_deploy.devices import MicrophoneInput, Scene, cameras, imus, microphones
from edge_deploy.errors import BadInput, Exit
from edge_deploy.telemetry.recording import Recorder
from tests.cli import sensed
from tests.cli.conftest import Command
from tests.cli.streams import AUDIO
from tests.cli.test_refusals import refused

VIRTUAL = ("--board", "nano33", "--on", "virtual")


@pytest.fixture
def replayed(command: Command, tmp_path):
    """A stream shown again from its recording."""

    def show(name, readings, *words):
        path = tmp_path / f"{name}.jsonl"
        with Recorder(path, sensed.header_of(name)) as recorder:
            for reading in readings:
                recorder.write(reading)
        ended = command("replay", path, *words)
        assert ended.code == Exit.DONE, ended.err
        return ended

    return show


# -- lines and summaries -----------------------------------------------------------------------


def test_motion_has_a_line_for_each_decision(replayed):
    ended = replayed("gesture", sensed.gestures(), "--plain")
    cost = "dsp 810  inference 20,412  post 17 us  1,306,368 cycles  230.50 uJ"
    # Result n is there when (n + 1) x 20 samples have come at 119 Hz.
    assert ended.out.splitlines() == [
        f"    1.681 s  felt arresto_momentum  0.72  {cost}",
        f"    3.529 s  felt locomotor   0.84  {cost}",
    ]
    table = re.search(r"^ *felt +at, s +confidence *$", ended.err, re.MULTILINE)
    assert table
    assert re.search(r"^ *locomotor +3\.53 +0\.84 *$", ended.err, re.MULTILINE)
    assert "30 inferences, median 21,239 us" in ended.err
    assert "12.6 % of the core (modelled:" in ended.err  # 21,239 us of 20 / 119 s
    assert "0 samples lost" in ended.err


def test_a_camera_loses_frames(replayed):
    ended = replayed("vision", sensed.signs(), "--plain")
    lines = ended.out.splitlines()
    assert lines[0].startswith("    1.000 s  seen 3           0.97  dsp 810")
    assert lines[1].startswith("    4.000 s  seen 7")
    # With the frame that was missed, result 9 is of frame 10.
    assert lines[2] == "    5.500 s  the board fell behind: 1 overruns, 1 frames lost"
    assert "1 overruns, 1 frames lost" in ended.err
    assert "4.2 % of the core" in ended.err


def test_what_is_unusual_is_shouted_with_its_threshold(replayed):
    ended = replayed("anomaly", sensed.vibrations(), "--plain")
    (line,) = ended.out.splitlines()
    assert line.startswith("   14.000 s  ANOMALY     5.00 (threshold 4.00)  dsp 810")
    assert re.search(r"^ *felt +at, s +score *$", ended.err, re.MULTILINE)
    assert re.search(r"^ *anomaly +14\.00 +5\.00 *$", ended.err, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "readings", "words"),
    [
        ("anomaly", sensed.vibrations(over=False), "No anomaly."),
        ("gesture", sensed.gestures()[:5], "Nothing was felt."),
        ("vision", sensed.signs()[:1], "Nothing was seen."),
    ],
)
def test_nothing_is_said_as_well(replayed, name, readings, words):
    ended = replayed(name, readings, "--plain")
    assert ended.out == ""
    assert words in ended.err.splitlines()


@pytest.mark.parametrize("name", ["gesture", "vision", "anomaly"])
def test_a_pipe_gets_one_object_a_line(replayed, name):
    streams = {"gesture": sensed.gestures(), "vision": sensed.signs()}
    readings = streams.get(name) or sensed.vibrations()
    lines = [json.loads(line) for line in replayed(name, readings).out.splitlines()]
    assert len(lines) == len(readings)
    labels = sensed.HEADERS[name]["labels"]
    for line, reading in zip(lines, readings, strict=True):
        assert line["kind"] == "inference"
        assert line["label"] == labels[reading.top]
        assert line.get("word") == (None if reading.heard is None else labels[reading.heard])
        stride_s = sensed.HEADERS[name]["sensing"].stride_us / 1e6
        assert line["at_s"] == pytest.approx(
            (reading.n + reading.overruns + 1) * stride_s, abs=2e-3
        )


def test_a_small_share_of_the_core_is_not_none():
    assert [percent(share) for share in (0.4681, 0.0123, 0.00042, 0.0)] == [
        "46.8 %", "1.2 %", "0.04 %", "0.00 %"
    ]  # fmt: skip


# -- the end -----------------------------------------------------------------------------------


def scene_of(tmp_path, *, samples: int) -> Scene:
    """A recording of motion, three pictures, 4 s of sound."""
    motion.write(tmp_path / "x.csv", np.zeros((samples, 6), np.int16))
    (tmp_path / "pictures").mkdir()
    for number in range(3):
        pictures.write(tmp_path / "pictures" / f"{number}.png", np.zeros((8, 8), np.uint8))
    sound = MicrophoneInput("a", "a", 4.0, lambda: microphones.Recording(np.zeros(0, np.int16)))
    return Scene(sound, imus.parse(str(tmp_path / "x.csv")), cameras.parse(f"{tmp_path}/pictures"))


def test_a_stream_ends_when_all_was_sensed(tmp_path):
    scene = scene_of(tmp_path, samples=240)
    # 240 samples and a second of rest are 359: 17 strides of 20.
    assert senses.strides(scene, sensed.MOTION) == 17
    # At 200 Hz 440 samples: 4 strides of 100.
    assert senses.strides(scene, sensed.VIBRATION) == 4
    # Three pictures, 2 s each, twice a second.
    assert senses.strides(scene, sensed.IMAGE) == 12
    # 199 frames of 20 ms are complete in 4 s: 19 strides of 10.
    assert senses.strides(scene, AUDIO) == 19
    assert senses.strides(scene, None) is None


def test_what_has_no_end_has_none():
    scene = Scene(microphones.silence(), imus.rest(), cameras.grey())
    for sensing in (sensed.MOTION, sensed.IMAGE, AUDIO):
        assert senses.strides(scene, sensing) is None
        assert senses.strides(Scene(), sensing) is None


def test_even_the_shortest_recording_gives_a_result(tmp_path):
    motion.write(tmp_path / "x.csv", np.zeros((1, 6), np.int16))
    scene = Scene(imu=imus.parse(str(tmp_path / "x.csv")))
    slow = sensed.MOTION.__class__("motion", 119, 6, 119, 2000, 0.7, 2, 119)
    assert senses.strides(scene, slow) == 1
    assert Showing(scene=scene).scene is scene


def test_times_are_those_of_what_was_sensed():
    assert senses.sensed_us(sensed.MOTION, 119) == pytest.approx(20e6)
    assert senses.sensed_us(sensed.IMAGE, 3) == 1_500_000
    assert senses.sensed_us(AUDIO, 1) == 1e6 * (9 * 320 + 480) / 16_000


# -- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lab", "option", "source", "instead"),
    [
        ("kws", "--imu", "microphone", "--mic recording.wav"),
        ("kws", "--camera", "microphone", "--mic recording.wav"),
        ("hello", "--imu", "ramp", "edge-deploy labs"),
        ("hello", "--camera", "ramp", "edge-deploy labs"),
    ],
)
def test_what_a_lab_never_senses_is_told_before_anything_else(
    command: Command, lab, option, source, instead
):
    nothing = {"--imu": "rest", "--camera": "grey"}[option]
    ended = command("flash", *VIRTUAL, lab, option, nothing)
    refused(ended, Exit.USAGE, option, f"the source of {lab} is {source}")
    assert instead in ended.err
    assert f"{option} {nothing}" not in ended.err  # what is offered can be pasted
    assert "Built" not in ended.err


@pytest.mark.parametrize("verb", ["run", "monitor"])
def test_only_virtual_boards_can_be_shown_something(command: Command, verb):
    for option, nothing in (("--imu", "rest"), ("--camera", "grey")):
        ended = command(verb, "--board", "xiao_esp32s3", "--on", "virtual", option, nothing)
        refused(ended, Exit.USAGE, option)
        again = f"edge-deploy {verb} {option} {nothing}"
        assert f"  {again} --board nano33 --on virtual\n" in ended.err


@pytest.mark.parametrize(
    ("hint", "typed", "pasted"),
    [
        ("--on virtual", "run --board b -p x", "run --board b --on virtual"),
        ("--on virtual  w", "run --on=x -v", "run -v --on virtual  w"),
        ("--board a --on virtual", "run --on x --board b y", "run y --board a --on virtual"),
        ("--imu a.csv", "run --mic b.wav --camera=c.png", "run --imu a.csv"),
        ("--resample  w", "run --mic b.wav --resample", "run --mic b.wav --resample  w"),
        ("edge-deploy labs", "run", None),
    ],
)
def test_a_hint_of_options_is_the_command_with_them(hint, typed, pasted):
    expected = hint if pasted is None else f"edge-deploy {pasted}"
    assert _pasteable(hint, typed.split()) == expected


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"time,x\n0,up\n", "line 2"),
        (b"1,2\n", "line 1: expected 3 or 6 numbers"),
        (b"", "holds no samples"),
        (b"0,0,nan\n", "'nan' is not a number"),
        (b"0,0,99\n", "99 g as aZ; the sensor measures up to 4"),
        (b"\x89PNG\r\n\x1a\n\xff", "is not text"),
    ],
)
def test_files_that_are_no_motion(command: Command, tmp_path, content, words):
    (tmp_path / "x.csv").write_bytes(content)
    for path in (tmp_path / "x.csv", tmp_path):
        refused(command("run", *VIRTUAL, "--imu", path), Exit.BAD_INPUT, "x.csv", words)


def test_files_that_are_no_pictures(command: Command, tmp_path):
    pictures.write(tmp_path / "whole.png", np.zeros((40, 40), np.uint8))
    data = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[:-30])
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty").mkdir()
    for name, words in {
        "cut.png": "damaged",
        "text.jpg": "is no picture",
        "empty": "folder without pictures",
        "none.png": "is not there",
    }.items():
        refused(command("run", *VIRTUAL, "--camera", tmp_path / name), Exit.BAD_INPUT, name, words)
    refused(command("run", *VIRTUAL, "--camera", f"{tmp_path}:9999s"), Exit.USAGE, "9999s")


def test_motion_without_rates_of_turn_is_told_to_a_lab_that_wants_them(tmp_path):
    motion.write(tmp_path / "x.csv", np.zeros((5, 3), np.int16))
    scene = Scene(imu=imus.parse(str(tmp_path / "x.csv")))
    senses.refuse_axes(scene, "anomaly", 3)
    with pytest.raises(BadInput, match=r"x\.csv has 3 columns.*gesture feels 6") as caught:
        senses.refuse_axes(scene, "gesture", 6)
    assert caught.value.try_next
    senses.refuse_axes(Scene(), "gesture", 6)
