"""Multiply-accumulates and bytes of constants, against published and hand-counted figures."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy import model
from tests import model_builder
from tests.model_builder import ModelBuilder
from tests.shared_models import mlperf


@pytest.mark.parametrize(
    ("name", "macs", "weights"),
    # Multiply-accumulates as published with the MLPerf Tiny models.
    [
        ("kws", 2_656_768, 64 * 40 + 4 * 64 * (9 + 64) + 64 * 12),
        ("vww", 7_489_664, 208_112),
        ("ic", 12_501_632, None),
        ("ad", 264_192, 264_192),
    ],
)
def test_the_mlperf_models(name, macs, weights):
    graph = model.read(mlperf(name))
    assert sum(model.macs(graph)) == macs
    assert len(model.macs(graph)) == len(graph.operators)
    if weights is not None:
        int8 = sum(t.bytes for t in graph.tensors if t.is_constant and t.dtype is model.DType.INT8)
        assert int8 == weights
        others = sum(
            t.bytes for t in graph.tensors if t.is_constant and t.dtype is not model.DType.INT8
        )
        assert model.weights_bytes(graph) == weights + others


@pytest.mark.parametrize(
    ("data", "macs"),
    [
        (model_builder.fully_connected(batch=3, inputs=5, outputs=7), (3 * 5 * 7,)),
        (
            model_builder.conv2d(
                height=8, width=6, channels=3, filters=4, kernel=(3, 2), stride=(2, 1)
            ),
            (4 * 6 * 4 * 3 * 2 * 3,),
        ),
        (
            model_builder.depthwise_conv2d(
                height=5, width=5, channels=3, multiplier=2, kernel=3, padding="VALID"
            ),
            (3 * 3 * 6 * 9,),
        ),
        (model_builder.average_pool(), (0,)),
        (model_builder.sine_like(), (16, 256, 16)),
    ],
)
def test_counted_by_hand(data, macs):
    assert model.macs(model.read(data)) == macs


def test_transpose_convolution_counts_input_elements():
    builder = ModelBuilder()
    x = builder.tensor((1, 4, 4, 2), scale=1.0)
    shape = builder.tensor((4,), "int32", values=[1, 8, 8, 3])
    weights = builder.tensor((3, 2, 2, 2), scale=1.0, values=np.ones(24))
    y = builder.tensor((1, 8, 8, 3), scale=1.0)
    builder.op("TRANSPOSE_CONV", [shape, weights, x], [y], {"stride_w": 2, "stride_h": 2})
    assert model.macs(model.read(builder.finish([x], [y]))) == (4 * 4 * 2 * 2 * 2 * 3,)


def test_svdf_counts_its_filters_over_the_input_and_over_time():
    builder = ModelBuilder()
    x = builder.tensor((2, 3), scale=1.0)
    feature = builder.tensor((4, 3), scale=1.0, values=np.ones(12))
    time = builder.tensor((4, 5), "int16", scale=1.0, values=np.ones(20))
    state = builder.tensor((2, 20), "int16", scale=1.0, variable=True)
    y = builder.tensor((2, 2), scale=1.0)
    builder.op("SVDF", [x, feature, time, -1, state], [y], {"rank": 2})
    assert model.macs(model.read(builder.finish([x], [y]))) == (2 * (12 + 20),)


def test_lstm_counts_four_gates_in_each_step():
    builder = ModelBuilder()
    x = builder.tensor((2, 6, 3), scale=1.0)
    of_input = [builder.tensor((4, 3), scale=1.0, values=np.ones(12)) for _ in range(4)]
    of_hidden = [builder.tensor((4, 4), scale=1.0, values=np.ones(16)) for _ in range(4)]
    y = builder.tensor((2, 6, 4), scale=1.0)
    builder.op("UNIDIRECTIONAL_SEQUENCE_LSTM", [x, *of_input, *of_hidden, -1], [y])
    assert model.macs(model.read(builder.finish([x], [y]))) == (2 * 6 * 4 * (12 + 16),)


@pytest.mark.parametrize(("adjoint", "left"), [(False, (2, 3, 5)), (True, (2, 5, 3))])
def test_batch_matmul_counts_the_shared_dimension(adjoint, left):
    builder = ModelBuilder()
    a = builder.tensor(left, scale=1.0)
    b = builder.tensor((2, 5, 7), scale=1.0)
    y = builder.tensor((2, 3, 7), scale=1.0)
    builder.op("BATCH_MATMUL", [a, b], [y], {"adj_x": adjoint})
    assert model.macs(model.read(builder.finish([a, b], [y]))) == (2 * 3 * 7 * 5,)


@pytest.mark.parametrize("name", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "SVDF"])
@pytest.mark.parametrize("operands", [0, 1, 2])
def test_shapes_that_make_no_sense_count_nothing(name, operands):
    builder = ModelBuilder()
    x = builder.tensor((4,), scale=1.0)
    y = builder.tensor((4,), scale=1.0)
    builder.op(name, [x, -1][:operands], [y])
    assert model.macs(model.read(builder.finish([x], [y]))) == (0,)


def test_a_constant_read_twice_counts_once():
    builder = ModelBuilder()
    x = builder.tensor((1, 4), scale=1.0)
    weights = builder.tensor((4, 4), scale=1.0, values=np.ones(16))
    builder.tensor((100,), scale=1.0, values=np.ones(100))  # which nothing reads
    y = builder.tensor((1, 4), scale=1.0)
    z = builder.tensor((1, 4), scale=1.0)
    builder.op("FULLY_CONNECTED", [x, weights, -1], [y])
    builder.op("FULLY_CONNECTED", [y, weights, -1], [z])
    graph = model.read(builder.finish([x], [z]))
    assert model.weights_bytes(graph) == 16
    assert model.macs(graph) == (16, 16)
