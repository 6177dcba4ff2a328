"""GATHER, by constant indices or by those that a layer computes.

Constant indices are checked here and picked by `picked.py`. Indices of run time are not to be
trusted: the kernel takes the nearest that exists, where the reference stops with an error or
reads beyond. Kernels: firmware/src/nn/gather.h, firmware/src/nn/picked.h.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_deploy.compiler.ops import moved, picked
from edge_deploy.compiler.ops.layer import Code, Layer, Overlap, Shape, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.strided import times
from edge_deploy.model.graph import DType, Tensor


@dataclass(frozen=True)
class Gather(Layer):
    """batches x outer x size runs of the source; `count` of them for each batch and outer.

    run: bytes. step: words from one index to the next, 2 for int64.
    """

    batches: int
    outer: int
    size: int
    count: int
    run: int
    step: int
    shapes_text: str

    @property
    def shapes(self) -> str:
        """Source and output shape, for a person."""
        return self.shapes_text

    def overlap(self, target: str, position: int) -> Overlap | None:
        """Never: a run may be read again at any time."""
        del target, position
        return None

    def code(self, target: str) -> Code:
        """The layer in C."""
        del target
        names = ("batches", "outer", "size", "count", "run", "step")
        return Code(
            include="nn/gather.h",
            stem="gather",
            parameters="const ed_gather_shape *shape, const void *input, const void *indices,"
            " void *output",
            body="    ed_gather(shape, input, indices, output);",
            shape=Shape("ed_gather_shape", {name: getattr(self, name) for name in names}),
        )


def read(site: Site) -> Layer:
    """A GATHER of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0, (*moved.TYPES, DType.INT16, DType.BOOL))
    indices = site.tensor(1)
    if indices.dtype not in (DType.INT32, DType.INT64) or indices.elements <= 0:
        raise unsupported(
            site, f"has {indices.dtype.value} indices of shape {indices.shape}; int32 is wanted"
        )
    rank = len(source.shape)
    axis = moved.axis(site, int(site.option("axis")), rank)
    batch_dims = int(site.option("batch_dims"))
    batch_dims += len(indices.shape) if batch_dims < 0 else 0
    if not 0 <= batch_dims <= min(axis, len(indices.shape)):
        raise unsupported(site, f"has batch_dims {batch_dims} for axis {axis}")
    if source.shape[:batch_dims] != indices.shape[:batch_dims]:
        raise unsupported(site, f"has indices of shape {indices.shape} for {source.shape}")
    shape = source.shape[:axis] + indices.shape[batch_dims:] + source.shape[axis + 1 :]
    output = moved.only_output(site, source, shape)
    batches = math.prod(source.shape[:batch_dims])
    sizes = (
        math.prod(source.shape[:axis]),
        source.shape[axis],
        math.prod(source.shape[axis + 1 :]),
    )
    if indices.values is not None and batches == 1:
        return _by_constants(site, source, output, sizes)
    site.at_run_time(indices, "index")
    site.at_run_time(source, "input")
    return Gather(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=(source.index, indices.index),
        outputs=(output.index,),
        batches=batches,
        outer=sizes[0] // batches,
        size=sizes[1],
        count=indices.elements // batches,
        run=sizes[2] * source.dtype.itemsize,
        step=indices.dtype.itemsize // 4,
        shapes_text=f"{times(source.shape)}, {times(indices.shape)} -> {times(output.shape)}",
    )


def _by_constants(site: Site, source: Tensor, output: Tensor, sizes: tuple[int, int, int]) -> Layer:
    """sizes: of the source before, along and after the axis."""
    outer, _, inner = sizes
    picked.table_of(site, site.tensor(1).elements)
    tables = (
        picked.table_of(site, outer),
        moved.indices(site, 1, "indices").reshape(-1),
        picked.table_of(site, inner),
    )
    return picked.copy(site, source, output, tables, sizes)
