"""Does a board compute what the reference computes? Seeded inputs, compared value by value.

Knows a Session and an oracle; nothing about how either came to be.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import UsageError, WrongBoard
from edge_deploy.telemetry.failures import LinkUnreliable
from edge_deploy.telemetry.hello import WireTensor
from edge_deploy.telemetry.session import Session

NARROWINGS = 4
"""Widths of the inputs near the zero point: a half to a sixteenth of the range."""

SEQUENCES = 3
"""Times that a model with variables is taken through all inputs, until no reply is damaged."""

KEPT_MISMATCHES = 5
"""Cases kept for the message: enough to see a pattern, few enough to be read."""


class Reference(Protocol):
    """The oracle: `edge_deploy.model.oracle.Reference` is one."""

    @property
    def name(self) -> str:
        """What it is, with its version: "tflite-runtime 2.14.0 BUILTIN_REF"."""

    def run(self, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
        """One array an input to one array an output, in the model's order."""

    def reset(self) -> None:
        """Put the model's variables to their initial values."""


@dataclass(frozen=True)
class Mismatch:
    """One value that differs. input: which input, from 0; index: position in the output."""

    input: int
    output: int
    index: int
    expected: float
    got: float

    def as_json(self) -> dict[str, float | str]:
        """For `--json`, which has no word for a value that is no number."""
        return {
            "input": self.input,
            "output": self.output,
            "index": self.index,
            "expected": self.expected if math.isfinite(self.expected) else str(self.expected),
            "got": self.got if math.isfinite(self.got) else str(self.got),
        }


@dataclass(frozen=True)
class VerifyResult:
    """What was compared, and what differed.

    inputs: how many were tried; compared, mismatches: output values; distinct: how many
    different outputs the reference gave (1 would prove little). max_abs_diff: in steps of the
    output's type; the largest binary32 where a difference is no number.
    """

    model_name: str
    model_sha256: str
    board: str
    on: str
    engine: str
    reference: str
    seed: int
    inputs: int
    compared: int
    mismatches: int
    max_abs_diff: float
    distinct: int
    first: tuple[Mismatch, ...]

    def as_json(self) -> dict[str, Any]:
        """The keys of `verify --json`."""
        return {
            "model": {"name": self.model_name, "sha256": self.model_sha256},
            "board": self.board,
            "on": self.on,
            "engine": self.engine,
            "reference": self.reference,
            "seed": self.seed,
            "inputs": self.inputs,
            "compared": self.compared,
            "mismatches": self.mismatches,
            "max_abs_diff": self.max_abs_diff,
            "distinct_outputs": self.distinct,
            "first_mismatches": [mismatch.as_json() for mismatch in self.first],
        }


