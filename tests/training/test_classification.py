"""Counts of a classifier, by hand."""

from __future__ import annotations

import numpy as np

from edge_deploy.training import classification


def test_rows_are_the_truth_and_columns_the_guess():
    targets = np.eye(3, dtype=np.float32)[[0, 0, 1, 2]]
    right = np.eye(3, dtype=np.float32)[[0, 0, 1, 2]]
    # The second is taken for 2, and the last has two equal scores: the first counts.
    guess = np.array([[0.9, 0, 0.1], [0.2, 0, 0.8], [0, 1, 0], [0.5, 0, 0.5]], np.float32)
    result = classification.classified(("a", "b", "c"), targets, right, guess)
    assert result.in_float.tolist() == [[2, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert result.in_int8.tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert classification.class_rows(result) == [
        ("a", "2", "100.0 %", "50.0 %", "50.0 %"),
        ("b", "1", "100.0 %", "100.0 %", "100.0 %"),
        ("c", "1", "100.0 %", "0.0 %", "0.0 %"),
    ]


def test_the_interval_is_said():
    counts = np.array([[81, 9], [1, 9]])
    assert classification.sure(counts) == ("90 of 100 right, 90.0 % (95 % interval 82.6 to 94.5 %)")
