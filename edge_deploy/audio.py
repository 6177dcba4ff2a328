"""Sound as 16-bit samples: WAV files read and checked, resampled on request, levels, test sounds.

Turns a path into one channel of int16 samples at a known rate, or into one line that says why
not. Levels are in dBFS: 20 log10(rms / 32768), so a full-scale square wave has 0 dBFS and a
full-scale sine -3.01. Knows nothing of microphones, boards or models.
"""

from __future__ import annotations

import functools
import math
import struct
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_deploy.errors import BadInput, UsageError

Samples = npt.NDArray[np.int16]

RATE_HZ = 16_000
FULL_SCALE = 32_768

# Below this a recording holds nothing but the noise of a converter.
SILENT_DBFS = -65.0
# So many samples in a row at full scale are no coincidence: the peak was cut off.
CLIPPED_RUN = 3

# Of `noise`. Its peaks lie 10.8 dB above its level, and must not be cut off; below, rounding to
# whole steps would be a good part of it.
NOISE_LOUDEST_DBFS = -11.0
NOISE_FAINTEST_DBFS = -90.0

# Rates that `resample` takes. Slower recordings lack most of what a 16 kHz model listens to.
RESAMPLED_FROM_HZ = (8_000, 48_000)
_MOST_CHANNELS = 8
# Half a GiB is four and a half hours at 16 kHz: such a file was not meant.
_LARGEST_BYTES = 1 << 29

# Multimedia Programming Interface and Data Specifications 1.0 (IBM, Microsoft, 1991), "WAVE", and
# RFC 2361 for the format tags.
_PCM, _FLOAT, _EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
_FORMATS = {
    0x0002: "ADPCM",
    0x0003: "floating point",
    0x0006: "A-law",
    0x0007: "mu-law",
    0x0011: "IMA ADPCM",
    0x0055: "MP3",
}
# The length that programs write which do not know it yet, such as those that write to a pipe.
_UNKNOWN_LENGTH = 0xFFFFFFFF

# How files begin that are taken for WAV files.
_OTHERS = {
    b"fLaC": "a FLAC file",
    b"OggS": "an Ogg file",
    b"ID3": "an MP3 file",
    b"\xff\xfb": "an MP3 file",
    b"FORM": "an AIFF file",
    b"RIFX": "a big-endian WAV file",
    b"RF64": "a WAV file of the 64-bit kind",
}

# Zero crossings of the sinc on each side, and the Kaiser window's parameter: together a stopband
# of some 90 dB, below the steps of 16 bits, with a transition of a tenth of the band.
_CROSSINGS = 32
_KAISER_BETA = 9.0
# The cut-off as a share of the lower of both Nyquist frequencies: the transition ends near it.
_CUT_OFF = 0.92
# Outputs computed at a time: some 16 MB of windows.
_CHUNK = 8_192


class OtherForm(BadInput):
    """Sound of another rate, or of several channels: `resample` would take it."""


@dataclass(frozen=True)
class Audio:
    """One channel of sound.

    samples: int16, one dimension, read-only; rate_hz: samples a second; path: where it was read.
    """

    samples: Samples
    rate_hz: int
    path: Path

    @property
    def duration_s(self) -> float:
        """How long it takes to play."""
        return len(self.samples) / self.rate_hz


@dataclass(frozen=True)
class _Format:
    """What the `fmt ` chunk says; tag is the one inside an extensible format."""

    tag: int
    channels: int
    rate_hz: int
    bits: int


