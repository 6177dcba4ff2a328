"""Models that remember against the reference, over sequences of inputs."""

from __future__ import annotations

from tests.nn import checks
from tests.nn.cases_state import FAMILIES

test_family = checks.of(FAMILIES)
