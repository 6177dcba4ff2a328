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
from edge_deploy.training.recipe import About, Data, Network, Plan
from edge_deploy.training.result import Comparison


def text(
    *,
    lab: Lab,
    about: About,
    data: Data,
    plan: Plan,
    default_epochs: int,
    recordings: bool,
    network: Network,
    content: bytes,
    graph: Graph,
    figures: Sequence[Comparison],
    classes: Classification | None,
    versions: str,
) -> str:
    """The whole card; ends in a newline."""
    command = f"edge-deploy train {lab.name} --seed {plan.seed}"
    if recordings:
        command += " --data FOLDER"
    if plan.epochs != default_epochs:
        command += f" --epochs {plan.epochs}"
    lines = [
        f"# Model card of {lab.name}",
        "",
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
                ("validation", f"{len(data.validation):,}", "shown while training"),
                ("test", f"{len(data.test):,}", "the figures below; training never saw them"),
            ),
        ),
        "",
        *((*data.notes, "") if data.notes else ()),
        "## Figures",
        "",
        f"On the {len(data.test):,} test samples:",
        "",
        table(
            ("figure", "float", "int8", "unit"),
            [
                (f.name, _figure(f.in_float.value), _figure(f.in_int8.value), f.in_float.unit)
                for f in figures
            ],
        ),
        "",
        *sorted({f"- float: {f.in_float.origin}" for f in figures}),
        *sorted({f"- int8: {f.in_int8.origin}" for f in figures}),
        "",
        *(() if classes is None else _classes(classes)),
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
        f"$ {command}",
        "```",
        "",
        f"- seed {plan.seed}, {plan.epochs} epochs, batches of {plan.batch}",
        f"- edge-deploy {__version__}, {versions}, numpy {np.__version__}, {platform.machine()}",
        f"- sha256 of model.tflite: `{hashlib.sha256(content).hexdigest()}`",
        "",
        "The same command with the same versions gives the same bytes.",
        "",
        "## Limits",
        "",
        about.limits,
        "",
    ]
    return "\n".join(lines)


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
