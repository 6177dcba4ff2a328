"""Dilated convolutions as SPACE_TO_BATCH_ND, CONV_2D and BATCH_TO_SPACE_ND, sometimes of a PAD.

Two convolutions may share what is taken apart, which may also be an output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tests.model_file import ModelBuilder
from tests.nn.cases import ZERO_POINTS, Case, Family, Pick


def dilated(pick: Pick) -> Case:
    """Of one or two dimensions, SAME, VALID or neither; 1-D with a dimension put in and out."""
    count = pick.integer(1, 2)
    blocks = [pick.integer(1, 4) for _ in range(count)]
    kernel = [pick.integer(1, 3) for _ in range(count)]
    reach = [(taps - 1) * block for taps, block in zip(kernel, blocks, strict=True)]
    causal = count == 1 and pick.one_of((False, True))
    kind = "VALID" if causal else pick.one_of(("SAME", "SAME", "VALID", "any"))
    # Zeros before and after the map that belong to the convolution.
    before = [r // 2 if kind == "SAME" else pick.integer(0, r) * (kind == "any") for r in reach]
    after = [r - b if kind == "SAME" else 0 for r, b in zip(reach, before, strict=True)]
    least = [max(1, r + 1 - b - a) for r, b, a in zip(reach, before, after, strict=True)]
    sizes = [low + pick.integer(0, 6) for low in least]
    outputs = [n + b + a - r for n, b, a, r in zip(sizes, before, after, reach, strict=True)]
    cropped = [pick.integer(0, 1) if pick.one_of((0, 0, 1)) else 0 for _ in range(count)]
    cropped = [min(c, n - 1) for c, n in zip(cropped, outputs, strict=True)]
    rest = [-(n + b + a) % k for n, b, a, k in zip(sizes, before, after, blocks, strict=True)]
    batches, depth, filters = pick.integer(1, 2), pick.one_of((1, 3, 4, 8)), pick.integer(1, 5)
    operator = pick.one_of(("CONV_2D", "CONV_2D", "DEPTHWISE_CONV_2D"))
    filters = depth if operator == "DEPTHWISE_CONV_2D" else filters

    model = ModelBuilder()
    rng = np.random.default_rng(pick.integer(0, 2**31))
    zero_point = pick.one_of(ZERO_POINTS)
    quantized = {"scale": 0.02, "zero_point": zero_point}
    scaled = {"scale": 0.5, "zero_point": pick.one_of(ZERO_POINTS)}

    def numbers(values: Sequence[object]) -> int:
        return model.tensor(np.shape(values), "int32", values=values)

    whole = tuple(sizes)
    if causal:
        start = model.tensor((batches, sizes[0] - least[0] + 1, depth), **quantized)
        x = model.tensor((batches, *sizes, depth), **quantized)
        model.op("PAD", [start, numbers([[0, 0], [least[0] - 1, 0], [0, 0]])], [x])
    else:
        start = x = model.tensor((batches, *sizes, depth), **quantized)
    parts = batches * int(np.prod(blocks))
    padded = [n + b + a + r for n, b, a, r in zip(sizes, before, after, rest, strict=True)]
    maps = [n // block for n, block in zip(padded, blocks, strict=True)]
    made = [n - taps + 1 for n, taps in zip(maps, kernel, strict=True)]
    apart = model.tensor((parts, *maps, depth), **quantized)
    sides = [[b, a + r] for b, a, r in zip(before, after, rest, strict=True)]
    model.op("SPACE_TO_BATCH_ND", [x, numbers(blocks), numbers(sides)], [apart])
    at = pick.integer(1, 2)  # where the dimension of 1 is put

    def as_map(shape: Sequence[int]) -> list[int]:
        return [*shape[: at - 1], 1, *shape[at - 1 :]] if count == 1 else list(shape)

    if count == 1:
        flat, apart = apart, model.tensor((parts, *as_map(maps), depth), **quantized)
        model.op("EXPAND_DIMS", [flat, numbers(at)], [apart])
    shape = (1, *as_map(kernel), depth) if filters == depth else None
    if operator == "CONV_2D":
        shape = (filters, *as_map(kernel), depth)
    crops = [
        [c, size * block - c - (n - c)]
        for size, block, n, c in zip(made, blocks, outputs, cropped, strict=True)
    ]
    left = [n - c for n, c in zip(outputs, cropped, strict=True)]

    def convolved() -> int:
        weights = model.tensor(shape, scale=0.01, values=rng.integers(-127, 128, shape))
        bias = model.tensor(
            (filters,), "int32", scale=0.0002, values=rng.integers(-9999, 9999, filters)
        )
        result = model.tensor((parts, *as_map(made), filters), **scaled)
        options = {"padding": "VALID", "stride_h": 1, "stride_w": 1}
        if operator == "DEPTHWISE_CONV_2D":
            options["depth_multiplier"] = 1
        model.op(operator, [apart, weights, bias], [result], options)
        if count == 1:
            wide, result = result, model.tensor((parts, *made, filters), **scaled)
            model.op("SQUEEZE", [wide], [result], {"squeeze_dims": [at]})
        y = model.tensor((batches, *left, filters), **scaled)
        model.op("BATCH_TO_SPACE_ND", [result, numbers(blocks), numbers(crops)], [y])
        return y

    found = [convolved() for _ in range(pick.one_of((1, 1, 2)))]  # two: a gate
    if pick.integer(0, 3) == 0:
        found.append(apart)
    text = f"{operator} {whole} kernel {kernel} by {blocks} {kind} sides {sides} crops {crops}"
    return Case(f"{text} outputs {len(found)}", model.finish([start], found))


FAMILIES: Mapping[str, Family] = {"dilated": dilated}
