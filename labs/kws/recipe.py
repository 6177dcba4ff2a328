"""kws: twelve classes of sound, by a depthwise-separable network on 49 frames of 40 log-mels.

Learns from recordings of people (Speech Commands). Each epoch hears every clip anew: shifted,
faster or slower, louder or softer, in noise. The features are the board's own C. TensorFlow is
imported in `network` alone.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy import labs
from edge_deploy.errors import BadInput
from edge_deploy.features import AudioFeatures
from edge_deploy.labs import AudioFeatureSettings, Lab
from edge_deploy.training import augment, datasets, own, speech
from edge_deploy.training.recipe import About, Data, Knob, Knobs, Network, Plan, Quick, Samples

SEED = 1
EPOCHS = 80
BATCH = 64
QUICK = Quick(epochs=8)
RECORDINGS = True

HERE = Path(__file__).resolve().parent
LAB = labs.load_folder(HERE)
LABELS = LAB.labels
SILENCE, UNKNOWN = LABELS.index("silence"), LABELS.index("unknown")

WORDS, NOISE = "speech_commands", "speech_commands_background_noise"
RATE_HZ = 16_000
SAMPLES = RATE_HZ  # of a clip: one second

ABOUT = About(
    purpose=(
        "Listens to the last second of sound and tells which of ten English words it holds, or "
        "another word (unknown), or none (silence). For learning how such a thing is built; not "
        "for anything that must not be missed or misheard."
    ),
    data=(
        "Part of the test set of Speech Commands v0.02 (Pete Warden, Google; CC BY 4.0): 4,010 "
        "recordings of one second at 16 kHz, in homes and offices, by whoever took part over "
        "the web; and six recordings of background noise of the same set. Split by speaker, by a "
        "hash of the speaker's id: nobody is in two parts. Clips with identical bytes count "
        "once. The clips of silence are stretches of the six noise recordings (silence.csv "
        "says which, found by correlation); each belongs to the part in which its stretch lies: "
        "the first 75 % of a recording train, the next 10 % validate, the last 15 % test. Noise "
        "mixed under words in training comes from the first 75 % too."
    ),
    limits=(
        "Few recordings: the public set has 105,829 clips and gives more. One word at a time, in "
        "English, close to the microphone, mostly by adults with American accents. Noise of the "
        "test is of the same six rooms and machines as in training, so silence in another place "
        "may fare worse. Words that sound alike are confused most (see the table), and "
        "`unknown` is only as wide as the 25 other words of the set. Never heard on a real board: "
        "its microphone has another response than those of the recordings."
    ),
)

KNOBS = (
    Knob("width", "channels of every layer, of the lab's own", (0.5, 0.75, 1.0, 1.25), default=1.0),
    Knob("depth", "depthwise-separable blocks", (3, 4, 5, 6), default=5),
    Knob("mel_bins", "features of a frame", (20, 30, 40), default=40, inputs=True),
    # A stride of 200 ms must be a whole number of hops.
    Knob("hop_ms", "ms from one frame to the next", (40, 25, 20), default=20, inputs=True),
)
DEFAULTS = {knob.name: knob.default for knob in KNOBS}

# Augmentation. Ranges are uniform; chosen on the validation speakers.
SHIFT_SAMPLES = RATE_HZ // 10
FASTER = 0.15
GAIN_DB = (-12.0, 6.0)
NOISE_SHARE, NOISE_BELOW_DB = 0.6, (5.0, 40.0)
SILENCE_DBFS = (-95.0, -12.0)
MASKED_FRAMES, MASKED_BINS = 8, 6


def parts(folder: Path) -> dict[str, list[speech.Clip]]:
    """Every clip of the recordings in `folder`, by part; own ones where it is laid out so."""
    if own.laid_out(LABELS, folder):
        return {
            part: [
                speech.Clip(clip.path, LABELS.index(clip.label), clip.speaker, part)
                for clip in found
            ]
            for part, found in own.parts(LAB, folder).items()
        }
    words = datasets.folder_of(WORDS, folder)
    lengths = {path.name: speech.read(path, RATE_HZ).size for path in background(folder)}
    cuts = speech.cuts(HERE / "silence.csv")
    folders = {
        speech.UNKNOWN_FOLDER if index == UNKNOWN else label: index
        for index, label in enumerate(LABELS)
        if index != SILENCE
    }
    clips = speech.spoken(words, folders)
    clips += speech.silent(words, SILENCE, cuts, lengths, SAMPLES)
    return {part: [clip for clip in clips if clip.part == part] for part in datasets.PARTS}


def held_out(folder: Path) -> list[tuple[Path, int]]:
    """(path, label index) of the clips that training never sees."""
    return [(clip.path, clip.label) for clip in parts(folder)[datasets.TEST]]


def background(folder: Path) -> list[Path]:
    """The noise recordings. Training heard the first 75 % of each, with words and without.

    Of own recordings: the clips of silence that training never heard.
    """
    if own.laid_out(LABELS, folder):
        test = parts(folder)[datasets.TEST]
        return [clip.path for clip in test if clip.label == SILENCE]
    return sorted(datasets.folder_of(NOISE, folder).glob("*.wav"))


def variant(lab: Lab, knobs: Knobs) -> Lab:
    """With as many frames of `hop_ms` as a second holds; no sample is skipped between them."""
    ours = lab.audio
    if ours is None:
        raise BadInput(f"{HERE}: the lab's source is no microphone.")
    hop = int(knobs["hop_ms"]) * ours.sample_rate_hz // 1000
    frame = max(ours.frame_samples, hop)
    changed = dataclasses.replace(
        ours,
        mel_bins=int(knobs["mel_bins"]),
        hop_samples=hop,
        frame_samples=frame,
        fft=max(ours.fft, 1 << (frame - 1).bit_length()),
        frames=1 + (SAMPLES - frame) // hop,
    )
    return dataclasses.replace(lab, features=changed)


def _features(knobs: Knobs) -> AudioFeatureSettings:
    settings = variant(LAB, knobs).audio
    assert settings is not None
    return settings


def data(seed: int, folder: Path, knobs: Knobs | None = None) -> Data:
    """Features (n, 49, 40, 1) float32 and labels (n, 12) float32 of 1 or 0.

    49 and 40 where the knobs are not moved.
    """
    features = AudioFeatures(_features(DEFAULTS if knobs is None else knobs))
    clips = parts(folder)
    training = clips[datasets.TRAIN]
    sounds = [_sound(clip) for clip in training]
    owned = own.laid_out(LABELS, folder)
    if owned:
        noises = [s for clip, s in zip(training, sounds, strict=True) if clip.label == SILENCE]
    else:
        noises = _noises(folder)

    def samples(chosen: Sequence[speech.Clip], heard: Sequence[augment.Sound]) -> Samples:
        inputs = [features.clip(augment.as_int16(sound)) for sound in heard]
        targets = np.eye(len(LABELS), dtype=np.float32)[[clip.label for clip in chosen]]
        return Samples(np.stack(inputs)[..., np.newaxis], targets)

    def fresh(epoch: int) -> Samples:
        draw = np.random.default_rng((seed, epoch))
        heard = [
            _noise(noises, draw) if clip.label == SILENCE else _anew(sound, noises, draw)
            for clip, sound in zip(training, sounds, strict=True)
        ]
        anew = samples(training, heard)
        for row in anew.inputs:
            row[..., 0] = augment.masked(row[..., 0], MASKED_FRAMES, MASKED_BINS, draw)
        return anew

    validation, test = clips[datasets.VALIDATION], clips[datasets.TEST]
    plain = samples(training, sounds)
    return Data(
        train=plain,
        validation=samples(validation, [_sound(clip) for clip in validation]),
        test=samples(test, [_sound(clip) for clip in test]),
        # Every eighth clip as it was recorded: the range of what will be heard.
        representative=plain.inputs[::8],
        fresh=fresh,
        notes=own.notes(LAB, own.parts(LAB, folder)) if owned else _counts(clips),
        about=own.about(ABOUT.purpose) if owned else None,
    )


def _sound(clip: speech.Clip) -> augment.Sound:
    return speech.sound(clip.path, RATE_HZ, SAMPLES).astype(np.float32)


def _noises(folder: Path) -> list[augment.Sound]:
    """The part of every noise recording that belongs to training."""
    found = []
    for path in background(folder):
        sound = speech.read(path, RATE_HZ).astype(np.float32)
        found.append(sound[: int(sound.size * datasets.SHARES[0])])
    return found


def _anew(
    sound: augment.Sound, noises: Sequence[augment.Sound], draw: np.random.Generator
) -> augment.Sound:
    """A word as it might have been said another time, in another room."""
    sound = augment.spoken_faster(sound, 1.0 + draw.uniform(-FASTER, FASTER))
    sound = augment.shifted(sound, int(draw.integers(-SHIFT_SAMPLES, SHIFT_SAMPLES + 1)))
    sound = augment.gained(sound, draw.uniform(*GAIN_DB))
    if draw.random() < NOISE_SHARE:
        noise = augment.cut(noises, SAMPLES, draw)
        level = augment.level_dbfs(sound) - draw.uniform(*NOISE_BELOW_DB)
        sound = sound + augment.at_level(noise, level)
    return sound


def _noise(noises: Sequence[augment.Sound], draw: np.random.Generator) -> augment.Sound:
    """Noise at any level, down to none."""
    return augment.at_level(augment.cut(noises, SAMPLES, draw), draw.uniform(*SILENCE_DBFS))


def _counts(clips: dict[str, list[speech.Clip]]) -> tuple[str, ...]:
    """A table of speakers and clips: the card's evidence of the split."""
    lines = ["| part | speakers | " + " | ".join(LABELS) + " |", "|---" * (len(LABELS) + 2) + "|"]
    for part, found in clips.items():
        counts = Counter(clip.label for clip in found)
        speakers = len({clip.speaker for clip in found if clip.speaker})
        row = " | ".join(str(counts[label]) for label in range(len(LABELS)))
        lines.append(f"| {part} | {speakers} | {row} |")
    return tuple(lines)


