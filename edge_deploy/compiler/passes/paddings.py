"""PAD goes into the convolution that reads it, as borders that the kernel knows anyway."""

from __future__ import annotations

from dataclasses import replace

from edge_deploy.compiler.ops.conv import Conv
from edge_deploy.compiler.ops.depthwise import Depthwise
from edge_deploy.compiler.ops.layer import Layer
from edge_deploy.compiler.ops.strided import Strided
from edge_deploy.compiler.ops.window import Window
from edge_deploy.compiler.passes.program import Program


def fold_paddings(program: Program) -> Program:
    """Let convolutions read what a PAD reads, where all of its readers can.

    A kernel takes the input's zero point for what lies off the map: so can be folded what pads
    height and width with that. The PAD itself is left, unread.
    """
    paddings = {
        layer.outputs[0]: layer
        for layer in program.layers
        if isinstance(layer, Strided)
        and layer.operator in ("PAD", "PADV2")
        and layer.fill is not None
        and layer.inputs
    }
    folded: dict[int, dict[int, Layer]] = {}  # by the PAD's output, then by position
    stay = set(program.outputs) | {state.tensor for state in program.states}
    for position, layer in enumerate(program.layers):
        for tensor in paddings.keys() & set(layer.inputs):
            without = _without(program, layer, paddings[tensor])
            if without is None:
                stay.add(tensor)
            else:
                folded.setdefault(tensor, {})[position] = without
    layers = list(program.layers)
    for tensor, readers in folded.items():
        if tensor not in stay:
            for position, reader in readers.items():
                layers[position] = reader
    return replace(program, layers=tuple(layers))


def _without(program: Program, layer: Layer, padding: Strided) -> Layer | None:
    """A convolution of what is padded; None where that is not the same."""
    if not isinstance(layer, Conv | Depthwise):
        return None
    operator = next(x for x in program.graph.operators if x.index == padding.index)
    w = layer.window
    before = _as_map(program.graph.tensors[operator.inputs[0]].shape, w)
    after = _as_map(program.graph.tensors[operator.outputs[0]].shape, w)
    if len(before) != 4 or after != (w.batches, w.input_height, w.input_width, w.input_channels):
        return None
    if (before[0], before[3]) != (after[0], after[3]) or _int8(padding) != layer.input_zero_point:
        return None
    # What lies before the first element that is copied are whole rows, then whole pixels.
    top, rest = divmod(padding.write_at, after[2] * after[3])
    window = replace(
        w,
        input_height=before[1],
        input_width=before[2],
        pad_top=w.pad_top + top,
        pad_left=w.pad_left + rest // after[3],
    )
    if not touches(window):
        return None
    return replace(layer, window=window, inputs=padding.inputs)


def _as_map(shape: tuple[int, ...], window: Window) -> tuple[int, ...]:
    """A shape of rank 3 as the map of height or width 1 that the window slides over."""
    if len(shape) != 3:
        return shape
    at = 1 if window.input_height == 1 else 2
    return (*shape[:at], 1, *shape[at:])


def _int8(padding: Strided) -> int:
    assert padding.fill is not None
    return (padding.fill ^ 0x80) - 0x80


def touches(window: Window) -> bool:
    """True where every position of the window reaches the map: kernels are tested with those."""
    w = window
    axes = (
        (w.input_height, w.output_height, w.kernel_height, w.stride_y, w.dilation_y, w.pad_top),
        (w.input_width, w.output_width, w.kernel_width, w.stride_x, w.dilation_x, w.pad_left),
    )
    return all(
        pad <= (taps - 1) * dilation and (positions - 1) * stride - pad < size
        for size, positions, taps, stride, dilation, pad in axes
    )
