"""Input zero points go into biases, so that no kernel adds them."""

from __future__ import annotations

from dataclasses import replace

from edge_deploy.compiler.ops.weighted import Weighted
from edge_deploy.compiler.passes.program import Program


def fold_zero_points(program: Program) -> Program:
    """Put each input's zero point into the bias, so that no kernel adds it.

    sum(w * (x - z)) + bias = sum(w * x) + (bias - z * sum(w)), modulo 2^32 too.
    """
    folded = [layer.fold() if isinstance(layer, Weighted) else layer for layer in program.layers]
    return replace(program, layers=tuple(folded))
