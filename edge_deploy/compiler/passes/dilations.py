"""A convolution between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND is a dilated one.

TensorFlow writes it so where the batch is open. Output o reads tap k at o + k * block, less what
is padded before; what the padding adds beyond the map is the zero point, which is what the kernel
takes for it anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from edge_deploy.compiler.ops.conv import Conv
from edge_deploy.compiler.ops.depthwise import Depthwise
from edge_deploy.compiler.ops.layer import Layer
from edge_deploy.compiler.ops.window import Window
from edge_deploy.compiler.passes.paddings import touches
from edge_deploy.compiler.passes.program import Program
from edge_deploy.compiler.passes.unread import remove_unread
from edge_deploy.model.graph import Operator

Shape = tuple[int, ...]


@dataclass(frozen=True)
class _Blocks:
    """The operator: height and width of its blocks, and what it pads or crops before them.

    flat, apart: height and width of the map, and of the maps it is taken apart to.
    """

    sizes: tuple[int, int]
    before: tuple[int, int]
    batches: int
    flat: tuple[int, int]
    apart: tuple[int, int]


def join_dilations(program: Program) -> Program:
    """Let convolutions read and write the maps themselves, where nothing else reads their parts.

    What other layers read of the map that is taken apart is left.
    """
    operators = {operator.index: operator for operator in program.graph.operators}
    readers = Counter(x for layer in program.layers for x in dict.fromkeys(layer.inputs))
    readers.update(program.outputs)
    apart = {
        layer.outputs[0]: operators[layer.index]
        for layer in program.layers
        if layer.operator == "SPACE_TO_BATCH_ND" and layer.inputs
    }
    together = {
        layer.inputs[0]: layer
        for layer in program.layers
        if layer.operator == "BATCH_TO_SPACE_ND" and layer.inputs
    }
    source_of = {
        layer.outputs[0]: layer.inputs[0]
        for layer in program.layers
        if layer.operator == "SPACE_TO_BATCH_ND" and layer.inputs
    }
    joined: dict[int, Layer] = {}  # by the convolution's output
    gone: set[int] = set()
    for layer in program.layers:
        if not isinstance(layer, Conv | Depthwise) or layer.inputs[0] not in apart:
            continue
        source, output = layer.inputs[0], layer.outputs[0]
        last = together.get(output)
        if last is None or readers[output] != 1:
            continue
        window = _window(program, layer, apart[source], operators[last.index])
        if window is not None:
            joined[output] = replace(
                layer, window=window, inputs=(source_of[source],), outputs=last.outputs
            )
            gone.add(last.outputs[0])
    kept = [
        joined.get(layer.outputs[0], layer)
        for layer in program.layers
        if layer.outputs[0] not in gone
    ]
    return remove_unread(replace(program, layers=tuple(kept)))


def _window(
    program: Program, layer: Conv | Depthwise, split: Operator, join: Operator
) -> Window | None:
    """The window over the map itself; None where that is not the same."""
    w = layer.window
    plain = (w.stride_y, w.stride_x, w.dilation_y, w.dilation_x, w.pad_top, w.pad_left)
    tensors = program.graph.tensors
    quantization = tensors[split.outputs[0]].quantization
    first = _blocks(program, split, split.inputs[0], split.outputs[0], w.input_height)
    last = _blocks(program, join, join.outputs[0], join.inputs[0], w.input_height)
    if plain != (1, 1, 1, 1, 0, 0) or first is None or last is None or quantization is None:
        return None
    same = (first.sizes, first.batches) == (last.sizes, last.batches)
    maps = (w.input_height, w.input_width), (w.output_height, w.output_width)
    if not same or (first.apart, last.apart) != maps:
        return None
    if quantization.zero_point != layer.input_zero_point:
        return None
    pads = [padded - cropped for padded, cropped in zip(first.before, last.before, strict=True)]
    window = replace(
        w,
        batches=first.batches,
        input_height=first.flat[0],
        input_width=first.flat[1],
        output_height=last.flat[0],
        output_width=last.flat[1],
        dilation_y=first.sizes[0],
        dilation_x=first.sizes[1],
        pad_top=pads[0],
        pad_left=pads[1],
    )
    return window if min(pads) >= 0 and touches(window) else None


def _blocks(
    program: Program, operator: Operator, flat: int, apart: int, height: int
) -> _Blocks | None:
    """The operator's facts as of maps of height and width, one of them 1 where there is one only.

    flat, apart: its tensors. height: of the convolution's map.
    """
    tensors = program.graph.tensors
    blocks, sides = tensors[operator.inputs[1]].values, tensors[operator.inputs[2]].values
    assert blocks is not None, "the reader wants constants"
    assert sides is not None, "the reader wants constants"
    rows = [
        blocks.reshape(-1).tolist(),
        sides[:, 0].tolist(),
        tensors[flat].shape[1:-1],
        tensors[apart].shape[1:-1],
    ]
    sizes, before, whole, part = (
        _pair(row, one, flat_first=height == 1) for row, one in zip(rows, (1, 0, 1, 1), strict=True)
    )
    return _Blocks(sizes, before, tensors[flat].shape[0], whole, part)


def _pair(row: Iterable[int], one: int, *, flat_first: bool) -> tuple[int, int]:
    """Of height and width; of one dimension, `one` stands for the other."""
    values: Sequence[int] = tuple(row)
    if len(values) == 2:
        return values[0], values[1]
    return (one, values[0]) if flat_first else (values[0], one)
