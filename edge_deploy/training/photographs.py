"""A folder of numbered photographs -> each with label, number and part; nobody is in two parts.

Cameras number what they take, and whoever sat for a series is in a run of numbers. So ranges of
numbers say which part a photograph belongs to. Knows nothing about what is in the pictures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_deploy.errors import BadInput
from edge_deploy.training import datasets

_NUMBER = re.compile(r"(\d+)\.[A-Za-z]+$")


@dataclass(frozen=True)
class Range:
    """Numbers from `first` to `last`, both in it. part: one of datasets.PARTS."""

    first: int
    last: int
    part: str


@dataclass(frozen=True)
class Photograph:
    """One file. label: the position of its folder's name. part: one of datasets.PARTS."""

    path: Path
    label: int
    number: int
    part: str


def numbered(
    folder: Path, labels: Sequence[str], ranges: Sequence[Range], pattern: str = "*.JPG"
) -> list[Photograph]:
    """The photographs `folder/label/pattern` of every label, by number.

    Raises NoData where a label has none, BadInput where a name has no number or two share one.
    """
    found: dict[int, Photograph] = {}
    for label, name in enumerate(labels):
        paths = sorted((folder / name).glob(pattern))
        if not paths:
            raise datasets.NoData(f"{folder / name}: no photographs ({pattern}).")
        for path in paths:
            number = number_of(path)
            if number in found:
                raise BadInput(f"{path} has the number of {found[number].path}.")
            found[number] = Photograph(path, label, number, part_of(number, ranges))
    return [found[number] for number in sorted(found)]


def number_of(path: Path) -> int:
    """The digits before a file's suffix. Raises BadInput where there are none."""
    match = _NUMBER.search(path.name)
    if match is None:
        raise BadInput(f"{path}: expected a name like IMG_1118.JPG, with the camera's number.")
    return int(match[1])


def part_of(number: int, ranges: Sequence[Range]) -> str:
    """The part of the range that holds `number`; what is in none trains."""
    return next((r.part for r in ranges if r.first <= number <= r.last), datasets.TRAIN)
