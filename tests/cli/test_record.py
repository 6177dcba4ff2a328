"""`record` on a virtual board: what it plays becomes labelled clips, with consent, whole or not."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from edge_deploy import audio, boards, motion, pictures, places, recordings
from edge_deploy.bench import takes
from edge_deploy.bench.recording import Order
from edge_deploy.bench.takes import Cutter, Judged
from edge_deploy.cli import record_view
from edge_deploy.errors import Exit
from edge_deploy.recordings import Clip, Facts
from edge_deploy.sensing import SourceSettings
from tests import own_lab
from tests.cli.conftest import Command, Ended
from tests.cli.test_refusals import refused

pytest.importorskip("unicorn", reason="needs the extra `virtual`")

from edge_deploy.devices.virtual import microphone
from edge_deploy.devices.virtual.board import VirtualBoard
from edge_deploy.devices.virtual.scene import Scene

VIRTUAL = ("record", "--board", "nano33", "--on", "virtual")


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """Three seconds of sound each a second long: a tone, silence, a clipped tone."""
    folder = tmp_path / "words"
    folder.mkdir()
    at = np.arange(16_000) / 16_000
    for name, amplitude in (("a", 3_000), ("b", 0), ("c", 90_000)):
        sound = np.clip(amplitude * np.sin(2 * np.pi * 300 * at), -32_768, 32_767)
        audio.write(folder / f"{name}.wav", np.rint(sound).astype(np.int16))
    return folder


def record(command: Command, *more: str | Path) -> Ended:
    return command(*VIRTUAL, "--sensor", "mic", "--label", "yes", *more)


def test_what_is_played_is_kept_sample_by_sample(
    command: Command, words: Path, tmp_path: Path
) -> None:
    ended = record(
        command, "--mic", words, "--data", tmp_path / "d", "--speaker", "ada", "--consent"
    )
    assert ended.code == Exit.DONE, ended.err
    (clip,) = recordings.clips(tmp_path / "d")
    assert ended.out.startswith(f"kept  {clip.file}  -23.8 dBFS, peak -20.8 dBFS")
    assert audio.read(clip.path).samples.tolist() == audio.read(words / "a.wav").samples.tolist()
    lines = [line for line in ended.err.splitlines() if line.startswith("not kept")]
    assert "silent" in lines[0]
    assert "louder" in lines[0]
    assert "clipped" in lines[1]
    assert "1 take of yes kept in" in ended.err
    assert "2 not" in ended.err
    assert recordings.index(tmp_path / "d")[0].facts == Facts(
        "microphone", 16_000, "nano33", "virtual"
    )
    assert recordings.consents(tmp_path / "d")[0].statement.startswith("microphone: the sound")
    # With --keep all of them; consent is not asked for again, and --json has a line for each.
    ended = record(
        command, "--mic", words, "--data", tmp_path / "d", "--speaker", "ada", "--keep", "--json"
    )
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert [line["kind"] for line in lines] == ["take", "take", "take", "summary"]
    assert [line["problem"] for line in lines[:3]] == [None, "silent", "clipped"]
    assert lines[1]["measures"] == {}  # no sound at all has no level
    assert Path(lines[0]["file"]).is_file()
    assert (lines[3]["kept"], lines[3]["dropped"]) == (3, 0)
    assert len(recordings.clips(tmp_path / "d")) == 4


def test_motion_and_pictures(command: Command, tmp_path: Path) -> None:
    moved = own_lab.lab(tmp_path / "moved", "imu")
    samples = np.random.default_rng(5).integers(-9_000, 9_000, (119, 6)).astype(np.int16)
    motion.write(tmp_path / "wave.csv", samples)
    ended = command(
        *VIRTUAL, "--lab", moved.folder, "--label", "low", "--imu", tmp_path / "wave.csv",
        "--no-person",
    )  # fmt: skip
    assert ended.code == Exit.DONE, ended.err
    (clip,) = recordings.clips(moved.folder / "data")  # a lab of one's own has its folder
    assert clip.path.name.startswith("nobody_")
    assert motion.read(clip.path, 6).tolist() == samples.tolist()
    assert f"edge-deploy train {moved.folder}    learns from them" in ended.err

    seen = own_lab.lab(tmp_path / "seen", "camera")
    frame = np.random.default_rng(5).integers(0, 256, (120, 160)).astype(np.uint8)
    (tmp_path / "pictures").mkdir()
    for name in "ab":
        pictures.write(tmp_path / "pictures" / f"{name}.png", frame)
    ended = command(
        *VIRTUAL, "--lab", seen.folder, "--label", "high", "--camera", tmp_path / "pictures",
        "--no-person",
    )  # fmt: skip
    assert ended.code == Exit.DONE, ended.err
    clips = recordings.clips(seen.folder / "data")
    assert [pictures.read(clip.path, 160, 120).tolist() for clip in clips] == [frame.tolist()] * 2


def test_without_consent_nobody_is_recorded(
    command: Command, words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(record(command, "--mic", words), Exit.USAGE, "say who is recorded")
    ended = record(command, "--mic", words, "--speaker", "ada")
    refused(ended, Exit.USAGE, "ada has not agreed", "words can be understood")
    assert "--consent" in ended.err
    assert "data forget ada" in ended.err
    for more in (("--speaker", "ada"), ("--consent",)):
        refused(record(command, "--no-person", *more), Exit.USAGE, "--no-person goes with neither")
    refused(record(command, "--speaker", "nobody", "--consent"), Exit.USAGE, "name a person")
    refused(record(command, "--speaker", "Ada L", "--consent"), Exit.USAGE, "pseudonym")
    assert not (tmp_path / "recordings").exists()


class Typing(io.StringIO):
    """A keyboard with somebody at it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answers", "code"), [("Ada\nada\ny\n", 0), ("ada\nn\n", 2)])