def read(path: Path | str, *, rate_hz: int = RATE_HZ, resample: bool = False) -> Audio:
    """The sound of a WAV file: 16-bit PCM, one channel, `rate_hz`.

    resample: take other rates (8 to 48 kHz) and several channels as well; channels are averaged.
    Raises BadInput, in one line for each case, for everything else; OtherForm where resampling
    would help.
    """
    path = Path(path)
    data = _content(path)
    form, body = _chunks(path, data)
    _check_format(path, form)
    other = _how_it_differs(form, rate_hz)
    if other and not resample:
        _check_resampling(path, form, rate_hz)  # no use to offer what would be refused
        raise OtherForm(
            f"{path} is {other}; {rate_hz} Hz, 1 channel is wanted.",
            try_next=(_conversion(path, rate_hz),),
        )
    frame = 2 * form.channels
    if len(body) % frame:
        raise BadInput(
            f"{path} is damaged: {len(body)} bytes of sound are not whole frames of {frame} bytes.",
            try_next=(_conversion(path, rate_hz),),
        )
    if not body:
        raise BadInput(f"{path} holds no samples.")
    samples = np.frombuffer(body, dtype="<i2").astype(np.int16)
    if other:
        _check_resampling(path, form, rate_hz)
        channels = samples.reshape(-1, form.channels)
        samples = convert(channels, from_hz=form.rate_hz, to_hz=rate_hz)
    samples.flags.writeable = False
    return Audio(samples, rate_hz, path)


def write(path: Path, samples: Samples, *, rate_hz: int = RATE_HZ) -> None:
    """Write (n,) int16 as a WAV file so that `read` gives the same samples. Raises OSError."""
    with path.open("wb") as file, wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(np.ascontiguousarray(samples, dtype="<i2").tobytes())


