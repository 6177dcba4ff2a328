"""Draws the README's terminal pictures from real runs: python docs/pictures/make.py [FOLDER].

Runs each command in this environment, in a home of its own, and writes what was to be seen as an
SVG beside this file. FOLDER: with the recordings of the wand and the fan (edge-deploy data get
NAME --data-dir FOLDER), for the pictures of gesture and anomaly.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from edge_deploy import audio, labs
from edge_deploy.bench import takes
from edge_deploy.bench.recording import Order
from edge_deploy.bench.takes import Cutter
from edge_deploy.cli.live_view import draw
from edge_deploy.cli.record_view import Page, dropped_line, kept_line
from edge_deploy.cli.record_view import draw as draw_recording
from edge_deploy.cli.tally import Tally
from edge_deploy.recordings import Clip, Facts
from edge_deploy.telemetry import recording
from edge_deploy.telemetry.readings import Inference

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VIRTUAL = ["flash", "--board", "nano33", "--on", "virtual"]
SINE = [*VIRTUAL, "hello", "--count", "50"]
SINE_SHOWN_EVERY = 3  # lines of the stream: a whole turn of the sine fits on a page
WORDS = [*VIRTUAL, "kws", "--mic", "labs/kws/demo.wav"]
# Of labs that feel, which make what is played of recordings that are not ours to give away.
MOVED = {
    "gesture": [*VIRTUAL, "gesture", "--imu", "spells.csv"],
    "anomaly": [*VIRTUAL, "anomaly", "--imu", "fan.csv"],
}
COLUMNS, LINES = 80, 24
RECORDED_SAMPLES = 70_900  # of the recording: into the third take


def main() -> None:
    """Run, and draw."""
    with tempfile.TemporaryDirectory() as home:
        hello(home)
        live("kws", WORDS, home)
        if len(sys.argv) > 1:
            for lab in MOVED:
                moved(lab, Path(sys.argv[1]).resolve(), home)
    record()


def typed(words: list[str], home: str, where: Path = ROOT) -> tuple[str, str]:
    """What the command wrote: (stdout, stderr). where: the folder that it was typed in."""
    ended = subprocess.run(
        [sys.executable, "-c", "from edge_deploy.cli import main; main()", *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=where,
        env={**os.environ, "EDGE_DEPLOY_HOME": home, "PYTHONPATH": str(ROOT)},
    )
    return ended.stdout, ended.stderr


def hello(home: str) -> None:
    """The sine, every third line."""
    out, err = typed([*SINE, "--plain"], home)
    stream = out.splitlines()[::SINE_SHOWN_EVERY]
    first, *summary = [line for line in err.splitlines() if "Recorded" not in line]
    if first.startswith("Built"):
        first, *summary = summary
    console = Console(record=True, width=112, file=io.StringIO())
    console.print(Text("$ edge-deploy " + " ".join(SINE), style="bold"))
    for line in (first, *stream, *summary):
        console.print(Text(line))
    console.save_svg(str(HERE / "hello.svg"), title="every third line shown")


def moved(lab: str, recordings: Path, home: str) -> None:
    """What the lab's demonstration shows when something was felt last."""
    with tempfile.TemporaryDirectory() as where:
        subprocess.run(
            [sys.executable, ROOT / "labs" / lab / "make_demo.py", recordings],
            check=True,
            cwd=where,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        live(lab, MOVED[lab], home, Path(where))


def live(name: str, words: list[str], home: str, where: Path = ROOT) -> None:
    """The live view as it stood when something was decided for the last time."""
    _, err = typed(words, home, where)
    found = re.search(r"^Recorded in (.*)$", err, re.MULTILINE)
    if found is None:
        raise SystemExit(err)
    loaded = recording.load(Path(found[1]))
    last = max(
        position
        for position, reading in enumerate(loaded.readings)
        if isinstance(reading, Inference) and reading.heard is not None
    )
    tally = Tally(loaded.header)
    for reading in loaded.readings[: last + 1]:
        tally.add(reading)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), highlight=False)
    console.print(Text("$ edge-deploy " + " ".join(words), style="bold"))
    console.print(draw(tally, COLUMNS, LINES - 1))
    console.save_svg(str(HERE / f"{name}.svg"), title="edge-deploy")


def record() -> None:
    """A recording in the middle of a take, of what the demonstration of kws plays."""
    lab = labs.load("kws")
    form = takes.form(lab.source, lab.features, clip_s=None, gap_s=1.0, lead_s=0.0)
    facts = Facts("microphone", lab.source.sample_rate_hz, "nano33", "virtual")
    order = Order(Path("recordings"), "yes", "ada", "20260131T101500", facts, form)
    sound = audio.read(HERE.parents[1] / "labs" / "kws" / "demo.wav").samples
    page, cutter = Page(order), Cutter(form)
    lines, number = [], 0
    for first in range(0, RECORDED_SAMPLES, 100):
        piece = sound[first : first + 100]
        page.sensed(piece, cutter)
        for take in cutter.feed(first, piece):
            judged = takes.judge(form, take)
            if judged.problem is not None:
                page.dropped += 1
                lines.append(dropped_line(judged))
                continue
            number += 1
            page.kept = number
            path = Path(f"recordings/yes/ada_20260131T101500_{number:03d}.wav")
            lines.append(kept_line(Clip(path, "yes", "ada", "20260131T101500", number), judged))
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), highlight=False)
    words = "record --board nano33 --on virtual --sensor mic --label yes --speaker ada"
    console.print(Text(f"$ edge-deploy {words}", style="bold"))
    for line in lines:
        console.print(Text(line))
    console.print(draw_recording(page, COLUMNS, LINES - 1))
    console.save_svg(str(HERE / "record.svg"), title="edge-deploy")


if __name__ == "__main__":
    main()
