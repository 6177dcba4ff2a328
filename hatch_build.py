"""Puts boards.yaml into the wheel; everything else that ships is declared in pyproject.toml.

Hatchling moves folders with its `sources` table, but not single files, and `force-include`
would also copy the file into editable installs, where a stale copy would lie about.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ShipBoards(BuildHookInterface):  # type: ignore[type-arg]
    """Adds boards.yaml to a standard wheel, not to an editable one."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before each wheel; `version` is "standard" or "editable"."""
        if version == "standard":
            build_data["force_include"]["boards.yaml"] = "edge_deploy/_shipped/boards.yaml"
