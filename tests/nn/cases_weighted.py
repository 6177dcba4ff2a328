"""Convolutions and fully connected layers: weights, biases and scales of every kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tests.model_file import ModelBuilder
from tests.nn.cases import ACTIVATIONS, ZERO_POINTS, Case, Family, Pick, geometry

LARGEST_BIAS = 2**30


def draw_scales(
    pick: Pick, rng: np.random.Generator, channels: int, taps: int, *, per_channel: bool
) -> dict[str, Any]:
    """Scales of input, weights and output such that outputs spread, huddle or saturate."""
    input_scale = float(np.float32(10 ** rng.uniform(-3, -0.5)))
    weight_scales = 10 ** rng.uniform(-3, -1) * 10 ** rng.uniform(
        -0.4, 0.4, channels if per_channel else 1
    )
    weight_scales = weight_scales.astype(np.float32).astype(np.float64)
    gain = pick.one_of((1.0, 1.0, 0.02, 4.0, 30.0, 3000.0))
    deviation = 73.0 * 73.0 * np.sqrt(taps)
    output_scale = input_scale * float(weight_scales.mean()) * deviation / (50.0 * gain)
    return {
        "input": input_scale,
        "weights": weight_scales,
        "output": float(np.float32(output_scale)),
    }


def draw_weights(pick: Pick, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Weights of every kind."""
    kind = pick.one_of(("any", "any", "symmetric", "small", "lowest", "ends", "zero"))
    if kind == "symmetric":
        values = rng.integers(-127, 128, shape)
    elif kind == "small":
        values = rng.integers(-3, 4, shape)
    elif kind == "lowest":
        values = np.full(shape, -128)
    elif kind == "ends":
        values = rng.choice([-128, 127], shape)
    elif kind == "zero":
        values = np.zeros(shape)
    else:
        values = rng.integers(-128, 128, shape)
    return values.astype(np.int8)


def draw_bias(pick: Pick, rng: np.random.Generator, channels: int, taps: int) -> np.ndarray | None:
    """A bias of every kind, or None."""
    kind = pick.one_of(("usual", "usual", "none", "large"))
    if kind == "none":
        return None
    limit = LARGEST_BIAS if kind == "large" else int(73 * 73 * np.sqrt(taps)) + 2
    return rng.integers(-limit, limit, channels).astype(np.int32)


def _weighted(
    pick: Pick,
    operator: str,
    input_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    output_shape: tuple[int, ...],
    options: dict[str, Any],
    *,
    channels: int,
    axis: int,
    one_scale: bool = False,
    zero_points: Sequence[int] = ZERO_POINTS,
) -> bytes:
    """A model of one operator with weights. zero_points: of the output."""
    rng = np.random.default_rng(pick.integer(0, 2**31))
    taps = int(np.prod(weight_shape)) // channels
    per_channel = not one_scale and pick.one_of((True, True, False))
    scales = draw_scales(pick, rng, channels, taps, per_channel=per_channel)
    weight_scales = scales["weights"] if per_channel else float(scales["weights"][0])
    model = ModelBuilder()
    x = model.tensor(input_shape, scale=scales["input"], zero_point=pick.one_of(ZERO_POINTS))
    w = model.tensor(
        weight_shape, scale=weight_scales, axis=axis, values=draw_weights(pick, rng, weight_shape)
    )
    operands = [x, w]
    bias = draw_bias(pick, rng, channels, taps)
    if bias is None and operator == "CONV_2D":  # the reference wants one there
        bias = np.zeros(channels, np.int32)
    if bias is not None:
        bias_scale = scales["input"] * scales["weights"]
        bias_scale = bias_scale if per_channel else float(bias_scale[0])
        operands.append(model.tensor((channels,), "int32", scale=bias_scale, values=bias))
    elif operator == "FULLY_CONNECTED":  # only there an absent one may be marked
        operands.append(-1)
    y = model.tensor(output_shape, scale=scales["output"], zero_point=pick.one_of(zero_points))
    model.op(operator, operands, [y], options)
    return model.finish([x], [y])


def converted_conv_2d(pick: Pick) -> Case:
    """CONV_2D as converters make it: no clamp but at the ends of int8, and of many channels."""
    g = geometry(pick, dilations=True, largest_kernel=3)
    depth = pick.one_of((1, 2, 3, 5, 6, 7, 8, 11, 16, 17, 23, 40, 64))
    filters = pick.one_of((1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 21))
    activation = pick.one_of(("NONE", "RELU"))
    data = _weighted(
        pick,
        "CONV_2D",
        (*g.shape, depth),
        (filters, *g.kernel, depth),
        (g.shape[0], *g.output, filters),
        {**g.options, "fused_activation_function": activation},
        channels=filters,
        axis=0,
        zero_points=(-128,) if activation == "RELU" else ZERO_POINTS,
    )
    return Case(f"CONV_2D {g.text} {depth} -> {filters}, {activation}", data)


def conv_2d(pick: Pick) -> Case:
    """CONV_2D, sometimes with groups."""
    g = geometry(pick, dilations=True)
    groups = pick.one_of((1, 1, 1, 1, 1, 2, 3))
    depth = pick.one_of((1, 2, 3, 4, 5, 8, 12, 16, 21))
    filters = groups * pick.one_of((1, 2, 3, 4, 7, 10))
    data = _weighted(
        pick,
        "CONV_2D",
        (*g.shape, depth * groups),
        (filters, *g.kernel, depth),
        (g.shape[0], *g.output, filters),
        g.options,
        channels=filters,
        axis=0,
    )
    return Case(f"CONV_2D {g.text} {depth} x {groups} -> {filters}", data)


