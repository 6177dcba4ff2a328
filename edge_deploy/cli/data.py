"""The verb for recordings that labs learn from: data, and data NAME, get, check, forget."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from edge_deploy import catalogue, labs
from edge_deploy.catalogue import DataSet
from edge_deploy.cli import output
from edge_deploy.cli.forget import forget
from edge_deploy.cli.options import DATA_VARIABLE, debug_option, json_option
from edge_deploy.download import Patience
from edge_deploy.training import acquire, datasets
from edge_deploy.training.acquire import Found
from edge_deploy.training.datasets import NoData

F = TypeVar("F", bound=Callable[..., Any])

_ABSENT = "-"


class _Words(click.Group):
    """`get`, `check`, or else the name of a data set."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A word that is no command of ours is what to show."""
        if args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return show.name, show, args


def _folder_option(function: F) -> F:
    return click.option(
        "--data-dir",
        "--data",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=None,
        metavar="FOLDER",
        help=f"Where the data sets are  [default: {DATA_VARIABLE}, or edge-deploy's cache]",
    )(function)


@click.group(
    cls=_Words,
    invoke_without_command=True,
    subcommand_metavar="[NAME | get NAME... | check NAME | forget SPEAKER]",
)
@_folder_option
@json_option
@debug_option
@click.pass_context
def data(ctx: click.Context, folder: Path | None, as_json: bool) -> None:
    """List the data sets that labs learn from, or show the one called NAME with its licence.

    \b
      edge-deploy data                      what there is, and what of it is here
      edge-deploy data get speech_commands  download it, or go on with a download
      edge-deploy data check speech_commands
      edge-deploy data forget ada           remove a speaker from recordings of one's own

    Without a network: copy the archive, as its makers publish it, into a FOLDER, and
    edge-deploy data get NAME --data-dir FOLDER.
    """  # noqa: D301  click takes the escape itself for "keep these lines"
    if ctx.invoked_subcommand is not None:
        # What stands before the command's word holds for it too.
        given: dict[str, Any] = {"folder": folder, "as_json": as_json}
        ctx.default_map = dict.fromkeys([*_COMMANDS, show.name or ""], given)
        return
    known = catalogue.load_all()
    found = {name: acquire.find(each, _folders(folder)) for name, each in known.items()}
    if as_json:
        output.document(
            {"data_sets": [_as_json(each, found[name]) for name, each in known.items()]}
        )
        return
    output.table(
        ["data set", "here", "MB", "licence"],
        [
            [name, _here(found[name]), _megabytes(each), each.licence]
            for name, each in known.items()
        ],
    )
    for name, each in known.items():
        one = found[name]
        output.show(f"{name}: {each.source}")
        if one is not None:
            output.show(f"  here: {one.path}, {one.bytes:,} B")


@click.command(name="show")
@click.argument("name")
@_folder_option
@json_option
@debug_option
def show(name: str, folder: Path | None, as_json: bool) -> None:
    """Show the data set called NAME."""
    dataset = catalogue.load(name)
    found = acquire.find(dataset, _folders(folder))
    if as_json:
        output.document(_as_json(dataset, found))
        return
    output.show(f"{name}: {dataset.title}")
    size, content = dataset.size_bytes, dataset.content
    rows = [
        ("here", "no" if found is None else f"{_here(found)}: {found.path}, {found.bytes:,} B"),
        ("labs", ", ".join(_labs(dataset)) or _ABSENT),
        ("licence", f"{dataset.licence}. {dataset.licence_notes}"),
        ("mind", dataset.mind),
        ("source", dataset.source),
        ("downloaded from", dataset.url),
        ("archive", "size not stated" if size is None else f"{size:,} B"),
        ("sha256", dataset.sha256 or "of the archive, not stated"),
        (
            "recordings",
            f"{dataset.recordings}, not stated"
            if content is None
            else f"{content.files:,} {dataset.recordings}, {content.bytes:,} B, {content.sha256}",
        ),
        ("stated by", dataset.stated_by),
        ("looked for as", ", ".join(_names(dataset))),
    ]
    # Lines, so that addresses and names can be copied whole.
    for label, text in rows:
        output.show(f"{label:>15}  {text}")


