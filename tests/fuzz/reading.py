"""Mutants through the reader and its checks, many of them: how each ended, how long it took.

    python -m tests.fuzz.sweep read --mutants 1000000

A mutant ends as a program that could be compiled, or in one of the two errors that tell a bad
or unsupported file. Whatever else is raised is a crash; so is more than a second of processor
time, or more memory than MEMORY_BYTES beyond what the process had.
"""

from __future__ import annotations

import collections
import random
import resource
import signal
import time
from dataclasses import dataclass, field

from edge_deploy import compiler, model
from edge_deploy.compiler import ops
from edge_deploy.errors import UnsupportedModel
from tests.fuzz.seeds import Seed

LONGEST_S = 1.0
MEMORY_BYTES = 256 << 20
# A hang is ended, and told, after this.
_HANG_S = 30
# Of the accepted ones, one in this many is compiled whole (passes, plan, C), with the same bounds.
_COMPILED_EACH = 2


@dataclass
class Tally:
    """How mutants ended. accepted: their numbers; slowest_s: processor time of one."""

    outcomes: collections.Counter[str] = field(default_factory=collections.Counter)
    accepted: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    compiled: int = 0
    slowest_s: float = 0.0
    peak_bytes: int = 0

    def add(self, other: Tally) -> None:
        """Sum up; `accepted` is the caller's to keep, for it belongs to one seed."""
        self.outcomes += other.outcomes
        self.failures += other.failures
        self.compiled += other.compiled
        self.slowest_s = max(self.slowest_s, other.slowest_s)
        self.peak_bytes = max(self.peak_bytes, other.peak_bytes)


def outcome(data: bytes, *, compile_it: bool = False) -> str:
    """What became of one file: "accepted", or the name of the error that tells what is wrong."""
    try:
        graph = model.read(data, name="mutant")
        ops.read(graph)
        if compile_it:
            compiler.compile(graph, target=compiler.CORTEX_M4)
    except (model.BadModel, UnsupportedModel) as refused:
        if not (refused.message.isascii() and refused.message.isprintable()):
            raise AssertionError(f"unprintable: {refused.message!r}") from refused
        return type(refused).__name__
    return "accepted"


def read(seed: Seed, numbers: range) -> Tally:
    """The mutants of one seed, in this process, under a limit on its memory."""
    tally = Tally()
    before = _size_bytes()
    old = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (before + MEMORY_BYTES, old[1]))
    signal.signal(signal.SIGALRM, _hung)
    try:
        for number in numbers:
            _one(tally, seed, number)
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, old)
    tally.peak_bytes = max(0, _peak_bytes() - before)
    return tally


def _one(tally: Tally, seed: Seed, number: int) -> None:
    data = seed.damaged(number)
    compile_it = random.Random(number).randrange(_COMPILED_EACH) == 0
    signal.alarm(_HANG_S)
    began = time.process_time()
    try:
        ended = outcome(data, compile_it=compile_it)
    except Exception as error:  # noqa: BLE001 (a crash is what is looked for)
        ended = "crash"
        tally.failures.append(f"{number}: {type(error).__name__}: {str(error)[:200]}")
    took = time.process_time() - began
    if took > LONGEST_S:
        tally.failures.append(f"{number}: took {took:.2f} s")
    tally.slowest_s = max(tally.slowest_s, took)
    tally.outcomes[ended] += 1
    if ended == "accepted":
        tally.compiled += compile_it
        tally.accepted.append(number)


def _hung(_signal: int, _frame: object) -> None:
    raise TimeoutError(f"no end after {_HANG_S} s")


def _status(key: str) -> int:
    """A size of this process, in bytes. Source: proc(5), /proc/[pid]/status."""
    with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123
        for line in file:
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    raise AssertionError(key)


def _size_bytes() -> int:
    return _status("VmSize:")


def _peak_bytes() -> int:
    return _status("VmPeak:")
