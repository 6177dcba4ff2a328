"""Our records and commands on the host port: docs/wire.md, sentence by sentence."""

from __future__ import annotations

import itertools
import time

import pytest

from tests.firmware.board import (
    INPUT_BYTES,
    SHA256,
    Board,
    crc,
    fields_of,
    model_output,
    sealed,
    some_input,
)


def error(code: str, **more: str) -> dict[str, str]:
    return {"kind": "error", "code": code} | more


def told(board: Board, text: str) -> list[dict[str, str]]:
    """The answer without its sequence numbers."""
    return [{k: v for k, v in record.items() if k != "seq"} for record in board.tell(text)]


def test_hello(board: Board) -> None:
    hello, *parts = told(board, "hello")
    assert hello == {
        "kind": "hello",
        "protocol": "1",
        "board": "nano33",
        "variant": board.variant,
        "port": "host",
        "firmware": "0.1.0",
        "engine": "by-hand/portable",
        "model": "fake=20model",
        "sha256": SHA256,
        "clock_hz": "64000000",
        "inputs": "2",
        "outputs": "2",
        "labels": "2",
        "layers": "3",
        "arena_bytes": "512",
        "sensors": board.sensors,
        "source": "ramp",
        "counters": board.counters,
    }
    one = {"kind": "input", "i": "0", "name": "serving=5Fdefault", "type": "int8"}
    one |= {"shape": "1x240", "bytes": "240", "scale_bits": "3d000000", "zero_point": "3"}
    two = {"kind": "input", "i": "1", "name": "second", "type": "uint8"}
    two |= {"shape": "250", "bytes": "250"}
    assert parts[:2] == [one, two]
    assert [part["kind"] for part in parts[2:]] == ["output", "output", "label", "label"]
    assert parts[2]["zero_point"] == "-8"
    assert parts[3] | {"bytes": "12"} == parts[3]
    assert "scale_bits" not in parts[3]
    assert parts[5] == {"kind": "label", "i": "1", "text": "not=20=25"}


def test_hello_needs_no_crc_and_the_rest_does(board: Board) -> None:
    assert fields_of(board.ask("hello")[0])["kind"] == "hello"
    assert fields_of(board.ask(" hello ")[0])["kind"] == "hello"
    commands = ["hello x", "load 490 00000000", "run 1 0 0", "stream on", "reset"]
    for command in [*commands, "name*00000000", "*", "hello*", f"hello*{crc(b'hellO')}"]:
        (line,) = board.ask(command)
        record = fields_of(line)
        assert (record["kind"], record["code"]) == ("error", "crc")


def test_a_right_crc_in_capitals_is_right(board: Board) -> None:
    board.send(f"hello*{crc(b'hello').upper()}%".encode())
    assert fields_of(board.until_ready()[0])["kind"] == "hello"


def test_sequence_numbers_have_no_gap(board: Board) -> None:
    seen = [fields_of(board.boot[2])]
    for words in ("hello", "run 1 0 0", "nonsense", "hello"):
        seen += board.tell(words)
    board.load(some_input(1))  # two records
    after = board.tell("hello")[0]
    assert [int(record["seq"]) for record in seen] == list(range(len(seen)))
    assert int(after["seq"]) == len(seen) + 2


def test_unknown_and_out_of_range(board: Board) -> None:
    assert told(board, "nonsense") == [error("unknown")]
    assert told(board, "name") == [error("unknown")]
    assert told(board, "") == [error("unknown")]
    for words in (
        "run", "run 1 0", "run 0 0 0", "run 1000001 0 0", "run 1 10001 0", "run 1 0 2",
        "run 1 0 0 0", "run a 0 0", "run 4294967297 0 0", "load", "load 490", "load x 00000000",
        "load 490 0000000", "load 490 000000000", "load 490 0000000g", "load 490 00000000 1",
        "stream", "stream maybe", "stream on 0", "stream on 1000001", "stream off 1", "hello 1",
        "reset 1",
    ):  # fmt: skip
        assert told(board, words) == [error("range")], words


