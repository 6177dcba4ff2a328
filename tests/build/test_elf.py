"""Flat images and sizes, without binutils, from what both compilers link."""

from __future__ import annotations

import shutil

import pytest

from edge_deploy import build, process, toolchains
from edge_deploy.build import elf
from edge_deploy.errors import BuildFailed

SCRIPT = """\
ENTRY(begin)
MEMORY
{
    FLASH (rx) : ORIGIN = 0x00010000, LENGTH = 0x10000
    RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 0x10000
}
SECTIONS
{
    .text : { KEEP(*(.vectors)) *(.text .text.*) *(.rodata .rodata.*) . = ALIGN(4); } > FLASH
    .stack (NOLOAD) : { . += 512; } > RAM
    .data : { *(.data .data.*) . = ALIGN(4); } > RAM AT > FLASH
    .bss (NOLOAD) : { *(.bss .bss.*) . = ALIGN(4); } > RAM
    /DISCARD/ : { *(.ARM.exidx* .ARM.extab*) }
}
"""
PROGRAM = """\
__attribute__((section(".vectors"), used)) static const unsigned vectors[2] = {0x20000200u, 77u};
const unsigned char layer_0_weights[300] = {1, 2, 3};
unsigned counter[3] = {0x11223344u, 5u, 6u};
unsigned char arena[1000];
void begin(void);
void begin(void)
{
    for (volatile unsigned *at = counter;; ++at) {
        *at += layer_0_weights[*at];
        arena[*at] = 1;
    }
}
"""


@pytest.fixture(params=["arm-none-eabi-gcc", "zig"])
def compiler(request):
    try:
        return toolchains.find(toolchains.CORTEX_M4, request.param)
    except toolchains.ToolchainMissing as error:
        pytest.skip(error.message)


@pytest.fixture
def linked(compiler, tmp_path):
    (tmp_path / "p.c").write_text(PROGRAM)
    (tmp_path / "script.ld").write_text(SCRIPT)
    return compiler.compile_and_link(
        [tmp_path / "p.c"],
        tmp_path / "p.elf",
        linker_script=tmp_path / "script.ld",
        extra_flags=["-Wno-missing-variable-declarations"],
    )


def test_the_image_begins_with_the_vectors_and_ends_with_the_data(linked):
    address, image = build.flat_image(linked)
    assert address == 0x10000
    assert image[:8] == bytes.fromhex("00020020 4d000000")
    assert image[-12:] == bytes.fromhex("44332211 05000000 06000000")


def test_the_image_is_objcopys(linked, tmp_path):
    if shutil.which("arm-none-eabi-objcopy") is None:
        pytest.skip("arm-none-eabi-objcopy is not installed")
    words = ["arm-none-eabi-objcopy", "-O", "binary", str(linked), str(tmp_path / "p.bin")]
    assert process.run(words, timeout_s=60).returncode == 0
    assert build.flat_image(linked)[1] == (tmp_path / "p.bin").read_bytes()


def test_sizes(linked):
    layout = build.layout(linked)
    assert layout.load_address == 0x10000
    assert layout.flash_bytes == len(build.flat_image(linked)[1])
    assert layout.stack_bytes == 512
    assert layout.ram_bytes == 512 + 12 + 1000


def test_symbols_largest_first_by_memory(linked):
    layout = build.layout(linked)
    assert [(s.name, s.bytes) for s in layout.largest("RAM")] == [("arena", 1000), ("counter", 12)]
    assert layout.largest("flash")[0].name == "layer_0_weights"
    assert layout.largest("flash")[0].bytes == 300
    assert {s.name for s in layout.largest("flash")} >= {"vectors", "begin"}


def test_an_object_is_what_it_puts_into_the_image(linked, compiler, tmp_path):
    """All of the image but its linker's padding; what is zero takes no flash."""
    compiled = compiler.compile(
        tmp_path / "p.c", tmp_path / "p.o", extra_flags=["-Wno-missing-variable-declarations"]
    )
    found = elf.contents(compiled)
    assert 0 <= build.layout(linked).flash_bytes - found.bytes < 16
    sizes = {symbol.name: symbol.bytes for symbol in found.symbols}
    image = {symbol.name: symbol.bytes for symbol in build.layout(linked).symbols}
    assert set(sizes) == {"vectors", "begin", "counter", "layer_0_weights"}
    assert sizes.items() <= image.items()


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"MZ not an ELF", b"\x7fELF" + bytes(60)])
def test_what_is_no_image_is_refused(data, tmp_path):
    path = tmp_path / "x.elf"
    path.write_bytes(data)
    with pytest.raises(BuildFailed):
        build.flat_image(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BuildFailed, match=r"absent\.elf"):
        build.layout(tmp_path / "absent.elf")


def test_segments_far_apart_are_not_an_image(tmp_path):
    (tmp_path / "p.c").write_text(PROGRAM)
    (tmp_path / "script.ld").write_text(SCRIPT.replace("AT > FLASH", ""))  # data loads into RAM
    compiler = toolchains.find(toolchains.CORTEX_M4)
    made = compiler.compile_and_link(
        [tmp_path / "p.c"], tmp_path / "p.elf", linker_script=tmp_path / "script.ld"
    )
    with pytest.raises(BuildFailed, match="far apart"):
        build.flat_image(made)
