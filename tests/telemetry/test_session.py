"""Every operation of a session on a healthy board, and on boards that refuse or are not ours."""

import random
import zlib
from contextlib import closing

import numpy as np
import pytest

from edge_deploy.errors import BadInput, Exit, LinkLost, UsageError, WrongBoard
from edge_deploy.telemetry.conversation import DEFAULT_TIMEOUT_S
from edge_deploy.telemetry.failures import (
    BoardRefused,
    BoardRestarted,
    ForeignFirmware,
    LinkSilent,
    WrongModel,
)
from edge_deploy.telemetry.readings import Inference, Log, Power
from edge_deploy.telemetry.session import Session
from tests.fake_device import FakeBoard, FakeLink, Faults
from tests.fake_model import SHA256, FakeModel, FakeTensor


def begun(board=None, **options):
    board = board or FakeBoard()
    link = FakeLink(board)
    session = Session(link, clock=link.clock, **options)
    session.begin()
    return session, board, link


def an_input(board, seed=0):
    return random.Random(seed).randbytes(board.model.input_bytes)


def test_hello_has_all_that_the_board_said():
    session, board, _ = begun()
    hello = session.board
    assert (hello.board, hello.variant, hello.port) == ("nano33", "fake", "virtual_m4")
    assert (hello.model, hello.sha256) == ("fake model", SHA256)
    assert hello.labels == ("yes", "no way", "100 %")
    assert hello.counters == ("cycles", "cycles_board", "instructions", "energy")
    assert hello.sensors == ()
    tensor = hello.inputs[0]
    assert (tensor.name, tensor.dtype, tensor.shape) == ("in put", "int8", (1, 7, 5))
    assert (tensor.scale, tensor.zero_point, tensor.bytes) == (0.25, 83, 35)
    assert hello.outputs[0].scale == 1 / 256
    assert hello.clock_hz == 64_000_000
    assert session.hello() == hello
    assert session.health.retries == 0
    assert (hello.input_bytes, hello.output_bytes) == (35, board.model.output_bytes)


def test_tensor_to_bytes_and_back():
    session, _, _ = begun()
    tensor = session.board.inputs[0]
    values = np.arange(-17, 18, dtype=np.int8).reshape(tensor.shape)
    assert (tensor.decode(tensor.encode(values)) == values).all()
    assert tensor.dequantize(np.array([83, 87], np.int8)).tolist() == [0.0, 1.0]
    with pytest.raises(BadInput):
        tensor.encode(values.astype(np.int16))
    with pytest.raises(BadInput):
        tensor.encode(values.ravel()[:5])
    with pytest.raises(BadInput):
        tensor.decode(b"abc")


def test_model_of_several_inputs_outputs_and_types():
    model = FakeModel(
        inputs=(FakeTensor("a", "int8", (2, 3)), FakeTensor("b", "int16", (4,))),
        outputs=(
            FakeTensor("p", "uint8", (1, 200)),
            FakeTensor("q", "int32", (3,)),
            FakeTensor("r", "float32", (1, 1, 2)),
        ),
        labels=(),
    )
    session, board, _ = begun(FakeBoard(model=model))
    arrays = [np.full((2, 3), -7, np.int8), np.array([1, -2, 300, 4], np.int16)]
    output = session.infer(session.board.encode_inputs(arrays))
    assert output == board.model.infer(b"".join(array.tobytes() for array in arrays))
    decoded = session.board.decode_outputs(output)
    assert [(array.dtype, array.shape) for array in decoded] == [
        (np.uint8, (1, 200)),
        (np.int32, (3,)),
        (np.float32, (1, 1, 2)),
    ]
    assert b"".join(array.tobytes() for array in decoded) == output
    with pytest.raises(BadInput):
        session.board.encode_inputs(arrays[:1])
    with pytest.raises(BadInput):
        session.board.decode_outputs(output[:-1])


def test_right_and_wrong_model():
    session, _, _ = begun()
    session.check_model(SHA256)
    with pytest.raises(WrongModel) as caught:
        session.check_model("0123456789abcdef" * 4)
    assert caught.value.exit_code == Exit.WRONG_BOARD
    assert SHA256[:12] in caught.value.message
    assert "0123456789ab" in caught.value.message
    assert caught.value.try_next


