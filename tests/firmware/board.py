"""The host port as a child process, spoken to by docs/wire.md alone; and the fake model in Python.

Shares no code with edge_deploy.telemetry: what both agree on is the wire and not a mistake.
"""

from __future__ import annotations

import queue
import re
import struct
import subprocess
import threading
import time
import zlib
from pathlib import Path
from typing import Self

import numpy as np

INPUT_BYTES = 490
SHA256 = "00112233445566778899aabbccddeeff" * 2
BOOT_LINES = 4
# Far above what any reply takes; a board that says nothing for so long is stuck.
PATIENCE_S = 10.0

_RECORD = re.compile(r"ed-([a-z]+) seq=([0-9]+)((?: [a-z][a-z0-9_]*=[!-)+-~]*)*)\Z")


def crc(data: bytes) -> str:
    return f"{zlib.crc32(data):08x}"


def sealed(text: str) -> bytes:
    """A command of ours."""
    return f"{text}*{crc(text.encode())}%".encode()


def fields_of(line: str) -> dict[str, str]:
    """A record's fields, its kind as `kind`; fails where the line is not one."""
    head, _, tail = line.rpartition("*")
    assert tail == crc(head.encode()), line
    assert len(line) + 2 <= 512, line
    match = _RECORD.match(head)
    assert match, line
    words = (word.split("=", 1) for word in match[3].split())
    return {"kind": match[1], "seq": match[2]} | {word[0]: word[1] for word in words}


def model_sums(data: bytes) -> list[int]:
    """The sums that firmware/test/fake_model.c speaks of."""
    x = np.frombuffer(data, np.uint8).astype(np.int64)
    i = np.arange(x.size)
    return [int((x * ((7 * i + 13 * j) % 31)).sum()) for j in range(64)]


def model_output(data: bytes) -> bytes:
    """Both outputs of the fake model, one after the other."""
    sums = model_sums(data)
    reals = struct.pack("<3f", sums[0] / 8, -sums[1] / 8, sums[2] / 8)
    return bytes(value & 0xFF for value in sums) + reals


def some_input(seed: int) -> bytes:
    return np.random.default_rng(seed).bytes(INPUT_BYTES)


class Board:
    """A running firmware. `boot` has the lines that it printed first.

    variant, sensors, counters: those of its port, as `hello` gives them. knows_stack: whether it
    says how deep its stack was.
    """

    def __init__(
        self,
        program: Path,
        *,
        variant: str = "local",
        sensors: str = "none",
        counters: str = "none",
        knows_stack: bool = False,
    ) -> None:
        self.variant = variant
        self.knows_stack = knows_stack
        self.sensors = sensors
        self.counters = counters
        self._child = subprocess.Popen(
            [program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._pump, daemon=True)
        self._reader.start()
        self.boot = [self.line() for _ in range(BOOT_LINES)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Closes its input: it has to end by itself, with 0, and with nothing from sanitizers."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        self._child.stdin.close()
        try:
            code = self._child.wait(PATIENCE_S)
        finally:
            self._child.kill()
            self._child.wait()
            self._reader.join()
            errors = self._child.stderr.read().decode(errors="replace")
            self._child.stdout.close()
            self._child.stderr.close()
        assert code == 0, errors
        assert errors == ""

    def send(self, data: bytes) -> None:
        assert self._child.stdin is not None
        left = memoryview(data)
        while left:
            left = left[self._child.stdin.write(left) :]

    def line(self, patience_s: float = PATIENCE_S) -> str:
        """The next line; fails when none comes."""
        line = self._lines.get(timeout=patience_s)
        assert line is not None, "the firmware has ended"
        return line

    def until_ready(self, patience_s: float = PATIENCE_S) -> list[str]:
        """All lines up to the next m-ready, without it."""
        lines = []
        end = time.monotonic() + patience_s
        while (line := self.line(max(0.01, end - time.monotonic()))) != "m-ready":
            lines.append(line)
        return lines

    def ask(self, text: str) -> list[str]:
        """The reply to an MLPerf Tiny command."""
        self.send(text.encode() + b"%")
        return self.until_ready()

    def tell(self, text: str) -> list[dict[str, str]]:
        """The records that answer a command of ours."""
        self.send(sealed(text))
        return [fields_of(line) for line in self.until_ready()]

    def load(self, data: bytes) -> None:
        self.send(sealed(f"load {len(data)} {crc(data)}"))
        go = fields_of(self.line())
        assert (go["kind"], go["bytes"]) == ("go", str(len(data)))
        self.send(data)
        loaded = fields_of(self.line())
        assert (loaded["kind"], loaded["crc"]) == ("loaded", crc(data))
        assert self.until_ready() == []

    def _pump(self) -> None:
        assert self._child.stdout is not None
        held = b""
        while piece := self._child.stdout.read(65536):
            held += piece
            *lines, held = held.split(b"\r\n")
            for line in lines:
                self._lines.put(line.decode("ascii"))
        self._lines.put(None)
