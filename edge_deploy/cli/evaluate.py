"""The verb that tells how well a lab's model does on a board: evaluate."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import click
import numpy as np
from numpy.typing import NDArray

from edge_deploy import budgets, catalogue
from edge_deploy.bench import clips as recordings
from edge_deploy.bench import evaluate as evaluating
from edge_deploy.bench.clips import Clip
from edge_deploy.bench.evaluate import EvaluateResult
from edge_deploy.bench.host import Host
from edge_deploy.cli import output, prepare, tune
from edge_deploy.cli.options import (
    DATA_VARIABLE,
    Target,
    debug_option,
    json_option,
    target_options,
)
from edge_deploy.cli.prepare import Subject
from edge_deploy.errors import OverBudget, UsageError, WrongBoard
from edge_deploy.features import AudioFeatures
from edge_deploy.intervals import CONFIDENCE
from edge_deploy.labs import Lab
from edge_deploy.model import oracle
from edge_deploy.sensing import AudioFeatureSettings
from edge_deploy.training import datasets

_COLUMNS = 100
_NARROWEST = 4  # of the matrix's columns: three digits and a space
_ABSENT = "-"


class NoSound(UsageError):
    """The lab does not listen, and recordings are all that `evaluate` can play."""


@click.command()
@click.argument("lab_word", metavar="LAB")
@target_options
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar=DATA_VARIABLE,
    default=None,
    metavar="FOLDER",
    help="Where the recordings are, as the lab's recipe wants them  [default: where "
    "edge-deploy data get has put them]",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help=f"At most N recordings  [default: all; with --stream {tune.WORDS}]",
)
@click.option(
    "--stream",
    "streaming",
    is_flag=True,
    help="Play noise, and words with gaps, and show false accepts and misses by threshold.",
)
@click.option(
    "-o",
    "--output",
    "picture",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE.svg",
    help="With --stream: draw the curve into FILE.svg.",
)
@json_option
@debug_option
def evaluate(
    lab_word: str,
    target: Target,
    data: Path | None,
    limit: int | None,
    streaming: bool,
    picture: Path | None,
    as_json: bool,
) -> None:
    """Tell how well LAB's model hears on a board, by recordings that training never saw.

    Every recording is played to the board from its raw samples on, and to this computer's own
    features and reference kernels: exit code 14 if window, scores or decision differ anywhere,
    13 if the lab's budget of accuracy is missed.
    LAB is a lab's name (edge-deploy labs) or a folder with a lab.yaml.
    """
    if picture is not None and not streaming:
        raise UsageError("-o draws the curve of --stream; give both.")
    subject = prepare.subject(lab_word)
    lab, settings = _listener(subject, target)
    data = data or datasets.fetched()
    found = _held_out(lab, lab_word, target, data)
    reference = oracle.open_reference(subject.data)  # first: a missing package is told at once
    host = Host(settings, AudioFeatures(settings), subject.graph, reference)
    if streaming and limit is None:
        limit = tune.WORDS
    clips = recordings.choose(found, limit, target.seed)
    if streaming:
        noise = recordings.background(lab, data) if data is not None else []
        tune.tune(
            subject, lab, target, host, clips, noise, bar=bar, picture=picture, as_json=as_json
        )
        return
    # No time is reported here, so the virtual board need not count wait states.
    with prepare.session(subject, target, wait_states=False) as live, bar("evaluate") as progress:
        result = evaluating.evaluate(
            live.session,
            host,
            clips,
            lab=lab.name,
            labels=lab.labels,
            on=target.on,
            seed=target.seed,
            held_out=len(found),
            progress=progress,
        )
    # A few recordings miss a budget, or meet it, by chance: it is held on all of them.
    limits = _limits(lab, target.board) if result.n == len(found) else {}
    checks = budgets.check({"accuracy": result.accuracy}, limits)
    if as_json:
        output.document({**result.as_json(), "budgets": [check.as_json() for check in checks]})
    else:
        _show(result)
        if checks:
            _show_checks(checks)
        elif result.n < len(found):
            output.say("A budget of accuracy is held on all recordings only, without --limit.")
    refuse_differing(result, target, lab_word)
    for check in checks:
        if check.status == "over":
            raise OverBudget(
                f"{lab.name} has an accuracy of {result.accuracy.value:.4f} on {target.board}; "
                f"its budget wants {check.limit:g}."
            )


def refuse_differing(result: EvaluateResult, target: Target, lab_word: str) -> None:
    """Raise WrongBoard where the board was of another mind than the host."""
    if not result.differs:
        return
    one = result.first[0]
    index, expected, got = one.first
    where = f"--board {target.board} --on {target.on}"
    raise WrongBoard(
        f"of {result.windows_compared} recordings {result.differing_windows} windows, "
        f"{result.differing_outputs} outputs, {result.differing_decisions} decisions differ from "
        f"the host's; {one.clip}, {one.what}, value {index}: expected {expected}, got {got}.",
        try_next=[f"edge-deploy verify {lab_word} {where}    the model alone"],
    )


@contextlib.contextmanager
def bar(verb: str) -> Iterator[Callable[[float, float], None] | None]:
    """A progress bar on a terminal; None where nobody watches."""
    if not output.is_terminal(sys.stderr):
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as drawn:
        task = drawn.add_task(verb, total=None)
        yield lambda done, of: drawn.update(task, completed=done, total=of)


def _listener(subject: Subject, target: Target) -> tuple[Lab, AudioFeatureSettings]:
    """The lab and its features. Raises NoSound for what does not listen."""
    lab = subject.lab
    if lab is None:
        raise UsageError(
            f"{subject.name} is a model alone; evaluate needs its lab, which knows features, "
            "labels and recordings.",
            try_next=["edge-deploy labs"],
        )
    if lab.audio is None:
        raise NoSound(
            f"lab {lab.name} does not listen (its lab.yaml has no features), so there is no "
            "sound to evaluate it with.",
            try_next=[f"edge-deploy verify {lab.name} --board {target.board} --on {target.on}"],
        )
    return lab, lab.audio


def _held_out(lab: Lab, word: str, target: Target, data: Path | None) -> list[Clip]:
    if data is None:
        where = f"--board {target.board} --on {target.on}"
        raise recordings.NoRecordings(
            f"no recordings named, and {lab.name} comes without any: give --data FOLDER.",
            try_next=[
                *catalogue.to_get(lab.name),
                f"edge-deploy evaluate {word} {where} --data FOLDER",
                f"export {DATA_VARIABLE}=FOLDER",
            ],
        )
    return recordings.held_out(lab, data)


def _limits(lab: Lab, board: str) -> dict[str, budgets.Limit]:
    """The lab's budget of accuracy on that board; nothing where it has none."""
    budget = lab.budgets.get(board, {})
    return budgets.limits({key: budget[key] for key in ("accuracy",) if key in budget})


