"""The ESP32-S3's instructions: the assembly's text against the manual's forms, its meaning, and
what the same blocks do as C."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess

import numpy as np
import pytest

from tests.firmware import building
from tests.nn import pie
from tests.xtensa import machine

SOURCE = """
#include "nn/s3/depthwise.h"
#include "nn/s3/dot.h"

uint32_t dot(uint32_t vectors, const int8_t *a, const int8_t *b);
uint32_t dot(uint32_t vectors, const int8_t *a, const int8_t *b)
{
    return ed_s3_dot(vectors, a, b);
}

void sums(uint32_t count, int32_t step, const int8_t *taps, const int8_t *weights, int8_t *out);
void sums(uint32_t count, int32_t step, const int8_t *taps, const int8_t *weights, int8_t *out)
{
    ed_s3_depthwise_sums(count, step, taps, weights, out);
}
"""
# What no kernel may do.
MORE = """
int32_t lane(const int8_t *out, int32_t i);
int32_t lane(const int8_t *out, int32_t i)
{
    return ed_s3_depthwise_sum(out, i);
}

uint32_t ends(uint32_t vectors, const int8_t *a, const int8_t *b);
uint32_t ends(uint32_t vectors, const int8_t *a, const int8_t *b)
{
    const int32_t stay = 0;
    uint32_t sum;
    ED_PIE_BLOCK(ED_PIE_ZERO_ACCX ED_PIE_VLD_128_IP(0, a, 16) ED_PIE_VLD_128_XP(1, b, stay)
                     ED_PIE_LOOPNEZ(vectors, ED_PIE_VMULAS_S8_ACCX(0, 1)) ED_PIE_RUR_ACCX_0(sum),
                 0);
    return sum;
}
"""
MAIN = """
static int8_t ED_ALIGNED(16) rows[64];

int main(int arguments, char **words)
{
    const int8_t *a = rows;
    uint32_t sum = 0;
    (void)arguments;
    switch (words[1][0]) {
    case 'r': /* right */
        ED_PIE_BLOCK(ED_PIE_ZERO_ACCX ED_PIE_VLD_128_IP(0, a, 16) ED_PIE_VMULAS_S8_ACCX(0, 0)
                         ED_PIE_RUR_ACCX_0(sum),
                     0);
        break;
    case 'a': /* so many bytes off a boundary */
        a += words[1][1] - '0';
        ED_PIE_BLOCK(ED_PIE_VLD_128_IP(0, a, 16), 0);
        break;
    case 'q': /* a register that nothing was loaded into */
        ED_PIE_BLOCK(ED_PIE_ZERO_ACCX ED_PIE_VLD_128_IP(0, a, 16) ED_PIE_VMULAS_S8_ACCX(0, 1), 0);
        break;
    case 'x': /* an accumulator that was not zeroed */
        ED_PIE_BLOCK(ED_PIE_VLD_128_IP(0, a, 16) ED_PIE_VMULAS_S8_ACCX(0, 0), 0);
        break;
    default: /* sums to no boundary */
        sums(1, 16, rows, rows, rows + 4);
    }
    return (int)sum;
}
"""


@pytest.fixture(scope="module")
def chip(tmp_path_factory):
    """A folder to compile in as if for the chip."""
    folder = tmp_path_factory.mktemp("chip")
    (folder / "sdkconfig.h").write_text("#define CONFIG_IDF_TARGET_ESP32S3 1\n")
    (folder / "kernels.c").write_text(SOURCE)
    return folder


@pytest.fixture(scope="module")
def blocks(chip):
    """The inline assemblies of the kernels, by the function that has them."""
    words = ["-std=c99", "-E", "-P", "-D__XTENSA__", "-DESP_PLATFORM", "-I", str(chip)]
    words += ["-I", str(building.SOURCES), str(chip / "kernels.c")]
    done = subprocess.run(
        [_compiler(), *words], capture_output=True, text=True, timeout=120, check=True
    )
    found = pie.blocks(done.stdout)
    assert len(found) == 2
    return dict(zip(("dot", "sums"), found, strict=True))


def _compiler() -> str:
    compilers = building.host_compilers()
    if not compilers:
        pytest.skip("no gcc or clang on this machine")
    return compilers[0]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The same kernels for this computer."""
    folder = tmp_path_factory.mktemp("pie")
    (folder / "kernels.c").write_text(SOURCE + MORE)
    made = building.compile_c(
        [_compiler()], [folder / "kernels.c"], folder / "kernels.so", flags=_SHARED
    )
    loaded = ctypes.CDLL(str(made))
    loaded.dot.restype = loaded.ends.restype = ctypes.c_uint32
    return loaded


_SHARED = ("-O1", "-fPIC", "-shared")


def aligned(count: int) -> np.ndarray:
    """Zeros at a 16-byte boundary."""
    whole = np.zeros(count + 16, np.int8)
    first = -whole.ctypes.data % 16
    return whole[first : first + count]


