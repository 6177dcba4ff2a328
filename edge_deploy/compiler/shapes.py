"""Shapes that a file leaves open are found: a Graph in, a Graph out.

A model whose batch is open says -1 for every dimension that depends on it, and 1 in the shape:
right for the batch itself, wrong for what a SPACE_TO_BATCH_ND or a RESHAPE makes of it. Readers of
operators that only move elements, or slide windows, tell what those make (`Site.found`); of all
others, an output's open dimension is that of an input of the same rank. All readers hold every
shape against its operator afterwards, so a wrong guess is refused.
"""

from __future__ import annotations

import math
from dataclasses import replace

from edge_deploy.compiler import ops
from edge_deploy.compiler.ops.layer import Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.model.graph import Graph, Tensor
from edge_deploy.model.tensors import LARGEST_TENSOR_BYTES

_WINDOWS = ("AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D")


def resolve(site: Site, *, moves: bool) -> Graph:
    """The graph with the shapes of one operator's outputs. moves: it only moves elements.

    Raises UnsupportedModel as the operator's reader does.
    """
    graph = site.graph
    opened = [graph.tensors[i] for i in site.operator.outputs if graph.tensors[i].open]
    if not opened:
        return graph
    if moves or site.operator.name in _WINDOWS:
        ops.READERS[site.operator.name](site)
        shapes = site.found
    else:
        shapes = {tensor.index: _guess(site, tensor) for tensor in opened}
    tensors = list(graph.tensors)
    for index, shape in shapes.items():
        if math.prod(shape) * tensors[index].dtype.itemsize > LARGEST_TENSOR_BYTES:
            raise unsupported(site, f"has an output of shape {shape}")
        tensors[index] = replace(tensors[index], shape=shape, open=())
    return replace(graph, tensors=tuple(tensors))


def _guess(site: Site, output: Tensor) -> tuple[int, ...]:
    """Open dimensions as in the inputs that are computed; of a product, as many as rows."""
    computed = [
        site.graph.tensors[i]
        for i in site.operator.inputs
        if i >= 0 and not site.graph.tensors[i].is_constant
    ]
    alike = [tensor.shape for tensor in computed if len(tensor.shape) == len(output.shape)]
    shape = list(output.shape)
    for i in output.open:
        if alike:
            shape[i] = max(each[i] for each in alike)
    if site.operator.name == "FULLY_CONNECTED" and output.open == (0,) and computed:
        rows = site.tensor(1).shape[-1:]
        if len(output.shape) == 2 and rows and rows[0] > 0:
            shape[0] = computed[0].elements // rows[0]
    return tuple(shape)
