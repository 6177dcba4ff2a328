"""A board in memory that speaks all of docs/wire.md, and a link to it that can be made to fail.

Written from the specification alone, without `edge_deploy.telemetry.wire`: what the two agree on
is the wire and not a shared mistake. Time is the link's own and moves only when somebody waits,
so a session's time-outs cost a test nothing.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import LinkLost
from tests.fake_model import FakeModel
from tests.fake_senses import (
    FakeAudio,
    FakeImage,
    FakeMotion,
    FakeRecorder,
    FakeSenses,
    float_bits,
)

SILENCE_US = 500_000
POWER_PERIOD_US = 100_000


@dataclass
class Faults:
    """What is wrong with a board or its link; all from one seed.

    drop, garble, double: chance of each byte, towards the host; *_in: towards the board.
    swap, repeat: chance of a record to change places with the one before, or to come twice.
    Positions count the bytes that the board has sent since it was made: at `silent_at` it hangs,
    at `reboot_at` it restarts (once), at `cut_at` the link is gone.
    """

    seed: int = 0
    drop: float = 0.0
    garble: float = 0.0
    double: float = 0.0
    drop_in: float = 0.0
    garble_in: float = 0.0
    swap: float = 0.0
    repeat: float = 0.0
    silent_at: int | None = None
    reboot_at: int | None = None
    cut_at: int | None = None
    reason: str = "brownout"


def escape(text: str) -> str:
    """The specification's escaping, byte by byte."""
    out = ""
    for byte in text.encode():
        plain = 0x21 <= byte <= 0x7E and chr(byte) not in "%*=[]"
        out += chr(byte) if plain else f"={byte:02X}"
    return out


def crc_hex(data: bytes) -> str:
    return f"{zlib.crc32(data):08x}"


