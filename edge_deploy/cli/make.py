"""The verbs that make a model: train."""

from __future__ import annotations

from pathlib import Path

import click

from edge_deploy import labs
from edge_deploy.cli import output
from edge_deploy.cli.options import DATA_VARIABLE, debug_option, json_option
from edge_deploy.errors import EdgeDeployError


@click.command()
@click.argument("lab_word", metavar="LAB")
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder for model.tflite and card.md  [default: the lab's own]",
)
@click.option(
    "--data",
    "recordings",
    type=click.Path(path_type=Path),
    envvar=DATA_VARIABLE,
    default=None,
    metavar="FOLDER",
    help="Where the recordings are that the lab learns from  [default: where edge-deploy data get "
    "has put them]",
)
@click.option("--seed", type=int, default=None, help="Another seed than the recipe's.")
@click.option("--epochs", type=click.IntRange(min=1), default=None, help="Stop after that many.")
@json_option
@debug_option
def train(
    lab_word: str,
    folder: Path | None,
    recordings: Path | None,
    seed: int | None,
    epochs: int | None,
    as_json: bool,
) -> None:
    """Train LAB's model, quantize it to int8, and write it with its card.

    LAB is a lab's name (edge-deploy labs) or a folder with a lab.yaml. Needs TensorFlow:
    pip install 'edge-deploy[train]'.
    """
    from edge_deploy import training

    lab = labs.load(lab_word)
    folder = folder or lab.folder

    def progress(epoch: training.Epoch) -> None:
        last = epoch.number == epoch.of
        if last or epoch.number == 1 or epoch.number % max(1, epoch.of // 10) == 0:
            accuracy = epoch.validation_accuracy
            output.say(
                f"epoch {epoch.number:>4} of {epoch.of}   loss {epoch.loss:.5f}   "
                f"validation {epoch.validation_loss:.5f}"
                + ("" if accuracy is None else f"   accuracy {100 * accuracy:.1f} %")
            )

    result = training.train(lab, seed=seed, epochs=epochs, recordings=recordings, progress=progress)
    try:
        model, card = result.write(folder)
    except OSError as error:
        raise EdgeDeployError(f"{folder}: cannot be written: {error.strerror or error}.") from error
    if as_json:
        output.document(
            {
                "lab": result.lab,
                "model": str(model),
                "card": str(card),
                "sha256": result.sha256,
                "seed": result.seed,
                "epochs": result.epochs,
                "parameters": result.parameters,
                "reference": result.reference,
                "figures": {
                    row.name: {"float": row.in_float.as_json(), "int8": row.in_int8.as_json()}
                    for row in result.figures
                },
                "seconds": round(result.seconds, 1),
            }
        )
        return
    output.show(f"{model}  {len(result.model):,} B  sha256 {result.sha256[:16]}")
    output.table(
        ["on samples that training never saw", "float", "int8", "unit", "origin"],
        [
            [
                row.name,
                f"{row.in_float.value:.4g}",
                f"{row.in_int8.value:.4g}",
                row.in_int8.unit,
                row.in_int8.origin,
            ]
            for row in result.figures
        ],
    )
    output.show(f"{result.seconds:.1f} s with seed {result.seed}. Card: {card}")
