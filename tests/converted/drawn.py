"""Networks that nobody designed: a graph of 3 to 12 blocks, each fed by any tensor before it.

Passes meet here that meet in no architecture with a name: branches that are read again much
later, parts of parts, constant layers amid residuals, outputs that are also read inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tests.converted.convert import Function
from tests.nn.cases import Pick, Seeded

# Values in a tensor beyond which nothing makes it larger.
_MOST_VALUES = 1600


def drawn(tf: Any, pick: Pick) -> Function:
    """A random graph over one or two pictures, or one series."""
    seed = pick.integer(0, 2**31)
    size = pick.one_of((5, 6, 8, 9, 12))
    depth = pick.one_of((1, 2, 3, 4, 8))
    batch = pick.one_of((1, 1, 1, 2))
    picture = (batch, size, pick.one_of((size, size, 4, 1)), depth)
    shapes = pick.one_of(((picture,), (picture,), (picture, picture), ((batch, size, depth),)))
    ends = pick.one_of(("int8", "int8", "int8", "uint8", "float32"))

    def call(*values: Any) -> Any:
        return _Drawing(tf, Seeded(seed)).outputs(values)

    return Function(f"drawn {shapes} {ends} {seed}", shapes, call, -2.0, 2.0, ends, ends)


class _Drawing:
    """A graph that grows. Its choices are the same each time it is traced."""

    def __init__(self, tf: Any, pick: Pick) -> None:
        self._tf = tf
        self._pick = pick
        self._draw = np.random.default_rng(pick.integer(0, 2**31))
        self._dead = pick.one_of((0.0, 0.0, 0.2, 0.4))
        self._sparse = pick.one_of((0.0, 0.0, 0.5))
        self._pool: list[Any] = []

    def outputs(self, inputs: Sequence[Any]) -> list[Any]:
        """One to three outputs, the newest tensor among them."""
        self._pool = list(inputs)
        for _ in range(self._pick.integer(3, 12)):
            self._grow()
        made = self._pool[len(inputs) :]
        found = [made[-1]]
        found += [self._pick.one_of(made) for _ in range(self._pick.one_of((0, 0, 1, 2)))]
        return [self._tf.identity(x) for x in {id(x): x for x in found}.values()]

    def _grow(self) -> None:
        x = self._pool[-1] if self._pick.one_of((True, True, False)) else self._one()
        blocks: Mapping[str, Callable[[Any], Any]] = (_MAPS, _SERIES, _ROWS)[4 - len(x.shape)]
        made = self._pick.one_of(list(blocks.values()))(self, x)
        for y in made if isinstance(made, list) else [made]:
            if len(y.shape) < 2 or len(y.shape) > 4 or np.prod(y.shape) > 2 * _MOST_VALUES:
                continue
            self._pool.append(y)

    def _one(self) -> Any:
        return self._pick.one_of(self._pool)

    def _like(self, x: Any) -> Any | None:
        """Another tensor of the same shape."""
        found = [y for y in self._pool if y.shape == x.shape and y is not x]
        return self._pick.one_of(found) if found else None

    def _depth(self) -> int:
        return self._pick.one_of((1, 2, 3, 4, 5, 8, 8, 12))

    def _weights(self, *shape: int, fan_in: int | None = None) -> Any:
        """Kernels by their fan-in; some filters zero, some small."""
        fan_in = fan_in or max(1, int(np.prod(shape[:-1])))
        values = self._draw.normal(0, 1.5 / np.sqrt(fan_in), shape)
        values *= self._draw.random(shape) >= self._sparse
        values *= self._draw.random(shape[-1]) >= self._dead
        values *= self._draw.choice([1, 1, 1, 0.01], shape[-1])
        return values.astype(np.float32)

    def _bias(self, x: Any) -> Any:
        bias = self._draw.normal(0, 0.4, x.shape[-1]).astype(np.float32)
        return self._tf.nn.bias_add(x, bias) if self._pick.one_of((True, True, False)) else x

    def _act(self, x: Any) -> Any:
        tf = self._tf
        kinds: tuple[Callable[[Any], Any], ...] = (
            lambda y: y,
            tf.nn.relu,
            tf.nn.relu,
            tf.nn.relu6,
            lambda y: tf.nn.leaky_relu(y, 0.2),
            tf.tanh,
            tf.sigmoid,
            lambda y: y * tf.nn.relu6(y + 3.0) * (1.0 / 6.0),
            lambda y: tf.minimum(tf.maximum(y, -1.0), 1.0),
            tf.nn.gelu,
        )
        return self._pick.one_of(kinds)(x)

    # Maps: (batch, height, width, channels).

    def conv(self, x: Any) -> Any:
        kernel = self._pick.one_of((1, 1, 3, 3, 2, 5))
        stride = self._pick.one_of((1, 1, 1, 2))
        spread = self._pick.one_of((1, 1, 1, 2)) if stride == 1 else 1
        fits = min(x.shape[1:3]) > (kernel - 1) * spread
        padding = self._pick.one_of(("SAME", "VALID")) if fits else "SAME"
        weights = self._weights(kernel, kernel, x.shape[-1], self._depth())
        if self._pick.integer(0, 9) == 0:
            weights *= 0
        y = self._tf.nn.conv2d(x, weights, stride, padding, dilations=spread)
        return self._act(self._bias(y))

    def depthwise(self, x: Any) -> Any:
        kernel = self._pick.one_of((3, 3, 3, 1, 2, 5))
        stride = self._pick.one_of((1, 1, 2))
        times = self._pick.one_of((1, 1, 1, 2)) if x.shape[-1] < 12 else 1
        weights = self._weights(kernel, kernel, x.shape[-1], times, fan_in=kernel * kernel)
        weights *= (self._draw.random((x.shape[-1], 1)) >= self._dead).astype(np.float32)
        y = self._tf.nn.depthwise_conv2d(x, weights, [1, stride, stride, 1], "SAME")
        return self._act(self._bias(y))

    def padded(self, x: Any) -> Any:
        tf = self._tf
        border = self._pick.one_of(((1, 1), (1, 2), (0, 1) if min(x.shape[1:3]) > 1 else (1, 1)))
        y = tf.pad(x, [(0, 0), border, border, (0, 0)])
        if self._pick.one_of((True, True, False)):
            weights = self._weights(3, 3, x.shape[-1], self._depth())
            z = self._act(self._bias(tf.nn.conv2d(y, weights, 2, "VALID")))
        else:
            weights = self._weights(3, 3, x.shape[-1], 1, fan_in=9)
            z = self._act(tf.nn.depthwise_conv2d(y, weights, [1, 1, 1, 1], "VALID"))
        return [y, z] if self._pick.integer(0, 4) == 0 else z

    def residual(self, x: Any) -> Any:
        tf = self._tf
        middle = self._weights(1, 1, x.shape[-1], x.shape[-1] * self._pick.integer(1, 2))
        y = self._act(self._bias(tf.nn.conv2d(x, middle, 1, "SAME")))
        planes = self._weights(3, 3, y.shape[-1], 1, fan_in=9)
        y = self._act(tf.nn.depthwise_conv2d(y, planes, [1, 1, 1, 1], "SAME"))
        y = self._bias(tf.nn.conv2d(y, self._weights(1, 1, y.shape[-1], x.shape[-1]), 1, "SAME"))
        return self._act(x + y) if self._pick.one_of((True, False)) else x + y

    def excited(self, x: Any) -> Any:
        tf = self._tf
        y = tf.reduce_mean(x, [1, 2], keepdims=True)
        y = tf.nn.relu(self._bias(tf.nn.conv2d(y, self._weights(1, 1, x.shape[-1], 4), 1, "SAME")))
        y = self._bias(tf.nn.conv2d(y, self._weights(1, 1, 4, x.shape[-1]), 1, "SAME"))
        return x * tf.sigmoid(y)

    def pooled(self, x: Any) -> Any:
        pool = self._pick.one_of((self._tf.nn.avg_pool2d, self._tf.nn.max_pool2d))
        return pool(x, self._pick.one_of((2, 3)), self._pick.one_of((1, 2)), "SAME")

    def joined(self, x: Any) -> Any:
        others = [
            y
            for y in self._pool
            if len(y.shape) == len(x.shape) and y.shape[:-1] == x.shape[:-1] and y.shape[-1] <= 12
        ]
        parts = [x, *(self._pick.one_of(others) for _ in range(self._pick.integer(1, 2)) if others)]
        if self._pick.integer(0, 5) == 0:
            parts.append(np.full([*x.shape[:-1], 2], 0.5, np.float32))
        if self._pick.one_of((True, False)):
            parts.reverse()
        return self._act(self._tf.concat(parts, -1))

    def stacked(self, x: Any) -> Any:
        """Joined along height or time."""
        others = [y for y in self._pool if y.shape[2:] == x.shape[2:] and y.shape[0] == x.shape[0]]
        others = [y for y in others if len(y.shape) == len(x.shape)]
        return self._tf.concat([x, self._pick.one_of(others)], 1)

    def split(self, x: Any) -> Any:
        tf = self._tf
        count = next((n for n in (self._pick.one_of((2, 3)), 2, 3) if x.shape[-1] % n == 0), 0)
        if not count:
            at = self._pick.integer(0, x.shape[-1] - 1)
            return [x[..., at : at + 1], x[..., at:]]
        parts = tf.split(x, count, -1)
        if self._pick.one_of((True, False)):
            return parts
        return [tf.tanh(parts[0]) * tf.sigmoid(parts[1])]

    def rows(self, x: Any) -> Any:
        """Parts along height or time."""
        at = self._pick.integer(1, max(1, x.shape[1] - 1))
        return [x[:, :at], x[:, at:]] if x.shape[1] > 1 else self.active(x)

    def shuffled(self, x: Any) -> Any:
        if x.shape[-1] % 2:
            return self.active(x)
        y = self._tf.reshape(x, [*x.shape[:-1], 2, x.shape[-1] // 2])
        order = [*range(len(x.shape) - 1), len(x.shape), len(x.shape) - 1]
        return self._tf.reshape(self._tf.transpose(y, order), x.shape)

    def active(self, x: Any) -> Any:
        y = self._act(x)
        return self._act(y) if self._pick.one_of((True, False)) else y

    def prelu(self, x: Any) -> Any:
        alpha = self._draw.uniform(-0.5, 0.5, x.shape[-1]).astype(np.float32)
        return self._tf.nn.relu(x) + -alpha * self._tf.nn.relu(-x)

    def two(self, x: Any) -> Any:
        """Two operands, the other one a constant, of one pixel, or of one channel."""
        tf = self._tf
        y = self._like(x)
        kind = self._pick.one_of(("pixel", "constant", "channel", "same", "same"))
        if y is None or kind == "constant":
            shape = self._pick.one_of(((x.shape[-1],), (1,), tuple(x.shape[1:])))
            y = self._draw.normal(size=shape).astype(np.float32)
        elif kind == "pixel":
            y = y[:, :1, :1] if len(x.shape) == 4 else y[:, :1]
        elif kind == "channel":
            y = y[..., :1]
        function = self._pick.one_of(
            (tf.add, tf.add, tf.multiply, tf.subtract, tf.minimum, tf.maximum,
             tf.math.squared_difference)
        )  # fmt: skip
        z = function(x, y) if self._pick.one_of((True, False)) else function(y, x)
        return self._act(z) if self._pick.one_of((True, False)) else z

    def larger(self, x: Any) -> Any:
        tf = self._tf
        if np.prod(x.shape) * 4 > _MOST_VALUES:
            return self.pooled(x)
        height, width = x.shape[1] * 2, x.shape[2] * 2
        kind = self._pick.one_of(("nearest", "bilinear", "transpose", "shuffle"))
        if kind == "transpose":
            depth = self._depth()
            weights = self._weights(3, 3, depth, x.shape[-1])
            shape = (x.shape[0], height, width, depth)
            return self._act(self._bias(tf.nn.conv2d_transpose(x, weights, shape, 2, "SAME")))
        if kind == "shuffle":
            weights = self._weights(1, 1, x.shape[-1], 4 * self._pick.integer(1, 3))
            return tf.nn.depth_to_space(tf.nn.conv2d(x, weights, 1, "SAME"), 2)
        return tf.image.resize(x, (height, width), kind)

    def folded(self, x: Any) -> Any:
        """Pixels to channels."""
        if x.shape[1] % 2 or x.shape[2] % 2 or x.shape[-1] > 4:
            return self.conv(x)
        return self._tf.nn.space_to_depth(x, 2)

    def reduced(self, x: Any) -> Any:
        function = self._pick.one_of(
            (self._tf.reduce_mean, self._tf.reduce_mean, self._tf.reduce_max, self._tf.reduce_min)
        )
        return function(x, list(range(1, len(x.shape) - 1)))

    def series(self, x: Any) -> Any:
        """A map as a series, or a series as a map."""
        if len(x.shape) == 4:
            return self._tf.reshape(x, (x.shape[0], -1, x.shape[-1]))
        return self._tf.expand_dims(x, self._pick.one_of((1, 2)))

    # Series: (batch, time, channels).

    def causal(self, x: Any) -> Any:
        tf = self._tf
        kernel, spread = self._pick.one_of((2, 3)), self._pick.one_of((1, 2, 4))
        weights = self._weights(kernel, x.shape[-1], self._depth())
        if self._pick.one_of((True, False)):
            x = tf.pad(x, [(0, 0), ((kernel - 1) * spread, 0), (0, 0)])
            y = tf.nn.convolution(x, weights, 1, "VALID", dilations=spread)
        else:
            y = tf.nn.convolution(x, weights, 1, "SAME", dilations=spread)
        return self._act(self._bias(y))

    def normalized(self, x: Any) -> Any:
        tf = self._tf
        mean = tf.reduce_mean(x, -1, keepdims=True)
        variance = tf.reduce_mean(tf.math.squared_difference(x, mean), -1, keepdims=True)
        gamma = self._draw.uniform(0.5, 1.5, x.shape[-1]).astype(np.float32)
        return (x - mean) * tf.math.rsqrt(variance + 0.01) * gamma + 0.1

    def attention(self, x: Any) -> Any:
        tf = self._tf
        scores = tf.matmul(x, x, transpose_b=True) / float(np.sqrt(x.shape[-1]))
        return tf.matmul(tf.nn.softmax(scores), x)

    def turned(self, x: Any) -> Any:
        order = self._pick.one_of(([0, 2, 1, 3], [0, 2, 1, 3])) if len(x.shape) == 4 else [0, 2, 1]
        return self._tf.transpose(x, order)

    # Rows: (batch, channels).

    def flat(self, x: Any) -> Any:
        return self.dense(self._tf.reshape(x, (x.shape[0], -1)))

    def dense(self, x: Any) -> Any:
        width = self._depth()
        return self._act(self._bias(self._tf.matmul(x, self._weights(x.shape[-1], width))))

    def normal(self, x: Any) -> Any:
        kinds = (self._tf.nn.softmax, self._tf.math.l2_normalize, self._tf.nn.log_softmax)
        kind = self._pick.integer(0, 2)
        return kinds[kind](x, -1) if len(x.shape) == 2 or kind != 1 else self._tf.nn.softmax(x)

    def planted(self, x: Any) -> Any:
        """A row as a map again."""
        depth = self._depth()
        y = self.dense_to(x, 4 * depth)
        return self._tf.reshape(y, (x.shape[0], 2, 2, depth))

    def dense_to(self, x: Any, width: int) -> Any:
        """A dense layer so wide."""
        return self._tf.nn.relu(self._tf.matmul(x, self._weights(x.shape[-1], width)))


_ANY = {
    "joined": _Drawing.joined,
    "split": _Drawing.split,
    "shuffled": _Drawing.shuffled,
    "active": _Drawing.active,
    "prelu": _Drawing.prelu,
    "two": _Drawing.two,
    "normal": _Drawing.normal,
}
_MAPS = {
    **_ANY,
    "conv": _Drawing.conv,
    "conv again": _Drawing.conv,
    "depthwise": _Drawing.depthwise,
    "padded": _Drawing.padded,
    "residual": _Drawing.residual,
    "excited": _Drawing.excited,
    "pooled": _Drawing.pooled,
    "stacked": _Drawing.stacked,
    "rows": _Drawing.rows,
    "larger": _Drawing.larger,
    "folded": _Drawing.folded,
    "reduced": _Drawing.reduced,
    "series": _Drawing.series,
    "turned": _Drawing.turned,
    "flat": _Drawing.flat,
}
_SERIES = {
    **_ANY,
    "causal": _Drawing.causal,
    "causal again": _Drawing.causal,
    "normalized": _Drawing.normalized,
    "attention": _Drawing.attention,
    "stacked": _Drawing.stacked,
    "rows": _Drawing.rows,
    "reduced": _Drawing.reduced,
    "series": _Drawing.series,
    "turned": _Drawing.turned,
    "flat": _Drawing.flat,
}
_ROWS = {
    **_ANY,
    "dense": _Drawing.dense,
    "dense again": _Drawing.dense,
    "planted": _Drawing.planted,
}
DRAWN: Mapping[str, Callable[[Any, Pick], Function]] = {"drawn": drawn}
