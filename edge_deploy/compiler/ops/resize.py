"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR.

Which pixels are nearest is known here; int8 interpolation is the kernel's, in integers.
Kernels: firmware/src/nn/resize.h, firmware/src/nn/strided.h, firmware/src/nn/picked.h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops import moved, picked
from edge_deploy.compiler.ops.layer import Code, Layer, Overlap, Shape, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.strided import times
from edge_deploy.model.graph import DType, Tensor

_NEAREST_TYPES = (DType.INT8, DType.UINT8, DType.INT16, DType.INT32, DType.FLOAT32)
# The kernel counts steps of 1/1024 of a pixel in 32 bits.
_MOST_PIXELS = 1 << 15


@dataclass(frozen=True)
class Side:
    """Height or width. step: from one output pixel to the next, in 1/1024 of an input's."""

    source: int
    output: int
    step: int

    def places(self, *, half_pixel: bool) -> NDArray[np.int64]:
        """Where each output pixel lies, in 1/1024 of the input's pixels."""
        shift = self.step // 2 - 512 if half_pixel else 0
        return np.arange(self.output) * self.step + shift


@dataclass(frozen=True)
class Bilinear(Layer):
    """RESIZE_BILINEAR in int8."""

    batches: int
    height: Side
    width: Side
    channels: int
    half_pixel: bool
    shapes_text: str

    @property
    def shapes(self) -> str:
        """Input and output shape, for a person."""
        return self.shapes_text

    def overlap(self, target: str, position: int) -> Overlap | None:
        """Never: a pixel may be read again at any time."""
        del target, position
        return None

    def code(self, target: str) -> Code:
        """The layer in C."""
        del target
        fields = {"batches": self.batches, "channels": self.channels}
        for name, side in (("height", self.height), ("width", self.width)):
            fields |= {f"{name}.{key}": value for key, value in vars(side).items()}
            fields[f"{name}.shift"] = side.step // 2 - 512 if self.half_pixel else 0
        return Code(
            include="nn/resize.h",
            stem="resize_bilinear",
            parameters="const ed_resize_shape *shape, const int8_t *input, int8_t *output",
            body="    ed_resize_bilinear(shape, input, output);",
            shape=Shape("ed_resize_shape", fields),
        )


def read_nearest(site: Site) -> Layer:
    """A RESIZE_NEAREST_NEIGHBOR of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0, _NEAREST_TYPES)
    output, align, half_pixel = _map(site, source)
    batches, _, _, channels = source.shape
    tables = [
        picked.table_of(site, batches),
        *(
            _nearest(a, b, align=align, half_pixel=half_pixel)
            for a, b in zip(source.shape[1:3], output.shape[1:3], strict=True)
        ),
        picked.table_of(site, channels),
    ]
    return picked.copy(site, source, output, tables)


def read_bilinear(site: Site) -> Bilinear:
    """A RESIZE_BILINEAR of the file, checked. Raises UnsupportedModel."""
    source = site.activation(site.tensor(0), "an input")
    output, align, half_pixel = _map(site, source)
    sides = []
    for a, b in zip(source.shape[1:3], output.shape[1:3], strict=True):
        step = (1024 * a + b // 2) // b
        if align and b > 1:
            step = (1024 * (a - 1) + (b - 1) // 2) // (b - 1)
        side = Side(a, b, step)
        if side.places(half_pixel=half_pixel).max() >= 1024 * a:
            raise unsupported(site, f"steps over the last of {a} pixels when it makes {b} of them")
        sides.append(side)
    return Bilinear(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index,),
        outputs=(output.index,),
        batches=source.shape[0],
        height=sides[0],
        width=sides[1],
        channels=source.shape[3],
        half_pixel=half_pixel,
        shapes_text=f"{times(source.shape)} -> {times(output.shape)}",
    )


def _map(site: Site, source: Tensor) -> tuple[Tensor, bool, bool]:
    """The checked output; whether corners are aligned, and whether pixels have centers."""
    if len(source.shape) != 4:
        raise unsupported(site, f"has an input of shape {source.shape}; rank 4 is wanted")
    height, width = moved.numbers(site, 1, "sizes", 2)
    shape = (source.shape[0], height, width, source.shape[3])
    output = moved.only_output(site, source, shape)
    if max(*source.shape[1:3], height, width) > _MOST_PIXELS:
        raise unsupported(site, f"has more than {_MOST_PIXELS} pixels in one dimension")
    align, half_pixel = bool(site.option("align_corners")), bool(site.option("half_pixel_centers"))
    if align and half_pixel:
        raise unsupported(site, "has both align_corners and half_pixel_centers")
    return output, align, half_pixel


def _nearest(source: int, output: int, *, align: bool, half_pixel: bool) -> NDArray[np.int64]:
    """The source's pixel for each of the output's, in float32 as the reference computes it.

    Source: reference/resize_nearest_neighbor.h, GetNearestNeighbor.
    """
    one = np.float32
    corners = align and output > 1
    scale = one(source - 1) / one(output - 1) if corners else one(source) / one(output)
    places = (np.arange(output, dtype=one) + one(0.5 if half_pixel else 0.0)) * scale
    # Halves away from zero; float32's own rounding of places + 0.5 must not decide.
    nearest = np.floor(places.astype(np.float64) + 0.5) if align else np.floor(places)
    found: NDArray[np.int64] = np.clip(nearest.astype(np.int64), 0, source - 1)
    return found
