"""What `evaluate` does not take: words, folders, recordings, pictures, each in one line."""

from __future__ import annotations

import shutil
import sys
import wave
from pathlib import Path

import pytest

from edge_deploy import motion
from edge_deploy.errors import Exit
from tests import listening_lab, sensing_labs
from tests.cli.evaluate.asking import LOCAL, refused
from tests.cli.test_spine import typed

pytest.importorskip("unicorn", reason="the virtual board needs the extra `virtual`")
pytest.importorskip("tflite_runtime", reason="the host's model runs on the extra `reference`")


@pytest.mark.parametrize(
    ("words", "says"),
    [(("--stream",), "--on host runs none"), (("--speed", "real"), "--on host runs none")],
)
def test_what_the_host_alone_cannot(
    capfd: pytest.CaptureFixture[str],
    tones: Path,
    data: Path,
    words: tuple[str, ...],
    says: str,
) -> None:
    refused(capfd, Exit.USAGE, (tones, "--on", "host", "--data", data, *words), says)


def test_other_verbs_know_no_host(capfd: pytest.CaptureFixture[str], tones: Path) -> None:
    code, _, err = typed(capfd, "verify", tones, "--board", "nano33", "--on", "host")
    assert code == Exit.USAGE
    assert "'host' is not a place" in err


def test_no_recordings_named(capfd: pytest.CaptureFixture[str], tones: Path) -> None:
    err = refused(capfd, Exit.BAD_INPUT, (tones, *LOCAL), "--data")
    assert "--data FOLDER" in err.partition("Things to try:")[2]


def test_a_folder_that_is_not_there(
    capfd: pytest.CaptureFixture[str], tones: Path, tmp_path: Path
) -> None:
    words = (tones, *LOCAL, "--data", tmp_path / "no")
    refused(capfd, Exit.BAD_INPUT, words, "no such folder")


def test_an_unreadable_clip(capfd: pytest.CaptureFixture[str], tones: Path, tmp_path: Path) -> None:
    data = listening_lab.write_data(tmp_path, each=1)
    (data / "low" / "000.wav").write_bytes(b"RIFF")
    refused(capfd, Exit.BAD_INPUT, (tones, *LOCAL, "--data", data), "000.wav")


def test_a_model_without_a_lab(capfd: pytest.CaptureFixture[str], tones: Path, data: Path) -> None:
    words = (tones / "model.tflite", *LOCAL, "--data", data)
    refused(capfd, Exit.USAGE, words, "its lab")


def test_a_picture_of_another_kind(
    capfd: pytest.CaptureFixture[str], tones: Path, data: Path, tmp_path: Path
) -> None:
    words = (tones, *LOCAL, "--data", data, "-o", tmp_path / "x.jpg")
    refused(capfd, Exit.USAGE, words, "x.jpg", ".svg", ".png")


def test_a_png_where_matplotlib_is_missing(
    capfd: pytest.CaptureFixture[str],
    tones: Path,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    words = (tones, "--on", "host", "--data", data, "-o", tmp_path / "x.png")
    err = refused(capfd, Exit.FAILED, words, "matplotlib")
    assert ".svg" in err.partition("Things to try:")[2]
    assert not (tmp_path / "x.png").exists()


def test_a_picture_where_no_file_can_be(
    capfd: pytest.CaptureFixture[str], tones: Path, data: Path, tmp_path: Path
) -> None:
    words = (tones, *LOCAL, "--data", data, "--stream", "-o", tmp_path / "no" / "x.svg")
    refused(capfd, Exit.FAILED, words, "x.svg", "cannot be written")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no samples"),
        (b"\xff\xfe\x00", "not text"),
        (b"aX,aY,aZ\n1,0,0\n", "found 3"),
        (b"aX,aY\n1,0\n", "expected 6 numbers"),
        (b"1,0,0,0,0,0\n1,0,zero,0,0,0\n", "line 2: 'zero' is not a number"),
        (b"9,0,0,0,0,0\n", "9 g"),
    ],
)
def test_a_damaged_movement(
    capfd: pytest.CaptureFixture[str], swings: Path, content: bytes, says: str
) -> None:
    path = swings / "data" / "round" / "1.csv"
    whole = path.read_bytes()
    try:
        path.write_bytes(content)
        words = (swings, "--on", "host", "--data", swings / "data")
        refused(capfd, Exit.BAD_INPUT, words, "round/1.csv", says)
    finally:
        path.write_bytes(whole)


def test_a_short_movement_is_told(
    capfd: pytest.CaptureFixture[str], swings: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(swings / "data", data)
    motion.write(data / "still" / "0.csv", sensing_labs.swing("still", 1, 20))
    code, out, err = typed(capfd, "evaluate", swings, "--on", "host", "--data", data)
    assert code == Exit.DONE, err
    assert "1 of 12 recordings are shorter than a window: zeros precede them." in err
    assert "12 of 12 held-out recordings" in out


@pytest.mark.parametrize(
    ("channels", "width", "rate_hz", "says"),
    [(1, 1, 16_000, "8-bit samples"), (1, 2, 8_000, "8000 Hz"), (2, 2, 16_000, "2 channels")],
)
def test_sound_of_another_form(
    capfd: pytest.CaptureFixture[str],
    tones: Path,
    tmp_path: Path,
    channels: int,
    width: int,
    rate_hz: int,
    says: str,
) -> None:
    data = listening_lab.write_data(tmp_path, each=2)
    with wave.open(str(data / "low" / "001.wav"), "wb") as file:
        file.setparams((channels, width, rate_hz, 0, "NONE", ""))
        file.writeframes(bytes(32_000))
    words = (tones, "--on", "host", "--data", data)
    err = refused(capfd, Exit.BAD_INPUT, words, "low/001.wav", says)
    assert "--resample" not in err  # that is another verb's
