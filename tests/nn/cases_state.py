"""Models that remember: what they read was assigned in an earlier inference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.model_file import ModelBuilder, Subgraph
from tests.nn.cases import ZERO_POINTS, Case, Family, Pick


class Memory:
    """A model with variables; `first` is the subgraph that initialises them."""

    def __init__(self) -> None:
        self.model = ModelBuilder()
        self.first = ModelBuilder()
        self._handles: dict[str, int] = {}

    def begin(self) -> None:
        """Call the initialisation; comes before the variables are used."""
        self.model.op("CALL_ONCE", [], [], {"init_subgraph_index": 1})

    def initialise(self, name: str, values: np.ndarray) -> None:
        """Assign a variable before the first inference."""
        handle = self.first.tensor((), "resource")
        constant = self.first.tensor(values.shape, values.dtype.name, scale=1.0, values=values)
        self.first.op("VAR_HANDLE", [], [handle], {"shared_name": name})
        self.first.op("ASSIGN_VARIABLE", [handle, constant], [])

    def handle(self, name: str, *, new: bool = False) -> int:
        """A variable's handle; `new` for one more of the same variable."""
        if new or name not in self._handles:
            self._handles[name] = self.model.tensor((), "resource")
            options = {"container": "", "shared_name": name}
            self.model.op("VAR_HANDLE", [], [self._handles[name]], options)
        return self._handles[name]

    def read(self, name: str, shape: tuple[int, ...], **options: Any) -> int:
        """A copy of a variable."""
        value = self.model.tensor(shape, **options)
        self.model.op("READ_VARIABLE", [self.handle(name)], [value])
        return value

    def assign(self, name: str, value: int) -> None:
        """Assign a variable."""
        self.model.op("ASSIGN_VARIABLE", [self.handle(name), value], [])

    def finish(self, inputs: list[int], outputs: list[int]) -> bytes:
        """The file's bytes."""
        others: list[Subgraph] = [(self.first, [], [])] if self.first.operators else []
        return self.model.finish(inputs, outputs, others=others)


def delayed(pick: Pick) -> Case:
    """Variables that are read before, after and between assignments, through several handles.

    The values are the input and what a SOFTMAX or a RESHAPE makes of values; some copies are
    outputs of the model.
    """
    rng = np.random.default_rng(pick.integer(0, 2**31))
    size = pick.one_of((1, 2, 3, 4, 5, 16, 31))
    shape = (1, size)
    names = ("a", "b", "a/b")[: pick.integer(1, 3)]
    memory = Memory()
    x = memory.model.tensor(shape, scale=0.1, zero_point=pick.one_of(ZERO_POINTS))
    assigned = set()
    for name in names:
        if pick.one_of((True, True, False)):
            assigned.add(name)
            fill = pick.one_of(("any", "same"))
            values = rng.integers(-128, 128, shape if fill == "any" else (1, 1))
            memory.initialise(name, np.broadcast_to(values, shape).astype(np.int8))
    if assigned:
        memory.begin()
    values = [x]
    kinds = []
    for _ in range(pick.integer(2, 8)):
        name = pick.one_of(names)
        kind = pick.one_of(("read", "assign", "softmax", "reshape", "handle"))
        kinds.append(f"{kind} {name}")
        if kind == "read" and name in assigned:
            values.append(memory.read(name, shape, scale=0.1, zero_point=3))
        elif kind == "assign":
            assigned.add(name)
            memory.assign(name, pick.one_of(values[-3:]))
        elif kind == "softmax":
            values.append(memory.model.tensor(shape, scale=1 / 256, zero_point=-128))
            source = pick.one_of(values[-4:-1])
            memory.model.op("SOFTMAX", [source], [values[-1]], {"beta": 1.0})
        elif kind == "reshape":
            values.append(memory.model.tensor(shape, scale=0.1, zero_point=3))
            source = pick.one_of(values[-4:-1])
            memory.model.op("RESHAPE", [source], [values[-1]], {"new_shape": list(shape)})
        elif kind == "handle":
            memory.handle(name, new=True)
    if len(values) == 1:
        memory.assign(names[0], x)
        values.append(memory.read(names[0], shape, scale=0.1, zero_point=3))
    outputs = list(dict.fromkeys((values[-1], pick.one_of(values[1:]))))
    return Case(f"variables of {size}: {', '.join(kinds)}", memory.finish([x], outputs))


