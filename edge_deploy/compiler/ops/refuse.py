"""How an operator is refused: its name, index, tensor, and what to try."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from edge_deploy.compiler.text import wire_name
from edge_deploy.errors import UnsupportedModel

if TYPE_CHECKING:
    from edge_deploy.compiler.ops.layer import Site


def unsupported(site: Site, what: str, try_next: Iterable[str] = ()) -> UnsupportedModel:
    """The error for one operator. what: a predicate, such as "has stride 0"."""
    outputs = [site.graph.tensors[i].name for i in site.operator.outputs]
    where = f" ({wire_name(outputs[0])})" if outputs else ""
    return UnsupportedModel(
        f"operator {site.operator.index}, {wire_name(site.operator.name)}{where}, {what}.",
        try_next=tuple(try_next),
    )
