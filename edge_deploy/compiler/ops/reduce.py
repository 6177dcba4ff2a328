"""MEAN, SUM, REDUCE_MAX and REDUCE_MIN. Kernels: firmware/src/nn/reduce.h, nn/m4/reduce.h."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_deploy.compiler import quantization
from edge_deploy.compiler.ops import axes
from edge_deploy.compiler.ops.layer import CORTEX_M4, Code, Layer, Overlap, Shape, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.quantization import Multiplier
from edge_deploy.model.graph import DType

# ED_REDUCE_DIMENSIONS.
_DIMENSIONS = 4
# int8 in a word.
_WORD = 4
# Sums of this many values, with their zero points, fit an int32.
_MOST_VALUES = (2**31 - 1) // (2 * 255)

_FUNCTIONS = {
    "MEAN": "ed_reduce_mean",
    "REDUCE_MAX": "ed_reduce_max",
    "REDUCE_MIN": "ed_reduce_min",
    "SUM": "ed_reduce_sum",
}
_NO_FACTOR = Multiplier(0, 0)


@dataclass(frozen=True)
class Reduce(Layer):
    """shape: of the input. over: the dimensions that are reduced.

    offset: added to sums. factor: of sums; a mean's has its divisor in it.
    """

    shape: tuple[int, ...]
    over: tuple[int, ...]
    offset: int
    factor: Multiplier
    output_zero_point: int

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        outputs = math.prod(size for size, _ in self.kept)
        return f"{'x'.join(map(str, self.shape))} -> {outputs}"

    @property
    def kept(self) -> tuple[tuple[int, int], ...]:
        """Sizes and steps of the dimensions that are kept, outermost first."""
        left = [axis for axis in range(len(self.shape)) if axis not in self.over]
        return tuple(axes.strewn(self.shape, left))

    @property
    def reduced(self) -> tuple[tuple[int, int], ...]:
        """Sizes and steps of the dimensions that are reduced, outermost first."""
        return tuple(axes.strewn(self.shape, self.over))

    @property
    def values(self) -> int:
        """How many values become one."""
        return math.prod(self.shape[axis] for axis in self.over)

    def overlap(self, target: str, position: int) -> Overlap | None:
        """How the output may share the input's memory.

        Output o lies over an input that belongs to it or to an output before it: leaving
        dimensions out never makes an index greater.
        """
        del target, position
        return Overlap(0)

    def code(self, target: str) -> Code:
        """The layer in C."""
        fields: dict[str, int] = {}
        for name, dimensions in (("kept", self.kept), ("reduced", self.reduced)):
            padded = ((1, 0),) * (_DIMENSIONS - len(dimensions)) + dimensions
            for d, (size, step) in enumerate(padded):
                fields |= {f"{name}_size[{d}]": size, f"{name}_step[{d}]": step}
        fields |= {
            "offset": self.offset,
            "multiplier": self.factor.multiplier,
            "shift": self.factor.shift,
            "output_zero_point": self.output_zero_point,
        }
        quick = self._quick() if target == CORTEX_M4 else None
        return Code(
            include="nn/m4/reduce.h" if quick else "nn/reduce.h",
            stem=self.operator.lower(),
            parameters="const ed_reduce_shape *shape, const int8_t *input, int8_t *output",
            body=f"    {quick or _FUNCTIONS[self.operator]}(shape, input, output);",
            shape=Shape("ed_reduce_shape", fields),
        )

    def _quick(self) -> str | None:
        """The function for Cortex-M4, where words of four values can be taken at once."""
        if self.operator == "SUM":
            return None
        kind = self.operator.removeprefix("REDUCE_").lower()
        if len(self.reduced) == 1 and _beside(self.kept):
            return f"ed_m4_reduce_{kind}_beside"
        return "ed_m4_reduce_mean_along" if kind == "mean" and _beside(self.reduced) else None


def _beside(dimensions: tuple[tuple[int, int], ...]) -> bool:
    """True where the innermost dimension lies dense in memory, with a word of values."""
    return bool(dimensions) and dimensions[-1][1] == 1 and dimensions[-1][0] >= _WORD


def read(site: Site) -> Reduce:
    """A reduction of the file, checked. Raises UnsupportedModel."""
    source = site.activation(site.tensor(0), "an input")
    output = site.activation(site.output, "an output")
    rank = len(source.shape)
    chosen = axes.read(site, 1, rank, (DType.INT32,))
    left = tuple(axis for axis in range(rank) if axis not in chosen)
    wanted = (
        tuple(1 if axis in chosen else size for axis, size in enumerate(source.shape))
        if site.option("keep_dims")
        else tuple(source.shape[axis] for axis in left)
    )
    if output.shape != wanted:
        raise unsupported(site, f"has an output of shape {output.shape} instead of {wanted}")
    values = math.prod(source.shape[axis] for axis in chosen)
    if values > _MOST_VALUES:
        raise unsupported(site, f"makes one of {values:,} values; {_MOST_VALUES:,} is the most")
    offset, factor = 0, _NO_FACTOR
    if site.operator.name in ("MEAN", "SUM"):
        offset = -site.zero_point(source) * values
        factor = quantization.quantize_multiplier(site.scale(source) / site.scale(output))
    elif (site.scale(source), site.zero_point(source)) != (
        site.scale(output),
        site.zero_point(output),
    ):
        raise unsupported(site, "has input and output of different scale or zero point")
    if site.operator.name == "MEAN":
        factor = quantization.mean_factor(factor, values)
    return Reduce(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index,),
        outputs=(output.index,),
        shape=source.shape,
        over=chosen,
        offset=offset,
        factor=factor,
        output_zero_point=site.zero_point(output),
    )
