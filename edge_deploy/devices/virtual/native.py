"""The counting hooks in C: built on first use, loaded, and their memory mirrored for Python.

Turns `hook.c` into a shared library under the cache, and gives function pointers that unicorn
calls. Knows nothing of instructions, clocks or boards.
"""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path

from edge_deploy import libraries, places

_SOURCE = Path(__file__).with_name("hook.c")

# 65,536 places of 32 bytes: an image of 1 MiB of code has fewer blocks that are ever run.
TABLE_BITS = 16

# Of `head` and `tail`, as hook.c has them.
BRANCH_ALWAYS = 1 << 62
SINGLE_LOAD = 1 << 63

# A clock that is never reached: 2^62 cycles are two thousand years at 64 MHz.
NEVER = 1 << 62

StopFunction = ctypes.c_void_p
MissFunction = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint32)


class Block(ctypes.Structure):
    """`block` of hook.c."""

    _fields_ = (
        ("address", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("cycles", ctypes.c_uint32),
        ("instructions", ctypes.c_uint32),
        ("head", ctypes.c_uint64),
        ("tail", ctypes.c_uint64),
    )


class Counters(ctypes.Structure):
    """`counters` of hook.c."""

    _fields_ = (
        ("cycles", ctypes.c_uint64),
        ("instructions", ctypes.c_uint64),
        ("flash_words", ctypes.c_uint64),
        ("blocks", ctypes.c_uint64),
        ("limit", ctypes.c_uint64),
        ("tail", ctypes.c_uint64),
        ("next", ctypes.c_uint32),
        ("last", ctypes.c_uint32),
        ("wait_states", ctypes.c_uint32),
        ("stopped", ctypes.c_uint32),
        ("used", ctypes.c_uint32),
        ("bits", ctypes.c_uint32),
        ("stop", StopFunction),
        ("miss", MissFunction),
        ("table", ctypes.POINTER(Block)),
        ("fresh", Block),
    )


_LAYOUT = (
    ctypes.sizeof(Block),
    ctypes.sizeof(Counters),
    Counters.limit.offset,
    Counters.stop.offset,
    Counters.fresh.offset,
)


@functools.lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """The hooks, built if this machine has not built them yet.

    Raises toolchains.ToolchainMissing or toolchains.CompileFailed (exit 16).
    """
    loaded = ctypes.CDLL(str(build(places.cache() / "hook")))
    loaded.ed_hook_layout.restype = ctypes.c_uint32
    loaded.ed_hook_layout.argtypes = (ctypes.c_uint32,)
    found = tuple(loaded.ed_hook_layout(which) for which in range(len(_LAYOUT)))
    if found != _LAYOUT:
        raise RuntimeError(f"hook.c lays its structures out as {found}, native.py as {_LAYOUT}")
    return loaded


def build(folder: Path) -> Path:
    """The shared library for this machine under `folder`, compiled only if it is not there."""
    return libraries.build("ed_hook", [_SOURCE], folder)
