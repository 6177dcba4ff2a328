"""SPLIT, SPLIT_V, UNPACK, SLICE and STRIDED_SLICE: a strided copy for each output.

Kernel: firmware/src/nn/strided.h.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_deploy.compiler.ops import moved
from edge_deploy.compiler.ops.layer import Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.strided import Loop, Strided, copy, strides
from edge_deploy.model.graph import DType, Tensor

# The reference's STRIDED_SLICE and SLICE go no further (strided_slice.cc, slice.cc).
_MOST_SLICED_DIMENSIONS = 5
_SLICED_TYPES = (*moved.TYPES, DType.INT16, DType.BOOL)


@dataclass(frozen=True)
class _Range:
    """size indices of one dimension from `begin` on, `step` apart."""

    begin: int
    step: int
    size: int


def read_split(site: Site) -> tuple[Strided, ...]:
    """A SPLIT of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 1)
    axis = moved.axis(site, moved.number(site, 0, "axes"), len(source.shape))
    count = site.positive("num_splits")
    if source.shape[axis] % count:
        raise unsupported(site, f"splits {source.shape[axis]} indices into {count} equal parts")
    return _split(site, source, axis, [source.shape[axis] // count] * count)


def read_split_v(site: Site) -> tuple[Strided, ...]:
    """A SPLIT_V of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0)
    axis = moved.axis(site, moved.number(site, 2, "axes"), len(source.shape))
    sizes = list(moved.numbers(site, 1, "sizes", site.positive("num_splits")))
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = source.shape[axis] - sum(sizes) - 1
    if min(sizes) < 1 or sum(sizes) != source.shape[axis]:
        raise unsupported(site, f"splits {source.shape[axis]} indices into {sizes}")
    return _split(site, source, axis, sizes)


def read_unpack(site: Site) -> tuple[Strided, ...]:
    """An UNPACK of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0)
    axis = moved.axis(site, int(site.option("axis")), len(source.shape))
    count = site.positive("num")
    if count != source.shape[axis]:
        raise unsupported(site, f"unpacks {source.shape[axis]} indices into {count}")
    shape = (*source.shape[:axis], *source.shape[axis + 1 :])
    return _split(site, source, axis, [1] * count, shape)


def read_slice(site: Site) -> Strided:
    """A SLICE of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0, _SLICED_TYPES)
    rank = len(source.shape)
    begins = moved.numbers(site, 1, "begins", rank)
    sizes = moved.numbers(site, 2, "sizes", rank)
    if rank > _MOST_SLICED_DIMENSIONS:
        raise unsupported(site, f"slices {rank} dimensions; {_MOST_SLICED_DIMENSIONS} is most")
    ranges = []
    for whole, begin, size in zip(source.shape, begins, sizes, strict=True):
        size = whole - begin if size == -1 else size
        if begin < 0 or size < 1 or begin + size > whole:
            raise unsupported(site, f"slices {size} indices of {whole} from {begin} on")
        ranges.append(_Range(begin, 1, size))
    shape = [r.size for r in ranges]
    return _cut(site, source, moved.only_output(site, source, shape), ranges)


def read_strided_slice(site: Site) -> Strided:
    """A STRIDED_SLICE of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0, _SLICED_TYPES)
    begins = moved.numbers(site, 1, "begins")
    ends = moved.numbers(site, 2, "ends", len(begins))
    steps = moved.numbers(site, 3, "strides", len(begins))
    masks = {
        name: int(site.option(f"{name}_mask"))
        for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }
    offset = bool(site.option("offset"))
    masked = any(masks[name] for name in ("begin", "end", "ellipsis", "new_axis"))
    if offset and (masked or len(begins) != len(source.shape)):
        raise unsupported(site, "has the flag offset, but does not say where all dimensions end")
    ranges: list[_Range] = []
    shape: list[int] = []

    def whole() -> None:
        ranges.append(_Range(0, 1, source.shape[len(ranges)]))
        shape.append(ranges[-1].size)

    added = sum(
        1
        for i in range(len(begins))
        if masks["new_axis"] >> i & 1 and not masks["ellipsis"] >> i & 1
    )
    for name in ("ellipsis", "new_axis"):
        if masks[name] < 0 or masks[name] >> len(begins):
            raise unsupported(site, f"has {name}_mask {masks[name]} for {len(begins)} strides")
    if masks["ellipsis"] & (masks["ellipsis"] - 1):
        raise unsupported(site, "has more than one ellipsis")
    if len(source.shape) + added > _MOST_SLICED_DIMENSIONS:
        raise unsupported(site, f"slices more than {_MOST_SLICED_DIMENSIONS} dimensions")
    named = len(begins) - added - bool(masks["ellipsis"])
    if named > len(source.shape):
        raise unsupported(site, f"slices {named} dimensions of {len(source.shape)}")
    if masks["ellipsis"] and named == len(source.shape):
        # The reference gives it one dimension nevertheless (strided_slice.cc).
        raise unsupported(site, "has an ellipsis that stands for no dimension")
    for i, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
        is_set = {name: bool(mask >> i & 1) for name, mask in masks.items()}
        if is_set["ellipsis"]:
            for _ in range(len(source.shape) - named):
                whole()
        elif is_set["new_axis"]:
            shape.append(1)
        else:
            size = source.shape[len(ranges)]
            ranges.append(_range(site, size, begin, end, step, is_set, offset=offset))
            if not is_set["shrink_axis"]:
                shape.append(ranges[-1].size)
    while len(ranges) < len(source.shape):
        whole()
    return _cut(site, source, moved.only_output(site, source, shape), ranges)


