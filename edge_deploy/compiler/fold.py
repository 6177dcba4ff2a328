"""Operators whose inputs are all known before run time become constants: a Graph in, a Graph out.

Shapes that the file leaves open are found on the way (`shapes.py`), as either needs the other.

Converters compute shapes in the model, as SHAPE, STRIDED_SLICE, PACK and RESHAPE; here nothing
is left of that. What only moves elements is done by the layers that would do it on the board
(`ops/`), what computes by `arithmetic.py`. Everything that is computed has the shape and type
that the file declares, or the model is refused; how much of it there may be is bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler import ops
from edge_deploy.compiler.arithmetic import FUNCTIONS
from edge_deploy.compiler.ops.layer import Layer, Site
from edge_deploy.compiler.ops.picked import Picked
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.reshape import Reshape
from edge_deploy.compiler.ops.strided import Strided, times
from edge_deploy.compiler.shapes import resolve
from edge_deploy.compiler.text import wire_name
from edge_deploy.errors import UnsupportedModel
from edge_deploy.model.graph import Graph, Operator, Tensor

# More than the flash, and the RAM, of any board.
MOST_BYTES = 1 << 24
# What needs no values, only the shape of its input.
_OF_SHAPES = ("RANK", "SHAPE", "ZEROS_LIKE")
# What only moves elements. Its readers take constants.
_MOVES = (
    "BATCH_TO_SPACE_ND", "BROADCAST_TO", "CONCATENATION", "DEPTH_TO_SPACE", "EXPAND_DIMS", "GATHER",
    "MIRROR_PAD", "PACK", "PAD", "PADV2", "RESHAPE", "RESIZE_NEAREST_NEIGHBOR", "REVERSE_V2",
    "SLICE", "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH", "SPLIT", "SPLIT_V", "SQUEEZE", "STRIDED_SLICE",
    "TILE", "TRANSPOSE", "UNPACK",
)  # fmt: skip


def fold(graph: Graph) -> Graph:
    """The graph without the operators that compute constants. Raises UnsupportedModel."""
    declared = graph.tensors
    kept: list[Operator] = []
    spent = 0
    for operator in graph.operators:
        if any(graph.tensors[i].open for i in operator.outputs):
            graph = resolve(Site(graph, operator), moves=operator.name in _MOVES)
        site = Site(graph, operator)
        if not _known(site):
            kept.append(operator)
            continue
        outputs = [graph.tensors[i] for i in operator.outputs]
        spent += sum(tensor.bytes for tensor in outputs)
        if spent > MOST_BYTES:
            raise unsupported(site, f"brings constants to {spent:,} bytes; {MOST_BYTES:,} is most")
        values = _moved(site) if operator.name in _MOVES else FUNCTIONS[operator.name](site)
        if values is None:
            kept.append(operator)
        else:
            graph = _with_values(site, values)
    for i in graph.outputs:
        if graph.tensors[i].shape != declared[i].shape:
            raise UnsupportedModel(
                f"output {wire_name(declared[i].name)} is declared as {times(declared[i].shape)};"
                f" it becomes {times(graph.tensors[i].shape)}.",
                try_next=("tf.keras.Input(shape, batch_size=1)   and convert again",),
            )
    return replace(graph, operators=tuple(kept))


def _known(site: Site) -> bool:
    """Whether the operator can be computed now, as far as its name and inputs tell."""
    operator = site.operator
    if operator.name in _OF_SHAPES:
        return True
    if operator.name not in _MOVES and operator.name not in FUNCTIONS:
        return False
    tensors = [site.graph.tensors[i] for i in operator.inputs if i >= 0]
    return bool(tensors) and all(tensor.is_constant for tensor in tensors)


def _moved(site: Site) -> list[NDArray[np.generic]]:
    """What the operator's layers make of constants, for each output."""
    found = ops.READERS[site.operator.name](site)
    layers: Sequence[Layer] = found if isinstance(found, tuple) else (found,)
    memory = {i: np.zeros(site.graph.tensors[i].bytes, np.uint8) for i in site.operator.outputs}
    for layer in layers:
        assert isinstance(layer, Strided | Picked | Reshape)
        assert layer.values is not None, "the reader of a constant keeps its values"
        layer.apply(layer.values, memory[layer.outputs[0]])
    return [
        memory[i].view(np.dtype(site.graph.tensors[i].dtype.value)) for i in site.operator.outputs
    ]


def _with_values(site: Site, values: Sequence[NDArray[np.generic]]) -> Graph:
    """The graph in which the operator's outputs are constants."""
    tensors = list(site.graph.tensors)
    for index, array in zip(site.operator.outputs, values, strict=True):
        tensors[index] = _constant(tensors[index], array)
    return replace(site.graph, tensors=tuple(tensors))


def _constant(tensor: Tensor, array: NDArray[np.generic]) -> Tensor:
    assert array.size == tensor.elements
    values = np.ascontiguousarray(array, tensor.dtype.value).reshape(tensor.shape)
    values.flags.writeable = False
    return replace(tensor, values=values)
