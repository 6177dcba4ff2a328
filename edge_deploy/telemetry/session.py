"""A session with one board over an open link: hello, load, run, hear, decide, stream, raw, reset.

Turns calls into commands of docs/wire.md and the board's records into results. A damaged reply
is asked for again, a bounded number of times, and never half believed. Knows nothing about what
kind of link or board it talks to.

    with Session(device.open()) as session:
        session.begin()
        session.check_model(manifest.model_sha256)
        session.load(session.board.encode_inputs([array]))
        result = session.run(20, 3)
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import BadInput, LinkLost, UsageError
from edge_deploy.telemetry.conversation import (
    ATTEMPTS,
    DEFAULT_TIMEOUT_S,
    REPLY_S,
    Conversation,
    Health,
    Link,
    foreign,
    refuse,
)
from edge_deploy.telemetry.failures import (
    BoardRefused,
    BoardRestarted,
    Damaged,
    LinkSilent,
    LinkUnreliable,
    WrongModel,
)
from edge_deploy.telemetry.hello import Hello, HelloParts, WireTensor
from edge_deploy.telemetry.parts import Parts
from edge_deploy.telemetry.raw import RawReader, RawSamples, patience_s_of, recorder_of
from edge_deploy.telemetry.readings import Inference, Log, Power, read_inference, read_power
from edge_deploy.telemetry.run_reply import RunReply, RunResult
from edge_deploy.telemetry.sensing import Sensing
from edge_deploy.telemetry.sensing import facts as sensing_facts
from edge_deploy.telemetry.wire import (
    ED_WIRE_MAX_RUNS,
    ED_WIRE_MAX_WARMUP,
    INIT_DONE,
    READY,
    Event,
    Line,
    Record,
    crc,
)

__all__ = ["Health", "Hello", "Link", "RawSamples", "RunResult", "Session", "WireTensor"]

HELLO_ATTEMPTS = 2 * ATTEMPTS
"""More than of other commands, because each attempt may add what the others lacked."""

SLOWEST_LINK_BYTES_PER_S = 900
"""9600 baud, the slowest rate of MLPerf Tiny's energy mode, with start and stop bits."""

PACE_MARGIN = 4
"""A run, or the next inference of a stream, may take so many times what the slowest so far took,
before silence means that something is wrong."""

LAYERS_FLAG = 1  # docs/wire.md, `run N W F`

StreamReading = Inference | Power | Log


