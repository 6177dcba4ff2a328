"""Chains of layers with channels that are constant, or that nobody reads.

Rows of weights are zero, biases saturate, columns are zero, at borders too; maps are odd, strides
2, zero points at the ends; a tensor may have two readers or be an output of the model itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tests.model_file import ModelBuilder
from tests.nn.cases import ACTIVATIONS, ZERO_POINTS, Case, Family, Pick

TWO = ("ADD", "SUB", "MUL", "MINIMUM", "MAXIMUM", "SQUARED_DIFFERENCE")
# Beyond any sum of products here, and within the 2^30 that the kernels' short-cuts want.
_SATURATING_BIAS = 2**27


@dataclass(frozen=True)
class At:
    """A tensor of a chain: (batches, height, width, channels), its scale and zero point."""

    index: int
    shape: tuple[int, int, int, int]
    scale: float
    zero_point: int


class Chain(ModelBuilder):
    """A model that grows layer by layer, as `pick` has it."""

    def __init__(self, pick: Pick) -> None:
        super().__init__()
        self.pick = pick
        self.rng = np.random.default_rng(pick.integer(0, 2**31))
        self.text: list[str] = []

    def start(self) -> At:
        """An input of the model."""
        pick = self.pick
        channels = pick.one_of((1, 2, 3, 4, 5, 8))
        shape = (pick.one_of((1, 1, 2)), pick.integer(1, 7), pick.integer(1, 7), channels)
        zero_point = pick.one_of(ZERO_POINTS)
        index = self.tensor(shape, scale=0.04, zero_point=zero_point)
        self.text.append(f"{shape}")
        return At(index, shape, 0.04, zero_point)

    def conv(self, x: At, *, kernel: tuple[int, int] | None = None) -> At:
        """CONV_2D."""
        filters = self.pick.one_of((1, 2, 3, 4, 6, 9, 12))
        size, output, options = self._window(x, kernel)
        return self._weighted(
            "CONV_2D", x, (filters, *size, x.shape[3]), (*output, filters), 0, options
        )

    def beside(self, x: At) -> At:
        """A CONV_2D whose output has the shape of its input."""
        options = {"padding": "SAME", "stride_h": 1, "stride_w": 1}
        options |= {"dilation_h_factor": 1, "dilation_w_factor": 1}
        options |= {"fused_activation_function": self.pick.one_of(ACTIVATIONS)}
        size = self.pick.one_of(((1, 1), (1, 1), (3, 2)))
        return self._weighted("CONV_2D", x, (x.shape[3], *size, x.shape[3]), x.shape, 0, options)

    def depthwise(self, x: At) -> At:
        """DEPTHWISE_CONV_2D."""
        times = self.pick.one_of((1, 1, 1, 2, 3))
        size, output, options = self._window(x, None)
        options["depth_multiplier"] = times
        shape = (1, *size, x.shape[3] * times)
        return self._weighted(
            "DEPTHWISE_CONV_2D", x, shape, (*output, x.shape[3] * times), 3, options
        )

    def transpose_conv(self, x: At) -> At:
        """TRANSPOSE_CONV, its output of the size that TensorFlow gives, or another."""
        pick = self.pick
        filters = pick.one_of((1, 2, 3, 6))
        size, strides = (pick.integer(1, 4), pick.integer(1, 4)), pick.one_of(((1, 1), (2, 2)))
        padding = pick.one_of(("SAME", "VALID"))
        output = [
            max(1, (n * stride if padding == "SAME" else (n - 1) * stride + taps) + change)
            for n, taps, stride in zip(x.shape[1:3], size, strides, strict=True)
            for change in (pick.one_of((0, 0, -1, 1)),)
        ]
        options = {"padding": padding, "stride_h": strides[0], "stride_w": strides[1]}
        options |= {"fused_activation_function": pick.one_of(ACTIVATIONS)}
        weights = (filters, *size, x.shape[3])
        shape = (x.shape[0], output[0], output[1], filters)
        return self._weighted("TRANSPOSE_CONV", x, weights, shape, 0, options)

    def pool(self, x: At) -> At:
        """AVERAGE_POOL_2D or MAX_POOL_2D."""
        size, output, options = self._window(x, None, dilations=False)
        options |= {"filter_height": size[0], "filter_width": size[1]}
        shape = (*output, x.shape[3])
        y = self.tensor(shape, scale=x.scale, zero_point=x.zero_point)
        name = self.pick.one_of(("AVERAGE_POOL_2D", "MAX_POOL_2D"))
        self.op(name, [x.index], [y], options)
        self.text.append(f"{name} {size} -> {shape}")
        return At(y, shape, x.scale, x.zero_point)

    def lookup(self, x: At) -> At:
        """An activation: a table, or a clamp."""
        operator, scale, zero_point = self.pick.one_of(
            (
                ("LEAKY_RELU", 0.05, -3),
                ("RELU", x.scale, x.zero_point),
                ("RELU6", 0.03, -128),
                ("TANH", 1 / 128, 0),
            )
        )
        y = self.tensor(x.shape, scale=scale, zero_point=zero_point)
        self.op(operator, [x.index], [y], {"alpha": 0.125} if operator == "LEAKY_RELU" else None)
        self.text.append(operator)
        return At(y, x.shape, scale, zero_point)

    def fully_connected(self, x: At) -> At:
        """A RESHAPE that flattens, and a FULLY_CONNECTED."""
        batches = x.shape[0]
        inputs = int(np.prod(x.shape[1:]))
        flat = self.tensor((batches, inputs), scale=x.scale, zero_point=x.zero_point)
        wanted = self.tensor((2,), "int32", values=[batches, inputs])
        self.op("RESHAPE", [x.index, wanted], [flat], {"new_shape": [batches, inputs]})
        outputs = self.pick.one_of((1, 2, 5, 8))
        options = {"fused_activation_function": self.pick.one_of(ACTIVATIONS)}
        y = self._weighted(
            "FULLY_CONNECTED",
            At(flat, (1, 1, batches, inputs), x.scale, x.zero_point),
            (outputs, inputs),
            (batches, outputs),
            0,
            options,
        )
        return At(y.index, (batches, 1, 1, outputs), y.scale, y.zero_point)

    def two(self, operator: str, x: At, y: At) -> At:
        """An operator of two tensors of the same shape."""
        z = self._output(x.shape)
        options = self._activation(operator)
        self.op(operator, [x.index, y.index], [z.index], options, version=2)
        self.text.append(operator)
        return z

    def with_constant(self, operator: str, x: At) -> At:
        """The same with a constant for each channel, each element, or one for all."""
        shape = self.pick.one_of((x.shape[3:], x.shape, (1, 1), (*x.shape[1:3], 1)))
        values = self.rng.integers(-128, 128, shape)
        constant = self.tensor(shape, scale=0.03, zero_point=-3, values=values)
        z = self._output(x.shape)
        operands = [x.index, constant]
        if operator != "PRELU" and self.pick.one_of((True, False)):
            operands.reverse()
        options = self._activation(operator)
        self.op(operator, operands, [z.index], options, version=2)
        self.text.append(f"{operator} constant {shape}")
        return z

    def _activation(self, operator: str) -> dict[str, Any] | None:
        fused = operator in ("ADD", "SUB", "MUL")
        return {"fused_activation_function": self.pick.one_of(ACTIVATIONS)} if fused else None

    def _output(self, shape: tuple[int, int, int, int]) -> At:
        zero_point = self.pick.one_of(ZERO_POINTS)
        index = self.tensor(shape, scale=0.05, zero_point=zero_point)
        return At(index, shape, 0.05, zero_point)

    def padded(self, x: At) -> At:
        """A PAD or PADV2 of height and width, and a convolution or another reader of it."""
        pick = self.pick
        most = pick.one_of((1, 1, 3))
        pads = [(0, 0), *((pick.integer(0, most), pick.integer(0, most)) for _ in "yx"), (0, 0)]
        shape = tuple(n + before + after for n, (before, after) in zip(x.shape, pads, strict=True))
        y = self.tensor(shape, scale=x.scale, zero_point=x.zero_point)
        operands = [x.index, self.tensor((4, 2), "int32", values=pads)]
        value = pick.one_of((None, x.zero_point, 3))
        if value is not None:
            quantized = {"scale": x.scale, "zero_point": x.zero_point}
            operands.append(self.tensor((), values=[value], **quantized))
        self.op("PAD" if value is None else "PADV2", operands, [y])
        self.text.append(f"PAD {pads[1:3]} {value}")
        wider = At(y, (shape[0], shape[1], shape[2], shape[3]), x.scale, x.zero_point)
        return pick.one_of((self.conv, self.conv, self.depthwise, self.pool))(wider)

    def reduce(self, x: At) -> At:
        """MEAN, SUM, REDUCE_MAX or REDUCE_MIN of height and width, or other dimensions."""
        pick = self.pick
        name = pick.one_of(("MEAN", "MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"))
        over = pick.one_of(((1, 2), (1, 2), (2,), (0, 1), (3,)))
        shape = [1 if axis in over else size for axis, size in enumerate(x.shape)]
        scale, zero_point = x.scale, x.zero_point
        if name in ("MEAN", "SUM"):
            scale, zero_point = (
                x.scale * pick.one_of((0.5, 1.0, 1.0, 3.0)),
                pick.one_of(ZERO_POINTS),
            )
        y = self.tensor(shape, scale=scale, zero_point=zero_point)
        axes = self.tensor((len(over),), "int32", values=over)
        self.op(name, [x.index, axes], [y], {"keep_dims": True}, version=2)
        self.text.append(f"{name} {over}")
        return At(y, (shape[0], shape[1], shape[2], shape[3]), scale, zero_point)

    def concatenation(self, parts: Sequence[At], axis: int) -> At:
        """CONCATENATION; parts of other scales are requantized first."""
        first = parts[0]
        same: list[int] = []
        for part in parts:
            same.append(part.index)
            if (part.scale, part.zero_point) != (first.scale, first.zero_point):
                quantized = {"scale": first.scale, "zero_point": first.zero_point}
                same[-1] = self.tensor(part.shape, **quantized)
                self.op("QUANTIZE", [part.index], same[-1:], {})
        shape = list(first.shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        y = self.tensor(shape, scale=first.scale, zero_point=first.zero_point)
        self.op("CONCATENATION", same, [y], {"axis": axis}, version=2)
        self.text.append(f"CONCATENATION {len(parts)} along {axis}")
        return At(y, (shape[0], shape[1], shape[2], shape[3]), first.scale, first.zero_point)

    def slice(self, x: At) -> At:
        """SLICE of some channels."""
        first = self.pick.integer(0, x.shape[3] - 1)
        count = self.pick.integer(1, x.shape[3] - first)
        shape = (*x.shape[:3], count)
        y = self.tensor(shape, scale=x.scale, zero_point=x.zero_point)
        numbers = [self.tensor((4,), "int32", values=v) for v in ((0, 0, 0, first), shape)]
        self.op("SLICE", [x.index, *numbers], [y], version=2)
        self.text.append(f"SLICE {first} {count}")
        return At(y, shape, x.scale, x.zero_point)

    def layer(self, x: At) -> At:
        """One of them that leaves a map."""
        kinds: tuple[Callable[[At], At], ...] = (
            self.conv,
            self.conv,
            partial(self.conv, kernel=(1, 1)),
            self.depthwise,
            self.depthwise,
            self.lookup,
            self.padded,
            self.reduce,
            self.pool,
            self.transpose_conv,
        )
        return self.pick.one_of(kinds)(x)

    def _window(
        self, x: At, kernel: tuple[int, int] | None, *, dilations: bool = True
    ) -> tuple[tuple[int, int], tuple[int, int, int], dict[str, Any]]:
        pick = self.pick
        size = kernel or (pick.integer(1, 4), pick.integer(1, 4))
        strides = pick.one_of(((1, 1), (1, 1), (2, 2), (1, 2)))
        spread = pick.one_of(((1, 1), (1, 1), (2, 1)))
        if strides != (1, 1) or not dilations:
            spread = (1, 1)
        reaches = [(k - 1) * d + 1 for k, d in zip(size, spread, strict=True)]
        fits = all(reach <= n for reach, n in zip(reaches, x.shape[1:3], strict=True))
        padding = pick.one_of(("SAME", "SAME", "VALID")) if fits else "SAME"
        out = [
            -(-(n if padding == "SAME" else n - reach + 1) // stride)
            for n, reach, stride in zip(x.shape[1:3], reaches, strides, strict=True)
        ]
        options = {
            "padding": padding,
            "stride_h": strides[0],
            "stride_w": strides[1],
            "fused_activation_function": pick.one_of(ACTIVATIONS),
        }
        if dilations:
            options |= {"dilation_h_factor": spread[0], "dilation_w_factor": spread[1]}
        return (size[0], size[1]), (x.shape[0], out[0], out[1]), options

    def _weighted(
        self,
        operator: str,
        x: At,
        weight_shape: tuple[int, ...],
        output_shape: tuple[int, ...],
        axis: int,
        options: dict[str, Any],
    ) -> At:
        rng, channels = self.rng, weight_shape[axis]
        limit = self.pick.one_of((127, 127, 20, 2))
        weights = rng.integers(-limit, limit + 1, weight_shape)
        by_output = np.moveaxis(weights, axis, 0)  # views
        by_output[rng.random(channels) < self.pick.one_of((0, 0.3, 0.6, 1))] = 0
        if operator != "DEPTHWISE_CONV_2D":
            weights[..., rng.random(weight_shape[-1]) < self.pick.one_of((0, 0, 0.4))] = 0
        taps = weights.size // channels
        bias = rng.integers(-900, 900, channels) * int(np.sqrt(taps) * limit / 20 + 1)
        ends = rng.random(channels) < self.pick.one_of((0, 0.3))
        bias[ends] = rng.choice([-_SATURATING_BIAS, _SATURATING_BIAS], int(ends.sum()))
        scale = 0.05 if options["fused_activation_function"] != "RELU_N1_TO_1" else 0.012
        gain = self.pick.one_of((0.3, 1.0, 3.0))
        spread = 73.0 * limit * 0.6 * np.sqrt(taps)
        factors = gain * 50 / spread * 2 ** rng.uniform(-0.7, 0.7, channels)
        weight_scales = (factors * scale / x.scale).astype(np.float32).astype(np.float64)
        zero_point = self.pick.one_of(ZERO_POINTS)
        y = self.tensor(output_shape, scale=scale, zero_point=zero_point)
        w = self.tensor(weight_shape, scale=weight_scales, axis=axis, values=weights)
        b = self.tensor((channels,), "int32", scale=weight_scales * x.scale, values=bias)
        if operator == "TRANSPOSE_CONV":
            shape_of_output = self.tensor((4,), "int32", values=output_shape)
            self.op(operator, [shape_of_output, w, x.index, b], [y], options, version=3)
        else:
            self.op(operator, [x.index, w, b], [y], options)
        self.text.append(f"{operator} {weight_shape} {options['fused_activation_function']}")
        shape = (*(1,) * (4 - len(output_shape)), *output_shape)
        return At(y, (shape[0], shape[1], shape[2], shape[3]), scale, zero_point)

    def case(self, x: At, outputs: list[At]) -> Case:
        """The model."""
        data = self.finish([x.index], list(dict.fromkeys(y.index for y in outputs)))
        return Case(", ".join(self.text), data)


def chain(pick: Pick) -> Case:
    """Layers in a row."""
    model = Chain(pick)
    x = y = model.start()
    for _ in range(pick.integer(1, 4)):
        y = model.layer(y)
    if pick.one_of((True, False)):
        y = model.fully_connected(y)
    return model.case(x, [y])


def fork(pick: Pick) -> Case:
    """A tensor with two readers, perhaps itself an output of the model."""
    model = Chain(pick)
    x = model.start()
    y = model.layer(model.layer(x))
    left, right = model.layer(y), model.fully_connected(model.layer(y))
    return model.case(x, [left, right, *pick.one_of(([], [], [y]))])


def residual(pick: Pick) -> Case:
    """Sums, differences and products of two paths, and with constants."""
    model = Chain(pick)
    x = model.start()
    y = model.layer(x)
    left = model.beside(y)
    right = pick.one_of((y, left, model.beside(left)))
    y = model.two(pick.one_of(("ADD", "ADD", *TWO)), left, right)
    if pick.one_of((True, False)):
        y = model.with_constant(pick.one_of((*TWO, "PRELU")), y)
    return model.case(x, [model.conv(y), *pick.one_of(([], [], [left]))])


def joined(pick: Pick) -> Case:
    """Tensors side by side, along channels or not, and parts of them."""
    model = Chain(pick)
    x = model.start()
    y = model.layer(x)
    parts = [y, model.beside(y), *pick.one_of(([], [y], [model.beside(y)]))]
    y = model.concatenation(parts, pick.one_of((3, 3, 3, 1)))
    if y.shape[3] > 1 and pick.one_of((True, False)):
        y = model.slice(y)
    return model.case(x, [model.layer(y)])


FAMILIES: Mapping[str, Family] = {
    "chain": chain,
    "fork": fork,
    "joined": joined,
    "residual": residual,
}
