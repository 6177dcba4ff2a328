"""Many more models of every family: EDGE_DEPLOY_SWEEP=<models a family>."""

from __future__ import annotations

import os

import pytest

from tests.nn import checks
from tests.nn.cases import Seeded
from tests.nn.families import FAMILIES

SWEEP = int(os.environ.get("EDGE_DEPLOY_SWEEP", "0"))


@pytest.mark.skipif(SWEEP == 0, reason="a sweep takes EDGE_DEPLOY_SWEEP=<models a family>")
@pytest.mark.parametrize("family", FAMILIES)
def test_sweep(family):
    for seed in range(SWEEP):
        case = FAMILIES[family](Seeded(seed))
        checks.check_on_host(case)
        checks.check_on_m4(case, "cortex_m4", None)
