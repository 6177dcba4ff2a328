"""Parts that lie where they belong need no copy.

A CONCATENATION whose inputs follow each other in its output is nothing where each is computed right
there; so is a SPLIT or SLICE whose parts are whole pieces of the input. The memory plan decides
whether that pays: the whole then lives as long as all of its parts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from edge_deploy.compiler.ops.layer import Layer
from edge_deploy.compiler.ops.strided import Strided
from edge_deploy.compiler.passes.program import Program, View

# Kernels read and write tensors by words.
_ALIGNMENT = 4


def view_parts(program: Program) -> Program:
    """Leave out copies of one run between tensors that can be pieces of each other."""
    states = {state.tensor for state in program.states}
    writers = Counter(tensor for layer in program.layers for tensor in layer.outputs)
    views = dict(program.views)
    kept: list[Layer] = []
    for layer in program.layers:
        found = _view(program, layer) if isinstance(layer, Strided) else None
        if found is not None:
            part, view = found
            whole_is_apart = replace(program, views=views).place_of(view.whole)[0] != part
            written_once = part in layer.inputs or writers[part] == 1
            if (
                part not in views
                and written_once
                and whole_is_apart
                and not states & {part, view.whole}
            ):
                views[part] = view
                continue
        kept.append(layer)
    return replace(program, layers=tuple(kept), views=views)


def _view(program: Program, layer: Strided) -> tuple[int, View] | None:
    """The tensor that is a piece of another, and of which; None where neither is."""
    if not layer.inputs or not layer.contiguous:
        return None
    source, output = layer.inputs[0], layer.outputs[0]
    if layer.run == program.bytes_of(source) and layer.write_at % _ALIGNMENT == 0:
        return source, View(output, layer.write_at)
    if layer.run == program.bytes_of(output) and layer.read_at % _ALIGNMENT == 0:
        return output, View(source, layer.read_at)
    return None
