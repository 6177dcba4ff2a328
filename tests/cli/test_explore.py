"""`explore` as a user types it: what it refuses, what it shows, and what stays when it ends early.

The points are made up here, for the command's own business; real ones are trained in
tests/teaching/explore.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from edge_deploy.errors import Exit
from edge_deploy.teaching.explore import pool
from edge_deploy.training import runtime
from tests.teaching.explore import made, processes
from tests.teaching.explore.conftest import LAB, RECIPE


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A lab's folder; commands run beside it."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "twice"
    folder.mkdir()
    (folder / "lab.yaml").write_text(LAB)
    (folder / "recipe.py").write_text(RECIPE)
    return folder


@pytest.fixture
def doers(monkeypatch):
    """Points without training: cycles 100 times the width, rmse 1 over it; "none" fails."""
    state = {"done": 0, "stop_after": None}

    class Made:
        def __init__(self, workers):
            state["workers"] = workers

        def run(self, tasks):
            for task in tasks:
                if state["done"] == state["stop_after"]:
                    raise KeyboardInterrupt
                state["done"] += 1
                width = task.knobs["width"]
                found = made.point(
                    task.key, task.knobs, figure=1 / width, name="rmse", cycles=100 * width
                )
                if task.knobs["rate"] == "none":
                    found = dataclasses.replace(made.failed(task.key), knobs=task.knobs)
                yield found

    monkeypatch.setattr(pool, "Processes", Made)
    return state


WORDS = ("explore", "twice", "--points", "4", "--knob", "rate=slow,none", "--workers", "3")


def test_a_search_is_told_drawn_and_goes_on_where_it_was(lab, doers, command):
    ended = command(*WORDS)
    assert ended.code == 0, ended.err
    assert doers == {"done": 4, "stop_after": None, "workers": 3}
    assert "[4 of 4] #4" in ended.err
    assert "#1 the lab's own: rmse 0.25, 400 cycles (3 s)" in ended.err
    rows = [line.split() for line in ended.out.splitlines() if line[:1] == " "]
    rows = [row for row in rows if row and row[0].isdigit()]
    # By cycles, failed ones last: number, width, rate, reach, rmse, ...
    assert [row[:4] for row in rows[:4]] == [
        ["2", "2", "slow", "1.0"],
        ["1", "4", "slow", "1.0"],
        ["3", "8", "none", "2.0"],
        ["4", "4", "none", "1.0"],
    ]
    assert rows[1][4:] == ["0.25", "0.26", "own,", "cycles,", "flash"]
    assert rows[2][4:] == ["-", "-", "failed"]
    # And their costs, of those that have any.
    assert rows[4:] == [["2", "200", "5,000"], ["1", "400", "5,000"]]
    assert "#3  OverBudget: it needs 2 B" in ended.out
    assert "rmse: of 100 validation samples; int8 measured:reference" in ended.out
    assert "what the compiler takes is int8" in ended.out
    tree = ET.fromstring(Path("explore-twice/explore.svg").read_text("utf-8"))
    words = [element.text for element in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert "twice: rmse against cost on nano33 (virtual)" in words
    assert "the lab's own" in words
    assert "further right: budget, 0.06 ms" in words
    assert not any("QUICK" in text for text in words)

    again = command(*WORDS, "--json")
    assert doers["done"] == 4
    assert again.err.count("(kept)") == 4
    document = json.loads(again.out)
    assert document["schema_version"] == 1
    assert (document["lab"], document["board"], document["on"]) == ("twice", "nano33", "virtual")
    assert document["figure"] == {"name": "rmse", "least": True}
    assert not document["quick"]
    assert len(document["points"]) == 4
    assert len({point["key"] for point in document["points"]}) == 4
    own = document["points"][0]
    assert own["own"]
    assert own["costs"]["cycles"] == {"value": 400, "unit": "cycles", "origin": "modelled:m4"}
    failures = [point for point in document["points"] if "failure" in point]
    assert {point["knobs"]["rate"] for point in failures} == {"none"}
    # Of points with the same rate, wider is dearer and better: all that worked are the front.
    numbers = {p["number"] for p in document["points"] if "failure" not in p}
    assert set(document["front"]["cycles"]) <= numbers

    more = command(*("5" if word == "4" else word for word in WORDS), "--plot", "other.svg")
    assert more.code == 0
    assert doers["done"] == 5
    assert Path("other.svg").is_file()


def test_a_cluster_is_not_spoken_to_where_all_is_kept(lab, doers, command):
    words = WORDS[:-2]
    assert command(*words).code == 0
    assert command(*words, "--cluster", "tcp://nowhere.invalid:1").code == 0
    assert doers["done"] == 4


def test_quick_is_said_everywhere(lab, doers, command):
    ended = command("explore", "twice", "--quick", "--json")
    document = json.loads(ended.out)
    assert document["quick"]
    assert (document["epochs"], document["most_samples"]) == (6, 1000)
    assert len(document["points"]) == 8
    assert "QUICK, not to choose by" in Path("explore-twice/explore.svg").read_text("utf-8")
    assert "QUICK, not to choose by: seed 7, 6 epochs" in command("explore", "twice", "--quick").out


def test_ctrl_c_is_one_line_and_keeps_what_is_done(lab, doers, command):
    doers["stop_after"] = 2
    ended = command(*WORDS)
    assert ended.code == Exit.INTERRUPTED
    assert ended.err.splitlines()[-1] == (
        "Interrupted: 2 of 4 points are kept in explore-twice; the same command goes on."
    )
    assert ended.out == ""
    doers["stop_after"] = None
    assert command(*WORDS).code == 0
    assert doers["done"] == 4


def test_a_dry_run_does_nothing(lab, doers, command):
    doers["stop_after"] = 1
    command(*WORDS)
    ended = command(*WORDS, "--dry-run")
    assert ended.code == 0
    assert doers["done"] == 1
    assert ended.out.count("to do") == 3
    assert ended.out.count(" kept") == 1
    assert "neurons" in ended.out
    document = json.loads(command(*WORDS, "--dry-run", "--json").out)
    assert [point["kept"] for point in document["points"]] == [True, False, False, False]


def test_where_no_point_works_the_first_failure_is_told(lab, doers, command):
    ended = command("explore", "twice", "--knob", "rate=none")
    assert ended.code == Exit.FAILED
    assert "none of the 6 points worked; the first: OverBudget: it needs 2 B" in ended.err
    assert not Path("explore-twice/explore.svg").exists()


def refused(ended, code, *words):
    assert ended.code == code
    assert ended.out == ""
    for word in words:
        assert word in ended.err
    assert ended.err.startswith("Error: ")


def test_what_cannot_be_explored_is_one_line(lab, doers, command, tmp_path):
    refused(command("explore", "nothing"), Exit.BAD_INPUT, "no lab is called 'nothing'")
    refused(command("explore", "twice", "--board", "xiao_esp32s3"), Exit.USAGE, "no emulated core")
    refused(
        command("explore", "twice", "--knob", "height=3"), Exit.USAGE, "one of width, rate, reach"
    )
    for address in ("localhost:8786", "tcp://", "tcp://here", "tcp://:8786", "tls://here:8786"):
        refused(
            command("explore", "twice", "--cluster", address), Exit.USAGE, "is not tcp://HOST:PORT"
        )
    refused(
        command("explore", "twice", "--cluster", "tcp://x:1", "--workers", "2"),
        Exit.USAGE,
        "the cluster has its own",
    )
    (tmp_path / "file").touch()
    assert command("explore", "twice", "-o", "file/folder").code == Exit.FAILED
    text = RECIPE.replace("KNOBS", "OTHER").replace("data(seed, knobs)", "data(seed)")
    (lab / "recipe.py").write_text(text)
    refused(command("explore", "twice"), Exit.BAD_INPUT, "twice has no knobs", "KNOBS = (Knob(")


def test_a_full_disk_is_told_and_what_was_kept_stays(lab, doers, command, monkeypatch):
    write = Path.write_bytes

    def full(path, content):
        if doers["done"] == 3:
            raise OSError(28, os.strerror(28), str(path))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    ended = command(*WORDS)
    assert ended.code == Exit.FAILED
    assert "explore-twice: the result cannot be kept: No space left on device." in ended.err
    assert len(list(Path("explore-twice").glob("*.json"))) == 2
    assert not list(Path("explore-twice").glob("*.part"))
    monkeypatch.undo()


SLOW = """
def data(seed, knobs):
    import time
    if knobs["reach"] == 2.0:
        time.sleep(99)
    raise ValueError("no data")
"""


@processes.needs_proc
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_search_that_ends_early_leaves_what_is_done_and_no_workers(lab, command, tmp_path, how):
    try:
        runtime.installed()
    except runtime.TrainingMissing as error:
        pytest.skip(error.message)
    # Before TensorFlow is loaded one point fails for good, and the other is at something.
    text = RECIPE.replace("\ndef data(seed, knobs):\n", SLOW)
    (lab / "recipe.py").write_text(text)
    words = ("explore", "twice", "--knob", "width=4", "--knob", "rate=slow", "--workers", "2")
    code = "from edge_deploy.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        env={**os.environ, "EDGE_DEPLOY_HOME": str(tmp_path / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as search:
        assert "BadInput" in search.stderr.readline()
        workers = processes.of(search.pid)
        assert len(workers) == 2
        search.send_signal(how)
        out, err = search.communicate(timeout=60)
    assert out == ""
    if how == signal.SIGINT:
        assert search.returncode == Exit.INTERRUPTED
        assert err == (
            "Interrupted: 1 of 2 points are kept in explore-twice; the same command goes on.\n"
        )
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    found = json.loads(command(*words, "--dry-run", "--json").out)
    assert [point["kept"] for point in found["points"]] == [True, False]