def test_a_person_is_asked_who_and_whether(
    command: Command,
    words: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answers: str,
    code: int,
) -> None:
    monkeypatch.setattr("edge_deploy.cli.output.can_ask", lambda: True)
    monkeypatch.setattr("sys.stdin", Typing(answers))
    ended = record(command, "--mic", words / "a.wav", "--data", tmp_path / "d")
    assert ended.code == code
    for told in ("Who is recorded?", "What is recorded:", str(tmp_path / "d"), "data forget ada"):
        assert told in ended.err
    assert len(recordings.consents(tmp_path / "d")) == (code == 0)
    assert (tmp_path / "d" / "yes").exists() == (code == 0)


def test_consent_to_sound_is_none_to_pictures(
    command: Command, words: Path, tmp_path: Path
) -> None:
    made = own_lab.lab(tmp_path / "seen", "camera")
    where = ("--data", tmp_path / "d", "--speaker", "ada")
    assert record(command, "--mic", words / "a.wav", *where, "--consent").code == Exit.DONE
    ended = command(*VIRTUAL, "--lab", made.folder, "--label", "low", *where)
    refused(ended, Exit.USAGE, "ada has not agreed", "a face can be recognised")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--label", "yes"), "say what to record from"),
        (("--sensor", "mic", "--label", "../up"), "cannot be a folder's name"),
        (("--sensor", "mic", "--lab", "kws", "--label", "yess"), "Did you mean yes?"),
        (("--sensor", "imu", "--lab", "kws", "--label", "yes"), "--sensor says imu"),
        (("--lab", "anomaly", "--label", "off"), "it has normal, anomaly"),
        (("--lab", "hello", "--label", "yes"), "has no sensor to record from"),
        (
            ("--sensor", "mic", "--label", "yes", "--imu", "rest"),
            "--imu is for models that feel motion",
        ),
    ],
)
def test_words_that_do_not_fit_together(
    command: Command, more: tuple[str, ...], words: str
) -> None:
    refused(command(*VIRTUAL, "--no-person", *more), Exit.USAGE, words)


def test_a_camera_takes_one_picture_at_a_time(command: Command, tmp_path: Path) -> None:
    made = own_lab.lab(tmp_path / "seen", "camera")
    words = ("--lab", made.folder, "--label", "low", "--no-person", "--seconds", "2")
    refused(command(*VIRTUAL, *words), Exit.USAGE, "one picture")


def test_a_board_without_the_sensor(command: Command, tmp_path: Path) -> None:
    words = ("record", "--board", "nano33", "--on", "local", "--sensor", "mic", "--label", "yes")
    ended = command(*words, "--no-person", "--data", tmp_path / "d")
    refused(ended, Exit.NO_BOARD, "nano33 (local) has no microphone")


