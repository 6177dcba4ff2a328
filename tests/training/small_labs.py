"""Labs that train in a second or two, for tests that train."""

from __future__ import annotations

from pathlib import Path

# A number goes in, its third of the range comes out. A file `stop` beside the recipe ends the
# process, or interrupts it, when the epoch that it names begins.
THIRDS = """
import os, signal
import numpy as np
from pathlib import Path
from edge_deploy.training import About, Data, Samples
from edge_deploy.training.recipe import reordered

SEED, EPOCHS, BATCH = 7, 5, 32
ABOUT = About("Tells less from more.", "Generated.", "Nothing but numbers.")
LABELS = ("less", "more", "most")
PATIENCE = 0
EDGE = float(Path(__file__).with_name("edge").read_text())

def data(seed):
    def part(count, key):
        x = np.random.default_rng((seed, key)).uniform(-1, 1, (count, 1)).astype(np.float32)
        return Samples(x, np.eye(3, dtype=np.float32)[np.digitize(x[:, 0], (-0.3, EDGE))])
    train = part(320, 1)
    again = reordered(train, seed)
    def fresh(epoch):
        stop = Path(__file__).with_name("stop")
        if stop.exists():
            number, name = stop.read_text().split()
            if epoch == int(number):
                stop.unlink()
                os.kill(os.getpid(), getattr(signal, name))
        return again(epoch)
    return Data(train, part(64, 2), part(96, 3), fresh=fresh)

def network(plan):
    from tensorflow import keras
    model = keras.Sequential([
        keras.Input((1,)),
        keras.layers.Dense(8, "relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.2),  # draws numbers: their state must be kept too
        keras.layers.Dense(3, "softmax"),
    ])
    rate = keras.optimizers.schedules.CosineDecay(0.05, plan.steps)
    model.compile(keras.optimizers.Adam(rate), "categorical_crossentropy", metrics=["accuracy"])
    return model

def score(targets, outputs):
    return {"accuracy": (float(np.mean(outputs.argmax(1) == targets.argmax(1))), "1")}
"""

LAB = """
title: "Thirds of a number"
model: model.tflite
labels: [less, more, most]
"""


def write(folder: Path, recipe: str = THIRDS, settings: str = LAB) -> Path:
    """A lab's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.py").write_text(recipe)
    (folder / "lab.yaml").write_text(settings)
    (folder / "edge").write_text("0.3")
    return folder
