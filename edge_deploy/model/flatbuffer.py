"""Reads a FlatBuffer that is not trusted: tables, vectors and strings out of bytes.

Every offset, vtable, length and field is checked against the bytes at hand before it is
used, nothing is allocated for a length that the file only claims, and the total of what is
read is bounded, however often the file points to the same place. Knows the format and
nothing of any schema: fields are addressed by slot, their position in the table's vtable.

Source: FlatBuffers internals, https://flatbuffers.dev/internals/ . The format's public Python
runtime does not verify: it follows offsets out of the buffer or backwards.
"""

from __future__ import annotations

import struct
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import BadInput

Number = TypeVar("Number", int, float)

# A file may share parts (a name, a shape) between its tables, so more may be read than it has
# bytes; a file that shares without end must not cost time without end. Buffers of constants
# are not copied and do not count.
SHARING = 4
SHARING_SMALLEST_BYTES = 1 << 16
SHARING_LARGEST_BYTES = 1 << 24

_UINT8 = struct.Struct("<B")
_INT8 = struct.Struct("<b")
_UINT16 = struct.Struct("<H")
_INT32 = struct.Struct("<i")
_UINT32 = struct.Struct("<I")
_INT64 = struct.Struct("<q")
_UINT64 = struct.Struct("<Q")
_FLOAT32 = struct.Struct("<f")

_UOFFSET_BYTES = 4
_SMALLEST_VTABLE_BYTES = 4  # its own size and the table's
_SMALLEST_TABLE_BYTES = 4  # the offset to its vtable


class BrokenBuffer(BadInput):
    """The bytes are no whole FlatBuffer. The message continues "the file ..."."""