def at(values: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(values.ctypes.data)


def drawn(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Any int8, the ends often."""
    draw = np.random.default_rng(seed)
    values = draw.integers(-128, 128, shape)
    return np.where(draw.random(shape) < 0.3, draw.choice([-128, 127], shape), values)


def test_each_line_is_an_instruction_of_the_manual(blocks):
    for block in blocks.values():
        for line in block.lines:
            if line != "9:":
                pie.form(line)


def test_gcc_is_told_what_a_block_reads_and_writes(blocks):
    for block in blocks.values():
        written, used = set(), set()
        for line in block.lines:
            if line == "9:":
                continue
            for letter, word in pie.form(line)[1].items():
                if word.startswith("%["):
                    used.add(word[2:-1])
                    written |= {word[2:-1]} if letter in pie.WRITTEN else set()
        assert written == set(block.outputs)
        assert used == {*block.outputs, *block.inputs}
        # A result gets no register of an input's: that may be read after it is written.
        assert set(block.outputs.values()) <= {"+r", "=&r"}
        assert set(block.inputs.values()) == {"r"}
        assert block.clobbers == ("memory",)


def test_nothing_is_read_that_the_block_has_not_set(blocks):
    """Registers and accumulators hold anything when a block begins."""
    for name, block in blocks.items():
        unit = pie.Unit(bytearray(64), 0)
        unit.run(block.lines, dict.fromkeys((*block.outputs, *block.inputs), 0))  # no turn at all
        assert (unit.accx, unit.qacc) == ((0, None) if name == "dot" else (None, [0] * 16))


@pytest.mark.parametrize("vectors", [0, 1, 2, 9])
def test_a_dot_product(blocks, model, vectors):
    a, b = drawn((16 * vectors,), 1), drawn((16 * vectors,), 2)
    wanted = int((a * b).sum()) % 2**32
    unit = pie.Unit(bytearray(np.concatenate([a, b]).astype(np.int8).tobytes()), 0x3FC80000)
    names = {"a": unit.base, "b": unit.base + 16 * vectors, "vectors": vectors}
    unit.run(blocks["dot"].lines, names)
    assert names["sum"] == wanted
    assert unit.count == 2 + 3 * vectors
    first, second = aligned(16 * vectors), aligned(16 * vectors)
    first[:], second[:] = a, b
    assert model.dot(ctypes.c_uint32(vectors), at(first), at(second)) == wanted


@pytest.mark.parametrize("count", [1, 9, 31, 40])
def test_the_sums_of_sixteen_channels(blocks, model, count):
    """40 products can be more than a lane holds, which stays at its end; no kernel goes there."""
    step = 32
    taps, weights = drawn((count, step), count), drawn((count, step), 100 + count)
    if count == 40:
        taps[:, :2], weights[:, :2] = (-128, -128), (-128, 127)
    wanted = (taps * weights).sum(axis=0)[:16]
    assert (np.abs(wanted) < 2**19).all() == (count < 40)
    both = np.concatenate([taps.ravel(), weights.ravel(), np.zeros(64, int)]).astype(np.int8)
    unit = pie.Unit(bytearray(both.tobytes()), 0x3FC80000)
    addresses = [unit.base + offset for offset in (0, count * step, 2 * count * step)]
    names = dict(zip(("taps", "weights", "sums"), addresses, strict=True))
    unit.run(blocks["sums"].lines, names | {"count": count, "step": step})
    by_manual = np.frombuffer(bytes(unit.memory[-64:]), np.int8)
    first, second, out = aligned(count * step), aligned(count * step), aligned(64)
    first[:], second[:] = taps.ravel(), weights.ravel()
    model.sums(ctypes.c_uint32(count), step, at(first), at(second), at(out))
    assert np.array_equal(out, by_manual)
    lanes = [model.lane(at(out), i) for i in range(16)]
    assert lanes == np.clip(wanted, -(2**19), 2**19 - 1).tolist()


def test_the_accumulator_of_all_lanes_stays_at_its_ends(model):
    lowest, highest = aligned(16), aligned(16)
    lowest[:], highest[:] = -128, 127
    vectors = 2**21  # of 16 * 2^14: one more than 40 bits hold
    assert model.ends(vectors - 1, at(lowest), at(lowest)) == (vectors - 1) * 16 * 2**14 % 2**32
    assert model.ends(vectors, at(lowest), at(lowest)) == 0xFFFFFFFF
    assert model.ends(vectors + 2**15, at(lowest), at(highest)) == 0


def test_what_the_chip_would_read_elsewhere_ends_the_program(tmp_path):
    (tmp_path / "ends.c").write_text(SOURCE + MAIN)
    made = building.compile_c([_compiler()], [tmp_path / "ends.c"], tmp_path / "ends")
    for word in ("right", "a1", "a8", "q", "x", "sums"):
        ended = subprocess.run([str(made), word], timeout=60, check=False).returncode
        assert ended == 0 if word == "right" else ended < 0, word


def test_another_chip_of_espressif_is_refused(chip, tmp_path):
    (tmp_path / "sdkconfig.h").write_text("#define CONFIG_IDF_TARGET_ESP32 1\n")
    words = ["-std=c99", "-E", "-D__XTENSA__", "-DESP_PLATFORM", "-I", str(tmp_path)]
    words += ["-I", str(building.SOURCES), str(chip / "kernels.c")]
    done = subprocess.run(
        [_compiler(), *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode != 0
    assert "without --target esp32s3" in done.stderr


def test_a_xtensa_compiler_puts_the_core_s_registers_in(chip, tmp_path):
    """Debian's compiler for another Xtensa core; its assembler does not know these instructions."""
    if shutil.which(machine.COMPILER) is None:
        pytest.skip(f"{machine.COMPILER} is not installed (Debian: apt install gcc-xtensa-lx106)")
    words = ["-std=c99", "-ffreestanding", "-O2", *building.WARNINGS, "-DESP_PLATFORM", "-S"]
    words += ["-I", str(chip), "-I", str(building.SOURCES), str(chip / "kernels.c")]
    out = tmp_path / "kernels.s"
    done = subprocess.run(
        [machine.COMPILER, *words, "-o", str(out)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [line.strip() for line in out.read_text().splitlines()]
    ours = [line for line in found if re.match(r"ee\.|rur\.|loopnez", line)]
    assert len(ours) == (5 + 1) + (8 + 1)
    for line in ours:
        registers = [word for word in pie.form(line)[1].values() if word.startswith("a")]
        assert "a1" not in registers  # the stack's
