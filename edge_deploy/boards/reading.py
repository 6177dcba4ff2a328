"""boards.yaml's keys, checked one by one: each mistake is told with its line.

Turns a parsed file into Boards. CONTRIBUTING.md says how to add one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from edge_deploy.boards.facts import Board, Currents, Esptool, PlatformIO, Variant
from edge_deploy.yamlfile import Fields, Value

# Targets of the compiler (docs/architecture.md, "The compiler").
TARGETS = ("cortex_m4", "portable")

# Whether a USB id belongs to the running program, to the bootloader, or may be either's.
USB_MODES = ("application", "bootloader", "either")

# What a board may carry; a variant names the part.
PARTS = ("microphone", "imu", "humidity", "pressure", "light", "camera", "display")

_PART = re.compile(r"[a-z0-9_]+\.bin")
_USB_ID = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}")

_GIB = 1 << 30


def read(root: Value) -> dict[str, Board]:
    """The boards of a parsed boards.yaml. Raises BadFile."""
    top = root.fields(required=("sources", "boards"))
    sources = _Sources({key: value.text() for key, value in top["sources"].named().items()})
    found = {name: _board(name, value, sources) for name, value in top["boards"].named().items()}
    unused = [key for key in sources.known if key not in sources.used]
    if unused:
        raise top["sources"].wrong(f"{', '.join(unused)}: no value names this source.")
    return found


class _Sources:
    """The table of sources, and which of them were named."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known
        self.used: set[str] = set()

    def cite(self, fields: Fields) -> str:
        """The citation that `source`, and `note` where it stands, make together."""
        key = fields["source"].choice(self.known)
        self.used.add(key)
        note = fields.get("note")
        return f"{self.known[key]} ({note.text()})" if note else self.known[key]


class _Facts:
    """Takes facts out of a mapping, and gathers their citations by field."""

    def __init__(self, fields: Fields, sources: _Sources, prefix: str = "") -> None:
        self.fields = fields
        self.citations: dict[str, str] = {}
        self._sources = sources
        self._prefix = prefix

    def take(self, key: str) -> Value | None:
        """The `value` of a fact, its citation kept; None where the key is absent."""
        found = self.fields.get(key)
        if found is None:
            return None
        fact = found.fields(required=("value", "source"), optional=("note",))
        self.citations[self._prefix + key] = self._sources.cite(fact)
        return fact["value"]

    def need(self, key: str) -> Value:
        """As `take`, for a key that `fields` has made sure of."""
        found = self.take(key)
        assert found is not None
        return found

    def text(self, key: str) -> str | None:
        """A text, or None where the key is absent."""
        found = self.take(key)
        return None if found is None else found.text()

    def integer(self, key: str, least: int, most: int) -> int | None:
        """A whole number, or None where the key is absent."""
        found = self.take(key)
        return None if found is None else found.integer(least, most)


_REQUIRED = ("title", "target", "chip", "core", "clock_hz", "ram_bytes", "variants")
_OPTIONAL = (
    "flash_bytes",
    "reserved_flash_bytes",
    "reserved_ram_bytes",
    "flash_wait_states",
    "supply_mv",
    "currents",
    "usb_ids",
    "platformio",
    "esptool",
)
# What a virtual board of this target cannot do without.
_NEEDED_BY_CORTEX_M4 = (
    "flash_bytes",
    "reserved_flash_bytes",
    "reserved_ram_bytes",
    "flash_wait_states",
)

# The limits below catch a slip of a unit or of a digit. They are far beyond any board of today.
_CLOCK_HZ = (1_000_000, 10_000_000_000)
_MEMORY_BYTES = (1_024, 1_024 * _GIB)


def _board(name: str, value: Value, sources: _Sources) -> Board:
    """One entry of `boards`."""
    fields = value.fields(required=_REQUIRED, optional=_OPTIONAL)
    facts = _Facts(fields, sources)
    target = fields["target"].choice(TARGETS)
    missing = [key for key in _NEEDED_BY_CORTEX_M4 if fields.get(key) is None]
    if target == "cortex_m4" and missing:
        raise value.wrong(f"{', '.join(missing)}: missing; the target cortex_m4 needs them.")
    ram_bytes = facts.need("ram_bytes").integer(*_MEMORY_BYTES)
    flash_bytes = facts.integer("flash_bytes", *_MEMORY_BYTES)
    board = Board(
        name=name,
        title=facts.need("title").text(),
        target=target,
        chip=facts.need("chip").text(),
        core=facts.need("core").text(),
        clock_hz=facts.need("clock_hz").integer(*_CLOCK_HZ),
        ram_bytes=ram_bytes,
        flash_bytes=flash_bytes,
        # The core's share leaves something for us; without flash there is nothing to take.
        reserved_flash_bytes=facts.integer("reserved_flash_bytes", 0, (flash_bytes or 1) - 1),
        reserved_ram_bytes=facts.integer("reserved_ram_bytes", 0, ram_bytes - 1),
        flash_wait_states=facts.integer("flash_wait_states", 0, 100),
        supply_mv=facts.integer("supply_mv", 500, 50_000),
        currents=_currents(fields.get("currents"), facts, sources),
        usb_ids=_usb_ids(fields.get("usb_ids"), facts, sources),
        platformio=_platformio(fields.get("platformio"), facts, sources),
        esptool=_esptool(fields.get("esptool"), facts, sources),
        variants=MappingProxyType(
            {key: _variant(key, one, sources) for key, one in fields["variants"].named().items()}
        ),
        sources=MappingProxyType(facts.citations),
    )
    if board.currents is not None and board.supply_mv is None:
        raise value.wrong("supply_mv: missing; currents make no power without it.")
    return board


