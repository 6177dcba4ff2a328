"""PAD into convolutions: where it is exact, and that nothing else is touched."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from edge_deploy import compiler, model
from edge_deploy.compiler import ops, passes
from edge_deploy.compiler.ops.conv import Conv
from edge_deploy.compiler.ops.depthwise import Depthwise
from edge_deploy.compiler.passes import Program
from tests import compiled_model
from tests.model_file import ModelBuilder

PADS = ((0, 0), (1, 0), (0, 1), (0, 0))


def _model(
    pads: Sequence[tuple[int, int]] = PADS,
    *,
    operator: str = "CONV_2D",
    padding: str = "VALID",
    kernel: tuple[int, int] = (2, 3),
    stride: int = 1,
    value: int | None = None,
    zero_point: int = -7,
    padded_too: bool = False,
    before: bool = True,
) -> bytes:
    """A 1x1 convolution (`before`), a PAD (PADV2 with `value`), and a convolution of it."""
    rng = np.random.default_rng(4)
    builder = ModelBuilder()
    quantized = {"scale": 0.5, "zero_point": zero_point}
    shape = (1, 5, 4, 3)
    start = x = builder.tensor(shape, **quantized)
    if before:
        x = _convolve(builder, rng, start, shape, "CONV_2D", (1, 1), shape, "SAME", 1, quantized)
    wider = tuple(n + first + last for n, (first, last) in zip(shape, pads, strict=True))
    y = builder.tensor(wider, **quantized)
    operands = [x, builder.tensor((4, 2), "int32", values=pads)]
    if value is not None:
        operands.append(builder.tensor((), values=[value], **quantized))
    builder.op("PAD" if value is None else "PADV2", operands, [y])
    reach = (0, 0) if padding == "SAME" else (kernel[0] - 1, kernel[1] - 1)
    sizes = [-(-(n - k) // stride) for n, k in zip(wider[1:3], reach, strict=True)]
    output = (wider[0], sizes[0], sizes[1], wider[3])
    z = _convolve(builder, rng, y, wider, operator, kernel, output, padding, stride, quantized)
    return builder.finish([start], [z, y] if padded_too else [z])


def _convolve(
    builder: ModelBuilder,
    rng: np.random.Generator,
    x: int,
    shape: Sequence[int],
    operator: str,
    kernel: tuple[int, int],
    output: Sequence[int],
    padding: str,
    stride: int,
    quantized: dict[str, float],
) -> int:
    by_channel = operator == "DEPTHWISE_CONV_2D"
    weight_shape = (1, *kernel, output[3]) if by_channel else (output[3], *kernel, shape[3])
    weights = rng.integers(-127, 128, weight_shape)
    bias = rng.integers(-3000, 3000, output[3])
    w = builder.tensor(weight_shape, scale=0.004, values=weights)
    b = builder.tensor((output[3],), "int32", scale=0.002, values=bias)
    y = builder.tensor(output, **quantized)
    options = {"padding": padding, "stride_h": stride, "stride_w": stride}
    options |= {"dilation_h_factor": 1, "dilation_w_factor": 1}
    options |= {"fused_activation_function": "NONE"}
    options |= {"depth_multiplier": 1} if by_channel else {}
    builder.op(operator, [x, w, b], [y], options)
    return y


def _folded(data: bytes) -> Program:
    graph = model.read(data)
    read = Program(graph, ops.read(graph), graph.inputs, graph.outputs)
    return passes.remove_unread(passes.fold_paddings(read))


def _check(data: bytes) -> None:
    inputs = compiled_model.random_inputs(model.read(data), 6)
    wanted = compiled_model.expected(data, inputs)
    got = compiled_model.run_on_host(data, inputs)
    compiled_model.assert_equal(data, got, wanted, what="host")
    got = compiled_model.run_on_m4(data, inputs).outputs
    compiled_model.assert_equal(data, got, wanted, what="Cortex-M4")


@pytest.mark.parametrize("operator", ["CONV_2D", "DEPTHWISE_CONV_2D"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", ["VALID", "SAME"])
@pytest.mark.parametrize("value", [None, -7])
def test_a_pad_becomes_the_borders_of_a_window(
    operator: str, stride: int, padding: str, value: int | None
):
    data = _model(operator=operator, stride=stride, padding=padding, value=value)
    layers = _folded(data).layers
    assert [layer.operator for layer in layers] == ["CONV_2D", operator]
    last = layers[-1]
    assert isinstance(last, Conv | Depthwise)
    assert last.inputs == layers[0].outputs
    w = last.window
    assert (w.input_height, w.input_width) == (5, 4)
    original = ops.read(model.read(data))[-1]
    assert isinstance(original, Conv | Depthwise)
    own = original.window
    assert (w.pad_top - own.pad_top, w.pad_left - own.pad_left) == (1, 0)
    assert (w.output_height, w.output_width) == (own.output_height, own.output_width)
    _check(data)


@pytest.mark.parametrize("operator", ["CONV_2D", "DEPTHWISE_CONV_2D"])
@pytest.mark.parametrize(
    "pads",
    [
        ((1, 1), (1, 1)),  # SAME
        ((0, 1), (0, 1)),  # as Keras pads before strides of 2
        ((2, 0), (2, 0)),  # causal
        ((2, 2), (2, 2)),  # the map grows
        ((0, 0), (0, 2)),
    ],
)
@pytest.mark.parametrize("stride", [1, 2])
def test_three_by_three_with_every_usual_pad(
    operator: str, pads: tuple[tuple[int, int], tuple[int, int]], stride: int
):
    data = _model(((0, 0), *pads, (0, 0)), operator=operator, kernel=(3, 3), stride=stride)
    assert len(_folded(data).layers) == 2
    _check(data)


def test_fewer_bytes_of_memory_are_needed():
    graph = model.read(_model(((0, 0), (1, 1), (1, 1), (0, 0)), kernel=(3, 3)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passes, "fold_paddings", lambda program: program)
        before = compiler.compile(graph, target="portable").arena_bytes
    assert compiler.compile(graph, target="portable").arena_bytes < before


@pytest.mark.parametrize(
    "data",
    [
        _model(value=3),  # not the zero point
        _model(((0, 0), (1, 1), (0, 0), (1, 0))),  # channels
        _model(((1, 0), (1, 1), (0, 0), (0, 0))),  # batches
        _model(padded_too=True),  # the padded map is an output of the model
        _model(((0, 0), (3, 0), (0, 0), (0, 0)), kernel=(2, 2)),  # windows in the padding alone
        _model(((0, 0), (0, 2), (0, 0), (0, 0)), kernel=(1, 1)),
    ],
    ids=["value", "channels", "batches", "output", "before", "after"],
)
def test_where_it_is_not_the_same_the_pad_stays(data: bytes):
    layers = _folded(data).layers
    assert layers[1].operator in ("PAD", "PADV2")
    assert layers[2].inputs == layers[1].outputs
    _check(data)


def test_a_pad_of_the_models_input_is_folded():
    data = _model(before=False)
    program = _folded(data)
    assert [layer.operator for layer in program.layers] == ["CONV_2D"]
    assert program.layers[0].inputs == program.inputs
    _check(data)
