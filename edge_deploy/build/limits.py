"""What an image takes, held against its board, in a sentence with numbers.

Turns a Layout, or what the compiler knows before there is one, into OverBudget or nothing.
"""

from __future__ import annotations

import shlex

from edge_deploy import boards
from edge_deploy.boards import Board
from edge_deploy.build.elf import Layout
from edge_deploy.compiler import Compiled
from edge_deploy.errors import OverBudget


def hold_compiled(compiled: Compiled, name: str, board: Board) -> None:
    """Refuse what cannot fit whatever the firmware takes. Raises OverBudget."""
    needs = {"flash": compiled.weights_bytes, "RAM": compiled.arena_bytes}
    parts = {"flash": "its weights alone", "RAM": "its activations alone"}
    for memory, limit in _limits(board).items():
        if needs[memory] > limit:
            raise _over(name, board, memory, needs[memory], limit, parts[memory])


def hold_layout(layout: Layout, name: str, board: Board) -> None:
    """Hold a linked image against its board. Raises OverBudget with the largest symbols."""
    needs = {"flash": layout.flash_bytes, "RAM": layout.ram_bytes}
    for memory, limit in _limits(board).items():
        if needs[memory] > limit:
            what = ", ".join(f"{s.name} {s.bytes:,} B" for s in layout.largest(memory))
            if memory == "RAM" and layout.stack_bytes:
                what += f", stack {layout.stack_bytes:,} B"
            raise _over(name, board, memory, needs[memory], limit, f"most of it {what}")


def _limits(board: Board) -> dict[str, int]:
    """Bytes for an application, by memory; a board whose storage is a disk has no flash."""
    limits = {"RAM": board.application_ram_bytes}
    if board.application_flash_bytes is not None:
        limits["flash"] = board.application_flash_bytes
    return limits


def _over(name: str, board: Board, memory: str, needed: int, limit: int, what: str) -> OverBudget:
    quoted = shlex.quote(name)
    tries = [f"edge-deploy inspect {quoted} --board {board.name}  see what takes the most"]
    roomy = [
        other.name
        for other in boards.load_all().values()
        if other.name != board.name and _limits(other).get(memory, 0) >= needed
    ]
    tries += [f"edge-deploy flash --board {other} {quoted}" for other in roomy[:1]]
    return OverBudget(
        f"{name} needs {needed:,} B of {memory} ({what}); "
        f"{board.name} has {limit:,} B for an application.",
        try_next=tries,
    )
