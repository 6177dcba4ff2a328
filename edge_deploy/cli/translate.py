"""The verbs that turn a model into C: compile, carray."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import click

from edge_deploy import boards, compiler, places
from edge_deploy.cli import kernels as own_kernels
from edge_deploy.cli import output, prepare
from edge_deploy.cli.kernels import kernels_option
from edge_deploy.cli.options import MODEL_HELP, board_option, debug_option, json_option
from edge_deploy.errors import EdgeDeployError, UsageError

HEADERS = ("model", "nn")
"""Folders of firmware/src that generated C includes from."""


@click.command("compile", epilog=MODEL_HELP)
@click.argument("model_word", metavar="MODEL")
@board_option
@kernels_option
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder for the C files  [default: MODEL_c]",
)
@click.option("--force", is_flag=True, help="Compile what does not fit the board, too.")
@json_option
@debug_option
def compile_(
    model_word: str,
    board: str | None,
    kernels: str,
    folder: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Compile MODEL to plain C99 that needs no interpreter, no heap and no library.

    The folder holds all it takes: `cc -I FOLDER -c FOLDER/ed_model.c`. With --board the
    kernels are those of the board's core; without, portable C.
    """
    subject = prepare.subject(model_word)
    if kernels and not board:
        again = f"edge-deploy compile {subject.word} --board xiao_esp32s3 --target {kernels}"
        raise UsageError(
            f"--target {kernels} is for one kind of board: give --board NAME.", try_next=[again]
        )
    chosen = own_kernels.board(board, kernels) if board else None
    if chosen:
        own_kernels.tell(chosen)
    compiled = prepare.compiled(
        subject, chosen or boards.load("nano33"), portable=chosen is None, force=True
    )
    if chosen and not force:
        again = f"edge-deploy compile --force {subject.word} --board {chosen.name}"
        prepare.refuse_over(
            subject, chosen, prepare.fit(compiled, chosen), also=[f"{again}    all the same"]
        )
    folder = folder or Path(f"{subject.name}_c")
    written = _write(folder, compiled.files)
    if as_json:
        output.document(
            {
                "model": {"name": subject.name, "sha256": subject.graph.sha256},
                "target": compiled.target,
                "folder": str(folder),
                "files": written,
                "arena_bytes": compiled.arena_bytes,
                "weights_bytes": compiled.weights_bytes,
            }
        )
        return
    output.show(
        f"{folder}/ed_model.c: {subject.name} for {compiled.target}, "
        f"{compiled.arena_bytes:,} B of arena, {compiled.weights_bytes:,} B of weights."
    )
    output.show(f"Compile it with: cc -std=c99 -O2 -I {folder} -c {folder}/ed_model.c")


def _write(folder: Path, files: Mapping[str, str]) -> list[str]:
    """The generated files and the headers that they include, below `folder`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="ascii", newline="\n")
        for name in HEADERS:
            shutil.copytree(
                places.shipped("firmware", "src", name),
                folder / name,
                dirs_exist_ok=True,
                ignore=shutil.ignore_patterns("ed_model_config.h", "ed_model.c"),
            )
    except OSError as error:
        raise EdgeDeployError(f"{folder}: cannot be written: {error.strerror or error}.") from error
    return sorted(files)


@click.command(epilog=MODEL_HELP)
@click.argument("model_word", metavar="MODEL")
@click.option("--symbol", default="g_model", show_default=True, help="Name of the C array.")
@click.option(
    "-o",
    "--output",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="File to write  [default: standard output]",
)
@debug_option
def carray(model_word: str, symbol: str, path: Path | None) -> None:
    """Print MODEL's .tflite as a C array, for those who use an interpreter."""
    if not symbol.isascii() or not symbol.isidentifier():
        raise UsageError(f"--symbol {symbol!r} is not a C identifier.")
    text = compiler.carray(prepare.subject(model_word).data, symbol=symbol)
    if path is None:
        click.echo(text, nl=False)
        return
    output.write(path, text)
