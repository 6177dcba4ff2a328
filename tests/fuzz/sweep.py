"""Damaged files at length: through the reader, and what it accepts against the reference.

    python -m tests.fuzz.sweep read --mutants 1000000
    python -m tests.fuzz.sweep compare --accepted 2000 --weights 500

Prints all counts; 1 where anything crashed, took too long or differed.
"""

from __future__ import annotations

import argparse
import collections
import functools
import hashlib
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.fuzz import comparing, reading
from tests.fuzz.seeds import seeds

_CHUNK = 2000


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))


def _read(task: tuple[str, range]) -> tuple[str, reading.Tally]:
    name, numbers = task
    return name, reading.read(seeds()[name], numbers)


def _chunks(mutants: int) -> Iterator[tuple[str, range]]:
    """Every seed in turn, until there are as many mutants as asked for."""
    names, first = list(seeds()), 0
    while True:
        for name in names:
            if mutants <= 0:
                return
            yield name, range(first, first + min(_CHUNK, mutants))
            mutants -= _CHUNK
        first += _CHUNK


def read(mutants: int, workers: int) -> int:
    """All mutants through the reader."""
    began = time.monotonic()
    total = reading.Tally()
    with _pool(workers) as pool:
        for name, tally in pool.map(_read, _chunks(mutants)):
            total.add(tally)
            for failure in tally.failures:
                print(f"FAILED {name}, mutant {failure}", flush=True)
    for ended, count in total.outcomes.most_common():
        print(f"{count:>9,} {ended}")
    print(
        f"{sum(total.outcomes.values()):,} mutants of {len(seeds())} files, "
        f"{total.compiled:,} of the accepted ones compiled; {len(total.failures)} failures; "
        f"slowest {total.slowest_s:.3f} s, at most {total.peak_bytes / 2**20:.0f} MB more memory; "
        f"{time.monotonic() - began:.0f} s"
    )
    return 1 if total.failures else 0


@functools.cache
def _reference() -> comparing.ChildReference:
    return comparing.ChildReference()


def _compare(task: tuple[str, str, int]) -> tuple[str, str, int, str]:
    kind, name, number = task
    seed = seeds()[name]
    data = seed.damaged(number) if kind == "any" else seed.with_other_weights(number)
    try:
        if kind == "any" and reading.outcome(data) != "accepted":
            return (*task, "refused")
        ended = comparing.compare(data, _reference())
    except BaseException as error:  # noqa: BLE001 (pytest's own is no Exception)
        ended = f"CRASH {type(error).__name__}: {str(error)[:300]}"
    if ended.startswith(("DIFFERENT", "CRASH")):
        digest = hashlib.sha256(data).hexdigest()[:12]
        path = Path(tempfile.gettempdir()) / f"edge-deploy-mutant-{digest}.tflite"
        path.write_bytes(data)
        ended += f"; the file is in {path}"
    return (*task, ended)


def _random_mutants() -> Iterator[tuple[str, str, int]]:
    chance = random.Random(1)
    names = list(seeds())
    while True:
        yield "any", chance.choice(names), chance.randrange(1 << 40)


def _other_weights(count: int) -> Iterator[tuple[str, str, int]]:
    chance = random.Random(2)
    names = [name for name, seed in seeds().items() if len(seed.weights)]
    for _ in range(count):
        yield "weights", chance.choice(names), chance.randrange(1 << 40)


def compare(accepted: int, weights: int, workers: int) -> int:
    """Accepted mutants, and files with other weights, against the reference."""
    began = time.monotonic()
    counts: dict[str, collections.Counter[str]] = {
        "any": collections.Counter(),
        "weights": collections.Counter(),
    }
    failures = 0
    with _pool(workers) as pool:
        for tasks, enough in ((_random_mutants(), accepted), (_other_weights(weights), weights)):
            taken = 0
            while taken < enough:
                batch = [task for task, _ in zip(tasks, range(workers * 50), strict=False)]
                for kind, name, number, ended in pool.map(_compare, batch):
                    if ended == "refused":
                        continue
                    taken += 1
                    if ended.startswith(("DIFFERENT", "CRASH")):
                        failures += 1
                        print(f"FAILED {kind} {name}, mutant {number}: {ended}", flush=True)
                        ended = ended.split(maxsplit=1)[0].rstrip(":")
                    counts[kind][ended] += 1
    for kind, title in (("any", "accepted mutants"), ("weights", "files with other weights")):
        print(f"{sum(counts[kind].values()):,} {title}:")
        for ended, count in counts[kind].most_common():
            print(f"{count:>9,} {ended}")
    print(f"{failures} failures, {time.monotonic() - began:.0f} s")
    return 1 if failures else 0


def main() -> int:
    """Run one of the two sweeps."""
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("what", choices=("read", "compare"))
    words.add_argument("--mutants", type=int, default=1_000_000)
    words.add_argument("--accepted", type=int, default=2000)
    words.add_argument("--weights", type=int, default=500)
    words.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    asked = words.parse_args()
    if asked.what == "read":
        return read(asked.mutants, asked.workers)
    return compare(asked.accepted, asked.weights, asked.workers)


if __name__ == "__main__":
    sys.exit(main())
