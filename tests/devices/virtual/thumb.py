"""Small Thumb programs for the tests: assembled with whichever Cortex-M4 compiler is there."""

from __future__ import annotations

import functools
import struct
import tempfile
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from edge_deploy import toolchains

FLASH_BYTES = 1 << 20
RAM_BYTES = 1 << 18
APPLICATION = 0x10000
ENTRY = APPLICATION + 0x1000  # on a page, so that `.p2align 12` in a program means pages
STACK = 0x20000000 + RAM_BYTES

_HEADER = ".syntax unified\n.thumb\n.text\n"

# Echoes what comes at the serial port, 4 KiB at a time.
ECHO = """
    ldr r0, =0xA0002000
    ldr r1, =0xA0003000
    ldr r2, =0x20000000
    str r2, [r0, #0x04]
    str r2, [r0, #0x10]
1:  mvn r3, #0
    str r3, [r1]
    mov r3, #4096
    str r3, [r0, #0x08]
    ldr r3, [r0, #0x0C]
    str r3, [r0, #0x14]
    b 1b
"""


@functools.lru_cache(maxsize=256)
def assemble(source: str) -> bytes:
    """Machine code of a source without undefined symbols; literals are at its end."""
    try:
        compiler = toolchains.find(toolchains.CORTEX_M4)
    except toolchains.ToolchainMissing as missing:
        pytest.skip(str(missing))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program.s"
        path.write_text(f"{_HEADER}{source}\n.ltorg\n")
        compiled = compiler.compile(path, path.with_suffix(".o"), warnings=False)
        with compiled.open("rb") as file:
            elf = ELFFile(file)
            text = elf.get_section_by_name(".text")
            assert elf.get_section_by_name(".rel.text") is None, "the code needs a linker"
            return bytes(text.data())


def flash(source: str, *, entry: int = ENTRY, data: dict[int, bytes] | None = None) -> bytes:
    """A whole flash that runs `source`, with a vector table; `data` by address."""
    image = bytearray(b"\xff" * FLASH_BYTES)
    image[APPLICATION : APPLICATION + 8] = struct.pack("<II", STACK, entry | 1)
    code = assemble(source)
    image[entry : entry + len(code)] = code
    for address, content in (data or {}).items():
        image[address : address + len(content)] = content
    return bytes(image)


def application(source: str) -> bytes:
    """The same from the vector table to the end of the code: what is flashed."""
    return flash(source)[APPLICATION : ENTRY + len(assemble(source))]
