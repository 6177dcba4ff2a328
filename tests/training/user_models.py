"""Models as a user builds them, after the examples of Keras's documentation, and their samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge_deploy.training import runtime

SAMPLES = 60


def convnet(size=12):
    """Keras's "simple convnet": two convolutions with pools, dropout, ten classes."""
    keras = runtime.load().keras
    layers = keras.layers
    runtime.repeatable(11)
    return keras.Sequential(
        [
            keras.Input((size, size, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2),
            layers.Conv2D(12, 3, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ],
        name="convnet",
    )


def two_inputs():
    """The functional guide's kind: a picture and a few numbers, joined."""
    keras = runtime.load().keras
    layers = keras.layers
    runtime.repeatable(12)
    picture, numbers = keras.Input((6, 6, 2), name="picture"), keras.Input((5,), name="numbers")
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(picture))
    joined = layers.Concatenate()([x, layers.Dense(4, activation="relu")(numbers)])
    score, kind = layers.Dense(1, name="score")(joined), layers.Dense(3, "softmax")(joined)
    model = keras.Model([picture, numbers], [score, kind], name="two")
    model.compile("adam", ["mse", "categorical_crossentropy"])
    return model


def build(folder: Path) -> Path:
    """Every model file and every file of samples that the tests share."""
    tensorflow = runtime.load()
    draw = np.random.default_rng(13)
    network = convnet()
    network.save(folder / "convnet.keras")
    pictures = draw.uniform(0, 1, (SAMPLES, 12, 12, 1)).astype(np.float32)
    pictures[: SAMPLES // 2, 3:9] *= 3
    np.save(folder / "pictures.npy", pictures)
    np.save(folder / "classes.npy", np.argmax(network.predict(pictures, verbose=0), axis=1))

    model = two_inputs()
    model.save(folder / "two.keras")
    model.save(folder / "two.h5")
    model.export(folder / "two_saved", verbose=False)
    converter = tensorflow.lite.TFLiteConverter.from_saved_model(str(folder / "two_saved"))
    with runtime.quiet():
        (folder / "two.tflite").write_bytes(converter.convert())
    np.savez(
        folder / "two.npz",
        picture=draw.normal(size=(SAMPLES, 6, 6, 2)),
        numbers=draw.normal(size=(SAMPLES, 5)),
    )
    return folder