class FlatBuffer:
    """The bytes, and what may still be read of them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)
        self._left = min(SHARING * self.size + SHARING_SMALLEST_BYTES, SHARING_LARGEST_BYTES)

    def root(self, what: str) -> Table:
        """The table that the first four bytes point to; `what` names it in messages."""
        self.check(0, _UOFFSET_BYTES, what)
        return Table(self, self.follow(0, what), what)

    def follow(self, at: int, what: str) -> int:
        """Where the offset at byte `at` (which has been checked) points to."""
        offset: int = _UINT32.unpack_from(self.data, at)[0]
        target = at + offset
        if offset == 0 or target > self.size - _UOFFSET_BYTES:
            raise BrokenBuffer(f"is {self.size:,} bytes; {what} points to byte {target:,}")
        return target

    def check(self, at: int, length: int, what: str) -> None:
        """Raise BrokenBuffer unless bytes [at, at + length) are in the file."""
        if at < 0 or at + length > self.size:
            raise BrokenBuffer(f"is {self.size:,} bytes; {what} ends at byte {at + length:,}")

    def spend(self, length: int, what: str) -> None:
        """Count `length` bytes as read."""
        self._left -= length
        if self._left < 0:
            raise BrokenBuffer(f"repeats its parts too often; {what} is one too many")

    def vector(self, at: int, itemsize: int, what: str) -> tuple[int, int]:
        """Where the elements of the vector at `at` (from `follow`) begin, and their number."""
        count: int = _UINT32.unpack_from(self.data, at)[0]
        begin = at + _UOFFSET_BYTES
        self.check(begin, count * itemsize, what)
        return begin, count


class Table:
    """One table: fields by slot, each with the value that stands for an absent one."""

    __slots__ = ("_at", "_buffer", "_bytes", "_vtable", "_vtable_bytes", "what")

    def __init__(self, buffer: FlatBuffer, at: int, what: str) -> None:
        """at: from `FlatBuffer.follow`, so that four bytes are there."""
        vtable = at - int(_INT32.unpack_from(buffer.data, at)[0])
        if vtable < 0 or vtable > buffer.size - _SMALLEST_VTABLE_BYTES:
            raise BrokenBuffer(
                f"is {buffer.size:,} bytes; {what} has its field list at byte {vtable:,}"
            )
        vtable_bytes: int = _UINT16.unpack_from(buffer.data, vtable)[0]
        table_bytes: int = _UINT16.unpack_from(buffer.data, vtable + 2)[0]
        if vtable_bytes < _SMALLEST_VTABLE_BYTES or vtable_bytes % 2:
            raise BrokenBuffer(f"gives {what} a field list of {vtable_bytes} bytes")
        if table_bytes < _SMALLEST_TABLE_BYTES:
            raise BrokenBuffer(f"gives {what} a size of {table_bytes} bytes")
        buffer.check(vtable, vtable_bytes, f"the field list of {what}")
        buffer.check(at, table_bytes, what)
        self._buffer = buffer
        self._at = at
        self._bytes = table_bytes
        self._vtable = vtable
        self._vtable_bytes = vtable_bytes
        self.what = what

    def _field(self, slot: int, width: int) -> int:
        """Byte of a field of `width` bytes, which is in the file; 0 when absent."""
        entry = _SMALLEST_VTABLE_BYTES + 2 * slot
        if entry >= self._vtable_bytes:
            return 0
        offset: int = _UINT16.unpack_from(self._buffer.data, self._vtable + entry)[0]
        if offset == 0:
            return 0
        if offset < _SMALLEST_TABLE_BYTES or offset + width > self._bytes:
            raise BrokenBuffer(
                f"puts field {slot} of {self.what} at byte {offset} of its {self._bytes}"
            )
        return self._at + offset

    def place(self, slot: int, width: int) -> int:
        """Byte of the file at which a number of `width` bytes stands; 0 when absent."""
        return self._field(slot, width)

    def _number(self, slot: int, form: struct.Struct, default: Number) -> Number:
        at = self._field(slot, form.size)
        if not at:
            return default
        value: Number = form.unpack_from(self._buffer.data, at)[0]
        return value

    def int8(self, slot: int, default: int = 0) -> int:
        """An int8 field."""
        return self._number(slot, _INT8, default)

    def uint8(self, slot: int, default: int = 0) -> int:
        """A uint8 field."""
        return self._number(slot, _UINT8, default)

    def int32(self, slot: int, default: int = 0) -> int:
        """An int32 field."""
        return self._number(slot, _INT32, default)

    def uint32(self, slot: int, default: int = 0) -> int:
        """A uint32 field."""
        return self._number(slot, _UINT32, default)

    def int64(self, slot: int, default: int = 0) -> int:
        """An int64 field."""
        return self._number(slot, _INT64, default)

    def uint64(self, slot: int, default: int = 0) -> int:
        """A uint64 field."""
        return self._number(slot, _UINT64, default)

    def float32(self, slot: int, default: float = 0.0) -> float:
        """A float32 field; any value, so possibly not finite."""
        return self._number(slot, _FLOAT32, default)

    def boolean(self, slot: int, *, default: bool = False) -> bool:
        """A bool field: any byte but 0 is true."""
        return bool(self._number(slot, _UINT8, int(default)))

    def has(self, slot: int) -> bool:
        """Whether the field, an offset to something, is there."""
        return self._field(slot, _UOFFSET_BYTES) != 0

    def table(self, slot: int, what: str) -> Table | None:
        """A table, or None when absent."""
        at = self._field(slot, _UOFFSET_BYTES)
        if not at:
            return None
        return Table(self._buffer, self._buffer.follow(at, what), what)

    def tables(self, slot: int, what: str) -> Tables:
        """A vector of tables, each called `what` and its index; empty when absent."""
        at = self._field(slot, _UOFFSET_BYTES)
        if not at:
            return Tables(self._buffer, 0, 0, what)
        target = self._buffer.follow(at, f"the list of {what}s")
        begin, count = self._buffer.vector(target, _UOFFSET_BYTES, f"the list of {what}s")
        return Tables(self._buffer, begin, count, what)

    def numbers(self, slot: int, dtype: str, what: str) -> NDArray[Any]:
        """A vector of numbers, (count,) of `dtype` such as "<i4"; empty when absent.

        Read-only, a view of the file's bytes, which may not be aligned.
        """
        form = np.dtype(dtype)
        begin, count = self._elements(slot, form.itemsize, what)
        self._buffer.spend(count * form.itemsize, what)
        return np.frombuffer(self._buffer.data, dtype=form, count=count, offset=begin)

    def text(self, slot: int, what: str) -> str:
        """A string; what is not UTF-8 comes out as U+FFFD. Empty when absent."""
        begin, count = self._elements(slot, 1, what)
        self._buffer.spend(count, what)
        return self._buffer.data[begin : begin + count].decode("utf-8", "replace")

    def extent(self, slot: int, what: str) -> tuple[int, int]:
        """Where a vector of bytes begins in the file, and its length; (0, 0) when absent."""
        return self._elements(slot, 1, what)

    def _elements(self, slot: int, itemsize: int, what: str) -> tuple[int, int]:
        at = self._field(slot, _UOFFSET_BYTES)
        if not at:
            return 0, 0
        return self._buffer.vector(self._buffer.follow(at, what), itemsize, what)


class Tables:
    """A vector of tables, each checked when it is taken out."""

    __slots__ = ("_begin", "_buffer", "_count", "_what")

    def __init__(self, buffer: FlatBuffer, begin: int, count: int, what: str) -> None:
        """begin, count: from `FlatBuffer.vector`, so that every offset is in the file."""
        self._buffer = buffer
        self._begin = begin
        self._count = count
        self._what = what

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Table:
        if not 0 <= index < self._count:
            raise IndexError(index)
        what = f"{self._what} {index}"
        at = self._begin + _UOFFSET_BYTES * index
        return Table(self._buffer, self._buffer.follow(at, what), what)
