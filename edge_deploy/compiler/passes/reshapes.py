"""RESHAPE costs nothing: what reads one reads its source, whose bytes are the same."""

from __future__ import annotations

from dataclasses import replace

from edge_deploy.compiler.ops.layer import Layer
from edge_deploy.compiler.ops.reshape import Reshape
from edge_deploy.compiler.passes.program import Program


def remove_reshapes(program: Program) -> Program:
    """Let what reads a RESHAPE read its source: the bytes are the same."""
    source_of: dict[int, int] = {}
    kept: list[Layer] = []
    for layer in program.layers:
        moved = replace(layer, inputs=tuple(source_of.get(x, x) for x in layer.inputs))
        if isinstance(moved, Reshape):
            source_of[moved.outputs[0]] = moved.inputs[0]
        else:
            kept.append(moved)
    outputs = tuple(source_of.get(tensor, tensor) for tensor in program.outputs)
    return replace(program, layers=tuple(kept), outputs=outputs)
