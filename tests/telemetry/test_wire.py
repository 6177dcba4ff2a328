"""The parser against docs/wire.md, against any bytes, and against damaged real sessions."""

import random
import re
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_deploy.telemetry import wire
from edge_deploy.telemetry.wire import BadRecord, Line, Parser, Record
from tests.fake_device import FakeBoard, FakeLink

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "wire.md"
HEADER = ROOT / "firmware" / "src" / "wire" / "ed_wire.h"


def a_record(seq=0, kind="run", fields="run=0 us=5"):
    line = f"ed-{kind} seq={seq} {fields}".encode()
    return line + b"*%08x\r\n" % zlib.crc32(line)


def a_session(inputs=1):
    """All bytes that a fake board says in a session of the independent implementation."""
    board = FakeBoard()
    link = FakeLink(board, piece=1 << 20)

    def ask(text):
        link.write(f"{text}*{zlib.crc32(text.encode()):08x}%".encode())

    link.write(b"%hello%profile%db print%name%")
    for number in range(inputs):
        data = random.Random(number).randbytes(board.model.input_bytes)
        ask(f"load {len(data)} {zlib.crc32(data):08x}")
        link.write(data)
        ask("run 2 1 1")
    ask("stream on 4")
    said = b""
    while data := link.read(1.0):
        said += data
    return said


def events_of(data, piece=None):
    parser = Parser()
    events = []
    for start in range(0, len(data), piece or len(data) or 1):
        events += parser.feed(data[start : start + (piece or len(data))])
    return events, parser


def lines_of(data):
    return [line for line in re.split(rb"[\r\n]+", data) if line]


def test_constants_are_those_of_the_specification():
    table = dict(re.findall(r"^\| `(ED_WIRE_\w+)` \| (\d+) \|$", DOCS.read_text(), re.MULTILINE))
    ours = {name: value for name, value in vars(wire).items() if name.startswith("ED_WIRE_")}
    assert len(table) >= 9
    assert {name: int(value) for name, value in table.items()} == ours


def test_constants_are_those_of_the_firmware():
    defined = dict(re.findall(r"^#define (ED_WIRE_\w+) (\d+)$", HEADER.read_text(), re.MULTILINE))
    ours = {name: value for name, value in vars(wire).items() if name.startswith("ED_WIRE_")}
    assert {name: int(value) for name, value in defined.items()} == ours


def test_crc_is_the_one_of_the_specification():
    assert wire.crc(b"123456789") == 0xCBF43926  # the check value of CRC-32/ISO-HDLC


def test_command_has_its_crc_and_its_end():
    assert wire.encode_command("run 1 0 0") == b"run 1 0 0*%08x%%" % zlib.crc32(b"run 1 0 0")


@pytest.mark.parametrize("text", ["50%", "a*b", "a\nb", "tab\t", "x" * 72, "caf\u00e9"])
def test_what_is_no_command_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011  (UnicodeEncodeError is one)
        wire.encode_command(text)
    assert len(wire.encode_command("x" * 71)) == wire.ED_WIRE_COMMAND_BYTES + 1


def test_escape_of_every_byte_of_the_specification():
    assert wire.escape("a%b*c=d[e]f g\r\n~!\x7f") == "a=25b=2Ac=3Dd=5Be=5Df=20g=0D=0A~!=7F"


@given(st.text())
def test_escaped_text_comes_back_and_holds_nothing_of_the_structure(text):
    value = wire.escape(text)
    assert not re.search(r"[^!-~]|[%*\[\]]", value)
    assert wire.unescape(value) == text


@given(st.text())
def test_unescape_takes_anything(value):
    assert isinstance(wire.unescape(value), str)


def test_session_is_read_whole_in_pieces_of_any_size():
    data = a_session(3)
    whole, parser = events_of(data)
    assert parser.damage == 0
    assert sum(isinstance(event, Record) for event in whole) > 40
    for piece in (1, 2, 3, 7, 64, 511):
        assert events_of(data, piece)[0] == whole


