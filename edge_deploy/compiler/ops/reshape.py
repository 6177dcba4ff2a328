"""RESHAPE, SQUEEZE and EXPAND_DIMS: the same bytes under another shape.

passes.remove_reshapes makes them free.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops import moved
from edge_deploy.compiler.ops.layer import Code, Layer, Overlap, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.strided import bytes_of, times
from edge_deploy.model.graph import DType, Tensor

_TYPES = (*moved.TYPES, DType.INT16, DType.BOOL)


@dataclass(frozen=True)
class Reshape(Layer):
    """bytes: of input and output alike.

    values: the input's where it is constant, which only folding has.
    """

    bytes: int
    shapes_text: str
    values: NDArray[np.uint8] | None = field(default=None, compare=False, repr=False)

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        return self.shapes_text

    def overlap(self, target: str, position: int) -> Overlap | None:
        """How the output may share the input's memory."""
        del target, position
        return Overlap(0)

    def apply(self, source: NDArray[np.uint8], output: NDArray[np.uint8]) -> None:
        """Do to bytes what the kernel does to them."""
        output[:] = source

    def code(self, target: str) -> Code:
        """The layer in C."""
        del target
        return Code(
            include="nn/copy.h",
            stem="reshape",
            parameters="const void *input, void *output",
            body=f"    ed_copy({self.bytes}, input, output);",
        )


def read(site: Site) -> Reshape:
    """A RESHAPE of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0, _TYPES)
    wanted = site.optional(1)
    # As in the reference (reshape.cc, GetOutputShape): the option counts where there is no vector.
    if wanted is not None and len(wanted.shape) == 1 and wanted.dtype is DType.INT32:
        shape = list(moved.numbers(site, 1, "sizes"))
    else:
        shape = list(site.option("new_shape"))
        if shape == [0]:  # how old converters wrote a scalar
            shape = []
    if shape.count(-1) == 1:
        others = -math.prod(shape)
        if others <= 0 or source.elements % others:
            raise unsupported(site, f"turns shape {source.shape} into {shape}")
        shape[shape.index(-1)] = source.elements // others
    return _reshape(site, source, shape)


def read_squeeze(site: Site) -> Reshape:
    """A SQUEEZE of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0, _TYPES)
    rank = len(source.shape)
    axes = {moved.axis(site, x, rank) for x in site.option("squeeze_dims")}
    axes = axes or {i for i, size in enumerate(source.shape) if size == 1}
    if any(source.shape[i] != 1 for i in axes):
        raise unsupported(site, f"drops dimensions {sorted(axes)} of shape {source.shape}")
    return _reshape(site, source, [x for i, x in enumerate(source.shape) if i not in axes])


def read_expand_dims(site: Site) -> Reshape:
    """An EXPAND_DIMS of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0, _TYPES)
    axis = moved.axis(site, moved.number(site, 1, "axes"), len(source.shape) + 1)
    return _reshape(site, source, (*source.shape[:axis], 1, *source.shape[axis:]))


def _reshape(site: Site, source: Tensor, shape: Sequence[int]) -> Reshape:
    if math.prod(shape) != source.elements or min(shape, default=1) < 0:
        raise unsupported(site, f"turns shape {source.shape} into {tuple(shape)}")
    output = moved.only_output(site, source, shape)
    return Reshape(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=() if source.is_constant else (source.index,),
        outputs=(output.index,),
        bytes=source.bytes,
        shapes_text=f"{times(source.shape)} -> {times(output.shape)}",
        values=bytes_of(source),
    )
