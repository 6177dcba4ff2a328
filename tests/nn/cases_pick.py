"""What only moves elements, II: padded, repeated, gathered, resized."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tests.nn.cases import Case, Family, Pick
from tests.nn.cases_move import TYPES, Moves, drawn_shape


def pad(pick: Pick) -> Case:
    """PAD and PADV2."""
    m = Moves(pick, (*TYPES, "int16"))
    shape = drawn_shape(pick)
    paddings = [[pick.integer(0, 3), pick.integer(0, 3)] for _ in shape]
    name = pick.one_of(("PAD", "PADV2"))
    operands = [m.input(shape), m.numbers(paddings, pick.one_of(("int32", "int64")))]
    if name == "PADV2":
        value = pick.one_of((-128, 127, 0, 5)) if m.dtype == "int8" else 0
        operands.append(m.tensor((1,), [value]))
    whole = [size + sum(pair) for size, pair in zip(shape, paddings, strict=True)]
    return m.finish(f"{name} {shape} {paddings}", m.op(name, operands, [whole]))


def mirror_pad(pick: Pick) -> Case:
    """MIRROR_PAD."""
    m = Moves(pick, TYPES)
    shape = drawn_shape(pick)
    mode = pick.one_of(("REFLECT", "SYMMETRIC"))
    most = [size - (mode == "REFLECT") for size in shape]
    paddings = [[pick.integer(0, min(3, x)), pick.integer(0, min(3, x))] for x in most]
    whole = [size + sum(pair) for size, pair in zip(shape, paddings, strict=True)]
    y = m.op("MIRROR_PAD", [m.input(shape), m.numbers(paddings)], [whole], {"mode": mode})
    return m.finish(f"MIRROR_PAD {mode} {shape} {paddings}", y)


def tile(pick: Pick) -> Case:
    """TILE."""
    m = Moves(pick, (*TYPES, "bool"))
    shape = drawn_shape(pick)
    counts = [pick.integer(1, 3) for _ in shape]
    whole = [size * count for size, count in zip(shape, counts, strict=True)]
    operands = [m.input(shape), m.numbers(counts, pick.one_of(("int32", "int64")))]
    return m.finish(f"TILE {shape} {counts}", m.op("TILE", operands, [whole]))


def broadcast_to(pick: Pick) -> Case:
    """BROADCAST_TO."""
    m = Moves(pick, (*TYPES, "int16", "bool"))
    whole = drawn_shape(pick, most=6)
    shape = [size if pick.one_of((False, True)) else 1 for size in whole]
    shape = shape[pick.integer(0, len(whole) - 1) :]
    y = m.op("BROADCAST_TO", [m.input(shape), m.numbers(whole)], [whole])
    return m.finish(f"BROADCAST_TO {shape} -> {whole}", y)


def gather(pick: Pick) -> Case:
    """GATHER by constants."""
    m = Moves(pick, ("int8", "int8", "uint8", "int32", "float32", "int64", "bool"))
    shape = drawn_shape(pick)
    axis = pick.integer(0, len(shape) - 1)
    count = pick.one_of(((), (1,), (3,), (4,), (2, 3)))
    rng = np.random.default_rng(pick.integer(0, 2**31))
    indices = rng.integers(0, shape[axis], count)
    whole = (*shape[:axis], *count, *shape[axis + 1 :])
    options = {"axis": axis - pick.one_of((0, len(shape)))}
    operands = [m.input(shape), m.numbers(indices, pick.one_of(("int32", "int64")))]
    y = m.op("GATHER", operands, [whole], options)
    return m.finish(f"GATHER {shape} {indices.tolist()} {options}", y)


def resize_nearest_neighbor(pick: Pick) -> Case:
    """RESIZE_NEAREST_NEIGHBOR."""
    m = Moves(pick, ("int8", "int8", "uint8", "float32", "int16"))
    return _resize(pick, m, "RESIZE_NEAREST_NEIGHBOR")


def resize_bilinear(pick: Pick) -> Case:
    """RESIZE_BILINEAR."""
    return _resize(pick, Moves(pick), "RESIZE_BILINEAR")


def _resize(pick: Pick, m: Moves, name: str) -> Case:
    shape = (pick.integer(1, 2), pick.integer(1, 9), pick.integer(1, 9), pick.one_of((1, 3, 4)))
    size = [pick.integer(1, 19), pick.integer(1, 19)]
    if pick.one_of((False, True)):
        size = [shape[1] * pick.integer(1, 3), shape[2] * pick.integer(1, 3)]
    align, half_pixel = pick.one_of(((False, False), (True, False), (False, True)))
    options = {"align_corners": align, "half_pixel_centers": half_pixel}
    operands = [m.input(shape), m.numbers(size)]
    y = m.op(name, operands, [(shape[0], *size, shape[3])], options)
    return m.finish(f"{name} {shape} -> {size} {options}", y)


FAMILIES: Mapping[str, Family] = {
    function.__name__: function
    for function in (
        broadcast_to,
        gather,
        mirror_pad,
        pad,
        resize_bilinear,
        resize_nearest_neighbor,
        tile,
    )
}