def test_fields_are_read():
    line = b"ed-x seq=7 a=-5 b=a=3Db c=00ff d=3f800000 e=p,q f=none g="
    record = wire.read_record(line + b"*%08x" % zlib.crc32(line))
    assert record is not None
    assert (record.kind, record.seq, record.integer("a")) == ("x", 7, -5)
    assert record.text("b") == "a=b"
    assert record.raw("c") == b"\0\xff"
    assert record.optional_float32("d") == 1.0
    assert record.names("e") == ("p", "q")
    assert record.names("f") == ()
    assert record.raw("g") == b""
    assert record.optional_integer("zz") is None
    for read, key in (
        (record.integer, "b"),
        (record.integer, "zz"),
        (record.raw, "b"),
        (record.raw, "zz"),
        (record.text, "zz"),
        (record.optional_float32, "c"),
    ):
        with pytest.raises(BadRecord, match="ed-x"):
            read(key)


@pytest.mark.parametrize(
    "line",
    [
        b"ed-run run=0",  # no seq
        b"ed-run seq=x",
        b"ed-run seq=4294967296",
        b"ed-run seq=-1",
        b"ed-RUN seq=0",
        b"ed-run seq=0  run=0",  # two spaces
        b"ed-run seq=0 Run=0",
        b"ed-run seq=0 run",
        b"xd-run seq=0",
    ],
)
def test_malformed_record_is_dropped_even_with_a_right_crc(line):
    line += b"*%08x" % zlib.crc32(line)
    events, parser = events_of(line + b"\r\n" + a_record(1))
    assert [event.seq for event in events if isinstance(event, Record)] == [1]
    assert parser.corrupt_lines == 1


def test_record_without_a_crc_is_dropped():
    events, parser = events_of(b"ed-run seq=0 run=0\r\n" + a_record(1))
    assert [event.seq for event in events] == [1]
    assert parser.corrupt_lines == 1


def test_crc_in_upper_case_is_not_the_boards():
    good = a_record().rstrip()
    bad = good[:-8] + good[-8:].upper()
    assert wire.read_record(good) is not None
    assert bad == good or wire.read_record(bad) is None


def test_gaps_repetitions_and_disorder_are_counted():
    def counts(*seqs):
        events, parser = events_of(b"".join(map(a_record, seqs)))
        return (
            [event.seq for event in events],
            parser.lost_records,
            parser.repeated_records,
            parser.disordered_records,
        )

    assert counts(5, 6, 7) == ([5, 6, 7], 0, 0, 0)
    assert counts(5, 9) == ([5, 9], 3, 0, 0)
    assert counts(5, 5, 6) == ([5, 6], 0, 1, 0)
    assert counts(5, 3, 4) == ([5, 3, 4], 0, 0, 1)
    assert counts(0xFFFFFFFE, 0xFFFFFFFF, 0, 1) == ([0xFFFFFFFE, 0xFFFFFFFF, 0, 1], 0, 0, 0)


def test_boot_begins_the_count_again():
    data = a_record(900) + a_record(0, "boot", "reason=reset") + a_record(1)
    events, parser = events_of(data)
    assert len(events) == 3
    assert parser.damage == 0


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\n\r", b"\r\n\r\n"])
def test_half_a_line_end_is_enough(end):
    data = a_record(1).rstrip() + end + a_record(2)
    events, parser = events_of(data, 1)
    assert [event.seq for event in events] == [1, 2]
    assert parser.damage == 0


def test_line_limit_is_exact():
    longest = b"x" * (wire.ED_WIRE_LINE_BYTES - 2)
    for piece in (1, 100, None):
        events, parser = events_of(longest + b"\r\n", piece)
        assert events == [Line(longest.decode())]
        events, parser = events_of(longest + b"x\r\n" + a_record(1), piece)
        assert [type(event) for event in events] == [Record]
        assert parser.overlong_lines == 1


