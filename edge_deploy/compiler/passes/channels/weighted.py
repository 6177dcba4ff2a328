"""Channels of CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED.

An input channel with one value v adds sum(w) * (v - zero point) to an accumulator, wherever the
window lies on the map; that goes into the bias. At a border some taps are off the map and add
nothing: where the sum is another one there, the channel stays.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops.conv import Conv
from edge_deploy.compiler.ops.depthwise import Depthwise
from edge_deploy.compiler.ops.fully_connected import FullyConnected
from edge_deploy.compiler.ops.transpose_conv import TransposeConv
from edge_deploy.compiler.ops.weighted import Requantization
from edge_deploy.compiler.passes.channels.borders import Sets, of_transposed, of_window
from edge_deploy.compiler.passes.channels.rule import Link, Mask, Need, Rule, Tie
from edge_deploy.compiler.passes.channels.values import Values, requantized

W = TypeVar("W", Conv, FullyConnected, TransposeConv)


@dataclass(frozen=True)
class _Product:
    """The sums of a layer. inputs less the zero point, so that a tap off the map adds nothing.

    weights: (outputs, taps, depth) int64. low, high: (outputs or 1, depth), the inputs' ranges.
    inside: (sets, taps), each set of taps that some output has on the map; None: any set.
    """

    weights: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    inside: Sets | None

    def ranges(self, bias: NDArray[np.int64], requantization: Requantization) -> Values:
        """The layer's outputs, (outputs,)."""
        low, high = self.low[:, None, :], self.high[:, None, :]
        up = self.weights > 0
        least = (self.weights * np.where(up, low, high)).sum(axis=2)
        most = (self.weights * np.where(up, high, low)).sum(axis=2)
        if self.inside is None:
            least = np.minimum(least, 0).sum(axis=1, keepdims=True)
            most = np.maximum(most, 0).sum(axis=1, keepdims=True)
        else:
            sets = self.inside.astype(np.int64)
            least, most = least @ sets.T, most @ sets.T
        return requantized(bias[:, None] + least, bias[:, None] + most, requantization)

    @property
    def needed(self) -> NDArray[np.bool_]:
        """(outputs, depth) True where an output cannot be had without an input channel.

        Not needed: where all weights are zero, and constants that add the same everywhere.
        For layers whose outputs share their inputs (one row of `low`).
        """
        needed: NDArray[np.bool_] = (self.weights != 0).any(axis=1)
        zero = (self.low == 0)[0] & (self.high == 0)[0]
        needed[:, zero] = False
        others = (self.low == self.high)[0] & ~zero
        if self.inside is not None and others.any():
            sums = self._sums(self.inside, others)
            needed[:, others] &= ~(sums == sums[0]).all(axis=0)
        return needed

    def added(self, gone: Mask) -> NDArray[np.int64]:
        """(outputs,): what input channels that are not needed add, wherever the window lies."""
        constant = gone & (self.low == self.high)[0] & (self.low != 0)[0]
        if self.inside is None or not constant.any():  # what adds nothing goes without a trace
            return np.zeros(len(self.weights), np.int64)
        added: NDArray[np.int64] = self._sums(self.inside[:1], constant)[0] @ self.low[0, constant]
        return added

    def _sums(self, inside: Sets, channels: Mask) -> NDArray[np.int64]:
        """The weights' sums over taps that are on the map: (sets, outputs, channels)."""
        return np.tensordot(inside.astype(np.int64), self.weights[:, :, channels], axes=(1, 1))


