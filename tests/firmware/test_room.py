"""Uploads to a board whose link holds few bytes: in pieces, each asked for (docs/wire.md)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.firmware.board import INPUT_BYTES, Board, crc, fields_of, sealed, some_input
from tests.firmware.test_listening import error, told
from tests.firmware.test_parts import build

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fake_parts.c maps pages")

ROOM = 128


@pytest.fixture(scope="module")
def built(host_compiler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(host_compiler, tmp_path_factory.mktemp("room"), record=False)


@pytest.fixture
def board(built: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    monkeypatch.setenv("ED_FAKE_ROOM", str(ROOM))
    with Board(built) as made:
        yield made


def begin(board: Board, data: bytes) -> None:
    board.send(sealed(f"load {len(data)} {crc(data)}"))
    go = fields_of(board.line())
    assert (go["kind"], go["bytes"], go["room"]) == ("go", str(INPUT_BYTES), str(ROOM))


def test_each_piece_is_asked_for(board: Board) -> None:
    data = some_input(3)
    begin(board, data)
    for at in range(0, INPUT_BYTES, ROOM):
        if at:
            more = fields_of(board.line())
            assert (more["kind"], more["have"]) == ("more", str(at))
        board.send(data[at : at + ROOM])
    loaded = fields_of(board.line())
    assert (loaded["kind"], loaded["crc"]) == ("loaded", crc(data))
    assert board.line() == "m-ready"
    assert told(board, "run 1 0 0")[-1]["in_crc"] == crc(data)


def test_a_piece_that_does_not_come_ends_the_upload(board: Board) -> None:
    data = some_input(4)
    begin(board, data)
    board.send(data[:ROOM])
    assert fields_of(board.line())["kind"] == "more"
    board.send(data[ROOM : ROOM + 7])
    assert fields_of(board.line())["code"] == "timeout"
    assert board.line() == "m-ready"
    assert told(board, "run 1 0 0") == [error("no-input")]


def test_a_room_that_holds_all_is_asked_for_nothing(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ED_FAKE_ROOM", str(INPUT_BYTES))
    data = some_input(5)
    with Board(built) as board:
        board.send(sealed(f"load {INPUT_BYTES} {crc(data)}") + data)
        assert [fields_of(board.line())["kind"] for _ in range(2)] == ["go", "loaded"]
        assert board.line() == "m-ready"
