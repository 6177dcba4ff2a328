"""Reads our YAML files strictly: a mistake is told with its key, its line and what was expected.

Turns a file into a tree of Values that know where they stand. Values are taken out by the type
that the caller expects (`text`, `integer`, `number`, `entries`, `fields`, `named`); nothing is
converted by guess, so a board called `on` or a version `1.10` cannot change meaning on the way.
Unknown, missing and repeated keys are refused. Knows nothing about boards or labs.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection
from pathlib import Path

import yaml

from edge_deploy.errors import BadInput

# Our files are a few kilobytes. A file beyond this is not one of ours, and parsing it would take
# long: the parser is pure Python.
MAX_BYTES = 1 << 20

# How much of a wrong value is shown.
_SHOWN_CHARACTERS = 40

_STRING = "tag:yaml.org,2002:str"
_BOOLEAN = "tag:yaml.org,2002:bool"
_INTEGER = re.compile(r"[-+]?[0-9](_?[0-9]){0,24}|0x[0-9a-fA-F]{1,16}")
_NUMBER = re.compile(
    r"[-+]?([0-9](_?[0-9]){0,24}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][-+]?[0-9]{1,3})?"
)
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,62}")
NAME = "a name of lower-case letters, digits and _"


class BadFile(BadInput):
    """A YAML file that cannot be read, or says something else than it should.

    file: its path; line: where, counted from 1, or None where the whole file is meant;
    key: the path of keys to it, such as `boards.nano33.clock_hz`.
    """

    def __init__(self, problem: str, *, file: Path, line: int | None = None, key: str = "") -> None:
        where = str(file) if line is None else f"{file}, line {line}"
        super().__init__(f"{where}: {key}: {problem}" if key else f"{where}: {problem}")
        self.file = file
        self.line = line
        self.key = key


class Value:
    """One value of a file, with its place."""

    def __init__(self, node: yaml.Node, *, file: Path, key: str) -> None:
        self._node = node
        self.file = file
        self.key = key
        self.line = int(node.start_mark.line) + 1

    def wrong(self, problem: str) -> BadFile:
        """An error about this value, for the caller to raise."""
        return BadFile(problem, file=self.file, line=self.line, key=self.key)

    def expected(self, what: str) -> BadFile:
        """An error that says what should have stood here, and what did."""
        return self.wrong(f"expected {what}, found {self._shown()}.")

    def text(self, *, most: int = 1_000) -> str:
        """One line of printable text, 1 to `most` characters. Numbers must be quoted."""
        found = self._scalar(
            "a text (in quotes where it looks like a number, yes or no)", tag=_STRING
        )
        if not 1 <= len(found) <= most or not found.isprintable() or found != found.strip():
            raise self.expected(f"one line of 1 to {most} printable characters")
        return found

    def name(self) -> str:
        """A text that can be a name in commands, paths and C: [a-z0-9][a-z0-9_]*."""
        found = self._scalar(NAME, tag=_STRING)
        if not _NAME.fullmatch(found):
            raise self.expected(NAME)
        return found

    def choice(self, known: Collection[str]) -> str:
        """One of the texts in `known`."""
        what = "one of " + ", ".join(known)
        found = self._scalar(what, tag=_STRING)
        if found not in known:
            raise self.wrong(f"expected {what}, found {self._shown()}{_nearest(found, known)}.")
        return found

    def flag(self) -> bool:
        """`true` or `false`, and no other word for them."""
        found = self._scalar("true or false", tag=_BOOLEAN)
        if found not in {"true", "false"}:
            raise self.expected("true or false")
        return found == "true"

    def integer(self, least: int, most: int) -> int:
        """A whole number, decimal or 0x, `least` <= it <= `most`; `_` may group digits."""
        what = f"a whole number from {least} to {most}"
        found = self._scalar(what, tag=None)
        if not _INTEGER.fullmatch(found):
            raise self.expected(what)
        number = int(found, 16 if found.startswith("0x") else 10)
        if not least <= number <= most:
            raise self.expected(what)
        return number

    def number(self, least: float, most: float) -> float:
        """A finite number, `least` <= it <= `most`."""
        what = f"a number from {least:g} to {most:g}"
        found = self._scalar(what, tag=None)
        if not _NUMBER.fullmatch(found):
            raise self.expected(what)
        number = float(found)
        if not math.isfinite(number) or not least <= number <= most:
            raise self.expected(what)
        return number

    def entries(self, *, least: int = 0) -> list[Value]:
        """The entries of a list, at least `least` of them."""
        if not isinstance(self._node, yaml.SequenceNode) or len(self._node.value) < least:
            raise self.expected("a list" if not least else f"a list of {least} or more")
        return [
            Value(node, file=self.file, key=f"{self.key}[{position}]")
            for position, node in enumerate(self._node.value)
        ]

    def named(self) -> dict[str, Value]:
        """The values of a mapping whose keys are the file's own names, in order, at least one."""
        found = self._mapping()
        if not found:
            raise self.expected("at least one entry")
        for key, value in found.items():
            if not _NAME.fullmatch(key):
                raise value.wrong(f"expected {NAME} as key, found {_short(key)}.")
        return found

    def fields(self, *, required: Collection[str], optional: Collection[str] = ()) -> Fields:
        """The values of a mapping with these keys, all of `required` and no others."""
        found = self._mapping()
        known = (*required, *optional)
        for key, value in found.items():
            if key not in known:
                raise value.wrong(
                    f"unknown key{_nearest(key, known)}; expected any of {', '.join(known)}."
                )
        missing = [key for key in required if key not in found]
        if missing:
            raise self.wrong(f"{', '.join(missing)}: missing; expected {', '.join(required)}.")
        return Fields(self, found)

    def _mapping(self) -> dict[str, Value]:
        """Keys and values in the file's order; refuses a key that is no text, or comes twice."""
        if not isinstance(self._node, yaml.MappingNode):
            raise self.expected("keys with values")
        found: dict[str, Value] = {}
        for key_node, value_node in self._node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != _STRING:
                key = Value(key_node, file=self.file, key=self.key)
                raise key.expected("a text as key")
            path = f"{self.key}.{_short(key_node.value)}" if self.key else _short(key_node.value)
            if key_node.value in found:
                raise BadFile(
                    f"stands here again; it is on line {found[key_node.value].line} already.",
                    file=self.file,
                    line=key_node.start_mark.line + 1,
                    key=path,
                )
            found[key_node.value] = Value(value_node, file=self.file, key=path)
        return found

    def _scalar(self, what: str, *, tag: str | None) -> str:
        """The characters of a scalar; with `tag` only if YAML takes it for that type."""
        node = self._node
        quoted_number = tag is None and isinstance(node, yaml.ScalarNode) and node.style is not None
        if (
            not isinstance(node, yaml.ScalarNode)
            or quoted_number
            or (tag is not None and node.tag != tag)
        ):
            raise self.expected(what)
        return str(node.value)

    def _shown(self) -> str:
        """The value as a message shows it: short, on one line, printable."""
        if isinstance(self._node, yaml.MappingNode):
            return "keys with values"
        if isinstance(self._node, yaml.SequenceNode):
            return f"a list of {len(self._node.value)}"
        if self._node.tag == "tag:yaml.org,2002:null":
            return "nothing"
        found = str(self._node.value)
        return repr(_short(found)) if self._node.tag == _STRING else _short(found)


