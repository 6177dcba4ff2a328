"""A lab with two knobs that trains in a second, and whose points can be told to go wrong."""

from __future__ import annotations

import time

import pytest

from edge_deploy import labs
from edge_deploy.teaching.explore.task import Task, files_of
from edge_deploy.training import recipe as recipes
from edge_deploy.training import runtime

LAB = """
title: "Twice"
model: model.tflite
source: {kind: ramp, from: -1, to: 1, steps: 10, period_ms: 20}
budgets:
  nano33: {flash_bytes: 20_480, latency_us: 60}
"""

RECIPE = """
import numpy as np
from edge_deploy.training import About, Aim, Data, Knob, Samples

SEED, EPOCHS, BATCH = 7, 24, 32
ABOUT = About("Doubles a number.", "Generated.", "Numbers from -1 to 1.")
KNOBS = (
    Knob("width", "neurons", (2, 4, 8), default=4),
    Knob("rate", "of learning", ("slow", "wild", "none"), default="slow"),
    Knob("reach", "the largest number", (1.0, 2.0), default=1.0, inputs=True),
)
AIM = Aim("rmse", least=True)

def data(seed, knobs):
    assert set(knobs) == {"reach"}
    draw = np.random.default_rng(seed)
    def part(count):
        x = draw.uniform(-knobs["reach"], knobs["reach"], (count, 1)).astype(np.float32)
        return Samples(x, 2 * x)
    return Data(part(320), part(32), part(64))

def network(plan):
    from tensorflow import keras
    if plan.knobs["rate"] == "none":
        raise ValueError("no rate")
    width = plan.knobs["width"]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(width, "relu"),
                              keras.layers.Dense(1)])
    rate = {"slow": 0.05, "wild": 1e30}[plan.knobs["rate"]]
    model.compile(keras.optimizers.SGD(rate), "mse")
    return model

def score(targets, outputs):
    # Of the validation samples: the held-out ones are 64.
    assert len(targets) == 32
    return {"rmse": (float(np.sqrt(np.mean((outputs - targets) ** 2))), "1")}
"""


@pytest.fixture
def folder(tmp_path):
    """The lab's folder."""
    made = tmp_path / "twice"
    made.mkdir()
    (made / "lab.yaml").write_text(LAB)
    (made / "recipe.py").write_text(RECIPE)
    return made


STUCK = """
def data(seed, knobs):
    import os, pathlib, time
    try:
        with pathlib.Path({mark!r}).open("x") as mark:
            mark.write(f"{{os.getpid()}} {{os.getppid()}}\\n")
        time.sleep(99)
    except FileExistsError:
        pass
"""


@pytest.fixture
def stuck(folder, tmp_path):
    """The first process that makes the lab's data writes its id and its parent's, and sleeps.

    Returns a function that waits for them.
    """
    mark = tmp_path / "stuck"
    stuck = STUCK.format(mark=str(mark))
    (folder / "recipe.py").write_text(RECIPE.replace("\ndef data(seed, knobs):\n", stuck))

    def ids():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if mark.exists() and mark.read_text().endswith("\n"):
                return tuple(map(int, mark.read_text().split()))
            time.sleep(0.02)
        raise TimeoutError(mark)

    return ids


@pytest.fixture
def task(folder):
    """`task(width=8)`: a job of that lab, one epoch."""
    lab, recipe = labs.load_folder(folder), recipes.load(folder)

    def make(**knobs):
        stand = {**recipe.defaults, **knobs}
        return Task(
            lab=lab.name,
            files=files_of(folder),
            knobs=stand,
            inputs=recipe.of_inputs(stand),
            seed=7,
            epochs=1,
            most_samples=None,
            board="nano33",
        )

    return make


@pytest.fixture
def training():
    """Skips where there is no TensorFlow or no emulator; imports neither."""
    try:
        runtime.installed()
    except runtime.TrainingMissing as error:
        pytest.skip(error.message)
    pytest.importorskip("unicorn")
    pytest.importorskip("capstone")