def _variant(name: str, value: Value, sources: _Sources) -> Variant:
    """One entry of a board's `variants`."""
    fields = value.fields(
        required=("title",), optional=("chip", "core", "clock_hz", "ram_bytes", "parts")
    )
    facts = _Facts(fields, sources)
    parts: dict[str, str] = {}
    listed = fields.get("parts")
    if listed is not None:
        fitted = _Facts(listed.fields(required=(), optional=PARTS), sources, "parts.")
        parts = {key: part for key in PARTS if (part := fitted.text(key)) is not None}
        facts.citations.update(fitted.citations)
    return Variant(
        name=name,
        title=facts.need("title").text(),
        chip=facts.text("chip"),
        core=facts.text("core"),
        clock_hz=facts.integer("clock_hz", *_CLOCK_HZ),
        ram_bytes=facts.integer("ram_bytes", *_MEMORY_BYTES),
        parts=MappingProxyType(parts),
        sources=MappingProxyType(facts.citations),
    )


def _currents(value: Value | None, facts: _Facts, sources: _Sources) -> Currents | None:
    """`currents`: both, or none."""
    if value is None:
        return None
    own = _Facts(value.fields(required=("active_ua", "idle_ua")), sources, "currents.")
    found = Currents(
        active_ua=own.need("active_ua").number(0.001, 1e8),
        idle_ua=own.need("idle_ua").number(0.001, 1e8),
    )
    facts.citations.update(own.citations)
    return found


def _usb_ids(value: Value | None, facts: _Facts, sources: _Sources) -> Mapping[str, str]:
    """`usb_ids`: a list, each id once."""
    found: dict[str, str] = {}
    for entry in value.entries(least=1) if value is not None else ():
        fields = entry.fields(required=("value", "source", "mode"), optional=("note",))
        text = fields["value"].text()
        if not _USB_ID.fullmatch(text):
            raise fields["value"].expected('a USB id such as "2341:805a", in quotes')
        if text in found:
            raise fields["value"].wrong(f"{text} stands in this list already.")
        found[text] = fields["mode"].choice(USB_MODES)
        facts.citations[f"usb_ids.{text}"] = sources.cite(fields)
    return MappingProxyType(found)


def _platformio(value: Value | None, facts: _Facts, sources: _Sources) -> PlatformIO | None:
    """`platformio`: three names from one source."""
    if value is None:
        return None
    fields = value.fields(required=("platform", "board", "framework", "source"), optional=("note",))
    facts.citations["platformio"] = sources.cite(fields)
    return PlatformIO(
        platform=fields["platform"].name(),
        board=fields["board"].name(),
        framework=fields["framework"].name(),
    )


# As esptool and the platform's board files spell them.
_FLASH_MODES = ("qio", "qout", "dio", "dout")
_FLASH_FREQS = ("20m", "26m", "40m", "80m")
_FLASH_SIZES = ("1MB", "2MB", "4MB", "8MB", "16MB", "32MB")
_MEMORY_TYPES = ("qio_qspi", "qio_opi", "dio_qspi", "dio_opi", "opi_opi", "opi_qspi")
_SECTOR_BYTES = 4_096  # what flash is erased by
_FLASH_OFFSETS = (0, 1 << 25)


def _esptool(value: Value | None, facts: _Facts, sources: _Sources) -> Esptool | None:
    """`esptool`: settings of the flash, and files with their offsets."""
    if value is None:
        return None
    words = ("flash_mode", "flash_freq", "flash_size", "memory_type", "application", "parts")
    fields = value.fields(required=(*words, "source"), optional=("note",))
    facts.citations["esptool"] = sources.cite(fields)
    parts = []
    for entry in fields["parts"].entries():
        part = entry.fields(required=("file", "offset"))
        name = part["file"].text()
        if not _PART.fullmatch(name):
            raise part["file"].expected("a plain file name such as bootloader.bin")
        parts.append((name, _offset(part["offset"])))
    return Esptool(
        flash_mode=fields["flash_mode"].choice(_FLASH_MODES),
        flash_freq=fields["flash_freq"].choice(_FLASH_FREQS),
        flash_size=fields["flash_size"].choice(_FLASH_SIZES),
        memory_type=fields["memory_type"].choice(_MEMORY_TYPES),
        application=_offset(fields["application"]),
        parts=tuple(parts),
    )


def _offset(value: Value) -> int:
    """Where in flash something begins: at a sector, so that nothing before it is erased."""
    offset = value.integer(*_FLASH_OFFSETS)
    if offset % _SECTOR_BYTES:
        raise value.expected(f"a multiple of {_SECTOR_BYTES}, which is a sector")
    return offset
