"""`evaluate` as a user types it: a lab that hears tones, on a virtual board and on this computer.

The lab is made here and needs no recordings of people; one test hears some of those where they
are.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import wave
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_deploy import labs, motion
from edge_deploy.cli.figures import matrix_lines
from edge_deploy.cli.main import run
from edge_deploy.errors import Exit
from tests import listening_lab, sensing_labs

pytest.importorskip("unicorn", reason="the virtual board needs the extra `virtual`")
pytest.importorskip("tflite_runtime", reason="the host's model runs on the extra `reference`")

VIRTUAL = ("--board", "nano33", "--on", "virtual")
LOCAL = ("--board", "nano33", "--on", "local")

_BESIDE = Path(__file__).resolve().parents[3] / "shared"
RECORDINGS = Path(os.environ.get("EDGE_DEPLOY_TEST_DATA", _BESIDE)) / "data"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labs") / "tones"
    listening_lab.write_lab(folder, budgets="budgets:\n  nano33: {accuracy: 0.9}\n")
    # Thirds are no binary fractions: means of three have last bits to differ in.
    text = (folder / "lab.yaml").read_text(encoding="utf-8")
    (folder / "lab.yaml").write_text(text.replace("smooth: 2", "smooth: 3"), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return listening_lab.write_data(tmp_path_factory.mktemp("data"), each=3, noise_s=5.0)


@pytest.fixture(scope="module")
def swings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sensing_labs.write_swings(tmp_path_factory.mktemp("labs") / "swings").folder


@pytest.fixture(autouse=True)
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(home))
    for name in ("EDGE_DEPLOY_BOARD", "EDGE_DEPLOY_ON", "EDGE_DEPLOY_PORT", "EDGE_DEPLOY_DATA"):
        monkeypatch.delenv(name, raising=False)


def typed(capfd: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    capfd.readouterr()
    code = run([str(word) for word in words])
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


def refused(
    capfd: pytest.CaptureFixture[str], code: Exit, words: tuple[str | Path, ...], *texts: str
) -> str:
    """One `Error:` line with all `texts`, and the exit code; returns all of stderr."""
    found, _, err = typed(capfd, "evaluate", *words)
    assert found == code, err
    (line,) = [line for line in err.splitlines() if line.startswith("Error: ")]
    for text in texts:
        assert text in line
    return err


@pytest.mark.parametrize("where", [VIRTUAL, LOCAL], ids=["virtual", "local"])
def test_every_recording_is_heard_as_the_host_hears_it(
    capfd: pytest.CaptureFixture[str], tones: Path, data: Path, where: tuple[str, ...]
) -> None:
    code, out, err = typed(capfd, "evaluate", tones, *where, "--data", data, "--json")
    assert code == Exit.DONE, err
    found: dict[str, Any] = json.loads(out)
    assert found["schema_version"] == 1
    assert (found["lab"], found["board"], found["on"]) == ("tones", "nano33", where[-1])
    assert found["n"] == found["windows_compared"] == found["held_out"] == 9
    for what in ("windows", "outputs", "decisions"):
        assert found[f"differing_{what}"] == 0
    assert found["accuracy"]["value"] == 1.0
    assert found["confusion"] == [[3, 0, 0], [0, 3, 0], [0, 0, 3]]
    (check,) = found["budgets"]
    assert (check["resource"], check["status"], check["limit"]) == ("accuracy", "ok", 0.9)


def test_the_host_alone_needs_no_board(
    capfd: pytest.CaptureFixture[str], tones: Path, data: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "matrix.svg"
    words = ("evaluate", tones, "--on", "host", "--data", data)
    code, out, err = typed(capfd, *words, "--json", "-o", picture)
    assert code == Exit.DONE, err
    found: dict[str, Any] = json.loads(out)
    assert (found["on"], found["n"], found["accuracy"]["value"]) == ("host", 9, 1.0)
    assert found["budgets"] == []  # no board, no budget of one
    assert "board" not in found
    assert ET.parse(picture).getroot().tag.endswith("svg")
    code, out, err = typed(capfd, *words, "--board", "nano33")
    assert code == Exit.DONE, err
    assert "tones on host" in out
    assert "differ" not in out
    assert ["accuracy", "1.0000", "0.9000", "1", "ok"] in [
        line.split()[:5] for line in out.splitlines()
    ]


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


def test_text_says_the_same_within_100_columns(
    capfd: pytest.CaptureFixture[str], tones: Path, data: Path
) -> None:
    words = ("evaluate", tones, *LOCAL, "--data", data, "--limit", "3")
    code, out, err = typed(capfd, *words)
    assert code == Exit.DONE, err
    assert "3 of 9 held-out recordings" in out
    assert "accuracy 100.0 %" in out
    assert "0 windows, 0 outputs, 0 decisions differ" in out
    assert all(len(line) <= 100 for line in out.splitlines())


def test_a_missed_budget(capfd: pytest.CaptureFixture[str], data: Path, tmp_path: Path) -> None:
    lab = listening_lab.write_lab(
        tmp_path / "tones", budgets="budgets:\n  nano33: {accuracy: 0.9}\n"
    )
    recipe = lab / "recipe.py"
    recipe.write_text(recipe.read_text().replace("LABELS.index(path.parent.name))", "1)"))
    words = (lab, *LOCAL, "--data", data)
    refused(capfd, Exit.OVER_BUDGET, words, "0.3333", "0.9")
    # A few recordings would miss it, or meet it, by chance.
    code, _, err = typed(capfd, "evaluate", *words, "--limit", "3")
    assert code == Exit.DONE, err
    assert "without --limit" in err


def test_a_host_of_another_mind(
    capfd: pytest.CaptureFixture[str],
    tones: Path,
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from edge_deploy.bench.host import HearingHost

    frames = HearingHost.frames

    def shifted(self: HearingHost, samples: Any) -> Any:
        return frames(self, samples[1:])

    monkeypatch.setattr(HearingHost, "frames", shifted)
    words = (tones, *LOCAL, "--data", data, "--limit", "2")
    err = refused(capfd, Exit.WRONG_BOARD, words, "2 windows", "expected")
    assert "edge-deploy verify" in err


@pytest.mark.parametrize("where", [VIRTUAL, LOCAL], ids=["virtual", "local"])
def test_a_lab_that_scores_anomalies(
    capfd: pytest.CaptureFixture[str],
    data: Path,
    tmp_path: Path,
    where: tuple[str, ...],
) -> None:
    lab = listening_lab.write_anomaly_lab(
        tmp_path / "shrill", budgets="budgets:\n  nano33: {auc: 0.999}\n"
    )
    picture = tmp_path / "roc.svg"
    words = ("evaluate", lab, *where, "--data", data)
    code, out, err = typed(capfd, *words, "--json", "-o", picture)
    assert code == Exit.DONE, err
    found: dict[str, Any] = json.loads(out)
    assert found["auc"]["value"] == 1.0
    assert 0.5 < found["auc"]["low"] < 0.9  # of nine recordings
    assert "accuracy" not in found
    assert (found["n"], found["normal"], found["anomalous"]) == (9, 6, 3)
    assert [group["group"] for group in found["groups"]] == ["even", "odd"]
    # Silence is like neither tone: above the lab's threshold, but below every high one.
    assert found["confusion"] == [[3, 3], [0, 3]]
    for what in ("windows", "outputs", "decisions"):
        assert found[f"differing_{what}"] == 0
    (check,) = found["budgets"]
    assert (check["resource"], check["status"], check["limit"]) == ("auc", "ok", 0.999)
    assert ET.parse(picture).getroot().tag.endswith("svg")
    code, alone, err = typed(capfd, "evaluate", lab, "--on", "host", "--data", data, "--json")
    assert code == Exit.DONE, err
    assert {key: json.loads(alone)[key] for key in ("auc", "groups", "roc")} == {
        key: found[key] for key in ("auc", "groups", "roc")
    }
    code, out, err = typed(capfd, *words)
    assert code == Exit.DONE, err
    assert "AUC 1.0000, 95 % interval 0.58" in out
    assert "anomalies found: 3 of 3" in out
    assert all(len(line) <= 100 for line in out.splitlines())
    refused(capfd, Exit.BAD_INPUT, (lab, *where, "--data", data, "--limit", "1"), "all are normal")


def test_a_missed_budget_of_auc(
    capfd: pytest.CaptureFixture[str], data: Path, tmp_path: Path
) -> None:
    lab = listening_lab.write_anomaly_lab(
        tmp_path / "shrill", budgets="budgets:\n  nano33: {auc: 0.9}\n"
    )
    recipe = lab / "recipe.py"
    recipe.write_text(recipe.read_text().replace('== "high"', '== "low"'))
    words = (lab, "--on", "host", "--board", "nano33", "--data", data)
    refused(capfd, Exit.OVER_BUDGET, words, "AUC", "0.9")


@pytest.mark.parametrize("where", [VIRTUAL, LOCAL], ids=["virtual", "local"])
def test_a_stream_and_its_curve(
    capfd: pytest.CaptureFixture[str],
    tones: Path,
    data: Path,
    tmp_path: Path,
    where: tuple[str, ...],
) -> None:
    picture = tmp_path / "curve.svg"
    words = ("evaluate", tones, *where, "--data", data, "--stream", "-o", picture, "--json")
    code, out, err = typed(capfd, *words)
    assert code == Exit.DONE, err
    found: dict[str, Any] = json.loads(out)
    assert found["n"] == 6  # silence is no word
    assert found["noise_s"] == 5.0
    assert found["differing_outputs"] == 0
    assert found["results"] > 200
    current = found["current"]
    assert (current["threshold"], current["smooth"]) == (0.6, 3)
    assert (current["misses"], current["false_accepts"]) == (0, 0)
    assert current in found["curve"]
    continuous = found["continuous"]
    assert continuous["audio_s"] == 60.0
    assert (continuous["overruns"], continuous["lost_samples"]) == (0, 0)
    if where == VIRTUAL:
        # The firmware's own decisions on the very recording: the rule's second home is its equal.
        assert found["decisions_compared"] == 6
        assert found["differing_decisions"] == 0
        assert continuous["core_share"]["origin"] == "modelled:cortex_m4"
        assert 0.005 < continuous["core_share"]["value"] < 0.2
    else:
        assert "differing_decisions" not in found
    assert ET.parse(picture).getroot().tag.endswith("svg")


def test_the_curve_as_a_table(capfd: pytest.CaptureFixture[str], tones: Path, data: Path) -> None:
    code, out, err = typed(capfd, "evaluate", tones, *LOCAL, "--data", data, "--stream")
    assert code == Exit.DONE, err
    (mine,) = [line for line in out.splitlines() if "<- the lab's" in line]
    assert mine.split()[:4] == ["0.60", "0", "6", "0.0"]
    assert "faster than real time (measured:host_clock)" in out
    assert all(len(line) <= 100 for line in out.splitlines())


@pytest.mark.parametrize(("count", "most"), [(2, 9), (12, 99), (12, 9_999), (20, 99), (21, 9)])
def test_a_matrix_fits_and_has_every_count(count: int, most: int) -> None:
    names = tuple(f"{number:02}-something-long-and-longer" for number in range(count))
    counts = np.random.default_rng(0).integers(1, most + 1, (count, count))
    lines = matrix_lines(names, counts)
    assert all(len(line) <= 100 for line in lines)
    assert len(lines) == count + 2
    for line, row in zip(lines[2:], counts, strict=True):
        assert [int(cell) for cell in line[16:].split()] == row.tolist()


def test_labels_of_one_letter_have_a_matrix() -> None:
    lines = matrix_lines(tuple("0123456789"), np.diag(np.arange(30, 40)))
    assert len(lines) == 12
    assert lines[1].split() == list("0123456789")
    assert lines[5].split() == ["3", *[".", ".", ".", "33", ".", ".", ".", ".", ".", "."]]


def test_of_too_many_labels_the_worst_pairs_are_told() -> None:
    names = tuple(f"word{number}" for number in range(60))
    counts = np.diag(np.full(60, 9))
    counts[3, 7], counts[8, 1] = 5, 6
    lines = matrix_lines(names, counts)
    assert [line.split() for line in lines[1:]] == [
        ["6", "word8", "as", "word1"],
        ["5", "word3", "as", "word7"],
    ]


# --- what cannot be evaluated ---


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


@pytest.mark.parametrize("where", [LOCAL, ("--on", "host")], ids=["local", "host"])
def test_a_lab_without_a_sensor_has_figures_of_its_own(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, where: tuple[str, ...]
) -> None:
    words = ("evaluate", "hello", *where, "--limit", "200")
    code, out, err = typed(capfd, *words, "--json")
    assert code == Exit.DONE, err
    found: dict[str, Any] = json.loads(out)
    assert (found["n"], found["held_out"]) == (200, 1000)
    assert 0.001 < found["figures"]["rmse"]["value"] < 0.03
    assert found["figures"]["rmse"]["origin"] == "measured:test_samples"
    assert found.get("outputs_compared") == (200 if where == LOCAL else None)
    assert found.get("differing_outputs") == (0 if where == LOCAL else None)
    code, out, err = typed(capfd, *words)
    assert code == Exit.DONE, err
    assert "200 of 1,000 held-out samples" in out
    assert ("0 outputs differ" in out) == (where == LOCAL)
    refused(capfd, Exit.USAGE, ("hello", *where, "--stream"), "hello has no microphone")
    words = ("hello", *where, "-o", tmp_path / "x.svg")
    refused(capfd, Exit.USAGE, words, "hello has figures of its own")


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


# --- the labs that ship ---

RECORDED = {
    "kws": ("speech_commands", "speech_commands_background_noise"),
    "gesture": ("magic_wand_spells_nano33",),
    "vision": ("sign_language_digits",),
    "anomaly": ("ceiling_fan_vibration",),
}


def test_every_lab_with_recordings_is_tried() -> None:
    shipped = {lab.name for lab in labs.load_all() if lab.features is not None}
    assert shipped <= set(RECORDED)


@pytest.mark.parametrize("name", list(RECORDED))
def test_a_few_recordings_of_the_lab(capfd: pytest.CaptureFixture[str], name: str) -> None:
    if name not in {lab.name for lab in labs.load_all()}:
        pytest.skip(f"there is no lab {name}")
    missing = [each for each in RECORDED[name] if not (RECORDINGS / f"{each}.tar.xz").is_file()]
    if missing:
        pytest.skip(f"{', '.join(missing)} not there (EDGE_DEPLOY_TEST_DATA, ../shared)")
    if not labs.load(name).model.is_file():
        pytest.skip(f"{name} has no trained model yet")
    words = ("evaluate", name, "--data", RECORDINGS, "--limit", "24", "--json")
    code, out, err = typed(capfd, *words, *VIRTUAL)
    assert code == Exit.DONE, err
    board: dict[str, Any] = json.loads(out)
    assert board["n"] == board["windows_compared"] == 24
    for what in ("windows", "outputs", "decisions"):
        assert board[f"differing_{what}"] == 0
    code, out, err = typed(capfd, *words, "--on", "host")
    assert code == Exit.DONE, err
    host: dict[str, Any] = json.loads(out)
    assert {key for key in host if host[key] != board[key]} == {"on", "engine"}
    assert board.get("accuracy", board.get("auc"))["value"] > 0.6  # 24 make a rough figure


# --- an IMU, a camera ---


@pytest.mark.parametrize(
    ("name", "where", "count"),
    [
        ("swings", VIRTUAL, 12),
        ("swings", LOCAL, 12),
        ("hum", VIRTUAL, 20),
        ("halves", VIRTUAL, 8),
    ],
)
def test_a_board_finds_what_the_host_finds(
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    name: str,
    where: tuple[str, ...],
    count: int,
) -> None:
    pytest.importorskip("PIL", reason="pictures need Pillow")
    lab = getattr(sensing_labs, f"write_{name}")(tmp_path / name).folder
    words = ("evaluate", lab, "--data", lab / "data", "--json")
    code, out, err = typed(capfd, *words, *where)
    assert code == Exit.DONE, err
    board: dict[str, Any] = json.loads(out)
    assert board["n"] == board["windows_compared"] == count
    for what in ("windows", "outputs", "decisions"):
        assert board[f"differing_{what}"] == 0
    code, out, err = typed(capfd, *words, "--on", "host")
    assert code == Exit.DONE, err
    host: dict[str, Any] = json.loads(out)
    differ = {key for key in host if host[key] != board[key]}
    assert differ == {"on", "engine"}
    assert host.get("accuracy", host.get("auc"))["value"] == 1.0


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The virtual nano33 behind a port, as a real board would be; yields its address."""
    board = subprocess.Popen(
        [
            sys.executable,
            *("-c", "from edge_deploy.cli import main; main()"),
            *("virtual", "nano33", "--speed", "max"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(60, board.kill)
    watchdog.start()
    try:
        assert board.stdout is not None
        yield board.stdout.readline().strip()
    finally:
        watchdog.cancel()
        board.terminate()
        board.communicate(timeout=30)


def test_a_board_behind_a_port_is_used_as_it_is(
    capfd: pytest.CaptureFixture[str], swings: Path
) -> None:
    code, _, err = typed(capfd, "flash", *VIRTUAL, swings, "--no-run")
    assert code == Exit.DONE, err
    with served() as url:
        port = ("--board", "nano33", "-p", url)
        words = ("evaluate", swings, *port, "--data", swings / "data", "--json")
        code, out, err = typed(capfd, *words)
        assert code == Exit.DONE, err
        found: dict[str, Any] = json.loads(out)
        assert (found["on"], found["n"]) == (f"port:{url}", 12)
        assert (found["windows_compared"], found["differing_windows"]) == (12, 0)
        assert found["accuracy"]["value"] == 1.0
        code, out, err = typed(capfd, "verify", swings, *port, "--inputs", "20")
        assert code == Exit.DONE, err
        # It is not flashed: what runs another model, or is another board, is told so.
        code, _, err = typed(capfd, "evaluate", "hello", *port)
        assert code == Exit.WRONG_BOARD, err
        where = f"--board nano33 --on port:{url}"
        assert f"edge-deploy flash {where} --no-run hello  put the model on it first" in err
        assert err.count("edge-deploy flash") == 1
        other = ("--board", "xiao_esp32s3", "-p", url, "--data", swings / "data")
        refused(capfd, Exit.WRONG_BOARD, (swings, *other), "is a nano33, not a xiao_esp32s3")


def test_a_bad_link_changes_nothing(capfd: pytest.CaptureFixture[str], swings: Path) -> None:
    faults = ("--fault", "garble=0.0005", "--fault", "drop=0.0005", "--seed", "3")
    words = ("evaluate", swings, *VIRTUAL, "--data", swings / "data", *faults, "--json")
    code, out, err = typed(capfd, *words)
    assert code == Exit.DONE, err
    found: dict[str, Any] = json.loads(out)
    assert found["accuracy"]["value"] == 1.0
    assert (found["windows_compared"], found["differing_windows"]) == (12, 0)


def test_a_camera_by_the_host_alone(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("PIL", reason="pictures need Pillow")
    lab = sensing_labs.write_halves(tmp_path / "halves").folder
    words = (lab, "--on", "host", "--data", lab / "data")
    code, out, err = typed(capfd, "evaluate", *words, "--json")
    assert code == Exit.DONE, err
    found: dict[str, Any] = json.loads(out)
    assert (found["n"], found["accuracy"]["value"]) == (8, 1.0)
    refused(capfd, Exit.USAGE, (*words, "--stream"), "--stream plays sound", "no microphone")
    torn = lab / "data" / "left" / "2.png"
    torn.write_bytes(torn.read_bytes()[:60])
    refused(capfd, Exit.BAD_INPUT, words, "left/2.png")


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


# --- without TensorFlow ---

WITHOUT = """
import sys
for name in ("tensorflow", "keras", "matplotlib"):
    sys.modules[name] = None  # importing it fails, as where it is not installed
"""


def alone(code: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + code, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_tensorflow_is_not_needed(tones: Path, data: Path) -> None:
    code = "from edge_deploy.cli.main import run\nsys.exit(run(sys.argv[1:]))"
    ended = alone(code, "evaluate", tones, "--on", "host", "--data", data, "--json")
    assert ended.returncode == Exit.DONE, ended.stderr
    assert json.loads(ended.stdout)["n"] == 9


def test_every_labs_recipe_holds_out_without_tensorflow() -> None:
    code = (
        "from edge_deploy import labs\n"
        "from edge_deploy.training import recipe\n"
        "for lab in labs.load_all():\n"
        "    if lab.features is not None:\n"
        "        assert recipe.function(lab.folder, 'held_out') is not None, lab.name\n"
        "        print(lab.name)\n"
    )
    ended = alone(code)
    assert ended.returncode == 0, ended.stderr
    assert "kws" in ended.stdout.split()