def _show(result: EvaluateResult) -> None:
    hello = result.hello
    low, high = result.interval
    output.show(
        f"{result.lab} on {hello.board} ({result.on}), {hello.engine}: {result.n} of "
        f"{result.held_out} held-out recordings"
    )
    output.show(
        f"accuracy {100 * result.accuracy.value:.1f} %, {100 * CONFIDENCE:.0f} % interval "
        f"{100 * low:.1f} to {100 * high:.1f} %  ({result.accuracy.origin})"
    )
    output.table(
        ["label", "n", "correct", "found, %", "of those heard as it, %"],
        [
            [
                row.label,
                output.number(row.n),
                output.number(row.found),
                _percent(row.recall),
                _percent(row.precision),
            ]
            for row in result.per_class
        ],
    )
    for line in matrix(result):
        output.show(line)
    output.show(
        f"{result.windows_compared} recordings compared with this computer's features and "
        f"{result.reference}:"
    )
    output.show(
        f"  {result.differing_windows} windows, {result.differing_outputs} outputs, "
        f"{result.differing_decisions} decisions differ, from raw samples on"
    )


class Counted(Protocol):
    """What a matrix is drawn from: an EvaluateResult is one."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names, in their order."""

    @property
    def confusion(self) -> NDArray[np.int64]:
        """(labels, labels)."""


def matrix(result: Counted) -> list[str]:
    """The confusion matrix as lines of at most 100 columns; of too many labels the worst pairs."""
    labels, counts = result.labels, result.confusion
    first = min(max(len("was"), *(len(label) for label in labels)), 16)
    widest = max(*(len(label) for label in labels), len(f"{counts.max()}")) + 1
    width = min(widest, (_COLUMNS - first) // len(labels))
    if width < _NARROWEST or len(f"{counts.max()}") >= width:
        return _worst_pairs(result)
    lines = ["rows: what it was; columns: what the board heard"]
    lines.append(" " * first + "".join(f"{label[: width - 1]:>{width}}" for label in labels))
    for label, row in zip(labels, counts, strict=True):
        cells = "".join(f"{count or '.':>{width}}" for count in row.tolist())
        lines.append(f"{label[:first]:<{first}}{cells}")
    return lines


def _worst_pairs(result: Counted, most: int = 20) -> list[str]:
    pairs: list[tuple[int, str, str]] = [
        (int(count), result.labels[was], result.labels[heard])
        for was, row in enumerate(result.confusion)
        for heard, count in enumerate(row)
        if was != heard and count
    ]
    pairs.sort(key=lambda pair: -pair[0])
    return ["most often taken for another:"] + [
        f"  {count:>5}  {was[:40]} as {heard[:40]}" for count, was, heard in pairs[:most]
    ]


def _percent(share: float | None) -> str:
    return _ABSENT if share is None else f"{100 * share:.1f}"


def _show_checks(checks: tuple[budgets.Check, ...]) -> None:
    output.table(
        ["budget", "value", "limit", "status", "origin"],
        [
            [
                check.resource,
                _ABSENT if check.value is None else f"{check.value:.4f}",
                _ABSENT if check.limit is None else f"{check.limit:.4f}",
                check.status,
                check.origin or _ABSENT,
            ]
            for check in checks
        ],
    )
