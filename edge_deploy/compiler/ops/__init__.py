"""The operators: one module for each family, from the file's operator to its C call.

`READERS` names them all. To add one: a module with a Layer and its reader, a kernel under
firmware/src/nn/, an entry here, a test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edge_deploy.compiler.ops import (
    add,
    conv,
    depthwise,
    fully_connected,
    lookup,
    min_max,
    mul,
    pool,
    prelu,
    reshape,
    softmax,
    squared_difference,
    transpose_conv,
    variable,
)
from edge_deploy.compiler.ops.layer import Layer, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.quantization import FactorTooLarge
from edge_deploy.model.graph import Graph

READERS: Mapping[str, Callable[[Site], Layer]] = {
    "ABS": lookup.read,
    "ADD": add.read,
    "ASSIGN_VARIABLE": variable.read,
    "AVERAGE_POOL_2D": pool.read,
    "CONV_2D": conv.read,
    "DEPTHWISE_CONV_2D": depthwise.read,
    "ELU": lookup.read,
    "EXP": lookup.read,
    "FULLY_CONNECTED": fully_connected.read,
    "GELU": lookup.read,
    "HARD_SWISH": lookup.read,
    "LEAKY_RELU": lookup.read,
    "LOGISTIC": lookup.read,
    "MAXIMUM": min_max.read,
    "MAX_POOL_2D": pool.read,
    "MINIMUM": min_max.read,
    "MUL": mul.read,
    "PRELU": prelu.read,
    "QUANTIZE": lookup.read,
    "READ_VARIABLE": variable.read,
    "RELU": lookup.read,
    "RELU6": lookup.read,
    "RELU_N1_TO_1": lookup.read,
    "RESHAPE": reshape.read,
    "RSQRT": lookup.read,
    "SOFTMAX": softmax.read,
    "SQUARED_DIFFERENCE": squared_difference.read,
    "SUB": add.read,
    "TANH": lookup.read,
    "TRANSPOSE_CONV": transpose_conv.read,
}


def read(graph: Graph) -> tuple[Layer, ...]:
    """All operators of a graph as layers, checked. Raises UnsupportedModel."""
    layers = []
    for operator in graph.operators:
        if operator.name in variable.DECLARATIONS:
            continue
        site = Site(graph, operator)
        reader = READERS.get(operator.name)
        if reader is None:
            raise unsupported(site, "is not supported", (f"supported: {', '.join(READERS)}",))
        try:
            layers.append(reader(site))
        except FactorTooLarge as error:
            raise unsupported(site, str(error)) from error
    return tuple(layers)
