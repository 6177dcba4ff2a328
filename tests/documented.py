"""The edge-deploy commands that a document tells its reader to type."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

PROGRAM = "edge-deploy"


@dataclass(frozen=True)
class Typed:
    """One command as a reader would paste it: `words` follow the program's name."""

    where: str
    words: tuple[str, ...]


def commands(text: str, name: str) -> list[Typed]:
    """The commands of all fenced blocks: lines after the prompt `$ `, or bare at the margin."""
    found, fence, pending = [], "", ""
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if mark and (not fence or line.strip().startswith(fence)):
            fence, pending = ("" if fence else mark[1]), ""
            continue
        if not fence:
            continue
        if pending:
            pending += line.strip()
        elif line.startswith(("$ ", f"{PROGRAM} ")):
            pending, start = line.removeprefix("$ "), number
        else:
            continue
        if pending.endswith("\\"):
            pending = pending[:-1]
            continue
        found += [Typed(f"{name}:{start}", words) for words in _of_program(pending)]
        pending = ""
    return found


def _of_program(line: str) -> list[tuple[str, ...]]:
    """The words after each `edge-deploy` of a shell line, without redirections."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    parts: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= set("|&;<>"):
            parts.append(["<file>"] if set(word) & set("<>") else [])
        else:
            parts[-1].append(word)
    result = []
    for part in parts:
        while part and re.fullmatch(r"[A-Z_][A-Z0-9_]*=.*", part[0]):
            part.pop(0)
        if part and part[0] == PROGRAM:
            result.append(tuple(part[1:]))
    return result
