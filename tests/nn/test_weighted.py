"""Convolutions and fully connected layers against the reference."""

from __future__ import annotations

import pytest

from edge_deploy import toolchains
from tests import compiled_model
from tests.nn import checks
from tests.nn.cases import Seeded
from tests.nn.cases_weighted import FAMILIES, conv_2d

test_family = checks.of(FAMILIES)


def test_the_generator_reaches_both_ways_to_share_a_weight():
    """Weights of -128 keep two rows from sharing a number; both layouts must be exercised."""
    seen = set()
    for seed in range(60):
        case = conv_2d(Seeded(seed))
        text = compiled_model.compile_graph(case.data, "cortex_m4")[1].files["ed_model.c"]
        seen |= {line.strip() for line in text.splitlines() if ".paired" in line}
        seen |= {line.strip() for line in text.splitlines() if ".quick" in line}
        seen |= {line.strip() for line in text.splitlines() if ".rectified" in line}
    wanted = {f".{name} = {value}," for name in ("paired", "quick", "rectified") for value in "01"}
    assert seen == wanted


def test_a_toolchain_is_named_where_it_is_missing():
    with pytest.raises(toolchains.ToolchainMissing):
        toolchains.find(toolchains.CORTEX_M4, "no-such-compiler")
