"""What nobody reads is not computed."""

from __future__ import annotations

from dataclasses import replace

from edge_deploy.compiler.ops.layer import Layer
from edge_deploy.compiler.passes.program import Program


def remove_unread(program: Program) -> Program:
    """Drop layers whose outputs nothing reads, now or in the next inference."""
    read = set(program.outputs) | {state.tensor for state in program.states}
    kept: list[Layer] = []
    for layer in reversed(program.layers):
        if read.intersection(layer.outputs):
            read.update(layer.inputs)
            kept.append(layer)
    return replace(program, layers=tuple(reversed(kept)))
