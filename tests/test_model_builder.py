"""The ready-made models: repeatable, accepted by TFLite, and worth comparing."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy import model
from edge_deploy.model import oracle
from tests import model_builder as build

WHOLE = {"sine_like": build.sine_like, "tiny_conv": build.tiny_conv, "kws_like": build.kws_like}

ZERO_POINTS = (-128, -1, 0, 127)
LAYERS = {
    "fully connected": lambda: build.fully_connected(batch=3, inputs=33, outputs=5),
    "fully connected, per channel": lambda: build.fully_connected(per_channel=True),
    "fully connected, no bias": lambda: build.fully_connected(bias=False, activation="RELU6"),
    "conv": build.conv2d,
    "conv, strides": lambda: build.conv2d(kernel=(3, 2), stride=(2, 3), padding="VALID"),
    "conv, dilation": lambda: build.conv2d(dilation=(2, 3)),
    "conv, dilation, valid": lambda: build.conv2d(dilation=2, padding="VALID", activation="RELU6"),
    "conv, batch, per tensor": lambda: build.conv2d(batch=2, per_channel=False),
    "conv, odd channels": lambda: build.conv2d(channels=5, filters=7, activation="RELU_N1_TO_1"),
    "depthwise": build.depthwise_conv2d,
    "depthwise, multiplier": lambda: build.depthwise_conv2d(multiplier=3, activation="RELU"),
    "depthwise, dilation": lambda: build.depthwise_conv2d(dilation=2, kernel=(2, 3)),
    "depthwise, strides": lambda: build.depthwise_conv2d(stride=2, padding="VALID"),
    "depthwise, no bias": lambda: build.depthwise_conv2d(bias=False),
    "average pool": lambda: build.average_pool(kernel=(3, 2), stride=(1, 3)),
    "average pool, same": lambda: build.average_pool(kernel=3, stride=2, padding="SAME"),
    "average pool, clamped": lambda: build.average_pool(activation="RELU", input_zero_point=-5),
    "max pool": lambda: build.pool("MAX_POOL_2D", kernel=3, stride=1, padding="SAME"),
    "reshape": build.reshape,
    "reshape by options": lambda: build.reshape(as_tensor=False),
    "softmax": build.softmax,
    "softmax, rows": lambda: build.softmax(shape=(2, 3, 7), beta=0.5, input_zero_point=-9),
    **{
        f"conv, zero points {given} {out}": lambda given=given, out=out: build.conv2d(
            input_zero_point=given, output_zero_point=out
        )
        for given in ZERO_POINTS
        for out in ZERO_POINTS
    },
}


def outputs(data: bytes, runs: int) -> np.ndarray:
    """(runs, ...) int8 for uniform inputs."""
    try:
        reference = oracle.open_reference(data)
    except oracle.ReferenceMissing as missing:
        pytest.skip(missing.message)
    graph = model.read(data)
    shape = graph.tensors[graph.inputs[0]].shape
    rng = np.random.default_rng(7)
    inputs = (rng.integers(-128, 128, size=shape).astype(np.int8) for _ in range(runs))
    return np.stack([reference.run([values])[0] for values in inputs])


@pytest.mark.parametrize("name", WHOLE)
def test_a_seed_stands_for_one_model(name):
    assert WHOLE[name](1) == WHOLE[name](1)
    assert WHOLE[name](1) != WHOLE[name](2)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", WHOLE)
def test_whole_models_answer_differently_to_different_inputs(name, seed):
    got = outputs(WHOLE[name](seed), 30)
    answers = got.reshape(30, -1)
    # A model of one number has at most 30 answers; classifiers' differ nearly every time.
    assert len(np.unique(answers, axis=0)) > 15
    assert answers.std(axis=0).max() > 10


@pytest.mark.parametrize("name", LAYERS)
def test_layers_run_and_spread_over_the_range(name):
    got = outputs(LAYERS[name](), 20)
    assert len(np.unique(got)) > 15
    clamped = np.isin(got, (got.min(), got.max())).mean()
    assert clamped < 0.8


def test_gain_saturates():
    plain, loud = (outputs(build.conv2d(gain=gain), 5) for gain in (1.0, 30.0))
    saturated = [np.isin(got, (-128, 127)).mean() for got in (plain, loud)]
    assert saturated[0] < 0.05
    assert saturated[1] > 0.8


def test_kws_like_has_the_shape_of_kws():
    graph = model.read(build.kws_like())
    assert sum(model.macs(graph)) == 2_656_768
    assert [operator.name for operator in graph.operators] == [
        "CONV_2D",
        *["DEPTHWISE_CONV_2D", "CONV_2D"] * 4,
        "AVERAGE_POOL_2D",
        "RESHAPE",
        "FULLY_CONNECTED",
        "SOFTMAX",
    ]
