"""Transposed convolutions: every stride and padding, outputs of other sizes than usual."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tests.model_file import ModelBuilder
from tests.nn.cases import ACTIVATIONS, ZERO_POINTS, Case, Family, Pick
from tests.nn.cases_weighted import draw_bias, draw_scales, draw_weights


def transpose_conv(pick: Pick) -> Case:
    """TRANSPOSE_CONV, with a bias, with none, and with none that is marked."""
    rng = np.random.default_rng(pick.integer(0, 2**31))
    padding = pick.one_of(("SAME", "VALID"))
    kernel = pick.integer(1, 5), pick.integer(1, 5)
    strides = pick.integer(1, 4), pick.integer(1, 4)
    if pick.one_of((True, False)):
        kernel, strides = pick.one_of((((3, 3), (2, 2)), ((2, 2), (2, 2)), ((1, 1), (1, 1))))
    size = pick.integer(1, 5), pick.integer(1, 5)
    # The sizes that TensorFlow gives, and others: the reference cuts off and leaves empty.
    output = [
        n * stride if padding == "SAME" else (n - 1) * stride + taps
        for n, taps, stride in zip(size, kernel, strides, strict=True)
    ]
    if pick.one_of((True, False, False)):
        output = [max(1, n + pick.one_of((-3, -1, 0, 1, 4))) for n in output]
    batches = pick.one_of((1, 1, 2))
    channels, filters = pick.one_of((1, 2, 3, 4, 5, 8, 16)), pick.one_of((1, 2, 3, 4, 7))
    activation = pick.one_of(ACTIVATIONS)
    weight_shape = (filters, *kernel, channels)
    scales = draw_scales(pick, rng, filters, kernel[0] * kernel[1] * channels, per_channel=True)
    model = ModelBuilder()
    x = model.tensor(
        (batches, *size, channels), scale=scales["input"], zero_point=pick.one_of(ZERO_POINTS)
    )
    w = model.tensor(
        weight_shape,
        scale=scales["weights"],
        axis=0,
        values=draw_weights(pick, rng, weight_shape),
    )
    shape = (batches, *output, filters)
    operands = [model.tensor((4,), "int32", values=shape), w, x]
    bias = draw_bias(pick, rng, filters, kernel[0] * kernel[1] * channels)
    if bias is not None:
        bias_scale = scales["input"] * scales["weights"]
        operands.append(model.tensor((filters,), "int32", scale=bias_scale, values=bias))
    elif pick.one_of((True, False)):
        operands.append(-1)
    y = model.tensor(shape, scale=scales["output"], zero_point=pick.one_of(ZERO_POINTS))
    options = {
        "padding": padding,
        "stride_h": strides[0],
        "stride_w": strides[1],
        "fused_activation_function": activation,
    }
    model.op("TRANSPOSE_CONV", operands, [y], options, version=3)
    text = f"TRANSPOSE_CONV {size} kernel {kernel} -> {shape} of {channels} {options}"
    return Case(text, model.finish([x], [y]))


FAMILIES: Mapping[str, Family] = {
    "transpose_conv": transpose_conv,
}
