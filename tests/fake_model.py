"""A model in memory whose outputs are sums over its inputs, and the same as an oracle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHA256 = "5ca1ab1e" * 8


@dataclass(frozen=True)
class FakeTensor:
    """One input or output of the fake model."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float = 0.5
    zero_point: int = 0

    @property
    def size(self) -> int:
        """Bytes."""
        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


@dataclass
class FakeModel:
    """A model whose outputs are sums over its input bytes: easy to compute anywhere.

    With state_bytes it remembers how many inferences were made, and adds that.
    """

    name: str = "fake model"
    sha256: str = SHA256
    inputs: tuple[FakeTensor, ...] = (FakeTensor("in put", "int8", (1, 7, 5), 0.25, 83),)
    outputs: tuple[FakeTensor, ...] = (FakeTensor("scores", "int8", (1, 70), 1 / 256, -128),)
    labels: tuple[str, ...] = ("yes", "no way", "100 %")
    layer_cycles: tuple[int, ...] = (400, 3000, 77)
    state_bytes: int = 0

    @property
    def input_bytes(self) -> int:
        return sum(tensor.size for tensor in self.inputs)

    @property
    def output_bytes(self) -> int:
        return sum(tensor.size for tensor in self.outputs)

    def infer(self, data: bytes, steps: int = 0) -> bytes:
        """All inputs' bytes to all outputs' bytes. steps: inferences since the last reset."""
        values = np.frombuffer(data, np.uint8).astype(np.int64)
        weights = np.arange(1, values.size + 1)
        sums = [int((values * (weights + j)).sum()) for j in range(self.output_bytes)]
        return bytes((one + (steps if self.state_bytes else 0)) % 251 for one in sums)


class FakeReference:
    """The fake model as an oracle, in the shape of `edge_deploy.model.oracle.Reference`."""

    name = "fake-reference 1.0"

    def __init__(self, model: FakeModel) -> None:
        self.model = model
        self.spoil: Callable[[int], bool] = lambda _: False  # which calls answer wrongly
        self.calls = 0
        self.steps = 0

    def reset(self) -> None:
        self.steps = 0

    def run(self, inputs: list[NDArray[np.generic]]) -> list[NDArray[np.generic]]:
        self.steps += 1
        given = b"".join(array.tobytes() for array in inputs)
        data = bytearray(self.model.infer(given, self.steps))
        if self.spoil(self.calls):
            data[0] ^= 1
        self.calls += 1
        arrays, start = [], 0
        for tensor in self.model.outputs:
            piece = bytes(data[start : start + tensor.size])
            arrays.append(np.frombuffer(piece, tensor.dtype).reshape(tensor.shape))
            start += tensor.size
        return arrays
