"""MLPerf Tiny's commands, as the public runner sends them, on the host port."""

from __future__ import annotations

import re

import pytest

from tests.firmware.board import INPUT_BYTES, SHA256, Board, fields_of, model_sums, some_input

# Output 0 of the fake model: real = (stored + 8) / 16. Output 1 is real already.
SCALE_0, ZERO_0 = 1 / 16, -8


def results_line(data: bytes) -> str:
    """What `results` must print; every value is a multiple of 1/16 and below 2^24: exact."""
    sums = model_sums(data)
    stored = [(value & 0xFF) - 256 * ((value & 0xFF) >= 128) for value in sums]
    reals = [SCALE_0 * (value - ZERO_0) for value in stored]
    reals += [sums[0] / 8, -sums[1] / 8, sums[2] / 8]
    # 1/16 is 0.0625: three decimals round it half away from zero, unlike Python's format.
    words = []
    for real in reals:
        thousandths = int(abs(real) * 1000 + 0.5)
        sign = "-" if real < 0 and thousandths else ""
        words.append(f"{sign}{thousandths // 1000}.{thousandths % 1000:03d}")
    return f"m-results-[{','.join(words)}]"


def upload(board: Board, data: bytes, bytes_a_line: int = 31) -> None:
    assert board.ask(f"db load {len(data)}") == [f"m-[Expecting {len(data)} bytes]"]
    for start in range(0, len(data), bytes_a_line):
        reply = board.ask(f"db {data[start : start + bytes_a_line].hex()}")
        last = start + bytes_a_line >= len(data)
        assert reply == (["m-load-done"] if last else [])


def test_boot(board: Board) -> None:
    assert board.boot[:2] == ["m-timestamp-mode-performance", "m-init-done"]
    boot = fields_of(board.boot[2])
    assert boot == {"kind": "boot", "seq": "0", "reason": "power", "sha256": SHA256}
    assert board.boot[3] == "m-ready"


def test_fixed_answers(board: Board) -> None:
    assert board.ask("") == []
    assert board.ask("name") == ["m-name-dut-[edge-deploy]"]
    assert board.ask("\r\nname\r\n") == ["m-name-dut-[edge-deploy]"]
    assert board.ask("profile") == [
        "m-profile-[ULPMark for tinyML Firmware V0.0.1]",
        "m-model-[fake=20model]",
    ]
    said = " ".join(board.ask("help"))
    for word in ("name", "profile", "timestamp", "db", "infer", "results", "hello", "stream"):
        assert word in said
    assert board.ask("foo bar") == ["e-[Unknown command: foo]"]
    assert board.ask("a[b]=c") == ["e-[Unknown command: a=5Bb=5D=3Dc]"]
    assert board.ask("x" * 80) == [f"e-[Unknown command: {'x' * 40}]"]
    assert board.ask("[" * 80) == [f"e-[Unknown command: {'=5B' * 13}]"]


# What comes at once must be no more than a XIAO's port holds (docs/wire.md, "room").
@pytest.mark.parametrize("spoiled", ["x" * 81, "x" * 2000, "na\tme", "na\x00me"])
def test_what_cannot_be_read_is_thrown_away(board: Board, spoiled: str) -> None:
    assert board.ask(spoiled) == ["e-[Overlong or unreadable command]"]
    assert board.ask("name") == ["m-name-dut-[edge-deploy]"]


def test_time_goes_on(board: Board) -> None:
    laps = [board.ask("timestamp") for _ in range(2)]
    times = [int(re.fullmatch(r"m-lap-us-([0-9]+)", lap)[1]) for (lap,) in laps]
    assert 0 <= times[0] < times[1] < 60_000_000


@pytest.mark.parametrize("bytes_a_line", [31, 26, 1])
def test_upload_and_infer(either: Board, bytes_a_line: int) -> None:
    data = some_input(bytes_a_line)
    upload(either, data, bytes_a_line)
    printed = either.ask("db print")
    assert [len(line) for line in printed[:-1]] == [len("m-buffer-") + 64] * (len(printed) - 1)
    assert bytes.fromhex("".join(line.removeprefix("m-buffer-") for line in printed)) == data
    for words, runs, warmup in [("infer 3 2", 3, 2), ("infer", 1, 10), ("infer 2", 2, 10)]:
        reply = either.ask(words)
        first, second = (int(reply[i].removeprefix("m-lap-us-")) for i in (3, 4))
        assert 0 < first < second
        assert reply[:3] == [f"m-warmup-start-{warmup}", "m-warmup-done", f"m-infer-start-{runs}"]
        assert reply[5:] == ["m-infer-done", results_line(data)]
    assert either.ask("results") == [results_line(data)]


def test_refusals(board: Board) -> None:
    assert board.ask("results") == ["e-[No results]"]
    assert board.ask("db print") == ["e-[No input is loaded]"]
    assert board.ask("infer 1 1") == ["e-[No input is loaded]"]
    assert board.ask("db 00") == ["e-[No db load before]"]
    assert board.ask("db load 489") == ["e-[The input has 490 bytes]"]
    assert board.ask("db load -1") == ["e-[The input has 490 bytes]"]
    assert board.ask("db") == ["e-[db load N, db HEX or db print]"]
    for words in ("infer 0", "infer 1000001", "infer 1 10001", "infer x", "infer 1 1 1"):
        assert board.ask(words) == ["e-[infer N W: N 1 to 1000000, W 0 to 10000]"]


def test_a_refused_line_of_hex_can_be_sent_again(board: Board) -> None:
    data = some_input(5)
    board.ask(f"db load {INPUT_BYTES}")
    for line in ("db 0", "db 0g", "db 00000", f"db {'00' * 32}"):
        assert board.ask(line) == ["e-[Not hex, or too many bytes]"]
    for start in range(0, 480, 24):
        assert board.ask(f"db {data[start : start + 24].hex().upper()}") == []
    assert board.ask(f"db {'00' * 11}") == ["e-[Not hex, or too many bytes]"]
    assert board.ask("infer") == ["e-[No input is loaded]"]
    assert board.ask(f"db {data[480:].hex()}") == ["m-load-done"]
    assert board.ask(f"db {data[480:].hex()}") == ["e-[No db load before]"]
    assert board.ask("infer 1 0")[-1] == results_line(data)
