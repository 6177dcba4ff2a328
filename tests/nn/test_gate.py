"""The gates' fixed point for every argument, against gemmlowp's as it is published, in numpy.

The reference shows a gate only through an 8-bit output; here all 16 bits are compared, and with
every saturation of the original.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_deploy import toolchains
from tests import compiled_model

Raw = NDArray[np.int64]

PROGRAM = """
#include <stdio.h>
#include "nn/gate.h"

int main(void)
{
    for (int32_t bits = -1; bits <= 6; ++bits) {
        for (int32_t x = INT16_MIN; x <= INT16_MAX; ++x) {
            const int32_t y = bits < 0 ? ed_gate_logistic(x) : ed_gate_tanh(x, bits);
            const int16_t narrow = (int16_t)y;
            fwrite(&narrow, 2, 1, stdout);
        }
    }
    return 0;
}
"""


def saturated(x: Raw) -> Raw:
    return x.clip(-(2**15), 2**15 - 1)


def times(a: Raw | int, b: Raw | int) -> Raw:
    """SaturatingRoundingDoublingHighMul."""
    product = np.asarray(a, np.int64) * b
    nudge = np.where(product >= 0, 2**14, 1 - 2**14)
    return saturated(np.fix((product + nudge) / 2**15).astype(np.int64))


def halved(x: Raw, exponent: int) -> Raw:
    """RoundingDivideByPOT: halves away from zero."""
    return (np.sign(x) * ((np.abs(x) + 2 ** (exponent - 1)) >> exponent)).astype(np.int64)


def exp_of_negative(a: Raw, bits: int) -> Raw:
    """exp_on_negative_values of a FixedPoint<int16, bits>; Q0.15."""
    quarter = 2 ** (13 - bits)
    rest = a % quarter - quarter
    x = saturated(rest * 2**bits) + 2**12
    x2 = times(x, x)
    x3, x4 = times(x2, x), times(x2, x2)
    tail = halved(times(halved(x4, 2) + x3, 10923) + x2, 1)
    result = saturated(28918 + times(28918, x + tail))
    for bit, factor in enumerate((25520, 19875, 12055, 4435, 600, 11, 0)):
        if bits > bit - 2:
            taken = ((rest - a) & (quarter << bit)) != 0
            result = np.where(taken, times(result, factor), result)
    if bits > 5:
        result = np.where(a < -(2 ** (20 - bits)), 0, result)
    return np.where(a == 0, 2**15 - 1, result)


def two_over_one_plus(a: Raw) -> Raw:
    """The Newton-Raphson division that both functions share; Q2.13."""
    half = (a + 2**15) // 2
    x = 23130 + times(half, -15420)
    for _ in range(3):
        x = x + saturated(times(x, 2**13 - times(half, x)) * 4)
    return x


def logistic(x: Raw) -> Raw:
    of_positive = saturated(2 * two_over_one_plus(exp_of_negative(-np.abs(x), 3)))
    result = np.where(x > 0, of_positive, 2**15 - 1 - of_positive)
    return np.where(x == 0, 2**14, result)


def tanh(x: Raw, bits: int) -> Raw:
    ratio = two_over_one_plus(exp_of_negative(-np.abs(x), bits + 1)) - 2**13
    of_positive = saturated(4 * ratio)
    return np.where(x == 0, 0, np.where(x < 0, -of_positive, of_positive))


@pytest.fixture(scope="module")
def gates(tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.int16]:
    """(1 + 7, 65536): the kernel's logistic, and tanh by integer bits, for every argument."""
    folder: Path = tmp_path_factory.mktemp("gate")
    (folder / "main.c").write_text(PROGRAM)
    flags = [*toolchains.CODE_FLAGS, *toolchains.WARNING_FLAGS, *compiled_model.SANITIZERS, "-O1"]
    words = [compiled_model.host_compiler(), *flags, "-I", str(compiled_model.INCLUDE)]
    words += ["-o", str(folder / "gates"), str(folder / "main.c")]
    built = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert built.returncode == 0, built.stderr
    done = subprocess.run([str(folder / "gates")], capture_output=True, check=True, timeout=300)
    return np.frombuffer(done.stdout, np.int16).reshape(8, -1)


EVERY = np.arange(-(2**15), 2**15)


def test_logistic_of_every_argument(gates: NDArray[np.int16]) -> None:
    np.testing.assert_array_equal(gates[0], logistic(EVERY))
    real = 1 / (1 + np.exp(-EVERY / 2**12)) * 2**15
    assert np.abs(gates[0] - real).max() < 8


@pytest.mark.parametrize("bits", range(7))
def test_tanh_of_every_argument(gates: NDArray[np.int16], bits: int) -> None:
    np.testing.assert_array_equal(gates[1 + bits], tanh(EVERY, bits))
    real = np.tanh(EVERY / 2 ** (15 - bits)) * 2**15
    assert np.abs(gates[1 + bits] - real).max() < 16
