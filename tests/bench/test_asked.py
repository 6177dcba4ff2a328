"""What a person did is noticed, what they did not is not, and waiting has an end."""

import numpy as np
import pytest

from edge_deploy import labs, motion
from edge_deploy.bench import asked
from edge_deploy.telemetry.raw import RawSamples

MICROPHONE, IMU, CAMERA = (labs.load(name).source for name in ("kws", "gesture", "vision"))
RANDOM = np.random.default_rng(5)
HZ = 16_000


class Person:
    """Remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, text):
        self.asked.append(text)


def pieces(samples, step):
    """Samples as a board sends them; whoever takes more than is needed is told."""
    for first in range(0, len(samples), step):
        yield RawSamples(samples[first : first + step], first)


def room(seconds, *, level=60, offset=400):
    """Sound of a quiet room, by a microphone with a constant part."""
    return RANDOM.normal(offset, level, round(seconds * HZ)).clip(-32_768, 32_767).astype(np.int16)


def clapped(sound, at_s, peak):
    burst = peak * np.exp(-np.arange(800) / 100) * np.sign(RANDOM.normal(0, 1, 800))
    first = round(at_s * HZ)
    sound[first : first + 800] += burst.astype(np.int16)
    return sound


@pytest.mark.parametrize("level", [1, 60, 1_500, 4_000])
def test_a_clap(level):
    person = Person()
    sound = clapped(room(3, level=level), 1.5, 29_000)
    taken = pieces(sound, 320)
    noticed = asked.watch(MICROPHONE, taken, person)
    assert noticed.seen
    assert "a clap of" in noticed.found
    assert person.asked == [""]
    assert next(taken).number == 24_320  # no more was taken than was needed: it is in the room


@pytest.mark.parametrize(
    ("sound", "word"),
    [
        (room(20), "no clap was heard"),
        (room(20, level=3_000), "no clap was heard"),  # loud, and no louder
        (clapped(room(20), 0.2, 29_000), "no clap was heard"),  # before anybody was asked
        (clapped(room(20), 4, 500), "no clap was heard"),
        (clapped(room(20), 18, 29_000), "no clap was heard"),  # too late
        (room(3), "ended"),
    ],
)
def test_no_clap(sound, word):
    noticed = asked.watch(MICROPHONE, pieces(sound, 320), Person())
    assert not noticed.seen
    assert word in noticed.found
    assert noticed.advice


def at(degrees, count, *, g=1.0, noise=20):
    """(count, 6) int16: a board turned about its x axis, held still."""
    angle = np.radians(degrees)
    steps = np.array([0, g * np.sin(angle), g * np.cos(angle), 0, 0, 0]) * motion.units(6)
    return (steps + RANDOM.normal(0, noise, (count, 6))).clip(-32_768, 32_767).astype(np.int16)


@pytest.mark.parametrize(
    ("then", "seen"),
    [
        (at(45, 300), True),
        (at(180, 300), True),
        (at(25, 300), True),
        (at(10, 2_400), False),
        (at(0, 2_400), False),
        (at(60, 2_400, g=1.9), False),  # pushed and not held still
        (np.zeros((2_400, 6), np.int16), False),  # no gravity at all
    ],
)
def test_a_tilt(then, seen):
    noticed = asked.watch(IMU, pieces(np.concatenate([at(0, 119), then]), 7), Person())
    assert noticed.seen is seen
    assert ("tilted by" if seen else "gravity moved by") in noticed.found
    assert bool(noticed.advice) is not seen


def test_a_tilt_is_from_how_it_lay():
    """It need not lie level."""
    samples = np.concatenate([at(70, 119), at(70, 300), at(30, 200)])
    assert "tilted by 40 degrees" in asked.watch(IMU, pieces(samples, 7), Person()).found


def frames(*brightness):
    shape = (CAMERA.height, CAMERA.width)
    for number, bright in enumerate(brightness):
        yield RawSamples(RANDOM.integers(bright, bright + 9, shape, dtype=np.uint8), number)


@pytest.mark.parametrize(
    ("brightness", "seen", "asked_for", "word"),
    [
        ((120, 119, 30, 12, 60, 118), True, ["", "it is dark; now uncover it"], "down to 1"),
        ((120, 119, 30, 70), False, ["", "it is dark; now uncover it"], "ended"),
        ((120, *[119] * 40), False, [""], "did not become dark"),
        ((120, *[20] * 40), False, ["", "it is dark; now uncover it"], "it stayed dark"),
        ((120, *[240] * 40), False, [""], "did not become dark"),
    ],
)
def test_a_covered_lens(brightness, seen, asked_for, word):
    person = Person()
    noticed = asked.watch(CAMERA, frames(*brightness), person)
    assert noticed.seen is seen
    assert person.asked == asked_for
    assert word in noticed.found


def test_nothing_came():
    person = Person()
    assert not asked.watch(IMU, iter(()), person).seen
    assert person.asked == []
