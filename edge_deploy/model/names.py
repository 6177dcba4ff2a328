"""Names that a model file brings, made fit to show.

A name may hold any character: line ends, terminal escapes, quotes. What comes out here is one
line of printable ASCII. It is for people to read; it is not an identifier, and not safe in C
text without more (a comment's end is printable too).
"""

from __future__ import annotations

LONGEST_SHOWN = 80


def safe_name(text: str, *, longest: int = LONGEST_SHOWN) -> str:
    r"""`text` in printable ASCII, at most `longest` characters, its end replaced by "...".

    A backslash becomes `\\`, other characters outside 0x20 to 0x7E `\xNN`, `\uNNNN` or
    `\UNNNNNNNN`.
    """
    # Only so much can be shown; a name may be megabytes long.
    shown = "".join(map(_escaped, text[: longest + 1]))
    return shown if len(shown) <= longest else shown[: max(longest - 3, 0)] + "..."


def _escaped(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if " " <= character <= "~":
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
