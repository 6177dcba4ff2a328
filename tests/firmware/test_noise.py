"""Any bytes into the host port; then a lone `%` and `name%`: the right answer."""

from __future__ import annotations

import contextlib
import queue
import random
from pathlib import Path

import pytest

from tests.firmware.board import INPUT_BYTES, Board, crc, model_output, sealed, some_input

SEEDS = 200
BYTES_A_SEED = 5_000

WORDS = [
    b"%", b"%", b"*", b"\r\n", b"hello%", b"hello", b"db load 490%", b"db 00ff%", b"db print%",
    b"infer 2 1%", b"infer 1000000%"[:8], b"results%", b"name", b"x" * 100, b"run 1 0 0%",
    sealed("run 2 1 1"), sealed("hello"), sealed("stream on"), sealed("stream on 3"),
    sealed("stream off"), sealed("load 491 00000000"), sealed("nonsense"), sealed("reset"),
]  # fmt: skip


def answers(board: Board, mark: int) -> bool:
    """A lone `%`, then `name%`: the answer comes.

    Noise may hold `name%` as well, so a command that nobody knows marks where it ends. A board
    that restarts may lose what comes meanwhile: as any host does, ask again after a while.
    """
    for _ in range(10):
        board.send(f"%mark-{mark}%name%".encode())
        with contextlib.suppress(queue.Empty):
            while board.line(patience_s=2.0) != f"e-[Unknown command: mark-{mark}]":
                pass
            said = [board.line() for _ in range(3)]
            while len(said) < 20 and said[-2:] != ["m-name-dut-[edge-deploy]", "m-ready"]:
                said.append(board.line())  # a stream that the noise began
            plain = [line for line in said if not line.startswith(("ed-result", "ed-stream"))]
            return plain == ["m-ready", "m-name-dut-[edge-deploy]", "m-ready"]
    return False


def test_pure_noise(firmware: Path) -> None:
    """1,000,000 bytes, 200 seeds, one board that has to live through all of them."""
    with Board(firmware) as board:
        for seed in range(SEEDS):
            board.send(random.Random(seed).randbytes(BYTES_A_SEED))
            assert answers(board, seed), seed


@pytest.mark.parametrize("seed", range(10))
def test_noise_with_words_in_it(firmware: Path, seed: int) -> None:
    chance = random.Random(seed)
    noise = bytearray()
    while len(noise) < 20_000:
        noise += chance.choice(WORDS)
        if chance.random() < 0.3:
            noise += chance.randbytes(chance.randrange(1, 5))
    with Board(firmware) as board:
        board.send(bytes(noise))
        assert answers(board, seed)
        board.send(sealed("stream off"))
        board.until_ready()
        data = some_input(seed)
        board.load(data)
        assert board.tell("run 1 0 0")[-1]["out_crc"] == crc(model_output(data))


def test_noise_into_an_upload(firmware: Path) -> None:
    """Noise that follows `ed-go` is the upload: refused by its CRC, and the board goes on."""
    with Board(firmware) as board:
        for seed in range(10):
            board.send(sealed(f"load {INPUT_BYTES} {crc(b'')}"))
            board.send(random.Random(seed).randbytes(INPUT_BYTES + seed))
            assert answers(board, seed)