def streaming_conv(pick: Pick) -> Case:
    """A window of past inputs by a convolution of two, the newest part kept for the next time."""
    rng = np.random.default_rng(pick.integer(0, 2**31))
    channels = pick.one_of((1, 2, 3, 4, 8))
    height = pick.integer(2, 5)
    shape = (1, height, 1, channels)
    memory = Memory()
    scale, zero_point = 0.1, pick.one_of(ZERO_POINTS)
    x = memory.model.tensor(shape, scale=scale, zero_point=zero_point)
    start = rng.integers(-128, 128, shape) if pick.one_of((True, False)) else np.full(shape, -1)
    memory.initialise("past", start.astype(np.int8))
    memory.begin()
    past = memory.read("past", shape, scale=scale, zero_point=zero_point)

    def conv(source: int, to_scale: float) -> int:
        taps = pick.integer(1, 2)
        rows = rng.integers(-128, 128, (channels, taps, 1, channels))
        w = memory.model.tensor(rows.shape, scale=np.full(channels, 0.01), values=rows)
        bias = memory.model.tensor((channels,), "int32", values=rng.integers(-99, 99, channels))
        y = memory.model.tensor(shape, scale=to_scale, zero_point=zero_point)
        options = {"padding": "SAME", "stride_h": 1, "stride_w": 1}
        memory.model.op("CONV_2D", [source, w, bias], [y], options)
        return y

    y = conv(past, 0.2)
    late = pick.one_of((True, False))
    kept = conv(x, scale)
    memory.assign("past", kept)
    # Read after the assignment: the copy must be the old value.
    outputs = [y, conv(past, 0.3)] if late else [y]
    return Case(f"streaming conv {shape}, late {late}", memory.finish([x], outputs))


def svdf(pick: Pick) -> Case:
    """SVDF, its memory from one step to many, its sums from nothing to saturation."""
    rng = np.random.default_rng(pick.integer(0, 2**31))
    batches, rank = pick.one_of((1, 1, 2)), pick.integer(1, 3)
    inputs, units = pick.one_of((1, 2, 3, 4, 8, 17, 64)), pick.one_of((1, 2, 3, 5, 8))
    memory = pick.one_of((1, 2, 3, 8))
    filters = units * rank
    # The spread of the sum over the input in the state's steps, of that over time in the output's.
    scales = {"input": 0.02, "feature": 0.01}
    narrow, wide = pick.one_of((3.0, 3000.0, 60000.0)), pick.one_of((0.3, 40.0, 400.0))
    scales["state"] = 0.02 * 0.01 * 73 * 73 * np.sqrt(inputs) / narrow
    scales["time"] = 0.003
    reach = scales["state"] * scales["time"] * narrow * 19000 * np.sqrt(memory * rank)
    scales["output"] = reach / wide
    model = ModelBuilder()
    x = model.tensor((batches, inputs), scale=scales["input"], zero_point=pick.one_of(ZERO_POINTS))
    ends = pick.one_of((True, False, False))
    feature = rng.choice([-128, 127], (filters, inputs)) if ends else None
    time = rng.choice([-32768, 32767], (filters, memory)) if ends else None
    if feature is None or time is None:
        feature = rng.integers(-128, 128, (filters, inputs))
        time = rng.integers(-32768, 32768, (filters, memory))
    operands = [
        x,
        model.tensor((filters, inputs), scale=scales["feature"], values=feature),
        model.tensor((filters, memory), "int16", scale=scales["time"], values=time),
    ]
    bias = pick.one_of(("none", "usual", "large"))
    limit = 2**30 if bias == "large" else 10**6
    if bias == "none":
        operands.append(-1)
    else:
        values = rng.integers(-limit, limit, units)
        operands.append(model.tensor((units,), "int32", scale=0.001, values=values))
    state_shape = (batches, filters * memory)
    operands.append(model.tensor(state_shape, "int16", scale=scales["state"], variable=True))
    y = model.tensor((batches, units), scale=scales["output"], zero_point=pick.one_of(ZERO_POINTS))
    options = {"rank": rank, "fused_activation_function": "RELU"}
    model.op("SVDF", operands, [y], options, version=3)
    text = (
        f"SVDF {batches}x{inputs} -> {units}, rank {rank}, memory {memory}, bias {bias}, {scales}"
    )
    return Case(text, model.finish([x], [y]))


