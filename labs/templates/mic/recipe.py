"""Tells sounds apart: a small network on 49 frames of 40 log-mels, from your own recordings.

`edge-deploy train` runs it. Change it: more channels, other augmentation, more epochs. The features
are the board's own C. TensorFlow is imported in `network` alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy import labs
from edge_deploy.training import augment, own
from edge_deploy.training.recipe import About, Data, HeldOut, Knob, Network, Plan

SEED = 1
EPOCHS = 60
BATCH = 8
RECORDINGS = True

LAB = labs.load_folder(Path(__file__).resolve().parent)
LABELS = LAB.labels

# What `edge-deploy explore` tries.
KNOBS = (Knob("width", "channels of every layer, of this lab's own", (0.5, 1.0, 2.0), default=1.0),)

ABOUT = About(
    purpose=f"Listens to the last second of sound and tells {', '.join(LABELS)} apart.",
    data="Own recordings (edge-deploy record); the table says how many, and how they are split.",
    limits="It knows the voices, rooms and board that it was recorded with, and few of each.",
)


def data(seed: int, folder: Path) -> Data:
    """Features (n, 49, 40) float32 and labels (n, labels) float32, in three parts."""
    return own.data(LAB, folder, seed, anew=another_time)


def another_time(sound: NDArray[np.float32], draw: np.random.Generator) -> NDArray[np.float32]:
    """The sound (n,) as it might have come: earlier or later, faster, louder, in other noise."""
    sound = augment.spoken_faster(sound, 1 + draw.uniform(-0.1, 0.1))
    sound = augment.shifted(sound, int(draw.integers(-1600, 1601)))  # up to 0.1 s
    sound = augment.gained(sound, draw.uniform(-10, 5))
    noise = draw.normal(size=sound.shape).astype(np.float32)
    return sound + augment.at_level(noise, draw.uniform(-80, -45))


def held_out(folder: Path) -> list[HeldOut]:
    """The clips that training never hears, for `edge-deploy evaluate`."""
    return own.held_out(LAB, folder)


def network(plan: Plan) -> Network:
    """A convolution and three depthwise-separable blocks."""
    from tensorflow import keras

    layers = keras.layers

    def wide(channels: int) -> int:
        # Four at a time is how the board takes them.
        return 4 * round(channels * float(plan.knobs["width"]) / 4)

    def normal(x: Any) -> Any:  # noqa: ANN401, a Keras tensor
        return layers.ReLU()(layers.BatchNormalization(momentum=0.8)(x))

    inputs = keras.Input((49, 40))
    x = layers.Reshape((49, 40, 1))(inputs)
    x = normal(layers.Conv2D(wide(16), 5, strides=2, use_bias=False)(x))
    for channels, stride in ((32, 2), (32, 1), (64, 2)):
        x = normal(layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x))
        x = normal(layers.Conv2D(wide(channels), 1, use_bias=False)(x))
    x = layers.Flatten()(layers.AveragePooling2D(x.shape[1:3])(x))
    x = layers.Dropout(0.2, seed=plan.seed)(x)
    model: Network = keras.Model(inputs, layers.Dense(len(LABELS), "softmax")(x), name="own")
    rate = keras.optimizers.schedules.CosineDecay(3e-3, plan.steps, alpha=0.01)
    model.compile(  # type: ignore[attr-defined]
        keras.optimizers.Adam(rate), "categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def score(
    targets: NDArray[np.float32], outputs: NDArray[np.float32]
) -> dict[str, tuple[float, str]]:
    """The share of clips whose label has the highest score."""
    return own.accuracy(targets, outputs)
