"""AudioFeatures: shapes, refusals, rounding, threads, and how the library is built."""

from __future__ import annotations

import ctypes
import dataclasses
import pickle
import threading
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_deploy.errors import Exit
from edge_deploy.features import AudioFeatures, BadFeatureSettings, library
from edge_deploy.sensing import AudioFeatureSettings
from tests.features import sound

CLIP_MS_MOST = 3.0


@pytest.fixture(scope="module")
def log_mel() -> AudioFeatures:
    return AudioFeatures(sound.LOG_MEL)


# -- shapes ----------------------------------------------------------------------------------


def test_a_clip_is_its_frames(log_mel):
    samples = sound.sounds()["speech_like"]
    features = log_mel.clip(samples)
    assert features.shape == (49, 40)
    assert features.dtype == np.float32
    for index in range(49):
        frame = log_mel.frame(samples[320 * index : 320 * index + 480])
        assert np.array_equal(frame, features[index])


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (479, 0), (480, 1), (799, 1), (800, 2)])
def test_only_whole_frames(log_mel, samples, frames):
    assert log_mel.frames(samples) == frames
    assert log_mel.clip(np.zeros(samples, np.int16)).shape == (frames, 40)


def test_a_view_with_strides_is_read_as_it_looks(log_mel):
    twice = np.repeat(sound.sounds()["noise"], 2)
    assert np.array_equal(log_mel.clip(twice[::2]), log_mel.clip(sound.sounds()["noise"]))


@pytest.mark.parametrize(
    "samples",
    [np.zeros(16_000, np.float32), np.zeros((1, 16_000), np.int16), np.zeros(16_000, np.uint16)],
    ids=["float", "two dimensions", "unsigned"],
)
def test_other_arrays_are_refused(log_mel, samples):
    with pytest.raises(ValueError, match="int16"):
        log_mel.clip(samples)


def test_a_frame_of_another_length_is_refused(log_mel):
    with pytest.raises(ValueError, match=r"\(480,\), found \(481,\)"):
        log_mel.frame(np.zeros(481, np.int16))


# -- quantize --------------------------------------------------------------------------------


def rounded(value: np.float32, scale: np.float32, zero_point: int) -> int:
    """By exact fractions; the quotient alone is rounded to float32, as the C does."""
    quotient = Fraction(float(np.float32(value / scale)))
    away = int(abs(quotient) + Fraction(1, 2)) * (1 if quotient >= 0 else -1)
    return max(-128, min(127, away + zero_point))


@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=50),
    st.floats(2.0**-20, 2.0**10, width=32),
    st.integers(-128, 127),
)
def test_quantize_rounds_half_away_from_zero(values, scale, zero_point):
    features = np.array(values, np.float32)
    found = AudioFeatures(sound.LOG_MEL).quantize(features, scale, zero_point)
    wanted = [rounded(value, np.float32(scale), zero_point) for value in features]
    assert found.dtype == np.int8
    assert found.tolist() == wanted


def test_quantize_at_its_edges(log_mel):
    values = np.array(
        [0.5, -0.5, 1.5, -1.5, 2.5, 0.49999997, 1e30, -1e30, np.inf, -np.inf, np.nan], np.float32
    )
    found = log_mel.quantize(values.reshape(1, -1), 1.0, 0)
    assert found.tolist() == [[1, -1, 2, -2, 3, 0, 127, -128, 127, -128, 0]]


@pytest.mark.parametrize(
    ("scale", "zero_point"), [(0.0, 0), (-1.0, 0), (np.nan, 0), (np.inf, 0), (1.0, 128)]
)
def test_quantization_of_no_int8_tensor_is_refused(log_mel, scale, zero_point):
    with pytest.raises(ValueError, match="scale"):
        log_mel.quantize(np.zeros(3, np.float32), scale, zero_point)


# -- settings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "mel"}, "'mel'; known are log_mel, mfcc"),
        ({"sample_rate_hz": 500}, "sample_rate_hz is 500; expected 1,000 to 192,000"),
        ({"fft": 500}, "fft is 500, not a power of two"),
        ({"fft": 8192}, "fft is 8,192; expected 32 to 4,096"),
        ({"frame_samples": 513}, "frame_samples is 513; expected 2 to 512"),
        ({"hop_samples": 0}, "hop_samples is 0"),
        ({"mel_bins": 129}, "mel_bins is 129; expected 1 to 128"),
        ({"kind": "mfcc", "coefficients": 41}, "coefficients is 41; expected 1 to 40"),
        ({"frames": 0}, "frames is 0"),
        ({"low_hz": -1.0}, "low_hz is -1"),
        ({"low_hz": float("nan")}, "low_hz is nan"),
        ({"low_hz": 7_600.0}, "low_hz is 7600 and high_hz 7600"),
        ({"high_hz": 8_001.0}, "expected 0 <= low_hz < high_hz <= 8000"),
        (
            {"fft": 256, "frame_samples": 256, "mel_bins": 80},
            "80 mel bins from 20 to 7600 Hz are too narrow for an FFT of 256",
        ),
    ],
)
def test_bad_settings_are_refused(change, said):
    with pytest.raises(BadFeatureSettings) as refused:
        AudioFeatures(dataclasses.replace(sound.LOG_MEL, **change))
    assert said in refused.value.message
    assert refused.value.exit_code == Exit.BAD_INPUT


