"""Changes of type and scale against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from tests import compiled_model
from tests.model_file import ModelBuilder
from tests.nn import checks
from tests.nn.cases_convert import FAMILIES

test_family = checks.of(FAMILIES)


@pytest.mark.parametrize("prefer", ["arm-none-eabi-gcc", "zig"])
def test_ties_of_all_steps_and_their_neighbours_on_cortex_m4(prefer: str) -> None:
    """Where a product with the inverse scale could round otherwise than the quotient."""
    draw = np.random.default_rng(0)
    toolchain = compiled_model.m4_toolchain(prefer)
    halves = np.arange(-700, 700) + 0.5
    for i in range(24):
        scale = np.float32(draw.choice((10 ** draw.uniform(-4, 2), 2.0 ** draw.integers(-9, 3))))
        dtype = ("int8", "uint8")[i % 2]
        zero_point = int(draw.choice((-128, 0, 127))) + 128 * (i % 2)
        ties = (halves * np.float64(scale)).astype(np.float32)
        values = [ties, np.float32(0) - ties[::7], np.array(compiled_model.FLOAT_EDGES, np.float32)]
        for end in (np.inf, -np.inf):
            near = ties
            for _ in range(3):
                near = np.nextafter(near, np.float32(end))
                values.append(near)
        big = scale * np.float32(2) ** np.arange(8, 40, dtype=np.float32)
        x = np.concatenate([*values, big, -big, np.nextafter(big, np.float32(np.inf))])
        model = ModelBuilder()
        a = model.tensor(x.shape, "float32")
        b = model.tensor(x.shape, dtype, scale=float(scale), zero_point=zero_point)
        model.op("QUANTIZE", [a], [b])
        data = model.finish([a], [b])
        wanted = compiled_model.expected(data, [[x]])
        got = compiled_model.run_on_m4(data, [[x]], "cortex_m4", toolchain).outputs
        compiled_model.assert_equal(data, got, wanted, what=f"scale {scale}, {dtype} {zero_point}")
