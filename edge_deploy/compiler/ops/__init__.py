"""The operators: one module for each family, from the file's operator to its C call.

`READERS` names them all; a reader gives several layers where an operator falls into parts. To
add one: a module with a Layer and its reader, a kernel under firmware/src/nn/, an entry here, a
test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edge_deploy.compiler.ops import (
    add,
    arg_min_max,
    batch_matmul,
    blocks,
    cast,
    conv,
    cut,
    depthwise,
    gather,
    join,
    l2_normalization,
    log_softmax,
    lookup,
    lstm,
    min_max,
    mul,
    pad,
    pool,
    prelu,
    quantize,
    real,
    reduce,
    reorder,
    repeat,
    reshape,
    resize,
    softmax,
    squared_difference,
    svdf,
    transpose_conv,
    variable,
)
from edge_deploy.compiler.ops.layer import Layer, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.quantization import FactorTooLarge
from edge_deploy.model.graph import Graph

READERS: Mapping[str, Callable[[Site], Layer | tuple[Layer, ...]]] = {
    "ABS": lookup.read,
    "ADD": add.read,
    "ARG_MAX": arg_min_max.read,
    "ARG_MIN": arg_min_max.read,
    "ASSIGN_VARIABLE": variable.read,
    "AVERAGE_POOL_2D": pool.read,
    "BATCH_MATMUL": batch_matmul.read,
    "BATCH_TO_SPACE_ND": blocks.read_batch_to_space,
    "BROADCAST_TO": repeat.read_broadcast_to,
    "CAST": cast.read,
    "CONCATENATION": join.read_concatenation,
    "CONV_2D": conv.read,
    "COS": real.read,
    "DEPTHWISE_CONV_2D": depthwise.read,
    "DEPTH_TO_SPACE": reorder.read_depth_to_space,
    "DEQUANTIZE": quantize.read_back,
    "ELU": lookup.read,
    "EXP": lookup.read,
    "EXPAND_DIMS": reshape.read_expand_dims,
    "FLOOR": real.read,
    "FULLY_CONNECTED": batch_matmul.read_fully_connected,
    "GATHER": gather.read,
    "GELU": lookup.read,
    "HARD_SWISH": lookup.read,
    "L2_NORMALIZATION": l2_normalization.read,
    "LEAKY_RELU": lookup.read,
    "LOG": real.read,
    "LOGISTIC": lookup.read,
    "LOG_SOFTMAX": log_softmax.read,
    "MAXIMUM": min_max.read,
    "MAX_POOL_2D": pool.read,
    "MEAN": reduce.read,
    "MINIMUM": min_max.read,
    "MIRROR_PAD": pad.read_mirror_pad,
    "MUL": mul.read,
    "NEG": real.read,
    "PACK": join.read_pack,
    "PAD": pad.read_pad,
    "PADV2": pad.read_pad,
    "PRELU": prelu.read,
    "QUANTIZE": quantize.read,
    "READ_VARIABLE": variable.read,
    "REDUCE_MAX": reduce.read,
    "REDUCE_MIN": reduce.read,
    "RELU": lookup.read,
    "RELU6": lookup.read,
    "RELU_N1_TO_1": lookup.read,
    "RESHAPE": reshape.read,
    "RESIZE_BILINEAR": resize.read_bilinear,
    "RESIZE_NEAREST_NEIGHBOR": resize.read_nearest,
    "REVERSE_V2": reorder.read_reverse,
    "RSQRT": lookup.read,
    "SIN": real.read,
    "SLICE": cut.read_slice,
    "SOFTMAX": softmax.read,
    "SPACE_TO_BATCH_ND": blocks.read_space_to_batch,
    "SPACE_TO_DEPTH": reorder.read_space_to_depth,
    "SPLIT": cut.read_split,
    "SPLIT_V": cut.read_split_v,
    "SQRT": lookup.read,
    "SQUARE": real.read,
    "SQUARED_DIFFERENCE": squared_difference.read,
    "SQUEEZE": reshape.read_squeeze,
    "STRIDED_SLICE": cut.read_strided_slice,
    "SUB": add.read,
    "SUM": reduce.read,
    "SVDF": svdf.read,
    "TANH": lookup.read,
    "TILE": repeat.read_tile,
    "TRANSPOSE": reorder.read_transpose,
    "TRANSPOSE_CONV": transpose_conv.read,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": lstm.read,
    "UNPACK": cut.read_unpack,
}


def read(graph: Graph) -> tuple[Layer, ...]:
    """All operators of a graph as layers, checked. Raises UnsupportedModel."""
    layers: list[Layer] = []
    for operator in graph.operators:
        if operator.name in variable.DECLARATIONS:
            continue
        site = Site(graph, operator)
        reader = READERS.get(operator.name)
        if reader is None:
            raise unsupported(site, "is not supported", (f"supported: {', '.join(READERS)}",))
        try:
            found = reader(site)
        except FactorTooLarge as error:
            raise unsupported(site, str(error)) from error
        made = found if isinstance(found, tuple) else (found,)
        _check_states(site, made)
        layers += made
    return tuple(layers)


def _check_states(site: Site, layers: tuple[Layer, ...]) -> None:
    """A variable tensor is what some operators keep to themselves; to others it is nothing."""
    kept = {state.tensor for layer in layers for state in layer.states}
    for index in (*site.operator.inputs, *site.operator.outputs):
        if index >= 0 and site.graph.tensors[index].is_variable and index not in kept:
            raise unsupported(site, "reads or writes the variable of another operator")
