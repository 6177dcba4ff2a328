"""Random small models of one operator each, for tests against the reference.

A family is a function of a Pick, which chooses from ranges: hypothesis does in property tests,
a seeded generator in sweeps. Edge values are among the choices: zero points at the ends of
int8, weights of -128, one-pixel maps, odd channel counts, sums that saturate, factors above 1.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np

from tests.model_file import ModelBuilder

T = TypeVar("T")

ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")
ZERO_POINTS = (-128, -127, -1, 0, 1, 5, -37, 99, 127)
LARGEST_BIAS = 2**30


class Pick(Protocol):
    """Chooses."""

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high."""
        ...

    def one_of(self, values: Sequence[T]) -> T:
        """One of the values."""
        ...


class Seeded:
    """Choices from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high."""
        return self._random.randint(low, high)

    def one_of(self, values: Sequence[T]) -> T:
        """One of the values."""
        return self._random.choice(list(values))


@dataclass(frozen=True)
class Case:
    """A model and what it is."""

    text: str
    data: bytes = field(repr=False)


def _scales(pick: Pick, rng: np.random.Generator, channels: int, taps: int) -> dict[str, Any]:
    """Scales of input, weights and output such that outputs spread, huddle or saturate."""
    input_scale = float(np.float32(10 ** rng.uniform(-3, -0.5)))
    per_channel = pick.one_of((True, True, False))
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
        "per_channel": per_channel,
    }


def _weights(pick: Pick, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
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


def _bias(pick: Pick, rng: np.random.Generator, channels: int, taps: int) -> np.ndarray | None:
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
) -> bytes:
    """A model of one operator with weights."""
    rng = np.random.default_rng(pick.integer(0, 2**31))
    taps = int(np.prod(weight_shape)) // channels
    scales = _scales(pick, rng, channels, taps)
    per_channel = scales["per_channel"]
    weight_scales = scales["weights"] if per_channel else float(scales["weights"][0])
    model = ModelBuilder()
    x = model.tensor(input_shape, scale=scales["input"], zero_point=pick.one_of(ZERO_POINTS))
    w = model.tensor(
        weight_shape, scale=weight_scales, axis=axis, values=_weights(pick, rng, weight_shape)
    )
    operands = [x, w]
    bias = _bias(pick, rng, channels, taps)
    if bias is None and operator == "CONV_2D":  # the reference wants one there
        bias = np.zeros(channels, np.int32)
    if bias is not None:
        bias_scale = scales["input"] * scales["weights"]
        bias_scale = bias_scale if per_channel else float(bias_scale[0])
        operands.append(model.tensor((channels,), "int32", scale=bias_scale, values=bias))
    elif operator == "FULLY_CONNECTED":  # only there an absent one may be marked
        operands.append(-1)
    y = model.tensor(output_shape, scale=scales["output"], zero_point=pick.one_of(ZERO_POINTS))
    model.op(operator, operands, [y], options)
    return model.finish([x], [y])


@dataclass(frozen=True)
class _Geometry:
    shape: tuple[int, int, int]  # batches, height, width
    kernel: tuple[int, int]
    output: tuple[int, int]
    options: dict[str, Any]

    @property
    def text(self) -> str:
        return f"{self.shape} kernel {self.kernel} {self.options}"


