"""The words of --mic, and what is heard then."""

from __future__ import annotations

import builtins
import sys
import wave
from types import SimpleNamespace

import numpy as np
import pytest

from edge_deploy import audio, devices
from edge_deploy.devices.virtual import microphone
from edge_deploy.devices.virtual.fifo import Fifo
from edge_deploy.devices.virtual.microphone import FIFO_SAMPLES, Laptop, parse
from edge_deploy.devices.virtual.scene import Scene
from edge_deploy.errors import BadInput, Exit, NoBoard, UsageError

RAMP = np.arange(1, 30_001, dtype=np.int16)


def write(path, samples, *, rate_hz=16_000):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(np.asarray(samples, dtype="<i2").tobytes())
    return path


def heard(given, first: int, count: int) -> list[int]:
    return given.sound().samples(first, count).tolist()


# -- words -------------------------------------------------------------------------------------


def test_a_file_and_then_silence(tmp_path):
    path = write(tmp_path / "yes.wav", RAMP[:1600])
    given = parse(str(path))
    assert given.duration_s == pytest.approx(0.1 + microphone.GAP_S)
    assert [(each.name, each.start_s, each.duration_s) for each in given.clips] == [
        ("yes.wav", 0, 0.1)
    ]
    assert heard(given, 0, 1600) == RAMP[:1600].tolist()
    assert heard(given, 1598, 4) == [1599, 1600, 0, 0]
    assert heard(given, 10**9, 3) == [0, 0, 0]
    assert not given.live


def test_a_folder_in_the_order_of_names_with_gaps(tmp_path):
    write(tmp_path / "b.wav", [3, 4])
    write(tmp_path / "a.WAV", [1, 2])
    write(tmp_path / "deeper" / "c.wav", [5])
    (tmp_path / ".a.wav").write_bytes(b"left behind")
    (tmp_path / "notes.txt").write_text("no sound")
    given = parse(str(tmp_path), gap_s=0.001)
    assert heard(given, 0, 40) == [1, 2, *[0] * 16, 3, 4, *[0] * 20]
    assert given.duration_s == 36 / 16_000
    assert [(each.name, each.start_s) for each in given.clips] == [
        ("a.WAV", 0),
        ("b.wav", 18 / 16_000),
    ]
    assert "2 recordings" in given.description


def test_resampling_is_asked_for(tmp_path):
    path = write(tmp_path / "a.wav", np.full(300, 500), rate_hz=48_000)
    with pytest.raises(BadInput, match="48000 Hz") as caught:
        parse(str(path))
    assert any("--resample" in each for each in caught.value.try_next)
    assert heard(parse(str(path), resample=True), 0, 101) == [*[500] * 100, 0]


def test_silence():
    given = parse("silence")
    assert given.duration_s is None
    assert heard(given, 12_345, 3) == [0, 0, 0]


def test_noise_is_endless_and_seeded():
    given = parse("noise:-30", seed=5)
    assert given.duration_s is None
    assert "-30 dBFS" in given.description
    whole = given.sound().samples(0, 40_000)
    assert audio.rms_dbfs(whole) == pytest.approx(-30, abs=0.1)
    assert heard(given, 15_990, 20) == whole[15_990:16_010].tolist()
    assert heard(given, 32_000, 1) == whole[32_000:32_001].tolist()
    assert heard(given, 16_000, 0) == []
    assert heard(parse("noise:-30", seed=5), 0, 40_000) == whole.tolist()
    assert heard(parse("noise:-30", seed=6), 0, 40_000) != whole.tolist()
    assert len(parse("noise:-30.5", seed=-1).sound().samples(7, 5)) == 5


@pytest.mark.parametrize(
    "words",
    [
        "", "noise", "noise:", "noise:loud", "noise:-30dB", "noise:0", "noise:-95",
        "noise:-\u0663\u0660",
    ],
)  # fmt: skip
def test_words_that_mean_nothing(words):
    with pytest.raises(UsageError) as caught:
        parse(words)
    assert "\n" not in caught.value.message
    assert caught.value.try_next


