"""What is known of one kind of hardware: a Board, its variants and parts, each with its source.

Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from edge_deploy.calibration import Calibration


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
