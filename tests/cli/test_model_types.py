"""Models whose inputs and outputs are not int8, the whole way: verify, bench, a stream."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from edge_deploy.errors import Exit
from tests.cli.conftest import Command
from tests.model_file import ModelBuilder

VIRTUAL = ("--board", "nano33", "--on", "virtual")
LOCAL = ("--board", "nano33", "--on", "local")


def _mixed() -> bytes:
    """float32, uint8 and int16 in; float32, uint8, int32 and bool out; int8 between."""
    rng = np.random.default_rng(0)
    builder = ModelBuilder()
    real = builder.tensor((1, 9), "float32")
    byte = builder.tensor((1, 5), "uint8", scale=0.05, zero_point=131)
    half = builder.tensor((1, 7), "int16", scale=0.0002)
    inner = [
        builder.tensor((1, size), scale=0.04, zero_point=zero_point)
        for size, zero_point in ((9, -3), (5, 20), (7, -128))
    ]
    for source, quantized in zip((real, byte, half), inner, strict=True):
        builder.op("QUANTIZE", [source], [quantized])
    weights = builder.tensor((4, 9), scale=0.02, values=rng.integers(-127, 128, (4, 9)))
    sums = builder.tensor((1, 4), scale=0.1, zero_point=11)
    options = {"fused_activation_function": "NONE"}
    builder.op("FULLY_CONNECTED", [inner[0], weights, -1], [sums], options)
    outputs = [
        builder.tensor((1, 4), "float32"),
        builder.tensor((1, 5), "uint8", scale=1 / 256),
        builder.tensor((1, 7), "int32"),
        builder.tensor((1, 4), "bool"),
    ]
    gate = builder.tensor((1, 5), scale=1 / 256, zero_point=-128)
    builder.op("DEQUANTIZE", [sums], [outputs[0]])
    builder.op("LOGISTIC", [inner[1]], [gate])
    builder.op("QUANTIZE", [gate], [outputs[1]])
    builder.op("CAST", [inner[2]], [outputs[2]])
    builder.op("CAST", [sums], [outputs[3]])
    return builder.finish([real, byte, half], outputs)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.tflite"
    path.write_bytes(_mixed())
    return path


def test_the_virtual_board_agrees_with_the_reference(command: Command, mixed: Path) -> None:
    pytest.importorskip("tflite_runtime", reason="the reference is the extra `reference`")
    pytest.importorskip("unicorn", reason="the virtual board needs the extra `virtual`")
    for where in (VIRTUAL, LOCAL):
        ended = command("verify", mixed, *where, "--inputs", "20", "--json")
        assert ended.code == Exit.DONE, ended.err
        found = json.loads(ended.out)
        assert found["mismatches"] == 0
        assert found["compared"] == 20 * (4 + 5 + 7 + 4)
        assert found["distinct_outputs"] > 15
    bench = command("bench", mixed, *VIRTUAL, "--runs", "3", "--json")
    assert bench.code == Exit.DONE, bench.err
    assert json.loads(bench.out)["cycles"]["value"] > 0


def test_floats_go_in_and_out_while_a_lab_streams(command: Command, tmp_path: Path) -> None:
    pytest.importorskip("unicorn", reason="the virtual board needs the extra `virtual`")
    builder = ModelBuilder()
    x = builder.tensor((1, 1), "float32")
    inner = builder.tensor((1, 1), scale=0.05)
    after = builder.tensor((1, 1), scale=1 / 128)
    y = builder.tensor((1, 1), "float32")
    builder.op("QUANTIZE", [x], [inner])
    builder.op("TANH", [inner], [after])
    builder.op("DEQUANTIZE", [after], [y])
    (tmp_path / "model.tflite").write_bytes(builder.finish([x], [y]))
    (tmp_path / "lab.yaml").write_text(
        "title: Floats\nmodel: model.tflite\n"
        "source: {kind: ramp, from: -2, to: 2, steps: 9, period_ms: 20}\n"
    )
    ended = command("flash", *VIRTUAL, tmp_path, "--count", "9", "--plain")
    assert ended.code == Exit.DONE, ended.err
    pairs = [
        (float(a), float(b)) for a, b in re.findall(r"x +([-+][\d.]+)  y +([-+][\d.]+)", ended.out)
    ]
    assert len(pairs) == 9
    for x_, y_ in pairs:
        assert abs(y_ - np.tanh(x_)) < 0.05
