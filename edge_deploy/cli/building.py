"""The verb that builds firmware without flashing it, or writes what others build it from: build."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import click

from edge_deploy.artifact import Artifact
from edge_deploy.boards import Board
from edge_deploy.cli import kernels as own_kernels
from edge_deploy.cli import output, prepare
from edge_deploy.cli.kernels import kernels_option
from edge_deploy.cli.options import MODEL_HELP, board_option, debug_option, json_option
from edge_deploy.cli.prepare import Subject
from edge_deploy.errors import EdgeDeployError, UsageError
from edge_deploy.toolchains import ToolchainMissing

_PORTS = {"board": "arduino", "virtual": "virtual_m4", "local": "host"}


@click.command(epilog=MODEL_HELP)
@click.argument("model_word", metavar="MODEL")
@board_option
@kernels_option
@click.option(
    "--on",
    "on",
    default="board",
    show_default=True,
    metavar="WHERE",
    help="board: the real one, by PlatformIO; virtual or local: another port of the firmware.",
)
@click.option("--dry-run", is_flag=True, help="Print the call of PlatformIO, and do nothing.")
@click.option(
    "--export",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    metavar="DIR",
    help="Write a PlatformIO project and an Arduino sketch that need no edge-deploy, and build "
    "nothing.",
)
@click.option(
    "--engine",
    type=click.Choice(("edge-deploy", "tflm")),
    default="edge-deploy",
    show_default=True,
    help="With --export: tflm runs MODEL in TensorFlow Lite Micro, for comparison.",
)
@click.option(
    "--arena",
    "arena_bytes",
    type=click.IntRange(1_024, 1 << 26),
    default=None,
    metavar="BYTES",
    help="Of --engine tflm  [default: twice what edge-deploy's own code needs, and 16 KiB]",
)
@json_option
@debug_option
def build(
    model_word: str,
    board: str | None,
    kernels: str,
    on: str,
    dry_run: bool,
    folder: Path | None,
    engine: str,
    arena_bytes: int | None,
    as_json: bool,
) -> None:
    """Build the firmware with MODEL, and show its flash and RAM against the board's.

    For a real board PlatformIO builds it (pip install 'edge-deploy[boards]'); the first time it
    downloads the board's core and compiler.
    """
    if not board:
        raise UsageError(
            "no board named: give --board NAME.",
            try_next=[f"edge-deploy build --board nano33 {model_word}", "edge-deploy boards"],
        )
    if on not in _PORTS:
        raise UsageError(
            f"--on {on!r} is nothing to build for.",
            try_next=[f"--on {word}" for word in _PORTS],
        )
    if folder is None and (engine != "edge-deploy" or arena_bytes is not None):
        raise UsageError(
            "--engine tflm is for a project that others build: it needs --export.",
            try_next=[f"--export {Path(model_word).stem}_tflm"],
        )
    if kernels and engine != "edge-deploy":
        raise UsageError(
            f"--target {kernels} is of edge-deploy's own code, not of --engine {engine}."
        )
    subject = prepare.subject(model_word)
    chosen = own_kernels.board(board, kernels)
    own_kernels.tell(chosen)
    if folder is not None:
        _export(subject, chosen, folder, engine, arena_bytes, as_json=as_json)
        return
    if dry_run:
        _show_call(subject, chosen, on, as_json=as_json)
        return
    _, made = prepare.artifact(subject, chosen, _PORTS[on])
    _show(made, chosen, as_json=as_json)


def _show(made: Artifact, board: Board, *, as_json: bool) -> None:
    checks = prepare.image_checks(made, board)
    if as_json:
        output.document(
            {
                "artifact": str(made.folder),
                "manifest": made.manifest.as_json(),
                "fit": [check.as_json() for check in checks],
            }
        )
        return
    manifest = made.manifest
    output.show(str(made.image))
    output.show(
        f"{manifest.model_name} for {manifest.board} ({manifest.port}), engine {manifest.engine}, "
        f"{manifest.toolchain}"
    )
    prepare.show_checks(checks)


def _show_call(subject: Subject, board: Board, on: str, *, as_json: bool) -> None:
    """What would be run, in the folder that it would be run in."""
    from edge_deploy.build import platformio

    if on != "board":
        raise UsageError("--dry-run is of PlatformIO, which builds for the board itself.")
    files = prepare.project(subject, board)
    folder = platformio.folder_of(board)
    try:
        program = platformio.program()
    except ToolchainMissing as missing:
        output.say(missing.message)
        program = ["pio"]
    words = platformio.command(folder, board, program=program)
    if as_json:
        output.document({"command": words, "project": sorted(files)})
        return
    output.show(shlex.join(words))


def _export(
    subject: Subject,
    board: Board,
    folder: Path,
    engine: str,
    arena_bytes: int | None,
    *,
    as_json: bool,
) -> None:
    """Both projects with the page that a student reads, in a folder that is not there yet."""
    from edge_deploy.build import export

    if folder.exists() and any(folder.iterdir()):
        raise UsageError(
            f"{folder} is not empty, and nothing in it is written over.",
            try_next=(f"--export {folder}/{subject.name}",),
        )
    generated = (
        prepare.interpreted(subject, board, arena_bytes)
        if engine == export.TFLM
        else prepare.generated(subject, board)
    )
    files = export.files(subject.name, generated, board, prepare.features(subject), engine=engine)
    _write(folder, files)
    if as_json:
        output.document({"folder": str(folder), "files": sorted(files)})
        return
    output.show(f"{folder}: {len(files)} files. Read {folder / export.README} first.")


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise EdgeDeployError(f"{folder}: cannot be written: {error.strerror or error}.") from error
