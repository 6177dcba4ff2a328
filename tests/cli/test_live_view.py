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
from tests.cli import sensed
from tests.cli.streams import LABELS, conversation, header, result

GOLDEN = Path(__file__).with_name("golden")


def tally_of(readings, **changes):
    tally = Tally(header(**changes))
    for reading in readings:
        tally.add(reading)
    return tally


SENSED = {
    "gesture": sensed.gestures(),
    "vision": sensed.signs(),
    "anomaly": sensed.vibrations(),
    "no-anomaly": sensed.vibrations(over=False),
}


@pytest.mark.parametrize("name", SENSED)
@pytest.mark.parametrize(("width", "height", "ascii_only"), [(80, 23, False), (44, 12, True)])
def test_pages_of_every_sensor_are_those_that_were_looked_at(name, width, height, ascii_only):
    tally = Tally(sensed.header_of(name.removeprefix("no-")))
    for reading in SENSED[name]:
        tally.add(reading)
    compare(f"{name}-{width}x{height + 1}", draw(tally, width, height, ascii_only=ascii_only))


def compare(name, page):
    """With the page of that name in golden/."""
    lines = [line.rstrip() for line in page.plain.splitlines()]
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("EDGE_DEPLOY_NEW_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lines == path.read_text(encoding="utf-8").splitlines()


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
    compare(name, draw(tally, width, height, ascii_only=ascii_only))


@pytest.mark.parametrize("readings", [0, 1, 10, 99])
@pytest.mark.parametrize("name", ["kws", *SENSED])
def test_page_keeps_within_any_terminal(name, readings):
    tally = Tally(header() if name == "kws" else sensed.header_of(name.removeprefix("no-")))
    for reading in (conversation() if name == "kws" else SENSED[name])[:readings]:
        tally.add(reading)
    for width in (20, 21, 33, 59, 60, 63, 75, 76, 80, 200):
        for height in (*range(6, 26), 44):
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


def anomaly_page(scores, width=80):
    tally = Tally(sensed.header_of("anomaly"))
    for n, score in enumerate(scores):
        tally.add(sensed.scored("anomaly", n, [score]))
    return draw(tally, width, 23).plain


def test_what_is_unusual_is_said_while_the_mean_is_over_the_threshold():
    # The mean of three: (3 + 4 + 4) / 3 is below 4, (4 + 4 + 4) / 3 is not.
    assert "no anomaly" in anomaly_page([3.0, 4.0, 4.0])
    page = anomaly_page([3.0, 4.0, 4.0, 4.0])
    assert "no anomaly" not in page
    assert large("anomaly")[0] in page
    assert "score 4.00, threshold 4.00" in page
    assert "waiting for results" in anomaly_page([9.0, 9.0])
    assert "no anomaly" in anomaly_page([9.0, 9.0, 9.0, 0.0, 0.0])


def test_a_score_stands_against_its_threshold():
    for score in (0.0, 2.0, 4.0, 8.0, 12.0):
        page = anomaly_page([score] * 3)
        gauge = re.search(r"^score ([█▏▎▍▌▋▊▉ ]*)│([█▏▎▍▌▋▊▉ ]*)  [ \d.]{7}$", page, re.MULTILINE)
        below, above = gauge[1], gauge[2]
        columns = len(below) + 1 + len(above)
        assert columns == 80 - 6 - 9
        high = max(8.0, score)  # twice the threshold at least
        assert len(below) == int(4.0 / high * columns)
        assert abs((below + above).count("█") - score / high * columns) <= 1.5
        assert (above[:1] == "█") == (score > 4.0)


def test_motion_has_a_trace_of_each_label():
    tally = Tally(sensed.header_of("gesture"))
    for reading in sensed.gestures():
        tally.add(reading)
    traces = dict(
        re.findall(r"^ *(\w+) .*  ([▁▂▃▄▅▆▇█]{24})  ", draw(tally, 80, 23).plain, re.MULTILINE)
    )
    assert list(traces) == [name[:14] for name in sensed.GESTURES]
    # Result 20 of 0 to 29, of which the last 24 are shown.
    assert traces["locomotor"].index("█") == 20 - 6
    assert "▁▁▁▁" not in draw(tally, 59, 23).plain


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
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789":
        rows = large(letter)
        assert len(rows) == 3
        seen.add(tuple(rows))
    assert len(seen) == 36
    assert large("stop go") is not None
    assert large("100 %") is None
    assert large("avada_kedavra") == large("avada kedavra")
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
