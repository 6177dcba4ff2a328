"""What the tests of features share."""

from __future__ import annotations

import pytest

from tests.firmware import building


@pytest.fixture(scope="session")
def host_compiler() -> str:
    compilers = building.host_compilers()
    if not compilers:
        pytest.skip("no gcc or clang on this machine")
    return compilers[0]
