"""PAD, PADV2 and MIRROR_PAD. Kernels: firmware/src/nn/strided.h, firmware/src/nn/picked.h."""

from __future__ import annotations

import numpy as np

from edge_deploy.compiler.ops import moved, picked
from edge_deploy.compiler.ops.layer import Layer, Site
from edge_deploy.compiler.ops.refuse import unsupported
from edge_deploy.compiler.ops.strided import Loop, Strided, copy, strides
from edge_deploy.model.graph import DType, Tensor

# The reference takes this many dimensions (reference/pad.h, PadKernelMaxDimensionCount).
_MOST_DIMENSIONS = 5
_TYPES = (*moved.TYPES, DType.INT16)


def read_pad(site: Site) -> Strided:
    """A PAD or PADV2 of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0, _TYPES)
    before, shape = _paddings(site, source)
    output = moved.only_output(site, source, shape)
    if len(shape) > _MOST_DIMENSIONS:
        raise unsupported(site, f"pads {len(shape)} dimensions; {_MOST_DIMENSIONS} is most")
    writes = strides(shape)
    return copy(
        site,
        source,
        output,
        [
            Loop(size, read, write)
            for size, read, write in zip(source.shape, strides(source.shape), writes, strict=True)
        ],
        write_at=sum(count * write for count, write in zip(before, writes, strict=True)),
        fill=_fill(site, output),
    )


def read_mirror_pad(site: Site) -> Layer:
    """A MIRROR_PAD of the file, checked. Raises UnsupportedModel."""
    source = moved.source(site, 0)
    before, shape = _paddings(site, source)
    output = moved.only_output(site, source, shape)
    border = 1 if site.option("mode") == "REFLECT" else 0  # indices that are not mirrored
    tables = []
    for size, first, whole in zip(source.shape, before, shape, strict=True):
        if max(first, whole - size - first) > size - border:
            raise unsupported(site, f"mirrors more than there is of {size} indices")
        places = picked.table_of(site, whole) - first
        places = np.where(places < 0, -1 + border - places, places)
        tables.append(np.where(places >= size, 2 * size - 1 - border - places, places))
    return picked.copy(site, source, output, tables)


def _paddings(site: Site, source: Tensor) -> tuple[list[int], list[int]]:
    """Elements before each dimension, and the padded shape."""
    rank = len(source.shape)
    if site.tensor(1).shape != (rank, 2):
        raise unsupported(site, f"has paddings of shape {site.tensor(1).shape}")
    found = moved.numbers(site, 1, "paddings", 2 * rank)
    if min(found) < 0:
        raise unsupported(site, f"has the padding {min(found)}")
    before, after = found[::2], found[1::2]
    return list(before), [
        size + first + last for size, first, last in zip(source.shape, before, after, strict=True)
    ]


def zero_byte(site: Site, output: Tensor) -> int:
    """The byte that a zero of the output's type consists of."""
    quantized = output.dtype in (DType.INT8, DType.UINT8, DType.INT16)
    value = output.quantization.zero_point if quantized and output.quantization else 0
    return _only_byte(site, np.array(value, output.dtype.value).tobytes())


def _fill(site: Site, output: Tensor) -> int:
    """The byte that fills: what PADV2 says, or a zero."""
    given = site.optional(2)
    if given is None:
        return zero_byte(site, output)
    if given.values is None or given.dtype is not output.dtype or given.elements != 1:
        raise unsupported(site, "pads with what is not one constant of the output's type")
    moved.same_scale(site, given, output)
    return _only_byte(site, given.values.tobytes())


def _only_byte(site: Site, raw: bytes) -> int:
    if len(set(raw)) > 1:
        raise unsupported(site, f"pads with the bytes {raw.hex()}; they must all be equal")
    return raw[0]