ANY = st.builds(
    AudioFeatureSettings,
    kind=st.sampled_from(["log_mel", "mfcc"]),
    sample_rate_hz=st.sampled_from([999, 1_000, 8_000, 16_000, 44_100, 48_000, 192_000, 192_001]),
    frame_samples=st.integers(0, 4_100),
    hop_samples=st.integers(0, 2_000),
    fft=st.sampled_from([0, 16, 32, 64, 100, 128, 256, 512, 1_024, 2_048, 4_096, 8_192]),
    mel_bins=st.integers(0, 130),
    coefficients=st.integers(0, 20),
    low_hz=st.floats(-10, 5_000, width=32),
    high_hz=st.floats(0, 25_000, width=32),
    frames=st.just(49),
)


@given(ANY, st.integers(0, 2**32 - 1))
def test_python_and_c_refuse_the_same(settings, seed):
    loaded = library.load()
    state = ctypes.create_string_buffer(loaded.ed_audio_bytes())
    accepted = loaded.ed_audio_init(state, ctypes.byref(sound.for_c(settings))) == library.OK
    try:
        features = AudioFeatures(settings)
    except BadFeatureSettings as refused:
        assert not accepted, refused.message
        assert refused.message.startswith("features: ")
        return
    assert accepted
    samples = np.random.default_rng(seed).integers(-32_768, 32_768, settings.frame_samples)
    found = features.frame(samples.astype(np.int16))
    assert found.shape == (settings.bins,)
    assert np.all(np.isfinite(found))


@given(st.integers(1, 128), st.sampled_from([64, 256, 512, 1_024]), st.floats(0, 3_000, width=32))
def test_filters_without_a_bin_are_refused(mel_bins, fft, low_hz):
    """Against filters made with NumPy; those that hang on a rounding error are left out."""
    settings = dataclasses.replace(
        sound.LOG_MEL, mel_bins=mel_bins, fft=fft, frame_samples=fft, low_hz=low_hz
    )
    mel = np.log1p(np.array([low_hz, settings.high_hz]) / 700)
    place = np.log1p(np.arange(1, fft // 2) * 16_000 / fft / 700)
    spans = (place - mel[0]) / (mel[1] - mel[0]) * (mel_bins + 1)
    height = 1 - np.abs(spans[:, None] - np.arange(1, mel_bins + 1))  # (bin, filter)
    tallest = height.max(axis=0)
    if np.any(np.abs(tallest) < 1e-3):
        return
    try:
        AudioFeatures(settings)
    except BadFeatureSettings as refused:
        assert np.any(tallest < 0), refused.message
    else:
        assert np.all(tallest > 0)


# -- the library -----------------------------------------------------------------------------


def test_a_second_of_sound_is_quick(log_mel):
    samples = sound.sounds()["noise"]
    took = []
    for _ in range(20):
        begin = time.perf_counter()
        log_mel.clip(samples)
        took.append(time.perf_counter() - begin)
    assert 1_000 * min(took) <= CLIP_MS_MOST


def test_threads_do_not_disturb_each_other(log_mel):
    kinds = list(sound.sounds().values())
    wanted = [log_mel.clip(samples) for samples in kinds]
    wrong: list[int] = []

    def work(index: int) -> None:
        found = [log_mel.clip(kinds[index]) for _ in range(50)]
        wrong.extend(index for each in found if not np.array_equal(each, wanted[index]))

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_it_can_be_sent_to_another_process(log_mel):
    samples = sound.sounds()["noise"]
    again = pickle.loads(pickle.dumps(log_mel))
    assert np.array_equal(again.clip(samples), log_mel.clip(samples))


def test_the_library_is_built_once(tmp_path):
    first = library.build(tmp_path)
    made = first.stat().st_mtime_ns
    assert library.build(tmp_path) == first
    assert first.stat().st_mtime_ns == made
    assert [each.name for each in tmp_path.iterdir()] == [first.name]


def test_other_sources_make_another_library(tmp_path, monkeypatch):
    first = library.build(tmp_path)
    monkeypatch.setattr(library, "MEL_BINS_MOST", 64)
    assert library.build(tmp_path) != first
