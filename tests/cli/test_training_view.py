"""How training is watched: a line now and then, bars that fit 80 columns, events for a program."""

from __future__ import annotations

import json
import re

import pytest

from edge_deploy.cli import output, training_view
from edge_deploy.training import Batch, Epoch


def _epoch(number, of, accuracy=0.9):
    return Epoch(number, of, 1 / number, 2 / number, accuracy)


def test_a_pipe_gets_about_ten_lines_with_the_time_that_is_left(capfd, monkeypatch):
    times = iter(range(0, 10_000, 90))
    monkeypatch.setattr(training_view.time, "monotonic", lambda: float(next(times)))
    with training_view.watching(as_json=False) as watch:
        assert watch.batch is None  # nobody looks: batches are not even asked for
        watch.say("Reading the samples ...")
        for number in range(21, 81):  # gone on after 20 of 80
            watch.epoch(_epoch(number, 80, None))
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "Reading the samples ..."
    assert lines[1] == (
        "epoch   24 of 80   loss 0.04167   validation 0.08333   84 min left"  # 56 of 90 s each
    )
    assert lines[-1] == "epoch   80 of 80   loss 0.01250   validation 0.02500"
    assert len(lines) == 9


def test_durations_are_as_exact_as_anyone_wants():
    told = [training_view.duration(seconds) for seconds in (0.4, 59.6, 119, 121, 3_600)]
    assert told == ["0 s", "60 s", "119 s", "2 min", "60 min"]


def test_a_program_gets_an_object_a_line_on_stderr(capfd):
    with training_view.watching(as_json=True) as watch:
        watch.say("Quantizing")
        watch.epoch(_epoch(2, 4))
    told = capfd.readouterr()
    assert told.out == ""
    assert [json.loads(line) for line in told.err.splitlines()] == [
        {"event": "stage", "text": "Quantizing"},
        {
            "event": "epoch",
            "number": 2,
            "of": 4,
            "loss": 0.5,
            "validation_loss": 1.0,
            "validation_accuracy": 0.9,
        },
    ]


@pytest.mark.parametrize("first", [1, 3])
def test_bars_fit_a_terminal_of_80_columns_and_are_gone_at_the_end(capfd, monkeypatch, first):
    monkeypatch.setattr(output, "is_terminal", lambda _stream: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    with training_view.watching(as_json=False) as watch:
        watch.say("Reading [the] samples ...")
        for number in range(first, 5):
            for batch in (5, 10):
                watch.batch(Batch(number, 4, batch, 10, 0.123456))
            watch.epoch(_epoch(number, 4))
    shown = capfd.readouterr().err
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    lines = [line.rstrip() for line in re.split(r"[\r\n]+", plain)]
    assert "Reading [the] samples ..." in lines
    last = [line for line in lines if line.startswith("epochs")][-1]
    assert "4/4" in last
    assert last.endswith("loss 0.2500  validation 0.5000  90.0 %")
    assert any(line.startswith("epoch 4") and "10/10" in line for line in lines)
    assert max(map(len, lines)) <= 80
    # What was drawn is erased line by line.
    assert shown.rstrip().endswith("\x1b[2K")
