"""hello: a network that has learnt the sine, small enough to read every weight of it.

Makes its own data, so it trains anywhere in seconds. TensorFlow is imported in `network`
alone: `data` and `score` serve where it is not installed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge_deploy.training.recipe import About, Aim, Data, Knob, Network, Plan, Quick, Samples

# Of 1, 2 and 3 the one whose int8 model is best on the validation samples.
SEED = 2
EPOCHS = 40
BATCH = 64
QUICK = Quick(epochs=10)

ABOUT = About(
    purpose=(
        "Takes an angle in radians, from 0 to 2 pi, and gives its sine. There is no use for it "
        "but to see a whole deployment with something that anyone can check by heart."
    ),
    data=(
        "Generated: angles drawn uniformly from 0 to 2 pi by numpy's PCG64 from the seed, and "
        "the sine of each, without noise. Both ends are among the training angles, because "
        "they set the range of the int8 input. Nobody's data; no licence."
    ),
    limits=(
        "Outside 0 to 2 pi it knows nothing, and the int8 input cannot even say such an angle: "
        "it is clamped to the nearer end. The int8 input has 256 angles, one every 0.0246 rad, "
        "so where the sine is steep the rounding of the input alone costs up to 0.0123."
    ),
)

KNOBS = (
    Knob("neurons", "neurons of every layer but the last", (4, 8, 16, 32), default=16),
    Knob("layers", "layers before the last", (1, 2, 3), default=2),
)
AIM = Aim("rmse", least=True)

CIRCLE = 2 * math.pi


def data(seed: int) -> Data:
    """Angles (n, 1) float32 and their sines (n, 1) float32, in three parts."""
    draw = np.random.default_rng(seed)

    def samples(count: int) -> Samples:
        angles = draw.uniform(0.0, CIRCLE, (count, 1)).astype(np.float32)
        return Samples(angles, np.sin(angles.astype(np.float64)).astype(np.float32))

    train, validation, test = samples(20_000), samples(1_000), samples(1_000)
    ends = np.array([[0.0], [CIRCLE]], dtype=np.float32)
    return Data(
        train=Samples(
            np.concatenate([train.inputs, ends]), np.concatenate([train.targets, np.sin(ends)])
        ),
        validation=validation,
        test=test,
    )


def network(plan: Plan) -> Network:
    """1 -> 16 -> 16 -> 1 neurons with ReLU: 321 parameters, where its knobs are not moved."""
    from tensorflow import keras

    neurons, layers = int(plan.knobs["neurons"]), int(plan.knobs["layers"])

    # A ReLU network draws the curve with straight pieces, and each neuron of the first layer
    # has one kink. Keras would start them all at angle 0, and most never leave it: the error
    # ends three times as large. So they start spread over the circle: slope 1, kink anywhere.
    spread = keras.initializers.RandomUniform(-CIRCLE, 0.0, seed=plan.seed)
    # Large weights that cancel each other cost nothing in float and much in int8; the penalty
    # on their squares makes the int8 error smaller with every seed that was tried.
    small = keras.regularizers.L2(1e-5)
    model = keras.Sequential(
        [
            keras.Input((1,)),
            keras.layers.Dense(
                neurons,
                "relu",
                kernel_initializer="ones",
                bias_initializer=spread,
                kernel_regularizer=small,
            ),
            *(
                keras.layers.Dense(neurons, "relu", kernel_regularizer=small)
                for _ in range(layers - 1)
            ),
            keras.layers.Dense(1, kernel_regularizer=small),
        ],
        name="hello",
    )
    rate = keras.optimizers.schedules.CosineDecay(0.01, plan.steps, alpha=0.01)
    # 64 steps a call: the network is so small that calling it costs more than running it.
    model.compile(keras.optimizers.Adam(rate), "mse", steps_per_execution=64)
    return model


def score(
    targets: NDArray[np.float32], outputs: NDArray[np.float32]
) -> dict[str, tuple[float, str]]:
    """How far off the sine the outputs are; the unit is the sine's own, 1."""
    error = outputs.astype(np.float64) - targets
    return {
        "max_abs_error": (float(np.abs(error).max()), "1"),
        "rmse": (float(np.sqrt(np.mean(error**2))), "1"),
    }
