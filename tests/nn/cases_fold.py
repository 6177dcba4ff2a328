"""Constants that are computed before run time: shapes and their arithmetic, moved constants.

What is folded is joined to an input at the end, so that the model has something to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tests.nn.cases import Case, Family, Pick
from tests.nn.cases_move import Moves

_BINARY = ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "FLOOR_DIV", "FLOOR_MOD", "DIV")
_COMPARISONS = ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")


class _Constants(Moves):
    """int32 constants, each an index and its shape."""

    def __init__(self, pick: Pick) -> None:
        super().__init__(pick, ("int32",))
        self.text = ""

    def drawn(self, shape: Sequence[int], *, zero: bool = True) -> int:
        """Small ones; 0 only where it may be."""
        rng = np.random.default_rng(self.pick.integer(0, 2**31))
        values = rng.integers(-9, 10, shape)
        return self.numbers(values if zero else np.where(values == 0, 3, values))

    def folded(self, name: str, operands: Sequence[int], shape: Sequence[int], **options: Any):
        """One operator; its output and shape."""
        self.text += f" {name}{list(shape)}"
        return self.op(name, operands, [shape], options or None)[0], tuple(shape)

    def compared(self, one: int, other: int, shape: Sequence[int]) -> int:
        """A bool tensor."""
        name = self.pick.one_of(_COMPARISONS)
        output = self.model.tensor(shape, "bool")
        self.model.op(name, [one, other], [output])
        return output


def arithmetic(pick: Pick) -> Case:
    """A chain of operators over int32 constants."""
    m = _Constants(pick)
    shape: tuple[int, ...] = (pick.integer(1, 3), pick.integer(1, 3))
    x = m.drawn(shape)
    for _ in range(pick.integer(1, 5)):
        kind = pick.one_of(("binary", "binary", "unary", "select", "reduce", "move", "cast"))
        if kind == "binary":
            name = pick.one_of(_BINARY)
            other = tuple(size if pick.one_of((0, 1)) else 1 for size in shape)
            y = m.drawn(other, zero="DIV" not in name and "MOD" not in name)
            x, shape = m.folded(name, [x, y], shape)
        elif kind == "unary":
            x, shape = m.folded(pick.one_of(("ABS", "NEG", "ZEROS_LIKE")), [x], shape)
        elif kind == "select":
            y = m.drawn(shape)
            name = pick.one_of(("SELECT", "SELECT_V2"))
            x, shape = m.folded(name, [m.compared(x, y, shape), x, y], shape)
        elif kind == "reduce" and shape:
            axis, keep = pick.integer(0, len(shape) - 1), pick.one_of((False, True))
            left = list(shape)
            left[axis : axis + 1] = [1] if keep else []
            name = pick.one_of(("REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN", "SUM"))
            axes = m.numbers([axis - pick.one_of((0, len(shape)))])
            x, shape = m.folded(name, [x, axes], left, keep_dims=keep)
        elif kind == "move":
            name = pick.one_of(("EXPAND_DIMS", "TRANSPOSE", "TILE"))
            if name == "EXPAND_DIMS" and len(shape) < 4:
                x, shape = m.folded(name, [x, m.numbers([0])], (1, *shape))
            elif name == "TRANSPOSE" and shape:
                order = list(range(len(shape)))[::-1]
                x, shape = m.folded(name, [x, m.numbers(order)], shape[::-1])
            elif shape:
                counts = [2] * len(shape)
                x, shape = m.folded("TILE", [x, m.numbers(counts)], [2 * s for s in shape])
        elif kind == "cast":
            wide = m.model.tensor(shape, pick.one_of(("int64", "float32", "bool")))
            m.model.op("CAST", [x], [wide])
            x = m.tensor(shape)
            m.model.op("CAST", [wide], [x])
    count = int(np.prod(shape))
    x, _ = m.folded("RESHAPE", [x, m.numbers([-1])], (count,), new_shape=[-1])
    (y,) = m.op("CONCATENATION", [m.input((2,)), x], [(2 + count,)], {"axis": 0})
    return m.finish(f"fold{m.text}", [y])


def shapes(pick: Pick) -> Case:
    """A tensor flattened by its own SHAPE, as converters write it for open batches."""
    m = Moves(pick)
    shape = tuple(pick.integer(1, 5) for _ in range(pick.integer(2, 4)))
    x = m.input(shape)
    dtype = pick.one_of(("int32", "int32", "int64"))
    whole = m.model.tensor((len(shape),), dtype)
    m.model.op("SHAPE", [x], [whole], {"out_type": dtype.upper()})
    first = m.model.tensor((), dtype)
    ends = [m.numbers([0]), m.numbers([1]), m.numbers([1])]
    m.model.op("STRIDED_SLICE", [whole, *ends], [first], {"shrink_axis_mask": 1})
    rest = m.model.tensor((), dtype, values=int(np.prod(shape[1:])))
    both = m.model.tensor((2,), dtype)
    m.model.op("PACK", [first, rest], [both], {"values_count": 2, "axis": 0})
    if dtype == "int64":
        narrow = m.model.tensor((2,), "int32")
        m.model.op("CAST", [both], [narrow])
        both = narrow
    flat = (shape[0], int(np.prod(shape[1:])))
    (y,) = m.op("RESHAPE", [x, both], [flat])
    joined = (shape[0], 2 * flat[1])
    return m.finish(f"SHAPE {shape}", m.op("CONCATENATION", [y, y], [joined], {"axis": 1}))


def counted(pick: Pick) -> Case:
    """RANGE, FILL, RANK and BROADCAST_ARGS, joined."""
    m = Moves(pick, ("int32",))
    start, step = pick.integer(-5, 5), pick.one_of((1, 2, -1, -3))
    count = pick.integer(1, 5)
    limit = start + step * count - (1 if step > 1 and pick.one_of((0, 1)) else 0)
    ends = [m.numbers(start), m.numbers(limit), m.numbers(step)]
    parts = [m.input((2,)), *m.op("RANGE", ends, [(count,)])]
    parts += m.op("FILL", [m.numbers([3]), m.numbers(pick.integer(-9, 9))], [(3,)])
    one, other = [2, 1, pick.integer(1, 3)], [pick.integer(1, 3), 1]
    parts += m.op("BROADCAST_ARGS", [m.numbers(one), m.numbers(other)], [(3,)])
    (rank,) = m.op("RANK", [parts[0]], [()])
    parts += m.op("EXPAND_DIMS", [rank, m.numbers([0])], [(1,)])
    y = m.op("CONCATENATION", parts, [(2 + count + 3 + 3 + 1,)], {"axis": 0})
    return m.finish(f"RANGE {start} {limit} {step} FILL BROADCAST_ARGS RANK", y)


FAMILIES: Mapping[str, Family] = {
    "folded arithmetic": arithmetic,
    "folded counts": counted,
    "folded shapes": shapes,
}
