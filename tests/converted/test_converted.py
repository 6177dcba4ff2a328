"""Files as TensorFlow's converter writes them: a few of every operator against the reference.

On this computer under sanitizers, and on an emulated Cortex-M4. `tests/sweep.py` has many more.
"""

from __future__ import annotations

import pytest

from tests.converted import checks
from tests.converted.functions import FUNCTIONS

SEEDS = 3


@pytest.mark.parametrize("name", FUNCTIONS)
def test_converted(name):
    checked = [checks.check(name, seed) for seed in range(SEEDS)]
    # Were the operator optimised away each time, this would test nothing of it.
    assert any(name in one.operators for one in checked) or name.endswith("ends")
    assert any(one.compared for one in checked)
