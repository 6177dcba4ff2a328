"""A number with its unit and its origin: no number is printed without one.

Origins are `measured:<instrument>`, `modelled:<model>` or `computed:<how>` (exact by
construction, such as the arena size that the compiler planned). What is not known is
absent, never invented.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """value in `unit`, known from `origin`."""

    value: float
    unit: str
    origin: str

    def as_json(self) -> dict[str, float | str]:
        """The form of every quantity in `--json` output."""
        return {"value": self.value, "unit": self.unit, "origin": self.origin}
