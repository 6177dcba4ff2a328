"""Shapes that a file leaves open: found where the operator tells, else guessed and checked."""

from __future__ import annotations

import pytest

from edge_deploy import compiler, model
from edge_deploy.compiler.fold import fold
from edge_deploy.errors import UnsupportedModel
from tests.model_file import ModelBuilder


def _model(*, middle=(1, 2, 1), signature=(-1, -1, 1), outputs=(1, 8), output_signature=(-1, 8)):
    """[1, 8] reshaped to [4, 2, 1], softmax over that, and back."""
    builder = ModelBuilder()
    quantized = {"scale": 1 / 256, "zero_point": -128}
    x = builder.tensor((1, 8), shape_signature=(-1, 8), **quantized)
    there = builder.tensor((3,), "int32", values=[4, 2, 1])
    back = builder.tensor((2,), "int32", values=[1, 8])
    a, b = (builder.tensor(middle, shape_signature=signature, **quantized) for _ in range(2))
    y = builder.tensor(outputs, shape_signature=output_signature, **quantized)
    builder.op("RESHAPE", [x, there], [a])
    builder.op("SOFTMAX", [a], [b], {"beta": 1.0})
    builder.op("RESHAPE", [b, back], [y])
    return model.read(builder.finish([x], [y])), (a, b, y)


def test_open_shapes_are_found():
    graph, tensors = _model()
    assert graph.tensors[tensors[0]].open == (0, 1)
    assert [fold(graph).tensors[i].shape for i in tensors] == [(4, 2, 1), (4, 2, 1), (1, 8)]
    compiler.compile(graph, target="portable")


def test_a_closed_dimension_is_believed_and_held_against_the_operator():
    graph, _ = _model(middle=(1, 3, 1), signature=(-1, 3, 1))
    with pytest.raises(UnsupportedModel, match="output of shape 1x3x1, where 4x2x1 results"):
        compiler.compile(graph, target="portable")


def test_an_output_must_be_what_it_is_declared_as():
    graph, _ = _model(outputs=(8, 8), output_signature=(-1, 8))
    with pytest.raises(UnsupportedModel, match="declared as 8x8; it becomes 1x8") as caught:
        compiler.compile(graph, target="portable")
    assert "batch_size=1" in caught.value.try_next[0]


def test_an_open_shape_cannot_grow_without_bound():
    builder = ModelBuilder()
    x = builder.tensor((1, 4), scale=0.1)
    y = builder.tensor((1, 1), scale=0.1, shape_signature=(-1, -1))
    z = builder.tensor((1,), scale=0.1)
    counts = builder.tensor((2,), "int32", values=[2**15, 2**13])
    builder.op("TILE", [x, counts], [y])
    builder.op("RESHAPE", [y], [z], {"new_shape": [1]})
    graph = model.read(builder.finish([x], [z]))
    with pytest.raises(UnsupportedModel, match="has an output of shape"):
        compiler.compile(graph, target="portable")
