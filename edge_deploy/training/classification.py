"""What a classifier made of its test samples, float beside int8: counts, interval, confusion.

Turns scores and targets into whole numbers and their card. Knows nothing about networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.intervals import wilson


@dataclass(frozen=True)
class Classification:
    """Rows are what the samples are, columns what the model made of them, int64."""

    labels: tuple[str, ...]
    in_float: NDArray[np.int64]
    in_int8: NDArray[np.int64]


def classified(
    labels: Sequence[str],
    targets: NDArray[Any],
    in_float: NDArray[np.float32],
    in_int8: NDArray[np.float32],
) -> Classification:
    """targets: (n, labels), largest at the label. in_float, in_int8: (n, labels) scores.

    Of equal scores the first counts, as on the board.
    """
    return Classification(
        tuple(labels),
        confusion(len(labels), targets, in_float),
        confusion(len(labels), targets, in_int8),
    )


def confusion(
    labels: int, targets: NDArray[Any], outputs: NDArray[np.float32]
) -> NDArray[np.int64]:
    """(labels, labels) int64: how many samples of each row's label were taken for each column's."""
    counts = np.zeros((labels, labels), np.int64)
    np.add.at(counts, (np.argmax(targets, axis=-1), np.argmax(outputs, axis=-1)), 1)
    return counts


def sure(counts: NDArray[np.int64]) -> str:
    """`783 of 866 right, 90.4 % (95 % interval 88.3 to 92.2 %)`."""
    right, of = int(np.trace(counts)), int(counts.sum())
    low, high = wilson(right, of)
    return (
        f"{right:,} of {of:,} right, {100 * right / of:.1f} % "
        f"(95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
    )


def class_rows(result: Classification) -> list[tuple[str, ...]]:
    """(label, samples, right by float, right by int8, precision of int8) of every label."""
    rows: list[tuple[str, ...]] = []
    for index, label in enumerate(result.labels):
        of = int(result.in_int8[index].sum())
        claimed = int(result.in_int8[:, index].sum())
        rows.append(
            (
                label,
                f"{of:,}",
                _share(int(result.in_float[index, index]), of),
                _share(int(result.in_int8[index, index]), of),
                _share(int(result.in_int8[index, index]), claimed),
            )
        )
    return rows


def _share(right: int, of: int) -> str:
    return f"{100 * right / of:.1f} %" if of else ""
