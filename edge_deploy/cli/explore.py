"""The verb that searches: explore."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from edge_deploy import boards, devices, labs
from edge_deploy.boards import Board
from edge_deploy.cli import output
from edge_deploy.cli.explored import Shown
from edge_deploy.cli.options import DATA_VARIABLE, board_option, debug_option, json_option
from edge_deploy.errors import EdgeDeployError, UsageError
from edge_deploy.teaching.explore import grid, pool, search
from edge_deploy.teaching.explore.point import Point
from edge_deploy.teaching.explore.store import Store
from edge_deploy.teaching.explore.task import Task
from edge_deploy.training import recipe as recipes

POINTS = 24
# A name or an IPv4 address, or an IPv6 address in brackets.
_ADDRESS = re.compile(r"tcp://([\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}")
# Each worker is a TensorFlow with a lab's data: up to 1 GB.
_WORKERS_MOST = 4


@click.command()
@click.argument("lab_word", metavar="LAB")
@click.option(
    "--quick",
    is_flag=True,
    help=f"{search.QUICK_POINTS} points, a quarter of the epochs, at most "
    f"{search.QUICK_SAMPLES:,} training samples: to see how it works, not to choose by.",
)
@click.option(
    "--points",
    type=click.IntRange(min=1),
    default=None,
    help=f"How many points, the telling ones first.  [default: {POINTS}; "
    f"{search.QUICK_POINTS} with --quick]",
)
@click.option(
    "--knob",
    "knob_words",
    multiple=True,
    metavar="NAME=VALUE,VALUE",
    help="Other values of one of the recipe's knobs. May be repeated.",
)
@board_option
@click.option(
    "--data",
    "recordings",
    type=click.Path(path_type=Path),
    envvar=DATA_VARIABLE,
    default=None,
    metavar="FOLDER",
    help="Where the recordings are; on a cluster, for every machine.  [default: where edge-deploy "
    "data get has put them]",
)
@click.option("--seed", type=int, default=None, help="Another seed than the recipe's.")
@click.option("--epochs", type=click.IntRange(min=1), default=None, help="For each point.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=None,
    help=f"Points at a time on this machine.  [default: its cores, at most {_WORKERS_MOST}]",
)
@click.option(
    "--cluster",
    default=None,
    metavar="tcp://HOST:PORT",
    help="Hand the points to the workers of this Dask scheduler (extra: cluster).",
)
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Where results are kept.  [default: explore-LAB]",
)
@click.option(
    "--plot",
    "picture",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE.svg",
    help="Draw into this file.  [default: explore.svg in the folder of the results]",
)
@click.option("--dry-run", is_flag=True, help="List the points, and do none.")
@json_option
@debug_option
def explore(
    lab_word: str,
    *,
    quick: bool,
    points: int | None,
    knob_words: tuple[str, ...],
    board: str | None,
    recordings: Path | None,
    seed: int | None,
    epochs: int | None,
    workers: int | None,
    cluster: str | None,
    folder: Path | None,
    picture: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Train LAB with its knobs moved, and show what accuracy costs.

    Each point is trained, made int8, compiled, and measured on a virtual board; its accuracy is of
    validation samples, never of held-out ones. Ctrl-C keeps what is finished, and the same command
    goes on. Needs TensorFlow, and the virtual board's packages.
    """
    lab = labs.load(lab_word)
    recipe = recipes.load(lab.folder)
    if not recipe.knobs:
        raise search.knobs_missing(lab, recipe)
    chosen = _board(board or "nano33")
    wish = search.Wish(
        board=chosen.name,
        points=points or (search.QUICK_POINTS if quick else POINTS),
        quick=quick,
        values=grid.asked(knob_words, recipe.knobs),
        seed=seed,
        epochs=epochs,
        data=recordings,
    )
    if cluster is not None and workers is not None:
        raise UsageError("--workers is for this machine; the cluster has its own.")
    if cluster is not None and not _ADDRESS.fullmatch(cluster):
        raise UsageError(f"--cluster {cluster!r} is not tcp://HOST:PORT.")
    found = search.tasks_of(lab, recipe, wish)
    store = Store(folder or Path(f"explore-{lab.name}"))
    shown = Shown(lab, recipe, chosen, found, quick)
    if dry_run:
        shown.planned(store, as_json=as_json)
        return
    with store.held():
        results = _search(found, store, shown, workers or _cores(), cluster)
    picture = picture or store.folder / "explore.svg"
    drawn = shown.draw(results, picture)
    if as_json:
        output.document(shown.document(results, store, picture if drawn else None))
    else:
        shown.table(results)
        if drawn:
            output.show(f"Drawn in {picture}; results and models in {store.folder}")
    if all(point.failure is not None for point in results):
        raise _none_worked(results)


def _cores() -> int:
    return max(1, min(os.cpu_count() or 1, _WORKERS_MOST))


def _board(name: str) -> Board:
    board = boards.load(name)
    if not devices.is_emulated("virtual", board):
        raise UsageError(
            f"{name} has no emulated core, so nobody knows what a network costs there.",
            try_next=["--board nano33"],
        )
    return board


def _search(
    found: Sequence[Task], store: Store, shown: Shown, workers: int, address: str | None
) -> list[Point]:
    """The points, done or kept; told one by one. Ctrl-C ends the command in one line."""
    doers = pool.Processes(workers) if address is None else _OnCluster(address)
    try:
        return search.run(found, doers, store, kept=shown.kept, ended=shown.ended, said=output.say)
    except KeyboardInterrupt:
        raise click.Abort(
            f"Interrupted: {shown.done} of {len(found)} points are kept in {store.folder}; the "
            "same command goes on."
        ) from None


class _OnCluster:
    """The workers of a cluster, which is only spoken to when there are jobs."""

    def __init__(self, address: str) -> None:
        self._address = address

    def run(self, tasks: Sequence[Task]) -> Iterator[Point]:
        """The points of all jobs, as they end."""
        from edge_deploy.teaching.explore.cluster import Cluster

        with contextlib.closing(Cluster(self._address, output.say)) as cluster:
            workers = cluster.workers
            output.say(f"{self._address}: {workers} point{'s' * (workers > 1)} at a time.")
            yield from cluster.run(tasks)


def _none_worked(results: Sequence[Point]) -> EdgeDeployError:
    first = results[0].failure
    assert first is not None
    return EdgeDeployError(
        f"none of the {len(results)} points worked; the first: {first.kind}: {first.message}"
    )
