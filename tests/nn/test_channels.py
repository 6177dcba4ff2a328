"""Constant and unread channels against the reference."""

from __future__ import annotations

from tests.nn import checks
from tests.nn.cases_channels import FAMILIES

test_family = checks.of(FAMILIES)
