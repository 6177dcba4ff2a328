"""Draws the README's terminal picture from a real run: python docs/pictures/make.py.

Runs the command in this environment and writes what it printed as an SVG beside this file.
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WORDS = ["flash", "--board", "nano33", "--on", "virtual", "hello", "--count", "50"]
SHOWN_EVERY = 3  # lines of the stream: a whole turn of the sine fits on a page


def main() -> None:
    """Run, and draw."""
    ended = subprocess.run(
        [sys.executable, "-c", "from edge_deploy.cli import main; main()", *WORDS],
        capture_output=True,
        text=True,
        check=True,
    )
    stream = ended.stdout.splitlines()[::SHOWN_EVERY]
    first, *summary = [line for line in ended.stderr.splitlines() if "Recorded" not in line]
    if first.startswith("Built"):
        first, *summary = summary
    console = Console(record=True, width=112, file=io.StringIO())
    console.print(Text("$ edge-deploy " + " ".join(WORDS), style="bold"))
    for line in (first, *stream, *summary):
        console.print(Text(line))
    console.save_svg(str(Path(__file__).with_name("hello.svg")), title="every third line shown")


if __name__ == "__main__":
    main()
