"""Windows of motion, vibration, pictures: numpy's figures, the same bits everywhere, refusals."""

from __future__ import annotations

import ctypes
import itertools
import pickle
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as drawn

from edge_deploy import features
from edge_deploy.errors import Exit
from edge_deploy.features import BadFeatureSettings, library
from edge_deploy.sensing import (
    ImageFeatureSettings,
    MotionFeatureSettings,
    VibrationFeatureSettings,
)
from tests.features import sound
from tests.firmware import building

MOTION = MotionFeatureSettings(6, 120, 2, True, 4.0, 1000.0)
VIBRATION = VibrationFeatureSettings(200, 200, 16, 256, 2.0, 100.0)
IMAGE = ImageFeatureSettings(160, 120, 96, 96)
LEVELS = (("-O0",), ("-O2",), ("-O3", "-march=native"), ("-Os",))


def shaken(samples, seed=0):
    """Noise of some steps about how a board lies, with a tone on x."""
    draw = np.random.default_rng(seed)
    tone = 900 * np.sin(2 * np.pi * 23 * np.arange(samples) / 200)
    moved = draw.normal(0, 60, (samples, 3)) + np.array([0, -300, 8192])
    moved[:, 0] += tone
    return np.rint(moved).astype(np.int16)


def any_samples(settings):
    return np.random.default_rng(1).integers(
        -32768, 32768, (settings.samples, settings.axes), np.int16
    )


def picture(settings, seed=2):
    shape = settings.source_height, settings.source_width
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


# -- numpy's figures -------------------------------------------------------------------------


