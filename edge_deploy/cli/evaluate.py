"""The verb that tells how well a lab's model does, on a board or on this computer: evaluate."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from edge_deploy import budgets, catalogue, drawing
from edge_deploy.bench import clips as recordings
from edge_deploy.bench import evaluate as evaluating
from edge_deploy.bench import host as hosts
from edge_deploy.bench import samples
from edge_deploy.bench.evaluate import EvaluateResult
from edge_deploy.bench.host import HearingHost, Host
from edge_deploy.budgets import Check
from edge_deploy.cli import figures, output, prepare, tune
from edge_deploy.cli.options import (
    DATA_VARIABLE,
    HOST,
    Target,
    debug_option,
    host_target_options,
    json_option,
)
from edge_deploy.cli.prepare import Subject
from edge_deploy.errors import OverBudget, UsageError, WrongBoard
from edge_deploy.labs import Lab
from edge_deploy.model import oracle
from edge_deploy.training import datasets
from edge_deploy.training import recipe as recipes
from edge_deploy.training.recipe import HeldOut
from edge_deploy.training.train import data_of

_FIGURES = ("accuracy", "auc")
"""Budgets that recordings decide."""


@click.command()
@click.argument("lab_word", metavar="LAB")
@host_target_options
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
    metavar="FILE",
    help="Draw the confusion matrix, the ROC curves, or the curves of --stream: .svg, or .png, "
    "which needs the extra train.",
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
    """Tell how well LAB's model does on a board, by recordings that training never saw.

    Every recording is played to the board from its raw samples on, and to this computer's own
    features and reference kernels: exit code 14 if window, scores or decision differ anywhere,
    13 if the lab's budget of accuracy or AUC is missed. With --on host this computer's chain is
    all that is asked, without firmware; --board only says whose budget is held. Of a lab without
    a sensor the test samples of its recipe are the inputs.
    LAB is a lab's name (edge-deploy labs) or a folder with a lab.yaml.
    """
    if picture is not None:
        drawing.check(picture.name)
    subject = prepare.subject(lab_word)
    lab = _lab(subject)
    if streaming:
        _refuse_stream(lab, target)
    data = data or datasets.beside(lab.folder) or datasets.fetched()
    if lab.features is None:
        result = _by_samples(subject, lab, target, data, limit, draws=picture is not None)
    else:
        found = _held_out(lab, lab_word, target, data)
        reference = oracle.open_reference(subject.data)  # first: a missing package is told at once
        host = hosts.of(lab, subject.graph, reference)
        if streaming and limit is None:
            limit = tune.WORDS
        clips = recordings.choose(found, limit, target.seed)
        _read(clips, lab, host, warn=not streaming)
        if isinstance(host, HearingHost) and streaming:
            noise = recordings.background(lab, data) if data is not None else []
            tune.tune(
                subject, lab, target, host, clips, noise, bar=bar, picture=picture, as_json=as_json
            )
            return
        result = _by_sensor(subject, lab, target, host, clips, len(found))
    # A few recordings miss a budget, or meet it, by chance: it is held on all of them.
    limits = _limits(lab, target.board) if result.n == result.held_out else {}
    checks = budgets.check(result.found.figures, limits)
    if picture is not None:
        output.write(picture, drawing.encoded(figures.picture(result), picture.name))
    if as_json:
        output.document({**result.as_json(), "budgets": [check.as_json() for check in checks]})
    else:
        figures.show(result)
        if checks:
            prepare.show_checks(checks)
        elif result.n < result.held_out:
            output.say("Budgets of accuracy and AUC are held on all of them, without --limit.")
        if picture is not None:
            output.show(f"Drawn in {picture}")
    refuse_differing(result, target, lab_word)
    _refuse_over(lab, target, checks)


def _read(clips: Sequence[HeldOut], lab: Lab, host: Host, *, warn: bool) -> None:
    """Read every recording once: what cannot be read is told before anything is built."""
    short = sum(host.is_short(clip.samples()) for clip in clips)
    if short and warn:
        stands = "silence follows" if lab.audio else "zeros precede"
        output.say(f"{short} of {len(clips)} recordings are shorter than a window: {stands} them.")


def _by_sensor(
    subject: Subject,
    lab: Lab,
    target: Target,
    host: Host,
    clips: Sequence[HeldOut],
    held_out: int,
) -> EvaluateResult:
    """The clips through the board, or through this computer alone."""
    if target.on == HOST:
        with bar("evaluate") as progress:
            return evaluating.on_host(
                host,
                clips,
                lab,
                model=(subject.name, _sha256(subject)),
                seed=target.seed,
                held_out=held_out,
                progress=progress,
            )
    # No time is reported here, so the virtual board need not count wait states.
    with prepare.talk(subject, target, wait_states=False) as session, bar("evaluate") as progress:
        return evaluating.on_board(
            session,
            host,
            clips,
            lab,
            on=target.on,
            seed=target.seed,
            held_out=held_out,
            progress=progress,
        )


def _by_samples(
    subject: Subject,
    lab: Lab,
    target: Target,
    data: Path | None,
    limit: int | None,
    *,
    draws: bool,
) -> EvaluateResult:
    """The recipe's test samples through the board, or through the reference kernels alone."""
    recipe = recipes.load(lab.folder)
    if draws and not recipe.labels:
        raise UsageError(f"-o draws classes and anomalies; {lab.name} has figures of its own.")
    reference = oracle.open_reference(subject.data)
    test = data_of(recipe, recipe.seed, data, lab.name).test
    chosen = samples.choose(test, limit, target.seed)
    evaluate = functools.partial(
        samples.evaluate,
        reference=reference,
        graph=subject.graph,
        recipe=recipe,
        test=chosen,
        lab=lab.name,
        model=(subject.name, _sha256(subject)),
        on=target.on,
        seed=target.seed,
        held_out=len(test),
    )
    if target.on == HOST:
        with bar("evaluate") as progress:
            return evaluate(None, progress=progress)
    with prepare.talk(subject, target, wait_states=False) as session, bar("evaluate") as progress:
        return evaluate(session, progress=progress)


