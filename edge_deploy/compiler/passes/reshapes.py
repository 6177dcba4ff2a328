"""What leaves the bytes as they are costs nothing: what reads it reads its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edge_deploy.compiler.ops.layer import Layer
from edge_deploy.compiler.ops.reshape import Reshape
from edge_deploy.compiler.ops.strided import Strided
from edge_deploy.compiler.passes.program import Program


def remove_reshapes(program: Program) -> Program:
    """Let what reads a RESHAPE, or a copy of all that there is, read its source."""
    return remove_copies(
        program,
        lambda layer: (
            isinstance(layer, Reshape) or (isinstance(layer, Strided) and layer.changes_nothing)
        ),
    )


def remove_copies(program: Program, is_copy: Callable[[Layer], bool]) -> Program:
    """Let what reads a layer that only copies read its source; from or to a state it stays."""
    states = {state.tensor for state in program.states}
    source_of: dict[int, int] = {}
    kept: list[Layer] = []
    for layer in program.layers:
        moved = replace(layer, inputs=tuple(source_of.get(x, x) for x in layer.inputs))
        if is_copy(moved) and not states & {moved.inputs[0], moved.outputs[0]}:
            source_of[moved.outputs[0]] = moved.inputs[0]
        else:
            kept.append(moved)
    outputs = tuple(source_of.get(tensor, tensor) for tensor in program.outputs)
    return replace(program, layers=tuple(kept), outputs=outputs)