def depthwise_conv_2d(pick: Pick) -> Case:
    """DEPTHWISE_CONV_2D, with depth multipliers."""
    g = geometry(pick, dilations=True)
    channels = pick.one_of((1, 2, 3, 4, 5, 8, 11))
    multiplier = pick.one_of((1, 1, 1, 2, 3))
    data = _weighted(
        pick,
        "DEPTHWISE_CONV_2D",
        (*g.shape, channels),
        (1, *g.kernel, channels * multiplier),
        (g.shape[0], *g.output, channels * multiplier),
        {**g.options, "depth_multiplier": multiplier},
        channels=channels * multiplier,
        axis=3,
    )
    return Case(f"DEPTHWISE_CONV_2D {g.text} {channels} x {multiplier}", data)


def depthwise_3x3(pick: Pick) -> Case:
    """DEPTHWISE_CONV_2D as networks have it: maps of every height and width, mostly rectified."""
    stride = pick.one_of((1, 1, 2))
    padding = pick.one_of(("SAME", "SAME", "VALID"))
    least = 3 if padding == "VALID" else 1
    height = least + pick.one_of((0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 23, 24, 26, 28, 30))
    width = least + pick.one_of((0, 1, 2, 3, 4, 5, 8))
    output = tuple(-(-(size - least + 1) // stride) for size in (height, width))
    channels = pick.one_of((1, 2, 3, 4, 5, 8, 11))
    multiplier = pick.one_of((1, 1, 1, 1, 2, 3))
    outputs = channels * multiplier
    batches = pick.one_of((1, 1, 1, 2))
    options = {
        "padding": padding,
        "stride_h": stride,
        "stride_w": stride,
        "dilation_h_factor": 1,
        "dilation_w_factor": 1,
        "depth_multiplier": multiplier,
        "fused_activation_function": pick.one_of(("RELU", "RELU6", "NONE")),
    }
    data = _weighted(
        pick,
        "DEPTHWISE_CONV_2D",
        (batches, height, width, channels),
        (1, 3, 3, outputs),
        (batches, *output, outputs),
        options,
        channels=outputs,
        axis=3,
        zero_points=(-128, -128, -128, -127, 5),
    )
    text = f"{batches}x{height}x{width}x{channels} x {multiplier} stride {stride} {padding}"
    return Case(f"DEPTHWISE_CONV_2D 3x3 {text}", data)


def depthwise_narrow(pick: Pick) -> Case:
    """DEPTHWISE_CONV_2D over few columns by long kernels, as streaming models have it."""
    channels = pick.one_of((4, 8, 12))
    width, taps = pick.one_of(((1, 1), (1, 1), (2, 1), (3, 3), (4, 2), (5, 2)))
    rows, step = pick.integer(1, 9), pick.integer(1, 2)
    stride = 1 if step > 1 else pick.integer(1, 2)
    reach = (rows - 1) * step + 1
    padding = pick.one_of(("SAME", "VALID"))
    height = pick.integer(1, 12) if padding == "SAME" else reach + pick.one_of((0, 0, 1, 4))
    sizes = [
        -(-(size if padding == "SAME" else size - covered + 1) // stride)
        for size, covered in ((height, reach), (width, taps))
    ]
    options = {
        "padding": padding,
        "stride_h": stride,
        "stride_w": stride,
        "dilation_h_factor": step,
        "dilation_w_factor": 1,
        "depth_multiplier": 1,
        "fused_activation_function": pick.one_of(ACTIVATIONS),
    }
    batches = pick.one_of((1, 1, 2))
    data = _weighted(
        pick,
        "DEPTHWISE_CONV_2D",
        (batches, height, width, channels),
        (1, rows, taps, channels),
        (batches, *sizes, channels),
        options,
        channels=channels,
        axis=3,
    )
    return Case(f"DEPTHWISE_CONV_2D {height}x{width} by {rows}x{taps} {channels} {options}", data)


def fully_connected(pick: Pick) -> Case:
    """FULLY_CONNECTED: vectors, batches, and maps that are flattened or keep their dimensions."""
    inputs = pick.one_of((1, 2, 3, 4, 5, 7, 8, 16, 17, 33, 64, 130, 700))
    outputs = pick.one_of((1, 2, 3, 4, 5, 6, 7, 8, 12, 17))
    shape = (*pick.one_of(((1,), (1,), (2,), (3,), (), (2, 1), (1, 2, 2))), inputs)
    batches = int(np.prod(shape[:-1]))
    options: dict[str, Any] = {"fused_activation_function": pick.one_of(ACTIVATIONS)}
    output_shape: tuple[int, ...] = (batches, outputs)
    if pick.one_of((True, False, False)):
        options["keep_num_dims"] = True
        output_shape = (*shape[:-1], outputs)
    elif pick.one_of((True, False)):
        shape = (batches, 1, *shape[-1:])  # flattened before it is multiplied
    data = _weighted(
        pick,
        "FULLY_CONNECTED",
        shape,
        (outputs, inputs),
        output_shape,
        options,
        channels=outputs,
        axis=0,
        one_scale=len(output_shape) != 2,  # else the reference computes only a part
    )
    return Case(f"FULLY_CONNECTED {shape} -> {output_shape} {options}", data)


FAMILIES: Mapping[str, Family] = {
    "conv_2d": conv_2d,
    "converted_conv_2d": converted_conv_2d,
    "depthwise_3x3": depthwise_3x3,
    "depthwise_conv_2d": depthwise_conv_2d,
    "depthwise_narrow": depthwise_narrow,
    "fully_connected": fully_connected,
}