def test_memory_is_bounded_whatever_comes():
    parser = Parser()
    for _ in range(1000):
        assert parser.feed(b"ed-" * 1000) == []
        assert len(parser._held) <= wire.ED_WIRE_LINE_BYTES
    assert parser.overlong_lines == 1
    assert parser.feed(b"\r\n" + a_record(3))[0].seq == 3


@given(st.lists(st.binary(max_size=700), max_size=12))
def test_no_bytes_make_it_raise_and_the_next_record_is_read(pieces):
    parser = Parser()
    for piece in pieces:
        for event in parser.feed(piece):
            assert isinstance(event, Line)  # no random bytes have a right CRC
        assert len(parser._held) <= wire.ED_WIRE_LINE_BYTES
    parser.feed(b"\r\n")
    assert parser.feed(a_record(77))[0].seq == 77


@settings(max_examples=200)
@given(st.data())
def test_any_text_line_comes_out_as_it_went_in(data):
    text = data.draw(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=510))
    events, parser = events_of(text.encode() + b"\r\n")
    if text.startswith("ed-") or re.search(r"\*[0-9a-f]{8}$", text):
        assert events == []
        assert parser.corrupt_lines == 1
    else:
        assert events == ([Line(text)] if text else [])


def damage(data, rng, rate):
    """Garble, drop and double bytes, and now and then throw in noise or cut a piece out."""
    out = bytearray()
    skip = 0
    for byte in data:
        if skip:
            skip -= 1
            continue
        dice = rng.random()
        if dice < rate:
            out.append(byte ^ (1 << rng.randrange(8)))
        elif dice < 2 * rate:
            pass
        elif dice < 3 * rate:
            out += bytes((byte, byte))
        elif dice < 3.1 * rate:
            out += rng.randbytes(rng.randrange(1, 700))
        elif dice < 3.2 * rate:
            skip = rng.randrange(1, 300)
        else:
            out.append(byte)
    return bytes(out)


def test_no_wrong_record_passes_and_good_ones_do():
    """300 seeds of damage to real sessions: about two million bytes."""
    clean = a_session(4)
    true_records = {line for line in lines_of(clean) if line.startswith(b"ed-")}
    expected = {wire.read_record(line) is not None for line in true_records}
    assert expected == {True}
    truth = {
        (record.kind, record.seq, tuple(record.fields.items()))
        for line in true_records
        if (record := wire.read_record(line)) is not None
    }
    passed = lost_to_damage = 0
    for seed in range(300):
        rng = random.Random(seed)
        noisy = damage(clean, rng, rng.choice((0.0003, 0.002, 0.01)))
        after = a_record(0xFFFF, "done", "runs=1")
        events, parser = events_of(noisy + b"\r\n" + after, rng.choice((1, 13, 512, 1 << 20)))
        records = [event for event in events if isinstance(event, Record)]
        assert (records[-1].kind, records[-1].seq) == ("done", 0xFFFF)
        for record in records[:-1]:
            assert (record.kind, record.seq, tuple(record.fields.items())) in truth
        # Every line that came through whole is read.
        whole = [line for line in lines_of(noisy) if line in true_records]
        assert len(records) - 1 + parser.repeated_records == len(whole)
        passed += len(whole)
        lost_to_damage += len(true_records) - len(set(whole))
        assert noisy == clean or parser.damage > 0 or set(whole) == true_records
    assert passed > 5000
    assert lost_to_damage > 1000


def test_twenty_thousand_records_take_no_seconds():
    """Fast enough for a million laps: a guard against per-byte work, not a benchmark."""
    data = b"".join(
        a_record(seq, fields="run=0 us=92031 cycles=5890012 cycles_board=6311820")
        for seq in range(20_000)
    )
    began = time.perf_counter()
    events, _ = events_of(data, 4096)
    assert len(events) == 20_000
    assert time.perf_counter() - began < 4  # 0.15 s on a quiet machine
