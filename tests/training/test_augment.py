"""Sounds are changed by as much as was asked, and by the same for the same generator."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy.training import augment


@pytest.fixture
def sound():
    at = np.arange(16_000) / 16_000
    return (10_000 * np.sin(2 * np.pi * 1_000 * at)).astype(np.float32)


def _loudest_hz(sound):
    return int(np.abs(np.fft.rfft(sound * np.hanning(sound.size))).argmax())


def test_levels_are_in_dbfs(sound):
    assert augment.level_dbfs(sound) == pytest.approx(20 * np.log10(10_000 / 32_768 / 2**0.5))
    for dbfs in (-60.0, -20.0):
        assert augment.level_dbfs(augment.at_level(sound, dbfs)) == pytest.approx(dbfs, abs=1e-3)
    quieter = augment.gained(sound, -6.0)
    assert augment.level_dbfs(sound) - augment.level_dbfs(quieter) == pytest.approx(6, abs=1e-3)
    nothing = np.zeros(100, np.float32)
    assert not augment.at_level(nothing, -20.0).any()


@pytest.mark.parametrize("factor", [0.85, 1.0, 1.15])
def test_faster_is_higher_and_shorter(sound, factor):
    moved = augment.spoken_faster(sound, factor)
    assert moved.shape == sound.shape
    assert moved.dtype == np.float32
    assert _loudest_hz(moved) == pytest.approx(1_000 * factor, abs=2)
    silent = int(np.count_nonzero(moved == 0))
    assert silent == pytest.approx(16_000 * max(0.0, 1 - 1 / factor), abs=20)


@pytest.mark.parametrize("samples", [-1_600, -1, 0, 1, 1_600])
def test_a_shift_moves_and_fills_with_zeros(sound, samples):
    sound = sound + 1
    moved = augment.shifted(sound, samples)
    size = sound.size - abs(samples)
    assert np.array_equal(moved[max(0, samples) :][:size], sound[max(0, -samples) :][:size])
    assert np.count_nonzero(moved == 0) == np.count_nonzero(sound == 0) + abs(samples)


def test_a_cut_is_from_anywhere_in_any_recording():
    recordings = [np.arange(10, dtype=np.float32), np.arange(100, 104, dtype=np.float32)]
    draw = np.random.default_rng(1)
    cuts = {tuple(augment.cut(recordings, 4, draw)) for _ in range(300)}
    assert cuts == {tuple(range(i, i + 4)) for i in range(7)} | {(100, 101, 102, 103)}


def test_a_microphone_rounds_and_clips():
    given = np.array([-40_000, -0.6, 0.4, 32_767.4, 1e9], np.float32)
    heard = augment.as_int16(given)
    assert heard.dtype == np.int16
    assert heard.tolist() == [-32_768, -1, 0, 32_767, 32_767]


def test_masks_hide_neighbours_up_to_their_width_and_leave_the_original_alone():
    features = np.random.default_rng(2).normal(size=(49, 40)).astype(np.float32)
    kept = features.copy()
    draw = np.random.default_rng(3)
    widths = set()
    for _ in range(200):
        hidden = augment.masked(features, 8, 6, draw) != features
        rows, columns = hidden.all(axis=1), hidden.all(axis=0)
        assert np.array_equal(hidden, rows[:, np.newaxis] | columns)
        for which in (rows, columns):
            at = np.flatnonzero(which)
            assert at.size == 0 or at[-1] - at[0] + 1 == at.size
        widths.add((int(rows.sum()), int(columns.sum())))
    assert {row for row, _ in widths} == set(range(9))
    assert {column for _, column in widths} == set(range(7))
    assert np.array_equal(features, kept)


def test_the_same_generator_gives_the_same():
    features = np.random.default_rng(2).normal(size=(9, 9)).astype(np.float32)
    one, other = (augment.masked(features, 4, 4, np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(one, other)