def _range(
    site: Site,
    size: int,
    begin: int,
    end: int,
    step: int,
    is_set: dict[str, bool],
    *,
    offset: bool,
) -> _Range:
    """One dimension of a STRIDED_SLICE, as Python's slices go.

    Source: tensorflow/lite/kernels/internal/strided_slice_logic.h.
    """
    if step == 0:
        raise unsupported(site, "has a stride of 0")
    if is_set["shrink_axis"]:
        start = (0 if step > 0 else size - 1) if is_set["begin"] else begin
        start = start + size if start < 0 else start
        if not 0 <= start < size:
            raise unsupported(site, f"takes index {begin} of {size}")
        return _Range(start, 1, 1)
    if offset:  # the end counts from the begin, and the reference limits it by nothing
        begin = begin + size if begin < 0 else begin
        end += begin
        if step < 0 or not 0 <= begin < end <= size:
            raise unsupported(site, f"slices indices {begin} to {end} of {size}")
    steps = range(size)[
        slice(None if is_set["begin"] else begin, None if is_set["end"] else end, step)
    ]
    if not len(steps):
        raise unsupported(site, f"slices nothing of {size} ({begin} to {end} by {step})")
    return _Range(steps[0], step, len(steps))


def _split(
    site: Site,
    source: Tensor,
    axis: int,
    sizes: Sequence[int],
    shape: Sequence[int] | None = None,
) -> tuple[Strided, ...]:
    """One output for each of `sizes` along an axis, of `shape` where that is not the part's."""
    if len(site.operator.outputs) != len(sizes):
        raise unsupported(site, f"has {len(site.operator.outputs)} outputs for {len(sizes)} parts")
    layers: list[Strided] = []
    at = 0
    for position, size in enumerate(sizes):
        part = (*source.shape[:axis], size, *source.shape[axis + 1 :])
        output = moved.output(site, source, part if shape is None else shape, position)
        ranges = [_Range(at if i == axis else 0, 1, count) for i, count in enumerate(part)]
        layers.append(_cut(site, source, output, ranges))
        at += size
    return tuple(layers)


def _cut(site: Site, source: Tensor, output: Tensor, ranges: Sequence[_Range]) -> Strided:
    """The ranges of the source's dimensions, dense in the output."""
    reads = strides(source.shape)
    writes = strides([r.size for r in ranges])
    return copy(
        site,
        source,
        output,
        [
            Loop(r.size, r.step * read, write)
            for r, read, write in zip(ranges, reads, writes, strict=True)
        ],
        read_at=sum(r.begin * read for r, read in zip(ranges, reads, strict=True)),
    )
