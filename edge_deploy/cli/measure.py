"""The verbs that measure: verify, bench, profile."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence

import click

from edge_deploy import budgets
from edge_deploy.bench import measure as measuring
from edge_deploy.bench import origins
from edge_deploy.bench import verify as verifying
from edge_deploy.bench.measure import DEFAULT_RUNS, DEFAULT_WARMUP, BenchResult
from edge_deploy.budgets import Check
from edge_deploy.cli import output, prepare
from edge_deploy.cli.kernels import kernels_option
from edge_deploy.cli.options import (
    MODEL_HELP,
    Target,
    debug_option,
    json_option,
    target_options,
)
from edge_deploy.errors import OverBudget, UsageError, WrongBoard
from edge_deploy.model import oracle
from edge_deploy.quantity import Quantity

MEASURED = ("flash_bytes", "ram_bytes", "arena_bytes", "latency_us", "energy_uj")
"""The budgets that a measurement can hold; accuracy is `evaluate`'s."""

budget_option = click.option(
    "--budget",
    "limits",
    multiple=True,
    metavar="RESOURCE=LIMIT",
    help=f"Exit with 13 above it; RESOURCE is one of {', '.join(MEASURED)}. May be repeated; "
    "a lab's own budgets hold where none is given.",
)
runs_option = click.option(
    "--runs",
    type=click.IntRange(1, 100_000),
    default=DEFAULT_RUNS,
    show_default=True,
    help="Runs that count.",
)
warmup_option = click.option(
    "--warmup",
    type=click.IntRange(0, 10_000),
    default=DEFAULT_WARMUP,
    show_default=True,
    help="Runs before them that do not.",
)


@click.command(epilog=MODEL_HELP)
@click.argument("model_word", metavar="MODEL")
@target_options
@kernels_option
@click.option(
    "--inputs",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="How many seeded inputs to compare.",
)
@json_option
@debug_option
def verify(model_word: str, target: Target, inputs: int, as_json: bool) -> None:
    """Run MODEL on a board and in TensorFlow Lite, and compare every output bit.

    The inputs are the edges of the input's range and seeded random ones. Exit code 14 if
    anything differs.
    """
    subject = prepare.subject(model_word)
    reference = oracle.open_reference(subject.data)  # first: a missing package is told at once
    # No time is reported here, so the virtual board need not count wait states.
    with prepare.talk(subject, target, wait_states=False) as session:
        result = verifying.verify(
            session,
            reference,
            on=target.on,
            inputs=inputs,
            seed=target.seed,
            progress=_progress("verify"),
        )
    if as_json:
        output.document(result.as_json())
    else:
        output.show(
            f"{result.inputs} inputs, {result.compared:,} output values compared "
            f"with {result.reference}: {result.mismatches:,} differ."
        )
    if result.mismatches:
        first = result.first[0]
        raise WrongBoard(
            f"{result.mismatches:,} of {result.compared:,} values differ, by at most "
            f"{result.max_abs_diff:g}; input {first.input}, value {first.index}: expected "
            f"{first.expected:g}, got {first.got:g}.",
            try_next=[f"edge-deploy flash --board {target.board} --on {target.on} {model_word}"],
        )


@click.command(epilog=MODEL_HELP)
@click.argument("model_word", metavar="MODEL")
@target_options
@kernels_option
@runs_option
@warmup_option
@budget_option
@json_option
@debug_option
def bench(
    model_word: str,
    target: Target,
    runs: int,
    warmup: int,
    limits: tuple[str, ...],
    as_json: bool,
) -> None:
    """Measure latency, cycles, memory and energy of MODEL on a board."""
    subject = prepare.subject(model_word)
    budget = _budget(limits, subject, target.board)
    with prepare.session(subject, target) as live:
        _head(live, target, runs, warmup, as_json)
        result = measuring.bench(
            live.session,
            on=target.on,
            runs=runs,
            warmup=warmup,
            seed=target.seed,
            manifest=live.artifact.manifest,
            progress=_progress("bench"),
        )
    checks = budgets.check(_measured(result), budgets.limits(budget))
    _show(result, as_json, checks)
    missed = [check for check in checks if check.status == "over"]
    if missed:
        first = missed[0]
        raise OverBudget(
            f"{subject.name} misses {len(missed)} of {len(checks)} budgets; {first.resource} is "
            f"{first.value:,g} {first.unit}, at most {first.limit:,g} are allowed."
        )


