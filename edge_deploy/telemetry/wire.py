"""Bytes from a board to events, and words for a board to bytes: docs/wire.md on the host's side.

The Parser takes bytes in whatever pieces a link delivers them and gives back Records (whose
CRC is right) and Lines (plain text, which carries no value). It holds at most one line, never
raises, and counts what it had to drop. Knows nothing about links, time or what records mean.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from edge_deploy.errors import WrongBoard

# The table "Constants" of docs/wire.md; firmware/src/wire/ has the same names.
ED_WIRE_PROTOCOL = 1
ED_WIRE_COMMAND_BYTES = 80
ED_WIRE_LINE_BYTES = 512
ED_WIRE_TEXT_BYTES = 96
ED_WIRE_OUT_BYTES = 64
ED_WIRE_DB_BYTES = 31
ED_WIRE_HEAR_BYTES = 3200
ED_WIRE_RAW_BYTES = 200
ED_WIRE_UPLOAD_SILENCE_MS = 500
ED_WIRE_MAX_RUNS = 1_000_000
ED_WIRE_MAX_WARMUP = 10_000
ED_WIRE_DEFAULT_WARMUP = 10

READY = "m-ready"
"""The line that ends every reply."""

INIT_DONE = "m-init-done"
"""The line that says that a board has booted, for when its `ed-boot` record was damaged."""

ATTENTION = b"%"
"""A command without words: it changes nothing, ends a half command, and is answered `m-ready`."""

_SEQUENCES = 1 << 32
_LINE_CONTENT = ED_WIRE_LINE_BYTES - 2  # without CR LF
_CRC_TAIL = re.compile(rb"\*[0-9a-f]{8}\Z")
_RECORD = re.compile(rb"ed-([a-z][a-z0-9_-]*) seq=([0-9]{1,10})((?: [a-z][a-z0-9_]*=[!-~]*)*)\Z")
_UNPRINTABLE = re.compile(rb"[^ -~]")
_INTEGER = re.compile(r"-?[0-9]{1,20}\Z", re.ASCII)
_ESCAPED = re.compile(rb"=([0-9A-F]{2})")
_TO_ESCAPE = re.compile(rb"[^!-~]|[%*=\[\]]")


class BadRecord(WrongBoard):
    """A record whose CRC is right does not say what docs/wire.md demands of it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One `ed-<kind>` line whose CRC is right. `fields` are as on the wire, still escaped."""

    kind: str
    seq: int
    fields: Mapping[str, str]

    def integer(self, key: str) -> int:
        """The decimal number under `key`; BadRecord when there is none."""
        value = self.fields.get(key)
        if value is None or not _INTEGER.match(value):
            raise self._bad(key, "a number")
        return int(value)

    def optional_integer(self, key: str) -> int | None:
        """The number under `key`, None when the board does not give it."""
        return self.integer(key) if key in self.fields else None

    def text(self, key: str) -> str:
        """The text under `key`, unescaped; BadRecord when there is none."""
        value = self.fields.get(key)
        if value is None:
            raise self._bad(key, "a text")
        return unescape(value)

    def raw(self, key: str) -> bytes:
        """The byte string under `key`, which is hex on the wire."""
        try:
            return bytes.fromhex(self.fields[key])
        except (KeyError, ValueError):
            raise self._bad(key, "hex bytes") from None

    def optional_raw(self, key: str) -> bytes | None:
        """The byte string under `key`, None when the board does not give it."""
        return self.raw(key) if key in self.fields else None

    def optional_float32(self, key: str) -> float | None:
        """The binary32 number whose bits are under `key`, None when it is not there."""
        if key not in self.fields:
            return None
        bits = self.raw(key)
        if len(bits) != 4:
            raise self._bad(key, "the 8 hex digits of a binary32")
        value: float = struct.unpack(">f", bits)[0]
        return value

    def names(self, key: str) -> tuple[str, ...]:
        """The comma-separated list under `key`; `none` is the empty one."""
        value = self.text(key)
        return () if value in {"none", ""} else tuple(value.split(","))

    def _bad(self, key: str, wanted: str) -> BadRecord:
        found = self.fields.get(key)
        what = f"no {key}" if found is None else f"{key}={found[:40]}"
        return BadRecord(
            f"the board's ed-{self.kind} record has {what}, where protocol "
            f"{ED_WIRE_PROTOCOL} wants {wanted}.",
            try_next=("edge-deploy flash --board BOARD MODEL  put our firmware on it",),
        )


@dataclass(frozen=True, slots=True)
class Line:
    """A line without a CRC: printable ASCII, its end removed. Proof of nothing."""

    text: str


Event = Record | Line


def crc(data: bytes) -> int:
    """CRC-32 as docs/wire.md defines it (polynomial 0xEDB88320 reflected)."""
    return zlib.crc32(data)


def encode_command(text: str) -> bytes:
    """One command of ours with its CRC and its `%`.

    text: printable ASCII without `%` and `*`, at most 71 bytes (80 less `*` and the CRC).
    Raises ValueError for anything else: a caller's mistake, never a board's.
    """
    words = text.encode("ascii")
    if _UNPRINTABLE.search(words) or b"%" in words or b"*" in words:
        raise ValueError(f"not a command: {text!r}")
    command = words + b"*%08x" % crc(words)
    if len(command) > ED_WIRE_COMMAND_BYTES:
        raise ValueError(f"a command of {len(command)} B; {ED_WIRE_COMMAND_BYTES} B is the limit")
    return command + b"%"


def escape(text: str) -> str:
    """Text as a value of a record: what could be taken for structure becomes `=XX` (of UTF-8)."""
    return _TO_ESCAPE.sub(lambda match: b"=%02X" % match[0][0], text.encode()).decode("ascii")


def unescape(value: str) -> str:
    """The text that was escaped. A `=` that escapes nothing stays; broken UTF-8 becomes U+FFFD."""
    if "=" not in value:
        return value
    raw = _ESCAPED.sub(lambda match: bytes((int(match[1], 16),)), value.encode("ascii", "replace"))
    return raw.decode("utf-8", "replace")


def read_record(line: bytes) -> Record | None:
    """One line without its end to a Record, or None if its CRC or its form is wrong."""
    head, _, tail = line.rpartition(b"*")
    if tail != b"%08x" % zlib.crc32(head):
        return None
    match = _RECORD.match(head)
    if match is None:
        return None
    seq = int(match[2])
    if seq >= _SEQUENCES:
        return None
    fields: dict[str, str] = {}
    for word in match[3].decode("ascii").split():
        key, _, value = word.partition("=")
        fields[key] = value
    return Record(match[1].decode("ascii"), seq, fields)


class Parser:
    """Bytes to events. Counters only grow.

    corrupt_lines: unprintable, or a record whose CRC or form is wrong.
    overlong_lines: more than ED_WIRE_LINE_BYTES without an end.
    lost_records: missing from the sequence numbers of those that came.
    repeated_records: with the same sequence number as the one before; dropped.
    disordered_records: with a lower sequence number and yet no `ed-boot`.
    """

    def __init__(self) -> None:
        self.corrupt_lines = 0
        self.overlong_lines = 0
        self.lost_records = 0
        self.repeated_records = 0
        self.disordered_records = 0
        self.restart()

    def restart(self) -> None:
        """Forget the line that is under way and the last sequence number."""
        self._held = b""
        self._skipping = False  # inside an overlong line, until its end
        self._last_seq: int | None = None

    @property
    def damage(self) -> int:
        """Sum of all counters: unchanged over a reply means that the reply came whole."""
        return (
            self.corrupt_lines
            + self.overlong_lines
            + self.lost_records
            + self.repeated_records
            + self.disordered_records
        )

    def feed(self, data: bytes) -> list[Event]:
        """All events that `data` completes, in order."""
        # A line ends at CR or LF, so that one of the two may be lost without losing the next line.
        lines = (self._held + data).replace(b"\r", b"\n").split(b"\n")
        self._held = lines.pop()
        events: list[Event] = []
        for line in lines:
            if self._skipping:
                self._skipping = False  # this is the rest of the overlong line
            elif line:
                self._read_line(line, events)
        if len(self._held) > _LINE_CONTENT:
            if not self._skipping:
                self.overlong_lines += 1
            self._skipping = True
        if self._skipping:
            self._held = b""
        return events

    def _read_line(self, line: bytes, events: list[Event]) -> None:
        if len(line) > _LINE_CONTENT:
            self.overlong_lines += 1
        elif line.startswith(b"ed-") or _CRC_TAIL.search(line):
            record = read_record(line)
            if record is None:
                self.corrupt_lines += 1
            elif self._count(record):
                events.append(record)
        elif _UNPRINTABLE.search(line):
            self.corrupt_lines += 1
        else:
            events.append(Line(line.decode("ascii")))

    def _count(self, record: Record) -> bool:
        """Hold the record's sequence number against the last; False for a mere repetition."""
        last, self._last_seq = self._last_seq, record.seq
        if last is None or record.kind == "boot":
            return True
        ahead = (record.seq - last) % _SEQUENCES
        if ahead == 0:
            self.repeated_records += 1
            return False
        if ahead > _SEQUENCES // 2:
            self.disordered_records += 1
        else:
            self.lost_records += ahead - 1
        return True