def test_two_hundred_inputs_are_right_and_nothing_is_waited_for():
    session, board, link = begun(FakeBoard(run_us=1000))
    before, reads = link.clock(), link.reads
    link.piece = 1 << 20
    for seed in range(200):
        data = an_input(board, seed)
        session.load(data)
        assert session.run(1).output == board.model.infer(data)
    assert link.clock() - before == pytest.approx(200 * 0.001)  # the board's own time, no more
    assert link.reads - reads == 3 * 200  # ed-go; ed-loaded; the run's reply


def test_load_is_what_the_specification_says():
    session, board, link = begun()
    link.written.clear()
    data = an_input(board)
    session.load(data)
    text = f"load {len(data)} {zlib.crc32(data):08x}"
    assert bytes(link.written) == f"{text}*{zlib.crc32(text.encode()):08x}%".encode() + data


def test_load_of_another_size_never_reaches_the_board():
    session, _, link = begun()
    link.written.clear()
    with pytest.raises(BadInput, match=r"35 B.*not 34 B"):
        session.load(bytes(34))
    assert not link.written


def test_run_reports_each_lap_and_layer():
    session, board, _ = begun()
    session.load(an_input(board))
    result = session.run(3, 2, layers=True)
    assert [lap.run for lap in result.laps] == [0, 1, 2]
    assert {lap.us for lap in result.laps} == {board.run_us}
    assert result.laps[0].counts.cycles == 400 + 3000 + 77
    assert [[layer.counts.cycles for layer in run] for run in result.layers] == [
        [400, 3000, 77]
    ] * 3
    assert sum(layer.us for layer in result.layers[0]) == result.laps[0].us
    assert result.stack_bytes == 1432
    assert session.run(2).layers == ()


def test_what_the_board_does_not_count_is_absent():
    session, board, _ = begun(FakeBoard(counters=()))
    session.load(an_input(board))
    counts = session.run(1).laps[0].counts
    assert session.board.counters == ()
    assert (counts.cycles, counts.energy_nj) == (None, None)


@pytest.mark.parametrize(
    ("runs", "warmup"), [(0, 0), (-1, 0), (1_000_001, 0), (1, -1), (1, 10_001)]
)
def test_run_numbers_outside_the_wire_are_usage_errors(runs, warmup):
    session, _, _ = begun()
    with pytest.raises(UsageError):
        session.run(runs, warmup)


def test_run_without_an_input_is_refused():
    session, _, _ = begun()
    with pytest.raises(BoardRefused, match="no input is loaded") as caught:
        session.run(1)
    assert caught.value.code == "no-input"


def test_long_warm_up_on_a_slow_board_is_not_a_hang():
    """2000 runs of 1.5 s without a word from the board: 50 minutes against a 10 s time-out."""
    session, board, link = begun(FakeBoard(run_us=1_500_000))
    session.load(an_input(board))
    assert len(session.run(3, 2000).laps) == 3
    assert link.clock() > 3000
    assert session.health.retries == 0


def test_hang_in_a_run_is_noticed_in_bounded_time():
    session, board, link = begun()
    session.load(an_input(board))
    board.hung = True
    began = link.clock()
    with pytest.raises(LinkSilent, match="for 20 s") as caught:
        session.run(5)
    assert caught.value.exit_code == Exit.LINK_LOST
    assert link.clock() - began <= 2 * DEFAULT_TIMEOUT_S + 2


def test_begin_on_a_dead_link():
    link = FakeLink(FakeBoard(faults=Faults(silent_at=1)))
    with pytest.raises(LinkSilent, match="has not answered for 10 s"):
        Session(link, clock=link.clock).begin()
    assert link.clock() <= 12


def test_begin_ends_whatever_the_board_was_doing():
    board = FakeBoard()
    link = FakeLink(board)
    link.write(b"half a comm")  # a command that nobody ended
    assert Session(link, clock=link.clock).begin().model == "fake model"

    board = FakeBoard()
    link = FakeLink(board)
    text = b"load 35 00000000"
    link.write(text + b"*%08x%%" % zlib.crc32(text) + b"twelve bytes")  # half an upload
    assert Session(link, clock=link.clock).begin().model == "fake model"

    board = FakeBoard(period_us=1000)
    link = FakeLink(board)
    text = b"stream on"
    link.write(text + b"*%08x%%" % zlib.crc32(text))  # a stream that nobody ended
    session = Session(link, clock=link.clock)
    session.begin()
    assert not board.streaming
    session.load(an_input(board))
    assert session.run(1).output == board.model.infer(an_input(board))