class Fields:
    """The values of a mapping by key; those that may be absent are None from `get`."""

    def __init__(self, owner: Value, values: dict[str, Value]) -> None:
        self.owner = owner
        self._values = values

    def __getitem__(self, key: str) -> Value:
        return self._values[key]

    def get(self, key: str) -> Value | None:
        """The value of an optional key."""
        return self._values.get(key)


def load(path: Path) -> Value:
    """Read a file that holds one YAML document. Raises BadFile."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadFile(f"cannot be read: {error.strerror or error}.", file=path) from error
    return read(data, file=path)


def read(data: bytes, *, file: Path) -> Value:
    """The root of a YAML document; `file` is what messages call it. Raises BadFile."""
    if len(data) > MAX_BYTES:
        raise BadFile(f"has more than {MAX_BYTES:,} bytes; it is none of ours.", file=file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadFile("expected UTF-8 text.", file=file, line=line) from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise BadFile("holds a control character.", file=file, line=line) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise BadFile(
            f"is not YAML: {problem}.", file=file, line=mark.line + 1 if mark else None
        ) from error
    except RecursionError:
        raise BadFile("is nested too deeply.", file=file) from None
    except (yaml.YAMLError, ValueError) as error:
        # PyYAML lets a ValueError through for some malformed escapes and directives.
        raise BadFile(f"is not YAML: {_short(str(error))}.", file=file) from error
    if node is None:
        raise BadFile("is empty.", file=file)
    return Value(node, file=file, key="")


def _short(text: str) -> str:
    """At most 40 printable characters of `text`."""
    cut = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."
    return "".join(character if character.isprintable() else "?" for character in cut)


def _nearest(found: str, known: Collection[str]) -> str:
    """`; did you mean X?` where something known is near, otherwise nothing."""
    near = difflib.get_close_matches(found, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
