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

# 65,536 places of 56 bytes: an image of 1 MiB of code has fewer blocks that are ever run.
TABLE_BITS = 16

# Reads of all blocks together: an image that is full of them leaves some blocks to be watched.
READS = 1 << 16
# As hook.c has it: the block's reads are watched one by one.
WATCHED = 0xFFFFFFFF

# Of `head` and `tail`, as hook.c has them.
BRANCH_ALWAYS = 1 << 62
SINGLE_LOAD = 1 << 63

# A clock that is never reached: 2^62 cycles are two thousand years at 64 MHz.
NEVER = 1 << 62

StopFunction = ctypes.c_void_p
MissFunction = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint32)


class Read(ctypes.Structure):
    """`read_access` of hook.c."""

    _fields_ = (
        ("constant", ctypes.c_uint32),
        ("factors", ctypes.c_uint32 * 2),
        ("registers", ctypes.c_uint8 * 2),
        ("size", ctypes.c_uint8),
        ("reserved", ctypes.c_uint8),
    )


class Block(ctypes.Structure):
    """`block` of hook.c."""

    _fields_ = (
        ("address", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("cycles", ctypes.c_uint32),
        ("instructions", ctypes.c_uint32),
        ("head", ctypes.c_uint64),
        ("tail", ctypes.c_uint64),
        ("words", ctypes.c_uint32),
        ("first", ctypes.c_uint32),
        ("reads", ctypes.c_uint32),
        ("registers", ctypes.c_uint32),
        ("heat", ctypes.c_uint32),
        ("skips", ctypes.c_uint32),
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
        ("watching", ctypes.c_uint32),
        ("counting", ctypes.c_uint32),
        ("flash_bytes", ctypes.c_uint32),
        ("pause", ctypes.c_uint32),
        ("hot", ctypes.c_uint32),
        ("flush", ctypes.c_uint32),
        ("doubt", ctypes.c_uint32),
        ("stale", ctypes.c_uint32),
        ("names", ctypes.c_int * 16),
        ("stop", StopFunction),
        ("get", StopFunction),
        ("miss", MissFunction),
        ("table", ctypes.POINTER(Block)),
        ("accesses", ctypes.POINTER(Read)),
        ("fresh", Block),
    )


_LAYOUT = (
    ctypes.sizeof(Block),
    ctypes.sizeof(Counters),
    Counters.limit.offset,
    Counters.stop.offset,
    Counters.fresh.offset,
    ctypes.sizeof(Read),
    Counters.names.offset,
)


@functools.lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """The hooks, built if this machine has not built them yet.

    Raises toolchains.ToolchainMissing or toolchains.CompileFailed (exit 16).
    """
    loaded = ctypes.CDLL(str(build(places.cache() / "hook")))
    loaded.ed_hook_layout.restype = ctypes.c_uint32
    loaded.ed_hook_layout.argtypes = (ctypes.c_uint32,)
    loaded.ed_hook_cool.restype = None
    loaded.ed_hook_cool.argtypes = (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)
    found = tuple(loaded.ed_hook_layout(which) for which in range(len(_LAYOUT)))
    if found != _LAYOUT:
        raise RuntimeError(f"hook.c lays its structures out as {found}, native.py as {_LAYOUT}")
    return loaded


def build(folder: Path) -> Path:
    """The shared library for this machine under `folder`, compiled only if it is not there."""
    return libraries.build("ed_hook", [_SOURCE], folder)