def test_begin_after_random_bytes():
    for seed in range(200):
        board = FakeBoard()
        link = FakeLink(board)
        link.write(random.Random(seed).randbytes(3000))
        session = Session(link, clock=link.clock)
        session.begin()
        assert session.infer(an_input(board)) == board.model.infer(an_input(board))


class Stranger(FakeBoard):
    """A board with the MLPerf Tiny reference firmware: the plain commands alone."""

    def record(self, kind, **fields):
        pass

    def carry_out(self, command):
        self.tiny(command)


class Chatterer(FakeBoard):
    """Some sketch that prints and listens to nobody."""

    def carry_out(self, command):
        pass

    def boot(self, reason):
        super().boot(reason)
        self.sent.clear()

    def next_event_us(self):
        return self.now_us + 10_000

    def wake(self):
        self.say("temperature 21.5")


@pytest.mark.parametrize("kind", [Stranger, Chatterer])
def test_foreign_firmware_is_named(kind):
    link = FakeLink(kind())
    with pytest.raises(ForeignFirmware) as caught:
        Session(link, clock=link.clock).begin()
    assert caught.value.exit_code == Exit.WRONG_BOARD
    assert "Unknown command" in caught.value.message or "temperature" in caught.value.message
    assert link.clock() < 15


class Babbler(Chatterer):
    """A board at another baud rate: bytes come, and make no sense."""

    def wake(self):
        self.send(self.random.randbytes(40) + b"\n")


def test_unreadable_board_is_no_foreign_firmware():
    link = FakeLink(Babbler())
    with pytest.raises(LinkSilent, match=r"cannot be read: \d+ damaged lines"):
        Session(link, clock=link.clock).begin()


def test_busy_board_is_no_foreign_firmware():
    """Another session's long run is still going on, and will for a while."""
    board = FakeBoard(run_us=100_000)
    link = FakeLink(board)
    for text in (b"load 35 %08x" % zlib.crc32(bytes(35)), b"run 1000 0 0"):
        link.write(text + b"*%08x%%" % zlib.crc32(text))
        if text.startswith(b"load"):
            link.write(bytes(35))
    with pytest.raises(LinkSilent, match="busy"):
        Session(link, clock=link.clock).begin()
    assert link.clock() < 20
    link.read(200)  # what that session had asked for ends at last
    link.now_us = board.now_us
    assert Session(link, clock=link.clock).begin().model == "fake model"


def test_newer_protocol_is_named():
    class Newer(FakeBoard):
        def record(self, kind, **fields):
            super().record(kind, **{**fields, **({"protocol": 2} if kind == "hello" else {})})

    link = FakeLink(Newer())
    with pytest.raises(ForeignFirmware, match="protocol 2"):
        Session(link, clock=link.clock).begin()


def test_hello_that_contradicts_itself():
    class Liar(FakeBoard):
        def record(self, kind, **fields):
            super().record(kind, **{**fields, **({"shape": "1x2x2"} if kind == "input" else {})})

    link = FakeLink(Liar())
    with pytest.raises(WrongBoard, match="1x2x2"):
        Session(link, clock=link.clock).begin()


# --- streams ------------------------------------------------------------------------------


def test_stream_of_n_ends_by_itself():
    session, board, _ = begun()
    board.model.outputs = (FakeTensor("y", "int8", (1, 1)),)
    readings = list(session.stream(7))
    inferences = [reading for reading in readings if isinstance(reading, Inference)]
    assert [reading.n for reading in inferences] == list(range(7))
    assert all(board.model.infer(reading.input) == reading.output for reading in inferences)
    assert inferences[0].end_to_end_us == 10 + board.run_us + 3
    powers = [reading for reading in readings if isinstance(reading, Power)]
    assert powers[0].current_ua == 3310
    assert not board.streaming
    assert len(list(session.stream(2))) >= 2  # and again


def test_closed_stream_is_off_and_drained():
    session, board, link = begun(FakeBoard(period_us=500))
    with closing(session.stream()) as stream:
        for _ in range(20):
            next(stream)
        assert board.streaming
    assert not board.streaming
    assert board.commands[-1].startswith("stream off*")
    data = an_input(board)
    session.load(data)
    assert session.run(1).output == board.model.infer(data)
    assert session.health.retries == 0
    assert link.clock() < 5


def test_interrupt_inside_the_link_ends_the_stream_cleanly():
    """Ctrl-C strikes while the generator waits for bytes."""
    session, board, link = begun()
    read = link.read

    def interrupted(timeout_s):
        link.read = read
        raise KeyboardInterrupt

    stream = session.stream()
    next(stream)
    link.read = interrupted
    with pytest.raises(KeyboardInterrupt):
        list(stream)
    assert not board.streaming
    assert session.hello().model == "fake model"


