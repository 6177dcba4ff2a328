"""What only moves elements, I: reordered, joined, cut, reshaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tests.model_file import ModelBuilder
from tests.nn.cases import ZERO_POINTS, Case, Family, Pick

SIZES = (1, 1, 2, 3, 4, 5, 7, 8)


class Moves:
    """A model of operators that keep type, scale and zero point."""

    def __init__(self, pick: Pick, dtypes: Sequence[str] = ("int8",)) -> None:
        self.pick = pick
        self.model = ModelBuilder()
        self.dtype = pick.one_of(dtypes)
        self.scale = pick.one_of((0.004, 0.1, 1.0))
        self.zero_point = pick.one_of(ZERO_POINTS)
        self.inputs: list[int] = []

    def tensor(self, shape: Sequence[int], values: Any = None) -> int:
        """A tensor of the model's type."""
        return self.model.tensor(shape, self.dtype, values=values, **self.quantized)

    @property
    def quantized(self) -> dict[str, Any]:
        if self.dtype == "int8":
            return {"scale": self.scale, "zero_point": self.zero_point}
        if self.dtype == "uint8":
            return {"scale": self.scale, "zero_point": self.zero_point + 128}
        return {}

    def input(self, shape: Sequence[int]) -> int:
        """An input of the model."""
        self.inputs.append(self.tensor(shape))
        return self.inputs[-1]

    def constant(self, shape: Sequence[int]) -> int:
        """Constant values of the model's type."""
        rng = np.random.default_rng(self.pick.integer(0, 2**31))
        return self.tensor(shape, rng.integers(0, 128, shape))

    def numbers(self, values: Any, dtype: str = "int32") -> int:
        """Constant sizes or indices."""
        return self.model.tensor(np.shape(values), dtype, values=values)

    def op(
        self,
        name: str,
        operands: Sequence[int],
        shapes: Sequence[Sequence[int]],
        options: dict[str, Any] | None = None,
    ) -> list[int]:
        """An operator; its outputs."""
        outputs = [self.tensor(shape) for shape in shapes]
        self.model.op(name, operands, outputs, options)
        return outputs

    def finish(self, text: str, outputs: Sequence[int]) -> Case:
        """The model. One that moves floats moves int8 as well, or it is taken for a float model."""
        if self.dtype == "float32":
            self.inputs.append(self.model.tensor((2, 3)))
            outputs = [*outputs, self.model.tensor((3, 2))]
            self.model.op("RESHAPE", self.inputs[-1:], outputs[-1:], {"new_shape": [3, 2]})
        return Case(f"{text} {self.dtype}", self.model.finish(self.inputs, outputs))


def drawn_shape(pick: Pick, least: int = 1, most: int = 4) -> tuple[int, ...]:
    rank = pick.integer(least, most)
    shape = [pick.one_of(SIZES if rank < 5 else (1, 2, 3)) for _ in range(rank)]
    return tuple(shape)


def _permutation(pick: Pick, count: int) -> list[int]:
    left, order = list(range(count)), []
    while left:
        order.append(left.pop(pick.integer(0, len(left) - 1)))
    return order


TYPES = ("int8", "int8", "int8", "uint8", "int32", "float32", "int64")


def transpose(pick: Pick) -> Case:
    """TRANSPOSE of one to six dimensions."""
    m = Moves(pick, (*TYPES, "int16", "bool"))
    shape = drawn_shape(pick, most=6)
    order = _permutation(pick, len(shape))
    signed = [x - len(shape) if pick.one_of((False, False, True)) else x for x in order]
    x = m.input(shape)
    y = m.op("TRANSPOSE", [x, m.numbers(signed)], [[shape[i] for i in order]])
    return m.finish(f"TRANSPOSE {shape} {signed}", y)


def reverse(pick: Pick) -> Case:
    """REVERSE_V2 along one dimension."""
    m = Moves(pick, (*TYPES, "int16", "bool"))
    shape = drawn_shape(pick)
    axis = pick.integer(0, len(shape) - 1)
    x = m.input(shape)
    y = m.op("REVERSE_V2", [x, m.numbers([axis])], [shape])
    return m.finish(f"REVERSE_V2 {shape} {axis}", y)


def depth_to_space(pick: Pick) -> Case:
    """DEPTH_TO_SPACE and SPACE_TO_DEPTH."""
    m = Moves(pick, TYPES)
    block, depth = pick.integer(1, 4), pick.one_of((1, 2, 3, 4))
    batches, height, width = pick.integer(1, 2), pick.integer(1, 4), pick.integer(1, 4)
    deep = (batches, height, width, depth * block * block)
    flat = (batches, height * block, width * block, depth)
    name, a, b = pick.one_of((("DEPTH_TO_SPACE", deep, flat), ("SPACE_TO_DEPTH", flat, deep)))
    y = m.op(name, [m.input(a)], [b], {"block_size": block})
    return m.finish(f"{name} {a} -> {b}", y)


