"""Generated code on a Cortex-M4 that faults where silicon does gives the reference's bits."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from numpy.typing import NDArray

from edge_deploy import compiler, model
from tests import compiled_model
from tests import model_builder as models
from tests.nn.cases import Seeded
from tests.nn.families import FAMILIES
from tests.qemu import machine

RUNS = 8


def drawn(family: str, seed: int) -> bytes:
    """A random small model."""
    return FAMILIES[family](Seeded(seed)).data


# Odd sizes on purpose: rows and filters that start off a word are what LDRD and LDM trip over.
MODELS: dict[str, Callable[[], bytes]] = {
    "sine": lambda: models.sine_like(1),
    "every_operator": lambda: models.tiny_conv(2),
    "fully_connected_odd": lambda: models.fully_connected(
        3, inputs=37, outputs=5, input_zero_point=-7, activation="RELU"
    ),
    "fully_connected_batch": lambda: models.fully_connected(4, batch=3, inputs=64, outputs=10),
    "conv_odd": lambda: models.conv2d(
        5, height=7, width=9, channels=3, filters=5, kernel=(3, 2), input_zero_point=11
    ),
    "conv_strided_valid": lambda: models.conv2d(
        6, height=11, width=10, channels=6, filters=7, kernel=3, stride=2, padding="VALID"
    ),
    "pointwise": lambda: models.conv2d(
        7, height=5, width=5, channels=13, filters=9, kernel=1, input_zero_point=-128
    ),
    "pointwise_aligned": lambda: models.conv2d(
        8, height=5, width=3, channels=16, filters=8, kernel=1, activation="RELU6"
    ),
    "depthwise_odd": lambda: models.depthwise_conv2d(
        9, height=7, width=6, channels=7, kernel=3, input_zero_point=5
    ),
    "depthwise_aligned": lambda: models.depthwise_conv2d(
        10, height=9, width=7, channels=8, kernel=3, stride=2, activation="RELU"
    ),
    "depthwise_rectified": lambda: models.depthwise_conv2d(
        12, height=15, width=6, channels=5, kernel=3, input_zero_point=-128, activation="RELU"
    ),
    "depthwise_dilated": lambda: models.depthwise_conv2d(
        13, height=9, width=8, channels=3, kernel=3, dilation=2, activation="RELU"
    ),
    "average_pool": lambda: models.average_pool(11, channels=5, kernel=3, stride=2),
    "max_pool": lambda: models.pool("MAX_POOL_2D", 14, channels=7, kernel=2, stride=2),
    "moved": lambda: drawn("concatenation", 22),
    "padded": lambda: drawn("pad", 19),
    "picked": lambda: drawn("mirror_pad", 5),
    "softmax": lambda: models.softmax(shape=(3, 7), input_zero_point=-20),
    # Drawn ones, of families whose kernels read words at any address.
    **{
        f"{family}_{seed}": functools.partial(drawn, family, seed)
        for family in (
            "add",
            "batch_matmul",
            "converted_conv_2d",
            "minimum_maximum",
            "mul",
            "reduction",
        )
        for seed in (20, 21, 22)
    },
    # And of those that remember, with states of bytes and halfwords.
    **{
        f"{family}_{seed}": functools.partial(drawn, family, seed)
        for family in ("delayed", "depthwise_narrow", "lstm", "svdf", "transpose_conv")
        for seed in (20, 21)
    },
    # And of those with elements of other sizes, and of both kinds of softmax.
    **{
        f"{family}_{seed}": functools.partial(drawn, family, seed)
        for family in ("cast", "ends", "log softmax", "lookup", "quantize", "softmax")
        for seed in (20, 21)
    },
}


@pytest.mark.parametrize("toolchain", ["arm-none-eabi-gcc", "zig"])
@pytest.mark.parametrize("target", [compiler.PORTABLE, compiler.CORTEX_M4])
@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_the_references(name, target, toolchain, tmp_path):
    machine.needs_qemu()
    chosen = machine.toolchain(toolchain)
    data = MODELS[name]()
    graph = model.read(data, name=name)
    inputs = compiled_model.random_inputs(graph, RUNS)
    wanted = compiled_model.expected(data, inputs)
    compiled = compiler.compile(graph, target=target)
    made = machine.compile_model(chosen, tmp_path, compiled.files)
    said = machine.run(machine.model_image(chosen, tmp_path, made, packed(inputs)))
    assert said.returncode == 0, said.text[-200:]
    assert said.outputs == packed(wanted)


def packed(runs: Sequence[Sequence[NDArray[Any]]]) -> list[bytes]:
    """For each run the bytes of its tensors, in order."""
    return [b"".join(values.tobytes() for values in one) for one in runs]
