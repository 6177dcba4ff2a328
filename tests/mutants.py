"""Damaged copies of a file, the same for the same seed: what storage, transfers and malice do."""

from __future__ import annotations

import random

# Numbers at the edges of the types that offsets, counts and indices are stored in.
EDGES = (
    0,
    1,
    2,
    3,
    4,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
)
_MOST_CHANGES = 4


def mutant(data: bytes, seed: int) -> bytes:
    """`data` with one to four changes: bytes, bits, numbers, cuts, moved or doubled pieces."""
    rng = random.Random(seed)
    damaged = bytearray(data)
    for _ in range(rng.randint(1, _MOST_CHANGES)):
        if not damaged:
            break
        rng.choice(_CHANGES)(damaged, rng)
    return bytes(damaged)


def _any_byte(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] = rng.randrange(256)


def _flip_bit(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _edge_number(data: bytearray, rng: random.Random) -> None:
    """An aligned 32-bit number becomes one at the edge of a type."""
    at = rng.randrange(0, len(data), 4)
    data[at : at + 4] = rng.choice(EDGES).to_bytes(4, "little")[: len(data) - at]


def _near_number(data: bytearray, rng: random.Random) -> None:
    """An aligned 32-bit number becomes a little larger or smaller."""
    at = rng.randrange(0, len(data), 4)
    number = int.from_bytes(data[at : at + 4], "little") + rng.choice((-8, -4, -1, 1, 4, 8))
    data[at : at + 4] = (number % 2**32).to_bytes(4, "little")[: len(data) - at]


def _pointer(data: bytearray, rng: random.Random) -> None:
    """An aligned 32-bit number becomes an offset to somewhere in the file."""
    at = rng.randrange(0, len(data), 4)
    target = rng.randrange(at, len(data)) - at
    data[at : at + 4] = target.to_bytes(4, "little")[: len(data) - at]


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def _remove(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.randint(1, 16)]


def _insert(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    data[at:at] = rng.randbytes(rng.randint(1, 16))


def _copy_over(data: bytearray, rng: random.Random) -> None:
    """A piece of the file overwrites another."""
    length = rng.randint(1, 64)
    source, target = rng.randrange(len(data)), rng.randrange(len(data))
    piece = data[source : source + length]
    data[target : target + len(piece)] = piece


_CHANGES = (
    _any_byte,
    _flip_bit,
    _edge_number,
    _near_number,
    _pointer,
    _cut,
    _remove,
    _insert,
    _copy_over,
)
