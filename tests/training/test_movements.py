"""Clips of movement made different: by how much, by whose choice, and what stays."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy.training import movements

COUNT, SAMPLES = 40, 60


@pytest.fixture
def clips():
    draw = np.random.default_rng(1)
    return draw.normal(0, 0.2, (COUNT, SAMPLES, 6)).cumsum(axis=1).astype(np.float32)


def draw(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("again", {"faster": 0.2, "warp": 2.0}),
        ("shifted", {"samples": 9}),
        ("stronger", {"by": 0.2}),
        ("held_otherwise", {"degrees": 20.0}),
    ],
)
def test_the_same_generator_gives_the_same_clips(clips, name, options):
    change = getattr(movements, name)
    before = clips.copy()
    first = change(clips, draw(), **options)
    assert first.shape == clips.shape
    assert first.dtype == np.float32
    assert np.array_equal(first, change(clips, draw(), **options))
    assert (first != change(clips, draw(1), **options)).any(axis=(1, 2)).all()
    assert np.array_equal(clips, before)
    unchanged = change(clips, draw(), **dict.fromkeys(options, 0.0))
    np.testing.assert_allclose(unchanged, clips, atol=1e-5)


def test_times_between_samples_lie_on_a_line_and_beyond_is_the_end():
    clip = np.arange(SAMPLES, dtype=np.float32)[np.newaxis, :, np.newaxis].repeat(6, axis=2)
    at = np.array([[-3.0, 0.0, 1.25, SAMPLES - 1.5, SAMPLES + 7.0]])
    found = movements.read_at(clip, at)[0, :, 0]
    assert found.tolist() == [0.0, 0.0, 1.25, SAMPLES - 1.5, SAMPLES - 1.0]


def test_shifts_stay_within_their_limit():
    clip = np.arange(SAMPLES, dtype=np.float32)[np.newaxis, :, np.newaxis]
    many = np.tile(clip, (500, 1, 6))
    middle = movements.shifted(many, draw(), samples=9)[:, 30, 0] - 30
    assert np.abs(middle).max() <= 9
    assert middle.min() < -7
    assert middle.max() > 7


def test_who_is_faster_turns_faster():
    """The angle turned in all, the sum of rotation over time, is of the gesture and stays."""
    rise = np.sin(np.linspace(0, np.pi, SAMPLES)) ** 4
    many = np.tile(rise.astype(np.float32)[np.newaxis, :, np.newaxis], (200, 1, 6))
    found = movements.again(many, draw(), faster=0.2, warp=0.0)
    angle = found[..., 3:].sum(axis=1) / many[..., 3:].sum(axis=1)
    np.testing.assert_allclose(angle, 1.0, atol=0.01)
    peak = found[..., 3].max(axis=1)
    assert 1 / 1.2 - 0.01 <= peak.min() < 0.87
    assert 1.15 < peak.max() <= 1.21


def test_strength_is_of_all_axes_alike(clips):
    factor = movements.stronger(clips, draw(), by=0.25) / clips
    np.testing.assert_allclose(factor, factor[:, :1, :1] * np.ones_like(factor), rtol=1e-4)
    assert 0.8 - 1e-5 <= factor.min() < 0.85 < 1.2 < factor.max() <= 1.25 + 1e-5


def test_a_turned_sensor_measures_the_same_lengths_by_the_same_turn(clips):
    found = movements.held_otherwise(clips, draw(), degrees=30.0)
    for axes in (slice(0, 3), slice(3, 6)):
        np.testing.assert_allclose(
            np.linalg.norm(found[..., axes], axis=-1),
            np.linalg.norm(clips[..., axes], axis=-1),
            rtol=1e-4,
            atol=1e-5,
        )
    for one, turned in zip(clips, found, strict=True):
        turn = np.linalg.lstsq(one[:, :3], turned[:, :3], rcond=None)[0].T
        np.testing.assert_allclose(one[:, 3:] @ turn.T, turned[:, 3:], atol=1e-3)
        np.testing.assert_allclose(np.linalg.det(turn), 1.0, atol=1e-3)  # no mirror
        assert np.degrees(np.arccos((np.trace(turn) - 1) / 2)) <= 30.1


def test_bends_are_lines_from_point_to_point():
    points = np.array([[0.0, 4.0, 2.0]])
    assert movements.bends(points, 5).tolist() == [[0.0, 2.0, 4.0, 3.0, 2.0]]
