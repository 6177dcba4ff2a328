"""What every group of random small models is drawn with: choices, windows, edge values.

A family is a function of a Pick, which chooses from ranges: hypothesis does in property tests,
a seeded generator in sweeps. Edge values are among the choices: zero points at the ends of
int8, weights of -128, one-pixel maps, odd channel counts, sums that saturate, factors above 1.
The families are in `cases_<group>.py`, their tests in `test_<group>.py`; `families.py` has all.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")
ZERO_POINTS = (-128, -127, -1, 0, 1, 5, -37, 99, 127)


class Pick(Protocol):
    """Chooses."""

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high."""
        ...

    def one_of(self, values: Sequence[T]) -> T:
        """One of the values."""
        ...


class Seeded:
    """Choices from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high."""
        return self._random.randint(low, high)

    def one_of(self, values: Sequence[T]) -> T:
        """One of the values."""
        return self._random.choice(list(values))


@dataclass(frozen=True)
class Case:
    """A model and what it is."""

    text: str
    data: bytes = field(repr=False)


Family = Callable[[Pick], Case]


@dataclass(frozen=True)
class Geometry:
    """A map and the window that slides over it."""

    shape: tuple[int, int, int]  # batches, height, width
    kernel: tuple[int, int]
    output: tuple[int, int]
    options: dict[str, Any]

    @property
    def text(self) -> str:
        """What it is."""
        return f"{self.shape} kernel {self.kernel} {self.options}"


def geometry(pick: Pick, *, dilations: bool, largest_kernel: int = 5) -> Geometry:
    """Map, kernel, strides, dilations and padding of a window, such that there is an output."""
    kernel = pick.integer(1, largest_kernel), pick.integer(1, largest_kernel)
    if pick.one_of((True, False, False)):
        kernel = pick.one_of(((3, 3), (1, 1)))
    strides = pick.integer(1, 3), pick.integer(1, 3)
    if pick.one_of((True, False)):
        strides = (1, 1)
    spread = pick.integer(1, 3), pick.integer(1, 3)
    if not dilations or pick.one_of((True, True, False)):
        spread = (1, 1)
    if strides != (1, 1) and spread != (1, 1):
        strides = (1, 1)  # TensorFlow's own operators take only one of the two
    padding = pick.one_of(("SAME", "VALID"))
    sizes, outputs = [], []
    for taps, stride, step in zip(kernel, strides, spread, strict=True):
        reach = (taps - 1) * step + 1
        least = reach if padding == "VALID" else 1
        size = least + pick.one_of((0, 1, 2, 3, 4, 7, 9))
        sizes.append(size)
        outputs.append(-(-(size if padding == "SAME" else size - reach + 1) // stride))
    options = {
        "padding": padding,
        "stride_h": strides[0],
        "stride_w": strides[1],
        "fused_activation_function": pick.one_of(ACTIVATIONS),
    }
    if dilations:
        options |= {"dilation_h_factor": spread[0], "dilation_w_factor": spread[1]}
    batches = pick.one_of((1, 1, 1, 2))
    return Geometry((batches, *sizes), kernel, (outputs[0], outputs[1]), options)
