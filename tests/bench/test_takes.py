"""Takes cut from streams of raw samples, and what is told of those that are not worth keeping."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_deploy import labs, motion
from edge_deploy.bench import takes
from edge_deploy.bench.takes import Cutter, Form, Problem, Take
from edge_deploy.sensing import ImageFeatureSettings, MotionFeatureSettings, SourceSettings

MIC = SourceSettings("microphone", sample_rate_hz=16_000, stride_ms=200)
IMU = SourceSettings("imu", sample_rate_hz=100, axes=6, stride_samples=20)
CAMERA = SourceSettings("camera", width=20, height=10, period_ms=500)


def made(source: SourceSettings, **given: float) -> Form:
    times = {"gap_s": 1.0, "lead_s": 0.0, "clip_s": 1.0, **given}
    return takes.form(source, None, **times)


def sound(amplitude: float, offset: int = 0, count: int = 16_000) -> np.ndarray:
    wave = amplitude * np.sin(2 * np.pi * 440 * np.arange(count) / 16_000)
    return np.clip(np.rint(wave + offset), -32_768, 32_767).astype(np.int16)


@given(
    pieces=st.lists(st.integers(1, 40), min_size=1, max_size=60),
    length=st.integers(1, 50),
    lead=st.integers(0, 30),
    gap=st.integers(0, 30),
)
def test_takes_lie_where_their_numbers_say_whatever_the_pieces(pieces, length, lead, gap) -> None:
    cutter = Cutter(Form(MIC, length, lead, gap))
    stream = np.arange(sum(pieces), dtype=np.int16)
    found: list[Take] = []
    at = 0
    for count in pieces:
        found += cutter.feed(at, stream[at : at + count])
        at += count
    begins = range(lead, len(stream) - length + 1, length + gap)
    assert [take.samples.tolist() for take in found] == [
        list(range(begin, begin + length)) for begin in begins
    ]
    assert all(take.lost == 0 for take in found)


@given(st.lists(st.booleans(), min_size=1, max_size=80), st.integers(1, 30), st.integers(0, 20))
def test_what_does_not_come_is_lost_and_nothing_moves(arrives, length, gap) -> None:
    """Pieces of five samples; those that do not come leave the others where they were."""
    cutter = Cutter(Form(MIC, length, 0, gap))
    found: list[Take] = []
    come: list[int] = []
    for number, there in enumerate(arrives):
        if there:
            come += range(5 * number, 5 * number + 5)
            found += cutter.feed(5 * number, np.arange(5 * number, 5 * number + 5, dtype=np.int16))
    for number, take in enumerate(found):
        begin = number * (length + gap)
        here = [at for at in come if begin <= at < begin + length]
        assert take.samples.tolist() == here
        assert take.lost == length - len(here)


def test_what_a_countdown_shows() -> None:
    cutter = Cutter(made(MIC, lead_s=2.0))
    assert (cutter.inside, cutter.share, cutter.remaining_s) == (False, 0.0, 2.0)
    list(cutter.feed(0, np.zeros(8_000, np.int16)))
    assert (cutter.inside, cutter.share, cutter.remaining_s) == (False, 0.25, 1.5)
    list(cutter.feed(8_000, np.zeros(28_000, np.int16)))
    assert (cutter.inside, cutter.share, cutter.remaining_s) == (True, 0.25, 0.75)
    list(cutter.feed(36_000, np.zeros(16_000, np.int16)))
    assert (cutter.inside, cutter.share, cutter.remaining_s) == (False, 0.25, 0.75)


def test_a_camera_that_drops_frames_gives_the_next_one() -> None:
    form = takes.form(CAMERA, None, clip_s=None, gap_s=2.0, lead_s=1.0)
    assert (form.length, form.lead, form.gap) == (1, 2, 3)
    cutter = Cutter(form)
    found = []
    for number in (0, 1, 2, 5, 6, 7, 8, 11, 12, 13, 14, 15):
        found += cutter.feed(number, np.full((1, 10, 20), number, np.uint8))
    # Every fourth from 2 on: then 6; then 10, which was dropped, so 11; then 15.
    assert [(take.samples[0, 0, 0], take.lost) for take in found] == [
        *((2, 0), (6, 0), (11, 0), (15, 0))
    ]


def test_a_take_is_as_long_as_what_the_model_sees() -> None:
    kws = labs.load("kws")
    assert takes.form(kws.source, kws.features, clip_s=None, gap_s=0, lead_s=0).length == 16_000
    gesture = MotionFeatureSettings(6, 119, 1, False, 4.0, 2000.0)
    at_119 = SourceSettings("imu", sample_rate_hz=119, axes=6, stride_samples=20)
    assert takes.form(at_119, gesture, clip_s=None, gap_s=0, lead_s=0).length == 119
    image = ImageFeatureSettings(20, 10, 8, 8)
    assert takes.form(CAMERA, image, clip_s=None, gap_s=0, lead_s=0).length == 1
    assert takes.window_s(None, 16_000) == 1.0


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        (sound(3_000), None),
        (sound(3_000, offset=900), None),
        (sound(0), Problem.SILENT),
        # A converter that sits at 900 is silent all the same; and so are its last bits.
        (sound(10, offset=900), Problem.SILENT),
        (sound(60_000), Problem.CLIPPED),
        (sound(32_767), None),
    ],
)
def test_sound_is_judged(samples: np.ndarray, problem: Problem | None) -> None:
    judged = takes.judge(made(MIC), Take(samples, 0))
    assert judged.problem is problem
    assert bool(judged.why) == bool(judged.advice) == (problem is not None)


def test_levels_are_those_of_a_sine() -> None:
    # A sine of amplitude a has the level 20 log10(a / 32768) - 3.01 dB.
    judged = takes.judge(made(MIC), Take(sound(3_277, offset=50), 0))
    assert judged.measures["level_dbfs"] == pytest.approx(-23.01, abs=0.01)
    assert takes.peak_dbfs(np.array([-32_768], np.int16)) == 0.0
    assert judged.figures.startswith("-23.0 dBFS, peak -19.")
    assert takes.level_dbfs(np.zeros(0, np.int16)) == -math.inf


def moving(g: float, dps: float = 0.0, noise: int = 8) -> np.ndarray:
    """A second of which x swings by g, and the turn about z by dps; the board lies flat."""
    draw = np.random.default_rng(7)
    swing = np.sin(2 * np.pi * 3 * np.arange(100) / 100)
    samples = draw.integers(-noise, noise + 1, (100, 6)) if noise else np.zeros((100, 6))
    samples = samples.astype(float)
    samples[:, 0] += g / 2 * motion.PER_G * swing
    samples[:, 2] += motion.PER_G
    samples[:, 5] += dps / 2 * motion.PER_DPS * swing
    return np.clip(np.rint(samples), -32_768, 32_767).astype(np.int16)


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        (moving(1.0), None),
        (moving(0.0, dps=50.0), None),
        (moving(0.0), Problem.STILL),
        (moving(0.05, dps=5.0), Problem.STILL),
        (moving(0.0, noise=0), Problem.DEAD),
        (moving(20.0), Problem.CLIPPED),
        (moving(10.0), None),  # is at the ends for 40 % of it
        (moving(1.0, dps=9_000.0), Problem.CLIPPED),
        (moving(1.0)[:, :3], None),
    ],
)
def test_motion_is_judged(samples: np.ndarray, problem: Problem | None) -> None:
    assert takes.judge(made(IMU), Take(samples, 0)).problem is problem


def test_a_machine_that_hums_moves_enough_for_vibration() -> None:
    form = Form(IMU, 100, 0, 0, vibration=True)
    assert takes.judge(form, Take(moving(0.02), 0)).problem is None
    assert takes.judge(form, Take(moving(0.0, noise=0), 0)).problem is Problem.DEAD
    assert "moved by 1.0" in takes.judge(form, Take(moving(1.0)[:, :3], 0)).figures


@pytest.mark.parametrize(
    ("low", "high", "problem"),
    [
        (20, 200, None),
        (0, 12, Problem.BLACK),
        (245, 255, Problem.WHITE),
        (120, 126, Problem.PLAIN),
        (120, 129, None),
    ],
)
def test_pictures_are_judged(low: int, high: int, problem: Problem | None) -> None:
    pixels = np.linspace(low, high, 200).round().astype(np.uint8).reshape(1, 10, 20)
    # A broken pixel makes no picture.
    pixels[0, 0, 0] = 255
    assert takes.judge(made(CAMERA), Take(pixels, 0)).problem is problem


def test_what_was_lost_is_said_first() -> None:
    judged = takes.judge(made(MIC), Take(sound(0)[:100], 15_900))
    assert judged.problem is Problem.LOST
    assert "15,900 of 16,000 samples were lost" in judged.why
