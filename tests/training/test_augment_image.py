"""Pictures are changed by as much as was asked, and by the same for the same generator."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy.training import augment_image as augment


@pytest.fixture
def picture():
    return np.random.default_rng(1).uniform(size=(24, 24)).astype(np.float32)


def _close(one, other):
    assert one.dtype == np.float32
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_nothing_asked_is_nothing_done(picture):
    _close(augment.moved(picture), picture)
    _close(augment.lit(picture), picture)
    assert np.array_equal(augment.clipped(picture), picture)
    assert np.array_equal(augment.noisy(picture, 0.0, np.random.default_rng(1)), picture)


def test_a_quarter_turn_is_clockwise_and_a_mirror_swaps_left_and_right(picture):
    _close(augment.moved(picture, turn_deg=90), np.rot90(picture, -1))
    _close(augment.moved(picture, turn_deg=-90), np.rot90(picture))
    _close(augment.moved(picture, turn_deg=180), picture[::-1, ::-1])
    _close(augment.moved(picture, mirrored=True), picture[:, ::-1])


@pytest.mark.parametrize(("right", "down"), [(6, 0), (-6, 0), (0, 3), (0, -3), (24, 0)])
def test_a_shift_moves_by_whole_pixels_and_repeats_the_edge(picture, right, down):
    rows = np.clip(np.arange(24) - down, 0, 23)
    columns = np.clip(np.arange(24) - right, 0, 23)
    moved = augment.moved(picture, right=right / 24, down=down / 24)
    _close(moved, picture[np.ix_(rows, columns)])


def test_a_shift_is_of_what_is_seen_however_it_is_turned(picture):
    both = augment.moved(picture, turn_deg=90, mirrored=True, right=0.25)
    _close(both, augment.moved(augment.moved(picture, turn_deg=90, mirrored=True), right=0.25))


@pytest.mark.parametrize("scale", [0.5, 0.8, 1.25, 2.0])
def test_larger_is_larger_about_the_middle(scale):
    at = np.arange(41, dtype=np.float32) - 20
    spot = np.exp(-(at**2 + at[:, np.newaxis] ** 2) / 18)
    larger = augment.moved(spot, scale=scale)
    assert larger.sum() == pytest.approx(scale**2 * spot.sum(), rel=0.02)
    assert (larger * at).sum() == pytest.approx(0, abs=0.01)


def test_a_slant_moves_rows_against_each_other_by_so_much():
    upright = np.zeros((41, 41), np.float32)
    upright[:, 20] = 1
    slanted = augment.moved(upright, shear=0.5)
    assert [int(row.argmax()) for row in slanted[::10]] == [30, 25, 20, 15, 10]


@pytest.mark.parametrize("wider", [0.8, 1.25])
def test_wider_is_wider_and_no_higher(wider):
    at = np.arange(41, dtype=np.float32) - 20
    spot = np.exp(-(at**2 + at[:, np.newaxis] ** 2) / 18)
    changed = augment.moved(spot, wider=wider)
    assert changed.sum() == pytest.approx(wider * spot.sum(), rel=0.02)
    _close(changed[:, 20], spot[:, 20])
    _close(augment.moved(spot, wider=wider, turn_deg=90), changed.T)


def test_blur_is_the_mean_of_neighbours_and_keeps_what_is_even(picture):
    _close(augment.blurred(picture, 0.0), picture)
    blurred = augment.blurred(picture, 1.0)
    assert blurred[5, 7] == pytest.approx(picture[4:7, 6:9].mean(), abs=1e-6)
    _close(augment.blurred(picture, 0.5), (picture + blurred) / 2)
    _close(augment.blurred(np.full((5, 6), 0.3, np.float32), 1.0), np.full((5, 6), 0.3, np.float32))


def test_a_cover_is_a_rectangle_of_the_mean_up_to_its_size(picture):
    kept, draw, sizes = picture.copy(), np.random.default_rng(2), set()
    for _ in range(300):
        covered = augment.covered(picture, 0.25, draw)
        hidden = covered != picture
        rows, columns = hidden.any(axis=1), hidden.any(axis=0)
        assert np.array_equal(hidden, rows[:, np.newaxis] & columns)
        assert not hidden.any() or set(covered[hidden].tolist()) == {float(picture.mean())}
        sizes.add((int(rows.sum()), int(columns.sum())))
    assert {row for row, _ in sizes} == {column for _, column in sizes} == set(range(7))
    assert np.array_equal(picture, kept)


def test_pictures_need_not_be_square():
    picture = np.arange(12, dtype=np.float32).reshape(3, 4)
    _close(augment.moved(picture, mirrored=True), picture[:, ::-1])
    _close(augment.moved(picture, right=0.25)[:, 1:], picture[:, :-1])
    _close(augment.moved(picture, down=1 / 3)[1:], picture[:-1])


def test_light_is_as_much_as_was_asked(picture):
    mean = picture.mean()
    _close(augment.lit(picture, contrast=0.5), mean + (picture - mean) / 2)
    _close(augment.lit(picture, brighter=0.25), picture + 0.25)
    slope = augment.lit(picture, from_left=0.24) - picture
    np.testing.assert_allclose(
        slope, np.broadcast_to((np.arange(24) - 11.5) / 50, (24, 24)), atol=1e-6
    )
    assert np.array_equal(
        augment.lit(picture.T, from_left=0.1), augment.lit(picture, from_top=0.1).T
    )
    bright = augment.clipped(augment.lit(picture, contrast=3.0))
    assert (bright.min(), bright.max()) == (0.0, 1.0)


def test_noise_is_of_the_deviation_asked_and_of_its_generator():
    grey = np.full((200, 200), 0.5, np.float32)
    noisy = augment.noisy(grey, 0.02, np.random.default_rng(3))
    assert (noisy - grey).std() == pytest.approx(0.02, rel=0.02)
    assert (noisy - grey).mean() == pytest.approx(0, abs=5e-4)
    assert np.array_equal(noisy, augment.noisy(grey, 0.02, np.random.default_rng(3)))
    assert not np.array_equal(noisy, augment.noisy(grey, 0.02, np.random.default_rng(4)))