@pytest.mark.parametrize("remove_mean", [True, False])
@pytest.mark.parametrize(("axes", "average"), [(6, 1), (6, 4), (3, 1), (3, 5), (3, 60)])
def test_motion_is_the_samples_scaled(axes, average, remove_mean):
    dps = 1000.0 if axes == 6 else 0.0
    settings = MotionFeatureSettings(axes, 60, average, remove_mean, 2.0, dps)
    samples = any_samples(settings)
    scale = np.array([2 * 8192] * 3 + [1000 * 16.384] * (axes - 3))
    wanted = samples.reshape(60 // average, average, axes).mean(axis=1)
    wanted = (wanted - remove_mean * samples.mean(axis=0)) / scale
    found = features.of(settings).window(samples)
    assert found.shape == settings.shape
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_four_g_are_one_where_that_is_full_scale():
    settings = MotionFeatureSettings(3, 1, 1, False, 4.0, 0.0)
    found = features.of(settings).window(np.array([[-32768, 0, 16384]], np.int16))
    assert found.tolist() == [[-1.0, 0.0, 0.5]]


def vibration_in_double(settings, samples):
    """docs/features.md, in double precision."""
    g = samples / 8192
    g = g - g.mean(axis=0)
    count, fft = settings.samples, settings.fft
    columns = [np.log(1 + 100 * np.sqrt((g**2).mean(axis=0)))]
    if settings.bands:
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(count) / count)
        power = np.abs(np.fft.rfft(g * hann[:, None], fft, axis=0)) ** 2
        hz = np.arange(fft // 2 + 1) * settings.sample_rate_hz / fft
        edges = np.linspace(settings.low_hz, settings.high_hz, settings.bands + 1)
        for low, high in itertools.pairwise(edges):
            inside = (hz >= low) & (hz < high)
            inside[[0, -1]] = False
            square = power[inside].sum(axis=0) * 16 / (3 * fft * count)
            columns.append(np.log(1 + 100 * np.sqrt(square)))
    return np.stack(columns, axis=1)


@pytest.mark.parametrize(
    "settings",
    [
        VIBRATION,
        VibrationFeatureSettings(200, 200),
        VibrationFeatureSettings(952, 512, 64, 512, 0.0, 476.0),
        VibrationFeatureSettings(119, 33, 3, 64, 5.0, 50.0),
    ],
)
def test_vibration_is_the_formula(settings):
    samples = shaken(settings.samples)
    found = features.of(settings).window(samples)
    assert found.shape == settings.shape
    np.testing.assert_allclose(found, vibration_in_double(settings, samples), atol=2e-3)


def test_a_tone_is_as_strong_in_its_band_as_it_is():
    seconds = np.arange(200) / 200
    samples = np.zeros((200, 3), np.int16)
    samples[:, 0] = np.rint(8192 * np.sqrt(2) * np.sin(2 * np.pi * 40 * seconds))
    one_g = features.of(VibrationFeatureSettings(200, 200, 4, 256, 0.0, 100.0)).window(samples)
    assert one_g[0, 0] == pytest.approx(np.log(101), abs=0.01)
    assert one_g[0, 2] == pytest.approx(np.log(101), abs=0.01)  # 25 to 50 Hz
    assert one_g[0, [1, 3, 4]].max() < np.log(6)  # of the window's skirts
    assert (one_g[1:] == 0).all()


def test_how_a_board_lies_changes_no_vibration():
    samples = shaken(200)
    turned = samples + np.array([400, -250, -12000], np.int16)
    first, second = (features.of(VIBRATION).window(each) for each in (samples, turned))
    assert np.array_equal(first[:, 0], second[:, 0])
    np.testing.assert_allclose(first, second, atol=1e-3)


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 30)).flatmap(
        lambda source: st.tuples(
            st.just(source), st.integers(1, source[0]), st.integers(1, source[1])
        )
    ),
    st.integers(0, 9),
)
def test_a_picture_is_the_rounded_mean_of_what_a_pixel_covers(sizes, seed):
    (wide, high), width, height = sizes
    settings = ImageFeatureSettings(wide, high, width, height)
    frame = picture(settings, seed)
    if wide * height >= high * width:
        crop_width, crop_height = high * width // height, high
    else:
        crop_width, crop_height = wide, wide * height // width
    left, top = (wide - crop_width) // 2, (high - crop_height) // 2
    crop = frame[top : top + crop_height, left : left + crop_width].astype(np.int64)
    # Every pixel `width` times across and `height` times down is a picture that divides evenly.
    fine = crop.repeat(height, axis=0).repeat(width, axis=1)
    sums = fine.reshape(height, crop_height, width, crop_width).sum(axis=(1, 3))
    area = crop_width * crop_height
    wanted = ((sums + area // 2) // area).astype(np.float32) / np.float32(255)
    assert np.array_equal(features.of(settings).window(frame), wanted)


# -- the same bits ---------------------------------------------------------------------------


def windows(loaded):
    """Bits of every kind of window by one library, also of rings that begin elsewhere."""
    found = []
    for settings, samples in (
        (MOTION, any_samples(MOTION)),
        (VIBRATION, shaken(200)),
        (IMAGE, picture(IMAGE)),
    ):
        kind = type(features.of(settings))
        stem = kind.stem
        memory = (ctypes.c_double * (getattr(loaded, f"ed_{stem}_bytes")() // 8 + 1))()
        begin = getattr(loaded, f"ed_{stem}_init")
        assert begin(memory, ctypes.byref(kind._for_c(settings))) == library.OK
        out = np.empty(settings.shape, np.float32)
        more = (0,) if stem == "vibration" else ()
        getattr(loaded, f"ed_{stem}_window")(memory, samples.ctypes.data, *more, out.ctypes.data)
        found.append(out.tobytes())
    return found


@pytest.mark.parametrize("level", LEVELS, ids=" ".join)
def test_every_compiler_and_level_gives_the_same_bits(tmp_path, host_compiler, level):
    room = ("-DED_AUDIO_MAX_FFT=4096", "-DED_AUDIO_MAX_MEL_BINS=128", "-DED_VIBRATION_MAX_FFT=4096")
    built = building.compile_c(
        [host_compiler],
        sound.SOURCES,
        tmp_path / "features.so",
        flags=(*level, "-fPIC", "-shared", *room, "-Wdouble-promotion"),
    )
    assert windows(library.bind(built)) == windows(library.load())


@given(st.integers(0, 199))
def test_a_ring_is_read_from_its_oldest_sample(oldest):
    samples = shaken(200)
    loaded, out = library.load(), np.empty(VIBRATION.shape, np.float32)
    made = features.of(VIBRATION)
    ring = np.roll(samples, oldest, axis=0).copy()
    loaded.ed_vibration_window(made._c.address, ring.ctypes.data, oldest, out.ctypes.data)
    assert np.array_equal(out, made.window(samples))


# -- the rest --------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [MOTION, VIBRATION, IMAGE], ids=lambda s: s.kind)
def test_other_arrays_are_refused(settings):
    made = features.of(settings)
    with pytest.raises(ValueError, match="a window has shape"):
        made.window(np.zeros((7, 7), np.int16))
    with pytest.raises(ValueError, match="found"):
        made.window(np.zeros((200, 3), np.float32))


@pytest.mark.parametrize(
    "settings",
    [
        MotionFeatureSettings(6, 10, 3, False, 4.0, 2000.0),
        MotionFeatureSettings(6, 5000, 1, False, 4.0, 2000.0),
        MotionFeatureSettings(6, 10, 1, False, 0.0, 2000.0),
        VibrationFeatureSettings(200, 200, 16, 128, 2.0, 100.0),
        VibrationFeatureSettings(200, 200, 4, 256, 0.0, 1.0),
        VibrationFeatureSettings(200, 7),
        ImageFeatureSettings(160, 120, 161, 96),
        ImageFeatureSettings(1000, 1000, 96, 96),
    ],
)
def test_settings_that_the_c_refuses(settings):
    with pytest.raises(BadFeatureSettings) as caught:
        features.of(settings)
    assert caught.value.exit_code is Exit.BAD_INPUT


@pytest.mark.parametrize("settings", [MOTION, VIBRATION, IMAGE], ids=lambda s: s.kind)
def test_threads_and_processes_may_share_one(settings):
    made = features.of(settings)
    samples = picture(settings) if settings is IMAGE else any_samples(settings)
    wanted = made.window(samples)
    found = []

    def work():
        found.extend(made.window(samples) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    assert all(np.array_equal(each, wanted) for each in found)
    assert np.array_equal(pickle.loads(pickle.dumps(made)).window(samples), wanted)


def test_what_does_not_shake_is_exactly_0():
    still = np.full((200, 3), 8192, np.int16)
    assert (features.of(VIBRATION).window(still) == 0).all()


@given(drawn.arrays(np.int16, (12, 3)))
def test_whatever_is_measured_has_finite_features(samples):
    for settings in (
        VibrationFeatureSettings(200, 12, 4, 32, 0.0, 100.0),
        MotionFeatureSettings(3, 12, 3, True, 0.001, 0.0),
    ):
        found = features.of(settings).window(samples)
        assert np.isfinite(found).all()
        assert features.of(settings).quantize(found, 0.1, 0).dtype == np.int8
