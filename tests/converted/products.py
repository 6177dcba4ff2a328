"""Convolutions, matrices and pools, as the converter writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.converted.convert import Function
from tests.nn.cases import Pick

DEPTHS = (1, 2, 3, 4, 5, 8, 11, 16)


def _activated(tf: Any, pick: Pick) -> tuple[str, Callable[[Any], Any]]:
    """An activation that the converter fuses, or none."""
    clip: Callable[[Any], Any] = lambda x: tf.minimum(tf.maximum(x, -1.0), 1.0)  # noqa: E731
    return pick.one_of(
        (
            ("none", lambda x: x),
            ("relu", tf.nn.relu),
            ("relu6", tf.nn.relu6),
            ("relu_n1_to_1", clip),
        )
    )


def _numbers(pick: Pick, *shape: int) -> np.ndarray:
    """Weights; some channels larger than others, some zero."""
    draw = np.random.default_rng(pick.integer(0, 2**31))
    weights = draw.normal(size=shape) * 10 ** draw.uniform(-1, 1, shape[-1])
    if pick.one_of((True, False, False)):
        weights[..., :: pick.integer(2, 3)] = 0
    return weights.astype(np.float32)


def _bias(pick: Pick, channels: int) -> np.ndarray:
    return (
        _numbers(pick, channels) if pick.one_of((True, True, False)) else np.zeros(channels, "f4")
    )


def _map(pick: Pick, kernel: tuple[int, int], spread: int = 1) -> tuple[int, int]:
    """Height and width that a kernel fits into."""
    reach = [(taps - 1) * spread + 1 for taps in kernel]
    extra = (0, 1, 2, 3, 5, 8)
    return reach[0] + pick.one_of(extra), reach[1] + pick.one_of(extra)


def conv_2d(tf: Any, pick: Pick) -> Function:
    """CONV_2D, strided or dilated."""
    kernel = pick.one_of(((1, 1), (3, 3), (2, 2), (1, 4), (5, 3), (4, 1)))
    spread = pick.one_of((1, 1, 2, 3))
    stride = 1 if spread > 1 else pick.one_of((1, 1, 2, 3))
    padding = pick.one_of(("SAME", "VALID"))
    depth, filters = pick.one_of(DEPTHS), pick.one_of(DEPTHS)
    size = _map(pick, kernel, spread)
    weights, bias = _numbers(pick, *kernel, depth, filters), _bias(pick, filters)
    name, activation = _activated(tf, pick)
    return Function(
        f"conv2d {size} {kernel} {depth}->{filters} s{stride} d{spread} {padding} {name}",
        ((1, *size, depth),),
        lambda x: activation(
            tf.nn.bias_add(tf.nn.conv2d(x, weights, stride, padding, dilations=spread), bias)
        ),
    )


def depthwise_conv_2d(tf: Any, pick: Pick) -> Function:
    """DEPTHWISE_CONV_2D, with multipliers."""
    kernel = pick.one_of(((1, 1), (3, 3), (2, 2), (1, 4), (5, 3), (5, 5)))
    spread = pick.one_of((1, 1, 1, 2))
    stride = 1 if spread > 1 else pick.one_of((1, 1, 2, 3))
    padding = pick.one_of(("SAME", "VALID"))
    depth, multiplier = pick.one_of(DEPTHS), pick.one_of((1, 1, 1, 2, 3))
    size = _map(pick, kernel, spread)
    weights, bias = _numbers(pick, *kernel, depth, multiplier), _bias(pick, depth * multiplier)
    name, activation = _activated(tf, pick)
    strides = [1, stride, stride, 1]
    return Function(
        f"depthwise {size} {kernel} {depth}x{multiplier} s{stride} d{spread} {padding} {name}",
        ((1, *size, depth),),
        lambda x: activation(
            tf.nn.bias_add(
                tf.nn.depthwise_conv2d(x, weights, strides, padding, dilations=(spread, spread)),
                bias,
            )
        ),
    )


def transpose_conv(tf: Any, pick: Pick) -> Function:
    """TRANSPOSE_CONV."""
    kernel = pick.one_of(((1, 1), (3, 3), (2, 2), (4, 2), (2, 5)))
    stride = pick.one_of((1, 2, 3))
    padding = pick.one_of(("SAME", "VALID"))
    depth, filters = pick.one_of(DEPTHS), pick.one_of(DEPTHS)
    size = pick.integer(1, 6), pick.integer(1, 6)
    out = [
        n * stride if padding == "SAME" else n * stride + max(taps - stride, 0)
        for n, taps in zip(size, kernel, strict=True)
    ]
    weights, bias = _numbers(pick, *kernel, filters, depth), _bias(pick, filters)
    name, activation = _activated(tf, pick)
    return Function(
        f"conv2d_transpose {size} {kernel} {depth}->{filters} s{stride} {padding} {name}",
        ((1, *size, depth),),
        lambda x: activation(
            tf.nn.bias_add(
                tf.nn.conv2d_transpose(x, weights, (1, *out, filters), stride, padding), bias
            )
        ),
    )


def fully_connected(tf: Any, pick: Pick) -> Function:
    """FULLY_CONNECTED."""
    inputs, outputs = pick.one_of((1, 3, 4, 8, 17, 40, 130)), pick.one_of(DEPTHS)
    rows = pick.one_of((1, 1, 2, 3))
    weights, bias = _numbers(pick, inputs, outputs), _bias(pick, outputs)
    name, activation = _activated(tf, pick)
    return Function(
        f"matmul {rows}x{inputs} -> {outputs} {name}",
        ((rows, inputs),),
        lambda x: activation(tf.matmul(x, weights) + bias),
    )


def batch_matmul(tf: Any, pick: Pick) -> Function:
    """BATCH_MATMUL of two computed tensors."""
    batch = pick.one_of(((), (1,), (2,), (2, 3)))
    m, k, n = pick.integer(1, 6), pick.one_of((1, 2, 3, 4, 7, 16)), pick.integer(1, 6)
    adjoint = pick.one_of((False, True))
    left = (*batch, m, k)
    right = (*batch, n, k) if adjoint else (*batch, k, n)
    return Function(
        f"matmul {left} {right} adjoint {adjoint}",
        (left, right),
        lambda x, y: tf.matmul(x, y, transpose_b=adjoint),
    )


def _pool(kind: str) -> Callable[[Any, Pick], Function]:
    def pool(tf: Any, pick: Pick) -> Function:
        kernel = pick.one_of(((1, 1), (2, 2), (3, 3), (2, 3), (5, 1)))
        stride, padding = pick.one_of((1, 2, 3)), pick.one_of(("SAME", "VALID"))
        size, depth = _map(pick, kernel), pick.one_of(DEPTHS)
        call = tf.nn.avg_pool2d if kind == "avg" else tf.nn.max_pool2d
        name, activation = _activated(tf, pick)
        return Function(
            f"{kind}_pool {size} {kernel} {depth} s{stride} {padding} {name}",
            ((1, *size, depth),),
            lambda x: activation(call(x, kernel, stride, padding)),
        )

    return pool


PRODUCTS: Mapping[str, Callable[[Any, Pick], Function]] = {
    "CONV_2D": conv_2d,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "TRANSPOSE_CONV": transpose_conv,
    "FULLY_CONNECTED": fully_connected,
    "BATCH_MATMUL": batch_matmul,
    "AVERAGE_POOL_2D": _pool("avg"),
    "MAX_POOL_2D": _pool("max"),
}
