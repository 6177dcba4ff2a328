"""The verbs that look: boards, inspect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edge_deploy import boards as board_files
from edge_deploy import kits, model
from edge_deploy.boards import Board
from edge_deploy.cli import connected, output, prepare
from edge_deploy.cli.options import MODEL_HELP, board_option, debug_option, json_option
from edge_deploy.compiler import Compiled, extents
from edge_deploy.compiler import picture as plan_picture


@click.command()
@click.argument("name", required=False)
@json_option
@debug_option
def boards(name: str | None, as_json: bool) -> None:
    """List the kinds of board and what is connected, or show NAME with every value's source.

    With NAME also its parts, where they are, and the page that says how to set it up.
    """
    if name:
        board = board_files.load(name)
        kit = kits.find(name)
        if as_json:
            document = board.as_json()
            document["kit"] = None if kit is None else kit.as_json()
            output.document(document)
        else:
            _show_board(board)
            if kit is not None:
                _show_kit(kit)
        return
    known = board_files.load_all()
    plugged = connected.look(known)
    if as_json:
        output.document(
            {
                "boards": [board.as_json() for board in known.values()],
                "connected": [each.as_json() for each in plugged],
            }
        )
        return
    output.table(
        ["board", "what it is", "chip", "MHz", "flash B", "RAM B", "virtual board"],
        [
            [
                board.name,
                board.title,
                board.chip,
                output.number(board.clock_hz / 1e6),
                "disk" if board.flash_bytes is None else output.number(board.flash_bytes),
                output.number(board.ram_bytes),
                "emulated" if board.target == "cortex_m4" else "on this computer",
            ]
            for board in known.values()
        ],
    )
    if not plugged:
        output.show("Connected: none. edge-deploy doctor  says what may stand in the way.")
        return
    output.table(
        ["connected", "serial number", "board", "runs"],
        [
            [
                each.port.path,
                each.port.serial_number or "-",
                each.kind,
                each.runs,
            ]
            for each in plugged
        ],
    )


def _show_board(board: Board) -> None:
    output.show(board.title)
    output.table(
        ["fact", "value", "unit", "source"],
        [[fact.name, fact.text, fact.unit, fact.source] for fact in board.facts()],
    )


def _show_kit(kit: kits.Kit) -> None:
    output.table(
        ["part", "name", "variants", "where", "firmware", "source"],
        [
            [
                part.kind,
                part.name if part.carrier == kits.ITSELF else f"{part.name} ({part.carrier})",
                "all" if part.variants == kit.variants else ", ".join(part.variants),
                part.where,
                "uses it" if part.used else "-",
                part.source,
            ]
            for part in kit.parts
        ],
    )
    output.show(f"Where it does not answer: {kit.by_hand.text}.")
    output.show(f"Parts, wiring, first light, troubleshooting: {kit.readme}")


@click.command(epilog=MODEL_HELP)
@click.argument("model_word", metavar="MODEL")
@board_option
@click.option(
    "--plot",
    "picture",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE.svg",
    help="Draw the memory plan into FILE.svg: layers across, bytes up.",
)
@json_option
@debug_option
def inspect(model_word: str, board: str | None, picture: Path | None, as_json: bool) -> None:
    """Show the operators of MODEL, what it needs, and whether it fits a board.

    Nothing is built: weights and arena are known before any toolchain starts.
    """
    subject = prepare.subject(model_word)
    chosen = board_files.load(board) if board else None
    compiled = prepare.compiled(
        subject, chosen or board_files.load("nano33"), portable=chosen is None, force=True
    )
    checks = prepare.fit(compiled, chosen) if chosen else ()
    if picture:
        output.write(picture, plan_picture.emit(compiled, subject.graph, subject.name))
    if as_json:
        document = _describe(subject, compiled)
        document["fit"] = [check.as_json() for check in checks]
        output.document(document)
    else:
        _show_model(subject, compiled)
        if checks:
            prepare.show_checks(checks)
    if chosen:
        prepare.refuse_over(subject, chosen, checks)


def _describe(subject: prepare.Subject, compiled: Compiled) -> dict[str, Any]:
    """The keys of DESIGN.md for `inspect`."""
    macs = model.macs(subject.graph)
    return {
        "model": {"name": subject.name, "sha256": subject.graph.sha256},
        "macs": sum(macs),
        "macs_after_passes": compiled.macs_after_passes,
        "weights_bytes": compiled.weights_bytes,
        "arena_bytes": compiled.arena_bytes,
        "operators": [
            {"index": operator.index, "name": operator.name, "macs": macs[operator.index]}
            for operator in subject.graph.operators
        ],
        "plan": _plan(subject, compiled),
    }


def _plan(subject: prepare.Subject, compiled: Compiled) -> dict[str, Any]:
    """The memory plan: `first` and `last` are positions in `layers`, -1 before the first."""
    found = extents.extents(compiled, subject.graph)
    layer, most = extents.peak(found, len(compiled.layers))
    return {
        "arena_bytes": compiled.arena_bytes,
        "origin": prepare.PLAN_ORIGIN,
        "peak": {"layer": layer, "bytes": most},
        "layers": [{"index": each.index, "name": each.operator} for each in compiled.layers],
        "buffers": [vars(extent) for extent in found],
    }


def _show_model(subject: prepare.Subject, compiled: Compiled) -> None:
    graph, macs = subject.graph, model.macs(subject.graph)
    output.show(f"{model.safe_name(subject.name)}  sha256 {graph.sha256[:16]}")
    for heading, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for index in indices:
            tensor = graph.tensors[index]
            shape = "x".join(str(size) for size in tensor.shape)
            output.show(f"{heading:>7}  {tensor.dtype.value} {shape}")
    rows = []
    for operator in graph.operators:
        result = graph.tensors[operator.outputs[0]]
        shape = "x".join(str(size) for size in result.shape)
        count = output.number(macs[operator.index])
        rows.append([str(operator.index), operator.name, shape, count])
    output.table(["#", "operator", "output", "MACs"], rows)
    output.show(f"{sum(macs):,} MACs, {compiled.macs_after_passes:,} after the compiler's passes")
    output.show(f"{compiled.weights_bytes:,} B of weights, {compiled.arena_bytes:,} B of arena")