class Session:
    """Speaks to one board. `begin` comes first; after it `board` is what the board said.

    timeout_s: silence that is given up on, beyond what the board was seen to need.
    clock: monotonic seconds; tests give their link's own. parts: tries a board's LED and memory.
    Every operation may raise LinkLost (LinkSilent, LinkUnreliable, BoardRestarted) and
    WrongBoard (ForeignFirmware, BadRecord). After a LinkLost only `begin` and `close` make sense.
    """

    def __init__(
        self,
        link: Link,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._talk = Conversation(link, timeout_s=timeout_s, clock=clock)
        self._hello: Hello | None = None
        self._loaded: bytes | None = None
        self._sensing = Sensing(self._talk, self._upload_once)
        self.parts = Parts(self._talk)
        self._seconds_a_run: float | None = None  # the slowest seen, by the host's clock
        self._streaming = False

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def health(self) -> Health:
        """What was damaged, lost and repeated so far."""
        return self._talk.health

    @property
    def board(self) -> Hello:
        """What the board said of itself. `begin` must have succeeded."""
        if self._hello is None:
            raise RuntimeError("Session.begin() has not succeeded")
        return self._hello

    # --- beginning and ending -------------------------------------------------------------

    def begin(self) -> Hello:
        """Get the board's attention, whatever it was doing, and ask what it is.

        A stream that an earlier session left running is ended. Raises ForeignFirmware if what
        answers is not our firmware, LinkSilent if nothing does within `timeout_s`.
        """
        self._hello = None
        self._loaded = None
        self._sensing.lose()
        self._talk.begin()
        with contextlib.suppress(Damaged, BoardRefused):
            self._stop_stream_once()  # changes nothing on a board that does not stream
        self._streaming = False
        hello = self.hello()
        self._talk.boot_expected = False
        return hello

    def hello(self) -> Hello:
        """Ask the board what it is. Parts of a damaged reply are asked for again."""
        talk = self._talk
        parts = HelloParts()
        errors: list[str] = []
        deadline = talk.now() + talk.timeout_s
        for _ in range(HELLO_ATTEMPTS):
            talk.send("hello")
            hello = self._read_hello(parts, errors)
            if hello is not None:
                self._hello = hello
                talk.known = True
                return hello
            if len(errors) > 1 and not parts.heard and len(set(errors)) == 1:
                raise foreign(errors[0])  # on a bad link no two refusals would be the same
            talk.retries += 1
            if talk.now() > deadline:
                break
            talk.resync()
        raise LinkUnreliable(
            f"the board's hello never came whole: {parts.missing()} still missing, "
            f"{self.health.corrupt_lines} corrupt lines.",
            try_next=("use another cable or port, and run the command again",),
        )

    def _read_hello(self, parts: HelloParts, errors: list[str]) -> Hello | None:
        """One reply to `hello`; None if parts are missing at its end or when silence falls."""
        talk = self._talk
        deadline = talk.now() + REPLY_S
        hello: Hello | None = None
        begun = False
        while (event := talk.receive(deadline)) is not None:
            if isinstance(event, Record):
                if parts.add(event):
                    begun = True
                    deadline = talk.now() + REPLY_S
                    hello = parts.complete()
            elif event.text.startswith("e-["):
                errors.append(event.text)
            elif event.text == READY and begun:  # otherwise it ends an earlier reply
                break
        return hello

    def check_model(self, sha256: str) -> None:
        """Raise WrongModel unless the board runs the model whose file has this sha256."""
        if self.board.sha256 != sha256:
            raise WrongModel(self.board.model, self.board.sha256, sha256)

    def reset(self) -> Hello:
        """Restart the board, wait until it has booted, and begin again.

        On a link that does not outlive the board's restart this raises LinkLost.
        """
        self._talk.boot_expected = True
        try:
            self._talk.retry("reset", self._reset_once)
        except BoardRefused:
            self._talk.boot_expected = False
            raise
        return self.begin()

    def _reset_once(self) -> None:
        talk = self._talk
        talk.send("reset")
        deadline = talk.now() + talk.timeout_s
        while (event := talk.receive(deadline)) is not None:
            if isinstance(event, Line):
                if event.text == INIT_DONE:
                    return
            elif event.kind == "boot":
                return
            elif event.kind == "error":
                refuse("reset", event)
        raise Damaged("the board did not say that it has booted")

    def close(self) -> None:
        """End a stream if there is one, and let go of the link."""
        try:
            if self._streaming:
                with contextlib.suppress(LinkLost):  # then the next `begin` ends it
                    self.stop_stream()
        finally:
            self._streaming = False  # a generator that is still open has nothing left to do
            self._talk.close()

    # --- inferences -----------------------------------------------------------------------

    def load(self, data: bytes) -> None:
        """Upload all inputs, dense and in order, as `Hello.encode_inputs` gives them.

        The board confirms them by CRC-32. Raises BadInput if `data` has not the inputs' size.
        """
        if len(data) != self.board.input_bytes:
            raise BadInput(
                f"the model on the board takes {self.board.input_bytes} B of input, "
                f"not {len(data)} B."
            )
        self._loaded = None
        self._talk.retry("load", lambda: self._upload_once("load", data))
        self._loaded = data

    def _upload_once(self, verb: str, data: bytes) -> None:
        talk = self._talk
        checksum = f"{crc(data):08x}"
        command = f"{verb} {len(data)} {checksum}"
        talk.send(command)
        go = talk.expect("go", command)
        if go.integer("bytes") != len(data):
            raise Damaged("the board makes room for another number of bytes")
        piece = go.optional_integer("room") or len(data)
        patience_s = REPLY_S + len(data) / SLOWEST_LINK_BYTES_PER_S
        for at in range(0, len(data), piece):
            if at and talk.expect("more", command, patience_s).integer("have") != at:
                raise Damaged("the board asks for other bytes than come next")
            talk.send_raw(data[at : at + piece])
        loaded = talk.expect("loaded", command, patience_s)
        if loaded.integer("bytes") != len(data) or loaded.text("crc") != checksum:
            raise Damaged("the board confirms another upload")
        talk.expect_ready(command)

    def run(self, runs: int = 1, warmup: int = 0, *, layers: bool = False) -> RunResult:
        """Run the loaded input `warmup` + `runs` times; the warm-up is not reported.

        Raises UsageError for numbers that the wire does not take, BoardRefused if no input
        is loaded.
        """
        if not 1 <= runs <= ED_WIRE_MAX_RUNS:
            raise UsageError(f"{runs} runs; it must be 1 to {ED_WIRE_MAX_RUNS:,}.")
        if not 0 <= warmup <= ED_WIRE_MAX_WARMUP:
            raise UsageError(f"{warmup} warm-up runs; it must be 0 to {ED_WIRE_MAX_WARMUP:,}.")
        retry = self._talk.retry
        if warmup > 1 and self._seconds_a_run is None:
            # A board says nothing during its warm-up: learn first how long one run takes, so
            # that a hang can be told from a long warm-up.
            retry("run", lambda: self._run_once(1, 0, layers=False))
            warmup -= 1
        return retry("run", lambda: self._run_once(runs, warmup, layers=layers))

    def _run_once(self, runs: int, warmup: int, *, layers: bool) -> RunResult:
        talk = self._talk
        reply = RunReply(self.board, runs=runs, layers=layers, loaded=self._loaded)
        patience_s = talk.timeout_s + PACE_MARGIN * (self._seconds_a_run or 0.0)
        command = f"run {runs} {warmup} {LAYERS_FLAG if layers else 0}"
        began = talk.now()
        talk.send(command)
        deadline = began + patience_s + PACE_MARGIN * warmup * (self._seconds_a_run or 0.0)
        while not reply.done:
            event = talk.receive(deadline)
            if event is None:
                raise Damaged(reply.where("it fell silent"))
            if isinstance(event, Line):
                if event.text == READY:
                    raise Damaged(reply.where("it ended"))
            elif event.kind == "error":
                if event.fields.get("code") == "no-input" and self._loaded is not None:
                    raise BoardRestarted("unknown")  # its boot lines were lost on the way
                refuse(command, event)
            elif reply.add(event):
                deadline = talk.now() + patience_s
        talk.expect_ready(command)
        spent_s = (talk.now() - began) / (runs + warmup)
        self._seconds_a_run = max(self._seconds_a_run or 0.0, spent_s)
        return reply.result

    def infer(self, data: bytes) -> bytes:
        """All inputs to all outputs, once."""
        self.load(data)
        return self.run(1).output

    # --- sensing --------------------------------------------------------------------------

    def forget(self) -> None:
        """Reset the model's variables; clear the window and what a decision remembers.

        Raises NotSensing for firmware that has neither.
        """
        if not self.board.state_bytes:
            sensing_facts(self.board)
        self._sensing.forget()

    def hear(self, samples: NDArray[np.int16] | NDArray[np.uint8]) -> None:
        """Append raw samples to the window, as if the board's sensor had given them.

        samples: of sound (n,) int16 at the rate of `board.sensing`; of motion (n, axes) int16 at
        that rate, in the units of docs/wire.md; of a camera one frame, (height, width) uint8.
        Damaged pieces are sent again, and none is taken twice. The first call after `begin` or a
        stream clears the window. Raises BadInput for other arrays, NotSensing.
        """
        self._loaded = None
        self._sensing.hear(self.board, samples)

    def decide(self) -> Inference:
        """One inference on the window as it is, without smoothing; never `heard`.

        Raises NotSensing.
        """
        self._loaded = None  # it stood where the window goes
        return self._sensing.decide(self.board, self._talk.timeout_s)

    def window(self) -> bytes:
        """The window as the model gets it, oldest first. Raises NotSensing."""
        return self._sensing.window(self.board)

    # --- streaming ------------------------------------------------------------------------

    def stream(self, n: int | None = None) -> Generator[StreamReading, None, None]:
        """Readings of the board's own source: `n` inferences, or until the generator is closed.

        Closing it (or Ctrl-C inside it) ends the stream on the board and discards what was
        under way. A damaged reading is missing and counted in `health`. A board that has
        stopped streaming without a word is asked to begin again, which numbers the inferences
        from 0 again. Raises BoardRefused on a board without a source.
        """
        if n is not None and not 1 <= n <= ED_WIRE_MAX_RUNS:
            raise UsageError(f"{n} inferences; it must be 1 to {ED_WIRE_MAX_RUNS:,}.")
        talk = self._talk
        command = "stream on" if n is None else f"stream on {n}"
        last = -1
        unheard = 0  # times that the stream was begun without a reading since
        patience_s = talk.timeout_s
        self._loaded = None  # a stream writes its own inputs where the loaded one was
        self._sensing.lose()  # and its own samples into the window
        try:
            self._start_stream(command)
            heard_at = talk.now()
            while self._streaming:
                over = n is not None and last == n - 1
                event = talk.receive(heard_at + (REPLY_S if over else patience_s))
                if event is None:
                    talk.resync()  # raises if the board is gone
                    unheard += 1
                    if n is not None and last >= 0:
                        return  # the end of it was lost
                    if unheard == ATTEMPTS:
                        raise LinkSilent(
                            f"the board answers, but has streamed nothing in "
                            f"{ATTEMPTS * patience_s:.0f} s.",
                            try_next=("give a longer --timeout  if its source is that slow",),
                        )
                    self._start_stream(command)
                    heard_at, last = talk.now(), -1
                    continue
                reading = self._read_streamed(event, last)
                if isinstance(reading, Inference):
                    spent_s = talk.now() - heard_at
                    patience_s = max(patience_s, PACE_MARGIN * spent_s)
                    unheard, last = 0, reading.n
                if reading is not None:
                    yield reading
                if isinstance(reading, Inference):
                    heard_at = talk.now()  # what the caller took to use it does not count
        except (LinkLost, BoardRefused):
            self._streaming = False  # there is no stream to be ended
            raise
        finally:
            if self._streaming:
                self.stop_stream()

    def raw(self, count: int | None = None) -> Generator[RawSamples, None, None]:
        """Raw samples of a board that records: `count` of them, or until the generator is closed.

        count: samples; of a camera, frames. Each RawSamples says what is missing before it,
        dropped by the sensor or damaged on the way; `count` includes what was damaged, and after
        the last one nobody is told. They come as soon as the board sends them: a twentieth of a
        second of them or less, or a frame. Closing the generator (or Ctrl-C inside it) ends the
        stream on the board and discards what was under way.
        Raises NotRecording for firmware that records nothing (`build.firmware(..., record=...)`
        makes one that does), BoardRefused on a board without the sensor, LinkSilent where samples
        come no more.
        """
        if count is not None and not 1 <= count <= ED_WIRE_MAX_RUNS:
            raise UsageError(f"{count} samples; it must be 1 to {ED_WIRE_MAX_RUNS:,}.")
        talk = self._talk
        reader = RawReader(recorder_of(self.board))
        patience_s = talk.timeout_s + patience_s_of(recorder_of(self.board))
        self._loaded = None
        try:
            self._start_stream("raw on" if count is None else f"raw on {count}")
            heard_at = talk.now()
            while self._streaming:
                over = reader.taken == count
                event = talk.receive(heard_at + (REPLY_S if over else patience_s))
                if event is None:
                    talk.resync()  # raises if the board is gone
                    if count is not None and reader.taken:
                        return  # the end of it was lost
                    raise LinkSilent(
                        f"the board answers, but has sent no samples for {patience_s:.0f} s.",
                        try_next=("press the board's reset button, and run the command again",),
                    )
                if isinstance(event, Line):
                    continue
                if event.kind == "raw":
                    samples = reader.add(event)
                    if samples is not None:
                        yield samples
                    heard_at = talk.now()
                elif event.kind == "stream" and event.fields.get("state") == "off":
                    self._streaming = False
        except (LinkLost, BoardRefused):
            self._streaming = False  # there is no stream to be ended
            raise
        finally:
            if self._streaming:
                self.stop_stream()

    def _start_stream(self, command: str) -> None:
        def attempt() -> None:
            self._talk.send(command)
            self._streaming = True
            self._talk.expect_ready(command)

        self._talk.retry(command, attempt)

    def _read_streamed(self, event: Event, last: int) -> StreamReading | None:
        """One event of a stream; None for what is no reading. Clears `_streaming` at the end."""
        if isinstance(event, Line):
            return None if event.text.startswith("m-") else Log(event.text)
        if event.kind == "result":
            reading = read_inference(event, self.board.outputs)
            return reading if reading.n > last else None
        if event.kind == "power":
            return read_power(event)
        if event.kind == "stream" and event.fields.get("state") == "off":
            self._streaming = False
        return None

    def stop_stream(self) -> None:
        """End the stream on the board, and discard what is still under way."""
        self._talk.retry("stream off", self._stop_stream_once)
        self._streaming = False

    def _stop_stream_once(self) -> None:
        talk = self._talk
        damage = talk.damage
        talk.send("stream off")
        deadline = talk.now() + REPLY_S
        ended = False
        while (event := talk.receive(deadline)) is not None:
            if isinstance(event, Record):
                ended = ended or event.kind == "stream"
                if event.kind == "error":
                    refuse("stream off", event)
            elif event.text == READY:
                # With nothing lost there was no ed-error, and so the board did as it was told.
                if ended or talk.damage == damage:
                    return
                raise Damaged("a line was damaged where the stream's end was due")
        raise Damaged(f"{READY} did not come")
