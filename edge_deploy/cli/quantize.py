"""The verb that makes a model of the user's int8: quantize."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_deploy import compiler, labs
from edge_deploy.cli import output
from edge_deploy.cli.options import debug_option, json_option
from edge_deploy.compiler import Compiled
from edge_deploy.errors import EdgeDeployError, UsageError

if TYPE_CHECKING:
    from edge_deploy.training import Quantized

_LAYERS_SHOWN = 10
_RANDOM_SAMPLES = 100
_TYPES = click.Choice(["int8", "uint8", "float32"])
_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("path", metavar="MODEL", type=_PATH)
@click.option(
    "--data",
    type=_PATH,
    default=None,
    metavar="FILE",
    help="Samples that set the int8 ranges: .npy (n, *shape), .npz with an array for each input, "
    "or a folder of .npy files. With --lab: where its recordings are.",
)
@click.option(
    "--lab", "lab_word", metavar="LAB", default=None, help="The samples of a lab's recipe."
)
@click.option(
    "--random-data",
    "random",
    is_flag=True,
    help="Ranges from random numbers: sizes and speed only.",
)
@click.option(
    "--test-data",
    "test",
    type=_PATH,
    default=None,
    metavar="FILE",
    help="Other samples for figures.",
)
@click.option(
    "--labels",
    type=_PATH,
    default=None,
    metavar="FILE",
    help="What the samples are (.npy): classes, or values of the output's shape.",
)
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="The int8 .tflite  [default: MODEL's name with _int8.tflite, beside it]",
)
@click.option("--input-type", type=_TYPES, default="int8", show_default=True, help="What goes in.")
@click.option(
    "--output-type", type=_TYPES, default="int8", show_default=True, help="What comes out."
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    help="Write all of it as Markdown.",
)
@click.option(
    "--trust-model", "trusted", is_flag=True, help="Let MODEL run code that it brings (Lambda)."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of --random-data.")
@json_option
@debug_option
def quantize(
    path: Path,
    data: Path | None,
    lab_word: str | None,
    random: bool,
    test: Path | None,
    labels: Path | None,
    target: Path | None,
    input_type: str,
    output_type: str,
    report: Path | None,
    trusted: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Make MODEL int8, check that it compiles, and say what that cost, layer by layer.

    MODEL is a .keras or .h5 file, a SavedModel folder, or a float .tflite. Needs TensorFlow:
    pip install 'edge-deploy[train]'.
    """
    from edge_deploy import training
    from edge_deploy.training import quantize_report

    _check_words(path, data, lab_word, random=random, test=test, labels=labels)
    target = target or path.parent / f"{path.resolve().stem}_int8.tflite"
    if target.resolve() == path.resolve():
        raise UsageError(f"{target} is the model itself; name another file with -o.")
    recordings = data or _from_environment() if lab_word else None
    request = training.Request(
        model=path,
        data=None if lab_word else data,
        lab=labs.load(lab_word) if lab_word else None,
        recordings=recordings,
        random=_RANDOM_SAMPLES if random else 0,
        seed=seed,
        test=test,
        labels=labels,
        input_type=input_type,
        output_type=output_type,
        trusted=trusted,
    )
    output.say(f"Quantizing {path.name} ...")
    result = training.quantize_file(request)
    # The promise of this verb: what comes out compiles. UnsupportedModel names the operator.
    compiled = compiler.compile(result.graph, target="cortex_m4", model_name=path.stem)
    _write(target, result.content)
    if report is not None:
        output.write(report, quantize_report.text(result, path.name))
    if as_json:
        _show_json(path, target, report, result, compiled)
    else:
        _show(target, report, result, compiled)


