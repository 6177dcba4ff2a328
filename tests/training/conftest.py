"""TensorFlow where it is installed, and two networks small enough to train in a second."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy.training import runtime


@pytest.fixture(scope="session")
def tensorflow():
    try:
        return runtime.load()
    except runtime.TrainingMissing as error:
        pytest.skip(error.message)


@pytest.fixture(scope="session")
def dense_network(tensorflow):
    """3 -> 8 -> 2, with weights whose columns differ a hundredfold in size."""
    keras = tensorflow.keras
    runtime.repeatable(3)
    network = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(2)], name="dense"
    )
    kernel, bias = network.layers[0].get_weights()
    network.layers[0].set_weights([kernel * np.geomspace(0.01, 1.0, 8), bias + 0.1])
    kernel, bias = network.layers[1].get_weights()
    network.layers[1].set_weights([kernel, bias - 0.1])  # the converter drops a bias of zeros
    return network


@pytest.fixture(scope="session")
def conv_network(tensorflow):
    """8x8x1 through what keyword spotting is made of, to 4 classes."""
    keras = tensorflow.keras
    runtime.repeatable(4)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.DepthwiseConv2D(3, padding="same", activation="relu"),
            keras.layers.Conv2D(8, 1, activation="relu"),
            keras.layers.AveragePooling2D(4),
            keras.layers.Flatten(),
            keras.layers.Dense(4, "softmax"),
        ],
        name="conv",
    )


@pytest.fixture
def draw():
    return np.random.default_rng(5)