@dataclass
class FakeBoard:
    """The device's side of docs/wire.md."""

    model: FakeModel = field(default_factory=FakeModel)
    faults: Faults = field(default_factory=Faults)
    source: str = "ramp"
    period_us: int = 50_000
    run_us: int = 3477
    meter: bool = True
    counters: tuple[str, ...] = ("cycles", "cycles_board", "instructions", "energy")
    board: str = "nano33"
    port: str = "virtual_m4"
    firmware_bytes_before: bytes = b""  # what a bootloader prints
    layer_error: int = 0  # cycles that the laps leave out
    audio: FakeAudio | None = None  # with it the board listens
    sound: NDArray[np.int16] | None = None  # what its microphone hears, then silence; None: none
    senses: FakeMotion | FakeImage | None = None  # with it the board follows motion, or sees
    recorder: FakeRecorder | None = None  # with it the board records
    room: int = 0  # bytes that its link holds; those that come on top at once are lost

    def __post_init__(self) -> None:
        self.random = random.Random(self.faults.seed)
        if self.audio is not None:
            self.source = "microphone"
            self.period_us = self.audio.stride * self.audio.hop * 1_000_000 // self.audio.rate_hz
        self.sensing: FakeSenses | None = self.audio or self.senses
        if self.senses is not None:
            self.source = self.senses.source
        if self.recorder is not None:
            self.source = "recorder"
            self.period_us = 10_000
        self.now_us = 0
        self.sent: deque[tuple[int, bytearray]] = deque()  # when (us), what
        self.sent_total = 0
        self.hung = False
        self.gone = False
        self.commands: list[str] = []
        self.boots = 0
        self._rebooted = False
        try:
            self.boot("power")
        except Reboot:
            self.boot(self.faults.reason)

    # --- talking ---

    def boot(self, reason: str) -> None:
        self.boots += 1
        self.seq = 0
        self.command = bytearray()
        self.bad_command = False
        self.raw_wanted = 0
        self.raw = bytearray()
        self.raw_crc = ""
        self.raw_since_us = 0
        self.loaded: bytes | None = None
        self.db: bytearray | None = None
        self.db_wanted = 0
        self.output = b""
        self.streaming = False
        self.stream_left: int | None = None
        self.stream_n = 0
        self.next_result_us = 0
        self.next_power_us = 0
        self.held_record = ""
        self.uploading = "load"
        self.taken = b""  # raw samples since the window was cleared
        self.history: list[bytes] = []
        self.decided_at: int | None = None
        self.results_since = 0
        self.steps = 0
        self.say("m-timestamp-mode-performance")
        self.say("m-init-done")
        self.record("boot", reason=reason, sha256=self.model.sha256)
        self.say("m-ready")

    def send(self, data: bytes) -> None:
        """Bytes towards the host, through whatever the faults do at these positions."""
        faults = self.faults
        if not self.sent or self.sent[-1][0] != self.now_us:
            self.sent.append((self.now_us, bytearray()))
        sent = self.sent[-1][1]
        for byte in data:
            if self.hung or self.gone:
                return
            self.sent_total += 1
            if faults.cut_at is not None and self.sent_total >= faults.cut_at:
                self.gone = True
            if faults.silent_at is not None and self.sent_total >= faults.silent_at:
                self.hung = True
            if (
                faults.reboot_at is not None
                and self.sent_total >= faults.reboot_at
                and not self._rebooted
            ):
                self._rebooted = True
                raise Reboot
            if faults.drop and self.random.random() < faults.drop:
                continue
            if faults.garble and self.random.random() < faults.garble:
                byte ^= 1 << self.random.randrange(8)
            sent.append(byte)
            if faults.double and self.random.random() < faults.double:
                sent.append(byte)

    def say(self, line: str) -> None:
        if self.held_record and not line.startswith("ed-"):
            held, self.held_record = self.held_record, ""
            self.send(held.encode() + b"\r\n")
        self.send(line.encode() + b"\r\n")

    def record(self, kind: str, /, **fields: object) -> None:
        words = "".join(f" {key.rstrip('_')}={value}" for key, value in fields.items())
        line = f"ed-{kind} seq={self.seq}{words}"
        self.seq = (self.seq + 1) % (1 << 32)
        line += "*" + crc_hex(line.encode())
        if self.held_record:
            held, self.held_record = self.held_record, ""
            self.say(line)
            self.say(held)
        elif self.faults.swap and self.random.random() < self.faults.swap:
            self.held_record = line
        else:
            self.say(line)
            if self.faults.repeat and self.random.random() < self.faults.repeat:
                self.say(line)

    # --- listening ---

    @property
    def heard(self) -> NDArray[np.int16]:
        """What it had of sound since the window was cleared."""
        return np.frombuffer(self.taken, "<i2").astype(np.int16)

    def receive(self, data: bytes, at_us: int) -> None:
        """Bytes from the host; a board that is still busy takes them when it is done."""
        self.now_us = max(self.now_us, at_us)
        if self.room and self.raw_wanted:
            data = data[: self.room]
        for byte in data:
            if self.hung or self.gone:
                return
            if self.faults.drop_in and self.random.random() < self.faults.drop_in:
                continue
            if self.faults.garble_in and self.random.random() < self.faults.garble_in:
                byte ^= 1 << self.random.randrange(8)
            try:
                self.receive_byte(byte)
            except Reboot:
                self.boot(self.faults.reason)

    def receive_byte(self, byte: int) -> None:
        if self.raw_wanted:
            self.raw.append(byte)
            self.raw_since_us = self.now_us
            if len(self.raw) == self.raw_wanted:
                self.end_upload()
            elif self.room and len(self.raw) % self.room == 0:
                self.record("more", have=len(self.raw))
        elif byte == ord("%"):
            words, bad = bytes(self.command), self.bad_command
            self.command.clear()
            self.bad_command = False
            if bad:
                self.say("e-[Overlong or unreadable command]")
                self.say("m-ready")
            else:
                self.carry_out(words.decode("ascii"))
        elif byte not in b"\r\n":
            if not 0x20 <= byte <= 0x7E or len(self.command) == 80:
                self.bad_command = True
            else:
                self.command.append(byte)

    def carry_out(self, command: str) -> None:
        if command:
            self.commands.append(command)
        text, star, tail = command.rpartition("*")
        if star and tail.lower() == crc_hex(text.encode()):
            self.ours(text)
        elif star or command.split(" ", maxsplit=1)[0] in {
            *("load", "run", "stream", "reset", "hear", "forget", "decide", "window", "raw")
        }:
            self.fail("crc")
        elif command == "hello":
            self.ours(command)
        else:
            self.tiny(command)

    def fail(self, code: str, **fields: object) -> None:
        self.record("error", code=code, **fields)
        self.say("m-ready")

    def ours(self, text: str) -> None:
        words = text.split(" ")
        verb, arguments = words[0], words[1:]
        if verb == "hello":
            self.hello()
        elif verb == "load":
            self.load(arguments)
        elif verb == "run":
            self.run(arguments)
        elif verb == "stream":
            self.stream(arguments)
        elif verb in {"hear", "forget", "decide", "window"} and self.sensing is not None:
            self.sense(verb, arguments, self.sensing)
        elif verb == "raw" and self.recorder is not None:
            self.stream(arguments, raw=True)
        elif verb == "forget" and self.model.state_bytes:
            self.steps = 0
            self.say("m-ready")
        elif verb == "reset":
            self.record("reset")
            self.boot("reset")
        else:
            self.fail("unknown")

    # --- our commands ---

    def hello(self) -> None:
        model = self.model
        self.record(
            "hello",
            protocol=1,
            board=self.board,
            variant="fake",
            port=self.port,
            firmware="0.1.0",
            engine="fake-1/portable",
            model=escape(model.name),
            sha256=model.sha256,
            clock_hz=64_000_000,
            inputs=len(model.inputs),
            outputs=len(model.outputs),
            labels=len(model.labels),
            layers=len(model.layer_cycles),
            arena_bytes=1234,
            **({"state_bytes": model.state_bytes} if model.state_bytes else {}),
            sensors="none" if self.sound is None else "microphone",
            source=self.source,
            counters=",".join(self.counters) or "none",
            novelty="skip=20me",
        )
        if self.sensing is not None:
            kind, said = self.sensing.said()
            self.record(kind, **said)
        if self.recorder is not None:
            self.record("recorder", **self.recorder.said())
        for kind, tensors in (("input", model.inputs), ("output", model.outputs)):
            for i, tensor in enumerate(tensors):
                self.record(
                    kind,
                    i=i,
                    name=escape(tensor.name),
                    type=tensor.dtype,
                    shape="x".join(map(str, tensor.shape)),
                    bytes=tensor.size,
                    scale_bits=struct.pack(">f", tensor.scale).hex(),
                    zero_point=tensor.zero_point,
                )
        for i, label in enumerate(model.labels):
            self.record("label", i=i, text=escape(label))
        self.say("m-ready")

    def load(self, arguments: list[str]) -> None:
        if len(arguments) != 2 or not arguments[0].isdigit():
            self.fail("range")
        elif int(arguments[0]) != self.model.input_bytes:
            self.fail("size", want=self.model.input_bytes)
        else:
            self.loaded = None
            if isinstance(self.sensing, FakeImage):  # half a frame stands where it comes
                frame = self.sensing.width * self.sensing.height
                self.taken = self.taken[: len(self.taken) // frame * frame]
            self.expect_raw("load", arguments)

    def expect_raw(self, verb: str, arguments: list[str]) -> None:
        self.uploading = verb
        self.raw.clear()
        self.raw_wanted = int(arguments[0])
        self.raw_crc = arguments[1].lower()
        self.raw_since_us = self.now_us
        room = {"room": self.room} if self.room else {}
        self.record("go", bytes=self.raw_wanted, **room)

    # --- listening to samples ---

    def sense(self, verb: str, arguments: list[str], senses: FakeSenses) -> None:
        if verb != "window" and self.streaming:
            self.end_stream()
        if verb == "hear":
            if len(arguments) != 2 or not arguments[0].isdigit():
                self.fail("range")
            elif (
                not 1 <= int(arguments[0]) <= senses.room(self.taken)
                or int(arguments[0]) % senses.sample_bytes
            ):
                self.fail("size", want=senses.room(self.taken))
            else:
                self.loaded = None
                self.expect_raw("hear", arguments)
            return
        if arguments:
            self.fail("range")
            return
        if verb == "forget":
            self.clear_window()
        elif verb == "decide":
            self.loaded = None
            self.now_us += self.run_us
            self.result(senses, senses.window(self.taken), decides=False)
        else:
            window = senses.window(self.taken)
            for offset in range(0, len(window), 64):
                self.record("window", off=offset, hex=window[offset : offset + 64].hex())
            self.record(
                "windowed",
                bytes=len(window),
                frames=senses.count(self.taken),
                samples=len(self.taken) // senses.sample_bytes,
                crc=crc_hex(window),
            )
        self.say("m-ready")

    def clear_window(self) -> None:
        self.taken = b""
        self.history.clear()
        self.decided_at = None
        self.results_since = 0

    def result(self, senses: FakeSenses, window: bytes, *, decides: bool) -> None:
        output = self.model.infer(window)
        tensor = self.model.outputs[0]
        fields: dict[str, object] = {"out": output.hex()} if len(output) <= 64 else {}
        stored = np.frombuffer(output, np.int8)
        top = int(stored.argmax())
        fields["top"] = top
        fields["top_bits"] = float_bits(tensor.scale * (int(stored[top]) - tensor.zero_point))
        if decides and isinstance(senses, FakeAudio):
            self.history = [*self.history, output][-senses.smooth :]
            fields |= self.decision(senses)
        self.record(
            "result",
            n=self.results_since,
            t_us=self.now_us,
            dsp_us=2100,
            inference_us=self.run_us,
            post_us=9,
            overruns=0,
            lost=0,
            **self.costs(sum(self.model.layer_cycles)),
            **fields,
        )
        self.results_since += 1

    def decision(self, audio: FakeAudio) -> dict[str, object]:
        """By the page: the mean of the last results, a threshold, labels to ignore, a hold-off."""
        if len(self.history) < audio.smooth:
            return {}
        tensor = self.model.outputs[0]
        stored = np.array([np.frombuffer(each, np.int8) for each in self.history], np.int64)
        means = tensor.scale * (stored - tensor.zero_point).sum(axis=0) / audio.smooth
        best = int(means.argmax())
        frame = (self.results_since + 1) * audio.stride
        waits = self.decided_at is not None and frame - self.decided_at < audio.hold_off
        if best in audio.ignore or means[best] < audio.threshold or waits:
            return {}
        self.decided_at = frame
        return {"heard": best, "score_bits": float_bits(means[best])}

    def sound_until(self, audio: FakeAudio, frames: int) -> NDArray[np.int16]:
        """What the microphone heard by the time that so many frames were complete."""
        sound = np.zeros(0, np.int16) if self.sound is None else self.sound
        size = (frames - 1) * audio.hop + audio.frame
        return np.concatenate([sound, np.zeros(max(0, size - len(sound)), np.int16)])[:size]

    def end_upload(self) -> None:
        data = bytes(self.raw)
        self.raw_wanted = 0
        if crc_hex(data) != self.raw_crc:
            self.fail("data", crc=crc_hex(data))
            return
        if self.uploading == "hear":
            self.taken += data
        else:
            self.loaded = data
        self.record("loaded", bytes=len(data), crc=crc_hex(data))
        self.say("m-ready")

    def costs(self, cycles: int) -> dict[str, object]:
        known: dict[str, object] = {
            "cycles": cycles,
            "cycles_board": cycles + cycles // 7,
            "instructions": cycles // 2,
            "energy": cycles // 3,
        }
        return {("energy_nj" if name == "energy" else name): known[name] for name in self.counters}

    def run(self, arguments: list[str]) -> None:
        try:
            runs, warmup, flags = map(int, arguments)
        except ValueError:
            self.fail("range")
            return
        if not (1 <= runs <= 1_000_000 and 0 <= warmup <= 10_000 and flags in {0, 1}):
            self.fail("range")
            return
        if self.loaded is None:
            self.fail("no-input")
            return
        self.now_us += warmup * self.run_us
        layers = [self.costs(cycles) for cycles in self.model.layer_cycles]
        for run in range(runs):
            self.now_us += self.run_us
            whole = {
                key: sum(int(str(layer[key])) for layer in layers) + self.layer_error
                for key in layers[0]
            }
            self.record("run", run=run, us=self.run_us, **whole)
            if flags & 1:
                left = self.run_us
                for i, layer in enumerate(layers):
                    us = left if i == len(layers) - 1 else self.run_us // 5
                    left -= us
                    self.record("layer", run=run, layer=i, us=us, **layer)
        self.steps += warmup + runs
        output = self.model.infer(self.loaded, self.steps)
        start = 0
        for i, tensor in enumerate(self.model.outputs):
            for offset in range(0, tensor.size, 64):
                piece = output[start + offset : start + min(offset + 64, tensor.size)]
                self.record("out", i=i, off=offset, hex=piece.hex())
            start += tensor.size
        self.record(
            "done",
            runs=runs,
            in_crc=crc_hex(self.loaded),
            out_crc=crc_hex(output),
            **({"since": self.steps} if self.model.state_bytes else {}),
            stack_bytes=1432,
        )
        self.say("m-ready")

    def stream(self, arguments: list[str], *, raw: bool = False) -> None:
        if arguments[:1] == ["on"] and (
            self.source == "none" or (self.recorder is not None and not raw)
        ):
            self.fail("no-source")
        elif arguments[:1] == ["on"] and self.recorder is not None and self.recorder.refuses:
            self.fail("no-source", missing=self.recorder.refuses)
        elif arguments[:1] == ["on"] and self.audio is not None and self.sound is None:
            self.fail("no-source", missing="microphone")
        elif arguments[:1] == ["on"]:
            self.clear_window()
            self.streaming = True
            self.loaded = None
            self.stream_left = int(arguments[1]) if len(arguments) > 1 else None
            self.stream_n = 0
            self.raw_records = deque(self.recorder.records() if self.recorder else ())
            self.raw_sent = 0
            self.next_result_us = self.now_us + self.period_us
            self.next_power_us = self.now_us + POWER_PERIOD_US
            self.say("m-ready")
        elif arguments == ["off"]:
            if self.streaming:
                self.end_stream()
            self.say("m-ready")
        else:
            self.fail("range")

    def end_stream(self) -> None:
        self.streaming = False
        self.record("stream", state="off", n=self.stream_n)

    # --- MLPerf Tiny's commands ---

    def tiny(self, command: str) -> None:
        verb = command.split(" ", maxsplit=1)[0]
        if verb == "name":
            self.say("m-name-dut-[edge-deploy]")
        elif verb == "profile":
            self.say("m-profile-[ULPMark for tinyML Firmware V0.0.1]")
            self.say(f"m-model-[{escape(self.model.name)}]")
        elif verb == "timestamp":
            self.say(f"m-lap-us-{self.now_us}")
        elif verb == "help":
            self.say("hello: says what this board is")
        elif verb == "results":
            self.say(self.results())
        elif verb == "db":
            self.tiny_db(command.split(" ")[1:])
        elif verb == "infer":
            self.tiny_infer(command.split(" ")[1:])
        elif command:
            self.say(f"e-[Unknown command: {escape(command[:40])}]")
        self.say("m-ready")

    def tiny_db(self, arguments: list[str]) -> None:
        if arguments[:1] == ["load"]:
            self.db_wanted = int(arguments[1])
            if self.db_wanted != self.model.input_bytes:
                self.say("e-[Wrong size]")
                return
            self.db = bytearray()
            self.loaded = None
            self.say(f"m-[Expecting {self.db_wanted} bytes]")
        elif arguments == ["print"]:
            data = self.loaded or b""
            for start in range(0, len(data), 32):
                self.say(f"m-buffer-{data[start : start + 32].hex()}")
        elif self.db is None or len(arguments) != 1:
            self.say("e-[No load in progress]")
        else:
            self.db += bytes.fromhex(arguments[0])
            if len(self.db) >= self.db_wanted:
                self.loaded, self.db = bytes(self.db[: self.db_wanted]), None
                self.say("m-load-done")

    def tiny_infer(self, arguments: list[str]) -> None:
        if self.loaded is None:
            self.say("e-[No input]")
            return
        runs, warmup = ([int(word) for word in arguments] + [1, 10][len(arguments) :])[:2]
        self.say(f"m-warmup-start-{warmup}")
        self.say("m-warmup-done")
        self.say(f"m-infer-start-{runs}")
        self.say(f"m-lap-us-{self.now_us}")
        self.now_us += runs * self.run_us
        self.say(f"m-lap-us-{self.now_us}")
        self.say("m-infer-done")
        self.output = self.model.infer(self.loaded)
        self.say(self.results())

    def results(self) -> str:
        values = ",".join(f"{value / 256:.3f}" for value in self.output)
        return f"m-results-[{values}]"

    # --- time ---

    def next_event_us(self) -> int | None:
        """When the board will do something by itself."""
        if self.hung or self.gone:
            return None
        if self.raw_wanted:
            return self.raw_since_us + SILENCE_US
        if self.streaming:
            return min(self.next_result_us, self.next_power_us)
        return None

    def wake(self) -> None:
        """Do what is due now."""
        try:
            if self.raw_wanted:
                have, self.raw_wanted = len(self.raw), 0
                self.fail("timeout", have=have)
            elif self.streaming:
                self.stream_step()
        except Reboot:
            self.boot(self.faults.reason)

    def stream_step(self) -> None:
        if self.meter and self.now_us >= self.next_power_us:
            self.next_power_us += POWER_PERIOD_US
            self.record(
                "power", t_us=self.now_us, current_ua=3310, voltage_mv=3300, energy_nj=self.now_us
            )
        elif self.now_us >= self.next_power_us:
            self.next_power_us += POWER_PERIOD_US
        if self.now_us >= self.next_result_us:
            self.next_result_us += self.period_us
            if self.recorder is not None:
                self.send_raw()
                return
            if self.audio is not None:
                frames = (self.stream_n + 1) * self.audio.stride
                sound = self.sound_until(self.audio, frames)
                self.result(self.audio, self.audio.clip(sound), decides=True)
                self.count_streamed()
                return
            data = bytes((self.stream_n + i) % 256 for i in range(self.model.input_bytes))
            fields: dict[str, object] = {"in_": data.hex()} if len(data) <= 64 else {}
            output = self.model.infer(data)
            if len(output) <= 64:
                fields["out"] = output.hex()
            self.record(
                "result",
                n=self.stream_n,
                t_us=self.now_us,
                dsp_us=10,
                inference_us=self.run_us,
                post_us=3,
                overruns=0,
                **self.costs(sum(self.model.layer_cycles)),
                **fields,
            )
            self.count_streamed()

    def send_raw(self) -> None:
        """The next record of raw samples, cut where the stream is to end."""
        assert self.recorder is not None
        if not self.raw_records or self.raw_sent == self.recorder.stops_after:
            return
        number, lost, count, data = self.raw_records.popleft()
        if self.stream_left is not None and self.recorder.sensor != "camera":
            left = self.stream_left - self.stream_n
            data, count = data[: len(data) // count * left], min(count, left)
        self.record("raw", n=number, lost=lost, hex=data.hex())
        self.raw_sent += 1
        self.stream_n += count
        if self.stream_left is not None and self.stream_n >= self.stream_left:
            self.end_stream()

    def count_streamed(self) -> None:
        self.stream_n += 1
        if self.stream_left is not None and self.stream_n >= self.stream_left:
            self.end_stream()


class Reboot(Exception):
    """The fault that restarts the board in the middle of whatever it says."""


class FakeLink:
    """The host's end. Delivers in pieces of random size; keeps the time."""

    description = "fake"

    def __init__(self, board: FakeBoard, *, piece: int | None = None) -> None:
        self.board = board
        self.piece = piece
        self.random = random.Random(board.faults.seed + 1)
        self.now_us = 0
        self.reads = 0
        self.closed = False
        self.written = bytearray()

    def clock(self) -> float:
        """Seconds, to be given to the session."""
        return self.now_us / 1e6

    def read(self, timeout_s: float) -> bytes:
        self.reads += 1
        assert self.reads < 200_000, "the session reads without end"
        assert timeout_s > 0, "a read without a wait would spin"
        board = self.board
        end_us = self.now_us + max(1, round(timeout_s * 1e6))
        while not board.sent:
            due_us = board.next_event_us()
            if board.gone:
                raise LinkLost("the fake link is gone.")
            if due_us is None or due_us > end_us:
                self.now_us = end_us
                return b""
            board.now_us = max(board.now_us, due_us)
            board.wake()
        at_us, sent = board.sent[0]
        if at_us > end_us:
            self.now_us = end_us
            return b""
        self.now_us = max(self.now_us, at_us)
        size = self.piece or self.random.randint(1, 4096)
        data = bytes(sent[:size])
        del sent[:size]
        if not sent:
            board.sent.popleft()
        return data or self.read(timeout_s)

    def write(self, data: bytes) -> None:
        if self.board.gone:
            raise LinkLost("the fake link is gone.")
        self.written += data
        self.board.receive(data, self.now_us)

    def close(self) -> None:
        self.closed = True