def convert(channels: npt.NDArray[np.int16], *, from_hz: int, to_hz: int) -> Samples:
    """One channel at another rate.

    channels: (samples,) or (samples, channels) int16; several are averaged.
    Returns int16, ceil(samples x to_hz / from_hz) of them; output k is the sound at the time
    k / to_hz. A windowed sinc (Kaiser) for each phase, in double precision, with a gain of 1
    for constant input; what lies above 0.92 of the lower Nyquist frequency fades out.
    """
    sound = channels.astype(np.float64)
    if sound.ndim == 2:
        sound = sound.mean(axis=1)
    if from_hz == to_hz or not len(sound):
        return _to_int16(sound)
    shared = math.gcd(from_hz, to_hz)
    up, down = to_hz // shared, from_hz // shared
    filters = _filters(up, down)
    half = filters.shape[1] // 2
    # Taps reach from half - 1 samples before the output's place to half behind it. Outside its
    # ends the sound goes on as it ends: a step to zero there would ring.
    padded = np.pad(sound, (half - 1, half), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half)
    wanted = -(-len(sound) * up // down)
    out = np.empty(wanted)
    for begin in range(0, wanted, _CHUNK):
        place, phase = np.divmod(np.arange(begin, min(begin + _CHUNK, wanted)) * down, up)
        out[begin : begin + len(place)] = np.einsum("ij,ij->i", windows[place], filters[phase])
    return _to_int16(out)


def rms_dbfs(samples: npt.ArrayLike) -> float:
    """Level of int16 samples; -inf for digital silence and for no samples."""
    values = np.asarray(samples, dtype=np.float64)
    power = float(np.mean(values * values)) if values.size else 0.0
    return 10 * math.log10(power / FULL_SCALE**2) if power > 0 else -math.inf


def is_silent(samples: npt.ArrayLike, *, below_dbfs: float = SILENT_DBFS) -> bool:
    """Whether the level of the whole is below `below_dbfs`."""
    return rms_dbfs(samples) < below_dbfs


def is_clipped(samples: npt.ArrayLike) -> bool:
    """Whether CLIPPED_RUN samples in a row are at the same end of the scale."""
    values = np.asarray(samples, dtype=np.int32)
    if len(values) < CLIPPED_RUN:
        return False
    for at_end in (values == FULL_SCALE - 1, values == -FULL_SCALE):
        runs = np.lib.stride_tricks.sliding_window_view(at_end, CLIPPED_RUN)
        if bool(runs.all(axis=1).any()):
            return True
    return False


def silence(seconds: float, *, rate_hz: int = RATE_HZ) -> Samples:
    """Digital silence."""
    return np.zeros(round(seconds * rate_hz), dtype=np.int16)


def noise(
    level_dbfs: float, seconds: float, seed: int | Sequence[int], *, rate_hz: int = RATE_HZ
) -> Samples:
    """White noise at a level, the same for the same seed on every machine.

    Each sample is a sum of four uniform numbers: nearly a normal distribution, but with peaks
    no more than 10.8 dB above the level, and made of integers, so that no mathematics library
    has a say in it. Raises UsageError for a level outside NOISE_FAINTEST_DBFS to
    NOISE_LOUDEST_DBFS.
    """
    if not NOISE_FAINTEST_DBFS <= level_dbfs <= NOISE_LOUDEST_DBFS:
        raise UsageError(
            f"Noise at {level_dbfs:g} dBFS: it can be made from {NOISE_FAINTEST_DBFS:g} to "
            f"{NOISE_LOUDEST_DBFS:g} dBFS.",
            try_next=("--mic noise:-30  a quiet room through a cheap microphone",),
        )
    count = round(seconds * rate_hz)
    raw = np.random.PCG64(seed).random_raw(count).astype("<u8", copy=False)
    total = raw.view("<u2").reshape(count, 4).astype(np.int64).sum(axis=1)
    # Twice the distance from the mean, which is 4 x 65535 / 2, is a whole number.
    centred = 2 * total - 4 * 65_535
    sigma = math.sqrt(4 * 4 * (65_536**2 - 1) / 12)
    return _to_int16(centred * (FULL_SCALE * 10 ** (level_dbfs / 20) / sigma))


# -- reading ----------------------------------------------------------------------------------


def _content(path: Path) -> bytes:
    """The bytes of a file of sensible size."""
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise BadInput(f"{path} is a folder, not a WAV file.")
        if size > _LARGEST_BYTES:
            raise BadInput(f"{path} is {size:,} bytes; at most {_LARGEST_BYTES:,} are read.")
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadInput(f"{path} is not there.") from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise BadInput(f"{path} cannot be read: {getattr(error, 'strerror', error)}.") from error
    if not data:
        raise BadInput(f"{path} is empty (0 bytes).")
    return data


def _chunks(path: Path, data: bytes) -> tuple[_Format, bytes]:
    """The format and the bytes of sound."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise _no_wav(path, data)
    form: _Format | None = None
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + size]
        if name == b"fmt ":
            form = _format(path, body)
        elif name == b"data":
            if form is None:
                raise _damaged(path, "its sound comes before its format")
            if size == _UNKNOWN_LENGTH:
                frame = max(1, form.channels * form.bits // 8)
                return form, body[: len(body) - len(body) % frame]
            if len(body) < size:
                raise _damaged(
                    path, f"it is cut off: {size:,} bytes of sound are announced, {len(body):,} are"
                    " there"
                )  # fmt: skip
            return form, body
        at += 8 + size + size % 2
    what = "sound (no data chunk)" if form else "format (no fmt chunk)"
    raise _damaged(path, f"it is {len(data):,} bytes long and has no {what}")


def _format(path: Path, body: bytes) -> _Format:
    if len(body) < 16:
        raise _damaged(path, f"its format has {len(body)} bytes instead of 16 or more")
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE:
        if len(body) < 26:
            raise _damaged(path, f"its extensible format has {len(body)} bytes instead of 40")
        tag = struct.unpack_from("<H", body, 24)[0]  # the first two bytes of the sub-format
    return _Format(tag, channels, rate_hz, bits)


def _check_format(path: Path, form: _Format) -> None:
    """Raises BadInput for samples that are no 16-bit numbers."""
    convert_it = (_conversion(path, RATE_HZ),)
    if form.tag != _PCM:
        kind = _FORMATS.get(form.tag, f"format {form.tag:#06x}")
        bits = f"{form.bits}-bit " if form.tag == _FLOAT else ""
        raise BadInput(
            f"{path} holds {bits}{kind} samples; 16-bit PCM is wanted.", try_next=convert_it
        )
    if form.bits != 16:
        raise BadInput(
            f"{path} holds {form.bits}-bit samples; 16-bit PCM is wanted.", try_next=convert_it
        )
    if not form.channels or not form.rate_hz:
        raise _damaged(path, f"it says {form.channels} channels at {form.rate_hz} Hz")


def _how_it_differs(form: _Format, rate_hz: int) -> str:
    """What of the sound is not as wanted: `44100 Hz, 2 channels`; empty if nothing is."""
    if form.channels == 1 and form.rate_hz == rate_hz:
        return ""
    channels = "1 channel" if form.channels == 1 else f"{form.channels} channels"
    return f"{form.rate_hz} Hz, {channels}"


def _check_resampling(path: Path, form: _Format, rate_hz: int) -> None:
    """Raises BadInput where converting would not give what the file's sound was."""
    lowest, highest = RESAMPLED_FROM_HZ
    if form.rate_hz < lowest:
        raise BadInput(
            f"{path} has {form.rate_hz} Hz; below {lowest} Hz it lacks most of what a model for "
            f"{rate_hz} Hz listens to, and no resampling brings that back.",
            try_next=(f"record it again at {rate_hz} Hz",),
        )
    if form.rate_hz > highest:
        raise BadInput(
            f"{path} has {form.rate_hz} Hz; up to {highest} Hz can be resampled.",
            try_next=(_conversion(path, rate_hz),),
        )
    if form.channels > _MOST_CHANNELS:
        raise BadInput(
            f"{path} has {form.channels} channels; up to {_MOST_CHANNELS} can be averaged.",
            try_next=(_conversion(path, rate_hz),),
        )


def _no_wav(path: Path, data: bytes) -> BadInput:
    for magic, kind in _OTHERS.items():
        if data.startswith(magic):
            return BadInput(
                f"{path} is {kind}; a WAV file is wanted.", try_next=(_conversion(path, RATE_HZ),)
            )
    if len(data) < 12 and b"RIFF".startswith(data[:4]):
        return _damaged(path, f"it is {len(data)} bytes long, its first header alone has 12")
    return BadInput(
        f"{path} is not a WAV file: it begins with {data[:4].hex(' ')} instead of RIFF and WAVE.",
        try_next=(_conversion(path, RATE_HZ),),
    )


def _damaged(path: Path, how: str) -> BadInput:
    return BadInput(f"{path} is damaged: {how}.", try_next=("copy or record the file again",))


def _conversion(path: Path, rate_hz: int) -> str:
    """A command that makes a file as it is wanted."""
    made = path.with_name(f"{path.stem}-{rate_hz // 1000}k.wav").name
    return f'ffmpeg -i "{path}" -ar {rate_hz} -ac 1 -c:a pcm_s16le "{made}"'


# -- arithmetic -------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4)
def _filters(up: int, down: int) -> npt.NDArray[np.float64]:
    """(up, taps) for each phase: the weights of the samples around an output's place.

    Tap j of phase p weighs the sample at j - (taps / 2 - 1) from the one at or before the place,
    which lies p / up samples behind that one.
    """
    # Cycles per input sample, twice: 1 would be the input's Nyquist frequency.
    band = _CUT_OFF * min(1.0, up / down)
    half = math.ceil(_CROSSINGS / band)
    offset = np.arange(2 * half) - (half - 1)
    distance = offset[None, :] - np.arange(up)[:, None] / up
    inside = np.clip(1 - (distance / half) ** 2, 0, None)
    weights = np.sinc(distance * band) * np.i0(_KAISER_BETA * np.sqrt(inside))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)


def _to_int16(values: npt.NDArray[np.float64]) -> Samples:
    """Rounded to the nearest, halves to even; clamped to the range."""
    return np.clip(np.rint(values), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