def verify(
    session: Session,
    reference: Reference,
    *,
    on: str,
    inputs: int,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> VerifyResult:
    """Run `inputs` seeded inputs on the board and on the reference, and compare bit for bit.

    A model with variables is reset on both, and then sees the inputs one after the other: each
    output depends on all inputs so far.

    session: begun, with the model that the reference has. progress: called with (done, of).
    Raises UsageError for no inputs, WrongBoard if the two have outputs of different shapes,
    LinkUnreliable if no sequence came through a bad link as a whole.
    """
    if inputs < 1:
        raise UsageError(f"{inputs} inputs; at least 1 is needed to verify anything.")
    hello = session.board
    tally: _Tally | None = None
    for _ in range(SEQUENCES):
        tally = _follow(session, reference, inputs, seed, progress)
        if tally is not None:
            break
    else:
        raise LinkUnreliable(
            f"answers were damaged in each of {SEQUENCES} sequences of {inputs} inputs: the model "
            "made inferences that nobody saw, and its variables moved on.",
            try_next=("use another cable or port", "give fewer --inputs"),
        )
    return VerifyResult(
        model_name=hello.model,
        model_sha256=hello.sha256,
        board=hello.board,
        on=on,
        engine=hello.engine,
        reference=reference.name,
        seed=seed,
        inputs=inputs,
        compared=tally.compared,
        mismatches=tally.mismatches,
        max_abs_diff=tally.max_abs_diff,
        distinct=len(tally.distinct),
        first=tuple(tally.first),
    )


@dataclass
class _Tally:
    """What was compared so far. distinct: hashes of the reference's outputs."""

    compared: int = 0
    mismatches: int = 0
    max_abs_diff: float = 0.0
    first: list[Mismatch] = field(default_factory=list)
    distinct: set[bytes] = field(default_factory=set)

    def add(
        self, number: int, got: Sequence[NDArray[Any]], expected: Sequence[NDArray[Any]]
    ) -> None:
        """Compare the outputs of input `number`."""
        whole = b"".join(array.tobytes() for array in expected)
        self.distinct.add(hashlib.sha256(whole).digest())
        for i, (mine, theirs) in enumerate(zip(got, expected, strict=True)):
            wrong = _differing(mine, theirs)
            self.compared += theirs.size
            self.mismatches += wrong.size
            if wrong.size:
                flat_mine, flat_theirs = mine.ravel(), theirs.ravel()
                self.max_abs_diff = max(
                    self.max_abs_diff, _largest_diff(flat_mine[wrong], flat_theirs[wrong])
                )
                self.first.extend(
                    Mismatch(number, i, int(at), flat_theirs[at].item(), flat_mine[at].item())
                    for at in wrong[: KEPT_MISMATCHES - len(self.first)]
                )


def _follow(
    session: Session,
    reference: Reference,
    inputs: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> _Tally | None:
    """All inputs in order; None where the board made an inference more than the reference did."""
    hello = session.board
    if hello.state_bytes:
        session.forget()
        reference.reset()
    tally = _Tally()
    for number, arrays in enumerate(make_inputs(hello.inputs, inputs, seed)):
        session.load(hello.encode_inputs(arrays))
        result = session.run(1)
        if hello.state_bytes and result.since != number + 1:
            return None
        expected = reference.run(arrays)
        _check_outputs(hello.outputs, expected)
        tally.add(number, hello.decode_outputs(result.output), expected)
        if progress is not None:
            progress(number + 1, inputs)
    return tally


def make_inputs(
    tensors: Sequence[WireTensor], count: int, seed: int
) -> Iterator[list[NDArray[Any]]]:
    """`count` sets of inputs: first the edges of the range, then seeded random ones.

    Every other random set spreads all over the range; the ones between keep near the zero point,
    where real data is, because inputs of the full range drive many a softmax into saturation.
    The same for the same tensors and seed on every machine and numpy: random bytes are SHAKE-128
    of the seed and the position. A larger count begins with the same inputs.
    """
    edges = (_lowest, _highest, _zero, _alternating, _rising)
    for number in range(count):
        if number < len(edges):
            yield [edges[number](tensor) for tensor in tensors]
        else:
            arrays = random_inputs(tensors, number, seed)
            if number % 2 == 0:
                shift = 1 + number // 2 % NARROWINGS
                arrays = [
                    _narrow(array, tensor, shift)
                    for array, tensor in zip(arrays, tensors, strict=True)
                ]
            yield arrays


def random_inputs(tensors: Sequence[WireTensor], number: int, seed: int) -> list[NDArray[Any]]:
    """The `number`-th set of random inputs, over the full range of their types."""
    return [_random(tensor, f"{seed} {number} {i}") for i, tensor in enumerate(tensors)]


def _random(tensor: WireTensor, seed: str) -> NDArray[Any]:
    raw = hashlib.shake_128(seed.encode()).digest(tensor.bytes)
    dtype = tensor.numpy_dtype
    if dtype.kind == "f":
        # 24 random bits are exact in a binary32; [-4, 4) is where normalized data lies.
        steps = np.frombuffer(raw, "<u4") >> np.uint32(8)
        return (steps.astype(dtype) / np.float32(1 << 21) - np.float32(4)).reshape(tensor.shape)
    if dtype.kind == "b":
        return (np.frombuffer(raw, np.uint8) & 1).astype(dtype).reshape(tensor.shape)
    return np.frombuffer(raw, dtype).reshape(tensor.shape)


def _narrow(values: NDArray[Any], tensor: WireTensor, shift: int) -> NDArray[Any]:
    """Full-range integers to 1/2**shift of the range, about the zero point; others as they are."""
    if values.dtype.kind not in "iu":
        return values
    lowest, highest = (int(limit) for limit in _limits(tensor))
    middle = (lowest + highest + 1) // 2
    steps = (values.astype(np.int64) - middle) >> shift
    return np.clip(steps + (tensor.zero_point or 0), lowest, highest).astype(values.dtype)


def _limits(tensor: WireTensor) -> tuple[float, float]:
    dtype = tensor.numpy_dtype
    if dtype.kind == "f":
        return -4.0, 4.0
    if dtype.kind == "b":
        return 0, 1
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)


def _lowest(tensor: WireTensor) -> NDArray[Any]:
    return np.full(tensor.shape, _limits(tensor)[0], tensor.numpy_dtype)


def _highest(tensor: WireTensor) -> NDArray[Any]:
    return np.full(tensor.shape, _limits(tensor)[1], tensor.numpy_dtype)


def _zero(tensor: WireTensor) -> NDArray[Any]:
    return np.full(tensor.shape, tensor.zero_point or 0, tensor.numpy_dtype)


def _alternating(tensor: WireTensor) -> NDArray[Any]:
    lowest, highest = _limits(tensor)
    values = np.full(tensor.shape, lowest, tensor.numpy_dtype)
    values.ravel()[1::2] = highest
    return values


def _rising(tensor: WireTensor) -> NDArray[Any]:
    """All values of the type in turn, so that a tensor read in another order shows."""
    lowest, highest = _limits(tensor)
    size = int(np.prod(tensor.shape))
    steps = np.arange(size, dtype=np.float64) % (int(highest) - int(lowest) + 1) + lowest
    return steps.astype(tensor.numpy_dtype).reshape(tensor.shape)


def _differing(mine: NDArray[Any], theirs: NDArray[Any]) -> NDArray[np.intp]:
    """Positions whose bits differ (so a NaN equals itself, and 0.0 is not -0.0)."""
    size = mine.dtype.itemsize
    bits = np.dtype(f"u{size}")
    found: NDArray[np.intp] = np.flatnonzero(
        np.ascontiguousarray(mine).ravel().view(bits)
        != np.ascontiguousarray(theirs).ravel().view(bits)
    )
    return found


def _largest_diff(mine: NDArray[Any], theirs: NDArray[Any]) -> float:
    diff = np.abs(mine.astype(np.float64) - theirs.astype(np.float64))
    return float(np.where(np.isfinite(diff), diff, np.finfo(np.float32).max).max())


def _check_outputs(tensors: Sequence[WireTensor], expected: Sequence[NDArray[Any]]) -> None:
    board = [(tensor.numpy_dtype, int(np.prod(tensor.shape))) for tensor in tensors]
    reference = [(array.dtype, array.size) for array in expected]
    if board != reference:
        raise WrongBoard(
            f"the board's outputs are {_describe(board)}, the reference's {_describe(reference)}: "
            "not the same model."
        )


def _describe(outputs: Sequence[tuple[np.dtype[Any], int]]) -> str:
    return ", ".join(f"{size} {dtype.name}" for dtype, size in outputs) or "none"