def test_load_then_run(either: Board) -> None:
    for seed in range(5):
        data = some_input(seed)
        either.load(data)
        for runs, warmup in [(1, 0), (3, 2)]:
            *laps, out_0, out_1, done = told(either, f"run {runs} {warmup} 0")
            assert [(lap["kind"], lap["run"]) for lap in laps] == [
                ("run", str(run)) for run in range(runs)
            ]
            counted = {"kind", "run", "us", either.counters} - {"none"}
            assert all(set(lap) == counted for lap in laps)
            expected = model_output(data)
            assert out_0 == {"kind": "out", "i": "0", "off": "0", "hex": expected[:64].hex()}
            assert out_1 == {"kind": "out", "i": "1", "off": "0", "hex": expected[64:].hex()}
            in_crc, out_crc = crc(data), crc(expected)
            assert (int(done.pop("stack_bytes", "0")) > 0) is either.knows_stack
            assert done == {
                "kind": "done", "runs": str(runs), "in_crc": in_crc, "out_crc": out_crc,
            }  # fmt: skip


def test_layers_sum_up_to_the_run(board: Board) -> None:
    board.load(some_input(1))
    records = told(board, "run 4 1 1")
    kinds = [record["kind"] for record in records]
    assert kinds == ["run", "layer", "layer", "layer"] * 4 + ["out", "out", "done"]
    for run, start in enumerate(range(0, 16, 4)):
        whole, *layers = records[start : start + 4]
        assert [layer["layer"] for layer in layers] == ["0", "1", "2"]
        assert {record["run"] for record in (whole, *layers)} == {str(run)}
        assert sum(int(layer["us"]) for layer in layers) == int(whole["us"])


def test_run_and_infer_share_the_input(either: Board) -> None:
    data = some_input(3)
    either.load(data)
    assert either.ask("infer 1 0")[-1].startswith("m-results-[")
    printed = "".join(line.removeprefix("m-buffer-") for line in either.ask("db print"))
    assert bytes.fromhex(printed) == data
    assert told(either, "run 1 0 0")[-1]["out_crc"] == crc(model_output(data))
    assert either.ask("results")[0].startswith("m-results-[")


def test_no_input(board: Board) -> None:
    assert told(board, "run 1 0 0") == [error("no-input")]


def test_an_upload_of_another_size_changes_nothing(either: Board) -> None:
    either.load(some_input(1))
    assert told(either, "load 491 00000000") == [error("size", want="490")]
    assert told(either, "run 1 0 0")[-1]["in_crc"] == crc(some_input(1))


def test_an_upload_with_a_wrong_crc_is_no_input(either: Board) -> None:
    either.load(some_input(1))
    data = some_input(2)
    either.send(sealed(f"load {INPUT_BYTES} 01234567"))
    fields_of(either.line())
    either.send(data)
    failed = fields_of(either.line())
    assert (failed["code"], failed["crc"]) == ("data", crc(data))
    assert either.until_ready() == []
    assert told(either, "run 1 0 0") == [error("no-input")]


@pytest.mark.parametrize("have", [0, 1, 239, 489])
def test_an_upload_that_falls_silent_is_abandoned(board: Board, have: int) -> None:
    data = some_input(have)
    board.send(sealed(f"load {INPUT_BYTES} {crc(data)}"))
    fields_of(board.line())
    board.send(data[:have])
    start = time.monotonic()
    failed = fields_of(board.line())
    assert time.monotonic() - start > 0.45
    assert (failed["code"], failed["have"]) == ("timeout", str(have))
    assert board.until_ready() == []
    assert told(board, "run 1 0 0") == [error("no-input")]
    board.load(data)
    assert told(board, "run 1 0 0")[-1]["out_crc"] == crc(model_output(data))


def test_raw_bytes_may_come_in_any_pieces(board: Board) -> None:
    """All at once with the command before and after, and one by one; `%` is a byte like any."""
    data = b"%" * INPUT_BYTES
    board.send(sealed(f"load {INPUT_BYTES} {crc(data)}") + data + b"name%")
    go, loaded = (fields_of(line) for line in board.until_ready())
    assert (go["kind"], loaded["kind"]) == ("go", "loaded")
    assert board.until_ready() == ["m-name-dut-[edge-deploy]"]
    data = some_input(9)
    board.send(sealed(f"load {INPUT_BYTES} {crc(data)}"))
    for byte in data:
        board.send(bytes([byte]))
    assert [fields_of(line)["kind"] for line in board.until_ready()] == ["go", "loaded"]


