"""One converted file: compiled and compared with the reference, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edge_deploy import compiler, model
from edge_deploy.errors import UnsupportedModel
from tests.converted.convert import Function, convert, tensorflow
from tests.converted.functions import FUNCTIONS
from tests.nn import checks
from tests.nn.cases import Case, Pick, Seeded


@dataclass(frozen=True)
class Checked:
    """A file that was found equal. compared: output values, on host and core."""

    data: bytes
    operators: tuple[str, ...]
    compared: int


def check(
    name: str, seed: int, functions: Mapping[str, Callable[[Any, Pick], Function]] = FUNCTIONS
) -> Checked:
    """Convert, compile, compare. Fails the test on a difference, and saves the model."""
    function = functions[name](tensorflow(), Seeded(seed))
    data = convert(function, seed)
    try:
        graph = model.read(data)
    except UnsupportedModel as refused:
        if "no operators" not in refused.message:
            raise
        return Checked(data, (), 0)  # the converter found nothing to do
    compiler.compile(graph, target=compiler.PORTABLE)  # what we refuse may end the reference
    case = Case(function.text, data)
    compared = checks.check_on_host(case)
    compared += checks.check_on_m4(
        case, "cortex_m4", ("arm-none-eabi-gcc", "zig")[seed % checks.ZIG_EACH == 0]
    )
    return Checked(data, tuple(operator.name for operator in graph.operators), compared)
