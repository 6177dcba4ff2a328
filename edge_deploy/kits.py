"""kit.yaml -> Kit: what is on a board and how a person handles it, each beside its source.

Finds the kits that ship with edge-deploy. Knows nothing about the facts of boards.yaml, nor how a
board is built for, flashed or spoken to.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from edge_deploy import places, yamlfile
from edge_deploy.yamlfile import Fields, Value

FILE = "kit.yaml"
README = "README.md"

# What a part is: those of boards.yaml's variants, and what every board of that kind has.
KINDS = (
    *("microphone", "imu", "humidity", "pressure", "light", "camera", "display"),
    *("led", "button", "card"),
)
# Where a part is that is on no board plugged on.
ITSELF = "board"
BUSES = ("gpio", "i2c", "pdm", "spi", "dvp")

# What a self-test can look at, and the kind of part that it needs; None: the chip itself.
CHECKS: Mapping[str, str | None] = MappingProxyType(
    {
        "memory": None,
        "cycle_counter": None,
        "led": "led",
        "microphone": "microphone",
        "imu": "imu",
        "camera": "camera",
    }
)

# Seven bits, without those that the I2C specification keeps for itself.
_ADDRESSES = (0x08, 0x77)
_PINS_MOST = 40


@dataclass(frozen=True)
class ByHand:
    """What a person does where a board does not answer, and what is to be seen then ("": nothing).

    Both begin in lower case and have no full stop: they are put into sentences.
    """

    action: str
    shows: str
    source: str

    @property
    def text(self) -> str:
        """Both, as a part of a sentence."""
        return f"{self.action}: {self.shows}" if self.shows else self.action


@dataclass(frozen=True)
class Part:
    """One part of the board or of what is plugged onto it.

    variants: of boards.yaml, that have it. carrier: the circuit board that it is on, ITSELF or the
    name of one that is plugged on. bus: one of BUSES; address: on I2C, where it is known.
    pins: signal of the part -> pin of the board. used: whether our firmware uses it.
    note: what a person should know ("": nothing).
    """

    kind: str
    name: str
    variants: tuple[str, ...]
    carrier: str
    bus: str
    address: int | None
    pins: Mapping[str, str]
    used: bool
    note: str
    source: str

    @property
    def where(self) -> str:
        """How it is connected, in a few words."""
        place = self.bus if self.address is None else f"{self.bus} {self.address:#04x}"
        signals = [f"{signal.replace('_', ' ')} {pin}" for signal, pin in self.pins.items()]
        return ", ".join([place, *signals])

    def as_json(self) -> dict[str, object]:
        """All of it, in the shape of kit.yaml."""
        return {
            "kind": self.kind,
            "name": self.name,
            "variants": list(self.variants),
            "carrier": self.carrier,
            "bus": self.bus,
            "address": self.address,
            "pins": dict(self.pins),
            "used": self.used,
            "note": self.note or None,
            "source": self.source,
        }


@dataclass(frozen=True)
class Header:
    """The pins along the board's sides as its maker prints them, seen from above, USB at the top.

    left, right: from top to bottom.
    """

    left: tuple[str, ...]
    right: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Check:
    """What a self-test looks at. person: what someone has to do or see ("": nothing)."""

    name: str
    looks_at: str
    person: str


@dataclass(frozen=True)
class Kit:
    """What a person needs to set up a board: `folder` has its README and pictures."""

    board: str
    folder: Path
    variants: tuple[str, ...]
    by_hand: ByHand
    header: Header
    parts: tuple[Part, ...]
    checks: tuple[Check, ...]

    @property
    def readme(self) -> Path:
        """The page for people."""
        return self.folder / README

    def checks_of(self, variant: str) -> tuple[Check, ...]:
        """What of `checks` can be looked at on a variant: it has the part."""
        there = {part.kind for part in self.parts if variant in part.variants}
        return tuple(
            check
            for check in self.checks
            if CHECKS[check.name] is None or CHECKS[check.name] in there
        )

    def as_json(self) -> dict[str, object]:
        """All that is known, without the header."""
        return {
            "readme": str(self.readme),
            "by_hand": self.by_hand.text,
            "parts": [part.as_json() for part in self.parts],
            "selftest": [
                {"check": check.name, "looks_at": check.looks_at, "person": check.person or None}
                for check in self.checks
            ],
        }


def find(board: str) -> Kit | None:
    """The kit of a board; None where there is none. Raises BadFile for a broken kit.yaml."""
    folder = places.shipped("kits", board)
    return _load_folder(folder) if (folder / FILE).is_file() else None


def load_all() -> list[Kit]:
    """The kits that ship with edge-deploy, by name. Raises BadFile."""
    folders = sorted(path.parent for path in places.shipped("kits").glob(f"*/{FILE}"))
    return [_load_folder(folder) for folder in folders]


@functools.lru_cache(maxsize=16)
def _load_folder(folder: Path) -> Kit:
    """`read` of a folder's file, which does not change while a command runs."""
    return read(yamlfile.load(folder / FILE), folder)