def _geometry(pick: Pick, *, dilations: bool, largest_kernel: int = 5) -> _Geometry:
    """Map, kernel, strides, dilations and padding of a window, such that there is an output."""
    kernel = pick.integer(1, largest_kernel), pick.integer(1, largest_kernel)
    if pick.one_of((True, False, False)):
        kernel = pick.one_of(((3, 3), (1, 1)))
    strides = pick.integer(1, 3), pick.integer(1, 3)
    if pick.one_of((True, False)):
        strides = (1, 1)
    spread = pick.integer(1, 3), pick.integer(1, 3)
    if not dilations or pick.one_of((True, True, False)):
        spread = (1, 1)
    if strides != (1, 1) and spread != (1, 1):
        strides = (1, 1)  # TensorFlow's own operators take only one of the two
    padding = pick.one_of(("SAME", "VALID"))
    sizes, outputs = [], []
    for taps, stride, step in zip(kernel, strides, spread, strict=True):
        reach = (taps - 1) * step + 1
        least = reach if padding == "VALID" else 1
        size = least + pick.one_of((0, 1, 2, 3, 4, 7, 9))
        sizes.append(size)
        outputs.append(-(-(size if padding == "SAME" else size - reach + 1) // stride))
    options = {
        "padding": padding,
        "stride_h": strides[0],
        "stride_w": strides[1],
        "fused_activation_function": pick.one_of(ACTIVATIONS),
    }
    if dilations:
        options |= {"dilation_h_factor": spread[0], "dilation_w_factor": spread[1]}
    batches = pick.one_of((1, 1, 1, 2))
    return _Geometry((batches, *sizes), kernel, (outputs[0], outputs[1]), options)


def conv_2d(pick: Pick) -> Case:
    """CONV_2D, sometimes with groups."""
    g = _geometry(pick, dilations=True)
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
    g = _geometry(pick, dilations=True)
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


def fully_connected(pick: Pick) -> Case:
    """FULLY_CONNECTED."""
    batches = pick.one_of((1, 1, 2, 3))
    inputs = pick.one_of((1, 2, 3, 4, 5, 7, 8, 16, 17, 33, 64, 130, 700))
    outputs = pick.one_of((1, 2, 3, 4, 5, 6, 7, 8, 12, 17))
    options = {"fused_activation_function": pick.one_of(ACTIVATIONS)}
    data = _weighted(
        pick,
        "FULLY_CONNECTED",
        (batches, inputs),
        (outputs, inputs),
        (batches, outputs),
        options,
        channels=outputs,
        axis=0,
    )
    return Case(f"FULLY_CONNECTED {batches} x {inputs} -> {outputs} {options}", data)


def pool(pick: Pick) -> Case:
    """AVERAGE_POOL_2D or MAX_POOL_2D."""
    g = _geometry(pick, dilations=False, largest_kernel=6)
    channels = pick.one_of((1, 2, 3, 4, 7, 8, 12))
    operator = pick.one_of(("AVERAGE_POOL_2D", "MAX_POOL_2D"))
    scale = pick.one_of((0.003, 0.02, 0.05, 1.0))
    zero_point = pick.one_of(ZERO_POINTS)
    model = ModelBuilder()
    x = model.tensor((*g.shape, channels), scale=scale, zero_point=zero_point)
    y = model.tensor((g.shape[0], *g.output, channels), scale=scale, zero_point=zero_point)
    options = {**g.options, "filter_height": g.kernel[0], "filter_width": g.kernel[1]}
    model.op(operator, [x], [y], options)
    return Case(f"{operator} {g.text} {channels}", model.finish([x], [y]))


def softmax(pick: Pick) -> Case:
    """SOFTMAX over the last of one to four dimensions."""
    depth = pick.one_of((1, 2, 3, 7, 12, 100, 400))
    shape = (*(pick.integer(1, 3) for _ in range(pick.integer(0, 3))), depth)
    scale = pick.one_of((1e-6, 0.0005, 0.01, 0.05, 0.1, 0.3, 1.0, 20.0))
    beta = pick.one_of((1.0, 1.0, 0.5, 2.0, 0.1))
    model = ModelBuilder()
    x = model.tensor(shape, scale=scale, zero_point=pick.one_of(ZERO_POINTS))
    y = model.tensor(shape, scale=1 / 256, zero_point=-128)
    model.op("SOFTMAX", [x], [y], {"beta": beta})
    return Case(f"SOFTMAX {shape} scale {scale} beta {beta}", model.finish([x], [y]))


def reshape(pick: Pick) -> Case:
    """RESHAPE alone, which leaves a model with no layer, or after a softmax."""
    height, width = pick.integer(1, 5), pick.integer(1, 5)
    model = ModelBuilder()
    x = model.tensor((height, width), scale=0.1, zero_point=3)
    source, scale, zero_point = x, 0.1, 3
    if pick.one_of((True, False)):
        source, scale, zero_point = (
            model.tensor((height, width), scale=1 / 256, zero_point=-128),
            1 / 256,
            -128,
        )
        model.op("SOFTMAX", [x], [source], {"beta": 1.0})
    y = model.tensor((1, height * width, 1), scale=scale, zero_point=zero_point)
    wanted = model.tensor((3,), "int32", values=[1, height * width, 1])
    model.op("RESHAPE", [source, wanted], [y], {"new_shape": [1, height * width, 1]})
    return Case(f"RESHAPE {height} x {width}", model.finish([x], [y]))


FAMILIES: dict[str, Callable[[Pick], Case]] = {
    "conv_2d": conv_2d,
    "depthwise_conv_2d": depthwise_conv_2d,
    "fully_connected": fully_connected,
    "pool": pool,
    "reshape": reshape,
    "softmax": softmax,
}