def test_a_board_behind_a_port_is_used_as_it_is(command: Command, tmp_path: Path) -> None:
    moved = own_lab.lab(tmp_path / "moved", "imu")
    words = ("--label", "low", "--no-person", "--data", tmp_path / "d", "--count", "1")
    sound = (*VIRTUAL, "--sensor", "mic", *words, "--mic", "noise:-30")
    assert command(*sound).code == Exit.DONE
    with VirtualBoard(
        boards.load("nano33"),
        home=places.home(),
        scene=Scene(microphone=microphone.parse("noise:-20")),
    ) as machine:
        port = ("record", "-p", machine.url)
        ended = command(*port, "--board", "nano33", "--sensor", "mic", *words)
        assert ended.code == Exit.DONE, ended.err
        ended = command(*port, "--board", "nano33", "--lab", moved.folder, *words)
        refused(ended, Exit.WRONG_BOARD, "records another sensor, rate or size")
        ended = command(*port, "--board", "pi", "--sensor", "mic", *words)
        refused(ended, Exit.WRONG_BOARD, "is a nano33, not a pi")
    levels = [
        takes.level_dbfs(audio.read(c.path).samples) for c in recordings.clips(tmp_path / "d")
    ]
    assert [round(level) for level in levels] == [-30, -20]


def test_silence_is_given_up_with_advice(command: Command, tmp_path: Path) -> None:
    ended = record(command, "--no-person", "--data", tmp_path / "d", "--seconds", "0.2")
    refused(ended, Exit.FAILED, "5 takes in a row", "silent")
    assert "--mic recording.wav gives it something" in ended.err
    assert not list((tmp_path / "d").glob("*/*.wav"))


def test_a_damaged_folder_is_told_before_anybody_speaks(
    command: Command, words: Path, tmp_path: Path
) -> None:
    (tmp_path / "d" / "yes").mkdir(parents=True)
    (tmp_path / "d" / "recordings.csv").write_text("what\n")
    ended = record(command, "--mic", words, "--no-person", "--data", tmp_path / "d")
    refused(ended, Exit.BAD_INPUT, "recordings.csv, line 1")
    (tmp_path / "d" / "recordings.csv").unlink()
    (tmp_path / "d" / "yes" / "mine.wav").write_bytes(b"")
    ended = record(command, "--mic", words, "--no-person", "--data", tmp_path / "d")
    refused(ended, Exit.BAD_INPUT, "mine.wav", "does not say who")


def test_unplugged_in_the_middle_what_is_kept_is_whole(
    command: Command, words: Path, tmp_path: Path
) -> None:
    ended = record(
        command, "--mic", words, "--no-person", "--keep", "--data", tmp_path / "d", "--fault",
        "unplug@3s",
    )  # fmt: skip
    refused(ended, Exit.LINK_LOST, "the cable was pulled")
    assert "kept in" in ended.err
    files = {path.name for path in (tmp_path / "d" / "yes").iterdir()}
    assert files == {clip.path.name for clip in recordings.clips(tmp_path / "d")}
    assert len(files) in {1, 2}  # a third one needs five seconds


def test_a_garbled_link_keeps_no_take_with_a_hole(
    command: Command, words: Path, tmp_path: Path
) -> None:
    ended = record(
        command, "--mic", words, "--no-person", "--keep", "--data", tmp_path / "d", "--fault",
        "garble=0.002",
    )  # fmt: skip
    refused(ended, Exit.FAILED, "none of 3 takes")
    assert "samples were lost" in ended.err
    assert "--keep    " not in ended.err  # which would not help


