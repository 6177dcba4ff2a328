"""Convolutions that TensorFlow dilates by taking maps apart against the reference."""

from __future__ import annotations

from collections import Counter

from tests import compiled_model
from tests.nn import checks
from tests.nn.cases import Seeded
from tests.nn.cases_dilated import FAMILIES, dilated

test_family = checks.of(FAMILIES)


def test_most_are_one_convolution():
    joined = Counter()
    for seed in range(60):
        _, compiled = compiled_model.compile_graph(dilated(Seeded(seed)).data, "portable")
        joined["BATCH_TO_SPACE_ND" not in {layer.operator for layer in compiled.layers}] += 1
    assert joined[True] > 40
    assert joined[False], "what cannot be joined is among the cases"


def test_two_convolutions_share_what_is_taken_apart():
    convolutions = Counter()
    for seed in range(60):
        _, compiled = compiled_model.compile_graph(dilated(Seeded(seed)).data, "portable")
        names = [layer.operator for layer in compiled.layers]
        if "SPACE_TO_BATCH_ND" not in names:
            convolutions[len(names)] += 1
    assert convolutions[1] > 10
    assert convolutions[2] > 5
