"""What a Graph costs before any pass: multiply-accumulates per operator, bytes of constants.

Exact by construction from shapes alone. Knows nothing of boards, kernels or what a compiler
makes of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import takewhile

from edge_deploy.model.graph import Graph, Operator, Tensor


def macs(graph: Graph) -> tuple[int, ...]:
    """Multiply-accumulates of each operator, in order; padding counts as if it were data.

    Operators that are not built from products (pooling, activations, element-wise) have 0; so
    have those whose shapes make no sense, which the compiler refuses.
    """
    return tuple(_macs(graph, operator) for operator in graph.operators)


def weights_bytes(graph: Graph) -> int:
    """Bytes of the constants that operators read (weights, biases, shapes), each counted once.

    Tensors that share their bytes in the file count once.
    """
    read = {index for operator in graph.operators for index in operator.inputs if index >= 0}
    extents = {}
    for index in read:
        values = graph.tensors[index].values
        if values is not None:
            extents[values.__array_interface__["data"][0], values.nbytes] = values.nbytes
    return sum(extents.values())


def _macs(graph: Graph, operator: Operator) -> int:
    count = _COUNTS.get(operator.name)
    if count is None or not operator.outputs:
        return 0
    # An absent optional input (-1) ends the list: none of these has one before its weights.
    operands = [graph.tensors[index] for index in takewhile(lambda i: i >= 0, operator.inputs)]
    if len(operands) < 2:
        return 0
    return count(operands, graph.tensors[operator.outputs[0]], operator)


def _convolution(operands: list[Tensor], output: Tensor, operator: Operator) -> int:
    """Each output element sums over one filter [filters, height, width, channels]."""
    del operator
    filters = operands[1].shape
    if len(filters) != 4 or len(output.shape) != 4:
        return 0
    return output.elements * filters[1] * filters[2] * filters[3]


def _depthwise(operands: list[Tensor], output: Tensor, operator: Operator) -> int:
    """Each output element sums over one window of [1, height, width, channels]."""
    del operator
    filters = operands[1].shape
    if len(filters) != 4 or len(output.shape) != 4:
        return 0
    return output.elements * filters[1] * filters[2]


def _fully_connected(operands: list[Tensor], output: Tensor, operator: Operator) -> int:
    """Each output element sums over one row of weights [outputs, inputs]."""
    del operator
    weights = operands[1].shape
    return output.elements * weights[1] if len(weights) == 2 else 0


def _transpose_convolution(operands: list[Tensor], output: Tensor, operator: Operator) -> int:
    """Each input element is spread over [filters, height, width, channels].

    Operands are the output's shape, the weights and the input.
    """
    del operator, output
    if len(operands) < 3 or len(operands[1].shape) != 4 or len(operands[2].shape) != 4:
        return 0
    filters, height, width, _ = operands[1].shape
    return operands[2].elements * filters * height * width


def _batch_matmul(operands: list[Tensor], output: Tensor, operator: Operator) -> int:
    """[..., m, k] by [..., k, n]; `adj_x` says that the left one is stored as [..., k, m]."""
    left = operands[0].shape
    if len(left) < 2:
        return 0
    return output.elements * left[-2 if operator.options["adj_x"] else -1]


def _svdf(operands: list[Tensor], output: Tensor, operator: Operator) -> int:
    """Each filter sums over the input [batches, inputs], and then over its memory."""
    del output, operator
    if len(operands) < 3 or any(len(operand.shape) != 2 for operand in operands[:3]):
        return 0
    return operands[0].shape[0] * (operands[1].elements + operands[2].elements)


def _lstm(operands: list[Tensor], output: Tensor, operator: Operator) -> int:
    """In each step four gates of each unit sum over the input and over the last output."""
    del output, operator
    if len(operands) < 9 or len(operands[0].shape) != 3:
        return 0
    steps = operands[0].shape[0] * operands[0].shape[1]
    return steps * sum(weights.elements for weights in operands[1:9])


_COUNTS: Mapping[str, Callable[[list[Tensor], Tensor, Operator], int]] = {
    "BATCH_MATMUL": _batch_matmul,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "SVDF": _svdf,
    "TRANSPOSE_CONV": _transpose_convolution,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
}
