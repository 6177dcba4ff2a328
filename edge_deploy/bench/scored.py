"""What a recipe's own score makes of a model's outputs: figures by name. To JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge_deploy.quantity import Quantity


@dataclass(frozen=True)
class Scored:
    """Of `n` outputs. figures: by the score's own names."""

    n: int
    figures: Mapping[str, Quantity]

    def as_json(self) -> dict[str, Any]:
        """Keys of `evaluate --json`."""
        return {
            "n": self.n,
            "figures": {name: figure.as_json() for name, figure in self.figures.items()},
        }
