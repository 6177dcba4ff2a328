"""An ELF image as bytes for a board, and what it takes of flash and RAM.

Turns a linked bare-metal ELF into the flat image that is flashed, sizes, and its largest
symbols. Needs no binutils. Knows nothing of boards or models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from edge_deploy.errors import BuildFailed

_Result = TypeVar("_Result")

_ALLOC = 0x2  # SHF_ALLOC, ELF specification, table "Section Attribute Flags"

# Gaps between segments are filled as erased flash reads.
_ERASED = b"\xff"
# An image of a microcontroller. A wrong linker script can put segments gigabytes apart.
_IMAGE_LIMIT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Symbol:
    """A function or variable. memory: `flash` or `RAM`; initialised variables are in RAM."""

    name: str
    bytes: int
    address: int
    memory: str


@dataclass(frozen=True)
class Layout:
    """What an image takes of its board.

    flash_bytes: all that is loaded, from the first to the last byte of the flat image.
    ram_bytes: all static RAM with the reserved stack; stack_bytes: of it, the section `.stack`.
    symbols: those that take memory, largest first.
    """

    load_address: int
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    symbols: tuple[Symbol, ...]

    def largest(self, memory: str, count: int = 4) -> tuple[Symbol, ...]:
        """The largest symbols of `flash` or `RAM`."""
        return tuple(s for s in self.symbols if s.memory == memory)[:count]


@dataclass(frozen=True)
class Contents:
    """What an object file puts into flash: code and constants. symbols: those in them."""

    bytes: int
    symbols: tuple[Symbol, ...]


@dataclass(frozen=True)
class _Section:
    """A section that takes memory while the program runs."""

    index: int
    name: str
    bytes: int
    in_ram: bool


def layout(path: Path) -> Layout:
    """What a linked image takes. Raises BuildFailed when the file is not an ELF image."""
    return _read(path, _layout)


def contents(path: Path) -> Contents:
    """What an object file puts into an image that keeps all of it. Raises as `layout`."""
    return _read(path, _contents)


def flat_image(path: Path) -> tuple[int, bytes]:
    """The address and bytes to be written to flash. Raises BuildFailed, as `layout`."""
    return _read(path, lambda elf: _flat(elf, path))


def _read(path: Path, use: Callable[[ELFFile], _Result]) -> _Result:
    try:
        with path.open("rb") as file:
            return use(ELFFile(file))
    except OSError as error:
        raise BuildFailed(f"Cannot read {path}: {error.strerror}") from error
    except ELFError as error:
        raise BuildFailed(f"{path} is not an ELF file: {error}") from error


def _loads(elf: ELFFile) -> Iterator[tuple[int, int, int, bytes]]:
    """Loaded segments: virtual address, load address, bytes in memory, contents."""
    for segment in elf.iter_segments("PT_LOAD"):
        yield segment["p_vaddr"], segment["p_paddr"], segment["p_memsz"], segment.data()


def _flat(elf: ELFFile, path: Path) -> tuple[int, bytes]:
    pieces = [(load, data) for _, load, _, data in _loads(elf) if data]
    if not pieces:
        raise BuildFailed(f"{path} has nothing to load.")
    first = min(load for load, _ in pieces)
    last = max(load + len(data) for load, data in pieces)
    if last - first > _IMAGE_LIMIT_BYTES:
        raise BuildFailed(
            f"{path} spans {first:#x} to {last:#x}: its linker script puts segments far apart."
        )
    image = bytearray(_ERASED * (last - first))
    for load, data in pieces:
        image[load - first : load - first + len(data)] = data
    return first, bytes(image)


def _layout(elf: ELFFile) -> Layout:
    pieces = [(load, len(data)) for _, load, _, data in _loads(elf) if data]
    first = min((load for load, _ in pieces), default=0)
    last = max((load + size for load, size in pieces), default=0)
    sections = {section.index: section for section in _sections(elf)}
    symbols = sorted(_symbols(elf, sections), key=lambda s: (-s.bytes, s.address, s.name))
    return Layout(
        load_address=first,
        flash_bytes=last - first,
        ram_bytes=sum(s.bytes for s in sections.values() if s.in_ram),
        stack_bytes=sum(s.bytes for s in sections.values() if s.name == ".stack"),
        symbols=tuple(symbols),
    )


def _contents(elf: ELFFile) -> Contents:
    # Tables for unwinding (.ARM.*) are thrown away by every linker script of ours.
    flash = {
        section.index: section
        for section in _sections(elf)
        if not section.in_ram and not section.name.startswith(".ARM.")
    }
    return Contents(sum(s.bytes for s in flash.values()), tuple(_symbols(elf, flash)))


def _sections(elf: ELFFile) -> Iterator[_Section]:
    """Sections that take memory. In RAM is what has no contents, or is copied to where it runs."""
    moved = [(v, v + size) for v, load, size, _ in _loads(elf) if v != load]
    for index, section in enumerate(elf.iter_sections()):
        if not section["sh_flags"] & _ALLOC or section["sh_size"] == 0:
            continue
        address = section["sh_addr"]
        in_ram = section["sh_type"] == "SHT_NOBITS" or any(a <= address < b for a, b in moved)
        yield _Section(index, section.name, section["sh_size"], in_ram)


def _symbols(elf: ELFFile, sections: dict[int, _Section]) -> Iterator[Symbol]:
    """Functions and variables that take memory, each address once (aliases are left out)."""
    table = elf.get_section_by_name(".symtab")
    if not isinstance(table, SymbolTableSection):
        return
    seen: set[tuple[int, int]] = set()
    for symbol in table.iter_symbols():
        section = sections.get(symbol["st_shndx"])
        if symbol["st_info"]["type"] not in ("STT_OBJECT", "STT_FUNC") or section is None:
            continue
        address = symbol["st_value"]
        # In an object file every section begins at 0.
        if symbol["st_size"] == 0 or (section.index, address) in seen:
            continue
        seen.add((section.index, address))
        memory = "RAM" if section.in_ram else "flash"
        yield Symbol(symbol.name, symbol["st_size"], address, memory)
