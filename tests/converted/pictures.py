"""Networks for pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.converted.convert import Function
from tests.converted.weighted import apply, network
from tests.nn.cases import Pick


def _conv(
    tf: Any,
    x: Any,
    filters: int,
    kernel: int = 3,
    strides: int = 1,
    activation: Any = "relu",
    padding: str = "same",
    **more: Any,
) -> Any:
    """A convolution, normalized, activated."""
    layers = tf.keras.layers
    x = layers.Conv2D(filters, kernel, strides, padding, use_bias=False, **more)(x)
    x = layers.BatchNormalization()(x)
    return layers.Activation(activation)(x) if activation else x


def _depthwise(tf: Any, x: Any, kernel: int, strides: int, activation: Any) -> Any:
    layers = tf.keras.layers
    if strides == 2:
        edge = kernel // 2
        even = x.shape[1] % 2 == 0
        x = layers.ZeroPadding2D(((edge - even, edge), (edge - even, edge)))(x)
    padding = "valid" if strides == 2 else "same"
    x = layers.DepthwiseConv2D(kernel, strides, padding, use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.Activation(activation)(x) if activation else x


def _hard_swish(tf: Any) -> Callable[[Any], Any]:
    return lambda x: apply(tf, lambda y: y * tf.nn.relu6(y + 3.0) * (1.0 / 6.0), x)


def _picture(tf: Any, pick: Pick, sizes: tuple[int, ...] = (8, 13, 16, 20)) -> Any:
    size = pick.one_of(sizes)
    return tf.keras.Input((size, pick.one_of((size, size, size + 3)), pick.one_of((1, 3))))


def mobilenet_v1(tf: Any, pick: Pick) -> Function:
    """Depthwise and pointwise in turn, padded as Keras does."""
    layers = tf.keras.layers
    x = inputs = _picture(tf, pick)
    x = _conv(tf, x, 8, 3, 2, "relu6")
    for _ in range(pick.integer(2, 5)):
        x = _depthwise(tf, x, 3, pick.one_of((1, 1, 2)), "relu6")
        x = _conv(tf, x, pick.one_of((8, 13, 16, 24)), 1, 1, "relu6")
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Dropout(0.1)(x)
    x = layers.Conv2D(pick.one_of((2, 5, 10)), 1)(x)
    x = layers.Reshape((-1,))(x)
    return network(tf, pick, "mobilenet v1", inputs, layers.Activation("softmax")(x))


def mobilenet_v2(tf: Any, pick: Pick) -> Function:
    """Inverted residuals with linear bottlenecks."""
    layers = tf.keras.layers
    x = inputs = _picture(tf, pick)
    x = _conv(tf, x, 8, 3, 2, "relu6")
    for _ in range(pick.integer(2, 5)):
        before, filters = x, pick.one_of((8, 8, 8, 12))
        strides = pick.one_of((1, 1, 1, 2))
        x = _conv(tf, x, x.shape[-1] * pick.one_of((2, 3, 6)), 1, 1, "relu6")
        x = _depthwise(tf, x, 3, strides, "relu6")
        x = _conv(tf, x, filters, 1, 1, None)
        if strides == 1 and filters == before.shape[-1]:
            x = layers.Add()([before, x])
    x = _conv(tf, x, 32, 1, 1, "relu6")
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(pick.one_of((2, 7, 10)), activation="softmax")(x)
    return network(tf, pick, "mobilenet v2", inputs, x, batch=pick.one_of((1, None)))


def mobilenet_v3(tf: Any, pick: Pick) -> Function:
    """Squeeze and excite, hard swish, kernels of 5."""
    layers = tf.keras.layers
    swish = _hard_swish(tf)
    x = inputs = _picture(tf, pick)
    x = swish(_conv(tf, x, 8, 3, 2, None))
    for _ in range(pick.integer(2, 4)):
        before, filters = x, pick.one_of((8, 8, 16))
        strides, act = pick.one_of((1, 1, 2)), pick.one_of((swish, layers.ReLU()))
        x = act(_conv(tf, x, x.shape[-1] * pick.one_of((2, 3)), 1, 1, None))
        x = act(_depthwise(tf, x, pick.one_of((3, 5)), strides, None))
        if pick.one_of((True, True, False)):
            s = layers.GlobalAveragePooling2D(keepdims=True)(x)
            s = layers.Conv2D(8, 1, activation="relu")(s)
            s = layers.Conv2D(x.shape[-1], 1)(s)
            s = apply(tf, lambda y: tf.nn.relu6(y + 3.0) * (1.0 / 6.0), s)
            x = layers.Multiply()([x, s])
        x = _conv(tf, x, filters, 1, 1, None)
        if strides == 1 and filters == before.shape[-1]:
            x = layers.Add()([before, x])
    x = swish(_conv(tf, x, 24, 1, 1, None))
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = swish(layers.Conv2D(20, 1)(x))
    x = layers.Flatten()(layers.Conv2D(5, 1)(x))
    return network(tf, pick, "mobilenet v3", inputs, layers.Softmax()(x))


def resnet(tf: Any, pick: Pick) -> Function:
    """Residuals, the strided ones with a convolution of 1x1 or a pool on the short way."""
    layers = tf.keras.layers
    x = inputs = _picture(tf, pick)
    x = _conv(tf, x, 8)
    for _ in range(pick.integer(2, 4)):
        before, filters, strides = x, pick.one_of((8, 8, 12)), pick.one_of((1, 1, 2))
        ahead = pick.one_of((False, False, True))  # activated before the convolutions
        if ahead:
            x = layers.ReLU()(layers.BatchNormalization()(x))
        x = _conv(tf, x, filters, 3, strides)
        x = _conv(tf, x, filters, 3, 1, None)
        if strides > 1 or filters != before.shape[-1]:
            way = pick.one_of(("conv", "pool"))
            if way == "pool":
                before = layers.AveragePooling2D(strides, padding="same")(before)
            before = layers.Conv2D(filters, 1, 1 if way == "pool" else strides)(before)
        x = layers.Add()([x, before])
        if not ahead:
            x = layers.ReLU()(x)
    x = layers.AveragePooling2D((x.shape[1], x.shape[2]))(x)
    x = layers.Flatten()(x)
    x = layers.Dense(10, activation="softmax")(x)
    return network(tf, pick, "resnet", inputs, x, batch=pick.one_of((1, None)))


def densenet(tf: Any, pick: Pick) -> Function:
    """Each layer reads all before it."""
    layers = tf.keras.layers
    x = inputs = _picture(tf, pick)
    x = _conv(tf, x, 8, 3, 2)
    growth = pick.one_of((3, 4, 8))
    for _ in range(pick.integer(1, 2)):
        for _ in range(pick.integer(2, 3)):
            y = layers.ReLU()(layers.BatchNormalization()(x))
            y = _conv(tf, y, growth * 2, 1)
            y = layers.Conv2D(growth, 3, padding="same", use_bias=False)(y)
            x = layers.Concatenate()([x, y])
        x = _conv(tf, x, 8, 1)
        x = layers.AveragePooling2D(2, padding="same")(x)
    x = layers.GlobalMaxPooling2D()(x)
    return network(tf, pick, "densenet", inputs, layers.Dense(4)(x))


def inception(tf: Any, pick: Pick) -> Function:
    """Four branches side by side."""
    layers = tf.keras.layers
    x = inputs = _picture(tf, pick)
    for _ in range(pick.integer(1, 3)):
        branches = [_conv(tf, x, pick.one_of((3, 4, 8)), 1)]
        branches.append(_conv(tf, _conv(tf, x, 4, 1), pick.one_of((4, 5)), 3))
        branches.append(_conv(tf, _conv(tf, x, 4, 1), 4, 5))
        pool = pick.one_of((layers.MaxPooling2D, layers.AveragePooling2D))
        branches.append(_conv(tf, pool(3, 1, "same")(x), 4, 1))
        x = layers.Concatenate()(branches)
    x = layers.GlobalAveragePooling2D()(x)
    return network(tf, pick, "inception", inputs, layers.Dense(3, activation="sigmoid")(x))


def unet(tf: Any, pick: Pick) -> Function:
    """Down and up again, with skips."""
    layers = tf.keras.layers
    x = inputs = tf.keras.Input((16, pick.one_of((8, 16)), pick.one_of((1, 3))))
    skips = []
    for depth in (4, 8):
        x = _conv(tf, x, depth)
        skips.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = _conv(tf, x, 12)
    for skip in reversed(skips):
        depth = skip.shape[-1]
        up = pick.one_of(("transpose", "nearest", "bilinear", "shuffle"))
        if up == "transpose":
            x = layers.Conv2DTranspose(depth, pick.one_of((2, 3)), 2, "same")(x)
        elif up == "shuffle":
            x = apply(tf, lambda y: tf.nn.depth_to_space(y, 2), layers.Conv2D(depth * 4, 1)(x))
        else:
            x = layers.UpSampling2D(2, interpolation=up)(x)
        join = pick.one_of((layers.Concatenate, layers.Concatenate, layers.Add))
        if join is layers.Add:
            x = _conv(tf, x, depth, 1)
        x = _conv(tf, join()([x, skip]), depth)
    x = layers.Conv2D(pick.one_of((1, 2, 3)), 1, activation=pick.one_of(("sigmoid", "softmax")))(x)
    return network(tf, pick, "unet", inputs, x)


def detector(tf: Any, pick: Pick) -> Function:
    """SSD: boxes and classes of two maps, reshaped, joined."""
    layers = tf.keras.layers
    x = inputs = tf.keras.Input((16, 16, 3))
    x = _conv(tf, x, 8, 3, 2, "relu6")
    maps = []
    for depth in (12, 16):
        x = _conv(tf, _depthwise(tf, x, 3, 2, "relu6"), depth, 1, 1, "relu6")
        maps.append(x)
    classes = pick.integer(2, 3)
    boxes, scores = [], []
    for x in maps:
        anchors = pick.integer(2, 3)
        boxes.append(layers.Reshape((-1, 4))(layers.Conv2D(anchors * 4, 3, padding="same")(x)))
        y = layers.Conv2D(anchors * classes, 3, padding="same")(x)
        scores.append(layers.Reshape((-1, classes))(y))
    act = pick.one_of(("sigmoid", "softmax"))
    found = [
        layers.Concatenate(axis=1)(boxes),
        layers.Activation(act)(layers.Concatenate(axis=1)(scores)),
    ]
    if pick.one_of((True, False)):
        found.append(maps[0])  # read inside too
    return network(tf, pick, "detector", inputs, found)


def yolo(tf: Any, pick: Pick) -> Function:
    """Leaky, with a path from deep to shallow, two heads."""
    layers = tf.keras.layers
    leaky = layers.LeakyReLU(negative_slope=0.1)
    x = inputs = tf.keras.Input((16, 16, pick.one_of((1, 3))))
    x = leaky(_conv(tf, x, 8, 3, 1, None))
    x = layers.MaxPooling2D(2)(x)
    x = leaky(_conv(tf, x, 8, 3, 1, None))
    one, two = tf.keras.ops.split(x, 2, axis=-1)  # one goes around the convolutions
    two = leaky(_conv(tf, two, 4, 3, 1, None))
    route = x = layers.Concatenate()([one, two, leaky(_conv(tf, two, 4, 1, 1, None))])
    x = layers.MaxPooling2D(2)(x)
    x = leaky(_conv(tf, x, 16, 3, 1, None))
    x = layers.MaxPooling2D(2, 1, "same")(x)
    low = layers.Conv2D(3 * 7, 1)(x)
    x = layers.UpSampling2D(2)(leaky(_conv(tf, x, 8, 1, 1, None)))
    x = leaky(_conv(tf, layers.Concatenate()([x, route]), 12, 3, 1, None))
    high = layers.Conv2D(3 * 7, 1)(x)
    return network(tf, pick, "yolo", inputs, [low, high])


def heat_map(tf: Any, pick: Pick) -> Function:
    """FOMO and CenterNet: a map of centres, offsets, sizes."""
    layers = tf.keras.layers
    x = inputs = _picture(tf, pick, (16, 20))
    x = _conv(tf, x, 8, 3, 2, "relu6")
    x = _conv(tf, _depthwise(tf, x, 3, 2, "relu6"), 16, 1, 1, "relu6")
    heads = [layers.Conv2D(3, 1)(layers.Conv2D(8, 1, activation="relu")(x))]
    kind = pick.one_of(("fomo", "centernet", "peaks"))
    heads[0] = layers.Activation("softmax" if kind == "fomo" else "sigmoid")(heads[0])
    if kind != "fomo":
        for _ in range(2):
            y = _conv(tf, x, 8, 3)
            heads.append(layers.Conv2D(2, 1)(y))
    if kind == "peaks":
        heads.append(layers.MaxPooling2D(3, 1, "same")(heads[0]))
    return network(tf, pick, kind, inputs, heads)


def shuffled(tf: Any, pick: Pick) -> Function:
    """ShuffleNet: half the channels go through, then all are shuffled."""
    layers = tf.keras.layers
    x = inputs = _picture(tf, pick)
    depth = pick.one_of((4, 8, 12))
    x = _conv(tf, x, depth, 3, 2)
    for _ in range(pick.integer(1, 3)):
        left, right = tf.keras.ops.split(x, 2, axis=-1)
        right = _depthwise(tf, _conv(tf, right, depth // 2, 1), 3, 1, None)
        right = _conv(tf, right, depth // 2, 1)
        x = layers.Concatenate()([left, right])
        height, width = x.shape[1:3]
        x = layers.Reshape((height, width, 2, depth // 2))(x)
        x = layers.Permute((1, 2, 4, 3))(x)
        x = layers.Reshape((height, width, depth))(x)
    x = layers.GlobalAveragePooling2D()(x)
    return network(tf, pick, "shufflenet", inputs, layers.Dense(5)(x), batch=pick.one_of((1, None)))


def squeezed(tf: Any, pick: Pick) -> Function:
    """SqueezeNet: fire modules."""
    layers = tf.keras.layers
    x = inputs = _picture(tf, pick)
    x = _conv(tf, x, 8, 3, 2, padding="valid")
    for _ in range(pick.integer(1, 3)):
        s = layers.Conv2D(4, 1, activation="relu")(x)
        wide = pick.one_of((4, 6))
        y = layers.Concatenate()(
            [
                layers.Conv2D(wide, 1, activation="relu")(s),
                layers.Conv2D(wide, 3, padding="same", activation="relu")(s),
            ]
        )
        x = layers.Add()([x, y]) if y.shape[-1] == x.shape[-1] else y
    x = layers.Conv2D(5, 1, activation="relu")(x)
    return network(tf, pick, "squeezenet", inputs, layers.GlobalAveragePooling2D()(x))


def classifier(tf: Any, pick: Pick) -> Function:
    """What beginners train: convolutions, pools, a flattened map, dense layers."""
    layers = tf.keras.layers
    x = inputs = _picture(tf, pick, (12, 15))
    kind = pick.one_of(("relu", "prelu", "leaky", "gelu", "elu", "swish", "tanh"))
    act: Mapping[str, Callable[[], Any]] = {
        "relu": layers.ReLU,
        "prelu": lambda: layers.PReLU(shared_axes=pick.one_of(([1, 2], None))),
        "leaky": layers.LeakyReLU,
        "gelu": lambda: layers.Activation("gelu"),
        "elu": layers.ELU,
        "swish": lambda: layers.Activation("silu"),
        "tanh": lambda: layers.Activation("tanh"),
    }
    for _ in range(2):
        x = layers.Conv2D(pick.one_of((4, 6, 8)), 3)(x)
        x = act[kind]()(x)
        x = layers.MaxPooling2D()(x)
        x = layers.SpatialDropout2D(0.2)(x)
    x = layers.Flatten()(x)
    x = act["relu" if kind == "prelu" else kind]()(layers.Dense(12)(x))
    hidden = x
    x = layers.Dense(4, activation="softmax")(x)
    outputs = pick.one_of((x, [x, hidden]))
    return network(tf, pick, f"classifier {kind}", inputs, outputs, batch=pick.one_of((1, None)))


def autoencoder(tf: Any, pick: Pick) -> Function:
    """Convolutions down, transposed ones up; perhaps the error of it."""
    layers = tf.keras.layers
    x = inputs = tf.keras.Input((8, pick.one_of((8, 12)), pick.one_of((1, 2))))
    for depth in (8, 4):
        x = layers.Conv2D(depth, 3, 2, "same", activation="relu")(x)
    shape = x.shape[1:]
    code = x = layers.Dense(pick.one_of((3, 6)))(layers.Flatten()(x))
    x = layers.Dense(shape[0] * shape[1] * shape[2], activation="relu")(x)
    x = layers.Reshape(shape)(x)
    for depth in (8, inputs.shape[-1]):
        x = layers.Conv2DTranspose(depth, 3, 2, "same")(x)
    outputs = [code, x]
    if pick.one_of((True, False)):
        error = apply(tf, tf.math.squared_difference, x, inputs)
        outputs = [apply(tf, lambda y: tf.reduce_mean(y, axis=[1, 2, 3]), error)]
    return network(tf, pick, "autoencoder", inputs, outputs)


def mixer(tf: Any, pick: Pick) -> Function:
    """MLP-Mixer: patches, mixed along and across."""
    layers = tf.keras.layers
    x = inputs = tf.keras.Input((8, 8, 3))
    width = pick.one_of((4, 8))
    x = layers.Conv2D(width, 4, 4)(x)
    x = layers.Reshape((4, width))(x)
    for _ in range(pick.integer(1, 2)):
        y = layers.LayerNormalization(epsilon=1e-3)(x)
        y = layers.Permute((2, 1))(y)
        y = layers.Dense(4)(layers.Dense(8, activation="relu")(y))
        x = layers.Add()([x, layers.Permute((2, 1))(y)])
        y = layers.LayerNormalization(epsilon=1e-3)(x)
        y = layers.Dense(width)(layers.Dense(8, activation=pick.one_of(("relu", "gelu")))(y))
        x = layers.Add()([x, y])
    x = layers.GlobalAveragePooling1D()(x)
    return network(tf, pick, "mixer", inputs, layers.Dense(3)(x), one_scale=True)


PICTURES: Mapping[str, Callable[[Any, Pick], Function]] = {
    "mobilenet v1": mobilenet_v1,
    "mobilenet v2": mobilenet_v2,
    "mobilenet v3": mobilenet_v3,
    "resnet": resnet,
    "densenet": densenet,
    "inception": inception,
    "unet": unet,
    "detector": detector,
    "yolo": yolo,
    "heat map": heat_map,
    "shufflenet": shuffled,
    "squeezenet": squeezed,
    "classifier": classifier,
    "autoencoder": autoencoder,
    "mixer": mixer,
}
