"""The FIFO between what is played and a program, whatever a sample is."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy.devices.virtual.fifo import Fifo, Played

PERIOD_NS = 62_500
RAMP = np.arange(1, 30_001, dtype=np.int16)


def ramp() -> Fifo:
    return Fifo(Played(RAMP, np.int16(0), 16_000), 4096)


def test_a_sample_is_there_when_its_period_has_passed():
    fifo = ramp()
    began = 123_456_789
    fifo.start(began)
    for number in (1, 2, 3, 100, 4096):
        assert fifo.available(began + number * PERIOD_NS - 1) == number - 1
        assert fifo.available(began + number * PERIOD_NS) == number


@pytest.mark.parametrize("look_every", [1, 7, 1000, 5000])
def test_the_oldest_are_lost_however_often_it_is_looked_at(look_every):
    fifo = ramp()
    fifo.start(0)
    for number in range(0, 10_000, look_every):
        fifo.available(number * PERIOD_NS)
    now = 10_000 * PERIOD_NS
    assert fifo.available(now) == 4096
    assert fifo.lost(now) == 10_000 - 4096
    assert fifo.take(100, now).tolist() == RAMP[10_000 - 4096 : 10_000 - 3996].tolist()
    # There is room again now: nothing more is lost until it is used up.
    assert fifo.lost(now + 100 * PERIOD_NS) == 10_000 - 4096
    assert fifo.lost(now + 101 * PERIOD_NS) == 10_000 - 4095


def test_off_keeps_what_waits_and_on_begins_again():
    fifo = ramp()
    fifo.start(0)
    assert fifo.running
    fifo.stop(10 * PERIOD_NS)
    assert not fifo.running
    assert fifo.available(10**12) == 10
    assert fifo.take(4, 10**12).tolist() == [1, 2, 3, 4]
    fifo.start(10**12)
    assert fifo.available(10**12) == 0
    assert fifo.take(9, 10**12 + 2 * PERIOD_NS).tolist() == [1, 2]


@pytest.mark.parametrize("shape", [(), (3,), (2, 5)])
@pytest.mark.parametrize("dtype", ["<i2", ">i2", "u1"])
def test_samples_of_any_shape_are_followed_by_rest(shape, dtype):
    samples = (np.arange(4 * int(np.prod(shape, dtype=int))) + 1).reshape(4, *shape).astype(dtype)
    rest = np.full(shape, 99, dtype)
    fifo = Fifo(Played(samples, rest, 1000), 10)
    fifo.start(0)
    first, second = fifo.take(3, 6_000_000), fifo.take(10, 6_000_000)
    assert first.tolist() == samples[:3].tolist()
    assert second.tolist() == [*samples[3:].tolist(), rest.tolist(), rest.tolist()]
    # As a program on the board reads it.
    assert first.tobytes() == samples[:3].astype(samples.dtype.newbyteorder("<")).tobytes()
