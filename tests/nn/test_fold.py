"""Constants folded before run time against the reference."""

from __future__ import annotations

from tests.nn import checks
from tests.nn.cases_fold import FAMILIES

test_family = checks.of(FAMILIES)