def read(root: Value, folder: Path) -> Kit:
    """The kit of a parsed kit.yaml that stands in `folder`. Raises BadFile."""
    fields = root.fields(
        required=("board", "sources", "by_hand", "header", "variants", "parts", "selftest")
    )
    board = fields["board"].name()
    if board != folder.name:
        raise fields["board"].wrong(f"this folder is {folder.name}, so the board is, too.")
    sources = _Sources({key: value.text() for key, value in fields["sources"].named().items()})
    variants = _names(fields["variants"])
    parts = tuple(_part(entry, variants, sources) for entry in fields["parts"].entries(least=1))
    kit = Kit(
        board=board,
        folder=folder,
        variants=variants,
        by_hand=_by_hand(fields["by_hand"], sources),
        header=_header(fields["header"], sources),
        parts=parts,
        checks=_checks(fields["selftest"], parts),
    )
    sources.hold_used(fields["sources"])
    return kit


class _Sources:
    """The table of sources, and which of them were named."""

    def __init__(self, known: dict[str, str]) -> None:
        self._known = known
        self._used: set[str] = set()

    def cite(self, fields: Fields) -> str:
        """What the `source` of some fields stands for."""
        key = fields["source"].choice(self._known)
        self._used.add(key)
        return self._known[key]

    def hold_used(self, table: Value) -> None:
        """Refuse sources that nothing names."""
        unused = [key for key in self._known if key not in self._used]
        if unused:
            raise table.wrong(f"{', '.join(unused)}: no value names this source.")


def _names(value: Value) -> tuple[str, ...]:
    """A list of names, each once."""
    found: dict[str, int] = {}
    for entry in value.entries(least=1):
        name = entry.name()
        if name in found:
            raise entry.wrong(f"{name} is on line {found[name]} already.")
        found[name] = entry.line
    return tuple(found)


def _by_hand(value: Value, sources: _Sources) -> ByHand:
    """`by_hand`."""
    fields = value.fields(required=("do", "source"), optional=("shows",))
    return ByHand(
        action=_in_sentence(fields["do"]),
        shows=_in_sentence(fields.get("shows")),
        source=sources.cite(fields),
    )


def _in_sentence(value: Value | None) -> str:
    """A text that can stand inside a sentence; "" for none."""
    if value is None:
        return ""
    text = value.text()
    if text[0].isupper() or text[-1] in ".:;,":
        raise value.expected("a part of a sentence: lower case first, no full stop")
    return text


def _header(value: Value, sources: _Sources) -> Header:
    """`header`: two sides with as many pins each."""
    fields = value.fields(required=("left", "right", "source"))
    sides: list[tuple[str, ...]] = []
    for key in ("left", "right"):
        entries = fields[key].entries(least=1)
        if len(entries) > _PINS_MOST:
            raise fields[key].expected(f"at most {_PINS_MOST} pins")
        sides.append(tuple(entry.text(most=16) for entry in entries))
    left, right = sides
    if len(left) != len(right):
        raise value.wrong(f"{len(left)} pins are on the left, and {len(right)} on the right.")
    return Header(left=left, right=right, source=sources.cite(fields))


def _part(value: Value, variants: tuple[str, ...], sources: _Sources) -> Part:
    """One entry of `parts`."""
    fields = value.fields(
        required=("kind", "name", "variants", "bus", "used", "source"),
        optional=("carrier", "address", "pins", "note"),
    )
    bus = fields["bus"].choice(BUSES)
    address = fields.get("address")
    if address is not None and bus != "i2c":
        raise address.wrong(f"a part on {bus} has no address.")
    fitted = _names(fields["variants"])
    for entry in fields["variants"].entries():
        entry.choice(variants)
    carrier, pins, note = fields.get("carrier"), fields.get("pins"), fields.get("note")
    named = {} if pins is None else pins.named()
    return Part(
        kind=fields["kind"].choice(KINDS),
        name=fields["name"].text(),
        variants=fitted,
        carrier=ITSELF if carrier is None else carrier.text(most=40),
        bus=bus,
        address=None if address is None else address.integer(*_ADDRESSES),
        pins=MappingProxyType({signal: pin.text(most=20) for signal, pin in named.items()}),
        used=fields["used"].flag(),
        note="" if note is None else note.text(),
        source=sources.cite(fields),
    )


def _checks(value: Value, parts: tuple[Part, ...]) -> tuple[Check, ...]:
    """`selftest`: what can be looked at, each with a part that is there."""
    there = {part.kind for part in parts}
    found: list[Check] = []
    for name, entry in value.named().items():
        if name not in CHECKS:
            raise entry.wrong(f"unknown check; expected any of {', '.join(CHECKS)}.")
        kind = CHECKS[name]
        if kind is not None and kind not in there:
            raise entry.wrong(f"no part is of the kind {kind}.")
        fields = entry.fields(required=("looks_at",), optional=("person",))
        person = fields.get("person")
        found.append(
            Check(name, fields["looks_at"].text(), "" if person is None else person.text())
        )
    return tuple(found)
