"""Run the compiler's C: on this computer with sanitizers, and on an emulated Cortex-M4.

`run_on_host` builds an executable, `run_on_m4` a bare-metal image for unicorn; both take the
bytes of a `.tflite` and a list of inputs, and return the outputs. Built programs are kept for
the session by their content.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_deploy import compiler, model, places, toolchains
from edge_deploy.compiler import Compiled
from edge_deploy.model import oracle
from edge_deploy.model.graph import Graph

INCLUDE = places.shipped("firmware", "src")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover", "-g")

# One set of inputs for a run: an array for each of the model's inputs.
Inputs = Sequence[NDArray[Any]]

HOST_MAIN = """
#include <stdio.h>
#include <string.h>
#include "model/ed_model.h"

static int laps;
static void count(uint16_t layer) { laps += layer == laps ? 1 : 1000; }

int main(void)
{
    ed_model_reset();
    for (;;) {
        for (uint16_t i = 0; i < ed_model.inputs; ++i) {
            const size_t bytes = ed_model.input[i].bytes;
            if (fread(ed_model_input(i), 1, bytes, stdin) != bytes) {
                return 0;
            }
        }
        laps = 0;
        ed_model_invoke(count);
        if (laps != ed_model.layers) {
            return 3;
        }
        for (uint16_t i = 0; i < ed_model.outputs; ++i) {
            if (fwrite(ed_model_output(i), 1, ed_model.output[i].bytes, stdout) !=
                ed_model.output[i].bytes) {
                return 4;
            }
        }
    }
}
"""

# Flash and RAM are roomy: whether a model fits a board is not what these tests are about.
FLASH, FLASH_BYTES = 0x00010000, 0x00FF0000
RAM, RAM_BYTES = 0x20000000, 0x00800000
STACK_BYTES = 0x4000
MAIL, MAIL_BYTES = 0x40000000, 0x00800000  # what the test and the program hand each other

M4_MAIN = """
#include "model/ed_model.h"

typedef struct {
    uint32_t runs, inputs, outputs;
} mail;

__attribute__((noinline)) void finished(void);
void finished(void)
{
    for (;;) {
        __asm__ volatile("");
    }
}

/* For who watches an image layer by layer: build_for_m4(laps=True). */
__attribute__((noinline)) void lap(uint16_t layer);
void lap(uint16_t layer)
{
    (void)layer;
    __asm__ volatile("");
}
#ifndef LAP
#define LAP 0
#endif

void start(void);
void start(void)
{
    const mail *const m = (const mail *)0x40000000u;
    const uint8_t *in = (const uint8_t *)m + 16;
    uint8_t *out = (uint8_t *)0x40400000u;
    ed_model_reset();
    for (uint32_t run = 0; run < m->runs; ++run) {
        for (uint16_t i = 0; i < ed_model.inputs; ++i) {
            uint8_t *to = ed_model_input(i);
            for (uint32_t n = 0; n < ed_model.input[i].bytes; ++n) {
                to[n] = *in++;
            }
        }
        ed_model_invoke(LAP);
        for (uint16_t i = 0; i < ed_model.outputs; ++i) {
            const uint8_t *from = ed_model_output(i);
            for (uint32_t n = 0; n < ed_model.output[i].bytes; ++n) {
                *out++ = from[n];
            }
        }
    }
    finished();
}

/* What a C compiler may call of itself. */
void *memset(void *to, int value, __SIZE_TYPE__ bytes);
__attribute__((weak)) void *memset(void *to, int value, __SIZE_TYPE__ bytes)
{
    volatile uint8_t *at = to;
    while (bytes-- > 0) {
        *at++ = (uint8_t)value;
    }
    return to;
}

