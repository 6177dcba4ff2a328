"""gesture: five spells and none of them, by convolutions over a second of movement.

Learns from recordings of a wand (magic_wand_spells_nano33). Each epoch sees every clip anew: faster
or slower, earlier or later, stronger or weaker, with the sensor turned. Of what is no spell there
are no recordings: it is made up. TensorFlow is imported in `network` alone.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import inspect
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy import labs, motion
from edge_deploy.errors import BadInput
from edge_deploy.features import MotionFeatures
from edge_deploy.labs import Lab
from edge_deploy.sensing import MotionFeatureSettings
from edge_deploy.training import datasets, movements, own
from edge_deploy.training.movements import Clips
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
EPOCHS = 40
BATCH = 32
RECORDINGS = True
QUICK = Quick(epochs=10)

HERE = Path(__file__).resolve().parent
LAB = labs.load_folder(HERE)
LABELS = LAB.labels
NONE = LABELS.index("none")

WAND = "magic_wand_spells_nano33"
SAMPLES, AXES = 119, 6  # of a clip
FILES = {
    "alohomora": "AlohomoraCharm.csv",
    "arresto_momentum": "ArrestoMomentumCharm.csv",
    "avada_kedavra": "AvadaKedavra.csv",
    "locomotor": "LocomotorCharm.csv",
    "revelio": "Revelio.csv",
}
# Of each spell's training clips so many validate: the last, and the files are in drawn order.
VALIDATION_EACH = 2

ABOUT = About(
    purpose=(
        "Tells which of five spells a wand with a Nano 33 BLE Sense drew in the last second, or "
        "that it drew none. For learning how such a thing is built, from few recordings."
    ),
    data=(
        "Magic wand (MIT licence, github.com/nanguoyu/Magic_Wand_Data): five gestures, 25 clips "
        "each, 119 samples of acceleration and rotation from a Nano 33 BLE Sense. The test is the "
        "one that comes with them: 25 clips, 2 to 7 of each gesture, which neither training nor "
        "any choice saw. Of the 100 others 10 validate, 2 of each gesture. There are no "
        "recordings of what is no spell: `none` is made up of stillness, slow turning, the "
        "beginnings and ends of training clips, and pieces of three clips on swapped axes; "
        "training and validation have it, the test has not. magic_wand_k66f is not used: it has "
        "no rotation, no stated rate, a third as many samples a gesture, and other gestures "
        "(ring, slope)."
    ),
    limits=(
        "25 test clips say little: see the interval, and the cross-validation above, which is of "
        "all 125. It is not known how many people drew them, so the figures may be of the hands "
        "that trained it; another person's, or another grip, may fare worse. `none` was never "
        "recorded: walking, waving or putting the wand away may be taken for a spell. "
        "Acceleration beyond 4 g is cut, as the sensor cut it in the recordings. Never tried on a "
        "real board."
    ),
)

KNOBS = (
    Knob("width", "channels of every layer, of the lab's own", (0.5, 0.75, 1.0, 1.5), default=1.0),
    Knob("depth", "convolutions", (2, 3, 4), default=4),
    Knob("average", "samples that become one, of 119 a second", (4, 2, 1), default=1, inputs=True),
)
DEFAULTS = {knob.name: knob.default for knob in KNOBS}

# Augmentation. The first numbers that were tried; none was searched for.
FASTER = 0.2
WARP_SAMPLES = 2.0
SHIFT_SAMPLES = 12
STRONGER = 0.2
TURNED_DEGREES = 15.0
NOISE = 0.01
# So often each clip is seen in an epoch, and so many clips of no spell for each of a spell; their
# kinds.
EACH = 8
NONE_SHARE = 0.3
# Of what is no spell: still or slow; a piece of a spell; the rest are pieces of three.
STILL_SHARE, PIECE_SHARE = 0.35, 0.45
PIECE_SAMPLES = 49  # of a clip, at most
SLOW = (0.002, 0.12)  # 4 g or 500 degrees a second are 1
STILL_NOISE = (0.0005, 0.01)
_G = 0.25

CROSS_VALIDATION = HERE / "cross_validation.json"


@dataclass(frozen=True)
class Clip:
    """One spell. name: file and number; raw: (119, 6) int16; part: of datasets.PARTS."""

    name: str
    label: int
    part: str
    raw: NDArray[np.int16]


def clips(folder: Path) -> list[Clip]:
    """Every clip of the recordings in `folder`, as they are split; own ones where laid out so.

    Raises BadInput.
    """
    if own.laid_out(LABELS, folder):
        return [
            Clip(clip.file, LABELS.index(clip.label), part, own.samples(LAB, clip))
            for part, found in own.parts(LAB, folder).items()
            for clip in found
        ]
    wand = datasets.folder_of(WAND, folder)
    found: list[Clip] = []
    for spell, file in FILES.items():
        for given in ("train", "test"):
            path = wand / given / file
            rows = motion.read(path, AXES)
            if len(rows) % SAMPLES:
                raise BadInput(f"{path} has {len(rows):,} samples; a clip has {SAMPLES}.")
            each = rows.reshape(-1, SAMPLES, AXES)
            first = len(each) - VALIDATION_EACH
            for number, raw in enumerate(each):
                part = datasets.TEST if given == "test" else datasets.TRAIN
                if given == "train" and number >= first:
                    part = datasets.VALIDATION
                name = f"{given}/{file}:{number}"
                found.append(Clip(name, LABELS.index(spell), part, raw))
    return found


def held_out(folder: Path) -> list[HeldOut]:
    """The clips that training never sees."""
    if own.laid_out(LABELS, folder):
        return own.held_out(LAB, folder)
    return [
        HeldOut(clip.name, clip.label, functools.partial(np.copy, clip.raw))
        for clip in clips(folder)
        if clip.part == datasets.TEST
    ]


def variant(lab: Lab, knobs: Knobs) -> Lab:
    """With the mean of so many samples as one; as many samples as make whole ones."""
    if not isinstance(lab.features, MotionFeatureSettings):
        raise BadInput(f"{HERE}: the lab's features are no motion.")
    average = int(knobs["average"])
    changed = dataclasses.replace(
        lab.features, samples=SAMPLES - SAMPLES % average, average=average
    )
    return dataclasses.replace(lab, features=changed)


def windows(chosen: Sequence[Clip]) -> Clips:
    """(n, 119, 6) float32: what the board makes of them."""
    settings = LAB.features
    if not isinstance(settings, MotionFeatureSettings):
        raise BadInput(f"{HERE}: the lab's features are no motion.")
    features = MotionFeatures(settings)
    return np.stack([features.window(clip.raw) for clip in chosen])


def targets(positions: Sequence[int]) -> NDArray[np.float32]:
    """(n, labels) float32 of 1 or 0."""
    return np.eye(len(LABELS), dtype=np.float32)[list(positions)]


def data(seed: int, folder: Path, knobs: Knobs | None = None) -> Data:
    """Windows (n, 119, 6) float32 and labels (n, 6) float32 of 1 or 0; fewer by `average`."""
    average = int((DEFAULTS if knobs is None else knobs)["average"])
    whole = _whole(seed, folder)
    if average == 1:
        return whole

    def some(samples: Samples) -> Samples:
        return Samples(averaged(samples.inputs, average), samples.targets)

    fresh, representative = whole.fresh, whole.representative
    assert fresh is not None
    return dataclasses.replace(
        whole,
        train=some(whole.train),
        validation=some(whole.validation),
        test=some(whole.test),
        representative=None if representative is None else averaged(representative, average),
        fresh=lambda number: some(fresh(number)),
    )


def averaged(spells: Clips, average: int) -> Clips:
    """(n, 119 // average, 6): the last samples of each, as the board's features have them."""
    kept = spells[:, SAMPLES % average :]
    means: Clips = kept.reshape(len(kept), -1, average, AXES).mean(axis=2, dtype=np.float32)
    return means


def _whole(seed: int, folder: Path) -> Data:
    """Windows of all samples.

    Of own recordings where the folder holds those: then `none` is what was recorded as such.
    """
    if own.laid_out(LABELS, folder):
        return _own(seed, folder)
    every = clips(folder)
    owned = own.laid_out(LABELS, folder)
    parts = {part: [clip for clip in every if clip.part == part] for part in datasets.PARTS}
    training, validation = parts[datasets.TRAIN], parts[datasets.VALIDATION]
    seen, held = windows(training), windows(validation)
    nothing = no_spells(held, len(held), np.random.default_rng(seed))
    test = parts[datasets.TEST]
    return Data(
        train=epoch(training, seen, np.random.default_rng((seed, 0))),
        validation=Samples(
            np.concatenate([held, nothing]),
            targets([clip.label for clip in validation] + [NONE] * len(nothing)),
        ),
        test=Samples(windows(test), targets([clip.label for clip in test])),
        representative=seen,
        fresh=lambda number: epoch(training, seen, np.random.default_rng((seed, number))),
        notes=own.notes(LAB, own.parts(LAB, folder))
        if owned
        else (*_counts(every), *_cross_validated()),
        about=own.about(ABOUT.purpose) if owned else None,
    )


def _own(seed: int, folder: Path) -> Data:
    """Of own recordings: each anew EACH times in an epoch, and nothing made up."""
    plain = own.data(LAB, folder, seed, purpose=ABOUT.purpose)
    targets = np.repeat(plain.train.targets, EACH, axis=0)

    def fresh(number: int) -> Samples:
        draw = np.random.default_rng((seed, number))
        order = draw.permutation(len(targets))
        inputs = anew(np.repeat(plain.train.inputs, EACH, axis=0), draw)
        return Samples(inputs[order], targets[order])

    train = Samples(np.repeat(plain.train.inputs, EACH, axis=0), targets)
    return dataclasses.replace(plain, train=train, fresh=fresh, representative=plain.train.inputs)


def epoch(training: Sequence[Clip], seen: Clips, draw: np.random.Generator) -> Samples:
    """Every clip anew, EACH times, and what is no spell. seen: the windows of `training`."""
    spells = anew(np.repeat(seen, EACH, axis=0), draw)
    nothing = no_spells(seen, round(NONE_SHARE * len(spells)), draw)
    positions = np.repeat([clip.label for clip in training], EACH).tolist()
    order = draw.permutation(len(spells) + len(nothing))
    inputs = np.concatenate([spells, nothing])
    return Samples(inputs[order], targets(positions + [NONE] * len(nothing))[order])


def anew(spells: Clips, draw: np.random.Generator) -> Clips:
    """Spells as they might have been drawn another time."""
    spells = movements.again(spells, draw, faster=FASTER, warp=WARP_SAMPLES)
    spells = movements.shifted(spells, draw, samples=SHIFT_SAMPLES)
    spells = movements.stronger(spells, draw, by=STRONGER)
    spells = movements.held_otherwise(spells, draw, degrees=TURNED_DEGREES)
    spells = spells + draw.normal(0.0, NOISE, spells.shape)
    # Full scale: no sensor gives more acceleration.
    spells[..., :3] = np.clip(spells[..., :3], -1.0, 1.0)
    return np.asarray(spells, np.float32)


def no_spells(spells: Clips, count: int, draw: np.random.Generator) -> Clips:
    """(count, 119, 6): what a wand does when nobody casts a spell, as far as we can make it up."""
    still, pieces = round(STILL_SHARE * count), round(PIECE_SHARE * count)
    found = [_still(still, draw), _pieces(spells, pieces, draw)]
    found.append(_mixed(spells, count - still - pieces, draw))
    return np.concatenate(found)


def _still(count: int, draw: np.random.Generator) -> Clips:
    """Lying anyhow, or slowly moved."""
    down = draw.normal(size=(count, 1, 3))
    down *= _G / np.linalg.norm(down, axis=-1, keepdims=True)
    strength = _of_any_size(SLOW, (count, 1), draw)
    ways = [movements.bends(draw.normal(size=(count, 8)) * strength, SAMPLES) for _ in range(AXES)]
    lying = np.stack(ways, axis=-1)
    lying[..., :3] = down + lying[..., :3] / 2
    noise = _of_any_size(STILL_NOISE, (count, 1, 1), draw)
    return np.asarray(lying + draw.normal(size=lying.shape) * noise, np.float32)


def _of_any_size(
    limits: tuple[float, float], shape: tuple[int, ...], draw: np.random.Generator
) -> NDArray[np.float64]:
    """Numbers between two, as many from 1 to 2 as from 2 to 4."""
    low, high = limits
    return np.asarray(np.exp(draw.uniform(math.log(low), math.log(high), shape)), np.float64)


def _pieces(spells: Clips, count: int, draw: np.random.Generator) -> Clips:
    """The end of a spell that began long ago, or the beginning of one, and the wand held still."""
    some = anew(spells[draw.integers(len(spells), size=count)], draw)
    by = draw.uniform(SAMPLES - PIECE_SAMPLES, SAMPLES, (count, 1))
    sign = draw.choice([-1.0, 1.0], (count, 1))
    return movements.read_at(some, np.arange(SAMPLES) + sign * by)


def _mixed(spells: Clips, count: int, draw: np.random.Generator) -> Clips:
    """Other movement, as strong: a third each of three spells, on other axes and reversed ones."""
    third = -(-SAMPLES // 3)
    parts = [anew(spells[draw.integers(len(spells), size=count)], draw) for _ in range(3)]
    mixed: Clips = np.concatenate(
        [part[:, i * third : (i + 1) * third] for i, part in enumerate(parts)], axis=1
    )
    for clip in mixed:
        order, sign = draw.permutation(3), draw.choice([-1.0, 1.0], 3)
        clip[:, :3] = clip[:, order] * sign
        clip[:, 3:] = clip[:, 3 + order] * sign
    return mixed


def _counts(every: Sequence[Clip]) -> tuple[str, ...]:
    """A table of clips: the card's evidence of the split."""
    spells = [label for label in LABELS if label != LABELS[NONE]]
    lines = ["| part | " + " | ".join(spells) + " |", "|---" * (len(spells) + 1) + "|"]
    for part in datasets.PARTS:
        counts = Counter(clip.label for clip in every if clip.part == part)
        row = " | ".join(str(counts[LABELS.index(spell)]) for spell in spells)
        lines.append(f"| {part} | {row} |")
    return tuple(lines)


def settings_sha256() -> str:
    """Of what a cross-validation depends on: features, augmentation, network, and their numbers."""
    numbers = (
        (LABELS, LAB.features, EPOCHS, BATCH),
        (FASTER, WARP_SAMPLES, SHIFT_SAMPLES, STRONGER, TURNED_DEGREES, NOISE),
        (EACH, NONE_SHARE, STILL_SHARE, PIECE_SHARE, PIECE_SAMPLES, SLOW, STILL_NOISE),
    )
    parts = (epoch, anew, no_spells, _still, _of_any_size, _pieces, _mixed, network, movements)
    text = "\n".join([repr(numbers), *(inspect.getsource(part) for part in parts)])
    return hashlib.sha256(text.encode()).hexdigest()


def _cross_validated() -> tuple[str, ...]:
    """What cross_validate.py measured, where it was of this very recipe."""
    if not CROSS_VALIDATION.is_file():
        return ()
    found = json.loads(CROSS_VALIDATION.read_text(encoding="utf-8"))
    if found["settings"] != settings_sha256():
        return ()
    in_float, in_int8 = (np.array(found[kind]) for kind in ("float", "int8"))
    text = (
        f"Cross-validation (`python labs/gesture/cross_validate.py FOLDER`): all {found['clips']} "
        f"clips in {found['folds']} folds, {len(in_int8)} times with other folds, by this recipe; "
        "every clip is told by a model that never saw it. Right by int8, mean of the "
        f"{len(in_int8)}: **{100 * in_int8.mean():.1f} %** (least {100 * in_int8.min():.1f} %, "
        f"most {100 * in_int8.max():.1f} %); by float {100 * in_float.mean():.1f} %. "
        f"measured:{found['reference']}. Little was searched: one network with the class none and "
        "without it were compared, by such folds among the 100 clips of train/; the numbers of the "
        "augmentation are those that were tried first."
    )
    return ("", text)


def network(plan: Plan) -> Network:
    """Four convolutions over time, each halving it; then what was found, anywhere in the second.

    Four where the knobs are not moved.
    """
    from tensorflow import keras

    layers = keras.layers
    wide, depth = float(plan.knobs["width"]), int(plan.knobs["depth"])
    frames = SAMPLES // int(plan.knobs["average"])
    inputs = keras.Input((frames, AXES))
    x = layers.Reshape((frames, 1, AXES))(inputs)
    for channels, width in ((16, 7), (24, 5), (32, 5), (32, 3))[:depth]:
        # Four at a time is how the board's kernels take channels.
        channels = 4 * round(channels * wide / 4)
        x = layers.Conv2D(channels, (width, 1), strides=(2, 1), padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Flatten()(layers.AveragePooling2D(x.shape[1:3])(x))
    outputs = layers.Dense(len(LABELS), "softmax")(layers.Dropout(0.3, seed=plan.seed)(x))
    model: Network = keras.Model(inputs, outputs, name="gesture")

    warm = plan.steps // 10
    rate = keras.optimizers.schedules.CosineDecay(
        1e-4, plan.steps - warm, alpha=1e-3, warmup_target=4e-3, warmup_steps=warm
    )
    model.compile(  # type: ignore[attr-defined]
        keras.optimizers.AdamW(rate, weight_decay=0.02),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy"],
    )
    return model


def score(
    targets: NDArray[np.float32], outputs: NDArray[np.float32]
) -> dict[str, tuple[float, str]]:
    """The share of clips whose spell has the highest score."""
    right = np.argmax(outputs, axis=-1) == np.argmax(targets, axis=-1)
    return {"accuracy": (float(np.mean(right)), "1")}
