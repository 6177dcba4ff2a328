"""Quantities held against limits: one checker for what fits a board and for what a lab allows.

Turns quantities and limits into Checks, in the limits' order. Knows nothing about where either
comes from; what follows from a Check (a table, an exit code) is for `cli/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from edge_deploy.quantity import Quantity

Status = Literal["ok", "over", "unknown"]


@dataclass(frozen=True)
class Limit:
    """What a quantity in `unit` may be at most, or must be at least."""

    value: float
    unit: str
    at_least: bool = False


@dataclass(frozen=True)
class Check:
    """One resource held against its limit.

    status: "ok"; "over" where the limit is missed (also one that must be reached); "unknown"
    where the value or the limit is not known.
    value, limit, origin: None where not known.
    """

    resource: str
    value: float | None
    limit: float | None
    unit: str
    status: Status
    origin: str | None

    def as_json(self) -> dict[str, float | str]:
        """As `--json` shows it; what is not known is absent."""
        found: dict[str, float | str | None] = {
            "resource": self.resource,
            "value": self.value,
            "limit": self.limit,
            "unit": self.unit,
            "status": self.status,
            "origin": self.origin,
        }
        return {key: value for key, value in found.items() if value is not None}


# Units of the budgets that lab.yaml and `--budget` give by these names, and whether the limit
# is one to reach.
_BUDGETS: Mapping[str, tuple[str, bool]] = MappingProxyType(
    {
        "flash_bytes": ("B", False),
        "ram_bytes": ("B", False),
        "arena_bytes": ("B", False),
        "latency_us": ("us", False),
        "energy_uj": ("uJ", False),
        "accuracy": ("1", True),
        "auc": ("1", True),
    }
)
BUDGETS = tuple(_BUDGETS)


def limits(budget: Mapping[str, float]) -> dict[str, Limit]:
    """The limits of a budget, such as a lab's for one board; its keys are among BUDGETS."""
    return {resource: Limit(value, *_BUDGETS[resource]) for resource, value in budget.items()}


def check(
    quantities: Mapping[str, Quantity], limits: Mapping[str, Limit | float | None]
) -> tuple[Check, ...]:
    """Hold `quantities` against `limits`; a Check for each limit, in their order.

    A plain number is a limit at most, in the quantity's own unit; None is a limit that exists
    but is not known. A quantity without a limit is not checked.
    Raises ValueError where a quantity and its Limit have different units.
    """
    return tuple(_check(name, quantities.get(name), limit) for name, limit in limits.items())


def _check(resource: str, quantity: Quantity | None, limit: Limit | float | None) -> Check:
    """One line of the table."""
    known = limit if isinstance(limit, Limit) else None
    if quantity is not None and known is not None and quantity.unit != known.unit:
        raise ValueError(f"{resource} is in {quantity.unit}, its limit in {known.unit}")
    most = limit.value if isinstance(limit, Limit) else limit
    status: Status
    if quantity is None or most is None:
        status = "unknown"
    elif quantity.value >= most if known is not None and known.at_least else quantity.value <= most:
        status = "ok"
    else:
        status = "over"
    return Check(
        resource=resource,
        value=None if quantity is None else quantity.value,
        limit=most,
        unit=quantity.unit if quantity is not None else known.unit if known is not None else "",
        status=status,
        origin=None if quantity is None else quantity.origin,
    )