def lstm(pick: Pick) -> Case:
    """UNIDIRECTIONAL_SEQUENCE_LSTM as Keras' LSTM becomes; gates from flat to saturated."""
    rng = np.random.default_rng(pick.integer(0, 2**31))
    batches, steps, major = pick.one_of((1, 1, 2, 3)), pick.integer(1, 5), pick.integer(0, 1)
    inputs, units = pick.one_of((1, 2, 3, 4, 7, 16, 40)), pick.one_of((1, 2, 3, 4, 5, 16, 20))
    sizes = (steps, batches) if major else (batches, steps)
    reach = pick.one_of((0.3, 2.0, 8.0, 100.0))  # of the gates' arguments
    cell_scale = 2.0 ** pick.one_of((-15, -14, -12, -11, -11, -10, -9))
    model = ModelBuilder()

    def variable(dtype: str, **options: Any) -> int:
        shape = (batches, units) if pick.one_of((True, True, False)) else (batches * units,)
        return model.tensor(shape, dtype, variable=True, **options)

    def weights(operands: int, scale: float) -> list[int]:
        found = []
        for _ in range(4):
            low = pick.one_of((-128, -127, -10))
            values = rng.integers(low, 128 if low < -10 else 11, (units, operands))
            each = reach / (scale * 73 * 73 * np.sqrt(operands)) * float(rng.uniform(0.3, 1.5))
            found.append(model.tensor((units, operands), scale=each, values=values))
        return found

    x = model.tensor((*sizes, inputs), scale=0.02, zero_point=pick.one_of(ZERO_POINTS))
    large = pick.one_of((False, False, True))
    of_hidden = 1 / 128 if pick.one_of((True, True, False)) else 0.004
    operands = [x, *weights(inputs, 0.02), *weights(units, of_hidden), -1, -1, -1]
    for _ in range(4):
        limit = 2**30 if large else 20000
        values = rng.integers(-limit, limit, units)
        operands.append(model.tensor((units,), "int32", scale=0.001, values=values))
    operands += [
        *(-1, -1),
        variable("int8", scale=of_hidden, zero_point=pick.one_of(ZERO_POINTS)),
        variable("int16", scale=cell_scale),
        *([-1] * pick.one_of((0, 4))),
    ]
    between = [model.tensor((), "int16", scale=2.0**-12) for _ in range(4)]
    shown = pick.one_of((1 / 128, 0.004, 0.05, 0.0001))
    between.append(model.tensor((), scale=shown, zero_point=pick.one_of(ZERO_POINTS)))
    y = model.tensor((*sizes, units), scale=of_hidden, zero_point=0)
    options = {
        "fused_activation_function": "TANH",
        "cell_clip": pick.one_of((0.0, 0.0, 10.0, 0.3, 1e-6)),
        "time_major": bool(major),
    }
    model.op(
        "UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [y], options, version=3, intermediates=between
    )
    text = f"LSTM {sizes} {inputs} -> {units}, cell {cell_scale}, reach {reach}, {options}"
    return Case(text, model.finish([x], [y]))


FAMILIES: Mapping[str, Family] = {
    "delayed": delayed,
    "lstm": lstm,
    "streaming_conv": streaming_conv,
    "svdf": svdf,
}
