"""The firmware compiles and links for every port and compiler at hand, warnings being errors."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tests.firmware import building

LINK_SCRIPT = building.SOURCES / "ports" / "virtual_m4" / "link.ld"
FLASH, RAM = 0x00010000, 0x20000000
STACK_BYTES = 4096
# Of the firmware with the fake model, whose share is some 500 bytes of code and constants. To be
# lowered when it gets smaller, and raised with a reason.
CODE_LIMIT_BYTES = {"arm-none-eabi-gcc": 12_000, "zig": 14_000}

CORTEX_M4 = {
    "arm-none-eabi-gcc": [
        *("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard"),
        *("-mfpu=fpv4-sp-d16", "-nostartfiles"),
    ],
    "zig": [
        *(sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabihf"),
        *("-mcpu=cortex_m4+vfp4d16sp", "-Wl,-e,ed_port_start"),
    ],
}


def need(name: str) -> None:
    there = importlib.util.find_spec("ziglang") if name == "zig" else shutil.which(name)
    if not there:
        pytest.skip(f"no {name} on this machine")


def link(name: str, folder: Path, *, flags: Sequence[str] = ("-O2",), ram: int = 262_144) -> Path:
    """The virtual board's image with the fake model, linked as the build does it."""
    need(name)
    sizes = {"ED_FLASH_BYTES": 983_040, "ED_RAM_BYTES": ram, "ED_STACK_BYTES": STACK_BYTES}
    script = folder / "link.ld"
    assignments = "".join(f"{symbol} = {value};\n" for symbol, value in sizes.items())
    script.write_text(assignments + LINK_SCRIPT.read_text())
    # -g: zig leaves the symbols out at -Os otherwise.
    more = ["-g", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"]
    more += ["-Xlinker", "-T", "-Xlinker", str(script)]
    return building.compile_c(
        CORTEX_M4[name],
        building.firmware_sources("virtual_m4"),
        folder / "firmware.elf",
        flags=[*flags, *more],
    )


def section(elf: ELFFile, name: str) -> tuple[int, int]:
    """Address and size; of one that is not there 0, 0."""
    found = elf.get_section_by_name(name)
    return (found["sh_addr"], found["sh_size"]) if found else (0, 0)


def symbols(elf: ELFFile) -> dict[str, int]:
    table = elf.get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)
    return {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}


@pytest.mark.parametrize("name", sorted(CORTEX_M4))
@pytest.mark.parametrize("level", ["-O2", "-Os"])
def test_the_virtual_boards_image(name: str, level: str, tmp_path: Path) -> None:
    with link(name, tmp_path, flags=[level]).open("rb") as file:
        elf = ELFFile(file)
        text, text_bytes = section(elf, ".text")
        stack, stack_bytes = section(elf, ".stack")
        bss, bss_bytes = section(elf, ".bss")
        _, data_bytes = section(elf, ".data")
        sizes = f"{name} {level}: text {text_bytes} data {data_bytes} bss {bss_bytes}"
        print(sizes)  # noqa: T201  # what -rP shows
        found = symbols(elf)
        vectors = elf.get_section_by_name(".text").data()[:8]
        assert (text, stack, stack_bytes) == (FLASH, RAM, STACK_BYTES)
        assert bss == RAM + STACK_BYTES + data_bytes  # the stack lies below all variables
        assert int.from_bytes(vectors[:4], "little") == RAM + STACK_BYTES
        assert int.from_bytes(vectors[4:], "little") == found["ed_port_start"] | 1
        assert data_bytes == 0  # initialised variables would cost flash and RAM
        if level == "-Os":
            assert text_bytes <= CODE_LIMIT_BYTES[name]
        for forbidden in ("malloc", "_sbrk", "printf", "__aeabi_dadd", "__adddf3", "_exit"):
            assert forbidden not in found


def test_a_program_too_big_for_ram_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"region .?RAM.? overflowed"):
        link("arm-none-eabi-gcc", tmp_path, ram=STACK_BYTES + 100)


@pytest.mark.parametrize("compiler", building.host_compilers())
@pytest.mark.parametrize("port", ["host", "template"])
def test_ports_of_this_computer(compiler: str, port: str, tmp_path: Path) -> None:
    sources = building.firmware_sources(port)
    for level in ("-O0", "-O2"):
        building.compile_c([compiler], sources, tmp_path / "firmware", flags=[level])


@pytest.mark.slow  # zig first builds the other system's C library: minutes
@pytest.mark.parametrize("target", ["x86_64-windows-gnu", "aarch64-macos"])
def test_the_host_port_for_other_systems(target: str, tmp_path: Path) -> None:
    need("zig")
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", target]
    sources = building.firmware_sources("host")
    building.compile_c(compiler, sources, tmp_path / "firmware.exe", flags=["-O2"])
