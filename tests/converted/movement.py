"""Values that only move: pads, slices, joins, sizes and shapes.

SQUEEZE and EXPAND_DIMS are not among them: this converter writes them as RESHAPE.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.converted.convert import Function
from tests.nn.cases import Pick


def _shape(pick: Pick, least: int = 1, most: int = 4, smallest: int = 1) -> tuple[int, ...]:
    sizes = [size for size in (1, 2, 3, 4, 5, 7) if size >= smallest]
    return tuple(pick.one_of(sizes) for _ in range(pick.integer(least, most)))


def _axis(pick: Pick, shape: tuple[int, ...]) -> int:
    return pick.integer(-len(shape), len(shape) - 1)


def pad(tf: Any, pick: Pick) -> Function:
    """PAD: with zero."""
    shape = _shape(pick)
    borders = [(pick.integer(0, 3), pick.integer(0, 3)) for _ in shape]
    return Function(f"pad {shape} {borders}", (shape,), lambda x: tf.pad(x, borders))


def padv2(tf: Any, pick: Pick) -> Function:
    """PADV2: with another constant."""
    shape = _shape(pick)
    borders = [(pick.integer(0, 3), pick.integer(1, 3)) for _ in shape]
    value = pick.one_of((-1.5, 0.7, 2.0))
    return Function(
        f"pad {shape} {borders} {value}",
        (shape,),
        lambda x: tf.pad(x, borders, constant_values=value),
    )


def mirror_pad(tf: Any, pick: Pick) -> Function:
    """MIRROR_PAD."""
    shape = _shape(pick, smallest=2)
    mode = pick.one_of(("REFLECT", "SYMMETRIC"))
    most = [size - 1 if mode == "REFLECT" else size for size in shape]
    borders = [(pick.integer(0, min(3, n)), pick.integer(0, min(3, n))) for n in most]
    return Function(
        f"pad {mode} {shape} {borders}", (shape,), lambda x: tf.pad(x, borders, mode=mode)
    )


def reshape(tf: Any, pick: Pick) -> Function:
    """RESHAPE behind something that computes."""
    shape = _shape(pick, least=2)
    return Function(f"reshape {shape}", (shape,), lambda x: tf.reshape(tf.tanh(x), [-1, 1]))


def flatten(tf: Any, pick: Pick) -> Function:
    """SHAPE, STRIDED_SLICE, PACK and RESHAPE: what flattening an open batch becomes."""
    shape = (None, *_shape(pick, least=2, most=3))
    return Function(
        f"flatten {shape}",
        (shape,),
        lambda x: tf.reshape(tf.tanh(x), tf.stack([tf.shape(x)[0], int(np.prod(shape[1:]))])),
    )


def transpose(tf: Any, pick: Pick) -> Function:
    """TRANSPOSE."""
    shape = _shape(pick, least=2, most=5)
    order = list(np.random.default_rng(pick.integer(0, 2**31)).permutation(len(shape)))
    return Function(f"transpose {shape} {order}", (shape,), lambda x: tf.transpose(x, order))


def concatenation(tf: Any, pick: Pick) -> Function:
    """CONCATENATION of two to four tensors, perhaps with a constant."""
    shape = _shape(pick)
    axis = _axis(pick, shape)
    shapes = []
    for _ in range(pick.integer(2, 4)):
        sizes = list(shape)
        sizes[axis] = pick.integer(1, 5)
        shapes.append(tuple(sizes))
    fixed = np.full(shapes[0], 0.5, np.float32)
    constant = pick.one_of((True, False, False))
    return Function(
        f"concat {shapes} {axis} constant {constant}",
        tuple(shapes),
        lambda *xs: tf.concat([*xs, *([fixed] if constant else [])], axis),
    )


def split(tf: Any, pick: Pick) -> Function:
    """SPLIT into equal parts: outputs one after the other."""
    shape = list(_shape(pick))
    axis = _axis(pick, tuple(shape))
    count = pick.integer(1, 4)
    shape[axis] = count * pick.integer(1, 3)
    return Function(
        f"split {shape} {axis} {count}", (tuple(shape),), lambda x: tf.split(x, count, axis)
    )


def split_v(tf: Any, pick: Pick) -> Function:
    """SPLIT_V into unequal parts."""
    shape = list(_shape(pick))
    axis = _axis(pick, tuple(shape))
    parts = [pick.integer(1, 3) for _ in range(pick.integer(2, 4))]
    shape[axis] = sum(parts)
    return Function(
        f"split {shape} {axis} {parts}", (tuple(shape),), lambda x: tf.split(x, parts, axis)
    )


def slice_(tf: Any, pick: Pick) -> Function:
    """SLICE."""
    shape = _shape(pick, smallest=2)
    begin = [pick.integer(0, size - 1) for size in shape]
    sizes = [pick.one_of((-1, pick.integer(1, n - b))) for n, b in zip(shape, begin, strict=True)]
    return Function(f"slice {shape} {begin} {sizes}", (shape,), lambda x: tf.slice(x, begin, sizes))


def strided_slice(tf: Any, pick: Pick) -> Function:
    """STRIDED_SLICE, forwards and backwards, some dimensions dropped."""
    shape = _shape(pick, smallest=3)
    parts: list[Any] = []
    for size in shape:
        step = pick.one_of((1, 1, 2, 3, -1, -2))
        first, last = sorted((pick.integer(0, size - 1), pick.integer(0, size - 1)))
        kind = pick.one_of(("part", "part", "all", "one", "end"))
        if kind == "one" and any(isinstance(part, slice) for part in parts):
            parts.append(first)
        elif kind == "all":
            parts.append(slice(None, None, step))
        elif kind == "end":
            parts.append(slice(-1, None, -1) if step < 0 else slice(-2, None, step))
        elif step > 0:
            parts.append(slice(first, last + 1, step))
        else:
            parts.append(slice(last, first - 1 if first else None, step))
    return Function(f"{shape} {parts}", (shape,), lambda x: x[tuple(parts)])


def pack(tf: Any, pick: Pick) -> Function:
    """PACK."""
    shape = _shape(pick, most=3)
    axis = pick.integer(-len(shape) - 1, len(shape))
    count = pick.integer(2, 4)
    return Function(
        f"stack {count} {shape} {axis}", (shape,) * count, lambda *xs: tf.stack(xs, axis)
    )


def unpack(tf: Any, pick: Pick) -> Function:
    """UNPACK."""
    shape = _shape(pick, least=2)
    axis = _axis(pick, shape)
    return Function(f"unstack {shape} {axis}", (shape,), lambda x: tf.unstack(x, axis=axis))


def gather(tf: Any, pick: Pick) -> Function:
    """GATHER at constant places."""
    shape = _shape(pick, smallest=2)
    axis = _axis(pick, shape)
    places = [pick.integer(0, shape[axis] - 1) for _ in range(pick.integer(1, 5))]
    return Function(
        f"gather {shape} {axis} {places}", (shape,), lambda x: tf.gather(x, places, axis=axis)
    )


def tile(tf: Any, pick: Pick) -> Function:
    """TILE."""
    shape = _shape(pick)
    times = [pick.integer(1, 3) for _ in shape]
    return Function(f"tile {shape} {times}", (shape,), lambda x: tf.tile(x, times))


def broadcast_to(tf: Any, pick: Pick) -> Function:
    """BROADCAST_TO."""
    shape = _shape(pick)
    source = tuple(pick.one_of((1, size)) for size in shape)
    if source == shape:
        shape = (shape[0] * 2, *shape[1:])
        source = (1, *source[1:])
    return Function(
        f"broadcast {source} {shape}", (source,), lambda x: tf.broadcast_to(tf.tanh(x), shape)
    )


def _resize(method: str) -> Callable[[Any, Pick], Function]:
    def function(tf: Any, pick: Pick) -> Function:
        shape = (1, pick.integer(1, 6), pick.integer(1, 6), pick.one_of((1, 3, 4)))
        size = [pick.integer(1, 11), pick.integer(1, 11)]
        form = pick.one_of(("half", "corners", "plain"))
        raw = getattr(tf.raw_ops, f"Resize{method}")
        return Function(
            f"resize {method} {shape} {size} {form}",
            (shape,),
            lambda x: raw(
                images=x,
                size=size,
                align_corners=form == "corners",
                half_pixel_centers=form == "half",
            ),
        )

    return function


def _blocks(name: str) -> Callable[[Any, Pick], Function]:
    def function(tf: Any, pick: Pick) -> Function:
        block = pick.integer(2, 3)
        depth = pick.integer(1, 3)
        size = (pick.integer(1, 4), pick.integer(1, 4))
        if name == "depth_to_space":
            shape = (1, *size, depth * block * block)
        else:
            shape = (1, size[0] * block, size[1] * block, depth)
        call = getattr(tf.nn, name)
        return Function(f"{name} {shape} {block}", (shape,), lambda x: call(x, block))

    return function


MOVEMENT: Mapping[str, Callable[[Any, Pick], Function]] = {
    "PAD": pad,
    "PADV2": padv2,
    "MIRROR_PAD": mirror_pad,
    "RESHAPE": reshape,
    "SHAPE": flatten,
    "TRANSPOSE": transpose,
    "CONCATENATION": concatenation,
    "SPLIT": split,
    "SPLIT_V": split_v,
    "SLICE": slice_,
    "STRIDED_SLICE": strided_slice,
    "PACK": pack,
    "UNPACK": unpack,
    "GATHER": gather,
    "TILE": tile,
    "BROADCAST_TO": broadcast_to,
    "RESIZE_NEAREST_NEIGHBOR": _resize("NearestNeighbor"),
    "RESIZE_BILINEAR": _resize("Bilinear"),
    "DEPTH_TO_SPACE": _blocks("depth_to_space"),
    "SPACE_TO_DEPTH": _blocks("space_to_depth"),
}