def _check_words(
    path: Path,
    data: Path | None,
    lab: str | None,
    *,
    random: bool,
    test: Path | None,
    labels: Path | None,
) -> None:
    word = shlex.quote(str(path))
    if random and (data or lab):
        raise UsageError("--random-data goes with neither --data nor --lab.")
    if lab and (test or labels):
        raise UsageError("--lab brings its own test samples and labels.")
    if random and labels and not test:
        raise UsageError("--labels says what samples are; random ones are nothing.")
    if not (random or data or lab):
        raise UsageError(
            "int8 needs to know the ranges of what the model meets: give samples of it.",
            try_next=[
                f"edge-deploy quantize {word} --data inputs.npy    an array (n, *shape)",
                f"edge-deploy quantize {word} --lab kws --data FOLDER    a lab's recordings",
                f"edge-deploy quantize {word} --random-data    for sizes and speed only",
            ],
        )


def _from_environment() -> Path | None:
    """Where `train` looks for recordings as well."""
    word = os.environ.get("EDGE_DEPLOY_DATA")
    return Path(word) if word else None


def _write(path: Path, content: bytes) -> None:
    # Whole or not at all.
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise EdgeDeployError(f"{path}: cannot be written: {error.strerror or error}.") from error


def _notes(result: Quantized) -> list[str]:
    from edge_deploy.training import quantize_report

    notes = []
    if result.source.startswith("random"):
        notes.append(
            "The ranges are those of random numbers: size and speed are right, outputs are not."
        )
    notes += [f"The size that {name} leaves open is that of the samples." for name in result.fixed]
    loss = quantize_report.loss_line(result)
    return [*notes, loss] if loss else notes


def _show(target: Path, report: Path | None, result: Quantized, compiled: Compiled) -> None:
    from edge_deploy.training import quantize_report

    output.show(f"{target}  {len(result.content):,} B  sha256 {result.sha256[:16]}")
    output.show(
        f"float {result.float_bytes:,} B, int8 {len(result.content):,} B; compiled: weights "
        f"{compiled.weights_bytes:,} B, arena {compiled.arena_bytes:,} B, {compiled.macs:,} MACs"
    )
    output.show(quantize_report.samples_line(result))
    output.table(
        ["figure", "float", "int8", "unit", "origin"],
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
        title=f"{result.test_samples:,} samples"
        + (", those that set the ranges" if result.same_samples else ""),
    )
    output.table(
        ["operator", "name", "output", "SQNR dB", "lost dB"],
        [list(quantize_report.layer_cells(layer)) for layer in result.layers[:_LAYERS_SHOWN]],
        title="Layers that are furthest from the float model",
    )
    more = len(result.layers) - _LAYERS_SHOWN
    if more > 0:
        output.show(f"{more} more layers are nearer (--report, --json).")
    for note in _notes(result):
        output.show(note)
    if report is not None:
        output.show(f"Report: {report}")
    word = shlex.quote(str(target))
    output.show("Next:")
    for verb in ("inspect", "verify", "flash"):
        where = "" if verb == "inspect" else " --on virtual"
        output.show(f"  edge-deploy {verb} {word} --board nano33{where}")


def _show_json(
    path: Path, target: Path, report: Path | None, result: Quantized, compiled: Compiled
) -> None:
    output.document(
        {
            "source": str(path),
            "model": {"path": str(target), "name": path.stem, "sha256": result.sha256},
            "report": None if report is None else str(report),
            "float_bytes": result.float_bytes,
            "int8_bytes": len(result.content),
            "weights_bytes": compiled.weights_bytes,
            "arena_bytes": compiled.arena_bytes,
            "macs": compiled.macs,
            "samples": result.samples,
            "samples_from": result.source,
            "test_samples": result.test_samples,
            "inputs": [
                {"name": name, "shape": list(shape), "range": list(result.ranges[name])}
                for name, shape in result.shapes.items()
            ],
            "figures": {
                row.name: {"float": row.in_float.as_json(), "int8": row.in_int8.as_json()}
                for row in result.figures
            },
            "layers": [layer.as_json() for layer in result.layers],
            "layer_samples": result.layer_samples,
            "layers_unmatched": result.unmatched,
            "reference": result.reference,
            "notes": _notes(result),
        }
    )
