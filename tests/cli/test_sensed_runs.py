"""Labs that feel and look on the virtual board, from the option to the last line."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("unicorn", reason="the virtual extra is not installed")
pytest.importorskip("PIL", reason="the virtual extra is not installed")

from edge_deploy import motion, pictures
from edge_deploy.cli.main import run
from edge_deploy.errors import Exit
from tests import sensing_labs

VIRTUAL = ("--board", "nano33", "--on", "virtual")


@pytest.fixture(scope="module")
def labs(tmp_path_factory):
    """The labs in a folder, with a home that keeps what was built."""
    folder = tmp_path_factory.mktemp("labs")
    sensing_labs.write_swings(folder / "swings")
    sensing_labs.write_hum(folder / "hum")
    sensing_labs.write_halves(folder / "halves")
    return folder


@pytest.fixture
def flash(labs, monkeypatch, capfd):
    """`flash` of a lab: its results, and what it said."""
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(labs / "home"))

    def type_(lab, *words):
        capfd.readouterr()
        code = run(["flash", str(labs / lab), *VIRTUAL, *map(str, words)])
        out, err = capfd.readouterr()
        lines = [json.loads(line) for line in out.splitlines()]
        return code, [line for line in lines if line["kind"] == "inference"], err

    return type_


def decided(results):
    return [(each["word"], each["at_s"]) for each in results if "word" in each]


def test_a_movement_is_felt_when_it_happens(flash, labs, tmp_path):
    # Rest, a swing to the side from 1 s on, rest, a turn from 2.5 s on; then a second of rest.
    rest = np.zeros((100, 6), np.int16)
    rest[:, 2] = 8192
    moved = [rest, sensing_labs.swing("sideways", 5), rest, sensing_labs.swing("round", 6)]
    motion.write(tmp_path / "x.csv", np.concatenate(moved))
    code, results, err = flash("swings", "--imu", tmp_path / "x.csv", "--seed", "3")
    assert code == Exit.DONE, err
    # 300 samples and 100 of rest, a result every 10: nothing is lost, and it ends by itself.
    assert [each["at_s"] for each in results] == pytest.approx([0.1 * n for n in range(1, 41)])
    assert (results[-1]["lost"], results[-1]["overruns"]) == (0, 0)
    words = dict(decided(results))
    assert set(words) == {"sideways", "round"}
    assert 1.0 < words["sideways"] < 2.0
    assert 2.5 < words["round"] < 3.5
    assert f"It feels {tmp_path / 'x.csv'}." in err


def test_a_machine_that_begins_to_rattle(flash, tmp_path):
    for name, rattle in (("a.csv", False), ("b.csv", True)):
        motion.write(tmp_path / name, sensing_labs.hum("slow", rattle, 1, 600))
    code, results, err = flash("hum", "--imu", tmp_path)
    assert code == Exit.DONE, err
    assert len(results) == 16  # two recordings of 3 s, 1 s of rest after each
    first, *_ = decided(results)
    assert first[0] == "rattle"
    assert first[1] > 4.0  # the first recording is over, and nothing was told in it
    assert "rattle" in err


def test_pictures_are_seen_one_after_the_other(flash, labs, tmp_path):
    for number, label in enumerate(("left", "right", "left")):
        pictures.write(tmp_path / f"{number}.png", sensing_labs.half(label, 40 + number))
    code, results, err = flash("halves", "--camera", f"{tmp_path}:1s")
    assert code == Exit.DONE, err
    assert [each["word"] for each in results] == ["left"] * 2 + ["right"] * 2 + ["left"] * 2
    assert [each["at_s"] for each in results] == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert "0 overruns, 0 frames lost" in err


def test_what_was_flashed_is_held_to_what_it_is_shown(labs, flash, tmp_path, capfd):
    motion.write(tmp_path / "x.csv", np.zeros((5, 3), np.int16))
    assert flash("swings", "--no-run")[0] == Exit.DONE
    code, _, err = flash("swings", "--imu", tmp_path / "x.csv")
    assert code == Exit.BAD_INPUT
    assert "x.csv has 3 columns" in err
    for option, nothing in (("--camera", "grey"), ("--mic", "silence")):
        code, _, err = flash("swings", option, nothing)
        assert code == Exit.USAGE
        assert f"{option} is for models that" in err
        assert "the source of swings is imu" in err
        # The board says itself what it senses.
        assert run(["run", *VIRTUAL, option, nothing, "--count", "1"]) == Exit.USAGE
        assert "is imu" in capfd.readouterr().err


def test_nothing_said_is_told(flash):
    code, results, err = flash("halves", "--count", "2")
    assert code == Exit.DONE
    assert "It sees grey; --camera picture.png gives it something to look at." in err
    assert len({tuple(each["scores"]) for each in results}) == 1
    _, _, err = flash("swings", "--count", "1")
    assert "It lies still; --imu recording.csv moves it." in err