@click.command(epilog=MODEL_HELP)
@click.argument("model_word", metavar="MODEL")
@target_options
@kernels_option
@runs_option
@warmup_option
@json_option
@debug_option
def profile(model_word: str, target: Target, runs: int, warmup: int, as_json: bool) -> None:
    """Measure what bench does, and each layer; the layers sum to the whole."""
    subject = prepare.subject(model_word)
    with prepare.session(subject, target) as live:
        _head(live, target, runs, warmup, as_json)
        result = measuring.profile(
            live.session,
            on=target.on,
            facts=live.compiled.layers,
            runs=runs,
            warmup=warmup,
            seed=target.seed,
            manifest=live.artifact.manifest,
            progress=_progress("profile"),
        )
    _show(result, as_json)


def _head(live: prepare.Live, target: Target, runs: int, warmup: int, as_json: bool) -> None:
    """What is about to be measured, at once: the runs themselves can take a while."""
    if as_json:
        return
    hello = live.session.board
    output.show(
        f"{hello.model} on {hello.board} ({target.on}), {hello.engine}, "
        f"{hello.clock_hz / 1e6:g} MHz; {runs} runs after {warmup} of warm-up, batch 1"
    )


def _budget(limits: tuple[str, ...], subject: prepare.Subject, board: str) -> dict[str, float]:
    """The limits of `--budget`, otherwise the lab's own for this board that bench can measure."""
    if not limits and subject.lab is not None:
        own = subject.lab.budgets.get(board, {})
        return {key: value for key, value in own.items() if key in MEASURED}
    found: dict[str, float] = {}
    for word in limits:
        resource, equals, text = word.partition("=")
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if resource not in MEASURED or not equals or not math.isfinite(value):
            raise UsageError(
                f"--budget {word!r} is not RESOURCE=LIMIT with one of {', '.join(MEASURED)}."
            )
        found[resource] = value
    return found


def _measured(result: BenchResult) -> dict[str, Quantity]:
    """What budgets can limit, as far as it is known; latency is the median end to end."""
    known = dict(result.quantities)
    if result.manifest is not None and result.manifest.flash_bytes is not None:
        known["flash_bytes"] = Quantity(result.manifest.flash_bytes, "B", origins.IMAGE)
    latency = result.as_json()["latency_us"]
    for stage in ("end_to_end", "inference"):
        if stage in latency:
            median = latency[stage]["p50"]
            known["latency_us"] = Quantity(median, "us", latency[stage]["origin"])
            break
    return {key: quantity for key, quantity in known.items() if key in MEASURED}


def _show(result: BenchResult, as_json: bool, checks: Sequence[Check] = ()) -> None:
    if as_json:
        document = result.as_json()
        if checks:
            document["budgets"] = [check.as_json() for check in checks]
        output.document(document)
        return
    if result.layers:
        _show_layers(result)
    latency = result.as_json()["latency_us"]
    rows = [
        [
            stage,
            *(output.number(figures[key]) for key in ("min", "p50", "p90", "p99", "max")),
            f"{100 * figures['cv']:.1f} %" if "cv" in figures else "-",
            figures["origin"],
        ]
        for stage, figures in latency.items()
    ]
    output.table(["latency, us", "min", "p50", "p90", "p99", "max", "cv", "origin"], rows)
    output.table(
        ["figure", "value", "unit", "origin"],
        [
            [
                key,
                output.number(quantity.value, 2 if quantity.unit == "uJ" else 0),
                quantity.unit,
                quantity.origin,
            ]
            for key, quantity in result.quantities.items()
        ],
    )
    if checks:
        prepare.show_checks(checks)
    if result.noisy:
        output.say("Noisy: the runs scatter by more than 5 %.")


def _show_layers(result: BenchResult) -> None:
    counted = result.layers[0].counts.cycles is not None
    whole = sum(_cost(layer.counts.cycles, layer.us) for layer in result.layers)
    headings = ["#", "operator", "MACs", "cycles" if counted else "us", "share", "cycles/MAC"]
    rows = []
    for layer in result.layers:
        cost = _cost(layer.counts.cycles, layer.us)
        rows.append(
            [
                str(layer.index),
                layer.operator or "-",
                output.number(layer.macs) if layer.macs is not None else "-",
                output.number(cost),
                f"{100 * cost / whole:.1f} %" if whole else "-",
                f"{cost / layer.macs:.2f}" if counted and layer.macs else "-",
            ]
        )
    rows.append(["", "sum", "", output.number(whole), "", ""])
    output.table(headings, rows)


def _cost(cycles: int | None, us: int) -> int:
    return us if cycles is None else cycles


def _progress(verb: str) -> Callable[[int, int], None] | None:
    """A counter on a terminal; nothing where nobody watches."""
    if not output.is_terminal(sys.stderr):
        return None

    def show(done: int, of: int) -> None:
        click.echo(f"\r{verb} {done}/{of}", nl=done == of, err=True)

    return show