def network(plan: Plan) -> Network:
    """A convolution and five depthwise-separable blocks: 45 thousand parameters, 2.8 M MACs.

    That many where the knobs are not moved.
    """
    from tensorflow import keras

    layers = keras.layers
    settings = _features(plan.knobs)
    depth = int(plan.knobs["depth"])

    def wide(channels: int) -> int:
        # Four at a time is how the board's kernels take channels.
        return max(4, 4 * round(channels * float(plan.knobs["width"]) / 4))

    def normal(x: Any) -> Any:  # noqa: ANN401, a Keras tensor; Keras ships no types
        return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))

    # No padding before the first convolution: the mean of a log-mel is far from 0, and zeros
    # beside it would be the loudest edge of the picture. Batch normalization removes the mean.
    inputs = keras.Input((settings.frames, settings.bins, 1))
    x = normal(layers.Conv2D(wide(48), 5, strides=2, use_bias=False)(inputs))
    for channels, stride in ((64, 2), *((64, 1),) * (depth - 3), (128, 2), (128, 1)):
        x = normal(layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x))
        x = normal(layers.Conv2D(wide(channels), 1, use_bias=False)(x))
    x = layers.Flatten()(layers.AveragePooling2D(x.shape[1:3])(x))
    outputs = layers.Dense(len(LABELS), "softmax")(layers.Dropout(0.2, seed=plan.seed)(x))
    model: Network = keras.Model(inputs, outputs, name="kws")

    warm = 3 * plan.steps_per_epoch if plan.epochs > 10 else 0
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
    """The share of clips whose label has the highest score."""
    right = np.argmax(outputs, axis=-1) == np.argmax(targets, axis=-1)
    return {"accuracy": (float(np.mean(right)), "1")}
