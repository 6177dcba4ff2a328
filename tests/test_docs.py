"""Every edge-deploy command in a fenced block of the documents parses against the real CLI.

Parsed only: verbs, options, their types and what must be there. Running them is the
business of the tests that have a board.
"""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from edge_deploy.cli import edge_deploy
from tests.documented import PROGRAM, Typed, commands

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("*.md", "docs/**/*.md", "labs/*/*.md", "kits/*/*.md", "firmware/**/*.md")


def check(words: tuple[str, ...]) -> None:
    """Parse as the CLI would, without running; raises click.UsageError."""
    try:
        with edge_deploy.make_context(PROGRAM, list(words)) as root:
            name, command, rest = edge_deploy.resolve_command(root, list(words))
            assert command is not None
            with command.make_context(name, rest, parent=root) as context:
                words = (*context._protected_args, *context.args)
                if isinstance(command, click.Group) and words:
                    name, command, rest = command.resolve_command(context, list(words))
                    command.make_context(name, rest, parent=context).close()
    except click.exceptions.Exit:  # --help, --version
        pass


def _all() -> list[Typed]:
    paths = sorted({path for pattern in DOCUMENTS for path in ROOT.glob(pattern)})
    names = [path.relative_to(ROOT).as_posix() for path in paths]
    return [
        typed
        for path, name in zip(paths, names, strict=True)
        for typed in commands(path.read_text(encoding="utf-8"), name)
    ]


@pytest.mark.parametrize(
    "typed", _all(), ids=lambda typed: f"{typed.where} {' '.join(typed.words)}"
)
def test_the_command_parses(typed):
    check(typed.words)


@pytest.mark.parametrize("lab", sorted(path.parent.name for path in ROOT.glob("labs/*/handout.md")))
def test_a_handout_has_commands_that_run_its_own_lab(lab):
    path = ROOT / "labs" / lab / "handout.md"
    found = commands(path.read_text(encoding="utf-8"), path.name)
    verbs = {typed.words[0] for typed in found if lab in typed.words}
    assert {"inspect", "flash"} <= verbs


def test_commands_are_found_where_a_reader_would_paste_them():
    text = """
edge-deploy outside --of a fence
```console
$ edge-deploy bench hello --board nano33 \\
    --json | tee out.json
  edge-deploy indented    output of a program
edge-deploy labs > labs.txt
$ EDGE_DEPLOY_ON=local edge-deploy run --board 'my board' && edge-deploy boards
$ pip install edge-deploy
```
~~~
$ edge-deploy --version
```
$ edge-deploy doctor
~~~
"""
    assert [(typed.where, typed.words) for typed in commands(text, "t")] == [
        ("t:4", ("bench", "hello", "--board", "nano33", "--json")),
        ("t:7", ("labs",)),
        ("t:8", ("run", "--board", "my board")),
        ("t:8", ("boards",)),
        ("t:12", ("--version",)),
        ("t:14", ("doctor",)),
    ]


@pytest.mark.parametrize(
    "line",
    [
        *("no-such-verb hello", "inspect hello --no-such-option", "inspect"),
        *("flash hello --count many", "data get", "data check x --no-such-option"),
    ],
)
def test_a_command_that_does_not_parse_is_noticed(line):
    with pytest.raises(click.UsageError):
        check(tuple(line.split()))