@data.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@_folder_option
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0.1),
    default=Patience.timeout_s,
    show_default=True,
    metavar="SECONDS",
    help="Try again after that much silence of the server.",
)
@click.option(
    "--tries",
    type=click.IntRange(min=1),
    default=Patience.tries,
    show_default=True,
    help="Give up after so many in a row that brought nothing.",
)
@json_option
@debug_option
def get(
    names: tuple[str, ...], folder: Path | None, timeout_s: float, tries: int, as_json: bool
) -> None:
    """Download data sets, check them, and unpack each into a folder of its name.

    An interrupted download goes on where it ended. What is there already stays as it is; an
    archive that lies in the folder is unpacked without a network.
    """
    wanted = [catalogue.load(name) for name in names]
    target = _folders(folder)[0]
    patience = Patience(timeout_s=timeout_s, tries=tries)
    got = []
    for dataset in wanted:
        try:
            with _bar(dataset.name) as progress:
                found = acquire.get(
                    dataset, target, patience=patience, progress=progress, say=output.say
                )
        except KeyboardInterrupt:
            output.say("What came is kept: the same command goes on from there.")
            raise
        got.append({"name": dataset.name, **found.as_json()})
        if not as_json:
            output.show(f"{dataset.name}: {found.path}, {found.bytes:,} B")
            output.show(f"  licence {dataset.licence}. {dataset.licence_notes}")
    if as_json:
        output.document({"data_sets": got})


@data.command()
@click.argument("name")
@_folder_option
@json_option
@debug_option
def check(name: str, folder: Path | None, as_json: bool) -> None:
    """Read all of a data set, and hold it against what its makers state.

    Exit code 3 where it is damaged, incomplete, or not there.
    """
    dataset = catalogue.load(name)
    folders = _folders(folder)
    found = acquire.find(dataset, folders)
    if found is None:
        raise NoData(
            f"{name} is not in {', '.join(str(each) for each in folders)}.",
            try_next=[f"edge-deploy data get {name}"],
        )
    checked = acquire.check(dataset, found)
    content = checked.content
    if as_json:
        output.document(
            {
                "name": name,
                "found": found.as_json(),
                "content": None if content is None else vars(content),
                "verdict": "as_stated" if checked.against else "not_stated",
                "against": checked.against or None,
            }
        )
        return
    what = "the archive" if content is None else f"{content.files:,} recordings"
    verdict = (
        f"as stated by {checked.against}"
        if checked.against
        else "readable; nobody states what they should be"
    )
    output.show(f"{name}: {found.path}: {what}, {verdict}.")


data.add_command(forget)
_COMMANDS = tuple(data.commands)


def _folders(given: Path | None) -> list[Path]:
    """Where to look, and first of all where to put: the option, the environment, our own."""
    named = os.environ.get(DATA_VARIABLE, "")
    folders = [given, Path(named) if named else None, datasets.home()]
    return list(dict.fromkeys(folder for folder in folders if folder is not None))


def _as_json(dataset: DataSet, found: Found | None) -> dict[str, Any]:
    return {
        **dataset.as_json(),
        "labs": _labs(dataset),
        "found": None if found is None else found.as_json(),
        "names": _names(dataset),
    }


def _here(found: Found | None) -> str:
    if found is None:
        return "no"
    return {"folder": "yes", "packed": "archive", "published": "archive"}.get(found.kind, "part")


def _megabytes(dataset: DataSet) -> str:
    """Of the archive, where its size is stated; else of the recordings in it."""
    content = 0 if dataset.content is None else dataset.content.bytes
    return output.number((dataset.size_bytes or content) / 1e6, 1)


def _labs(dataset: DataSet) -> list[str]:
    """Those of its labs that are there."""
    known = {lab.name for lab in labs.load_all()}
    return [lab for lab in dataset.labs if lab in known]


def _names(dataset: DataSet) -> list[str]:
    """Under which it is found in a folder."""
    return [f"{dataset.name}/", f"{dataset.name}{datasets.SUFFIX}", dataset.file]


@contextlib.contextmanager
def _bar(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on a terminal; nothing where nobody watches."""
    if not output.is_terminal(sys.stderr):
        yield lambda _done, _of: None
        return
    from rich import progress
    from rich.console import Console

    with progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as drawn:
        task = drawn.add_task(name, total=None)
        yield lambda done, of: drawn.update(task, completed=done, total=of)
