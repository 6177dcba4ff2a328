"""Convolutions and fully connected layers against the reference."""

from __future__ import annotations

import re

import numpy as np
import pytest

from edge_deploy import toolchains
from tests import compiled_model
from tests.model_file import ModelBuilder
from tests.nn import checks
from tests.nn.cases import Case, Seeded
from tests.nn.cases_weighted import (
    FAMILIES,
    converted_conv_2d,
    depthwise_3x3,
    depthwise_narrow,
)

test_family = checks.of(FAMILIES)


def test_the_generator_reaches_every_inner_product_of_a_convolution():
    """Weights of -128 keep two rows from sharing a number; large sums and clamps need others."""
    seen = set()
    for seed in range(60):
        case = converted_conv_2d(Seeded(seed))
        text = compiled_model.compile_graph(case.data, "cortex_m4")[1].files["ed_model.c"]
        seen |= set(re.findall(r"ed_m4_conv_(\w+_(?:rectified|signed|scaled))", text))
    ends = ("rectified", "signed", "scaled")
    assert seen == {f"{weights}_{end}" for weights in ("paired", "bytes") for end in ends}


def test_the_generator_reaches_the_kernel_of_narrow_maps_in_every_way():
    seen = set()
    for seed in range(80):
        case = depthwise_narrow(Seeded(seed))
        compiled = compiled_model.compile_graph(case.data, "cortex_m4")[1]
        fours = "ed_m4_depthwise_fours_shape" in compiled.files["ed_model.c"]
        offsets = {buffer.offset for buffer in compiled.plan.buffers}
        turned = ".kernel_height = 1," in compiled.files["ed_model.c"]
        seen.add((fours, len(offsets) == 1, turned))
    assert {(True, True, True), (True, False, False), (False, False, False)} <= seen


def test_the_generator_reaches_all_loops_of_the_3x3_kernel_in_place():
    loops = re.compile(r"ed_m4_depthwise_3x3(?:_one)?\([^)]*?ed_m4_depthwise_(\w+)\)")
    seen = set()
    for seed in range(400):
        compiled = compiled_model.compile_graph(depthwise_3x3(Seeded(seed)).data, "cortex_m4")[1]
        found = loops.search(compiled.files["ed_model.c"])
        tensors = {b.offset for b in compiled.plan.buffers if b.name.startswith("tensor")}
        seen.add((found.group(1) if found else "none", len(tensors) == 1))
    kinds = [
        f"{kind}{n}_{words}" for kind in ("", "quick_", "any_") for n in "12" for words in (7, 15)
    ]
    assert {(kind, True) for kind in kinds} <= seen
    assert {("1_7", False), ("2_7", False)} <= seen  # with a multiplier


@pytest.mark.parametrize("toolchain", ["arm-none-eabi-gcc", "zig"])
@pytest.mark.parametrize(
    ("channels", "bias", "kind"),
    [
        (516, -512, "paired_signed"),  # the least sum is -2^23, the greatest that two share
        (516, -513, "paired_scaled"),
        (517, 16_256 - 512, "bytes_signed"),
        (517, 16_256 - 513, "bytes_scaled"),
    ],
)
def test_sums_at_the_ends_of_24_bits(channels, bias, kind, toolchain):
    builder = ModelBuilder()
    x = builder.tensor((1, 1, 3, channels), scale=0.05, zero_point=0)
    weights = np.full((5, 1, 1, channels), 127)
    w = builder.tensor(weights.shape, scale=[0.01] * 5, axis=0, values=weights)
    b = builder.tensor((5,), "int32", scale=[0.0005] * 5, values=[bias] * 5)
    y = builder.tensor((1, 1, 3, 5), scale=35.0, zero_point=3)
    options = {
        "padding": "VALID",
        "stride_h": 1,
        "stride_w": 1,
        "dilation_h_factor": 1,
        "dilation_w_factor": 1,
        "fused_activation_function": "NONE",
    }
    builder.op("CONV_2D", [x, w, b], [y], options)
    data = builder.finish([x], [y])
    text = compiled_model.compile_graph(data, "cortex_m4")[1].files["ed_model.c"]
    assert f"ed_m4_conv_{kind}," in text
    checks.check_on_m4(Case(kind, data), "cortex_m4", toolchain)


def test_a_toolchain_is_named_where_it_is_missing():
    with pytest.raises(toolchains.ToolchainMissing):
        toolchains.find(toolchains.CORTEX_M4, "no-such-compiler")
