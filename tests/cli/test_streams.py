"""What a stream prints, in a pipe and for people; its end; and that a recording shows the same."""

from __future__ import annotations

import json
import re
import wave
from pathlib import Path

import numpy as np
import pytest

from edge_deploy import places
from edge_deploy.cli.senses import NoSensor
from edge_deploy.cli.stream import Showing, show_stream
from edge_deploy.cli.tally import Tally
from edge_deploy.cli.views import json_of
from edge_deploy.devices import MicrophoneInput, Scene, microphones
from edge_deploy.errors import Exit, LinkLost
from edge_deploy.telemetry.readings import Inference, Log, Power
from edge_deploy.telemetry.recording import Recorder, load
from edge_deploy.telemetry.session import Session
from tests.cli.conftest import Command, Ended
from tests.cli.streams import conversation, header
from tests.cli.test_refusals import refused
from tests.fake_device import FakeBoard, FakeLink, Faults
from tests.fake_model import FakeModel, FakeTensor
from tests.fake_senses import FakeAudio

LABELS = ("silence", "yes", "no")
SOUND = np.random.default_rng(4).integers(-32768, 32768, 64_000).astype(np.int16)
FOUR_SECONDS = Scene(
    microphone=MicrophoneInput("a", "a", 4.0, lambda: microphones.Recording(SOUND))
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(tmp_path / "home"))
    for name in ("NO_COLOR", "CI"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


def board(**options):
    model = FakeModel(
        name="words",
        outputs=(FakeTensor("scores", "int8", (1, 3), 1 / 256, -128),),
        labels=LABELS,
    )
    return FakeBoard(model=model, audio=FakeAudio(), **{"sound": SOUND, **options})


def shown(capfd, showing, fake=None, link=None) -> tuple[Ended, Path]:
    """A stream of a fake board, and its recording."""
    capfd.readouterr()
    link = link or FakeLink(fake or board())
    with Session(link, clock=link.clock) as session:
        session.begin()
        show_stream(session, on="virtual", showing=showing)
    out, err = capfd.readouterr()
    return Ended(0, out, err), Path(err.partition("Recorded in ")[2].strip())


def again(capfd, command, *words) -> Ended:
    """A replay, in the same home."""
    from edge_deploy.cli.main import run

    capfd.readouterr()
    code = run(["replay", *map(str, words)])
    return Ended(code, *capfd.readouterr())


def test_a_pipe_gets_one_object_a_line(capfd):
    ended, _ = shown(capfd, Showing(count=20))
    readings = [json.loads(line) for line in ended.out.splitlines()]
    assert {reading["schema_version"] for reading in readings} == {1}
    results = [reading for reading in readings if reading["kind"] == "inference"]
    assert [result["n"] for result in results] == list(range(20))
    whole = {
        *("schema_version", "kind", "n", "t_us", "dsp_us", "inference_us", "post_us", "overruns"),
        *("cycles", "cycles_board", "instructions", "energy_nj", "output", "scores"),
        *("top", "top_score", "label", "lost", "at_s", "origin"),
    }
    for result in results:
        decided = {"heard", "score", "word"} if "heard" in result else set()
        assert set(result) == whole | decided
        assert result["origin"] == {
            "latency": "modelled:cortex_m4",
            "cycles": "modelled:cortex_m4",
            "energy": "modelled:cycles_and_currents",
        }
        assert len(result["scores"]) == 3
        assert result["label"] == LABELS[result["top"]]
        assert result["top_score"] == max(result["scores"])
        # A result a 60 ms stride, the first when its 3 frames are complete.
        assert result["at_s"] == pytest.approx((2 * 320 + 480) / 16000 + 0.06 * result["n"])
    words = [result["word"] for result in results if "word" in result]
    assert words
    assert set(words) <= {"yes", "no"}


def test_what_a_board_does_not_count_has_no_origin():
    tally = Tally(header(port="host"))
    uncounted = Inference(0, 5, 1, 2, 3, lost=0)
    assert json_of(uncounted, tally)["origin"] == {"latency": "measured:host_clock"}
    assert json_of(Power(1, 2, 3), tally)["origin"] == {"energy": "measured:host_meter"}
    assert "origin" not in json_of(Log("a line"), tally)


def test_plain_says_each_word_once(capfd):
    ended, path = shown(capfd, Showing(plain=True, count=40))
    decided = [r for r in load(path).readings if getattr(r, "heard", None) is not None]
    lines = ended.out.splitlines()
    assert len(lines) == len(decided) > 0
    for line, reading in zip(lines, decided, strict=True):
        assert re.match(
            rf" +\d+\.\d{{3}} s  heard {LABELS[reading.heard]} +{reading.score:.2f}  dsp 2,100  "
            r"inference 3,477  post 9 us  3,477 cycles  1\.16 uJ$",
            line,
        ), line


def test_summary_has_each_word_with_time_and_confidence(capfd):
    ended, path = shown(capfd, Showing(count=40))
    decided = [r for r in load(path).readings if getattr(r, "heard", None) is not None]
    rows = re.findall(r"^ *(yes|no) +(\d+\.\d\d) +(\d\.\d\d) *$", ended.err, re.MULTILINE)
    assert [row[0] for row in rows] == [LABELS[reading.heard] for reading in decided]
    assert [row[2] for row in rows] == [f"{reading.score:.2f}" for reading in decided]
    assert "40 inferences, median 5,586 us (dsp 2,100, inference 3,477, post 9; " in ended.err
    assert "modelled:cortex_m4" in ended.err
    assert "9.3 % of the core" in ended.err  # 5,586 us of 60 ms
    assert "0 overruns, 0 samples lost, 0 records lost, 0 corrupt lines." in ended.err


@pytest.mark.parametrize("option", ["--json", "--plain"])
@pytest.mark.parametrize("garble", [0.0, 0.001])
def test_a_recording_shows_as_its_board_did(capfd, command, option, garble):
    showing = Showing(as_json=option == "--json", plain=option == "--plain", count=60)
    live, path = shown(capfd, showing, board(faults=Faults(seed=2, garble=garble)))
    replayed = again(capfd, command, path, option)
    assert replayed.code == Exit.DONE, replayed.err
    assert replayed.out == live.out
    # The same summary too, but for where it comes from.
    assert replayed.err.splitlines()[1:-1] == live.err.splitlines()[:-1]
    assert ("corrupt lines" in live.out or '"link"' in live.out or option == "--plain") == (
        garble > 0 or option == "--plain"
    )


def test_the_sine_is_shown_again_with_its_curve(capfd, command):
    model = FakeModel(
        inputs=(FakeTensor("x", "int8", (1, 1), 0.02, 0),),
        outputs=(FakeTensor("y", "int8", (1, 1), 1 / 128, 0),),
        labels=(),
    )
    live, path = shown(capfd, Showing(plain=True, count=9), FakeBoard(model=model))
    assert len(re.findall(r"x [ +-][\d.+]+ +y [ +-][\d.+]+ +\.*o\.* ", live.out)) == 9
    assert again(capfd, command, path, "--plain").out == live.out


def test_without_a_name_the_latest_is_replayed(capfd, command):
    shown(capfd, Showing(count=3))
    live, _ = shown(capfd, Showing(count=4))
    assert again(capfd, command).out == live.out


def test_nothing_recorded_yet(command: Command):
    refused(command("replay"), Exit.BAD_INPUT, "recorded")


def test_sound_ends_the_stream_by_itself(capfd):
    """4 s of sound are 66 strides of 60 ms; the 67th would need 4.03 s."""
    ended, _ = shown(capfd, Showing(scene=FOUR_SECONDS))
    assert sum('"inference"' in line for line in ended.out.splitlines()) == 66
    ended, _ = shown(capfd, Showing(scene=FOUR_SECONDS, count=5))
    assert sum('"inference"' in line for line in ended.out.splitlines()) == 5


def test_missed_results_count_for_the_sound(capfd, monkeypatch):
    fake = board()
    record = fake.record
    monkeypatch.setattr(
        fake,
        "record",
        lambda kind, /, **f: record(kind, **({**f, "overruns": 30} if kind == "result" else f)),
    )
    ended, _ = shown(capfd, Showing(scene=FOUR_SECONDS), fake)
    assert sum('"inference"' in line for line in ended.out.splitlines()) == 66 - 30
    assert "30 overruns" in ended.err


class Interrupting(FakeLink):
    """Ctrl-C arrives while the session waits for the link."""

    def read(self, timeout_s):
        if self.board.stream_n == 25 and not self.closed:
            self.board.stream_n += 1
            raise KeyboardInterrupt
        return super().read(timeout_s)


def test_ctrl_c_leads_to_the_summary(capfd):
    fake = board()
    ended, path = shown(capfd, Showing(), link=Interrupting(fake, piece=64))
    assert not fake.streaming
    assert re.search(r"^2\d inferences, median", ended.err, re.MULTILINE)
    assert re.search(r"^ *heard +at, s +confidence", ended.err, re.MULTILINE)
    assert load(path).readings


def test_a_link_that_is_lost_is_summed_up_and_told(capfd):
    fake = board()
    link = FakeLink(fake)
    with Session(link, clock=link.clock) as session:
        session.begin()
        fake.faults.cut_at = fake.sent_total + 5000
        with pytest.raises(LinkLost):
            show_stream(session, on="virtual", showing=Showing())
    err = capfd.readouterr().err
    assert "inferences, median" in err
    assert "Recorded in" in err


def test_a_board_without_a_microphone_is_told(capfd):
    fake = board(sound=None)
    link = FakeLink(fake)
    with Session(link, clock=link.clock) as session:
        session.begin()
        with pytest.raises(NoSensor, match="no microphone") as caught:
            show_stream(session, on="local", showing=Showing())
    assert caught.value.exit_code == Exit.NO_BOARD
    assert any(each.startswith("edge-deploy evaluate words ") for each in caught.value.try_next)
    assert not list(places.home().glob("recordings/*"))


# --- recordings that are none -------------------------------------------------------------


@pytest.fixture
def recorded(tmp_path):
    path = tmp_path / "a.jsonl"
    with Recorder(path, header()) as recorder:
        for reading in conversation():
            recorder.write(reading)
    return path


def test_a_cut_last_line_is_left_out_and_said(command: Command, recorded):
    whole = command("replay", recorded)
    assert len(whole.out.splitlines()) == len(conversation())
    recorded.write_bytes(recorded.read_bytes()[:-10])
    cut = command("replay", recorded)
    assert cut.code == Exit.DONE
    assert cut.out.splitlines() == whole.out.splitlines()[:-1]
    assert "cut off" in cut.err
    assert "cut off" not in whole.err


def test_a_recording_of_an_older_version_is_shown(command: Command, recorded):
    first, _, rest = recorded.read_text().partition("\n")
    old = {k: v for k, v in json.loads(first).items() if k not in {"inputs", "outputs", "audio"}}
    recorded.write_text(json.dumps(old) + "\n" + rest)
    ended = command("replay", recorded, "--plain")
    assert ended.code == Exit.DONE, ended.err
    assert len(ended.out.splitlines()) == 20


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no header"),
        (b"hello\n", "not a recording"),
        (b"RIFF\xff\xfe\x00\x00WAVEfmt \n\xff\xff\n", "not a recording"),
        (b'{"kind":"inference","n":0}\n', "not a recording"),
    ],
    ids=["empty", "text", "wav", "no header"],
)
def test_other_files_are_no_recordings(command: Command, tmp_path, content, words):
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    refused(command("replay", path), Exit.BAD_INPUT, "a.jsonl", words)


