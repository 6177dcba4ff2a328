"""The firmware with a model as a project: for PlatformIO, or as an Arduino sketch.

Turns generated files and the firmware's sources into texts by path. What is there is what is
needed: headers that nothing includes stay away. Knows nothing of running PlatformIO.
"""

from __future__ import annotations

import configparser
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from edge_deploy import places
from edge_deploy.boards import Board
from edge_deploy.build import sensing
from edge_deploy.errors import BuildFailed, UsageError
from edge_deploy.sensing import FeatureSettings

PORT = "arduino"
INI = "platformio.ini"
_GENERATED = "generated"
_INCLUDE = re.compile(r'^(\s*#\s*include\s+")([^"]+)(")', re.MULTILINE)
_SOURCES = (".c", ".cpp")

# Arduino's builder cannot be told flags for a sketch. For speed, and so that no multiplication and
# addition are fused: the features would have other bits than in training.
_SKETCH_FLAGS = '#pragma GCC optimize("O2", "-ffp-contract=off")\n'


def platformio(
    generated: Mapping[str, str],
    board: Board,
    features: FeatureSettings | None,
    libraries: Sequence[str] = (),
) -> dict[str, str]:
    """A PlatformIO project: texts by path.

    generated: C files of the compiler, and ed_app_config.h. libraries: more of `lib_deps`.
    Raises UsageError for a board that PlatformIO does not build for.
    """
    files = {f"src/{path}": text for path, text in _tree(generated, features).items()}
    files[INI] = _ini(board, sensing.defines(features), libraries)
    return files


BLINK = "blink"


def blink(board: Board) -> dict[str, str]:
    """A PlatformIO project of a sketch that only blinks: texts by path."""
    source = _read(places.shipped("firmware") / BLINK / f"{BLINK}.cpp")
    return {f"src/{BLINK}.cpp": source, INI: _ini(board, {})}


def sketch(
    name: str, generated: Mapping[str, str], board: Board, features: FeatureSettings | None
) -> dict[str, str]:
    """An Arduino sketch folder: texts by path, with no include path needed.

    name: of the folder, which Arduino wants the sketch to have.
    """
    _environment(board)
    tree = _tree(generated, features)
    macros = "".join(f"#define {key} {value}\n" for key, value in sensing.defines(features).items())
    files = {f"{name}.ino": _INO.format(board=board.title)}
    for path, text in tree.items():
        text = _INCLUDE.sub(lambda found: _relative(found, path, tree), text)  # noqa: B023
        if path.endswith(_SOURCES) and not path.startswith("ports/"):
            text = _SKETCH_FLAGS + (macros if path.startswith(("features/", "app/")) else "") + text
        files[f"src/{path}"] = text
    return files


_INO = """\
// The firmware of edge-deploy for {board}, with a model in it.
// setup() and loop() are in src/ports/arduino/port.cpp; README.md says how to go on.
"""


def _tree(generated: Mapping[str, str], features: FeatureSettings | None) -> dict[str, str]:
    """Sources and the headers that they need, by path below `firmware/src` or `generated/`."""
    root = places.shipped("firmware", "src")
    made = {f"{_GENERATED}/{name}": text for name, text in generated.items()}
    folders = ["app", "wire", f"ports/{PORT}", *(["features"] if features is not None else [])]
    files = {path: text for path, text in made.items() if path.endswith(_SOURCES)}
    for folder in folders:
        for source in sorted((root / folder).glob("*")):
            if source.suffix in _SOURCES:
                files[f"{folder}/{source.name}"] = _read(source)
    waiting = list(files)
    while waiting:
        path = waiting.pop()
        for name in _includes(files[path]):
            found = _find(name, path, root, made)
            if found is not None and found not in files:
                files[found] = made[found] if found in made else _read(root / found)
                waiting.append(found)
    return dict(sorted(files.items()))


def _includes(text: str) -> Iterable[str]:
    return (match[2] for match in _INCLUDE.finditer(text))


def _find(name: str, path: str, root: Path, made: Mapping[str, str]) -> str | None:
    """Where an include of a file lies; None for one of the board's core."""
    beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
    for candidate in (beside, name, f"{_GENERATED}/{name}"):
        if candidate in made or (root / candidate).is_file():
            return candidate
    return None


def _relative(match: re.Match[str], path: str, tree: Mapping[str, str]) -> str:
    """The include by a path from the file that has it."""
    for candidate in (match[2], f"{_GENERATED}/{match[2]}"):
        if candidate in tree:
            return match[1] + posixpath.relpath(candidate, posixpath.dirname(path)) + match[3]
    return match[0]


def _environment(board: Board) -> str:
    if board.platformio is None:
        raise UsageError(
            f"{board.name} is not a board that PlatformIO builds this firmware for.",
            try_next=("--board nano33", "--board xiao_esp32s3"),
        )
    return f"env:{board.name}"


def _ini(board: Board, defines: Mapping[str, str], libraries: Sequence[str] = ()) -> str:
    """platformio.ini with the one environment of the board."""
    name = _environment(board)
    shipped = configparser.ConfigParser(interpolation=None)
    shipped.optionxform = str  # type: ignore[assignment, method-assign]
    text = _read(places.shipped("firmware") / INI)
    shipped.read_string(text)
    if name not in shipped:
        raise BuildFailed(
            f"firmware/{INI} has no [{name}].",
            try_next=("pip install --force-reinstall edge-deploy",),
        )
    shipped["platformio"]["default_envs"] = board.name
    shipped["env"]["build_src_flags"] += "".join(f" -D{k}={v}" for k, v in defines.items())
    known = [shipped[name]["lib_deps"]] if "lib_deps" in shipped[name] else []
    if known or libraries:
        shipped[name]["lib_deps"] = "".join(f"\n    {each}" for each in (*known, *libraries))
    lines = ["; The firmware of edge-deploy with a model in it: `pio run -t upload`.", ""]
    for section in ("platformio", "env", name):
        lines.append(f"[{section}]")
        lines += [f"{key} = {value}" for key, value in shipped[section].items()]
        lines.append("")
    return "\n".join(lines)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BuildFailed(
            f"The firmware's sources are incomplete: {path} cannot be read.",
            try_next=("pip install --force-reinstall edge-deploy",),
        ) from error
