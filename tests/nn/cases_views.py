"""Parts of tensors between layers that could write over them: split, computed, joined again."""

from __future__ import annotations

from collections.abc import Mapping

from tests.nn.cases import Case, Family, Pick
from tests.nn.cases_move import Moves


def views(pick: Pick) -> Case:
    """Tensors of [rows, 4] or [rows, 3]; pieces of rows are pieces of memory."""
    m = Moves(pick)
    m.scale, m.zero_point = 1 / 256, -128  # as SOFTMAX makes them
    depth = pick.one_of((4, 4, 8, 3))
    live = [(m.input((rows, depth)), rows) for rows in (pick.integer(2, 5), pick.integer(1, 3))]
    live = live[: pick.integer(1, 2)]
    m.inputs = [tensor for tensor, _ in live]
    text = ""
    for _ in range(pick.integer(2, 7)):
        kind = pick.one_of(("SPLIT_V", "SLICE", "CONCATENATION", "SOFTMAX", "SOFTMAX", "ADD"))
        x, rows = live[pick.integer(0, len(live) - 1)]
        if kind == "SPLIT_V" and rows > 1:
            first = pick.integer(1, rows - 1)
            sizes = [first, rows - first]
            operands = [x, m.numbers(sizes), m.numbers([0])]
            parts = m.op(kind, operands, [(size, depth) for size in sizes], {"num_splits": 2})
            live += zip(parts, sizes, strict=True)
        elif kind == "SLICE":
            begin = pick.integer(0, rows - 1)
            size = pick.integer(1, rows - begin)
            operands = [x, m.numbers([begin, 0]), m.numbers([size, depth])]
            live.append((m.op(kind, operands, [(size, depth)])[0], size))
        elif kind == "CONCATENATION":
            joined = [live[pick.integer(0, len(live) - 1)] for _ in range(pick.integer(1, 3))]
            size = sum(rows for _, rows in joined)
            operands = [tensor for tensor, _ in joined]
            live.append((m.op(kind, operands, [(size, depth)], {"axis": 0})[0], size))
        elif kind == "SOFTMAX":
            live.append((m.op(kind, [x], [(rows, depth)], {"beta": 1.0})[0], rows))
        elif kind == "ADD":
            others = [tensor for tensor, size in live if size == rows]
            other = others[pick.integer(0, len(others) - 1)]
            live.append((m.op(kind, [x, other], [(rows, depth)])[0], rows))
        else:
            continue
        text += f" {kind}"
    made = [tensor for tensor, _ in live if tensor not in m.inputs]
    if not made:
        made = m.op("SOFTMAX", [live[0][0]], [(live[0][1], depth)], {"beta": 1.0})
    outputs = list(dict.fromkeys([made[-1], made[pick.integer(0, len(made) - 1)]]))
    return m.finish(f"views of {depth}:{text}", outputs)


FAMILIES: Mapping[str, Family] = {"views": views}
