"""boards.yaml -> Board: facts about one kind of hardware, each with its source.

What is not known of a board is None, never guessed. Knows nothing about how a board is built
for, flashed or spoken to.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from edge_deploy import calibration, places, yamlfile
from edge_deploy.calibration import Calibration
from edge_deploy.errors import UsageError
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


class UnknownBoard(UsageError):
    """A name that boards.yaml does not have."""


@dataclass(frozen=True)
class Fact:
    """One value of a Board as text, with its unit ("" for none) and where it is from."""

    name: str
    text: str
    unit: str
    source: str


@dataclass(frozen=True)
class Currents:
    """Supply currents of a board, in microamperes, as the power model takes them."""

    active_ua: float  # instructions run
    idle_ua: float  # the core waits, everything retained


@dataclass(frozen=True)
class PlatformIO:
    """The names under which PlatformIO knows a board."""

    platform: str
    board: str
    framework: str


@dataclass(frozen=True)
class Esptool:
    """How esptool writes to a board: settings of the flash, and what goes where.

    flash_mode, flash_freq, flash_size: esptool's words, written into the bootloader's header.
    memory_type: of flash and PSRAM, which the build switches on; esptool is not told.
    application: offset of the program in flash, bytes.
    parts: (file, offset in bytes) of what a build leaves beside the program and goes with it.
    """

    flash_mode: str
    flash_freq: str
    flash_size: str
    memory_type: str
    application: int
    parts: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Variant:
    """One of several boards under the same name, told apart at start.

    chip, core, clock_hz, ram_bytes: None where they are the Board's.
    parts: kind of part (one of PARTS) -> the part that is fitted.
    """

    name: str
    title: str
    chip: str | None = None
    core: str | None = None
    clock_hz: int | None = None
    ram_bytes: int | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Board:
    """Facts about one kind of hardware.

    Where variants differ, the Board has what every variant has at least.
    flash_bytes: flash that a program can take, behind any bootloader; None: storage is a disk.
    reserved_flash_bytes, reserved_ram_bytes: what the board's own core takes of flash_bytes and
    ram_bytes before our code; None: not known.
    flash_wait_states: cycles added to every read of a 32-bit data word from flash; None: not known.
    usb_ids: `vendor:product`, four lower-case hex digits each -> one of USB_MODES.
    esptool: for boards that are written to with it; None for others.
    sources: field (with a dot: `currents.active_ua`) -> where its value is from.
    calibration: what was measured on a board of the user's, if anything was; a virtual board runs
    by it (`modelled_clock_hz`, `modelled_wait_states`).
    """

    name: str
    title: str
    target: str  # one of TARGETS
    chip: str
    core: str
    clock_hz: int
    ram_bytes: int
    flash_bytes: int | None = None
    reserved_flash_bytes: int | None = None
    reserved_ram_bytes: int | None = None
    flash_wait_states: int | None = None
    supply_mv: int | None = None
    currents: Currents | None = None
    usb_ids: Mapping[str, str] = field(default_factory=dict)
    platformio: PlatformIO | None = None
    esptool: Esptool | None = None
    variants: Mapping[str, Variant] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    calibration: Calibration | None = None

    @property
    def modelled_clock_hz(self) -> int:
        """At which modelled cycles take the time that they do on silicon, as far as is known."""
        return self.clock_hz if self.calibration is None else self.calibration.clock_hz

    @property
    def modelled_wait_states(self) -> int | None:
        """Those of data reads from flash: measured, or what boards.yaml assumes."""
        if self.calibration is None:
            return self.flash_wait_states
        return self.calibration.flash_wait_states

    @property
    def application_flash_bytes(self) -> int | None:
        """Flash for our code and weights: less what the core takes, where that is known."""
        if self.flash_bytes is None:
            return None
        return self.flash_bytes - (self.reserved_flash_bytes or 0)

    @property
    def application_ram_bytes(self) -> int:
        """RAM for our data, stack included: less what the core takes, where that is known."""
        return self.ram_bytes - (self.reserved_ram_bytes or 0)

    def facts(self) -> list[Fact]:
        """Every value with its source, for people to read; the variants' after the board's."""
        shown: dict[str, object] = {key: getattr(self, key) for key in _SHOWN}
        if self.currents is not None:
            shown["currents.active_ua"] = self.currents.active_ua
            shown["currents.idle_ua"] = self.currents.idle_ua
        shown |= {f"usb_ids.{one}": mode for one, mode in self.usb_ids.items()}
        if self.platformio is not None:
            one = self.platformio
            shown["platformio"] = f"{one.platform}, {one.board}, {one.framework}"
        if self.esptool is not None:
            way = self.esptool
            files = [f"{name} at {offset:#x}" for name, offset in way.parts]
            flash = f"{way.flash_mode}, {way.flash_freq}, {way.flash_size}, {way.memory_type}"
            shown["esptool"] = ", ".join([flash, *files, f"program at {way.application:#x}"])
        found = _facts(shown, self.sources)
        if self.calibration is not None:
            measured = self.calibration
            source = f"calibration {measured.id}, measured {measured.measured_at}"
            values = {"modelled_clock_hz": measured.clock_hz}
            values["modelled_wait_states"] = measured.flash_wait_states
            found += _facts(values, dict.fromkeys(values, source))
        for variant in self.variants.values():
            own: dict[str, object] = {key: getattr(variant, key) for key in _SHOWN_OF_VARIANT}
            own |= {f"parts.{kind}": part for kind, part in variant.parts.items()}
            found += _facts(own, variant.sources, prefix=f"{variant.name}.")
        return found

    def as_json(self) -> dict[str, object]:
        """All that is known, in the shape of boards.yaml, with `sources` by field."""
        found: dict[str, object] = {"name": self.name, "target": self.target}
        found |= _known({key: getattr(self, key) for key in _SHOWN})
        if self.currents is not None:
            found["currents"] = asdict(self.currents)
        if self.calibration is not None:
            found["calibration"] = asdict(self.calibration)
        found["usb_ids"] = dict(self.usb_ids)
        if self.platformio is not None:
            found["platformio"] = asdict(self.platformio)
        if self.esptool is not None:
            parts = [{"file": name, "offset": offset} for name, offset in self.esptool.parts]
            found["esptool"] = {**asdict(self.esptool), "parts": parts}
        found["variants"] = [
            {"name": variant.name}
            | _known({key: getattr(variant, key) for key in _SHOWN_OF_VARIANT})
            | {"parts": dict(variant.parts), "sources": dict(variant.sources)}
            for variant in self.variants.values()
        ]
        found["sources"] = dict(self.sources)
        return found


# Fields that `facts` and `as_json` show as they are, in this order.
_SHOWN_OF_VARIANT = ("title", "chip", "core", "clock_hz", "ram_bytes")
_SHOWN = (
    *_SHOWN_OF_VARIANT[:4],
    "flash_bytes",
    "ram_bytes",
    "reserved_flash_bytes",
    "reserved_ram_bytes",
    "flash_wait_states",
    "supply_mv",
)

# The unit that the end of a field's name stands for.
_UNITS = {"_hz": "Hz", "_bytes": "B", "_wait_states": "cycles", "_mv": "mV", "_ua": "uA"}


def _known(values: Mapping[str, object]) -> dict[str, object]:
    """`values` without those that are not known."""
    return {key: value for key, value in values.items() if value is not None}


def _facts(
    values: Mapping[str, object], sources: Mapping[str, str], prefix: str = ""
) -> list[Fact]:
    """Those of `values` that are known, as text."""
    return [
        Fact(
            name=prefix + key,
            text=f"{value:,}" if isinstance(value, (int, float)) else str(value),
            unit=next((unit for end, unit in _UNITS.items() if key.endswith(end)), ""),
            source=sources[key],
        )
        for key, value in _known(values).items()
    ]


def load(name: str) -> Board:
    """The Board of that name. Raises UnknownBoard, or BadFile for a broken boards.yaml."""
    known = load_all()
    if name not in known:
        raise unknown(name, known)
    return known[name]


def load_all() -> Mapping[str, Board]:
    """All boards that edge-deploy knows, by name, in the file's order. Raises BadFile.

    What the user has measured (`calibrate`) stands in place of what is assumed.
    """
    known = _load_file(places.shipped("boards.yaml"))
    measured = calibration.load_all()
    if not measured:
        return known
    return MappingProxyType(
        {name: _calibrated(board, measured.get(name)) for name, board in known.items()}
    )


def _calibrated(board: Board, measured: Calibration | None) -> Board:
    """The board with what was measured of its kind."""
    return board if measured is None else replace(board, calibration=measured)


@functools.lru_cache(maxsize=4)
def _load_file(path: Path) -> Mapping[str, Board]:
    """`read` of a file, which does not change while a command runs."""
    return MappingProxyType(read(yamlfile.load(path)))


def unknown(name: str, known: Iterable[str]) -> UnknownBoard:
    """The error for a name that is not among `known`, with the nearest that is."""
    names = list(known)
    near = difflib.get_close_matches(name.lower(), names, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return UnknownBoard(
        f"no board is called {name!r}; known are {', '.join(names)}.{hint}",
        try_next=["edge-deploy boards"],
    )


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