def test_reset(board: Board) -> None:
    board.load(some_input(1))
    board.send(sealed("reset"))
    assert fields_of(board.line())["kind"] == "reset"
    first, second, boot, ready = (board.line() for _ in range(4))
    assert (first, second, ready) == ("m-timestamp-mode-performance", "m-init-done", "m-ready")
    assert fields_of(boot) == {"kind": "boot", "seq": "0", "reason": "reset", "sha256": SHA256}
    assert told(board, "run 1 0 0") == [error("no-input")]
    assert told(board, "hello")[0]["board"] == "nano33"


def ramp_values(count: int) -> list[int]:
    """The first input element of each period: -4 to 4 in 16 steps, scale 1/32, zero point 3."""
    steps = itertools.cycle(range(16))
    real = (-4 + 8 * step / 16 for step in steps)
    return [max(-128, min(127, round(32 * next(real)) + 3)) for _ in range(count)]


def test_stream_of_a_number(board: Board) -> None:
    assert board.tell("stream on 20") == []
    results = [fields_of(board.line()) for _ in range(20)]
    end = fields_of(board.line())
    assert (end["kind"], end["state"], end["n"]) == ("stream", "off", "20")
    assert {result["kind"] for result in results} == {"result"}
    assert [int(result["n"]) for result in results] == list(range(20))
    for result, first in zip(results, ramp_values(20), strict=True):
        data = bytes([first & 0xFF, *[3] * 239, *[0] * 250])
        output = model_output(data)
        stored = [value - 256 * (value >= 128) for value in output[:64]]
        assert int(result["top"]) == stored.index(max(stored))
        assert "in" not in result  # 490 bytes are too many for a record
        assert "out" not in result
        assert all(int(result[key]) >= 0 for key in ("dsp_us", "inference_us", "post_us"))
    times = [int(result["t_us"]) for result in results]
    overruns = [int(result["overruns"]) for result in results]
    slots = [b - a for a, b in itertools.pairwise(times)]
    assert all(slot > 0 for slot in slots)
    # Appointments every 20 ms, counted from the first: late ones do not push the others back.
    for time_us, missed, n in zip(times, overruns, range(20), strict=True):
        assert time_us - times[0] > (n + missed) * 20_000 - 20_000
    assert times[-1] - times[0] >= 18 * 20_000


def test_stream_until_it_is_stopped(board: Board) -> None:
    board.send(sealed("stream on"))
    assert board.until_ready() == []
    for _ in range(3):
        assert fields_of(board.line())["kind"] == "result"
    board.send(b"name%")
    assert "m-name-dut-[edge-deploy]" in board.until_ready()
    assert fields_of(board.line())["kind"] == "result"
    board.send(sealed("stream off"))
    *results, end = [fields_of(line) for line in board.until_ready()]
    assert (end["kind"], end["state"]) == ("stream", "off")
    assert int(end["n"]) >= 4
    assert {result["kind"] for result in results} <= {"result"}
    assert board.tell("stream off") == []  # there is none any more
    time.sleep(0.05)
    assert board.ask("") == []


def test_a_stream_takes_the_inputs_place_and_an_upload_ends_it(board: Board) -> None:
    data = some_input(1)
    board.load(data)
    board.send(sealed("stream on"))
    assert board.until_ready() == []
    fields_of(board.line())
    board.send(sealed("run 1 0 0"))
    assert fields_of(board.until_ready()[-1])["code"] == "no-input"
    board.send(sealed(f"load {INPUT_BYTES} {crc(data)}") + data)
    kinds = [fields_of(line)["kind"] for line in board.until_ready()]
    assert kinds[-3:] == ["stream", "go", "loaded"]
    assert told(board, "run 1 0 0")[-1]["out_crc"] == crc(model_output(data))
    board.tell("stream on")
    board.send(f"db load {INPUT_BYTES}%".encode())
    *_, end, expecting = board.until_ready()
    assert fields_of(end)["state"] == "off"
    assert expecting == f"m-[Expecting {INPUT_BYTES} bytes]"


def test_no_source(firmware_preserving) -> None:
    with Board(firmware_preserving) as board:
        assert board.tell("hello")[0]["source"] == "none"
        assert told(board, "stream on") == [error("no-source")]
        assert told(board, "stream on 5") == [error("no-source")]
        assert told(board, "stream off") == []