def test_files_that_cannot_be_played(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "mixed").mkdir()
    write(tmp_path / "mixed" / "a.wav", [1])
    (tmp_path / "mixed" / "b.wav").write_bytes(b"RIFFrubbish")
    lines = {
        "none.wav": "is not there",
        "Laptop": "is not there",
        "empty": "without WAV files",
        "mixed": "b.wav is damaged",
        "a\0b": "is not there",
    }
    for words, expected in lines.items():
        with pytest.raises(BadInput) as caught:
            parse(str(tmp_path / words))
        assert expected in caught.value.message
        assert "\n" not in caught.value.message
        assert caught.value.exit_code == Exit.BAD_INPUT


# -- the laptop --------------------------------------------------------------------------------


class FakePackage(SimpleNamespace):
    """sounddevice, as far as it is used."""

    class PortAudioError(Exception):
        pass

    def __init__(self):
        super().__init__(problem=None, streams=[])

    def check_input_settings(self, **settings):
        assert settings == {"channels": 1, "dtype": "int16", "samplerate": 16_000}
        if self.problem:
            raise self.problem

    def RawInputStream(self, **settings):  # noqa: N802 (the package's name)
        if self.problem:
            raise self.problem
        stream = SimpleNamespace(**settings, running=False, closed=False)
        stream.start = lambda: setattr(stream, "running", True)
        stream.close = lambda: setattr(stream, "closed", True)
        self.streams.append(stream)
        return stream

    def speak(self, samples):
        data = np.asarray(samples, dtype=np.int16).tobytes()
        self.streams[-1].callback(memoryview(data), len(samples), None, None)


@pytest.fixture
def package(monkeypatch):
    fake = FakePackage()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


def test_the_laptop_is_heard_as_it_speaks(package):
    given = parse("laptop")
    assert given.live
    assert given.duration_s is None
    assert "real speed" in given.description
    board = Fifo(given.sound(), FIFO_SAMPLES)
    board.start(0)
    assert package.streams[-1].running
    assert board.available(10**12) == 0  # time alone brings nothing
    package.speak([1, 2, 3])
    package.speak([4])
    assert board.available(0) == 4
    assert board.take(3, 0).tolist() == [1, 2, 3]
    for start in range(0, 30_000, 500):
        package.speak(RAMP[start : start + 500])
    assert board.available(0) == 4096
    assert board.lost(0) == 30_001 - 4096
    assert board.take(9999, 0).tolist() == RAMP[-4096:].tolist()
    board.stop(0)
    assert package.streams[-1].closed
    board.start(0)
    assert len(package.streams) == 2
    assert (board.available(0), board.lost(0)) == (0, 0)


def test_no_microphone_on_this_computer(package):
    package.problem = package.PortAudioError("Error querying device -1\n")
    with pytest.raises(NoBoard, match=r"no microphone.*\(Error querying device -1\)") as caught:
        parse("laptop")
    assert caught.value.exit_code == Exit.NO_BOARD == 10
    assert "\n" not in caught.value.message
    with pytest.raises(NoBoard, match="no microphone"):
        Laptop().start()


def test_the_package_is_not_installed(monkeypatch):
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    missing = ModuleNotFoundError("No module named 'sounddevice'", name="sounddevice")
    monkeypatch.setattr(builtins, "__import__", refusing(missing))
    with pytest.raises(NoBoard, match="sounddevice, which is not installed") as caught:
        parse("laptop")
    assert any("edge-deploy[mic]" in each for each in caught.value.try_next)


def test_the_library_under_it_is_not_installed(monkeypatch):
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(builtins, "__import__", refusing(OSError("PortAudio library not found")))
    with pytest.raises(NoBoard, match="PortAudio library, which") as caught:
        parse("laptop")
    assert any("libportaudio2" in each for each in caught.value.try_next)


def refusing(error):
    real_import = builtins.__import__

    def without(name, *args, **options):
        if name == "sounddevice":
            raise error
        return real_import(name, *args, **options)

    return without


# -- --on --------------------------------------------------------------------------------------


@pytest.mark.parametrize("on", ["auto", "local", "port:/dev/ttyACM0"])
def test_a_microphone_needs_an_emulated_board(nano33, xiao, on):
    for board, where in ((nano33, on), (xiao, "virtual")):
        with pytest.raises(UsageError, match="--mic is for emulated boards"):
            devices.resolve(where, board, scene=Scene(microphone=parse("silence")))
