"""The Arduino port: it compiles for both boards, and its parts do what they say."""

from __future__ import annotations

import ctypes
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as drawn

from tests.firmware import building

PORT = building.SOURCES / "ports" / "arduino"
FILES = sorted(PORT.glob("*.cpp"))
# The compilers of PlatformIO's platforms are older; these are what there is.
COMPILERS = {
    "nano33": ("arm-none-eabi-g++", building.NANO33, ["-mcpu=cortex-m4", "-mthumb", "-fno-rtti"]),
    "xiao_esp32s3": ("g++", building.XIAO, ["-fno-rtti"]),
}


@pytest.mark.parametrize("board", COMPILERS)
def test_every_file_compiles_without_a_warning(board, tmp_path):
    compiler, macro, flags = COMPILERS[board]
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not on this machine")
    assert len(FILES) > 5
    for file in FILES:
        building.compile_cpp(compiler, file, tmp_path / "x.o", board=macro, flags=flags)


# -- from the sensor's rate to the model's ---------------------------------------------------


class Resample(ctypes.Structure):
    """`ed_resample` of ed_resample.h."""

    _fields_ = (
        ("in_mhz", ctypes.c_uint32),
        ("out_mhz", ctypes.c_uint32),
        ("place", ctypes.c_uint64),
        ("begun", ctypes.c_bool),
        ("before", ctypes.c_int16 * 6),
        ("after", ctypes.c_int16 * 6),
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    compilers = building.host_compilers()
    if not compilers:
        pytest.skip("no gcc or clang on this machine")
    made = building.compile_c(
        compilers[:1],
        [PORT / "ed_resample.c"],
        tmp_path_factory.mktemp("resample") / "resample.so",
        flags=["-fPIC", "-shared", "-O1"],
    )
    loaded = ctypes.CDLL(str(made))
    loaded.ed_resample_next.restype = ctypes.c_bool
    return loaded


def resampled(library, samples, in_mhz, out_mhz):
    """(n, 6) int16 at one rate to (m, 6) at another, as the port does it."""
    state = Resample()
    library.ed_resample_begin(ctypes.byref(state), in_mhz, out_mhz)
    out = np.empty(6, np.int16)
    found = []
    for sample in samples:
        row = np.ascontiguousarray(sample)
        library.ed_resample_put(ctypes.byref(state), row.ctypes.data_as(ctypes.c_void_p))
        while library.ed_resample_next(ctypes.byref(state), out.ctypes.data_as(ctypes.c_void_p)):
            found.append(out.copy())
    return np.array(found).reshape(-1, 6)


SAMPLES = drawn.arrays(np.int16, st.tuples(st.integers(1, 60), st.just(6)))
RATES = st.sampled_from([14_900, 59_500, 100_000, 104_000, 119_000, 200_000, 238_000, 952_000])


@given(SAMPLES, RATES)
def test_the_same_rate_changes_nothing(library, samples, rate):
    assert np.array_equal(resampled(library, samples, rate, rate), samples)


@given(SAMPLES, RATES, RATES)
def test_another_rate_is_straight_lines_between_the_samples(library, samples, in_mhz, out_mhz):
    found = resampled(library, samples, in_mhz, out_mhz)
    places = np.arange(len(found)) * in_mhz / out_mhz  # in input samples
    # As many as lie between the first and the last sample, both with them.
    assert len(found) == (len(samples) - 1) * out_mhz // in_mhz + 1
    for axis in range(6):
        wanted = np.interp(places, np.arange(len(samples)), samples[:, axis])
        assert np.abs(found[:, axis] - wanted).max() <= 0.5 + 1e-6
