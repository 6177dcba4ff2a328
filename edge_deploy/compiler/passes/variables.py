"""Variables are read where they are: a READ_VARIABLE copies only where the difference shows."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

from edge_deploy.compiler.ops.variable import CopyVariable
from edge_deploy.compiler.passes.program import Program
from edge_deploy.model.graph import DType


def read_variables_in_place(program: Program) -> Program:
    """Let what reads a READ_VARIABLE's copy read the variable, if it is done by the assignment.

    A copy stays where it is read at or after the next assignment, where it is an output of the
    model, where it is not int8 (layers take a variable's bytes as such), and where nothing else
    would tell that the variable is one.
    """
    last_read: dict[int, int] = {}
    assigned: dict[int, list[int]] = {}
    for at, layer in enumerate(program.layers):
        last_read.update(dict.fromkeys(layer.inputs, at))
        if isinstance(layer, CopyVariable) and not layer.reads:
            assigned.setdefault(layer.state.tensor, []).append(at)
    source_of: dict[int, int] = {}
    for at, layer in enumerate(program.layers):
        if not isinstance(layer, CopyVariable) or not layer.reads:
            continue
        copy, variable = layer.outputs[0], layer.state.tensor
        places = assigned.get(variable, [])
        following = bisect_right(places, at)
        done = following == len(places) or last_read.get(copy, at) < places[following]
        int8 = program.graph.tensors[copy].dtype is DType.INT8
        if places and done and int8 and copy not in program.outputs:
            source_of[copy] = variable
    kept = [
        replace(layer, inputs=tuple(source_of.get(x, x) for x in layer.inputs))
        for layer in program.layers
        if not source_of.keys() & layer.outputs
    ]
    return replace(program, layers=tuple(kept))