def batch_to_space(pick: Pick) -> Case:
    """SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND."""
    m = Moves(pick, TYPES)
    count, depth, batches = pick.integer(1, 2), pick.one_of((1, 3, 4)), pick.integer(1, 2)
    blocks = [pick.integer(1, 3) for _ in range(count)]
    sides = [[pick.integer(0, 3), pick.integer(0, 3)] for _ in range(count)]
    if pick.one_of((False, False, True)):
        sides = [[0, 0]] * count
    maps = [
        -(-(sum(pair) + pick.integer(1, 4)) // block)
        for block, pair in zip(blocks, sides, strict=True)
    ]
    flat = [size * block - sum(pair) for size, block, pair in zip(maps, blocks, sides, strict=True)]
    apart = (batches * int(np.prod(blocks)), *maps, depth)
    whole = (batches, *flat, depth)
    name, a, b = pick.one_of(
        (("SPACE_TO_BATCH_ND", whole, apart), ("BATCH_TO_SPACE_ND", apart, whole))
    )
    operands = [m.input(a), m.numbers(blocks), m.numbers(sides)]
    return m.finish(f"{name} {a} -> {b} {blocks} {sides}", m.op(name, operands, [b]))


def concatenation(pick: Pick) -> Case:
    """CONCATENATION of inputs, constants and inputs again."""
    m = Moves(pick, (*TYPES, "int16", "bool"))
    m.zero_point = 0 if m.dtype == "int16" else m.zero_point
    shape = drawn_shape(pick)
    axis = pick.integer(0, len(shape) - 1)
    parts, sizes = [], []
    for i in range(pick.integer(1, 5)):
        size = pick.one_of(SIZES)
        part = (*shape[:axis], size, *shape[axis + 1 :])
        kind = "input" if i == 0 else pick.one_of(("input", "input", "constant", "again"))
        if kind == "again":
            parts.append(parts[0])
            sizes.append(sizes[0])
            continue
        parts.append(m.input(part) if kind == "input" else m.constant(part))
        sizes.append(size)
    whole = (*shape[:axis], sum(sizes), *shape[axis + 1 :])
    signed = axis - pick.one_of((0, len(shape)))
    y = m.op("CONCATENATION", parts, [whole], {"axis": signed})
    return m.finish(f"CONCATENATION {shape} {sizes} along {signed}", y)


def pack(pick: Pick) -> Case:
    """PACK of inputs and constants."""
    m = Moves(pick, TYPES)
    shape = drawn_shape(pick, least=0, most=3)
    axis = pick.integer(0, len(shape))
    count = pick.integer(1, 4)
    parts = [m.input(shape)]
    parts += [m.input(shape) if pick.one_of((0, 1)) else m.constant(shape) for _ in range(count)]
    whole = (*shape[:axis], count + 1, *shape[axis:])
    options = {"values_count": count + 1, "axis": axis - pick.one_of((0, len(shape) + 1))}
    return m.finish(f"PACK {shape} x {count + 1} {options}", m.op("PACK", parts, [whole], options))


def split(pick: Pick) -> Case:
    """SPLIT, SPLIT_V and UNPACK, of which not all parts may be read."""
    m = Moves(pick, ("int8", "int8", "uint8", "int32", "float32"))
    shape = drawn_shape(pick)
    axis = pick.integer(0, len(shape) - 1)
    signed = axis - pick.one_of((0, len(shape)))
    name = pick.one_of(("SPLIT", "SPLIT_V", "UNPACK"))
    count = pick.integer(1, 4)
    sizes = [pick.one_of(SIZES) for _ in range(count)] if name == "SPLIT_V" else [1] * count
    if name == "SPLIT":
        sizes = [pick.one_of(SIZES)] * count
    x = m.input((*shape[:axis], sum(sizes), *shape[axis + 1 :]))
    parts = [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]
    if name == "UNPACK":
        without = (*shape[:axis], *shape[axis + 1 :])
        y = m.op(name, [x], [without] * count, {"num": count, "axis": signed})
    elif name == "SPLIT":
        y = m.op(name, [m.numbers([signed]), x], parts, {"num_splits": count})
    else:
        given = list(sizes)
        if pick.one_of((False, True)):
            given[pick.integer(0, count - 1)] = -1
        y = m.op(name, [x, m.numbers(given), m.numbers([signed])], parts, {"num_splits": count})
    outputs = y if pick.one_of((True, True, False)) else y[: pick.integer(1, count)]
    return m.finish(f"{name} {shape} {sizes} along {signed}", outputs)


def slices(pick: Pick) -> Case:
    """SLICE."""
    m = Moves(pick, (*TYPES, "int16", "bool"))
    shape = drawn_shape(pick, most=5)
    begins = [pick.integer(0, size - 1) for size in shape]
    sizes = [pick.integer(1, size - begin) for size, begin in zip(shape, begins, strict=True)]
    given = [
        -1 if begin + size == whole and pick.one_of((False, True)) else size
        for whole, begin, size in zip(shape, begins, sizes, strict=True)
    ]
    dtype = pick.one_of(("int32", "int64"))
    operands = [m.input(shape), m.numbers(begins, dtype), m.numbers(given, dtype)]
    y = m.op("SLICE", operands, [sizes])
    return m.finish(f"SLICE {shape} from {begins} sizes {given}", y)


def strided_slice(pick: Pick) -> Case:
    """STRIDED_SLICE with masks; the shape is numpy's."""
    m = Moves(pick, (*TYPES, "int16", "bool"))
    shape = drawn_shape(pick, most=4)
    begins, ends, steps = [], [], []
    masks = dict.fromkeys(("begin", "end", "ellipsis", "new_axis", "shrink_axis"), 0)
    offset = pick.one_of((False, False, False, True))
    keys: list[Any] = []
    given = 0
    added = 0
    named = len(shape) if offset else pick.integer(1, len(shape))
    skipped = len(shape) - named
    while given < named:
        bit = 1 << len(begins)
        kind = pick.one_of(("range", "range", "range", "shrink", "new", "ellipsis"))
        if offset and kind in ("new", "ellipsis"):
            kind = "range"
        if kind == "ellipsis" and (masks["ellipsis"] or not skipped):
            kind = "range"
        if kind == "new" and len(shape) + added == 5:
            kind = "range"
        values = (0, 0, 1)
        if kind == "ellipsis":
            masks["ellipsis"] |= bit
            keys.append(Ellipsis)
        elif kind == "new":
            masks["new_axis"] |= bit
            added += 1
            keys.append(None)
        else:
            place = given + (skipped if masks["ellipsis"] else 0)
            values = _slice(pick, shape[place], masks, bit, offset, keys, shrink=kind == "shrink")
            given += 1
        for target, value in zip((begins, ends, steps), values, strict=True):
            target.append(value)
    result = np.empty(shape)[tuple(keys)].shape
    options = {f"{name}_mask": mask for name, mask in masks.items()} | {"offset": offset}
    operands = [m.input(shape), m.numbers(begins), m.numbers(ends), m.numbers(steps)]
    y = m.op("STRIDED_SLICE", operands, [result], options)
    return m.finish(f"STRIDED_SLICE {shape} {begins} {ends} {steps} {options}", y)


def _slice(
    pick: Pick,
    size: int,
    masks: dict[str, int],
    bit: int,
    offset: bool,
    keys: list[Any],
    *,
    shrink: bool,
) -> tuple[int, int, int]:
    """One dimension: begin, end and stride as the file has them; the masks and numpy's key."""
    begin = pick.integer(0, size - 1)
    signed = begin - pick.one_of((0, size))
    if shrink:
        masks["shrink_axis"] |= bit
        keys.append(begin)
        return signed, begin + 1, 1
    if offset:  # without masks, and forward
        end, step = pick.integer(begin + 1, size), pick.one_of((1, 2))
        keys.append(slice(begin, end, step))
        return signed, end - begin, step
    step = pick.one_of((1, 1, 2, 3, -1, -2))
    from_begin, to_end = pick.one_of((0, 0, 1)), pick.one_of((0, 0, 1))
    if from_begin:
        masks["begin"] |= bit
        begin = 0 if step > 0 else size - 1
    if to_end:
        masks["end"] |= bit
    if step > 0:
        end = size if to_end else pick.integer(begin + 1, size + 3)
        keys.append(slice(begin, end, step))
        written = end
    else:
        end = -1 if to_end else pick.integer(-1, begin - 1)
        keys.append(slice(begin, None if end < 0 else end, step))
        written = end if end >= 0 else -size - 1  # -1 would be the last index
    if 0 <= written < size and pick.one_of((False, True)):
        written -= size
    return signed, written, step


def reshape(pick: Pick) -> Case:
    """RESHAPE, SQUEEZE and EXPAND_DIMS, one after the other."""
    m = Moves(pick, (*TYPES, "int16", "bool"))
    shape = drawn_shape(pick, least=2, most=3)
    x = m.input(shape)
    flat = int(np.prod(shape))
    unknown = pick.one_of((flat, -1))
    options: dict[str, Any] = {"new_shape": [1, unknown, 1]}
    operands = [x] if pick.one_of((False, True)) else [x, m.numbers([1, unknown, 1])]
    (x,) = m.op("RESHAPE", operands, [(1, flat, 1)], options)
    axes = pick.one_of(([0], [2], [-1], [0, 2], []))
    gone = [axis % 3 for axis in axes] or [i for i, size in enumerate((1, flat, 1)) if size == 1]
    left = [size for i, size in enumerate((1, flat, 1)) if i not in gone]
    (x,) = m.op("SQUEEZE", [x], [left], {"squeeze_dims": axes})
    axis = pick.integer(-len(left) - 1, len(left))
    at = axis % (len(left) + 1)
    y = m.op("EXPAND_DIMS", [x, m.numbers([axis])], [[*left[:at], 1, *left[at:]]])
    return m.finish(f"RESHAPE {shape} SQUEEZE {axes} EXPAND_DIMS {axis}", y)


FAMILIES: Mapping[str, Family] = {
    function.__name__: function
    for function in (
        batch_to_space,
        concatenation,
        depth_to_space,
        pack,
        reshape,
        reverse,
        slices,
        split,
        strided_slice,
        transpose,
    )
}
