"""Activations and requantizations cost as little as they can.

Two tables in a row are one; one that only clamps goes into the layer before it, where that layer
clamps anyway; one that changes nothing goes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from edge_deploy.compiler.ops.cast import Cast
from edge_deploy.compiler.ops.layer import Layer
from edge_deploy.compiler.ops.lookup import Lookup
from edge_deploy.compiler.passes.program import Program
from edge_deploy.compiler.passes.reshapes import remove_copies


def fuse_lookups(program: Program) -> Program:
    """Put each table into the layer that makes its input, where nothing else reads that."""
    readers = Counter(tensor for layer in program.layers for tensor in set(layer.inputs))
    readers.update(set(program.outputs))
    states = {state.tensor for state in program.states}
    layers: list[Layer | None] = list(program.layers)
    made_by: dict[int, int] = {}
    for i, layer in enumerate(program.layers):
        if isinstance(layer, Lookup) and layer.inputs[0] in made_by:
            source, output = layer.inputs[0], layer.outputs[0]
            before = layers[made_by[source]]
            assert before is not None
            fused = None
            if readers[source] == 1 and not states & {source, output}:
                fused = _fused(before, layer)
            if fused is not None:
                layers[made_by[source]] = replace(fused, outputs=(output,))
                layers[i] = None
                made_by[output] = made_by[source]
                continue
        if len(layer.outputs) == 1:
            made_by[layer.outputs[0]] = i
    return replace(program, layers=tuple(layer for layer in layers if layer is not None))


def remove_identities(program: Program) -> Program:
    """Let what reads a table, or a cast, that changes nothing read its source."""
    return remove_copies(
        program, lambda layer: isinstance(layer, Lookup | Cast) and layer.changes_nothing
    )


def _fused(before: Layer, layer: Lookup) -> Layer | None:
    if isinstance(before, Lookup):
        return before.followed_by(layer)
    clamp = layer.clamp()
    return None if clamp is None else before.limited(*clamp)
