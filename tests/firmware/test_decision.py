"""ed_decision.c on random score sequences, against exact fractions in Python."""

from __future__ import annotations

import ctypes
import dataclasses
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from edge_deploy.sensing import DecisionSettings
from tests.firmware import building, listener

LABELS = 5
# Of the ed_model_tensor that decisions are told of: softmax's usual one, and a crooked one.
SCALES = {0: (1 / 256, -128), 1: (0.1, 17)}
SETTINGS = [
    DecisionSettings(0.55, 3, 70, ("silence",)),
    DecisionSettings(0.5, 1, 0),
    DecisionSettings(-3.5, 4, 10, ("yes", "go", "stop")),
    DecisionSettings(0.7, 16, 1000, ("silence", "yes")),
]
HOP_MS = 10

Result = tuple[list[int], int]  # scores as stored, frames since the last result


class Tensor(ctypes.Structure):
    """ed_model_tensor."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("dtype", ctypes.c_int),
        ("rank", ctypes.c_uint8),
        ("shape", ctypes.c_uint32 * 6),
        ("bytes", ctypes.c_uint32),
        ("scale", ctypes.c_float),
        ("zero_point", ctypes.c_int32),
    )


class Decision(ctypes.Structure):
    """ed_decision."""

    _fields_ = (("label", ctypes.c_uint32), ("score", ctypes.c_float))


@pytest.fixture(scope="module", params=SETTINGS, ids=lambda s: f"smooth{s.smooth}")
def decider(
    request: pytest.FixtureRequest, host_compiler: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[DecisionSettings, ctypes.CDLL]:
    """Settings and the library that was compiled for them."""
    made = dataclasses.replace(listener.lab("mfcc"), decision=request.param)
    folder = tmp_path_factory.mktemp("decision")
    config = listener.write_config(made, folder / "config")
    built = building.compile_c(
        [host_compiler],
        [building.SOURCES / "app" / "ed_decision.c"],
        folder / "decision.so",
        flags=["-O2", "-shared", "-fPIC"],
        config=config,
    )
    library = ctypes.CDLL(str(built))
    library.ed_decision_put.restype = ctypes.c_bool
    return request.param, library


def decided(
    library: ctypes.CDLL, results: list[Result], scale: float, zero_point: int
) -> Iterator[tuple[int, float] | None]:
    """What the firmware decides after each result."""
    tensor = Tensor(b"scores", 1, 2, (ctypes.c_uint32 * 6)(1, LABELS), LABELS, scale, zero_point)
    frame = 0
    library.ed_decision_clear()
    for scores, frames in results:
        frame += frames
        made = Decision()
        stored = (ctypes.c_int8 * LABELS)(*scores)
        there = library.ed_decision_put(
            ctypes.byref(tensor), stored, ctypes.c_uint32(frame), ctypes.byref(made)
        )
        yield (made.label, made.score) if there else None


def expected(
    decision: DecisionSettings, results: list[Result], scale: float, zero_point: int
) -> Iterator[tuple[int, float] | None]:
    """The same by docs/wire.md, the ranking in exact numbers."""
    labels = listener.lab("mfcc").labels
    frame, last = 0, None
    for end, (_, frames) in enumerate(results, start=1):
        frame += frames
        rows = [scores for scores, _ in results[max(0, end - decision.smooth) : end]]
        means = [Fraction(sum(column), decision.smooth) for column in zip(*rows, strict=True)]
        top = means.index(max(means))
        real = sum(row[top] - zero_point for row in rows)
        score = np.float32(scale) * np.float32(real) / np.float32(decision.smooth)
        free = last is None or (frame - last) * HOP_MS >= decision.hold_off_ms
        enough = len(rows) == decision.smooth and score >= np.float32(decision.threshold)
        if enough and free and labels[top] not in decision.ignore:
            last = frame
            yield top, float(score)
        else:
            yield None


# Few different values, so that equal means are common; and the whole range.
few = some.sampled_from([-128, 20, 60, 61, 127])
scores = some.lists(few | some.integers(-128, 127), min_size=LABELS, max_size=LABELS)


@settings(max_examples=300, deadline=None)
@given(
    results=some.lists(some.tuples(scores, some.integers(1, 12)), max_size=60),
    kind=some.sampled_from(sorted(SCALES)),
)
def test_random_sequences(
    decider: tuple[DecisionSettings, ctypes.CDLL], results: list[Result], kind: int
) -> None:
    decision, library = decider
    scale, zero_point = SCALES[kind]
    found = list(decided(library, results, scale, zero_point))
    assert found == list(expected(decision, results, scale, zero_point))


def test_a_word_that_lasts_is_decided_again_after_the_hold_off(
    decider: tuple[DecisionSettings, ctypes.CDLL],
) -> None:
    """So that the test above cannot pass by deciding nothing."""
    decision, library = decider
    results = [([-128, -128, 127, -128, -128], 3)] * 120
    found = list(decided(library, results, 1 / 256, -128))
    first = decision.smooth - 1
    step = max(1, -(-decision.hold_off_ms // (3 * HOP_MS)))
    assert [at for at, made in enumerate(found) if made] == list(range(first, 120, step))
    assert {made for made in found if made} == {(2, 255 / 256)}


def test_a_mean_that_is_the_threshold_is_enough(
    decider: tuple[DecisionSettings, ctypes.CDLL],
) -> None:
    """scale * 1 / 1 is the threshold to the bit, where one stored 1 more than zero is the mean."""
    decision, library = decider
    if decision.threshold <= 0:
        pytest.skip("quantized as 1 it would be a negative scale")
    for factor, there in ((1.0, True), (1 - 2**-23, False)):
        scale = float(np.float32(decision.threshold) * np.float32(factor))
        results = [([-1, -1, 1, -1, -1], 3)] * decision.smooth
        found = list(decided(library, results, scale, 0))
        assert found == list(expected(decision, results, scale, 0))
        reached = np.float32(scale) * np.float32(decision.smooth) / np.float32(decision.smooth)
        if reached == np.float32(scale):  # the division may round
            assert (found[-1] is not None) == there
