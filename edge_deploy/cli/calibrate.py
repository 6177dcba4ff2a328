"""The verb that holds the cycle model against a board of one's own: calibrate."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import click

from edge_deploy import boards as board_files
from edge_deploy import calibration, labs
from edge_deploy.bench import calibrate as calibrating
from edge_deploy.bench import measure as measuring
from edge_deploy.bench.calibrate import Report
from edge_deploy.bench.measure import BenchResult
from edge_deploy.cli import output, prepare
from edge_deploy.cli.options import Target, debug_option, json_option, target_options
from edge_deploy.errors import UsageError, WrongBoard

_RUNS, _WARMUP = 5, 2


@click.command()
@target_options
@click.option(
    "-o",
    "--output",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="The report, as .json or as a page in .md  [default: calibration-ID.md]",
)
@click.option("--save", is_flag=True, help="Virtual boards of this kind run by it from now on.")
@click.option("--forget", is_flag=True, help="Take back what was saved; measure nothing.")
@json_option
@debug_option
def calibrate(target: Target, path: Path | None, save: bool, forget: bool, as_json: bool) -> None:
    """Measure the models of all labs on a board, layer by layer, beside what the cycle model says.

    The report is made to be shared: it has the board's, the core's and the compilers' versions and
    nothing of yours. With --save, figures of virtual boards of this kind say
    modelled:cortex_m4+calibrated:ID from then on.
    """
    if forget:
        gone = calibration.forget(target.board)
        output.show(f"{target.board}: {'forgotten' if gone else 'nothing was saved'}.")
        return
    report = _measure(target)
    if save and not report.origin.startswith("measured:"):
        raise WrongBoard(
            f"the board at {target.on} is a virtual one: nothing was measured that could be saved.",
            try_next=(f"edge-deploy calibrate --board {target.board} --save  with a real one",),
        )
    if save:
        output.say(f"Saved to {calibration.save(report.calibration)}.")
    if path is None and not as_json:
        path = Path(f"calibration-{report.id}.md")
    if path is not None:
        is_json = path.suffix == ".json"
        text = json.dumps(report.as_json(), indent=2) + "\n"
        output.write(path, text if is_json else calibrating.markdown(report))
    if as_json:
        output.document(report.as_json())
        return
    _show(report, path)


def _measure(target: Target) -> Report:
    """Every lab's model on the board, and on a virtual one of its kind."""
    board = board_files.load(target.board)
    if not board.modelled_wait_states:
        # Without a wait state the words that are read from flash leave no trace in the cycles.
        raise UsageError(
            f"there is no cycle model of a {board.name} that counts what it reads of flash.",
            try_next=(
                "--board nano33",
                f"edge-deploy calibrate --board {board.name} --forget  take back what was saved",
            ),
        )
    virtual = Target(board=target.board, on="virtual", timeout_s=target.timeout_s)
    measured: list[BenchResult] = []
    modelled: list[BenchResult] = []
    for lab in labs.load_all():
        if not lab.model.is_file():
            continue
        output.say(f"{lab.name}: on the board, and modelled ...")
        measured.append(_profile(lab.name, target))
        modelled.append(_profile(lab.name, virtual))
    return calibrating.report(
        measured,
        modelled,
        measured_at=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        nominal_clock_hz=board.clock_hz,
        wait_states=board.modelled_wait_states,
    )


def _profile(word: str, target: Target) -> BenchResult:
    with prepare.session(prepare.subject(word), target) as live:
        return measuring.profile(
            live.session,
            on=target.on,
            facts=live.compiled.layers,
            runs=_RUNS,
            warmup=_WARMUP,
            manifest=live.artifact.manifest,
        )


def _show(report: Report, path: Path | None) -> None:
    fit = report.fit
    output.table(
        ["what", "modelled", "found", "unit"],
        [
            [
                "clock of modelled cycles",
                output.number(report.nominal_clock_hz),
                output.number(fit.clock_hz),
                "Hz",
            ],
            [
                "wait states of flash data",
                str(report.modelled_wait_states),
                f"{fit.wait_states} ({fit.per_word / fit.per_cycle:.2f})",
                "cycles",
            ],
        ],
    )
    output.show(
        f"{len(report.points)} layers; what is left of one is {100 * fit.rms:.1f} % rms, "
        f"{100 * fit.worst:.1f} % at most. Calibration {report.id}, {report.origin}."
    )
    if path is not None:
        output.show(f"Report: {path}. Please share it: no board of ours has told us yet.")
