"""Elements picked along each dimension by a table of indices.

A table that counts evenly, or does so over and over, is loops of a strided copy; where one is
not, all are tables in flash. Kernels: firmware/src/nn/picked.h, firmware/src/nn/m4/picked.h.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_deploy.compiler.ops import strided
from edge_deploy.compiler.ops.layer import CORTEX_M4, Code, Constant, Layer, Overlap, Shape, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.strided import Loop, strides, times
from edge_deploy.model.graph import Tensor

# Bytes from which the Cortex-M4 copies by words.
_WORD = 4
# ED_PICKED_AXES of the kernel.
MOST_AXES = 6
# Tables are as long as a dimension of the output; no map of a board is wider.
_MOST_INDICES = 1 << 16


@dataclass(frozen=True)
class Picked(Layer):
    """tables: for each axis, outermost first, where each index is read, in bytes.

    run: bytes at each step. The output's runs follow each other. values: the source where it is
    constant, which only folding has.
    """

    run: int
    sizes: tuple[int, ...]
    shapes_text: str
    tables: tuple[NDArray[np.int32], ...] = field(compare=False, repr=False)
    values: NDArray[np.uint8] | None = field(default=None, compare=False, repr=False)

    @property
    def shapes(self) -> str:
        """Source and output shape, for a person."""
        return self.shapes_text

    def overlap(self, target: str, position: int) -> Overlap | None:
        """Never: an element may be read again at any time."""
        del target, position
        return None

    def apply(self, source: NDArray[np.uint8], output: NDArray[np.uint8]) -> None:
        """Do to bytes what the kernel does to them."""
        places = np.zeros((), np.int64)
        for table in self.tables:
            places = np.add.outer(places, table)
        places = np.add.outer(places.ravel(), np.arange(self.run))
        output[:] = source[places].ravel()

    def code(self, target: str) -> Code:
        """The layer in C."""
        fast = target == CORTEX_M4 and self.run >= _WORD
        call = "ed_m4_picked_copy" if fast else "ed_picked_copy"
        padded = (1,) * (MOST_AXES - len(self.sizes)) + self.sizes
        offsets = [np.zeros(MOST_AXES - len(self.sizes), np.int32), *self.tables]
        return Code(
            include="nn/m4/picked.h" if fast else "nn/picked.h",
            stem="picked",
            parameters="const ed_picked_shape *shape, const void *input, void *output,"
            " const int32_t *offsets",
            body=f"    {call}(shape, input, output, offsets);",
            constants=(Constant("offsets", "int32_t", np.concatenate(offsets)),),
            shape=Shape(
                "ed_picked_shape",
                {"run": self.run} | {f"size[{i}]": size for i, size in enumerate(padded)},
            ),
        )


def table_of(site: Site, size: int) -> NDArray[np.int64]:
    """The indices of a dimension of the output, 0 and up; refused where they are too many."""
    if size > _MOST_INDICES:
        raise unsupported(site, f"has {size} indices in one dimension; {_MOST_INDICES} is most")
    return np.arange(size)


def copy(
    site: Site,
    source: Tensor,
    output: Tensor,
    tables: Sequence[NDArray[np.int64]],
    shape: Sequence[int] | None = None,
) -> Layer:
    """The layer that picks elements of `source` to `output` by indices.

    tables: for each dimension of the output, which index to take of the same dimension of
    `shape`: the source's, or one that it may be reshaped to.
    Raises UnsupportedModel where an index does not exist.
    """
    sizes = source.shape if shape is None else tuple(shape)
    for table, size in zip(tables, sizes, strict=True):
        if table.min() < 0 or table.max() >= size:
            raise unsupported(site, f"takes indices {table.min()} to {table.max()} of {size}")
    offsets = [table * read for table, read in zip(tables, strides(sizes), strict=True)]
    return copy_from(site, source, output, offsets)


def copy_from(
    site: Site, source: Tensor, output: Tensor, offsets: Sequence[NDArray[np.int64]]
) -> Layer:
    """The same by offsets in elements, which are added up."""
    if not 0 <= sum(x.min() for x in offsets) <= sum(x.max() for x in offsets) < source.elements:
        raise unsupported(site, f"reaches outside a tensor of shape {source.shape}")
    found = [_loops(table) for table in offsets]
    loops = [loop for steps in found for loop in steps or ()]
    writes = strides([loop.size for loop in loops])
    loops = [Loop(x.size, x.read, write) for x, write in zip(loops, writes, strict=True)]
    if None not in found and strided.fits(loops):
        at = sum(int(table[0]) for table in offsets)
        return strided.copy(site, source, output, loops, read_at=at)
    return _picked(site, source, output, offsets)


def _loops(table: NDArray[np.int64]) -> list[Loop] | None:
    """The table as one or two loops that count evenly, or None."""
    steps = np.diff(table)
    breaks = np.flatnonzero(steps != steps[:1])
    if not breaks.size:
        return [Loop(table.size, int(steps[0]) if steps.size else 0, 0)]
    inner = int(breaks[0]) + 1
    if table.size % inner:
        return None
    rows = table.reshape(-1, inner)
    starts = np.diff(rows[:, 0])
    if (rows - rows[:, :1] != rows[0] - rows[0, 0]).any() or (starts != starts[0]).any():
        return None
    within = int(steps[0]) if inner > 1 else 0
    return [Loop(len(rows), int(starts[0]), 0), Loop(inner, within, 0)]


def _picked(
    site: Site, source: Tensor, output: Tensor, offsets: Sequence[NDArray[np.int64]]
) -> Picked:
    """The same by tables, but for the last dimensions, where those are taken whole."""
    size = source.dtype.itemsize
    kept = list(offsets)
    run = 1
    while kept and np.array_equal(kept[-1], np.arange(kept[-1].size) * run):
        run *= kept.pop().size
    places = [(table * size).astype(np.int32) for table in kept if table.size > 1 or table[0]]
    if len(places) > MOST_AXES:
        raise unsupported(site, f"picks along {len(places)} dimensions; {MOST_AXES} is most")
    return Picked(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=() if source.is_constant else (source.index,),
        outputs=(output.index,),
        run=run * size,
        sizes=tuple(table.size for table in places),
        shapes_text=f"{times(source.shape)} -> {times(output.shape)}",
        tables=tuple(places),
        values=strided.bytes_of(source),
    )
