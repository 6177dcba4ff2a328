"""Points as a search gives them, without any training."""

from __future__ import annotations

from edge_deploy.quantity import Quantity
from edge_deploy.teaching.explore.point import Failure, Judged, Point


def point(key="a", knobs=None, figure=0.9, name="accuracy", samples=100, **costs):
    """A point that worked. costs: cycles and flash_bytes at least."""
    return Point(
        key=key,
        knobs=knobs or {"width": 1},
        judged=Judged(
            name,
            Quantity(figure + 0.01, "1", "measured:keras"),
            Quantity(figure, "1", "measured:reference, validation samples"),
            samples,
        ),
        costs={
            name: Quantity(value, "B" if name.endswith("bytes") else "cycles", "modelled:m4")
            for name, value in {"cycles": 1000, "flash_bytes": 5000, **costs}.items()
        },
        facts={"machine": "here", "compiled_with": "gcc 12.2"},
        seconds=3.0,
        model=b"model of " + key.encode(),
    )


def failed(key="b", kind="OverBudget", *, lasting=True):
    """A point that did not."""
    return Point(key, {"width": 2}, failure=Failure(kind, "it needs 2 B", lasting))
