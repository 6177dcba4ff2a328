"""Tells movements apart: a small network on a second of six axes, from your own recordings.

`edge-deploy train` runs it. Change it: more channels, other augmentation, more epochs. The features
are the board's own C. TensorFlow is imported in `network` alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy import labs
from edge_deploy.training import own
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
    purpose=f"Feels the last second of motion and tells {', '.join(LABELS)} apart.",
    data="Own recordings (edge-deploy record); the table says how many, and how they are split.",
    limits="It knows the people who moved the board, and how they held it.",
)


def data(seed: int, folder: Path) -> Data:
    """Windows (n, 119, 6) float32 and labels (n, labels) float32, in three parts."""
    return own.data(LAB, folder, seed, anew=another_time)


def another_time(motion: NDArray[np.float32], draw: np.random.Generator) -> NDArray[np.float32]:
    """The motion (n, 6) as it might have been: later or earlier, stronger or weaker, unsteady."""
    moved = np.roll(motion, int(draw.integers(-12, 13)), axis=0)  # up to 0.1 s
    return moved * draw.uniform(0.8, 1.2) + draw.normal(0, 80, moved.shape)  # 80 steps: 10 mg


def held_out(folder: Path) -> list[HeldOut]:
    """The clips that training never feels, for `edge-deploy evaluate`."""
    return own.held_out(LAB, folder)


def network(plan: Plan) -> Network:
    """Three convolutions along time."""
    from tensorflow import keras

    layers = keras.layers

    def wide(channels: int) -> int:
        # Four at a time is how the board takes them.
        return 4 * round(channels * float(plan.knobs["width"]) / 4)

    inputs = keras.Input((119, 6))
    x = layers.Reshape((119, 1, 6))(inputs)
    for channels in (16, 24, 32):
        x = layers.Conv2D(wide(channels), (5, 1), strides=(2, 1), use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.8)(x))
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
