"""The card of a trained model, in Markdown: what it is, what it was trained on, how good it is.

The same training run gives the same text: no date, no wall time, no path.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence

import numpy as np

from edge_deploy import __version__, model
from edge_deploy.labs import Lab
from edge_deploy.model.graph import Graph, Tensor
from edge_deploy.training import classification
from edge_deploy.training.classification import Classification
from edge_deploy.training.fitting import Fitted
from edge_deploy.training.recipe import Data, Network, Plan, Recipe
from edge_deploy.training.result import CONFUSION, CURVE, OUTPUTS, ROC, Comparison, Interval

_SURE = (
    "- 95 %: within these ends, if the samples know nothing of each other; several of one person "
    "or one recording know something, so the truth is less sure"
)
_SHOWN = {
    CURVE: "The losses of training and validation, epoch by epoch",
    CONFUSION: "How often each class was taken for each other one",
    ROC: "How many anomalies are found for how many false alarms",
    OUTPUTS: "The outputs of both models against what they should be",
}


def text(
    *,
    lab: Lab,
    recipe: Recipe,
    data: Data,
    plan: Plan,
    default_epochs: int,
    network: Network,
    fitted: Fitted,
    content: bytes,
    graph: Graph,
    figures: Sequence[Comparison],
    classes: Classification | None,
    pictures: Sequence[str],
    versions: str,
) -> str:
    """The whole card; ends in a newline.

    default_epochs: what would be trained without `--epochs`. pictures: names of those beside it.
    """
    about = data.about or recipe.about
    lines = [
        f"# Model card of {lab.name}",
        "",
        *(_quick(plan, recipe) if plan.quick else ()),
        f"{lab.title}. {about.purpose}",
        "",
        "## Data",
        "",
        about.data,
        "",
        table(
            ("part", "samples", "what for"),
            (
                ("training", f"{len(data.train):,}", "the weights"),
                (
                    "validation",
                    f"{len(data.validation):,}",
                    "when to stop" if recipe.patience else "shown while training",
                ),
                ("test", f"{len(data.test):,}", "the figures below; training never saw them"),
            ),
        ),
        "",
        *((*data.notes, "") if data.notes else ()),
        "## Figures",
        "",
        f"On the {len(data.test):,} test samples:",
        "",
        _figures_table(figures),
        "",
        *sorted({f"- float: {f.in_float.origin}" for f in figures}),
        *sorted({f"- int8: {f.in_int8.origin}" for f in figures}),
        *([_SURE] if _known(figures) else []),
        "",
        *(() if classes is None else _classes(classes)),
        *(line for name in pictures for line in (f"![{_SHOWN[name]}]({name})", "")),
        "## Size",
        "",
        table(
            ("what", "value", "unit"),
            (
                ("parameters", f"{network.count_params():,}", "numbers"),
                ("weights and biases", f"{model.weights_bytes(graph):,}", "B"),
                ("model.tflite", f"{len(content):,}", "B"),
                ("multiply-accumulates", f"{sum(model.macs(graph)):,}", "MAC"),
            ),
        ),
        "",
        table(
            ("end", "type", "shape", "scale", "zero point"),
            [_end("input", graph.tensors[index]) for index in graph.inputs]
            + [_end("output", graph.tensors[index]) for index in graph.outputs],
        ),
        "",
        "## How it was made",
        "",
        "```",
        f"$ {_command(lab, recipe, plan, default_epochs)}",
        "```",
        "",
        f"- seed {plan.seed}, {plan.epochs} epochs, batches of {plan.batch}",
        *([_stopping(recipe.patience, fitted)] if recipe.patience else []),
        f"- edge-deploy {__version__}, {versions}, numpy {np.__version__}, {platform.machine()}",
        f"- sha256 of model.tflite: `{hashlib.sha256(content).hexdigest()}`",
        "",
        "The same command with the same versions gives the same bytes, interrupted or not.",
        "",
        "## Limits",
        "",
        about.limits,
        "",
    ]
    return "\n".join(lines)


def _known(figures: Sequence[Comparison]) -> bool:
    """Whether any figure has an interval."""
    return any(f.float_interval or f.int8_interval for f in figures)


def _figures_table(figures: Sequence[Comparison]) -> str:
    headings = ["figure", "float", "int8", "unit", "int8 less float"]
    rows = [
        [f.name, _figure(f.in_float.value), _figure(f.in_int8.value), f.in_float.unit, f.change]
        for f in figures
    ]
    if _known(figures):
        headings += ["float, 95 %", "int8, 95 %"]
        for row, f in zip(rows, figures, strict=True):
            row += [_interval(f.float_interval), _interval(f.int8_interval)]
    return table(headings, rows)


def _command(lab: Lab, recipe: Recipe, plan: Plan, default_epochs: int) -> str:
    command = f"edge-deploy train {lab.name} --seed {plan.seed}"
    if recipe.recordings:
        command += " --data FOLDER"
    if plan.epochs != default_epochs:
        command += f" --epochs {plan.epochs}"
    return command + (" --quick" if plan.quick else "")


def _quick(plan: Plan, recipe: Recipe) -> list[str]:
    """What nobody shall overlook."""
    told = (
        f"> **QUICK RUN: {plan.epochs} epochs instead of {recipe.epochs}. This is not the lab's "
        "model**, and its figures say nothing of how good that one is. It shows how training goes."
    )
    return [told, ""]


def _stopping(patience: int, fitted: Fitted) -> str:
    last = fitted.history[-1]
    ended = (
        f"ended after epoch {last.number}" if last.number < last.of else "all epochs were trained"
    )
    return (
        f"- early stopping after {patience} epochs without a lower validation loss: {ended}; "
        f"the weights are those of epoch {fitted.best_epoch}"
    )


def _classes(classes: Classification) -> list[str]:
    """How sure the accuracy is, every class, and what is taken for what."""
    counts = classes.in_int8
    return [
        f"- float: {classification.sure(classes.in_float)}",
        f"- int8: {classification.sure(counts)}",
        "",
        table(
            ("class", "samples", "right, float", "right, int8", "precision, int8"),
            classification.class_rows(classes),
        ),
        "",
        "What each class (row) was taken for (column) by the int8 model:",
        "",
        table(
            ("", *classes.labels),
            [
                (label, *(f"{count:,}" if count else "." for count in row))
                for label, row in zip(classes.labels, counts.tolist(), strict=True)
            ],
        ),
        "",
    ]


def _figure(value: float) -> str:
    """Four digits that mean something, no exponent where none is needed."""
    return f"{value:.4g}"


def _interval(ends: Interval | None) -> str:
    """`0.8827 to 0.9221`; empty where nothing is known."""
    return "" if ends is None else f"{_figure(ends[0])} to {_figure(ends[1])}"


def _end(name: str, tensor: Tensor) -> tuple[str, ...]:
    terms = tensor.quantization
    return (
        name,
        tensor.dtype.value,
        "x".join(map(str, tensor.shape)),
        f"{terms.scale:.9g}" if terms else "",
        str(terms.zero_point) if terms else "",
    )


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up in a plain editor too."""
    cells = [tuple(cell.replace("|", "\\|") for cell in row) for row in (headings, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