def test_a_recording_that_is_not_there(command: Command, tmp_path):
    refused(command("replay", tmp_path / "none.jsonl"), Exit.BAD_INPUT, "none.jsonl")


def test_a_folder_is_no_recording(command: Command, tmp_path):
    refused(command("replay", tmp_path), Exit.BAD_INPUT, str(tmp_path))


def test_damage_in_the_middle_is_named_by_its_line(command: Command, recorded):
    lines = recorded.read_bytes().split(b"\n")
    lines[4] = b'{"kind":"inference"}'
    recorded.write_bytes(b"\n".join(lines))
    refused(command("replay", recorded), Exit.BAD_INPUT, "line 5")


@pytest.mark.parametrize(
    "damage",
    [
        {"audio": {"kind": "mfcc"}},
        {"audio": []},
        {"outputs": [{"name": "x"}]},
        {"outputs": 3},
        {"outputs": [{"name": "x", "dtype": "int9", "shape": [1], "bytes": 1}]},
        {"labels": 7},
    ],
    ids=str,
)
def test_a_damaged_header_is_told(command: Command, recorded, damage):
    first, _, rest = recorded.read_text().partition("\n")
    recorded.write_text(json.dumps({**json.loads(first), **damage}) + "\n" + rest)
    refused(command("replay", recorded), Exit.BAD_INPUT, "not a recording")


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf", "fast"])
def test_a_speed_that_is_none(command: Command, recorded, speed):
    refused(command("replay", recorded, f"--speed={speed}"), Exit.USAGE, speed)


