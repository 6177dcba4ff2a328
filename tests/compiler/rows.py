"""Layers in a row with given weights, for tests of passes: scales are 1, so sums are outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edge_deploy import model
from edge_deploy.compiler import ops, passes
from edge_deploy.compiler.passes import Program
from tests import compiled_model
from tests.model_file import ModelBuilder


def program_of(data: bytes) -> Program:
    """What a pass gets of a model: without reshapes and what nobody reads."""
    graph = model.read(data)
    read = Program(graph, ops.read(graph), graph.inputs, graph.outputs)
    return passes.remove_unread(passes.remove_reshapes(read))


class Row(ModelBuilder):
    """Layers in a row with given weights; every scale is 1, so that sums are outputs."""

    def __init__(self, shape: Sequence[int], zero_point: int = 0) -> None:
        super().__init__()
        self.at = self.start = self.tensor(shape, scale=1.0, zero_point=zero_point)

    def weighted(
        self, operator: str, weights: Any, bias: Any, shape: Sequence[int], zero_point: int = 0
    ) -> int:
        """A layer; SAME padding, stride 1. Returns its output."""
        w = np.asarray(weights, np.int8)
        options: dict[str, Any] = {"fused_activation_function": "NONE"}
        if operator != "FULLY_CONNECTED":
            options |= {"padding": "SAME", "stride_h": 1, "stride_w": 1}
            options |= {"dilation_h_factor": 1, "dilation_w_factor": 1}
        if operator == "DEPTHWISE_CONV_2D":
            options["depth_multiplier"] = 1
        values = self.tensor(w.shape, scale=1.0, values=w)
        added = self.tensor((len(bias),), "int32", scale=1.0, values=bias)
        y = self.tensor(shape, scale=1.0, zero_point=zero_point)
        self.op(operator, [self.at, values, added], [y], options)
        self.at = y
        return y

    def two(self, operator: str, first: int, second: int, shape: Sequence[int]) -> int:
        """ADD, SUB or MUL of two tensors. Returns its output."""
        y = self.tensor(shape, scale=1.0)
        options = {"fused_activation_function": "NONE"}
        self.op(operator, [first, second], [y], options, version=2)
        self.at = y
        return y

    def program(self, *outputs: int) -> Program:
        """What is compiled; the last layer's output is the model's."""
        return program_of(self.data(*outputs))

    def data(self, *outputs: int) -> bytes:
        """The model."""
        return self.finish([self.start], [*outputs, self.at])


def check(data: bytes) -> None:
    """The compiled model against the reference."""
    inputs = compiled_model.random_inputs(model.read(data), 8)
    wanted = compiled_model.expected(data, inputs)
    got = compiled_model.run_on_host(data, inputs)
    compiled_model.assert_equal(data, got, wanted, what="without the channels")