def _sha256(subject: Subject) -> str:
    return hashlib.sha256(subject.data).hexdigest()


def refuse_differing(result: EvaluateResult, target: Target, lab_word: str) -> None:
    """Raise WrongBoard where the board was of another mind than the host."""
    agreement = result.agreement
    if agreement is None or not agreement.differs:
        return
    one = agreement.first[0]
    index, expected, got = one.first
    what = "recordings" if result.from_sensor else "samples"
    raise WrongBoard(
        f"of {agreement.compared} {what} {agreement.text} differ from the host's; "
        f"{one.clip}, {one.what}, value {index}: expected {expected}, got {got}.",
        try_next=[f"edge-deploy verify {lab_word} {_where(target)}    the model alone"],
    )


def _refuse_over(lab: Lab, target: Target, checks: Sequence[Check]) -> None:
    """Raise OverBudget for the first figure that misses its limit."""
    for check in checks:
        if check.status == "over" and check.value is not None and check.limit is not None:
            name = "AUC" if check.resource == "auc" else check.resource
            raise OverBudget(
                f"{lab.name} has an {name} of {check.value:.4f} on {target.board}; "
                f"its budget wants {check.limit:g}."
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


def _lab(subject: Subject) -> Lab:
    """The lab. Raises UsageError for a model alone."""
    if subject.lab is None:
        raise UsageError(
            f"{subject.name} is a model alone; evaluate needs its lab, which knows features, "
            "labels and recordings.",
            try_next=["edge-deploy labs"],
        )
    return subject.lab


def _refuse_stream(lab: Lab, target: Target) -> None:
    """Raise UsageError where nothing can stream."""
    if lab.audio is None:
        raise UsageError(
            f"--stream plays sound; {lab.name} has no microphone.",
            try_next=[f"edge-deploy evaluate {lab.name} {_where(target)}"],
        )
    if target.on == HOST:
        raise UsageError(
            "--stream is about what firmware decides; --on host runs none.",
            try_next=["--board nano33 --on local", "--board nano33 --on virtual"],
        )


def _where(target: Target) -> str:
    """The target as it may be typed again."""
    return f"--board {target.board} --on {target.on}" if target.board else f"--on {target.on}"


def _held_out(lab: Lab, word: str, target: Target, data: Path | None) -> list[HeldOut]:
    if data is None:
        raise recordings.NoRecordings(
            f"no recordings named, and {lab.name} comes without any: give --data FOLDER.",
            try_next=[
                *catalogue.to_get(lab.name),
                f"edge-deploy evaluate {word} {_where(target)} --data FOLDER",
                f"export {DATA_VARIABLE}=FOLDER",
            ],
        )
    return recordings.held_out(lab, data)


def _limits(lab: Lab, board: str) -> dict[str, budgets.Limit]:
    """The lab's budgets of accuracy and AUC on that board; nothing where it has none."""
    budget = lab.budgets.get(board, {})
    return budgets.limits({key: budget[key] for key in _FIGURES if key in budget})
