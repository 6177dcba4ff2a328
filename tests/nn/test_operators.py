"""Every operator, with random legal parameters, compiled and compared with the reference.

Portable kernels on this computer under sanitizers, portable and Cortex-M4 kernels on an
emulated Cortex-M4; bit for bit. EDGE_DEPLOY_SWEEP=<n> runs n more models of each family.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_deploy import model, toolchains
from tests import compiled_model
from tests.nn import cases

T = TypeVar("T")

# Inputs for each model: random ones, all lowest, all highest, and either end.
RUNS = 4
SWEEP = int(os.environ.get("EDGE_DEPLOY_SWEEP", "0"))

PROPERTY = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)


class Drawn:
    """Choices by hypothesis, which shrinks them."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high."""
        number: int = self._draw(st.integers(low, high))
        return number

    def one_of(self, values: Sequence[T]) -> T:
        """One of the values."""
        chosen: T = self._draw(st.sampled_from(list(values)))
        return chosen


@st.composite
def _case(draw: Any, family: str) -> cases.Case:
    return cases.FAMILIES[family](Drawn(draw))


def check_on_host(case: cases.Case) -> None:
    """Portable kernels under address and undefined-behaviour sanitizers."""
    inputs = compiled_model.random_inputs(model.read(case.data), RUNS)
    wanted = compiled_model.expected(case.data, inputs)
    got = compiled_model.run_on_host(case.data, inputs)
    compiled_model.assert_equal(case.data, got, wanted, what=f"host, {case.text}")


def check_on_m4(case: cases.Case, target: str, prefer: str | None) -> None:
    """A target's kernels on an emulated Cortex-M4."""
    inputs = compiled_model.random_inputs(model.read(case.data), RUNS)
    wanted = compiled_model.expected(case.data, inputs)
    toolchain = compiled_model.m4_toolchain(prefer)
    got = compiled_model.run_on_m4(case.data, inputs, target, toolchain).outputs
    what = f"{target} by {toolchain.identity}, {case.text}"
    compiled_model.assert_equal(case.data, got, wanted, what=what)


@pytest.mark.parametrize("family", cases.FAMILIES)
def test_portable_on_host(family):
    @PROPERTY
    @given(_case(family))
    def holds(case):
        check_on_host(case)

    holds()


@pytest.mark.parametrize("family", cases.FAMILIES)
def test_cortex_m4_by_gcc(family):
    compiled_model.m4_toolchain("arm-none-eabi-gcc")

    @PROPERTY
    @given(_case(family))
    def holds(case):
        check_on_m4(case, "cortex_m4", "arm-none-eabi-gcc")

    holds()


@pytest.mark.parametrize("family", cases.FAMILIES)
@pytest.mark.parametrize("seed", range(3))
def test_cortex_m4_by_zig(family, seed):
    check_on_m4(cases.FAMILIES[family](cases.Seeded(1000 + seed)), "cortex_m4", "zig")


@pytest.mark.parametrize("family", cases.FAMILIES)
@pytest.mark.parametrize("seed", range(2))
def test_portable_on_cortex_m4(family, seed):
    check_on_m4(cases.FAMILIES[family](cases.Seeded(2000 + seed)), "portable", None)


@pytest.mark.skipif(SWEEP == 0, reason="a sweep takes EDGE_DEPLOY_SWEEP=<models a family>")
@pytest.mark.parametrize("family", cases.FAMILIES)
def test_sweep(family):
    for seed in range(SWEEP):
        case = cases.FAMILIES[family](cases.Seeded(seed))
        check_on_host(case)
        check_on_m4(case, "cortex_m4", None)


def test_the_generator_reaches_both_ways_to_share_a_weight():
    """Weights of -128 keep two rows from sharing a number; both layouts must be exercised."""
    seen = set()
    for seed in range(60):
        case = cases.conv_2d(cases.Seeded(seed))
        text = compiled_model.compile_graph(case.data, "cortex_m4")[1].files["ed_model.c"]
        seen |= {line.strip() for line in text.splitlines() if ".paired" in line}
        seen |= {line.strip() for line in text.splitlines() if ".quick" in line}
        seen |= {line.strip() for line in text.splitlines() if ".rectified" in line}
    wanted = {f".{name} = {value}," for name in ("paired", "quick", "rectified") for value in "01"}
    assert seen == wanted


def test_a_toolchain_is_named_where_it_is_missing():
    with pytest.raises(toolchains.ToolchainMissing):
        toolchains.find(toolchains.CORTEX_M4, "no-such-compiler")
