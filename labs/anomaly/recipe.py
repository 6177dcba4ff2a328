"""anomaly: how far a fan's vibration is from what it was in four known states, by Gaussians.

Learns what is normal, and from nothing else (ceiling_fan_vibration): for each state of the fan a
mean and a covariance of the three axes' strength, by maximum likelihood. The score is the squared
Mahalanobis distance from the nearest state, computed by the int8 network itself. TensorFlow is
imported in `network` alone.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy import labs, motion, roc
from edge_deploy.errors import BadInput
from edge_deploy.features import VibrationFeatures
from edge_deploy.labs import Lab
from edge_deploy.sensing import VibrationFeatureSettings
from edge_deploy.training import datasets, own
from edge_deploy.training.recipe import (
    About,
    Data,
    HeldOut,
    Knob,
    Knobs,
    Network,
    Plan,
    Quick,
    Samples,
)

SEED = 1
EPOCHS = 60
BATCH = 64
RECORDINGS = True
PATIENCE = 20
QUICK = Quick(epochs=15)

HERE = Path(__file__).resolve().parent
LAB = labs.load_folder(HERE)

FAN = "ceiling_fan_vibration"
AXES = 3
RECORD_SAMPLES = 200
# States of the fan with their folders: normal, and with a weight on a blade.
SPEEDS = ("low", "medium", "high")
NORMAL = {
    "off": "fan_0_off_0_weight",
    "low": "fan_0_low_0_weight",
    "medium": "fan_0_med_0_weight",
    "high": "fan_0_high_0_weight",
}
WEIGHT = {
    "low": "fan_0_low_1_weight",
    "medium": "fan_0_med_1_weight",
    "high": "fan_0_high_1_weight",
}
# The sensor was moved about on the turning fan: neither normal nor a fault of the fan.
MOVED = "fan_0_low_0_weight-moving"
STATES = (*NORMAL, "moved")

# Records of a second follow each other: in this order they are the past, what comes next, and
# the future. A record at random would have its neighbours in training.
SHARES = {datasets.TRAIN: 0.60, datasets.VALIDATION: 0.15, datasets.TEST: 0.25}
# Of the records with a weight, for choices; the rest is the test.
WEIGHT_SHARES = {datasets.VALIDATION: 1 / 3, datasets.TEST: 2 / 3}

ABOUT = About(
    purpose=(
        "Says how unlike its usual vibration a ceiling fan vibrates, whichever of its speeds it "
        "has: about 1 is usual, 6 the most it says. For learning how a machine is watched with "
        "nothing but recordings of its health; not for anything that must not break."
    ),
    data=(
        'Ceiling fan (Shawn Hymel, github.com/ShawnHymel/tinyml-example-anomaly-detection: "You '
        'are welcome to use my collected data"; ask him before passing it on): records of 1 s, '
        "200 samples of acceleration (MSA301), of a fan that is off or has one of three speeds, "
        "and of the same fan with a coin taped to a blade. Trained on normal records alone. They "
        "follow each other in time and are split so: the first 60 % of each state train, the next "
        "15 % validate, the last 25 % test. Of the records with the coin, the first third served "
        "to choose features, input range and threshold; the figures are of the rest. How the "
        "sensor lies (the mean of each axis) separates the two sessions by itself, and is removed "
        "by the features. The int8 ranges are set by normal windows, and by the same made "
        "stronger or weaker at random, axis by axis. Records with the fan off are shown weaker, "
        "too, down to nothing: the noise of a quieter sensor is no fault."
    ),
    limits=(
        "One fan, one sensor, one session of each kind: the sensor may have been mounted a little "
        "otherwise for the session with the coin, and then some of what is found is the mounting. "
        "At low and medium speed the two differ grossly. At high speed the fan grew calmer by the "
        "minute while normal records were taken, towards where those with the coin lie, and what "
        "tells them apart is the proportion of the axes: turned in software to where gravity "
        "pointed in the normal session, the records with the coin that served for choices had an "
        "AUC of 0.95 instead of 0.98, so part of it may be tilt. For the same reason false alarms "
        "are most at high speed, and would grow in a longer run. A sensor that is moved counts as "
        "an anomaly (`alarms_moved`). Another fan, room or speed needs records and training of "
        "its own. Never tried on a real board, whose sensor has other noise than the MSA301. The "
        "figures of the test were seen more than once while this was made: a first model lost "
        "1.04 points there from float to int8 at high speed, and only then was the input's range "
        "chosen again, on the records for choices."
    ),
)

KNOBS = (
    Knob("gaussians", "states of the fan that are told apart", (1, 2, 4), default=4),
    Knob("samples", "of a window, 5 ms each", (100, 150, 200), default=200, inputs=True),
)
DEFAULTS = {knob.name: knob.default for knob in KNOBS}

# Where each state's search begins, all axes alike: 2, 7, 15 and 31 mg. Each must be nearest to its
# own state's windows, or two states share a Gaussian.
START = (0.2, 0.55, 0.9, 1.4)  # ln(1 + rms / 10 mg), as the features are
START_SPREAD = 0.15
# What the score can say at most, by RELU6; one is what a normal window has on average.
MOST = 6.0
# What int8 inputs reach to: 64 mg, half as much again as the fan does. What is louder is unlike
# anything normal too.
LOUDEST = 2.0
STEP = LOUDEST / 255
QUIET_NOISE = 0.03  # standard deviation by which the noise of sensors differs
DISTURBED = 0.25  # standard deviation of what inputs are made stronger or weaker by


@dataclass(frozen=True)
class Record:
    """One second. weight: with the coin. part: of datasets.PARTS; the moved ones are for tests."""

    path: Path
    state: str
    weight: bool
    part: str


def records(folder: Path) -> list[Record]:
    """Every record in `folder`, as they are split, oldest first. Raises BadInput."""
    if own.laid_out(("normal", *LAB.labels), folder):
        raise BadInput(
            f"{folder} holds own recordings, and {LAB.name} knows the states of one fan alone.",
            try_next=[
                "a copy of labs/anomaly: NORMAL and START in its recipe.py say what is normal",
                "edge-deploy new mymachine --sensor vibration    tells recorded states apart",
            ],
        )
    root = datasets.folder_of(FAN, folder) / "ceiling-fan"
    found: list[Record] = []
    for state, name in NORMAL.items():
        found += _split(root / name, state, SHARES, weight=False)
    for state, name in WEIGHT.items():
        found += _split(root / name, state, WEIGHT_SHARES, weight=True)
    found += _split(root / MOVED, "moved", {datasets.TEST: 1.0}, weight=False)
    return found


def _split(folder: Path, state: str, shares: dict[str, float], *, weight: bool) -> list[Record]:
    paths = sorted(folder.glob("*.csv"))
    if len(paths) < len(datasets.PARTS):
        raise BadInput(f"{folder} has {len(paths)} records; expected some hundreds.")
    ends = np.rint(np.cumsum(list(shares.values())) * len(paths)).astype(int).tolist()
    found: list[Record] = []
    for part, end in zip(shares, ends, strict=True):
        found += [Record(path, state, weight, part) for path in paths[len(found) : end]]
    return found


def held_out(folder: Path) -> list[HeldOut]:
    """The records that training never sees, normal and with the coin, at three speeds."""
    return [
        HeldOut(
            f"{record.path.parent.name}/{record.path.name}",
            int(record.weight),
            functools.partial(motion.read, record.path, AXES),
            record.state,
        )
        for record in records(folder)
        if record.part == datasets.TEST and record.state in SPEEDS
    ]


def variant(lab: Lab, knobs: Knobs) -> Lab:
    """With a window of so many samples."""
    if not isinstance(lab.features, VibrationFeatureSettings):
        raise BadInput(f"{HERE}: the lab's features are no vibration.")
    changed = dataclasses.replace(lab.features, samples=int(knobs["samples"]))
    return dataclasses.replace(lab, features=changed)


def windows(chosen: Sequence[Record], knobs: Knobs | None = None) -> NDArray[np.float32]:
    """(n, 3, 1) float32: what the board makes of the end of each."""
    settings = variant(LAB, DEFAULTS if knobs is None else knobs).features
    assert isinstance(settings, VibrationFeatureSettings)
    features = VibrationFeatures(settings)
    made: list[NDArray[np.float32]] = []
    for record in chosen:
        raw = motion.read(record.path, AXES)
        if len(raw) != RECORD_SAMPLES:
            raise BadInput(
                f"{record.path} has {len(raw)} samples; expected {RECORD_SAMPLES}, one second."
            )
        made.append(features.window(raw[-settings.samples :]))
    return np.stack(made)


def data(seed: int, folder: Path, knobs: Knobs | None = None) -> Data:
    """Windows (n, 3, 1) float32; targets (n, 2): 1 with the coin, and the position in STATES."""
    every = records(folder)

    def samples(part: str, *, weight: bool) -> Samples:
        chosen = [one for one in every if one.part == part and (weight or not one.weight)]
        told = [(float(one.weight), float(STATES.index(one.state))) for one in chosen]
        return Samples(windows(chosen, knobs), np.array(told, np.float32))

    normal = samples(datasets.TRAIN, weight=False)
    validation = samples(datasets.VALIDATION, weight=False)
    return Data(
        train=normal,
        # Of normal records alone: the loss is how unlikely they are.
        validation=_stiller(validation, np.random.default_rng(seed)),
        test=samples(datasets.TEST, weight=True),
        representative=disturbed(normal.inputs, np.random.default_rng(seed)),
        fresh=lambda number: _epoch(normal, np.random.default_rng((seed, number))),
        notes=_counts(every),
        compared=samples(datasets.VALIDATION, weight=True),
    )


def disturbed(inputs: NDArray[np.float32], draw: np.random.Generator) -> NDArray[np.float32]:
    """Normal windows, the same stronger or weaker at random, and the ends of the range."""
    other = inputs + draw.normal(0.0, DISTURBED, inputs.shape)
    ends = np.stack([np.zeros(inputs.shape[1:]), np.full(inputs.shape[1:], LOUDEST)])
    return np.asarray(np.clip(np.concatenate([inputs, other, ends]), 0.0, LOUDEST), np.float32)


def _epoch(normal: Samples, draw: np.random.Generator) -> Samples:
    """In another order, and as uncertain as int8 inputs are: no Gaussian gets narrower."""
    inputs = _stiller(normal, draw).inputs
    inputs = inputs + draw.uniform(-STEP / 2, STEP / 2, inputs.shape)
    order = draw.permutation(len(normal))
    return Samples(inputs[order].astype(np.float32), normal.targets[order])


def _stiller(normal: Samples, draw: np.random.Generator) -> Samples:
    """With the fan off, anything from nothing to what was recorded: the noise of one sensor.

    A sensor with less of it, or with other proportions, is no fault.
    """
    share = draw.uniform(0.0, 1.0, (len(normal), 1, 1))
    noise = share * normal.inputs + draw.normal(0.0, QUIET_NOISE, normal.inputs.shape)
    off = (normal.targets[:, 1] == STATES.index("off"))[:, np.newaxis, np.newaxis]
    inputs = np.where(off, np.maximum(noise, 0.0), normal.inputs)
    return Samples(inputs.astype(np.float32), normal.targets)


def _counts(every: Sequence[Record]) -> tuple[str, ...]:
    """A table of records: the card's evidence of the split."""
    kinds = [(state, False) for state in NORMAL] + [(state, True) for state in WEIGHT]
    kinds.append(("moved", False))
    heads = [f"{state}, coin" if weight else state for state, weight in kinds]
    lines = ["| part | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for part in datasets.PARTS:
        row = [
            sum((one.part, one.state, one.weight) == (part, *kind) for one in every)
            for kind in kinds
        ]
        lines.append(f"| {part} | " + " | ".join(map(str, row)) + " |")
    return tuple(lines)


def network(plan: Plan) -> Network:
    """Four Gaussians: 16 numbers each for mean, spread and how axes go together.

    Four where the knobs are not moved.

    For state k and window x, z = L_k (x - m_k), where L_k L_k^T is the inverse covariance and L_k a
    lower triangle; the score is the least |z|^2 / 3 of any k. Training minimises the negative
    logarithm of the likelihood (times 2/3, less a constant) of each window's nearest Gaussian.
    """
    import keras
    from keras import ops

    states = int(plan.knobs["gaussians"])
    starts = np.array(START)[np.linspace(0, len(START) - 1, states).round().astype(int)]

    class Gaussians(keras.Layer):  # type: ignore[misc]
        """(n, 1, 1, 3) -> (n, 1): squared distance from the nearest state, divided by 3."""

        def build(self, _shape: object) -> None:
            def weight(name: str, shape: tuple[int, ...], begin: NDArray[np.float64]) -> Any:  # noqa: ANN401
                return self.add_weight(
                    shape=shape, name=name, initializer=lambda *_, **__: ops.cast(begin, "float32")
                )

            begin = np.repeat(starts[:, np.newaxis], AXES, axis=1)
            self.mean = weight("mean", (states, AXES), begin)
            spread = np.full((states, AXES), -np.log(START_SPREAD))
            self.log_narrow = weight("log_narrow", (states, AXES), spread)
            self.mixing = weight("mixing", (states, AXES, AXES), np.zeros((states, AXES, AXES)))

        def call(self, x: Any, training: bool = False) -> Any:  # noqa: ANN401
            # L = diag(narrow) (1 + mixing below the diagonal): unit steps of each are alike.
            below = ops.cast(np.tril(np.ones((AXES, AXES)), -1), "float32")
            unit = ops.cast(np.eye(AXES), "float32")
            triangle = ops.exp(self.log_narrow)[:, :, np.newaxis] * (unit + self.mixing * below)
            # As int8 will have them, row by row: so the bias, made of the same weights, puts the
            # middle of each Gaussian exactly where its mean is.
            step = ops.max(ops.abs(triangle), axis=-1, keepdims=True) / 127
            triangle += ops.stop_gradient(ops.round(triangle / step) * step - triangle)
            rows = ops.reshape(triangle, (states * AXES, AXES)) / np.sqrt(AXES * MOST)
            at = ops.reshape(ops.repeat(self.mean[:, np.newaxis], AXES, axis=1), rows.shape)
            kernel = ops.reshape(ops.transpose(rows), (1, 1, AXES, states * AXES))
            z = ops.conv(x, kernel) - ops.sum(rows * at, axis=-1)
            # Beyond 1 the score is at its most: int8 has steps for what lies below. Not in
            # training, where what is far must still be drawn nearer.
            z = z if training else ops.clip(z, -1.0, 1.0)
            squares = ops.reshape(z * z, (-1, states, AXES, 1))
            each = ops.conv(squares, ops.full((1, AXES, 1, 1), MOST))
            each = ops.reshape(each if training else ops.relu6(each), (-1, states))
            narrow = ops.take(ops.sum(self.log_narrow, axis=-1), ops.argmin(each, axis=-1))
            self.add_loss(-2 / AXES * ops.mean(narrow))
            return ops.min(each, axis=-1, keepdims=True)

    inputs = keras.Input((AXES, 1))
    outputs = Gaussians(name="gaussians")(keras.layers.Reshape((1, 1, AXES))(inputs))
    model: Network = keras.Model(inputs, outputs, name="anomaly")
    rate = keras.optimizers.schedules.CosineDecay(0.02, plan.steps, alpha=1e-3)
    model.compile(  # type: ignore[attr-defined]
        keras.optimizers.Adam(rate), lambda _truth, scores: ops.mean(scores)
    )
    return model


def curves(
    targets: NDArray[np.float32], outputs: NDArray[np.float32]
) -> dict[str, tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """Scores, and which are the coin's, of all speeds together and of each."""
    weight, state, scores = _told(targets, outputs)
    chosen = {f"auc_{name}": state == STATES.index(name) for name in SPEEDS}
    chosen = {"auc": np.logical_or.reduce(list(chosen.values())), **chosen}
    return {name: (scores[mine], weight[mine]) for name, mine in chosen.items()}


def score(
    targets: NDArray[np.float32], outputs: NDArray[np.float32]
) -> dict[str, tuple[float, str]]:
    """AUC of all speeds together and of each; how many single windows are at the threshold.

    Those of `moved`, and of normal ones, are false alarms; of the coin's, what is found.
    """
    found = {name: roc.of(*both).auc for name, both in curves(targets, outputs).items()}
    weight, state, scores = _told(targets, outputs)
    assert LAB.decision is not None
    alarms = scores >= LAB.decision.threshold
    found["found"] = float(np.mean(alarms[weight]))
    for name in (*SPEEDS, "off", "moved"):
        normal = (state == STATES.index(name)) & ~weight
        found[f"alarms_{name}"] = float(np.mean(alarms[normal]))
    return {name: (value, "1") for name, value in found.items()}


def _told(
    targets: NDArray[np.float32], outputs: NDArray[np.float32]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.float32]]:
    """With the coin or not, position in STATES, score: (n,) each."""
    return targets[:, 0] == 1, targets[:, 1].astype(np.int64), outputs.reshape(-1)
