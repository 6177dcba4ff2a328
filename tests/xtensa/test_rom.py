"""Float32 and whole numbers of `bare/rom.c` against this computer's own arithmetic."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.firmware import building
from tests.xtensa import machine

NAMES = ("muldi3", "udivsi3", "umodsi3", "divsi3", "mulsf3", "addsf3", "subsf3", "floatunsisf",
         "floatsisf", "fixunssfsi")  # fmt: skip
PATTERNS = st.one_of(
    st.integers(0, 2**32 - 1),
    # Neighbours of what is special: zero, subnormal, one, the greatest, infinity.
    st.builds(
        lambda base, off, sign: (base + off) % 2**31 | sign << 31,
        st.sampled_from([0, 0x800000, 0x3F800000, 0x7F7FFFFF, 0x7F800000, 0x7FC00000]),
        st.integers(-3, 3),
        st.integers(0, 1),
    ),
)
WORDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def rom(tmp_path_factory):
    compilers = building.host_compilers()
    if not compilers:
        pytest.skip("no gcc or clang on this machine")
    names = [f"-D__{name}=rom_{name}" for name in NAMES] + ["-Dmemcpy=rom_memcpy"]
    made = building.compile_c(
        compilers[:1],
        [machine.BARE / "rom.c"],
        tmp_path_factory.mktemp("rom") / "rom.so",
        flags=["-O1", "-fPIC", "-shared", "-fno-builtin", *names],
    )
    loaded = ctypes.CDLL(str(made))
    real, word, wide = ctypes.c_float, ctypes.c_uint32, ctypes.c_uint64
    for name, result, arguments in (
        ("muldi3", wide, (wide, wide)),
        ("udivsi3", word, (word, word)),
        ("umodsi3", word, (word, word)),
        ("divsi3", ctypes.c_int32, (ctypes.c_int32, ctypes.c_int32)),
        ("mulsf3", real, (real, real)),
        ("addsf3", real, (real, real)),
        ("subsf3", real, (real, real)),
        ("floatunsisf", real, (word,)),
        ("floatsisf", real, (ctypes.c_int32,)),
        ("fixunssfsi", word, (real,)),
    ):
        function = getattr(loaded, f"rom_{name}")
        function.restype, function.argtypes = result, arguments
    return loaded


def real(pattern: int) -> np.float32:
    return np.uint32(pattern).view(np.float32)


@given(PATTERNS, PATTERNS)
def test_floats_are_rounded_as_here(rom, first, second):
    a, b = real(first), real(second)
    with np.errstate(all="ignore"):
        wanted = {"addsf3": a + b, "subsf3": a - b, "mulsf3": a * b}
    for name, value in wanted.items():
        found = np.float32(getattr(rom, f"rom_{name}")(a, b))
        assert found.tobytes() == value.tobytes() or (np.isnan(found) and np.isnan(value)), name


@given(WORDS)
def test_whole_numbers_become_the_nearest_float(rom, word):
    signed = word - 2**32 if word >= 2**31 else word
    assert rom.rom_floatunsisf(word) == np.float32(word)
    assert rom.rom_floatsisf(signed) == np.float32(signed)


@given(st.floats(0, 2**32, width=32, exclude_max=True))
def test_floats_become_whole_numbers(rom, value):
    assert rom.rom_fixunssfsi(value) == int(value)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_products_of_64_bits(rom, first, second):
    assert rom.rom_muldi3(first, second) == first * second % 2**64


@given(WORDS, st.one_of(st.integers(1, 9), st.integers(1, 2**32 - 1)))
def test_quotients(rom, dividend, divisor):
    assert rom.rom_udivsi3(dividend, divisor) == dividend // divisor
    assert rom.rom_umodsi3(dividend, divisor) == dividend % divisor
    a, b = (word - 2**32 if word >= 2**31 else word for word in (dividend, divisor))
    if (a, b) != (-(2**31), -1):
        assert rom.rom_divsi3(a, b) == abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
