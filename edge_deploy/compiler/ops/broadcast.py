"""Two operands stretched over one output: what every operator of two int8 operands shares.

Each operand is computed at run time or constant, not both constant. Kernels:
firmware/src/nn/broadcast.h, firmware/src/nn/m4/quads.h.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler import quantization
from edge_deploy.compiler.fixed_point import EVERY_FIRST, EVERY_SECOND, Words
from edge_deploy.compiler.ops.layer import Code, Constant, Layer, Overlap, Shape, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.quantization import Multiplier
from edge_deploy.model.graph import Tensor

# ED_BROADCAST_DIMENSIONS of the kernels.
_DIMENSIONS = 6


@dataclass(frozen=True)
class Stretch:
    """Sizes of the output, and of each operand how many elements an index steps over.

    Neighbouring dimensions that both operands step through alike are one.
    """

    sizes: tuple[int, ...]
    steps: tuple[tuple[int, ...], tuple[int, ...]]

    def fields(self) -> dict[str, int]:
        """As fields of a kernel's shape, sizes of 1 in front."""
        ahead = _DIMENSIONS - len(self.sizes)
        fields = {f"broadcast.size[{d}]": size for d, size in enumerate((1,) * ahead + self.sizes)}
        for operand, steps in enumerate(self.steps):
            fields |= {
                f"broadcast.step[{operand}][{d}]": step
                for d, step in enumerate((0,) * ahead + steps)
            }
        return fields


@dataclass(frozen=True)
class Operands:
    """Both operands of an operator. tensors: as the file has them, first and second."""

    tensors: tuple[Tensor, Tensor]
    output: Tensor
    stretch: Stretch

    @property
    def at_run_time(self) -> tuple[int, ...]:
        """Which operands, 0 and 1, are computed at run time."""
        return tuple(i for i, tensor in enumerate(self.tensors) if not tensor.is_constant)

    @property
    def inputs(self) -> tuple[int, ...]:
        """Their tensors' indices."""
        return tuple(self.tensors[i].index for i in self.at_run_time)

    @property
    def channels(self) -> int:
        """The output's last dimension."""
        return self.output.shape[-1] if self.output.shape else 1

    def channels_of(self, operand: int) -> int:
        """An operand's last dimension: 1, or the output's."""
        shape = self.tensors[operand].shape
        return shape[-1] if shape else 1

    def select(self, channels: NDArray[np.bool_]) -> Operands:
        """Those where `channels`, (output channels,), is True."""
        first, second = (
            _select(tensor, channels) if self.channels_of(i) == channels.size else tensor
            for i, tensor in enumerate(self.tensors)
        )
        stretch = stretch_of(first.shape, second.shape)
        assert stretch is not None
        return Operands((first, second), _select(self.output, channels), stretch)

    @property
    def constant(self) -> NDArray[np.int8] | None:
        """The values of the operand that is constant."""
        for tensor in self.tensors:
            if tensor.values is not None:
                return tensor.values.reshape(-1).astype(np.int8)
        return None


@dataclass(frozen=True)
class Elementwise(Layer):
    """An output that is a function of one element of each of two operands."""

    operands: Operands

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        texts = [
            "x".join(map(str, tensor.shape)) or "scalar"
            for tensor in (*self.operands.tensors, self.operands.output)
        ]
        return f"{texts[0]}, {texts[1]} -> {texts[2]}"

    def overlap(self, target: str, position: int) -> Overlap | None:
        """How the output may share an input's memory.

        An operand of the output's size is read in order, and each element before the output
        that takes its place.
        """
        del target
        source = self.operands.tensors[self.operands.at_run_time[position]]
        return Overlap(0) if source.elements == self.operands.output.elements else None

    @property
    def extreme_at_ends(self) -> bool:
        """True where ranges of operands have their least and greatest output at their ends."""
        return False

    @abstractmethod
    def outputs_of(self, first: Words, second: Words) -> Words:
        """The outputs of pairs of operands, int8 values, broadcast."""

    def outputs_of_all(self) -> Words:
        """(256, 256): the output of every first and second operand, from -128 up."""
        return self.outputs_of(EVERY_FIRST, EVERY_SECOND)

    @abstractmethod
    def kernel(self, target: str) -> tuple[str, str, Shape]:
        """The header, the function in it, and its shape without `broadcast`."""

    def code(self, target: str) -> Code:
        """The layer in C."""
        include, function, shape = self.kernel(target)
        constant = self.operands.constant
        parameters = "const int8_t *first, const int8_t *second, int8_t *output"
        arguments = "first, second"
        if constant is not None:
            parameters = "const int8_t *input, int8_t *output, const int8_t *constant"
            arguments = (
                "input, constant" if self.operands.at_run_time == (0,) else "constant, input"
            )
        constants = () if constant is None else (Constant("operand", "int8_t", constant),)
        return Code(
            include=include,
            stem=self.operator.lower(),
            parameters=f"const {shape.ctype} *shape, {parameters}",
            body=f"    {function}(shape, {arguments}, output);",
            constants=constants,
            shape=Shape(shape.ctype, {**self.operands.stretch.fields(), **shape.fields}),
        )


