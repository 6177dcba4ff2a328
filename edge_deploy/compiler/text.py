"""Untrusted words into C text and back out of harm's way.

Turns names and byte strings from a model file, and words from a command line, into text that
may stand in a C string or a C comment. Everything that reaches the generated files from
outside passes here. Knows nothing about models.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable

# As docs/wire.md, "Our records": these and all outside 0x21 to 0x7E are written =XX.
_WIRE_ESCAPED = frozenset(b"%*=[] \r\n")
# Names go into records of at most 512 bytes (docs/wire.md), beside other fields.
NAME_BYTES = 63


def wire_name(name: str, *, longest: int = NAME_BYTES) -> str:
    """A name as records carry it: 0x21 to 0x7E only, at most `longest` bytes, never empty."""
    text = ""
    for byte in name.encode("utf-8", "surrogatepass"):
        plain = 0x21 <= byte <= 0x7E and byte not in _WIRE_ESCAPED
        piece = chr(byte) if plain else f"={byte:02X}"
        if len(text) + len(piece) > longest:
            break
        text += piece
    return text or "=00"


def c_string(text: str) -> str:
    """Printable ASCII as a C string literal. `?` is escaped too: C99 has trigraphs."""
    escaped = "".join(f"\\{ord(c):03o}" if c in '\\"?' else c for c in text)
    if not escaped.isascii() or not escaped.isprintable():
        raise ValueError("not printable ASCII; escape it for the wire first")
    return f'"{escaped}"'


def c_comment(text: str) -> str:
    """Any text as one line inside a C comment: what could end it or join lines is replaced."""
    return "".join(c if " " <= c <= "~" and c not in "*/\\?" else "_" for c in text)


def c_comment_words(text: str) -> str:
    """Like c_comment, but with single `/` kept, for paths in a command line."""
    kept = "".join(c if " " <= c <= "~" and c not in "*\\?" else "_" for c in text)
    while "//" in kept:
        kept = kept.replace("//", "/")
    return kept


def c_float(value: float) -> str:
    """A float32 as a C99 hexadecimal literal, exact."""
    if not math.isfinite(value):
        raise ValueError(f"{value} has no literal")
    single: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return f"{single.hex()}f"


def c_int32(value: int) -> str:
    """An int32 as a C expression; -2^31 has no literal of its own."""
    return "(-2147483647 - 1)" if value == -(2**31) else str(value)


def rows_of(words: Iterable[str], *, indent: str = "    ", width: int = 96) -> str:
    """Words joined by commas, in lines of at most `width` characters."""
    lines: list[str] = []
    line = ""
    for word in words:
        if line and len(indent) + len(line) + len(word) + 2 > width:
            lines.append(indent + line.rstrip())
            line = ""
        line += word + ", "
    if line:
        lines.append(indent + line.rstrip())
    return "\n".join(lines)


def carray(data: bytes, *, symbol: str = "g_model") -> str:
    """A byte string as a plain C (and C++) array, for people who use an interpreter.

    symbol: a C identifier. The array is aligned to 16 bytes, as interpreters want it.
    Raises ValueError if `symbol` is not an identifier or `data` is empty.
    """
    if not (symbol.isascii() and symbol.isidentifier()):
        raise ValueError(f"{symbol!r} is not a C identifier")
    if not data:
        raise ValueError("no bytes")
    body = rows_of((f"0x{byte:02x}" for byte in data), indent="  ")
    return (
        "#ifdef __cplusplus\n"
        "#define ED_ALIGN alignas(16)\n"
        "#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L\n"
        "#define ED_ALIGN _Alignas(16)\n"
        "#else\n"
        "#define ED_ALIGN __attribute__((aligned(16)))\n"
        "#endif\n"
        f"ED_ALIGN const unsigned char {symbol}[] = {{\n{body}\n}};\n"
        f"const unsigned int {symbol}_len = {len(data)};\n"
    )
