"""Graph to C: constants folded, passes, memory plan, weight layout, emission.

Turns a parsed int8 model into two files of plain C that need the kernels under
firmware/src/nn/ and nothing else, and that give the same bytes as TensorFlow Lite's reference
kernels. No I/O: a Graph in, text out. Knows nothing about boards and toolchains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge_deploy import __version__
from edge_deploy.compiler import emit, ops, passes
from edge_deploy.compiler import plan as planning
from edge_deploy.compiler.fold import MOST_BYTES, fold
from edge_deploy.compiler.ops.layer import CORTEX_M4, ESP32S3, PORTABLE, TARGETS
from edge_deploy.compiler.passes import Program
from edge_deploy.compiler.plan import Buffer, Plan
from edge_deploy.compiler.text import carray, wire_name
from edge_deploy.errors import UnsupportedModel
from edge_deploy.model.graph import Graph, Tensor

__all__ = [
    "CORTEX_M4",
    "ESP32S3",
    "PORTABLE",
    "TARGETS",
    "Buffer",
    "Compiled",
    "Layer",
    "Plan",
    "carray",
    "compile",
]


@dataclass(frozen=True)
class Layer:
    """One layer of the generated code. index: of its operator in the file."""

    index: int
    operator: str
    shapes: str
    macs: int


@dataclass(frozen=True)
class Compiled:
    """The generated files and what is known of them before any toolchain runs.

    files: name to text. arena_bytes: activations and every scratch buffer. weights_bytes: all
    constants that are emitted: weights, biases, multipliers, shifts. macs, macs_after_passes:
    multiply-accumulates of the file's operators, and of the layers that are left.
    """

    files: Mapping[str, str]
    target: str
    engine: str
    arena_bytes: int
    weights_bytes: int
    macs: int
    macs_after_passes: int
    layers: tuple[Layer, ...]
    plan: Plan


def compile(  # noqa: A001  (the word that the design gives this step)
    graph: Graph, *, target: str, command: str = "", model_name: str | None = None
) -> Compiled:
    """Compile a graph for `target` (`portable`, `cortex_m4` or `esp32s3`).

    command: what the generated files say made them. model_name: instead of the graph's own.
    Raises UnsupportedModel for what cannot be compiled exactly, ValueError for an unknown target.
    """
    if target not in TARGETS:
        raise ValueError(f"unknown target {target!r}; known: {', '.join(TARGETS)}")
    read = lower(graph)
    program, planned = arrange(read, target)
    graph = read.graph
    codes = [layer.code(target) for layer in program.layers]
    name = graph.name if model_name is None else model_name
    engine = f"edge-deploy-{__version__}/{target}"
    first_lines = emit.header(program, command=command, model_name=name)
    files = {
        "ed_model.c": emit.model(
            program,
            planned,
            codes,
            first_lines=first_lines,
            model_name=name,
            engine=engine,
        ),
        "ed_model_config.h": emit.config(program, planned, first_lines=first_lines),
    }
    return Compiled(
        files=files,
        target=target,
        engine=engine,
        arena_bytes=planned.arena_bytes,
        weights_bytes=sum(c.bytes for code in codes for c in code.constants),
        macs=read.macs,
        macs_after_passes=program.macs,
        layers=tuple(Layer(x.index, x.operator, x.shapes, x.macs) for x in program.layers),
        plan=planned,
    )


def lower(graph: Graph) -> Program:
    """The layers of a graph as the file has them, checked, its constants computed."""
    graph = fold(graph)
    _check_ends(graph)
    _check_sizes(graph)
    return Program(graph, ops.read(graph), graph.inputs, graph.outputs)


def arrange(read: Program, target: str) -> tuple[Program, Plan]:
    """What is emitted of a program for a target: after all passes, with its memory planned."""
    copied = passes.run(read)
    viewed = passes.view_parts(copied)
    return planning.choose((viewed, copied) if viewed.views else (copied,), target)


def _check_ends(graph: Graph) -> None:
    """Refuse models whose inputs or outputs cannot be passed as they are.

    Of which type they may be beyond int8 is for the layers that read and write them to say.
    """
    for what, indices in (("input", graph.inputs), ("output", graph.outputs)):
        if not indices:
            raise UnsupportedModel(f"the model has no {what}.")
        for i in indices:
            _check_end(graph.tensors[i], what)


def _check_sizes(graph: Graph) -> None:
    """Refuse tensors that no board holds, before anything is computed that is as large."""
    used = {*graph.inputs, *graph.outputs}
    used.update(i for x in graph.operators for i in (*x.inputs, *x.outputs) if i >= 0)
    for i in sorted(used):
        tensor = graph.tensors[i]
        if not tensor.is_constant and tensor.bytes > MOST_BYTES:
            raise UnsupportedModel(
                f"tensor {i} ({wire_name(tensor.name)}) takes {tensor.bytes:,} bytes of RAM;"
                f" {MOST_BYTES:,} is most."
            )


def _check_end(tensor: Tensor, what: str) -> None:
    name = wire_name(tensor.name)
    if tensor.dtype not in emit.DTYPES:
        raise UnsupportedModel(
            f"{what} {name} is {tensor.dtype.value}, which no board takes.",
            try_next=(
                "converter.inference_input_type = tf.int8   before converter.convert()",
                "converter.inference_output_type = tf.int8",
            ),
        )
    if tensor.is_constant or tensor.is_variable:
        kind = "constant" if tensor.is_constant else "variable"
        raise UnsupportedModel(f"{what} {name} is a {kind}.")
    if len(tensor.shape) > emit.MAX_RANK or tensor.elements <= 0:
        raise UnsupportedModel(f"{what} {name} has shape {tensor.shape}.")
    if tensor.quantization is not None and tensor.quantization.per_channel:
        raise UnsupportedModel(f"{what} {name} has more than one scale.")
