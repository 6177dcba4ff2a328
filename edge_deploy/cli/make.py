"""The verbs that make a model: train."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_deploy import labs, places
from edge_deploy.cli import output, training_view
from edge_deploy.cli.options import (
    DATA_VARIABLE,
    debug_option,
    json_option,
    recordings_folder,
)
from edge_deploy.errors import EdgeDeployError

if TYPE_CHECKING:
    from edge_deploy.labs import Lab
    from edge_deploy.training import Kept, TrainResult


@click.command()
@click.argument("lab_word", metavar="LAB")
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder for the model and its card  [default: the lab's own; here LAB-quick with --quick, "
    "and LAB-own for a lab of ours with recordings of yours]",
)
@click.option(
    "--data",
    "recordings",
    type=click.Path(path_type=Path),
    envvar=DATA_VARIABLE,
    default=None,
    metavar="FOLDER",
    help="Where the recordings are that the lab learns from  [default: the folder data of a lab "
    "of your own, or where edge-deploy data get has put them]",
)
@click.option("--seed", type=int, default=None, help="Another seed than the recipe's.")
@click.option("--epochs", type=click.IntRange(min=1), default=None, help="Stop after that many.")
@click.option(
    "--quick", is_flag=True, help="A minute or two of it: to see how it goes, not to use it."
)
@click.option(
    "--restart", is_flag=True, help="Begin anew, instead of going on where it was interrupted."
)
@json_option
@debug_option
def train(
    lab_word: str,
    folder: Path | None,
    recordings: Path | None,
    seed: int | None,
    epochs: int | None,
    quick: bool,
    restart: bool,
    as_json: bool,
) -> None:
    """Train LAB's model, quantize it to int8, and write it with its card.

    LAB is a lab's name (edge-deploy labs) or a folder with a lab.yaml. Interrupted, by Ctrl-C or a
    kill, the same command goes on after the last finished epoch, to the same bytes. Needs
    TensorFlow: pip install 'edge-deploy[train]'.
    """
    from edge_deploy import training
    from edge_deploy.drawing import png
    from edge_deploy.training import checkpoint, runtime

    # Now, not when the recordings are read, or everything is trained.
    runtime.installed()
    png.check()
    lab = labs.load(lab_word)
    recordings = recordings_folder(lab.folder, recordings, "recordings")
    folder = folder or _folder(lab, recordings, quick=quick)
    # Whatever a run depends on that the state itself does not tell.
    run = (lab.folder.resolve(), seed, epochs, quick)
    with training.kept(checkpoint.home(), lab.name, run) as kept:
        if restart:
            kept.forget()
        try:
            with training_view.watching(as_json=as_json) as watch:
                result = training.train(
                    lab,
                    seed=seed,
                    epochs=epochs,
                    recordings=recordings,
                    quick=quick,
                    kept=kept,
                    watch=watch,
                )
            model, card = _written(result, folder, lab)
        except KeyboardInterrupt:
            raise click.Abort(_interrupted(kept, lab.name)) from None
        kept.forget()
    if as_json:
        _show_json(result, model, card)
    else:
        _show(result, model, card)


def _folder(lab: Lab, recordings: Path | None, *, quick: bool) -> Path:
    """Where the model goes unless `-o` says otherwise: what ships is not replaced by another."""
    from edge_deploy.training import own

    if quick:
        return Path(f"{lab.name}-quick")
    ships = lab.folder.parent == places.shipped("labs")
    if ships and recordings is not None and own.laid_out(lab.labels, recordings):
        return Path(f"{lab.name}-own")
    return lab.folder


def _written(result: TrainResult, folder: Path, lab: Lab) -> tuple[Path, Path]:
    """The model and its card, in a folder that is a lab."""
    from edge_deploy import training

    pictures = training.pictures(result)
    try:
        written = result.write(folder, pictures)
        training.complete(folder, lab.folder)
    except OSError as error:
        raise EdgeDeployError(
            f"{folder}: cannot be written: {error.strerror or error}.",
            try_next=["--output OTHER_FOLDER    what was trained is kept"],
        ) from error
    return written


def _interrupted(kept: Kept, name: str) -> str:
    """The line that says how to go on."""
    if kept.epochs:
        return (
            f"Interrupted; {kept.epochs} epochs of {name} are kept. The same command goes on "
            "from there, --restart begins anew."
        )
    if kept.begun:
        return "Interrupted. The same command goes on where training stopped before."
    return "Interrupted before the first epoch was finished; nothing is kept."


def _show_json(result: TrainResult, model: Path, card: Path) -> None:
    output.document(
        {
            "lab": result.lab,
            "model": str(model),
            "card": str(card),
            "sha256": result.sha256,
            "seed": result.seed,
            "epochs": result.epochs,
            "trained_epochs": len(result.history),
            "best_epoch": result.best_epoch,
            "quick": result.quick,
            "parameters": result.parameters,
            "reference": result.reference,
            "pictures": [str(model.with_name(name)) for name in result.pictures],
            "figures": {row.name: row.as_json() for row in result.figures},
            "seconds": round(result.seconds, 1),
        }
    )


def _show(result: TrainResult, model: Path, card: Path) -> None:
    output.show(f"{model}  {len(result.model):,} B  sha256 {result.sha256[:16]}")
    headings = ["on samples that training never saw", "float", "int8", "unit", "int8 less float"]
    sure = any(row.int8_interval for row in result.figures)
    output.table(
        [*headings, *(["int8, 95 %"] if sure else []), "origin"],
        [
            [
                row.name,
                f"{row.in_float.value:.4g}",
                f"{row.in_int8.value:.4g}",
                row.in_int8.unit,
                row.change,
                *([" to ".join(f"{end:.4g}" for end in row.int8_interval or ())] if sure else []),
                row.in_int8.origin,
            ]
            for row in result.figures
        ],
    )
    trained = len(result.history)
    early = f" of {result.epochs}, as it got no better" if trained < result.epochs else ""
    best = "" if result.best_epoch == trained else f"; the weights are those of {result.best_epoch}"
    output.show(f"{trained} epochs{early}{best}. {result.seconds:.1f} s with seed {result.seed}.")
    if result.quick:
        output.show("A QUICK RUN: this is not how good the lab's model is.")
    output.show(f"Card: {card}, with {' and '.join(result.pictures)}")
