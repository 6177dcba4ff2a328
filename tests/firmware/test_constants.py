"""docs/wire.md, firmware/src/wire/ed_wire.h and edge_deploy/telemetry/wire.py say the same."""

from __future__ import annotations

import re

from edge_deploy.telemetry import wire
from tests.firmware.building import ROOT, SOURCES

_NUMBER = re.compile(r"^#define (ED_WIRE_\w+) (\d+)$", re.MULTILINE)
_ROW = re.compile(r"^\| `(ED_WIRE_\w+)` \| (\d+) \|$", re.MULTILINE)


def test_the_three_agree() -> None:
    page = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")
    header = (SOURCES / "wire" / "ed_wire.h").read_text(encoding="utf-8")
    specified = {name: int(value) for name, value in _ROW.findall(page)}
    in_c = {name: int(value) for name, value in _NUMBER.findall(header)}
    in_python = {name: value for name, value in vars(wire).items() if name.startswith("ED_WIRE_")}
    assert len(specified) >= 10
    assert in_c == specified
    assert in_python == specified