def test_a_full_disk_is_one_line(
    command: Command, words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_given: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("edge_deploy.audio.write", full)
    ended = record(command, "--mic", words, "--no-person", "--data", tmp_path / "d")
    refused(ended, Exit.FAILED, "no room left on the disk")
    assert not list((tmp_path / "d").glob("yes*"))


def test_ctrl_c_keeps_what_is_whole(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = record_view.PlainWatch.kept

    def kept(self: record_view.PlainWatch, clip: Clip, judged: Judged) -> None:
        real(self, clip, judged)
        if clip.number == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(record_view.PlainWatch, "kept", kept)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        words = ("--no-person", "--data", tmp_path / "d", "--count", "500", "--seconds", "0.2")
        ended = record(command, "--mic", "noise:-30", *words, "--gap", "0")
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.code == Exit.DONE, ended.err
    assert "kept in" in ended.err
    assert len(recordings.clips(tmp_path / "d")) == len(recordings.index(tmp_path / "d")) >= 2


# -- what a terminal shows ---------------------------------------------------------------------

MIC = SourceSettings("microphone", sample_rate_hz=16_000, stride_ms=200)
IMU = SourceSettings("imu", sample_rate_hz=100, axes=6, stride_samples=20)
CAMERA = SourceSettings("camera", width=32, height=16, period_ms=500)


def page(source: SourceSettings, samples: np.ndarray, lead_s: float = 0.0) -> record_view.Page:
    form = takes.form(source, None, clip_s=1.0, gap_s=1.0, lead_s=lead_s)
    facts = Facts(source.kind, source.sample_rate_hz or None, "nano33", "virtual")
    order = Order(Path("d"), "yes", "ada", "20260131T101500", facts, form, count=10)
    shown, cutter = record_view.Page(order), Cutter(form)
    at = 0
    for piece in np.array_split(samples, max(1, len(samples) // 100)):
        if not len(piece):
            continue
        shown.sensed(piece, cutter)
        list(cutter.feed(at, piece))
        at += len(piece)
    return shown


def text(shown: record_view.Page, width: int = 80, height: int = 23, **how: bool) -> str:
    return record_view.draw(shown, width, height, **how).plain


def tone(amplitude: float, count: int = 8_000) -> np.ndarray:
    wave = amplitude * np.sin(2 * np.pi * 440 * np.arange(count) / 16_000)
    return np.clip(np.rint(wave), -32_768, 32_767).astype(np.int16)


def test_the_meter_says_level_peak_and_clipping() -> None:
    shown = text(page(MIC, tone(3_277)))
    assert "-23.0 dBFS" in shown
    assert "peak  -20.0" in shown
    assert "now" in shown
    assert "0 of 10 kept" in shown
    assert "CLIPPED" in text(page(MIC, tone(90_000)))
    assert "silent" in text(page(MIC, tone(0)))
    waiting = text(page(MIC, tone(3_277), lead_s=1.0))
    assert "get ready" in waiting
    assert "0.5 s" in waiting


def test_the_trace_has_a_line_for_each_axis() -> None:
    samples = np.zeros((150, 6), np.int16)
    samples[:, 2] = 8_192
    samples[:, 0] = 4_096 * np.sin(np.arange(150) / 5)
    lines = text(page(IMU, samples)).splitlines()
    traces = [line for line in lines if line[:2] in motion.NAMES]
    assert [line[:2] for line in traces] == list(motion.NAMES)
    assert traces[2].endswith("1.00 g")
    assert traces[5].endswith("0.00 dps")
    # What moves is drawn from low to high, what rests is not.
    assert {"▁", "█"} & set(traces[0])
    assert not {"▁", "█"} & set(traces[1])


def test_the_picture_is_shown() -> None:
    frame = np.zeros((1, 16, 32), np.uint8)
    frame[:, :, 16:] = 255
    drawn = record_view.draw(page(CAMERA, frame), 80, 23)
    row = next(line for line in drawn.split("\n") if line.plain.count("▀") >= 32)
    styles = [str(span.style) for span in row.spans]
    assert "rgb(0,0,0) on rgb(0,0,0)" in styles[0]
    assert "rgb(255,255,255) on rgb(255,255,255)" in styles[-1]
    assert "@@@" in text(page(CAMERA, frame), ascii_only=True)


@pytest.mark.parametrize("size", [(80, 23), (40, 12), (20, 4), (200, 60)])
@pytest.mark.parametrize("source", [MIC, IMU, CAMERA], ids=lambda source: source.kind)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_it_fits_any_terminal(
    source: SourceSettings, size: tuple[int, int], ascii_only: bool
) -> None:
    samples = {
        "microphone": tone(3_000),
        "imu": np.full((150, 6), 900, np.int16),
        "camera": np.full((1, 16, 32), 90, np.uint8),
    }[source.kind]
    for shown in (page(source, samples), page(source, samples[:0])):
        drawn = text(shown, *size, ascii_only=ascii_only)
        lines = drawn.splitlines()
        assert len(lines) <= max(4, size[1])
        assert all(len(line) <= max(30, size[0]) for line in lines)
        assert not ascii_only or drawn.isascii()


def test_takes_are_listed_above_the_page() -> None:
    shown = page(MIC, tone(3_000))
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    clip = Clip(Path("d/yes/ada_20260131T101500_001.wav"), "yes", "ada", "20260131T101500", 1)
    silent = takes.judge(shown.order.form, takes.Take(tone(0, 16_000), 0))
    with record_view.LiveWatch(shown.order, console) as watch:
        watch.sensed(tone(3_000), Cutter(shown.order.form))
        watch.kept(clip, Judged("-23.0 dBFS", {}))
        watch.dropped(silent)
    written = console.file.getvalue()
    assert "kept  yes/ada_20260131T101500_001.wav  -23.0 dBFS" in written
    assert "not kept  silent" in written
