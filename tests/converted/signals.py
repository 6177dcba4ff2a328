"""Networks for sound, motion and other series."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.converted.convert import Function
from tests.converted.weighted import apply, network
from tests.nn.cases import Pick


def keywords(tf: Any, pick: Pick) -> Function:
    """DS-CNN over a spectrogram."""
    layers = tf.keras.layers
    x = inputs = tf.keras.Input((pick.one_of((13, 25)), 10, 1))
    x = layers.Conv2D(8, (10, 4), 2, "same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for _ in range(pick.integer(1, 4)):
        x = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(pick.one_of((8, 12)), 1, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.AveragePooling2D((x.shape[1], x.shape[2]))(x)
    x = layers.Flatten()(x)
    return network(tf, pick, "ds-cnn", inputs, layers.Dense(12, activation="softmax")(x))


def separable(tf: Any, pick: Pick) -> Function:
    """Depthwise-separable convolutions of one dimension, joined by pools."""
    layers = tf.keras.layers
    x = inputs = tf.keras.Input((pick.one_of((20, 33)), pick.one_of((3, 6))))
    for _ in range(pick.integer(1, 3)):
        x = layers.SeparableConv1D(
            pick.one_of((4, 8, 10)), pick.one_of((3, 5)), strides=pick.one_of((1, 2)),
            padding=pick.one_of(("same", "valid")),
        )(x)  # fmt: skip
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
    x = pick.one_of((layers.MaxPooling1D, layers.AveragePooling1D))(2)(x)
    x = pick.one_of((layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D))()(x)
    return network(tf, pick, "separable", inputs, layers.Dense(4)(x), batch=pick.one_of((1, None)))


def temporal(tf: Any, pick: Pick) -> Function:
    """TCN: causal dilated convolutions with residuals."""
    layers = tf.keras.layers
    x = inputs = tf.keras.Input((pick.one_of((16, 25)), pick.one_of((1, 3))))
    width = pick.one_of((4, 8))
    for i in range(pick.integer(1, 3)):
        y = x
        for _ in range(2):
            y = layers.Conv1D(width, pick.one_of((2, 3)), padding="causal", dilation_rate=2**i)(y)
            y = layers.ReLU()(y)
        if x.shape[-1] != width:
            x = layers.Conv1D(width, 1)(x)
        x = layers.ReLU()(layers.Add()([x, y]))
    last = pick.one_of(("last", "all", "mean"))
    if last == "last":
        x = x[:, -1, :]
    elif last == "mean":
        x = layers.GlobalAveragePooling1D()(x)
    x, batch = layers.Dense(3)(x), pick.one_of((1, None))
    return network(tf, pick, f"tcn {last}", inputs, x, batch=batch, one_scale=last == "all")


def wavenet(tf: Any, pick: Pick) -> Function:
    """Gated activations, skips summed or joined."""
    layers = tf.keras.layers
    x = inputs = tf.keras.Input((pick.one_of((16, 21)), 1))
    width = pick.one_of((3, 4, 8))
    x = layers.Conv1D(width, 2, padding="causal")(x)
    skips = []
    for i in range(pick.integer(2, 3)):
        padding = pick.one_of(("causal", "same"))
        if pick.one_of((True, False)):
            both = layers.Conv1D(2 * width, 2, padding=padding, dilation_rate=2**i)(x)
            one, two = tf.keras.ops.split(both, 2, axis=-1)
        else:
            one, two = (
                layers.Conv1D(width, 2, padding=padding, dilation_rate=2**i)(x) for _ in range(2)
            )
        y = layers.Multiply()([layers.Activation("tanh")(one), layers.Activation("sigmoid")(two)])
        y = layers.Conv1D(width, 1)(y)
        skips.append(y)
        x = layers.Add()([x, y])
    join = pick.one_of((layers.Add, layers.Concatenate))
    x = layers.ReLU()(join()(skips))
    x = layers.Conv1D(4, 1)(x)
    return network(tf, pick, "wavenet", inputs, x, batch=pick.one_of((1, None)))


def motion(tf: Any, pick: Pick) -> Function:
    """Accelerometer, gyroscope and a few features: branches of different kinds."""
    layers = tf.keras.layers
    series = [tf.keras.Input((24, 3), name="acc"), tf.keras.Input((24, 3), name="gyro")]
    features = tf.keras.Input((5,), name="features")
    found = []
    if pick.one_of((True, False)):
        x = layers.Concatenate()(series)
        x = layers.Conv1D(8, 3, activation="relu")(x)
        x = layers.MaxPooling1D(2)(x)
        x = layers.Conv1D(8, 3, activation="relu")(x)
        found.append(layers.Flatten()(x))
    else:
        for one in series:
            x = layers.Conv1D(6, 4, 2, activation="relu")(one)
            found.append(layers.GlobalMaxPooling1D()(x))
    found.append(layers.Dense(6, activation="relu")(features))
    x = layers.Concatenate()(found)
    x = layers.Dense(8, activation=pick.one_of(("relu", "tanh", "gelu")))(x)
    outputs = [layers.Dense(4, activation="softmax")(x), layers.Dense(1)(x)]
    return network(tf, pick, "motion", [*series, features], outputs)


def dense(tf: Any, pick: Pick) -> Function:
    """Dense layers alone: an anomaly detector, perhaps with its error."""
    layers = tf.keras.layers
    x = inputs = tf.keras.Input((pick.one_of((10, 40)),))
    for width in (16, 16, 4, 16):
        x = layers.Dense(width)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dense(inputs.shape[-1])(x)
    kind = pick.one_of(("itself", "error", "absolute", "normalized"))
    if kind == "error":
        x = apply(tf, tf.math.squared_difference, x, inputs)
        x = apply(tf, lambda y: tf.reduce_mean(y, -1, keepdims=True), x)
    elif kind == "absolute":
        x = apply(tf, lambda y, z: tf.reduce_mean(tf.abs(y - z), -1), x, inputs)
    elif kind == "normalized":
        x = apply(tf, lambda y: tf.math.l2_normalize(y, -1), x)
    return network(tf, pick, f"dense {kind}", inputs, x, batch=pick.one_of((1, None)))


def transformer(tf: Any, pick: Pick) -> Function:
    """An encoder of one or two blocks."""
    layers = tf.keras.layers
    steps, width, heads = pick.one_of((6, 9)), 8, pick.one_of((1, 2))
    x = inputs = tf.keras.Input((steps, pick.one_of((4, 8))))
    x = layers.Dense(width)(x)
    for _ in range(pick.integer(1, 2)):
        if pick.one_of((True, False)):
            y = layers.LayerNormalization(epsilon=1e-3)(x)
        else:
            y = x
        attention = layers.MultiHeadAttention(heads, width // heads, flash_attention=False)
        x = layers.Add()([x, attention(y, y)])
        y = layers.LayerNormalization(epsilon=1e-3)(x)
        y = layers.Dense(16, activation=pick.one_of(("relu", "gelu")))(y)
        x = layers.Add()([x, layers.Dense(width)(y)])
    x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dense(3, activation="softmax")(x)
    return network(tf, pick, f"transformer {heads}", inputs, x, one_scale=True)


def streaming(tf: Any, pick: Pick) -> Function:
    """A keyword spotter that takes a few frames at a time and remembers those before."""
    draw = np.random.default_rng(pick.integer(0, 2**31))
    frames, bins = pick.integer(1, 2), pick.one_of((4, 5, 8))
    depths = [bins, *(pick.one_of((4, 6, 8)) for _ in range(pick.integer(1, 3)))]
    kernels = [pick.integer(2, 4) for _ in depths[1:]]
    planes = [pick.one_of((True, False)) for _ in kernels]
    past: list[Any] = []
    weights: list[Any] = []
    for depth, next_depth, kernel, plane in zip(depths, depths[1:], kernels, planes, strict=False):
        past.append(tf.Variable(np.full((1, kernel - 1, 1, depth), 0.1, np.float32)))
        shape = (kernel, 1, depth, 1 if plane else next_depth)
        first = draw.normal(0, 0.7, shape).astype(np.float32)
        last = draw.normal(0, 0.7, (1, 1, depth if plane else next_depth, next_depth))
        last[..., ::5] = 0
        weights.append((first, last.astype(np.float32)))
    window = pick.integer(2, 4)
    last_past = tf.Variable(np.zeros((1, window * frames, 1, depths[-1]), np.float32))
    matrix = draw.normal(size=(window * frames * depths[-1], 3)).astype(np.float32)

    def remembered(state: Any, x: Any) -> Any:
        whole = tf.concat([state, x], 1)
        state.assign(whole[:, -state.shape[1] :])
        return whole

    def call(x: Any) -> Any:
        x = tf.expand_dims(x, 2)
        for state, (first, last), plane in zip(past, weights, planes, strict=True):
            whole = remembered(state, x)
            if plane:
                y = tf.nn.depthwise_conv2d(whole, first, [1, 1, 1, 1], "VALID")
            else:
                y = tf.nn.conv2d(whole, first, 1, "VALID")
            x = tf.nn.relu(tf.nn.conv2d(tf.nn.relu(y), last, 1, "VALID"))
        seen = remembered(last_past, x)[:, frames:]
        return tf.nn.softmax(tf.matmul(tf.reshape(seen, (1, -1)), matrix))

    return Function(
        f"streaming {frames} frames, {depths}, kernels {kernels}, planes {planes}",
        ((1, frames, bins),),
        call,
        variables=(*past, last_past),
        remembers=True,
    )


def recurrent(tf: Any, pick: Pick) -> Function:
    """LSTM or GRU, unrolled: TensorFlow 2.21's converter crashes where it is to quantize loops."""
    layers = tf.keras.layers
    x = inputs = tf.keras.Input((pick.one_of((4, 7)), pick.one_of((3, 5))))
    kind = pick.one_of(("lstm", "gru", "rnn"))
    make = {"lstm": layers.LSTM, "gru": layers.GRU, "rnn": layers.SimpleRNN}[kind]
    both = pick.one_of((True, False))
    x = make(5, return_sequences=both, unroll=True)(x)
    x = layers.Flatten()(x) if both else x
    return network(tf, pick, f"{kind} sequences {both}", inputs, layers.Dense(3)(x))


SIGNALS: Mapping[str, Callable[[Any, Pick], Function]] = {
    "ds-cnn": keywords,
    "separable": separable,
    "tcn": temporal,
    "wavenet": wavenet,
    "motion": motion,
    "dense": dense,
    "streaming": streaming,
    "transformer": transformer,
    "recurrent": recurrent,
}
