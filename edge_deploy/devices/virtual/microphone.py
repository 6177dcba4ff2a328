"""What a virtual board's microphone hears: the words of `--mic`, and its sound.

Turns `yes.wav`, a folder, `silence`, `noise:-30` or `laptop` into samples that arrive one by one
as virtual time passes. Knows nothing of memories or how a machine tells time.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from edge_deploy import audio
from edge_deploy.audio import RATE_HZ, Samples
from edge_deploy.devices.virtual import files
from edge_deploy.devices.virtual.fifo import Played, Source, Timed
from edge_deploy.devices.virtual.sensor import Sensor, Setting
from edge_deploy.errors import NoBoard, UsageError

# Samples that wait for the program: 256 ms.
FIFO_SAMPLES = 4_096
# Silence after every recording: a window of a second is then free of it before the next begins,
# and a word at the very end is still decided on.
GAP_S = 1.0

_BYTES = 2

_FORMS = (
    "--mic recording.wav  a WAV file, 16 kHz, 16 bits, 1 channel",
    "--mic recordings/  a folder of them, one after the other",
    "--mic silence  nothing at all",
    "--mic noise:-30  white noise at -30 dBFS",
    "--mic laptop  the microphone of this computer",
)
_NOISE = re.compile(r"noise:([+-]?[0-9]{1,3}(?:\.[0-9]{1,3})?)", re.ASCII)


class Microphone(Sensor):
    """The sensor that hears a sound. The program sets nothing of it."""

    bit = 1
    page = 0x4000
    capacity = FIFO_SAMPLES
    settings = MappingProxyType({0x04: Setting(RATE_HZ, RATE_HZ, RATE_HZ)})

    def __init__(self, sound: Source) -> None:
        super().__init__()
        self._sound = sound

    def source(self) -> Source:
        """The sound, which begins anew when it is started."""
        return self._sound


@dataclass(frozen=True)
class Clip:
    """One recording in what is played. name: of the file; start_s: when it begins."""

    name: str
    start_s: float
    duration_s: float


@dataclass(frozen=True)
class MicrophoneInput:
    """What `--mic` says: a fact, to be given to a board, which makes its own sound of it.

    words: as they were given. description: for people. clips: recordings in their order.
    duration_s: until everything is played, with the gap after each recording; None: endless.
    live: sound that is made now, by the wall clock; the board then runs at real speed.
    sound: makes a Source of (n,) int16 that begins at the beginning.
    """

    words: str
    description: str
    duration_s: float | None
    sound: Callable[[], Source] = field(repr=False, compare=False)
    clips: tuple[Clip, ...] = ()
    live: bool = False


def parse(
    words: str, *, seed: int = 0, resample: bool = False, gap_s: float = GAP_S
) -> MicrophoneInput:
    """The words of `--mic`.

    seed: of the noise. resample: take WAV files of other rates and several channels.
    gap_s: silence after each recording.
    Raises UsageError for words that mean nothing, BadInput for files that cannot be played,
    NoBoard where `laptop` has no microphone, or no package to use one.
    """
    if words == "silence":
        return silence()
    found = _NOISE.fullmatch(words)
    if found:
        level_dbfs = float(found[1])
        audio.noise(level_dbfs, 0, 0)  # refuses levels that cannot be made
        return MicrophoneInput(
            words, f"white noise at {level_dbfs:g} dBFS", None, lambda: Noise(level_dbfs, seed)
        )
    if words == "laptop":
        _sounddevice()
        return MicrophoneInput(
            words,
            "the microphone of this computer (the board runs at real speed)",
            None,
            Laptop,
            live=True,
        )
    if not words or words == "noise" or words.startswith("noise:"):
        raise UsageError(f"--mic {words!r} is nothing that can be heard.", try_next=_FORMS)
    return _recordings(words, resample=resample, gap_s=gap_s)


def silence() -> MicrophoneInput:
    """Nothing to hear: the microphone of a board for which nothing was said."""
    return MicrophoneInput("silence", "silence", None, lambda: Recording(audio.silence(0)))


def _recordings(words: str, *, resample: bool, gap_s: float) -> MicrophoneInput:
    """A file, or all of a folder in the order of their names."""
    found = files.find(words, "WAV files", (".wav",), try_next=_FORMS)
    gap = audio.silence(gap_s)
    pieces: list[Samples] = []
    clips: list[Clip] = []
    at = 0
    for each in found.files:
        try:
            samples = audio.read(each, resample=resample).samples
        except audio.OtherForm as error:
            offer = ("--resample  convert it while it is read", *error.try_next)
            raise audio.OtherForm(error.message, try_next=offer) from error
        clips.append(Clip(each.name, at / RATE_HZ, len(samples) / RATE_HZ))
        pieces += (samples, gap)
        at += len(samples) + len(gap)
    together = np.concatenate(pieces)
    return MicrophoneInput(
        words,
        found.named("recordings"),
        at / RATE_HZ,
        lambda: Recording(together),
        clips=tuple(clips),
    )


# -- sounds -----------------------------------------------------------------------------------


class Recording(Played):
    """Given samples, (n,) int16, then silence for ever."""

    def __init__(self, samples: Samples) -> None:
        super().__init__(samples, np.zeros((), dtype=np.int16), RATE_HZ)


class Noise(Timed):
    """White noise for ever, in seconds that each have a seed of their own."""

    def __init__(self, level_dbfs: float, seed: int) -> None:
        super().__init__(RATE_HZ)
        self._level_dbfs = level_dbfs
        self._seed = seed & 0xFFFFFFFFFFFFFFFF  # numpy's seeds have no sign
        self._second = functools.lru_cache(maxsize=2)(self._make)

    def samples(self, first: int, count: int) -> Samples:
        """From as many seconds as they lie in."""
        last = first + count
        seconds = range(first // RATE_HZ, -(-last // RATE_HZ))
        together = np.concatenate([audio.silence(0), *(self._second(each) for each in seconds)])
        begin = first % RATE_HZ
        part: Samples = together[begin : begin + count]
        return part

    def _make(self, second: int) -> Samples:
        return audio.noise(self._level_dbfs, 1, (self._seed, second))


class Laptop:
    """The microphone of this computer, through PortAudio."""

    def __init__(self) -> None:
        self._stream: Any = None
        self._lock = threading.Lock()
        self._latest = bytearray()
        self._count = 0

    def start(self) -> None:
        """Open the stream. Raises NoBoard if there is no microphone, or it cannot be had."""
        self.stop()
        device = _sounddevice()
        with self._lock:
            self._latest.clear()
            self._count = 0
        try:
            self._stream = device.RawInputStream(
                samplerate=RATE_HZ, channels=1, dtype="int16", callback=self._on_samples
            )
            self._stream.start()
        except (device.PortAudioError, ValueError, OSError) as error:
            raise _no_microphone(error) from error

    def stop(self) -> None:
        """Close the stream."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def arrived(self, elapsed_ns: int) -> int:  # noqa: ARG002 (the wall clock decides)
        """What the stream has delivered."""
        return self._count

    def samples(self, first: int, count: int) -> Samples:
        """Of the latest; there are always as many as the FIFO holds."""
        with self._lock:
            oldest = self._count - len(self._latest) // _BYTES
            begin = (first - oldest) * _BYTES
            return np.frombuffer(
                bytes(self._latest[begin : begin + count * _BYTES]), dtype=np.int16
            )

    def _on_samples(self, data: Any, frames: int, _time: object, _status: object) -> None:  # noqa: ANN401 (a buffer of PortAudio's)
        with self._lock:
            self._latest += bytes(data)
            # Twice the FIFO: what it counts as waiting must still be here when it is taken.
            del self._latest[: -2 * FIFO_SAMPLES * _BYTES]
            self._count += frames


def _sounddevice() -> Any:  # noqa: ANN401 (the package has no types)
    """The package, once it has found a microphone. Raises NoBoard."""
    try:
        import sounddevice
    except ModuleNotFoundError as error:
        if error.name != "sounddevice":
            raise
        raise NoBoard(
            "--mic laptop needs the Python package sounddevice, which is not installed.",
            try_next=("pip install 'edge-deploy[mic]'  the microphone of this computer",),
        ) from error
    except OSError as error:  # the package is there, the library under it is not
        raise NoBoard(
            "--mic laptop needs the PortAudio library, which this computer does not have.",
            try_next=("sudo apt-get install libportaudio2  PortAudio, on Debian and Ubuntu",),
        ) from error
    try:
        sounddevice.check_input_settings(channels=1, dtype="int16", samplerate=RATE_HZ)
    except (sounddevice.PortAudioError, ValueError) as error:
        raise _no_microphone(error) from error
    return sounddevice


def _no_microphone(error: Exception) -> NoBoard:
    why = " ".join(str(error).split())
    return NoBoard(
        f"This computer has no microphone for 16 kHz, 16 bits ({why}).",
        try_next=(
            "--mic noise:-30  white noise instead",
            "python -m sounddevice  list this computer's microphones",
        ),
    )