def test_replay_keeps_the_boards_pace(command: Command, recorded, monkeypatch):
    """20 results over 3.8 s of the board's time."""
    clock = [100.0]
    monkeypatch.setattr("edge_deploy.cli.replay.time.monotonic", lambda: clock[0])
    monkeypatch.setattr(
        "edge_deploy.cli.replay.time.sleep", lambda s: clock.__setitem__(0, clock[0] + s)
    )
    for speed, seconds in (("1", 3.8), ("2", 1.9), ("max", 0.0)):
        began = clock[0]
        assert command("replay", recorded, "--speed", speed).code == Exit.DONE
        assert clock[0] - began == pytest.approx(seconds)


def test_both_json_and_plain(command: Command, recorded):
    for words in (("replay", recorded), ("flash", *VIRTUAL, "hello"), ("run", *VIRTUAL)):
        refused(command(*words, "--json", "--plain"), Exit.USAGE, "--json", "--plain")


# --- what cannot be heard -----------------------------------------------------------------


def a_wav(path: Path, *, rate=16000, channels=1, width=2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(bytes(rate * channels * width))
    return path


VIRTUAL = ("--board", "nano33", "--on", "virtual")


def mic(command: Command, sound: object, *words: str) -> Ended:
    return command("flash", *VIRTUAL, "hello", "--mic", str(sound), *words)


def test_a_wav_of_another_rate_offers_to_resample(command: Command, tmp_path):
    ended = mic(command, a_wav(tmp_path / "cd.wav", rate=44100, channels=2))
    refused(ended, Exit.BAD_INPUT, "cd.wav", "44")
    assert "--resample" in ended.err


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"", "empty.wav"), (b"RIFF", "cut.wav"), (b"not sound at all" * 100, "text.wav")],
)
def test_files_without_sound(command: Command, tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    refused(mic(command, tmp_path / name), Exit.BAD_INPUT, name)


def test_an_eight_bit_wav(command: Command, tmp_path):
    refused(mic(command, a_wav(tmp_path / "old.wav", width=1)), Exit.BAD_INPUT, "old.wav", "8")


def test_a_wav_that_is_not_there(command: Command, tmp_path):
    refused(mic(command, tmp_path / "none.wav"), Exit.BAD_INPUT, "none.wav")


def test_a_folder_without_wavs(command: Command, tmp_path):
    refused(mic(command, tmp_path), Exit.BAD_INPUT, "WAV")


@pytest.mark.parametrize("words", ["noise", "noise:loud", "noise:+30"])
def test_noise_that_cannot_be_made(command: Command, words):
    refused(mic(command, words), Exit.USAGE)


def test_a_laptop_without_the_package(command: Command, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sounddevice", None)
    ended = mic(command, "laptop")
    refused(ended, Exit.NO_BOARD, "sounddevice")
    assert "pip install" in ended.err


def test_resample_without_a_file(command: Command):
    refused(command("flash", *VIRTUAL, "hello", "--resample"), Exit.USAGE, "--resample")


def test_a_microphone_of_a_board_that_is_not_virtual(command: Command):
    ended = command("flash", "--board", "nano33", "--on", "local", "hello", "--mic", "silence")
    refused(ended, Exit.USAGE, "--mic")


def test_a_model_that_does_not_listen_is_told_before_it_is_flashed(command: Command):
    ended = mic(command, "silence")
    refused(ended, Exit.USAGE, "--mic", "hello", "ramp")
    assert "answers" not in ended.err


def test_monitor_needs_no_board_behind_a_port(command: Command):
    ended = command("monitor", "-p", "/dev/ttyNOTHERE")
    refused(ended, Exit.NO_BOARD, "/dev/ttyNOTHERE")
    refused(command("monitor", "--on", "virtual"), Exit.USAGE, "--board")
    refused(command("monitor", "-p", "/dev/null", "--send", "x"), Exit.USAGE, "--raw")
    refused(command("monitor", "-p", "/dev/null", "--mic", "silence"), Exit.USAGE, "--mic")
