"""WAV files, good and bad; resampling; levels; test sounds."""

from __future__ import annotations

import io
import struct
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_deploy import audio
from edge_deploy.errors import BadInput, Exit, UsageError

RATE = 16_000


def wav(samples, *, rate_hz=RATE, channels=1, width=2) -> bytes:
    """A file as Python's own module writes it."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate_hz)
        out.writeframes(np.asarray(samples, dtype=f"<i{width}" if width != 3 else "u1").tobytes())
    return file.getvalue()


def chunk(name: bytes, body: bytes, *, size: int | None = None) -> bytes:
    """One chunk, padded to an even length."""
    return (
        struct.pack("<4sI", name, len(body) if size is None else size)
        + body
        + b"\0" * (len(body) % 2)
    )


def riff(*chunks: bytes) -> bytes:
    """A file of chunks made by hand."""
    body = b"WAVE" + b"".join(chunks)
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def fmt(tag=1, channels=1, rate_hz=RATE, bits=16, extra=b"") -> bytes:
    frame = channels * bits // 8
    return chunk(
        b"fmt ",
        struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * frame, frame, bits) + extra,
    )


SAMPLES = np.arange(-800, 800, dtype=np.int16)
DATA = chunk(b"data", SAMPLES.astype("<i2").tobytes())


@pytest.fixture
def file(tmp_path):
    def write(data: bytes):
        path = tmp_path / "sound.wav"
        path.write_bytes(data)
        return path

    return write


def refused(path, **options) -> BadInput:
    with pytest.raises(BadInput) as caught:
        audio.read(path, **options)
    assert caught.value.exit_code == Exit.BAD_INPUT == 3
    assert "\n" not in caught.value.message
    assert caught.value.message.endswith(".")
    assert str(path) in caught.value.message
    return caught.value


# -- what is read ------------------------------------------------------------------------------


def test_reads_what_was_written(file):
    path = file(wav(SAMPLES))
    found = audio.read(path)
    assert found.samples.dtype == np.int16
    assert np.array_equal(found.samples, SAMPLES)
    assert (found.rate_hz, found.path, found.duration_s) == (RATE, path, 0.1)
    with pytest.raises(ValueError, match="read-only"):
        found.samples[0] = 1


def test_other_chunks_are_passed_over(file):
    listed = chunk(b"LIST", b"INFOISFT odd")  # of odd length with its padding
    data = riff(chunk(b"JUNK", b"\1" * 27), fmt(), listed, DATA, chunk(b"id3 ", b"x"))
    assert np.array_equal(audio.read(file(data)).samples, SAMPLES)


def test_an_extensible_format_is_looked_into(file):
    guid = struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")
    extra = struct.pack("<HHI", 22, 16, 4) + guid
    assert np.array_equal(audio.read(file(riff(fmt(0xFFFE, extra=extra), DATA))).samples, SAMPLES)
    floats = struct.pack("<HHI", 22, 32, 4) + struct.pack("<H", 3) + guid[2:]
    data = riff(fmt(0xFFFE, bits=32, extra=floats), chunk(b"data", bytes(8)))
    assert "32-bit floating point" in refused(file(data)).message


def test_what_was_written_to_a_pipe_ends_where_the_file_ends(file):
    body = SAMPLES.astype("<i2").tobytes()
    data = riff(fmt(), chunk(b"data", body, size=0xFFFFFFFF) + b"x")
    assert np.array_equal(audio.read(file(data)).samples, SAMPLES)


# -- what is refused, each with its own line ----------------------------------------------------

WRONG = {
    "empty": (b"", "is empty"),
    "a few bytes": (b"RIFF", "4 bytes long"),
    "text": (b"hello, this is no sound at all", "not a WAV file: it begins with 68 65 6c 6c"),
    "flac": (b"fLaC" + bytes(40), "a FLAC file"),
    "mp3": (b"ID3\x04" + bytes(40), "an MP3 file"),
    "big-endian": (b"RIFX" + bytes(40), "big-endian"),
    "avi": (b"RIFF\x10\0\0\0AVI LIST", "not a WAV file"),
    "no chunks": (riff(), "no format"),
    "no data": (riff(fmt()), "no sound"),
    "data first": (riff(DATA, fmt()), "before its format"),
    "short format": (riff(chunk(b"fmt ", bytes(12)), DATA), "12 bytes instead of 16"),
    "short extensible": (riff(fmt(0xFFFE), DATA), "16 bytes instead of 40"),
    "cut off": (riff(fmt(), DATA)[:-100], "3,200 bytes of sound are announced, 3,100 are there"),
    "half a sample": (riff(fmt(), chunk(b"data", b"abc")), "3 bytes of sound"),
    "no samples": (wav([]), "holds no samples"),
    "8-bit": (wav([1, 2], width=1), "8-bit"),
    "24-bit": (wav([1, 2, 3], width=3), "24-bit"),
    "32-bit": (wav([1, 2], width=4), "32-bit"),
    "float": (riff(fmt(3, bits=32), DATA), "32-bit floating point"),
    "mu-law": (riff(fmt(7, bits=8), DATA), "mu-law"),
    "unknown": (riff(fmt(0x1234), DATA), "0x1234"),
    "no channels": (riff(fmt(channels=0), DATA), "0 channels"),
    "no rate": (riff(fmt(rate_hz=0), DATA), "0 Hz"),
    "stereo": (wav(SAMPLES, channels=2), "16000 Hz, 2 channels; 16000 Hz, 1 channel is wanted"),
    "44.1 kHz": (wav(SAMPLES, rate_hz=44_100), "44100 Hz, 1 channel"),
    "44.1 kHz stereo": (wav(SAMPLES, rate_hz=44_100, channels=2), "44100 Hz, 2 channels"),
    "4 kHz": (wav(SAMPLES, rate_hz=4_000), "4000 Hz; below 8000 Hz"),
    "96 kHz": (wav(SAMPLES, rate_hz=96_000), "96000 Hz; up to 48000 Hz"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_each_fault_has_its_own_line(file, case):
    data, expected = WRONG[case]
    assert expected in refused(file(data)).message


def test_no_two_lines_are_alike(file):
    shown = [refused(file(data)).message for data, _ in WRONG.values()]
    assert len(set(shown)) == len(shown)


@pytest.mark.parametrize("case", ["stereo", "44.1 kHz", "44.1 kHz stereo"])
def test_resampling_is_offered_where_it_is_right(file, case):
    error = refused(file(WRONG[case][0]))
    assert isinstance(error, audio.OtherForm)
    assert "ffmpeg" in error.try_next[0]


@pytest.mark.parametrize(
    "case", [each for each in WRONG if each not in ("stereo", "44.1 kHz", "44.1 kHz stereo")]
)
def test_resampling_is_not_offered_elsewhere_and_does_not_help(file, case):
    path = file(WRONG[case][0])
    assert not isinstance(refused(path), audio.OtherForm)
    assert WRONG[case][1] in refused(path, resample=True).message


def test_missing_folder_unreadable(tmp_path):
    assert "is not there" in refused(tmp_path / "none.wav").message
    assert "is a folder" in refused(tmp_path).message
    assert "cannot be read" in refused(tmp_path / "a\0b.wav").message


def test_a_giant_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(audio, "_LARGEST_BYTES", 1000)
    path = tmp_path / "long.wav"
    path.write_bytes(wav(SAMPLES))
    assert "3,244 bytes; at most 1,000" in refused(path).message


GOOD = wav(SAMPLES, rate_hz=22_050, channels=2)


@settings(max_examples=400, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)), max_size=6),
    length=st.integers(0, len(GOOD)),
    resample=st.booleans(),
)
def test_damaged_files_are_read_or_refused(tmp_path_factory, changes, length, resample):
    data = bytearray(GOOD)
    for at, value in changes:
        data[at] = value
    path = tmp_path_factory.getbasetemp() / "fuzz.wav"
    path.write_bytes(bytes(data[:length]))
    try:
        found = audio.read(path, resample=resample)
    except BadInput as error:
        assert "\n" not in error.message
    else:
        assert found.samples.dtype == np.int16
        assert found.samples.ndim == 1
        assert len(found.samples)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200).map(lambda tail: b"RIFF\xff\0\0\0WAVE" + tail))
def test_any_bytes_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "bytes.wav"
    path.write_bytes(data)
    with pytest.raises(BadInput):
        audio.read(path)


# -- resampling --------------------------------------------------------------------------------


def tone(frequency_hz: float, rate_hz: int, seconds: float = 0.5, level: float = 10_000):
    return np.rint(
        level * np.sin(2 * np.pi * frequency_hz * np.arange(int(seconds * rate_hz)) / rate_hz)
    ).astype(np.int16)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 12_000, 22_050, 32_000, 44_100, 48_000, 37_813])
@pytest.mark.parametrize("frequency_hz", [50, 1_000, 3_300])
def test_a_tone_stays_that_tone(rate_hz, frequency_hz):
    out = audio.convert(tone(frequency_hz, rate_hz), from_hz=rate_hz, to_hz=RATE)
    expected = tone(frequency_hz, RATE)
    assert len(out) == len(expected) or abs(len(out) - len(expected)) == 1
    inner = slice(500, len(expected) - 500)
    assert np.abs(out[inner].astype(int) - expected[inner]).max() <= 2


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
def test_what_16_khz_cannot_hold_is_gone(rate_hz):
    out = audio.convert(tone(8_800, rate_hz, level=20_000), from_hz=rate_hz, to_hz=RATE)
    assert audio.rms_dbfs(out[500:-500]) < audio.rms_dbfs(tone(8_800, rate_hz)) - 80


def test_a_constant_stays_constant_to_the_ends():
    out = audio.convert(np.full(3_000, 12_345, np.int16), from_hz=44_100, to_hz=RATE)
    assert len(out) == -(-3_000 * 160 // 441)
    assert set(out) == {12_345}


def test_full_scale_does_not_wrap_around():
    square = np.where(np.arange(4_000) // 100 % 2, 32_767, -32_768).astype(np.int16)
    out = audio.convert(square, from_hz=48_000, to_hz=RATE)
    assert np.sign(out[20]) == np.sign(square[60])
    assert out.max() == 32_767
    assert out.min() == -32_768


def test_channels_are_averaged(file):
    both = np.stack([SAMPLES, SAMPLES + 10], axis=1)
    found = audio.read(file(wav(both, channels=2)), resample=True)
    assert np.array_equal(found.samples, SAMPLES + 5)


def test_a_44_1_khz_stereo_file(file):
    left = tone(440, 44_100)
    both = np.stack([left, left], axis=1)
    found = audio.read(file(wav(both, rate_hz=44_100, channels=2)), resample=True)
    assert found.rate_hz == RATE
    assert found.duration_s == pytest.approx(0.5, abs=1e-4)
    assert np.abs(found.samples[500:-500].astype(int) - tone(440, RATE)[500:-500]).max() <= 2


# -- levels and test sounds --------------------------------------------------------------------


def test_levels():
    assert audio.rms_dbfs(np.full(10, -32_768, np.int16)) == 0
    assert audio.rms_dbfs(tone(1_000, RATE, level=32_767)) == pytest.approx(-3.01, abs=0.01)
    assert audio.rms_dbfs(audio.silence(1)) == -np.inf
    assert audio.rms_dbfs([]) == -np.inf


def test_silent():
    assert audio.is_silent(audio.silence(0.1))
    assert audio.is_silent(np.full(100, 10, np.int16))
    assert not audio.is_silent(tone(1_000, RATE))
    assert audio.is_silent(tone(1_000, RATE), below_dbfs=-10)


def test_clipped():
    assert not audio.is_clipped(tone(1_000, RATE))
    assert not audio.is_clipped([32_767, 32_767, 0, -32_768, -32_768])
    assert audio.is_clipped([0, 32_767, 32_767, 32_767])
    assert audio.is_clipped([-32_768] * 3)
    assert not audio.is_clipped([])


@pytest.mark.parametrize("level_dbfs", [-11, -30, -60, -85])
def test_noise_has_its_level_and_is_white(level_dbfs):
    made = audio.noise(level_dbfs, 4, 7)
    assert len(made) == 4 * RATE
    assert audio.rms_dbfs(made) == pytest.approx(level_dbfs, abs=0.3)
    assert not audio.is_clipped(made)
    power = np.abs(np.fft.rfft(made.astype(float))) ** 2
    bands = power[1:].reshape(8, -1).mean(axis=1)
    assert bands.max() / bands.min() < 1.3
    assert abs(made.astype(float).mean()) < 5 * made.std() / np.sqrt(len(made)) + 0.05


def test_noise_is_the_same_everywhere():
    assert audio.noise(-30, 1, 1)[:6].tolist() == [1115, 1709, -1938, 1613, -1445, -264]
    assert np.array_equal(audio.noise(-30, 1, 1), audio.noise(-30, 1, 1))
    assert not np.array_equal(audio.noise(-30, 1, 1), audio.noise(-30, 1, 2))


@pytest.mark.parametrize("level_dbfs", [0, -10.9, -91, float("nan"), float("inf")])
def test_noise_that_cannot_be_made(level_dbfs):
    with pytest.raises(UsageError, match="dBFS"):
        audio.noise(level_dbfs, 1, 0)


@given(
    st.lists(st.integers(-32_768, 32_767), min_size=1, max_size=300),
    st.sampled_from([8_000, 16_000]),
)
def test_what_is_written_is_read_back(tmp_path_factory, values, rate_hz):
    path = tmp_path_factory.mktemp("w") / "a.wav"
    samples = np.array(values, dtype=np.int16)
    audio.write(path, samples, rate_hz=rate_hz)
    assert path.read_bytes() == wav(samples, rate_hz=rate_hz)
    assert audio.read(path, rate_hz=rate_hz).samples.tolist() == values
