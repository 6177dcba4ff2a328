"""`evaluate` as a user types it: labs that hear tones, on a virtual board and on this computer.

The labs are made here and need no recordings of people.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_deploy.cli.figures import matrix_lines
from edge_deploy.errors import Exit
from tests import listening_lab
from tests.cli.evaluate.asking import LOCAL, VIRTUAL, refused
from tests.cli.test_spine import typed

pytest.importorskip("unicorn", reason="the virtual board needs the extra `virtual`")
pytest.importorskip("tflite_runtime", reason="the host's model runs on the extra `reference`")


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
