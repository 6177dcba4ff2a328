"""What models cost on a virtual board, as a Markdown table, TensorFlow Lite Micro's figures beside.

    python benchmarks/models.py MODEL.tflite ...

Runs `edge-deploy bench` and `edge-deploy verify` on the virtual Nano 33 BLE with the toolchain at
hand (`EDGE_DEPLOY_TOOLCHAIN=zig` for the other one). Cycles are modelled (docs/cycle_model.md).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# TensorFlow Lite Micro (90b983c2) with CMSIS-NN (4ab83cc3), arm-none-eabi-gcc 12.2 -O2, one
# Invoke(), under the same cycle model with zero wait states and with 2 a word: cycles,
# cycles_board, arena bytes, code bytes. Measured once, outside this repository.
TFLM = {
    "kws": (9_400_000, 10_220_000, 22_820, 88_692),
    "vww": (29_790_000, 32_480_000, 100_708, 88_692),
    "ic": (36_890_000, 40_180_000, 54_996, 83_680),
    "ad": (743_000, 879_000, 2_580, 35_968),
}
ON = ("--board", "nano33", "--on", "virtual", "--json")


def edge_deploy(*words: str) -> dict[str, Any]:
    """The JSON document of a command, run as a user runs it."""
    ended = subprocess.run(
        [sys.executable, "-c", "from edge_deploy.cli import main; main()", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        sys.exit(f"edge-deploy {' '.join(words)}: exit {ended.returncode}\n{ended.stderr}")
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def compile_seconds(path: str) -> float:
    """Host time from the bytes of a `.tflite` to C, the best of five, imports not counted."""
    from edge_deploy import compiler, model

    data = Path(path).read_bytes()
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        compiler.compile(model.read(data, name="model"), target="cortex_m4")
        best = min(best, time.perf_counter() - started)
    return best


def main() -> None:
    """Print the table."""
    rows: list[list[str]] = []
    toolchain = ""
    for path in sys.argv[1:]:
        name = Path(path).stem
        bench = edge_deploy("bench", path, *ON, "--runs", "5")
        verify = edge_deploy("verify", path, *ON, "--inputs", "50")
        macs = edge_deploy("inspect", path, "--board", "nano33", "--json")["macs"]
        toolchain = bench["toolchain"]
        keys = ("cycles", "cycles_board", "arena_bytes", "code_bytes", "model_code_bytes")
        cycles, board, arena, code, model_code = (bench[key]["value"] for key in keys)
        ours = [f"{cycles:,}", f"{cycles / macs:.2f}", f"{board:,}", f"{arena:,}", f"{code:,}"]
        weights = bench["weights_bytes"]["value"]
        rest = [f"{model_code:,}", f"{weights:,}"]
        rest.append(f"{verify['mismatches']} of {verify['compared']:,}")
        rows.append([name, *ours, *rest, f"{compile_seconds(path):.2f}"])
        if name in TFLM:
            peer = TFLM[name]
            theirs = [
                f"{peer[0]:,}",
                f"{peer[0] / macs:.2f}",
                *(f"{value:,}" for value in peer[1:]),
            ]
            rows.append(["TFLM + CMSIS-NN", *theirs, "", "", "", ""])
    headings = ["model", "cycles", "a MAC", "cycles_board", "arena B", "code B", "model code B"]
    headings += ["weights B", "values that differ", "to C, s"]
    print(f"edge-deploy built with {toolchain}\n")
    for row in (headings, ["---"] * len(headings), *rows):
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