void *memcpy(void *to, const void *from, __SIZE_TYPE__ bytes);
__attribute__((weak)) void *memcpy(void *to, const void *from, __SIZE_TYPE__ bytes)
{
    volatile uint8_t *at = to;
    const uint8_t *source = from;
    while (bytes-- > 0) {
        *at++ = *source++;
    }
    return to;
}
"""

LINK = f"""
ENTRY(start)
MEMORY {{
    FLASH (rx) : ORIGIN = {FLASH:#x}, LENGTH = {FLASH_BYTES:#x}
    RAM (rw) : ORIGIN = {RAM:#x}, LENGTH = {RAM_BYTES - STACK_BYTES:#x}
}}
SECTIONS {{
    .text : {{ *(.text*) *(.rodata*) }} > FLASH
    .ARM.exidx : {{ *(.ARM.exidx*) }} > FLASH
    .data : {{ *(.data*) }} > RAM
    .bss : {{ *(.bss*) *(COMMON) }} > RAM
}}
"""


@functools.cache
def _folder() -> Path:
    """Where this session's programs are."""
    return Path(tempfile.mkdtemp(prefix="edge-deploy-compiled-"))


def compile_graph(data: bytes, target: str, **options: Any) -> tuple[Graph, Compiled]:
    """Read and compile the bytes of a `.tflite`."""
    graph = model.read(data)
    return graph, compiler.compile(graph, target=target, **options)


def write(compiled: Compiled, folder: Path) -> Path:
    """Write the generated files into a folder; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in compiled.files.items():
        (folder / name).write_text(text, encoding="ascii")
    return folder


def _place(compiled: Compiled, *others: str) -> Path:
    key = hashlib.sha256("\0".join([*compiled.files.values(), *others]).encode()).hexdigest()
    return write(compiled, _folder() / key[:24])


def _packed(inputs: Sequence[Inputs]) -> bytes:
    return b"".join(np.ascontiguousarray(x).tobytes() for each in inputs for x in each)


def _unpacked(graph: Graph, runs: int, data: bytes) -> list[list[NDArray[Any]]]:
    """The outputs of each run, from all their bytes."""
    outputs: list[list[NDArray[Any]]] = []
    offset = 0
    for _ in range(runs):
        outputs.append([])
        for index in graph.outputs:
            tensor = graph.tensors[index]
            piece = np.frombuffer(data, tensor.dtype.value, tensor.elements, offset)
            outputs[-1].append(piece.reshape(tensor.shape))
            offset += tensor.bytes
    assert offset == len(data)
    return outputs


@functools.cache
def host_compiler() -> str:
    """A native gcc or clang that has the sanitizers; skips the test where there is none."""
    for name in ("gcc", "clang"):
        if shutil.which(name):
            return name
    pytest.skip("no gcc or clang for the sanitizers")


def run_on_host(
    data: bytes, inputs: Sequence[Inputs], target: str = "portable", cc: str | None = None
) -> list[list[NDArray[Any]]]:
    """The outputs of the generated C on this computer, under address and UB sanitizers."""
    graph, compiled = compile_graph(data, target)
    cc = cc or host_compiler()
    folder = _place(compiled, "host", cc)
    program = folder / "program"
    if not program.exists():
        (folder / "main.c").write_text(HOST_MAIN)
        flags = [*toolchains.CODE_FLAGS, *toolchains.WARNING_FLAGS, *SANITIZERS, "-O1"]
        words = [cc, *flags, "-I", str(folder), "-I", str(INCLUDE), "-o", str(program)]
        words += [str(folder / "ed_model.c"), str(folder / "main.c")]
        built = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
        assert built.returncode == 0, built.stderr
    done = subprocess.run(
        [str(program)], input=_packed(inputs), capture_output=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode()
    return _unpacked(graph, len(inputs), done.stdout)


@dataclass(frozen=True)
class M4Image:
    """A bare-metal program: its ELF, and what was compiled into it."""

    elf: Path
    graph: Graph
    compiled: Compiled

    def symbol(self, name: str) -> int:
        """The address of a symbol, a file-local one too."""
        return _symbols(self.elf)[name]


@dataclass(frozen=True)
class M4Run:
    """What an emulated run gave. ram: all of it afterwards; instructions: of all runs."""

    outputs: list[list[NDArray[Any]]]
    instructions: int
    ram: bytes
    image: M4Image

    def symbol(self, name: str) -> int:
        """The address of a symbol of the image, a file-local one too."""
        return self.image.symbol(name)


def m4_toolchain(prefer: str | None = None) -> toolchains.Toolchain:
    """A compiler for the Cortex-M4; skips the test where there is none."""
    try:
        return toolchains.find(toolchains.CORTEX_M4, prefer)
    except toolchains.ToolchainMissing as missing:
        pytest.skip(str(missing))


def build_for_m4(
    data: bytes,
    target: str = "cortex_m4",
    toolchain: toolchains.Toolchain | None = None,
    *,
    laps: bool = False,
) -> M4Image:
    """The bare-metal image of a model. target: which kernels. laps: `lap` is called by layers."""
    graph, compiled = compile_graph(data, target)
    toolchain = toolchain or m4_toolchain()
    defines = {"LAP": "lap"} if laps else {}
    folder = _place(compiled, "m4", toolchain.cache_key, *defines)
    elf = folder / "program.elf"
    if not elf.exists():
        (folder / "main.c").write_text(M4_MAIN)
        (folder / "link.ld").write_text(LINK)
        toolchain.compile_and_link(
            [folder / "ed_model.c", folder / "main.c"],
            elf,
            include=[folder, INCLUDE],
            defines=defines,
            linker_script=folder / "link.ld",
        )
    return M4Image(elf, graph, compiled)


@functools.cache
def _symbols(elf: Path) -> dict[str, int]:
    elffile = pytest.importorskip("elftools.elf.elffile")
    with elf.open("rb") as file:
        table = elffile.ELFFile(file).get_section_by_name(".symtab")
        return {s.name: int(s["st_value"]) & ~1 for s in table.iter_symbols() if s.name}


def run_image(
    image: M4Image,
    inputs: Sequence[Inputs],
    *,
    count: bool = False,
    ram_fill: int = 0xA5,
    watch: Callable[[Any], None] | None = None,
) -> M4Run:
    """Run an image under unicorn.

    count: count instructions, in Python at about 1 us a basic block; otherwise they are 0.
    ram_fill: what RAM holds before. watch: given the emulator, to add hooks.
    """
    unicorn = pytest.importorskip("unicorn")
    arm = pytest.importorskip("unicorn.arm_const")
    elffile = pytest.importorskip("elftools.elf.elffile")
    uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    uc.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M4)
    uc.mem_map(0, FLASH + FLASH_BYTES, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
    uc.mem_map(RAM, RAM_BYTES, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
    uc.mem_map(MAIL, MAIL_BYTES, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
    uc.mem_write(RAM, bytes([ram_fill]) * RAM_BYTES)
    with image.elf.open("rb") as file:
        for segment in elffile.ELFFile(file).iter_segments("PT_LOAD"):
            if segment["p_filesz"]:
                uc.mem_write(segment["p_vaddr"], segment.data())
    packed = _packed(inputs)
    uc.mem_write(MAIL, len(inputs).to_bytes(4, "little"))
    uc.mem_write(MAIL + 16, packed)
    counted = [0]
    lengths: dict[tuple[int, int], int] = {}

    def block(machine: Any, address: int, size: int, _: Any) -> None:
        if (address, size) not in lengths:
            lengths[address, size] = _instructions(bytes(machine.mem_read(address, size)))
        counted[0] += lengths[address, size]

    if count:
        uc.hook_add(unicorn.UC_HOOK_BLOCK, block)
    if watch is not None:
        watch(uc)
    uc.reg_write(arm.UC_ARM_REG_SP, RAM + RAM_BYTES)
    symbols = _symbols(image.elf)
    uc.emu_start(symbols["start"] | 1, symbols["finished"], timeout=300_000_000)
    assert uc.reg_read(arm.UC_ARM_REG_PC) & ~1 == symbols["finished"], "stopped half-way"
    size = len(inputs) * sum(image.graph.tensors[i].bytes for i in image.graph.outputs)
    outputs = _unpacked(image.graph, len(inputs), bytes(uc.mem_read(MAIL + 0x400000, size)))
    return M4Run(outputs, counted[0], bytes(uc.mem_read(RAM, RAM_BYTES)), image)


def _instructions(code: bytes) -> int:
    """Thumb-2 instructions in a block: a first halfword of 0b11101 and above begins a long one."""
    count = offset = 0
    while offset < len(code):
        offset += 4 if code[offset + 1] >> 3 >= 0b11101 else 2
        count += 1
    return count


def run_on_m4(
    data: bytes,
    inputs: Sequence[Inputs],
    target: str = "cortex_m4",
    toolchain: toolchains.Toolchain | None = None,
    count: bool = False,
) -> M4Run:
    """The outputs of the generated C on an emulated Cortex-M4. count: see `run_image`."""
    return run_image(build_for_m4(data, target, toolchain), inputs, count=count)


# Values on which a conversion of floats can go wrong: no number, infinite, too large for an
# int32, halves, their neighbours, the least.
FLOAT_EDGES = (
    np.nan, np.inf, -np.inf, 0.0, -0.0, 0.5, -0.5, 1.5, -2.5, 0.49999997, -0.49999997, 1e-45,
    2.0**23 + 1, 2.0**31, -(2.0**31), 2.0**31 - 128, 2.0**32, 3.4028235e38, -3.4028235e38,
)  # fmt: skip


def random_inputs(graph: Graph, count: int, seed: int = 0) -> list[list[NDArray[Any]]]:
    """Inputs over the whole range; some runs are extreme: all lowest, all highest, either."""
    draw = np.random.default_rng(seed)
    return [
        [
            _random_input(draw, graph.tensors[index].shape, graph.tensors[index].dtype.value, run)
            for index in graph.inputs
        ]
        for run in range(count)
    ]


def _random_input(
    draw: np.random.Generator, shape: tuple[int, ...], dtype: str, run: int
) -> NDArray[Any]:
    if dtype == "float32":
        magnitude = draw.choice([0.01, 1.0, 100.0]) * 10 ** draw.uniform(-2, 1, shape)
        values = magnitude * draw.choice([-1.0, 1.0], shape)
        return (draw.choice(FLOAT_EDGES, shape) if run % 4 == 3 else values).astype(np.float32)
    if dtype == "bool":
        return draw.integers(0, 2, shape).astype(np.bool_)
    limits = np.iinfo(dtype)
    values = draw.integers(limits.min, limits.max, shape, np.dtype(dtype), endpoint=True)
    if run == 1:
        values = np.full(shape, limits.min)
    elif run == 2:
        values = np.full(shape, limits.max)
    elif run % 4 == 3:
        values = draw.choice([limits.min, limits.max], shape)
    return values.astype(dtype)


def expected(data: bytes, inputs: Sequence[Inputs]) -> list[list[NDArray[Any]]]:
    """What TensorFlow Lite's reference kernels give; skips the test where they are not there.

    Of an operator whose int8 kernel 2.14 does not have, the newer runtime's kernel.
    """
    require_exact_reference()
    reference = oracle.open_reference(data)
    return [reference.run(list(each)) for each in inputs]


@functools.cache
def require_exact_reference() -> None:
    """Skip the test where the runtime is not here that the kernels are exact to."""
    try:
        name = oracle.runtimes()[0][0]
    except oracle.ReferenceMissing as missing:
        pytest.skip(str(missing))
    if "2.14" not in name:
        pytest.skip(f"{name} is not the reference that the kernels are exact to")


def assert_equal(
    data: bytes,
    got: Sequence[Sequence[NDArray[Any]]],
    wanted: Sequence[Sequence[NDArray[Any]]],
    *,
    what: str,
) -> None:
    """Compare bit for bit; on a difference the model is saved, and the message says where."""
    for run, (a, b) in enumerate(zip(got, wanted, strict=True)):
        for output, (x, y) in enumerate(zip(a, b, strict=True)):
            wrong = int(np.count_nonzero(_bits(x) != _bits(y)))
            if wrong:
                digest = hashlib.sha256(data).hexdigest()[:12]
                saved = Path(tempfile.gettempdir()) / f"edge-deploy-failing-{digest}.tflite"
                saved.write_bytes(data)
                pytest.fail(
                    f"{what}: run {run}, output {output}: {wrong} of {x.size} values differ; "
                    f"the model is in {saved}"
                )


def _bits(values: NDArray[Any]) -> NDArray[Any]:
    """So that no number equals itself, and 0 is not -0."""
    return values.view(f"u{values.dtype.itemsize}") if values.shape else values
