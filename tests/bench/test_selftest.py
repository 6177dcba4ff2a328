"""Verdicts on samples that are known: what is good passes, and each fault is called by its name."""

import numpy as np
import pytest

from edge_deploy import boards, kits, labs, motion
from edge_deploy.bench import selftest
from edge_deploy.bench.selftest import Verdict
from edge_deploy.telemetry.parts import TriedMemory
from edge_deploy.telemetry.raw import RawSamples
from edge_deploy.telemetry.readings import Counts, Lap

MICROPHONE, IMU, CAMERA = (labs.load(name).source for name in ("kws", "gesture", "vision"))
RANDOM = np.random.default_rng(7)


def laps(hz, *, us=200):
    return [Lap(run, us, Counts(cycles_board=round(hz * us / 1e6))) for run in range(50)]


@pytest.mark.parametrize(
    ("hz", "verdict"),
    [(64e6, Verdict.PASS), (63.4e6, Verdict.PASS), (62e6, Verdict.FAIL), (128e6, Verdict.FAIL)],
)
def test_the_counter_is_held_against_the_clock(hz, verdict):
    found = selftest.cycle_counter(laps(hz), 64_000_000)
    assert found.verdict is verdict
    assert f"{hz / 1e6:.2f} MHz" in found.found


def test_a_board_without_a_counter_one_that_is_too_fast_and_one_whose_clock_stands():
    assert selftest.cycle_counter([Lap(0, 200)], 64_000_000).verdict is Verdict.ABSENT
    short = selftest.cycle_counter(laps(64e6, us=3), 64_000_000)
    assert short.verdict is Verdict.UNTESTED
    stands = [Lap(0, 0, Counts(cycles=5))]
    assert selftest.cycle_counter(stands, 64_000_000).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("size", "errors", "verdict"),
    [(0, 0, Verdict.ABSENT), (4_096, 0, Verdict.PASS), (4_096, 1, Verdict.FAIL)],
)
def test_memory(size, errors, verdict):
    assert selftest.memory(TriedMemory(size, errors)).verdict is verdict


@pytest.mark.parametrize(
    ("there", "seen", "verdict"),
    [
        (False, None, Verdict.ABSENT),
        (True, None, Verdict.UNTESTED),
        (True, True, Verdict.PASS),
        (True, False, Verdict.FAIL),
    ],
)
def test_an_led_is_what_a_person_saw(there, seen, verdict):
    assert selftest.led(there=there, seen=seen).verdict is verdict


def pieces(samples, *, lost_at=None):
    """Raw samples as they come, a fiftieth of a second each."""
    for first in range(0, len(samples), 320):
        if lost_at is None or not first <= lost_at < first + 320:
            yield RawSamples(samples[first : first + 320], first)


@pytest.mark.parametrize(
    ("sound", "lost_at", "verdict", "word"),
    [
        (RANDOM.integers(-900, 900, 32_000, np.int16), None, Verdict.PASS, "dBFS"),
        (np.zeros(32_000, np.int16), None, Verdict.FAIL, "silent"),
        (np.full(32_000, 32_767, np.int16) * np.sign(np.sin(np.arange(32_000) / 99)).astype("i2"),
         None, Verdict.FAIL, "clipped"),
        (RANDOM.integers(-900, 900, 32_000, np.int16), 12_000, Verdict.FAIL, "lost"),
        (RANDOM.integers(-900, 900, 9_000, np.int16), None, Verdict.FAIL, "ended"),
    ],
)  # fmt: skip
def test_a_microphone(sound, lost_at, verdict, word):
    found = selftest.sensor(MICROPHONE, pieces(sound, lost_at=lost_at))
    assert (found.check, found.verdict) == ("microphone", verdict)
    assert word in found.found


@pytest.mark.parametrize(
    ("board", "variant", "kind", "verdict", "words"),
    [
        ("nano33", "sense", "imu", Verdict.FAIL, "an Arduino Nano 33 BLE Sense, and no LSM9DS1"),
        ("nano33", "ble", "microphone", Verdict.ABSENT, "an Arduino Nano 33 BLE, which has none"),
        ("nano33", "ble", "camera", Verdict.ABSENT, "no TinyML shield"),
        ("nano33", "sense_rev3", "imu", Verdict.ABSENT, "the board says"),
        ("nano33", "virtual", "imu", Verdict.ABSENT, "the board says"),
        ("xiao_esp32s3", "xiaoml", "camera", Verdict.FAIL, "and no OV2640 or OV3660 answers"),
        ("xiao_esp32s3", "sense", "imu", Verdict.ABSENT, "which has none"),
    ],
)
def test_what_is_not_listed_is_held_against_the_variant(board, variant, kind, verdict, words):
    found = selftest.unlisted(kind, variant, boards.load(board), kits.find(board))
    assert (found.check, found.verdict) == (kind, verdict)
    assert words in found.found
    assert bool(found.advice) is (verdict is Verdict.FAIL)
    assert ("is plugged on" in found.advice) is (variant == "xiaoml")


def test_what_is_plugged_on_may_be_missing():
    found = selftest.unlisted("camera", "sense", boards.load("nano33"), kits.find("nano33"))
    assert (found.verdict, found.found) == (Verdict.ABSENT, "no TinyML shield answers")


def at_rest(values, *, noise=8):
    """(400, 6) int16: the same six values in g and degrees a second, with noise in steps."""
    steps = np.asarray(values) * motion.units(6) + RANDOM.normal(0, noise, (400, 6))
    return steps.clip(-32_768, 32_767).astype(np.int16)


@pytest.mark.parametrize(
    ("values", "verdict", "word"),
    [
        ((0, 0, 1, 0, 0, 0), Verdict.PASS, "1.00 g"),
        ((0.6, 0, -0.8, 3, -20, 1), Verdict.PASS, "20 degrees"),
        ((0, 0, 0.5, 0, 0, 0), Verdict.FAIL, "at rest it is 1 g"),
        ((0, 0, 1, 0, 90, 0), Verdict.FAIL, "at rest it is 0"),
    ],
)
def test_an_inertial_sensor_at_rest(values, verdict, word):
    found = selftest.sensor(IMU, pieces(at_rest(values)))
    assert found.verdict is verdict
    assert word in found.found


def test_an_inertial_sensor_that_is_moved_or_dead():
    moved = at_rest((0, 0, 1, 0, 0, 0))
    moved[100:120, 0] += 4_000
    assert "it moved" in selftest.sensor(IMU, pieces(moved)).found
    dead = selftest.sensor(IMU, pieces(np.zeros((400, 6), np.int16)))
    assert dead.verdict is Verdict.FAIL
    assert "zero" in dead.found


def test_a_camera():
    shape = (CAMERA.height, CAMERA.width)
    seen = np.arange(np.prod(shape)).reshape(shape).astype(np.uint8)
    for frame, verdict in ((seen, Verdict.PASS), (np.zeros(shape, np.uint8), Verdict.FAIL)):
        frames = (RawSamples(frame, number) for number in range(9))
        assert selftest.sensor(CAMERA, frames).verdict is verdict
