"""What is tested of every family: compiled and compared with the reference, bit for bit.

Portable kernels on this computer under sanitizers, portable and Cortex-M4 kernels on an
emulated Cortex-M4. A group's test file says `test_family = checks.of(FAMILIES)`; pytest makes a
test of each family and check. `tests/sweep.py` runs many more models of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_deploy import model
from tests import compiled_model
from tests.nn.cases import Case, Family, Seeded

T = TypeVar("T")

# Inputs for each model: random ones, all lowest, all highest, and either end.
RUNS = 4
# One model in this many is built by zig instead of gcc, where a test takes turns.
ZIG_EACH = 4

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
def _drawn(draw: Any, family: Family) -> Case:
    return family(Drawn(draw))


def check_on_host(case: Case, target: str = "portable") -> int:
    """Kernels in C under address and undefined-behaviour sanitizers: values compared.

    target: `portable`, or `esp32s3`, whose instructions are done in C there.
    """
    inputs = compiled_model.random_inputs(model.read(case.data), RUNS)
    wanted = compiled_model.expected(case.data, inputs)
    got = compiled_model.run_on_host(case.data, inputs, target)
    compiled_model.assert_equal(case.data, got, wanted, what=f"{target} on host, {case.text}")
    return sum(array.size for run in wanted for array in run)


def check_on_m4(case: Case, target: str, prefer: str | None) -> int:
    """A target's kernels on an emulated Cortex-M4: values compared."""
    inputs = compiled_model.random_inputs(model.read(case.data), RUNS)
    wanted = compiled_model.expected(case.data, inputs)
    toolchain = compiled_model.m4_toolchain(prefer)
    got = compiled_model.run_on_m4(case.data, inputs, target, toolchain).outputs
    what = f"{target} by {toolchain.identity}, {case.text}"
    compiled_model.assert_equal(case.data, got, wanted, what=what)
    return sum(array.size for run in wanted for array in run)


def _portable_on_host(family: Family) -> None:
    @PROPERTY
    @given(_drawn(family))
    def holds(case: Case) -> None:
        check_on_host(case)

    holds()


def _cortex_m4_by_gcc(family: Family) -> None:
    compiled_model.m4_toolchain("arm-none-eabi-gcc")

    @PROPERTY
    @given(_drawn(family))
    def holds(case: Case) -> None:
        check_on_m4(case, "cortex_m4", "arm-none-eabi-gcc")

    holds()


def _cortex_m4_by_zig(family: Family) -> None:
    for seed in range(3):
        check_on_m4(family(Seeded(1000 + seed)), "cortex_m4", "zig")


def _portable_on_cortex_m4(family: Family) -> None:
    for seed in range(2):
        check_on_m4(family(Seeded(2000 + seed)), "portable", None)


CHECKS: Mapping[str, Callable[[Family], None]] = {
    "portable on host": _portable_on_host,
    "cortex_m4 by gcc": _cortex_m4_by_gcc,
    "cortex_m4 by zig": _cortex_m4_by_zig,
    "portable on cortex_m4": _portable_on_cortex_m4,
}


def of(families: Mapping[str, Family]) -> Callable[[str, str], None]:
    """A parametrized test of each family with each check."""

    @pytest.mark.parametrize("check", CHECKS)
    @pytest.mark.parametrize("family", families)
    def test_family(family: str, check: str) -> None:
        CHECKS[check](families[family])

    return test_family
