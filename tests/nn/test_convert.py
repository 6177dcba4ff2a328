"""Changes of type and scale against the reference."""

from __future__ import annotations

from tests.nn import checks
from tests.nn.cases_convert import FAMILIES

test_family = checks.of(FAMILIES)
