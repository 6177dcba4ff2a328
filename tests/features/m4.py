"""The feature library on an emulated Cortex-M4: bits, cycles, instructions, stack."""

from __future__ import annotations

import functools
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_deploy import toolchains
from edge_deploy.sensing import AudioFeatureSettings
from tests.features import sound

unicorn = pytest.importorskip("unicorn", reason="the virtual extra is not installed")
from elftools.elf.elffile import ELFFile  # noqa: E402

from edge_deploy.devices.virtual.cpu import Cpu, Devices  # noqa: E402

TOOLCHAINS = ("arm-none-eabi-gcc", "zig")

FLASH_BYTES, RAM_BYTES = 1 << 20, 1 << 20
APPLICATION, RAM = 0x10000, 0x20000000
MARKS = 0xA0000000
MAIL, SAMPLES, OUT = RAM + 0x80000, RAM + 0x90000, RAM + 0xC0000
STACK = RAM + 0x80000

# The mail is the settings, the number of samples, scale and zero point.
MAIN = f"""
#include "features/ed_audio.h"
#include "features/ed_int8.h"

#define MARK (*(volatile uint32_t *){MARKS:#x}u)
#define DONE (*(volatile uint32_t *){MARKS + 4:#x}u)

typedef struct {{
    ed_audio_settings settings;
    uint32_t samples;
    float scale;
    int32_t zero_point;
}} mail;

void start(void);
void start(void)
{{
    static ed_audio audio;
    const mail *const m = (const mail *){MAIL:#x}u;
    const int16_t *samples = (const int16_t *){SAMPLES:#x}u;
    float *out = (float *){OUT:#x}u;
    uint32_t bins, frames = 0;

    *(volatile uint32_t *)0xE000ED88u |= 0xF00000u; /* the floating-point unit on */
    __asm__ volatile("dsb\\nisb");
    MARK = ed_audio_bytes();
    MARK = (uint32_t)ed_audio_init(&audio, &m->settings);
    bins = ed_audio_bins(&m->settings);
    for (uint32_t at = 0; at + m->settings.frame_samples <= m->samples;
         at += m->settings.hop_samples) {{
        MARK = 0;
        ed_audio_frame(&audio, samples + at, out + frames * bins);
        MARK = 0;
        frames++;
    }}
    ed_to_int8_all(out, frames * bins, m->scale, m->zero_point,
                          (int8_t *)(out + frames * bins));
    DONE = 0;
    for (;;) {{
    }}
}}

__attribute__((section(".vectors"), used)) static const void *const vectors[2] = {{
    (const void *){STACK:#x}u,
    (const void *)start,
}};
"""
LINK = f"""
ENTRY(start)
MEMORY {{
    FLASH (rx) : ORIGIN = {APPLICATION:#x}, LENGTH = 0x40000
    RAM (rw) : ORIGIN = {RAM:#x}, LENGTH = 0x40000
}}
SECTIONS {{
    .text : {{ KEEP(*(.vectors)) *(.text*) *(.rodata*) }} > FLASH
    .ARM.exidx : {{ *(.ARM.exidx*) }} > FLASH
    .data : {{ *(.data*) }} > RAM
    .bss (NOLOAD) : {{ *(.bss*) *(COMMON) }} > RAM
}}
"""


@dataclass(frozen=True)
class Run:
    """What a run gave. cycles, instructions: of each frame; cycles_clock: with wait states."""

    features: NDArray[np.float32]
    quantized: NDArray[np.int8]
    init_cycles: int
    cycles: tuple[int, ...]
    cycles_clock: tuple[int, ...]
    instructions: tuple[int, ...]
    structure_bytes: int
    stack_bytes: int


@functools.cache
def build(toolchain: str, room: tuple[int, int] = (1024, 64)) -> Path:
    """The ELF. room: ED_AUDIO_MAX_FFT and ED_AUDIO_MAX_MEL_BINS."""
    try:
        compiler = toolchains.find(toolchains.CORTEX_M4, toolchain)
    except toolchains.ToolchainMissing as missing:
        pytest.skip(str(missing))
    folder = Path(tempfile.mkdtemp(prefix="edge-deploy-features-"))
    (folder / "main.c").write_text(MAIN)
    (folder / "link.ld").write_text(LINK)
    return compiler.compile_and_link(
        [*sound.SOURCES, folder / "main.c"],
        folder / "features.elf",
        include=[sound.ROOT],
        defines={"ED_AUDIO_MAX_FFT": str(room[0]), "ED_AUDIO_MAX_MEL_BINS": str(room[1])},
        linker_script=folder / "link.ld",
        extra_flags=["-Wno-pedantic"],  # a function's address in the vector table
    )


def run(
    elf: Path,
    settings: AudioFeatureSettings,
    samples: NDArray[np.int16],
    *,
    scale: float = 0.1,
    zero_point: int = 0,
) -> Run:
    """The features of all whole frames in `samples`, and the same quantized."""
    flash = bytearray(b"\xff" * FLASH_BYTES)
    with elf.open("rb") as file:
        for segment in ELFFile(file).iter_segments("PT_LOAD"):
            if segment["p_filesz"]:
                at = segment["p_paddr"]
                flash[at : at + segment["p_filesz"]] = segment.data()
    marks: list[tuple[int, int, int, int]] = []
    done: list[int] = []

    def write(offset: int, value: int) -> None:
        if offset == 4:
            done.append(value)
            cpu.halt()
        else:
            marks.append((value, cpu.cycles, cpu.clock, cpu.instructions))

    cpu = Cpu(
        bytes(flash),
        ram_bytes=RAM_BYTES,
        wait_states=2,
        devices=(Devices(MARKS, 0x1000, lambda _: 0, write),),
    )
    paint = b"\xa5" * 0x8000
    cpu.write_ram(STACK - len(paint), paint)
    cpu.write_ram(
        MAIL, bytes(sound.for_c(settings)) + struct.pack("<Ifi", samples.size, scale, zero_point)
    )
    cpu.write_ram(SAMPLES, samples.astype("<i2").tobytes())
    cpu.reset(APPLICATION)
    while not done:
        assert cpu.cycles < 500_000_000, "the program does not end"
        cpu.run(cpu.clock + 10_000_000)
    assert marks[1][0] == 0, "ed_audio_init refused the settings"
    begins, ends = marks[2::2], marks[3::2]
    count = len(begins) * settings.bins
    stack = cpu.read_memory(STACK - len(paint), len(paint))
    return Run(
        features=np.frombuffer(cpu.read_memory(OUT, 4 * count), "<f4").reshape(-1, settings.bins),
        quantized=np.frombuffer(cpu.read_memory(OUT + 4 * count, count), np.int8),
        init_cycles=marks[1][1] - marks[0][1],
        cycles=tuple(b[1] - a[1] for a, b in zip(begins, ends, strict=True)),
        cycles_clock=tuple(b[2] - a[2] for a, b in zip(begins, ends, strict=True)),
        instructions=tuple(b[3] - a[3] for a, b in zip(begins, ends, strict=True)),
        structure_bytes=marks[0][0],
        stack_bytes=len(stack.lstrip(b"\xa5")),
    )
