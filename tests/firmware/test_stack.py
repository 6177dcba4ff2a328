"""How deep the stack was, on a board whose system says where its task's stack lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.firmware.board import Board, some_input

DEEP = 100_000  # bytes; as much again must not matter


def stack_bytes(program: Path) -> int:
    with Board(program) as board:
        board.load(some_input(1))
        return int(board.tell("run 1 0 0")[-1]["stack_bytes"])


@pytest.mark.parametrize("board", ["firmware_nano33", "firmware_xiao"])
def test_as_deep_as_it_was(
    board: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fake core ends the program where what the system keeps on the stack is overwritten."""
    program = request.getfixturevalue(board)
    usual = stack_bytes(program)
    assert 0 < usual < DEEP
    monkeypatch.setenv("ED_FAKE_DEEP", str(DEEP))
    assert DEEP < stack_bytes(program) < DEEP + usual
