"""Ready-made small int8 models for every test that needs one; same arguments, same bytes.

Weights are random; biases and scales are calibrated so that the outputs of every layer spread
over the int8 range and hardly saturate. `ModelBuilder` builds any other graph.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.model_file import ModelBuilder

__all__ = [
    "Activation",
    "LayerBuilder",
    "ModelBuilder",
    "average_pool",
    "conv2d",
    "depthwise_conv2d",
    "float_model",
    "fully_connected",
    "kws_like",
    "pool",
    "reshape",
    "sine_like",
    "softmax",
    "tiny_conv",
]

# A size in both directions, or (height, width).
Pair = int | tuple[int, int]

# Steps in which RELU6 and RELU_N1_TO_1 clamp some values and pass most.
_STEPS = {"RELU6": 0.035, "RELU_N1_TO_1": 0.012}


@dataclass(frozen=True)
class Activation:
    """A tensor on its way through a model.

    sample: (SAMPLES * batch, ...) float64, values less the zero point for random inputs; from
    it the next layer's scale is calibrated, as a converter does.
    """

    index: int
    shape: tuple[int, ...]
    scale: float
    zero_point: int
    sample: NDArray[np.float64]


class LayerBuilder(ModelBuilder):
    """A ModelBuilder that draws weights and calibrates scales, one layer after the other."""

    SAMPLES = 16
    # Standard deviation of a layer's output in int8 steps, before activation and clamping;
    # a rectified layer starts at -128 and so has twice the room.
    SPREAD = 42.0
    RECTIFIED_SPREAD = 84.0

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.rng = np.random.default_rng(seed)

    def input(
        self, shape: Sequence[int], *, scale: float = 0.05, zero_point: int = 0
    ) -> Activation:
        """A model input, expected to be uniform over int8."""
        index = self.tensor(shape, scale=scale, zero_point=zero_point)
        drawn = self.rng.integers(-128, 128, size=(self.SAMPLES * shape[0], *shape[1:]))
        sample = drawn.astype(np.float64) - zero_point
        return Activation(index, tuple(shape), scale, zero_point, sample)

    def weighted(
        self,
        operator: str,
        x: Activation,
        weights: NDArray[np.int8],
        sums: NDArray[np.float64],
        *,
        axis: int,
        options: Mapping[str, Any],
        per_channel: bool = True,
        bias: bool = True,
        output_zero_point: int | None = None,
        output_scale: float | None = None,
        gain: float = 1.0,
    ) -> Activation:
        """A layer with weights: CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED.

        sums: what the weights make of `x.sample`, channels last. The bias centres each
        channel. gain: above 1 the output saturates, below it huddles around the zero point.
        """
        channels = weights.shape[axis]
        ratios = 2.0 ** self.rng.uniform(-0.7, 0.7, size=channels if per_channel else 1)
        offsets = np.zeros(channels)
        if bias:
            spread = self.rng.normal(0.0, 0.5, size=channels) * (sums.std() + 1.0)
            offsets = np.rint(spread - sums.mean(axis=tuple(range(sums.ndim - 1))))
        sums = sums + offsets
        activation = options["fused_activation_function"]
        rectified = activation in ("RELU", "RELU6")
        scale = output_scale or _STEPS.get(activation, 0.04)
        zero_point = output_zero_point
        if zero_point is None:
            zero_point = -128 if rectified else int(self.rng.integers(-20, 20))
        deviation = float(np.sqrt(np.mean((sums * ratios) ** 2))) or 1.0
        steps = self.RECTIFIED_SPREAD if rectified else self.SPREAD
        scales = (ratios * (steps * scale * gain / (deviation * x.scale))).astype(np.float32)
        weight_scales = scales.astype(np.float64) if per_channel else float(scales[0])
        operands = [
            x.index,
            self.tensor(weights.shape, scale=weight_scales, axis=axis, values=weights),
        ]
        if bias:
            bias_scales = x.scale * weight_scales
            operands.append(self.tensor((channels,), "int32", scale=bias_scales, values=offsets))
        shape = (x.shape[0], *sums.shape[1:])
        y = self.tensor(shape, scale=scale, zero_point=zero_point)
        self.op(operator, operands, [y], options)
        low, high = _limits(activation, scale, zero_point)
        sample = np.rint(sums * x.scale * weight_scales / scale) + zero_point
        sample = np.clip(sample, low, high) - zero_point
        return Activation(y, shape, scale, zero_point, sample)

    def fully_connected(
        self, x: Activation, outputs: int, *, activation: str = "NONE", **keywords: Any
    ) -> Activation:
        """(batch, inputs) -> (batch, outputs); weights [outputs, inputs], per tensor."""
        weights = self._weights((outputs, x.shape[1]))
        return self.weighted(
            "FULLY_CONNECTED",
            x,
            weights,
            x.sample @ weights.T.astype(np.float64),
            axis=0,
            options={"fused_activation_function": activation},
            **{"per_channel": False, **keywords},
        )

    def conv2d(
        self,
        x: Activation,
        filters: int,
        *,
        kernel: Pair = 3,
        stride: Pair = 1,
        dilation: Pair = 1,
        padding: str = "SAME",
        activation: str = "NONE",
        **keywords: Any,
    ) -> Activation:
        """(n, h, w, c) -> (n, h', w', filters); weights [filters, kh, kw, c], per channel."""
        weights = self._weights((filters, *_pair(kernel), x.shape[3]))
        windows = _windows(x.sample, kernel, stride, dilation, padding)
        return self.weighted(
            "CONV_2D",
            x,
            weights,
            np.einsum("nyxcij,fijc->nyxf", windows, weights.astype(np.float64), optimize=True),
            axis=0,
            options=_window_options(stride, dilation, padding, activation),
            **keywords,
        )

    def depthwise_conv2d(
        self,
        x: Activation,
        *,
        multiplier: int = 1,
        kernel: Pair = 3,
        stride: Pair = 1,
        dilation: Pair = 1,
        padding: str = "SAME",
        activation: str = "NONE",
        **keywords: Any,
    ) -> Activation:
        """(n, h, w, c) -> (n, h', w', c * multiplier); weights [1, kh, kw, c * multiplier]."""
        channels = x.shape[3]
        weights = self._weights((1, *_pair(kernel), channels * multiplier))
        by_input = weights.reshape(*_pair(kernel), channels, multiplier).astype(np.float64)
        windows = _windows(x.sample, kernel, stride, dilation, padding)
        sums = np.einsum("nyxcij,ijcm->nyxcm", windows, by_input, optimize=True)
        options = _window_options(stride, dilation, padding, activation)
        return self.weighted(
            "DEPTHWISE_CONV_2D",
            x,
            weights,
            sums.reshape(*sums.shape[:3], channels * multiplier),
            axis=3,
            options={**options, "depth_multiplier": multiplier},
            **keywords,
        )

    def pool(
        self,
        operator: str,
        x: Activation,
        *,
        kernel: Pair = 2,
        stride: Pair = 2,
        padding: str = "VALID",
        activation: str = "NONE",
    ) -> Activation:
        """AVERAGE_POOL_2D or MAX_POOL_2D: (n, h, w, c) -> (n, h', w', c), same quantization."""
        kh, kw = _pair(kernel)
        sh, sw = _pair(stride)
        average = operator == "AVERAGE_POOL_2D"
        # The border counts neither for a mean nor for a maximum.
        windows = _windows(x.sample, kernel, stride, 1, padding, border=np.nan)
        pooled = (np.nanmean if average else np.nanmax)(windows, axis=(4, 5))
        low, high = _limits(activation, x.scale, x.zero_point)
        sample = np.clip(np.rint(pooled) + x.zero_point, low, high) - x.zero_point
        shape = (x.shape[0], *sample.shape[1:])
        y = self.tensor(shape, scale=x.scale, zero_point=x.zero_point)
        options = {
            "padding": padding,
            "stride_w": sw,
            "stride_h": sh,
            "filter_width": kw,
            "filter_height": kh,
            "fused_activation_function": activation,
        }
        self.op(operator, [x.index], [y], options)
        return Activation(y, shape, x.scale, x.zero_point, sample)

    def reshape(self, x: Activation, shape: Sequence[int], *, as_tensor: bool = True) -> Activation:
        """as_tensor: the new shape as a constant second input, else in the options alone."""
        y = self.tensor(shape, scale=x.scale, zero_point=x.zero_point)
        if as_tensor:
            new_shape = self.tensor((len(shape),), "int32", values=list(shape))
            self.op("RESHAPE", [x.index, new_shape], [y], {"new_shape": shape})
        else:
            self.op("RESHAPE", [x.index], [y], {"new_shape": shape})
        sample = x.sample.reshape(self.SAMPLES * shape[0], *shape[1:])
        return Activation(y, tuple(shape), x.scale, x.zero_point, sample)

    def softmax(self, x: Activation, *, beta: float = 1.0) -> Activation:
        """Over the last axis; int8 output is 1/256 a step from -128, as the operator demands."""
        y = self.tensor(x.shape, scale=1 / 256, zero_point=-128)
        self.op("SOFTMAX", [x.index], [y], {"beta": beta})
        real = np.exp(beta * x.scale * (x.sample - x.sample.max(axis=-1, keepdims=True)))
        sample = np.rint(256 * real / real.sum(axis=-1, keepdims=True)).clip(0, 255)
        return Activation(y, x.shape, 1 / 256, -128, sample)

    def _weights(self, shape: tuple[int, ...]) -> NDArray[np.int8]:
        return self.rng.integers(-127, 128, size=shape).astype(np.int8)

    def done(self, x: Activation, y: Activation) -> bytes:
        """The file with one input and one output."""
        return self.finish([x.index], [y.index])


def _pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def _limits(activation: str, scale: float, zero_point: int) -> tuple[int, int]:
    """Lowest and highest int8 value that an activation lets through."""
    real = {
        "NONE": (-math.inf, math.inf),
        "RELU": (0.0, math.inf),
        "RELU6": (0.0, 6.0),
        "RELU_N1_TO_1": (-1.0, 1.0),
    }[activation]
    low, high = (np.clip(np.rint(edge / scale) + zero_point, -128, 127) for edge in real)
    return int(low), int(high)


def _windows(
    x: NDArray[np.float64],
    kernel: Pair,
    stride: Pair,
    dilation: Pair,
    padding: str,
    border: float = 0.0,
) -> NDArray[np.float64]:
    """(n, h, w, c) -> (n, h', w', c, kh, kw): what each output of a sliding window sees."""
    reach = [
        (taps - 1) * spread + 1 for taps, spread in zip(_pair(kernel), _pair(dilation), strict=True)
    ]
    if padding == "SAME":
        # As TFLite has it: the smaller half of the border comes first.
        borders = []
        for extent, step, span in zip(x.shape[1:3], _pair(stride), reach, strict=True):
            total = max((-(-extent // step) - 1) * step + span - extent, 0)
            borders.append((total // 2, total - total // 2))
        x = np.pad(x, ((0, 0), *borders, (0, 0)), constant_values=border)
    (sh, sw), (dh, dw) = _pair(stride), _pair(dilation)
    windows: NDArray[np.float64] = np.lib.stride_tricks.sliding_window_view(  # type: ignore[call-overload]
        x, reach, axis=(1, 2)
    )[:, ::sh, ::sw, :, ::dh, ::dw]
    return windows


def _window_options(stride: Pair, dilation: Pair, padding: str, activation: str) -> dict[str, Any]:
    return {
        "padding": padding,
        "stride_w": _pair(stride)[1],
        "stride_h": _pair(stride)[0],
        "dilation_w_factor": _pair(dilation)[1],
        "dilation_h_factor": _pair(dilation)[0],
        "fused_activation_function": activation,
    }


def fully_connected(
    seed: int = 0,
    *,
    batch: int = 1,
    inputs: int = 16,
    outputs: int = 8,
    input_zero_point: int = 0,
    input_scale: float = 0.05,
    **keywords: Any,
) -> bytes:
    """One FULLY_CONNECTED. keywords: activation, per_channel (False), bias,
    output_zero_point, output_scale, gain."""
    model = LayerBuilder(seed)
    x = model.input((batch, inputs), scale=input_scale, zero_point=input_zero_point)
    return model.done(x, model.fully_connected(x, outputs, **keywords))


def conv2d(
    seed: int = 0,
    *,
    batch: int = 1,
    height: int = 8,
    width: int = 8,
    channels: int = 3,
    filters: int = 4,
    input_zero_point: int = 0,
    input_scale: float = 0.05,
    **keywords: Any,
) -> bytes:
    """One CONV_2D. keywords: kernel, stride, dilation (an int or (height, width)), padding,
    activation, per_channel, bias (TFLite's own kernel demands one), output_zero_point,
    output_scale, gain."""
    model = LayerBuilder(seed)
    shape = (batch, height, width, channels)
    x = model.input(shape, scale=input_scale, zero_point=input_zero_point)
    return model.done(x, model.conv2d(x, filters, **keywords))


def depthwise_conv2d(
    seed: int = 0,
    *,
    batch: int = 1,
    height: int = 8,
    width: int = 8,
    channels: int = 4,
    input_zero_point: int = 0,
    input_scale: float = 0.05,
    **keywords: Any,
) -> bytes:
    """One DEPTHWISE_CONV_2D. keywords: as for `conv2d`, and multiplier."""
    model = LayerBuilder(seed)
    shape = (batch, height, width, channels)
    x = model.input(shape, scale=input_scale, zero_point=input_zero_point)
    return model.done(x, model.depthwise_conv2d(x, **keywords))


def average_pool(seed: int = 0, **keywords: Any) -> bytes:
    """One AVERAGE_POOL_2D; see `pool`."""
    return pool("AVERAGE_POOL_2D", seed, **keywords)


def pool(
    operator: str,
    seed: int = 0,
    *,
    batch: int = 1,
    height: int = 8,
    width: int = 8,
    channels: int = 4,
    input_zero_point: int = 0,
    input_scale: float = 0.05,
    **keywords: Any,
) -> bytes:
    """One AVERAGE_POOL_2D or MAX_POOL_2D. keywords: kernel, stride, padding, activation."""
    model = LayerBuilder(seed)
    shape = (batch, height, width, channels)
    x = model.input(shape, scale=input_scale, zero_point=input_zero_point)
    return model.done(x, model.pool(operator, x, **keywords))


def reshape(
    from_shape: Sequence[int] = (1, 2, 3, 4),
    to_shape: Sequence[int] = (1, 24),
    *,
    as_tensor: bool = True,
) -> bytes:
    """One RESHAPE."""
    model = LayerBuilder()
    x = model.input(from_shape, scale=0.05, zero_point=3)
    return model.done(x, model.reshape(x, to_shape, as_tensor=as_tensor))


def softmax(
    *,
    shape: Sequence[int] = (1, 10),
    beta: float = 1.0,
    input_scale: float = 0.05,
    input_zero_point: int = 0,
) -> bytes:
    """One SOFTMAX over the last axis."""
    model = LayerBuilder()
    x = model.input(shape, scale=input_scale, zero_point=input_zero_point)
    return model.done(x, model.softmax(x, beta=beta))


def sine_like(seed: int = 0) -> bytes:
    """1 -> 16 RELU -> 16 RELU -> 1, fully connected: the shape of the sine model."""
    model = LayerBuilder(seed)
    x = model.input((1, 1), scale=0.0246, zero_point=-128)
    hidden = model.fully_connected(x, 16, activation="RELU")
    hidden = model.fully_connected(hidden, 16, activation="RELU")
    return model.done(x, model.fully_connected(hidden, 1))


def tiny_conv(seed: int = 0) -> bytes:
    """One of each operator that kws has, over an 8x6x1 input: for tests that want a whole
    model and little work."""
    model = LayerBuilder(seed)
    x = model.input((1, 8, 6, 1), scale=0.1, zero_point=5)
    y = model.conv2d(x, 8, kernel=(4, 3), stride=2, activation="RELU")
    y = model.depthwise_conv2d(y, activation="RELU")
    y = model.conv2d(y, 6, kernel=1, activation="RELU")
    y = model.pool("AVERAGE_POOL_2D", y, kernel=(4, 3), stride=(4, 3))
    y = model.reshape(y, (1, 6))
    return model.done(x, model.softmax(model.fully_connected(y, 4, output_scale=0.05)))


def kws_like(seed: int = 0, *, filters: int = 64) -> bytes:
    """The DS-CNN of MLPerf Tiny's keyword spotting, with random weights."""
    model = LayerBuilder(seed)
    x = model.input((1, 49, 10, 1), scale=0.5847, zero_point=83)
    y = model.conv2d(x, filters, kernel=(10, 4), stride=2, activation="RELU")
    for _ in range(4):
        y = model.depthwise_conv2d(y, kernel=3, activation="RELU")
        y = model.conv2d(y, filters, kernel=1, activation="RELU")
    y = model.pool("AVERAGE_POOL_2D", y, kernel=(25, 5), stride=(25, 5))
    y = model.reshape(y, (1, filters))
    return model.done(x, model.softmax(model.fully_connected(y, 12, output_scale=0.05)))


def float_model() -> bytes:
    """One float32 FULLY_CONNECTED: what the reader must refuse."""
    model = ModelBuilder()
    x = model.tensor((1, 4), "float32")
    weights = model.tensor((2, 4), "float32", values=np.linspace(-1, 1, 8))
    y = model.tensor((1, 2), "float32")
    options = {"fused_activation_function": "NONE"}
    model.op("FULLY_CONNECTED", [x, weights, -1], [y], options, version=1)
    return model.finish([x], [y])
