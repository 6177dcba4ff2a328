"""A layer whose output is the same for every input of the model becomes that constant."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from edge_deploy.compiler.ops.layer import Layer
from edge_deploy.compiler.ops.uniform import Uniform
from edge_deploy.compiler.passes.channels import RULES, countable, ranges
from edge_deploy.compiler.passes.program import Program


def fix_constants(program: Program) -> Program:
    """Write what is known instead of computing it; what it was computed from is left, unread."""
    if not countable(program):
        return program
    known = ranges(program)
    writers = Counter(tensor for layer in program.layers for tensor in layer.outputs)
    states = {state.tensor for state in program.states}

    def fixed(layer: Layer) -> Layer:
        output = layer.outputs[0]
        values = known[output]
        if (
            type(layer) not in RULES
            or isinstance(layer, Uniform)
            or len(layer.outputs) > 1
            or writers[output] > 1
            or output in states
            or not values.constant.all()
        ):
            return layer
        tensor = program.graph.tensors[output]
        # All layers that have rules write bytes.
        kept = values.lowest.astype(tensor.dtype.value).view(np.uint8)
        positions = program.bytes_of(output) // kept.size
        return Uniform(
            layer.index, layer.operator, (), layer.outputs, kept, positions, tensor.dtype
        )

    return replace(program, layers=tuple(fixed(layer) for layer in program.layers))
