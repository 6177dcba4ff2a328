"""A random function for every operator, for TensorFlow's converter to write.

`FUNCTIONS` names each by the operator that the file is expected to hold. A function's
parameters come from a Pick (tests/nn/cases.py), its weights from a seed that the Pick draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.converted.convert import Function
from tests.converted.elementwise import ELEMENTWISE
from tests.converted.movement import MOVEMENT
from tests.converted.products import PRODUCTS
from tests.converted.reductions import REDUCTIONS
from tests.nn.cases import Pick

FUNCTIONS: Mapping[str, Callable[[Any, Pick], Function]] = {
    **PRODUCTS,
    **ELEMENTWISE,
    **REDUCTIONS,
    **MOVEMENT,
}
