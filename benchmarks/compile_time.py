"""Host time from a `.tflite` to C, as a Markdown table.

    python benchmarks/compile_time.py MODEL.tflite ...

Twice: a whole `edge-deploy compile --board nano33` as a user types it, with Python's start and its
imports, and the compiler alone, from the bytes of the file to C text. The best of several, wall
time; beside it the process's time on a core, which is what counts on a busy machine (not known on
Windows). Exit code 1 where one takes a second or more.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from edge_deploy import compiler, model

LIMIT_S = 1.0
RUNS = 5
COMMAND = (sys.executable, "-c", "from edge_deploy.cli import main; main()", "compile")


def best_of(action: Callable[[], object]) -> float:
    """Seconds of the fastest of several runs: what else the machine does only adds."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return min(times)


def process_seconds(path: Path, folder: str) -> tuple[float, float]:
    """A whole command, from its start to its end: by the wall, and on a core."""
    words = (*COMMAND, str(path), "--board", "nano33", "-o", folder)

    def run() -> None:
        ended = subprocess.run(words, capture_output=True, text=True, check=False)
        if ended.returncode:
            sys.exit(f"edge-deploy compile {path}: exit {ended.returncode}\n{ended.stderr}")

    before = os.times()
    wall = best_of(run)
    after = os.times()
    user = after.children_user - before.children_user
    system = after.children_system - before.children_system
    return wall, (user + system) / RUNS


def compiler_seconds(data: bytes) -> float:
    """From the bytes of the file to C, imports not counted."""
    return best_of(lambda: compiler.compile(model.read(data, name="model"), target="cortex_m4"))


def main() -> None:
    """Print the table."""
    print("| model | operators | whole process, s | on a core, s | compiler alone, s |")
    print("| --- | --- | --- | --- | --- |")
    slowest = 0.0
    for path in map(Path, sys.argv[1:]):
        data = path.read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            whole, core = process_seconds(path, folder)
        alone = compiler_seconds(data)
        slowest = max(slowest, whole, alone)
        count = len(model.read(data, name="model").operators)
        print(f"| {path.stem} | {count} | {whole:.2f} | {core:.2f} | {alone:.3f} |")
    if slowest >= LIMIT_S:
        sys.exit(f"{slowest:.2f} s is above {LIMIT_S:.0f} s")


if __name__ == "__main__":
    main()