def test_close_ends_a_stream_that_nobody_closed():
    session, board, link = begun()
    stream = session.stream()
    next(stream)
    session.close()
    assert not board.streaming
    assert link.closed


def test_close_of_a_dead_board_is_quiet_and_bounded():
    session, board, link = begun()
    stream = session.stream()
    next(stream)
    board.hung = True
    began = link.clock()
    session.close()
    assert link.closed
    assert link.clock() - began < 15


def test_stream_of_a_slow_source_is_patient():
    session, _, link = begun(FakeBoard(period_us=45_000_000, meter=False))
    stream = session.stream()
    with pytest.raises(LinkSilent, match="streamed nothing"):
        next(stream)  # asked for again, it begins again: 10 s are too few for this source
    session, _, link = begun(FakeBoard(period_us=45_000_000, meter=False), timeout_s=60)
    began = link.clock()
    with closing(session.stream()) as stream:
        assert [next(stream).n for _ in range(3)] == [0, 1, 2]
    assert link.clock() - began > 130


def test_stream_from_a_hanging_board_ends():
    session, board, link = begun()
    stream = session.stream()
    next(stream)
    board.hung = True
    board.sent.clear()
    began = link.clock()
    with pytest.raises(LinkSilent):
        list(stream)
    assert link.clock() - began < 25


def test_stream_takes_the_place_of_the_loaded_input():
    session, board, _ = begun()
    session.load(an_input(board))
    list(session.stream(1))
    with pytest.raises(BoardRefused, match="no input"):  # and not: the board restarted
        session.run(1)


def test_stream_without_a_source_is_refused():
    session, _, _ = begun(FakeBoard(source="none"))
    with pytest.raises(BoardRefused, match="nothing to stream from"):
        next(session.stream())
    assert session.hello().source == "none"


def test_lines_of_text_in_a_stream_are_logs():
    session, board, _ = begun()
    stream = session.stream()
    next(stream)
    board.say("sensor is warm")
    assert Log("sensor is warm") in [next(stream) for _ in range(3)]
    stream.close()


@pytest.mark.parametrize("n", [0, -1, 1_000_001])
def test_stream_numbers_outside_the_wire(n):
    session, _, _ = begun()
    with pytest.raises(UsageError):
        next(session.stream(n))


# --- restarts -----------------------------------------------------------------------------


def test_reset_boots_and_begins_again():
    session, board, _ = begun()
    session.load(an_input(board))
    assert session.reset().model == "fake model"
    assert board.boots == 2
    with pytest.raises(BoardRefused, match="no input"):
        session.run(1)


def test_restart_between_two_commands_is_noticed():
    session, board, _ = begun()
    session.load(an_input(board))
    board.boot("brownout")
    with pytest.raises(BoardRestarted, match="brownout") as caught:
        session.run(1)
    assert caught.value.reason == "brownout"
    assert caught.value.exit_code == Exit.LINK_LOST
    session.begin()
    session.load(an_input(board))
    assert session.run(1).output == board.model.infer(an_input(board))


def test_restart_is_noticed_though_its_record_was_lost():
    session, board, _ = begun()
    board.record_all = board.record

    def lose(kind, **fields):
        board.record = board.record_all

    board.record = lose
    board.boot("power")
    with pytest.raises(BoardRestarted, match="does not know why"):
        session.load(an_input(board))


def test_restart_is_noticed_though_all_boot_lines_were_lost():
    session, board, _ = begun()
    session.load(an_input(board))
    board.boot("power")
    board.sent.clear()
    with pytest.raises(BoardRestarted):
        session.run(1)


def test_unplugged_link_is_link_lost():
    session, board, _ = begun()
    board.gone = True
    with pytest.raises(LinkLost) as caught:
        session.hello()
    assert caught.value.exit_code == Exit.LINK_LOST


def test_operating_system_error_while_writing_is_link_lost():
    session, _, link = begun()

    def broken(data):
        raise BrokenPipeError(32, "Broken pipe")

    link.write = broken
    with pytest.raises(LinkLost, match="Broken pipe"):
        session.hello()


def test_board_before_begin_is_a_callers_mistake():
    link = FakeLink(FakeBoard())
    with pytest.raises(RuntimeError, match="begin"):
        _ = Session(link).board
