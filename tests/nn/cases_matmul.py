"""Products of matrices: either way round, stretched batches, either operand constant."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tests.model_file import ModelBuilder
from tests.nn.cases import ZERO_POINTS, Case, Family, Pick


def _batches(pick: Pick) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The batches of two operands and of the output."""
    output = tuple(pick.integer(1, 3) for _ in range(pick.integer(0, 3)))
    kind = pick.one_of(("same", "same", "first", "second", "any"))
    if kind == "first":
        return (), output, output
    if kind == "second":
        return output, (), output
    if kind == "any":
        first = tuple(pick.one_of((n, 1)) for n in output)
        second = tuple(
            n if f == 1 else pick.one_of((n, 1)) for n, f in zip(output, first, strict=True)
        )
        return first, second, output
    return output, output, output


def batch_matmul(pick: Pick) -> Case:
    """BATCH_MATMUL."""
    batches = _batches(pick)
    rows, columns = pick.integer(1, 9), pick.integer(1, 9)
    depth = pick.one_of((1, 2, 3, 4, 5, 8, 16, 33))
    adj = pick.one_of((True, False)), pick.one_of((True, False))
    if batches[0][-1:] > (1,) and batches[1][-1:] == (1,):
        adj = False, adj[1]  # what the reference computes wrongly is refused
    matrices = (
        (depth, rows) if adj[0] else (rows, depth),
        (columns, depth) if adj[1] else (depth, columns),
    )
    rng = np.random.default_rng(pick.integer(0, 2**31))
    scales = [float(np.float32(10 ** rng.uniform(-3, 0))) for _ in range(2)]
    gain = pick.one_of((1.0, 1.0, 0.05, 10.0, 1e5))
    output_scale = float(np.float32(scales[0] * scales[1] * 73 * 73 * depth**0.5 / 50 / gain))
    constant = pick.one_of((None, None, 0, 1))
    model = ModelBuilder()
    operands = []
    for i, matrix in enumerate(matrices):
        shape = (*batches[i], *matrix)
        values = rng.integers(-128, 128, shape).astype(np.int8) if constant == i else None
        zero_point = pick.one_of(ZERO_POINTS)
        if constant == i and pick.one_of((True, True, False)):
            zero_point = 0
        operands.append(model.tensor(shape, scale=scales[i], zero_point=zero_point, values=values))
    y = model.tensor(
        (*batches[2], rows, columns), scale=output_scale, zero_point=pick.one_of(ZERO_POINTS)
    )
    model.op("BATCH_MATMUL", operands, [y], {"adj_x": adj[0], "adj_y": adj[1]}, version=2)
    inputs = [x for i, x in enumerate(operands) if i != constant]
    text = f"BATCH_MATMUL {batches} {matrices} adj {adj} constant {constant} gain {gain}"
    return Case(text, model.finish(inputs, [y]))


def fully_connected(pick: Pick) -> Case:
    """FULLY_CONNECTED with weights that are computed, as converters write some products."""
    rows = tuple(pick.integer(1, 5) for _ in range(pick.integer(1, 2)))
    inputs, outputs = pick.one_of((1, 3, 4, 7, 16, 33)), pick.integer(1, 9)
    rng = np.random.default_rng(pick.integer(0, 2**31))
    scales = [float(np.float32(10 ** rng.uniform(-3, 0))) for _ in range(2)]
    gain = pick.one_of((1.0, 1.0, 0.05, 10.0))
    output_scale = float(np.float32(scales[0] * scales[1] * 73 * 73 * inputs**0.5 / 50 / gain))
    keep = pick.one_of((True, False))
    shape = (*rows, outputs) if keep else (int(np.prod(rows)), outputs)
    model = ModelBuilder()
    x, w = (
        model.tensor(size, scale=scale, zero_point=pick.one_of(ZERO_POINTS))
        for size, scale in zip(((*rows, inputs), (outputs, inputs)), scales, strict=True)
    )
    y = model.tensor(shape, scale=output_scale, zero_point=pick.one_of(ZERO_POINTS))
    model.op("FULLY_CONNECTED", [x, w, -1], [y], {"keep_num_dims": keep}, version=9)
    return Case(
        f"FULLY_CONNECTED {rows} {inputs} -> {outputs} keep {keep}", model.finish([x, w], [y])
    )


FAMILIES: Mapping[str, Family] = {
    "batch_matmul": batch_matmul,
    "fully_connected_computed": fully_connected,
}
