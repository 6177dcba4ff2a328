"""The live view at several sizes against pages that a person has looked at, and on a terminal.

`EDGE_DEPLOY_NEW_GOLDEN=1 pytest tests/cli/test_live_view.py` writes the pages anew: look at them.
"""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import pytest
from rich.console import Console

from edge_deploy.cli.letters import large
from edge_deploy.cli.live_view import REFRESHES_PER_S, LiveView, draw
from edge_deploy.cli.tally import Tally
from edge_deploy.telemetry.readings import Inference
from tests.cli.streams import LABELS, conversation, header, result

GOLDEN = Path(__file__).with_name("golden")


def tally_of(readings, **changes):
    tally = Tally(header(**changes))
    for reading in readings:
        tally.add(reading)
    return tally


CASES = {
    "80x24": (80, 23, {}, 18, False),
    "120x40": (120, 40, {}, 99, False),
    "60x20": (60, 20, {}, 18, False),
    "40x12": (40, 12, {}, 18, False),
    "20x6": (20, 6, {}, 18, False),
    "80x24-nothing-yet": (80, 23, {}, 0, False),
    "80x24-ascii": (80, 23, {}, 18, True),
    "80x24-on-this-computer": (80, 23, {"port": "host"}, 18, False),
}


@pytest.mark.parametrize("name", CASES)
def test_page_is_the_one_that_was_looked_at(name):
    width, height, changes, readings, ascii_only = CASES[name]
    tally = tally_of(conversation()[:readings], **changes)
    page = draw(tally, width, height, ascii_only=ascii_only).plain
    lines = [line.rstrip() for line in page.splitlines()]
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("EDGE_DEPLOY_NEW_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lines == path.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("readings", [0, 1, 10, 99])
def test_page_keeps_within_any_terminal(readings):
    tally = tally_of(conversation()[:readings])
    for width in (20, 21, 33, 47, 63, 75, 76, 80, 81, 200):
        for height in range(6, 45):
            for ascii_only in (False, True):
                lines = draw(tally, width, height, ascii_only=ascii_only).plain.split("\n")
                assert len(lines) <= height
                assert max(map(len, lines)) <= width
                assert not ascii_only or "".join(lines).isascii()


def test_all_that_the_page_promises_is_on_80_columns_and_24_lines():
    page = draw(tally_of(conversation()), 80, 23).plain
    for label in LABELS:
        assert re.search(rf"^ *{label} ", page, re.MULTILINE), label
    for words in (
        "no  0.75  at 3.01 s",
        "dsp 9,402  inference 84,196  post 19  = 93,617 us",
        "4,872,188 cycles  916.90 uJ  46.8 % of the core",
        "dropped records 1  overruns 0  lost samples 0  corrupt lines 1",
        "yes 1.4 s  no 3.0 s",
    ):
        assert words in page


def test_more_labels_than_lines_shows_the_largest():
    scores = tuple((i * 37 % 100) / 100 for i in range(100))
    reading = Inference(0, 0, 1, 2, 3, scores=scores, top=73, top_score=0.99)
    labels = tuple(f"l{i}" for i in range(100))
    page = draw(tally_of([reading], labels=labels), 80, 23).plain
    shown = [float(match) for match in re.findall(r"^ *l\d+ .* (\d\.\d\d)$", page, re.MULTILINE)]
    assert len(shown) > 8
    assert shown == sorted(scores, reverse=True)[: len(shown)]


def test_bar_is_as_long_as_the_score():
    for score in (0.0, 0.25, 0.5, 1.0):
        page = draw(tally_of([result(0, "yes", score)]), 88, 23).plain
        bar = re.search(r"^ *yes (.*?) *\d\.\d\d$", page, re.MULTILINE)[1]
        full = 88 - len("unknown") - 8
        share = (score - 0) / (255 / 256)  # of what an int8 output can say
        assert abs(bar.count("█") - min(share, 1) * full) <= 1


def test_large_letters_are_three_lines_of_one_width_and_all_different():
    seen = set()
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        rows = large(letter)
        assert len(rows) == 3
        seen.add(tuple(rows))
    assert len(seen) == 26
    assert large("stop go") is not None
    assert large("100 %") is None
    assert large("") is None


class Terminal(io.StringIO):
    """A terminal that remembers what was written on it, and when it was asked to draw."""

    encoding = "utf-8"

    def isatty(self):
        return True


def shown(monkeypatch, **environment):
    for name in ("NO_COLOR", "CI", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal()
    console = Console(file=terminal, force_terminal=True, width=80, height=24, highlight=False)
    tally = Tally(header())
    with LiveView(tally, console) as view:
        for reading in conversation():
            tally.add(reading)
            view.show(reading)
    return terminal.getvalue()


def test_the_last_page_stays_on_the_terminal(monkeypatch):
    written = shown(monkeypatch)
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written)
    assert "yes 1.4 s  no 3.0 s" in last
    assert written.rstrip().endswith("\x1b[?25h")  # the cursor is back


def test_colours_unless_no_color(monkeypatch):
    colour = re.compile(r"\x1b\[[0-9;]*3[0-9]m")
    assert colour.search(shown(monkeypatch))
    assert not colour.search(shown(monkeypatch, NO_COLOR="1"))


def test_a_fast_board_does_not_draw_more_than_ten_times_a_second(monkeypatch):
    import time

    draws = []
    monkeypatch.setattr(
        "edge_deploy.cli.live_view.draw", lambda *a, **k: draws.append(a) or draw(*a, **k)
    )
    terminal = Terminal()
    console = Console(file=terminal, force_terminal=True, width=80, height=24)
    tally = Tally(header())
    began = time.monotonic()
    with LiveView(tally, console) as view:
        while time.monotonic() - began < 1.0:
            for reading in conversation():
                tally.add(reading)
                view.show(reading)
    seconds = time.monotonic() - began
    assert 2 <= len(draws) <= REFRESHES_PER_S * seconds + 3  # and one at each end