@dataclass(frozen=True)
class Clamped(Elementwise):
    """One whose output ends at limits, so that an activation after it is a part of it.

    zero_points: of both operands.
    """

    zero_points: tuple[int, int]
    output_zero_point: int
    lowest: int
    highest: int

    def limited(self, lowest: int, highest: int) -> Clamped:
        """The layer with an activation after it."""
        both = quantization.both_clamps((self.lowest, self.highest), (lowest, highest))
        return replace(self, lowest=both[0], highest=both[1])


def read(site: Site, *, most_dimensions: int) -> Operands:
    """The operands of the file's operator, checked. Raises UnsupportedModel.

    most_dimensions: how many the reference takes where shapes differ.
    """
    first, second = (site.quantized(site.tensor(i), "an input") for i in (0, 1))
    output = site.activation(site.output, "an output")
    if first.is_constant and second.is_constant:
        raise unsupported(site, "has constants alone as inputs")
    for tensor in (first, second):
        if tensor.elements <= 0:
            raise unsupported(site, f"has an empty input, shape {tensor.shape}")
    stretch = stretch_of(first.shape, second.shape)
    if stretch is None or output_shape(first.shape, second.shape) != output.shape:
        raise unsupported(
            site, f"has inputs of shape {first.shape} and {second.shape} for {output.shape}"
        )
    dimensions = max(len(first.shape), len(second.shape))
    if first.shape != second.shape and dimensions > most_dimensions:
        raise unsupported(
            site,
            f"stretches {dimensions} dimensions; the reference takes {most_dimensions}",
            ("reshape the inputs to fewer dimensions before it",),
        )
    return Operands((first, second), output, stretch)


def operand_fields(
    zero_points: tuple[int, int], factors: tuple[Multiplier, Multiplier]
) -> dict[str, int]:
    """What is known of both operands, as fields of a kernel's shape."""
    fields: dict[str, int] = {}
    for i in (0, 1):
        fields |= {
            f"zero_point[{i}]": zero_points[i],
            f"multiplier[{i}]": factors[i].multiplier,
            f"shift[{i}]": factors[i].shift,
        }
    return fields


def clamp_words(lowest: int, highest: int) -> dict[str, int]:
    """The limits of an output as ed_dsp_greater4 and ed_dsp_lesser4 take them: in each byte."""
    return {"lowest": (lowest & 0xFF) * 0x01010101, "highest": (highest & 0xFF) * 0x01010101}


def as_pair(value: int) -> int:
    """A value in each half of a word. value: an int16."""
    return (value & 0xFFFF) * 0x00010001


def _select(tensor: Tensor, channels: NDArray[np.bool_]) -> Tensor:
    values = None if tensor.values is None else tensor.values[..., channels]
    return replace(tensor, shape=(*tensor.shape[:-1], int(channels.sum())), values=values)


def _aligned(shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
    return (1,) * (rank - len(shape)) + shape


def output_shape(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of an output, where `stretch_of` its operands is not None."""
    rank = max(len(first), len(second))
    pairs = zip(_aligned(first, rank), _aligned(second, rank), strict=True)
    return tuple(max(a, b) for a, b in pairs)


def stretch_of(first: tuple[int, ...], second: tuple[int, ...]) -> Stretch | None:
    """How two shapes go together; None where they do not. Sizes are above 0."""
    rank = max(len(first), len(second))
    sizes: list[int] = []
    steps: list[tuple[int, int]] = []
    dense = [1, 1]  # elements of each operand so far
    for pair in reversed(list(zip(_aligned(first, rank), _aligned(second, rank), strict=True))):
        size = max(pair)
        if any(n not in (1, size) for n in pair):
            return None
        if size == 1:
            continue
        step = (dense[0] if pair[0] > 1 else 0, dense[1] if pair[1] > 1 else 0)
        dense = [dense[0] * pair[0], dense[1] * pair[1]]
        if sizes and all(step[i] == steps[-1][i] * sizes[-1] for i in (0, 1)):
            sizes[-1] *= size
        else:
            sizes.append(size)
            steps.append(step)
    if not sizes:
        sizes, steps = [1], [(1, 1)]
    return Stretch(
        tuple(reversed(sizes)),
        (tuple(s[0] for s in reversed(steps)), tuple(s[1] for s in reversed(steps))),
    )
