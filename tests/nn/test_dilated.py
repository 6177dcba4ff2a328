"""Convolutions that TensorFlow dilates by taking maps apart against the reference."""

from __future__ import annotations

from collections import Counter

from tests import compiled_model
from tests.nn import checks
from tests.nn.cases import Seeded
from tests.nn.cases_dilated import FAMILIES, dilated

test_family = checks.of(FAMILIES)


def test_most_are_one_convolution():
    counts = Counter()
    for seed in range(60):
        _, compiled = compiled_model.compile_graph(dilated(Seeded(seed)).data, "portable")
        counts[len(compiled.layers)] += 1
    assert counts[1] > 40
    assert len(counts) > 1, "what cannot be joined is among the cases"
