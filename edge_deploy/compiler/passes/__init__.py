"""Rewrites of a program, each exact, each alone: a Program in, a Program out.

One module for each; `run` has their order. To add one: a module, its place in `run`, a test of
its own under tests/compiler/.
"""

from __future__ import annotations

from edge_deploy.compiler.passes.channels import remove_channels
from edge_deploy.compiler.passes.constants import fix_constants
from edge_deploy.compiler.passes.dilations import join_dilations
from edge_deploy.compiler.passes.lookups import fuse_lookups, remove_identities
from edge_deploy.compiler.passes.paddings import fold_paddings
from edge_deploy.compiler.passes.program import Program
from edge_deploy.compiler.passes.reals import tabulate_reals
from edge_deploy.compiler.passes.reshapes import remove_reshapes
from edge_deploy.compiler.passes.unread import remove_unread
from edge_deploy.compiler.passes.variables import read_variables_in_place
from edge_deploy.compiler.passes.views import view_parts
from edge_deploy.compiler.passes.zero_points import fold_zero_points

__all__ = [
    "Program",
    "fix_constants",
    "fold_paddings",
    "fold_zero_points",
    "fuse_lookups",
    "join_dilations",
    "read_variables_in_place",
    "remove_channels",
    "remove_identities",
    "remove_reshapes",
    "remove_unread",
    "run",
    "tabulate_reals",
    "view_parts",
]


def run(program: Program) -> Program:
    """All passes, in order, but for `view_parts`, which the memory plan chooses."""
    for rewrite in (
        remove_reshapes,
        remove_identities,
        tabulate_reals,
        remove_unread,
        fuse_lookups,
        remove_identities,
        join_dilations,
        fold_paddings,
        fix_constants,
        remove_unread,
        remove_channels,
        remove_reshapes,
        remove_unread,
    ):
        program = rewrite(program)
    return read_variables_in_place(fold_zero_points(program))