class _Dense(Rule[W]):
    """Every output channel reads every input channel."""

    @abstractmethod
    def _product(self, layer: W, source: Values) -> _Product:
        """The layer's sums."""

    @abstractmethod
    def _shrunk(self, layer: W, read: Mask, written: Mask) -> W:
        """Weights and geometry of the channels that are left."""

    def ranges(self, layer: W, inputs: Sequence[Values]) -> tuple[Values, ...]:
        """What is known of the output."""
        return (self._product(layer, inputs[0]).ranges(layer.bias, layer.requantization),)

    def links(self, layer: W, inputs: Sequence[Values]) -> tuple[Link, ...] | None:
        """Outputs need the inputs that have weights and are not folded."""
        matrix = self._product(layer, inputs[0]).needed
        outputs, seen = matrix.shape
        if seen % inputs[0].channels:
            return None
        return (Need(0, 0, matrix.reshape(outputs, -1, inputs[0].channels).any(axis=1)),)

    def keep(
        self, layer: W, inputs: Sequence[Values], read: Sequence[Mask], written: Sequence[Mask]
    ) -> W:
        """Fewer rows and columns; what columns added is in the bias."""
        product = self._product(layer, inputs[0])
        seen = np.tile(read[0], product.weights.shape[2] // read[0].size)
        bias = layer.bias + product.added(~seen)
        return self._shrunk(
            replace(
                layer,
                bias=bias[written[0]],
                requantization=layer.requantization.select(written[0]),
            ),
            seen,
            written[0],
        )


class ConvRule(_Dense[Conv]):
    """CONV_2D; with groups, channels stay: groups are of one size."""

    def _product(self, layer: Conv, source: Values) -> _Product:
        outputs, height, width, depth = layer.weights.shape
        seen = source.seen_as(layer.window.input_channels)
        group = np.arange(outputs) // (outputs // layer.groups) if layer.groups > 1 else [0]
        return _Product(
            layer.weights.reshape(outputs, height * width, depth).astype(np.int64),
            (seen.lowest - layer.input_zero_point).reshape(layer.groups, depth)[group],
            (seen.highest - layer.input_zero_point).reshape(layer.groups, depth)[group],
            of_window(layer.window),
        )

    def links(self, layer: Conv, inputs: Sequence[Values]) -> tuple[Link, ...] | None:
        """Outputs need the inputs that have weights and are not folded."""
        return super().links(layer, inputs) if layer.groups == 1 else None

    def _shrunk(self, layer: Conv, read: Mask, written: Mask) -> Conv:
        weights = layer.weights[written][..., read]
        window = replace(
            layer.window, input_channels=weights.shape[3], output_channels=weights.shape[0]
        )
        return replace(layer, weights=weights, window=window)


class TransposeConvRule(_Dense[TransposeConv]):
    """TRANSPOSE_CONV: strides and borders leave taps out."""

    def _product(self, layer: TransposeConv, source: Values) -> _Product:
        outputs, height, width, depth = layer.weights.shape
        seen = source.seen_as(depth)
        return _Product(
            layer.weights.reshape(outputs, height * width, depth).astype(np.int64),
            (seen.lowest - layer.input_zero_point)[None],
            (seen.highest - layer.input_zero_point)[None],
            of_transposed(layer),
        )

    def _shrunk(self, layer: TransposeConv, read: Mask, written: Mask) -> TransposeConv:
        weights = layer.weights[written][..., read]
        return replace(
            layer,
            weights=weights,
            input_shape=(*layer.input_shape[:3], weights.shape[3]),
            output_shape=(*layer.output_shape[:3], weights.shape[0]),
        )


class FullyConnectedRule(_Dense[FullyConnected]):
    """FULLY_CONNECTED: one tap, always there."""

    def _product(self, layer: FullyConnected, source: Values) -> _Product:
        seen = source.seen_as(layer.weights.shape[1])
        return _Product(
            layer.weights[:, None, :].astype(np.int64),
            (seen.lowest - layer.input_zero_point)[None],
            (seen.highest - layer.input_zero_point)[None],
            np.ones((1, 1), np.bool_),
        )

    def _shrunk(self, layer: FullyConnected, read: Mask, written: Mask) -> FullyConnected:
        return replace(layer, weights=layer.weights[written][:, read])


class DepthwiseRule(Rule[Depthwise]):
    """DEPTHWISE_CONV_2D: an input channel goes with all its outputs."""

    def ranges(self, layer: Depthwise, inputs: Sequence[Values]) -> tuple[Values, ...]:
        """What is known of the output."""
        outputs = layer.weights.shape[2]
        seen = inputs[0].seen_as(layer.window.input_channels)
        product = _Product(
            layer.weights.reshape(-1, outputs).T[:, :, None].astype(np.int64),
            (seen.lowest - layer.input_zero_point).repeat(layer.multiples)[:, None],
            (seen.highest - layer.input_zero_point).repeat(layer.multiples)[:, None],
            of_window(layer.window),
        )
        return (product.ranges(layer.bias, layer.requantization),)

    def links(self, layer: Depthwise, inputs: Sequence[Values]) -> tuple[Link, ...] | None:
        """Each output is tied to its input."""
        if inputs[0].channels != layer.window.input_channels:
            return None
        written = np.arange(layer.weights.shape[2])
        return (Tie(0, 0, written // layer.multiples, written),)

    def keep(
        self,
        layer: Depthwise,
        inputs: Sequence[Values],
        read: Sequence[Mask],
        written: Sequence[Mask],
    ) -> Depthwise:
        """Fewer planes."""
        del inputs
        kept = written[0]
        window = replace(
            layer.window, input_channels=int(read[0].sum()), output_channels=int(kept.sum())
        )
        return replace(
            layer,
            weights=np.ascontiguousarray(layer.weights[:, :, kept]),
            bias=layer.bias[kept],
            requantization=layer.requantization.select(kept),
            window=window,
        )
