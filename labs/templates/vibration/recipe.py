"""Tells states of a machine apart by how it shakes, from your own recordings.

`edge-deploy train` runs it. Change it: more neurons, other augmentation, more epochs. The features
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
EPOCHS = 80
BATCH = 8
RECORDINGS = True

LAB = labs.load_folder(Path(__file__).resolve().parent)
LABELS = LAB.labels
SHAPE = LAB.features.shape if LAB.features else ()

# What `edge-deploy explore` tries.
KNOBS = (Knob("width", "neurons, of this lab's own", (0.5, 1.0, 2.0), default=1.0),)

ABOUT = About(
    purpose=f"Feels a second of vibration and tells {', '.join(LABELS)} apart.",
    data="Own recordings (edge-deploy record); the table says how many, and how they are split.",
    limits="It knows one machine, and the board as it was fixed to it: fixed anew, record anew.",
)


def data(seed: int, folder: Path) -> Data:
    """Windows (n, 3, 17) float32 and labels (n, labels) float32, in three parts."""
    return own.data(LAB, folder, seed, anew=another_time)


def another_time(motion: NDArray[np.float32], draw: np.random.Generator) -> NDArray[np.float32]:
    """The motion (n, 3) as it might have been: a little stronger or weaker, in other noise."""
    mean = motion.mean(axis=0)
    return mean + (motion - mean) * draw.uniform(0.8, 1.25) + draw.normal(0, 4, motion.shape)


def held_out(folder: Path) -> list[HeldOut]:
    """The clips that training never feels, for `edge-deploy evaluate`."""
    return own.held_out(LAB, folder)


def network(plan: Plan) -> Network:
    """Sixteen neurons between the spectrum and the scores."""
    from tensorflow import keras

    layers = keras.layers
    inputs = keras.Input(SHAPE)
    neurons = round(16 * float(plan.knobs["width"]))
    x = layers.Dense(neurons, "relu")(layers.Flatten()(inputs))
    x = layers.Dropout(0.2, seed=plan.seed)(x)
    model: Network = keras.Model(inputs, layers.Dense(len(LABELS), "softmax")(x), name="own")
    rate = keras.optimizers.schedules.CosineDecay(1e-2, plan.steps, alpha=0.01)
    model.compile(  # type: ignore[attr-defined]
        keras.optimizers.Adam(rate), "categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def score(
    targets: NDArray[np.float32], outputs: NDArray[np.float32]
) -> dict[str, tuple[float, str]]:
    """The share of clips whose label has the highest score."""
    return own.accuracy(targets, outputs)
