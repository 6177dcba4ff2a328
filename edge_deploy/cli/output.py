"""How results and errors reach a person or a program.

Data on stdout, progress and errors on stderr. One JSON document with `schema_version` for
`--json`, one object a line for streams. `NO_COLOR`, `CI` and a pipe are honoured: no
colours, no bars, no prompts.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import click

from edge_deploy.errors import EdgeDeployError

SCHEMA_VERSION = 1

# Wide enough that no table is wrapped when nobody looks at it through a terminal.
_PIPE_COLUMNS = 240


def say(text: str) -> None:
    """One line of progress, on stderr."""
    click.echo(text, err=True)


def show(text: str = "") -> None:
    """One line of data, on stdout."""
    click.echo(text)


def error(problem: EdgeDeployError) -> None:
    """One line that says what happened, then what to try."""
    say(
        click.style("Error: ", fg="red", bold=True) + problem.message
        if is_terminal(sys.stderr)
        else f"Error: {problem.message}"
    )
    if problem.try_next:
        say("Things to try:")
        for line in problem.try_next:
            say(f"  {line}")


def document(content: Mapping[str, Any]) -> None:
    """The one JSON document of a verb."""
    show(json.dumps({"schema_version": SCHEMA_VERSION, **content}, indent=2))


def line(content: Mapping[str, Any]) -> None:
    """One JSON object of a stream, flushed, so that a reader sees it at once."""
    sys.stdout.write(json.dumps({"schema_version": SCHEMA_VERSION, **content}) + "\n")
    sys.stdout.flush()


def write(path: Path, content: str | bytes) -> None:
    """A file of the user's, text as UTF-8. Raises EdgeDeployError where the disk refuses."""
    try:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as problem:
        raise EdgeDeployError(
            f"{path}: cannot be written: {problem.strerror or problem}."
        ) from problem


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "", err: bool = False
) -> None:
    """A table; columns whose cells are all numbers stand to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    stream = sys.stderr if err else sys.stdout
    console = Console(
        file=stream,
        width=None if stream.isatty() else _PIPE_COLUMNS,
        no_color=not is_terminal(stream),
        highlight=False,
        emoji=False,
        markup=False,
    )
    drawn = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for position, heading in enumerate(headings):
        cells = [row[position] for row in rows]
        numeric = all(cell and (cell[0].isdigit() or cell[0] in "-+.") for cell in cells)
        drawn.add_column(heading, justify="right" if cells and numeric else "left", no_wrap=numeric)
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    console.print(drawn)


def number(value: float, digits: int = 0) -> str:
    """1234567 as '1,234,567'; with digits behind the point where asked."""
    return f"{value:,.{digits}f}"


def is_terminal(stream: IO[str]) -> bool:
    """Whether a person watches `stream` and wants colours and counters."""
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR") and not os.environ.get("CI")


def can_ask() -> bool:
    """Whether a person is there to be asked, and to answer."""
    return is_terminal(sys.stderr) and sys.stdin is not None and sys.stdin.isatty()
