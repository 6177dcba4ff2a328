"""Tables of 256 bytes against the reference."""

from __future__ import annotations

from tests.nn import checks
from tests.nn.cases_lookup import FAMILIES

test_family = checks.of(FAMILIES)
