"""Numbered photographs: a number is in one part, and what is missing or misnamed is told."""

from __future__ import annotations

import pytest

from edge_deploy.errors import BadInput
from edge_deploy.training import datasets, photographs
from edge_deploy.training.photographs import Range

LABELS = ("0", "1", "2")
RANGES = (Range(103, 105, datasets.TEST), Range(106, 106, datasets.VALIDATION))


@pytest.fixture
def folder(tmp_path):
    for number in range(100, 112):
        path = tmp_path / LABELS[number % 3] / f"IMG_{number}.JPG"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def test_ranges_say_the_part_and_the_rest_trains(folder):
    found = photographs.numbered(folder, LABELS, RANGES)
    assert [one.number for one in found] == list(range(100, 112))
    assert [one.label for one in found] == [number % 3 for number in range(100, 112)]
    assert {one.number for one in found if one.part == datasets.TEST} == {103, 104, 105}
    assert {one.number for one in found if one.part == datasets.VALIDATION} == {106}
    assert {one.part for one in found} == set(datasets.PARTS)
    assert all(one.path.is_file() for one in found)


def test_what_is_missing_or_misnamed_is_told(folder):
    with pytest.raises(datasets.NoData, match=r"3: no photographs \(\*\.JPG\)"):
        photographs.numbered(folder, (*LABELS, "3"), RANGES)
    (folder / "1" / "IMG_102.JPG").write_bytes(b"")
    with pytest.raises(BadInput, match=r"IMG_102\.JPG has the number of .*102\.JPG"):
        photographs.numbered(folder, LABELS, RANGES)
    (folder / "1" / "IMG_102.JPG").rename(folder / "1" / "hand.JPG")
    with pytest.raises(BadInput, match=r"hand\.JPG: expected a name like IMG_1118\.JPG"):
        photographs.numbered(folder, LABELS, RANGES)
