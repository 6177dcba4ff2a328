"""Pieces of tensors that are not copied against the reference."""

from __future__ import annotations

from tests.nn import checks
from tests.nn.cases_views import FAMILIES

test_family = checks.of(FAMILIES)
