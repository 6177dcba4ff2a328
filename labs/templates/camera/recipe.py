"""Tells pictures apart: a small network on 96 x 96 grey pixels, from your own recordings.

`edge-deploy train` runs it. Change it: more channels, other augmentation, more epochs. The features
are the board's own C. TensorFlow is imported in `network` alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy import labs
from edge_deploy.training import augment_image, own
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
    purpose=f"Looks at a grey picture and tells {', '.join(LABELS)} apart.",
    data="Own recordings (edge-deploy record); the table says how many, and how they are split.",
    limits="It knows the places, light and board that it was recorded with, and few of each.",
)


def data(seed: int, folder: Path) -> Data:
    """Pictures (n, 96, 96) float32 from 0 to 1 and labels (n, labels) float32, in three parts."""
    return own.data(LAB, folder, seed, anew_window=another_time)


def another_time(picture: NDArray[np.float32], draw: np.random.Generator) -> NDArray[np.float32]:
    """The picture as it might have been: from a little elsewhere, in other light."""
    picture = augment_image.moved(
        picture,
        turn_deg=draw.uniform(-10, 10),
        scale=draw.uniform(0.9, 1.1),
        right=draw.uniform(-0.1, 0.1),
        down=draw.uniform(-0.1, 0.1),
    )
    picture = augment_image.lit(
        picture, contrast=draw.uniform(0.7, 1.3), brighter=draw.uniform(-0.15, 0.15)
    )
    return augment_image.clipped(augment_image.noisy(picture, 0.02, draw))


def held_out(folder: Path) -> list[HeldOut]:
    """The pictures that training never sees, for `edge-deploy evaluate`."""
    return own.held_out(LAB, folder)


def network(plan: Plan) -> Network:
    """A convolution and four depthwise-separable blocks, each half as large."""
    from tensorflow import keras

    layers = keras.layers

    def wide(channels: int) -> int:
        # Four at a time is how the board takes them.
        return 4 * round(channels * float(plan.knobs["width"]) / 4)

    def normal(x: Any) -> Any:  # noqa: ANN401, a Keras tensor
        return layers.ReLU()(layers.BatchNormalization(momentum=0.8)(x))

    inputs = keras.Input((96, 96))
    x = layers.Reshape((96, 96, 1))(inputs)
    x = normal(layers.Conv2D(wide(8), 3, strides=2, padding="same", use_bias=False)(x))
    for channels in (16, 24, 32, 48):
        x = normal(layers.DepthwiseConv2D(3, 2, padding="same", use_bias=False)(x))
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
    """The share of pictures whose label has the highest score."""
    return own.accuracy(targets, outputs)
