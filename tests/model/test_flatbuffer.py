"""The FlatBuffer reader: buffers written by hand, byte for byte, whole and broken."""

from __future__ import annotations

import struct

import flatbuffers
import numpy as np
import pytest

from edge_deploy.model.flatbuffer import (
    SHARING,
    SHARING_SMALLEST_BYTES,
    BrokenBuffer,
    FlatBuffer,
    Table,
)

# A table with two fields, laid out by hand:
#   0: root offset to 16      8: vtable: 8 bytes, table of 12 bytes, fields at 4 and 8
#  16: table: offset to its vtable (16 - 8), int32 -5, offset to 28
#  28: vector: 3 int16
BY_HAND = (
    struct.pack("<I4s", 16, b"TEST")
    + struct.pack("<HHHH", 8, 12, 4, 8)
    + struct.pack("<iiI", 8, -5, 4)
    + struct.pack("<I3h", 3, 1, -2, 300)
)


def root(data: bytes) -> Table:
    return FlatBuffer(data).root("the table")


def everything(data: bytes) -> None:
    """Read all that BY_HAND has."""
    table = root(data)
    table.int32(0)
    table.numbers(1, "<i2", "v")


def changed(at: int, form: str, value: int) -> bytes:
    data = bytearray(BY_HAND)
    struct.pack_into(form, data, at, value)
    return bytes(data)


def test_reads_a_table_written_by_hand():
    table = root(BY_HAND)
    assert table.int32(0, 7) == -5
    assert table.numbers(1, "<i2", "v").tolist() == [1, -2, 300]
    assert table.has(1)
    assert not table.has(2)
    assert table.int32(2, 7) == 7
    assert table.table(2, "absent") is None
    assert len(table.tables(2, "absent")) == 0
    assert table.numbers(2, "<i4", "absent").tolist() == []
    assert table.text(2, "absent") == ""
    assert table.extent(2, "absent") == (0, 0)


def test_reads_what_the_public_builder_writes():
    fb = flatbuffers.Builder(0)
    text = fb.CreateString("grüße")
    ints = fb.CreateNumpyVector(np.arange(-3, 4, dtype=np.int64))
    fb.StartObject(1)
    fb.PrependInt8Slot(0, -7, 0)
    inner = fb.EndObject()
    fb.StartVector(4, 2, 4)
    fb.PrependUOffsetTRelative(inner)
    fb.PrependUOffsetTRelative(inner)
    both = fb.EndVector()
    fb.StartObject(11)
    fb.PrependInt8Slot(0, -128, 0)
    fb.PrependUint8Slot(1, 255, 0)
    fb.PrependInt32Slot(2, -(2**31), 0)
    fb.PrependUint32Slot(3, 2**32 - 1, 0)
    fb.PrependInt64Slot(4, -(2**63), 0)
    fb.PrependUint64Slot(5, 2**64 - 1, 0)
    fb.PrependFloat32Slot(6, 0.5, 0)
    fb.PrependBoolSlot(7, True, False)
    fb.PrependUOffsetTRelativeSlot(8, text, 0)
    fb.PrependUOffsetTRelativeSlot(9, ints, 0)
    fb.PrependUOffsetTRelativeSlot(10, both, 0)
    fb.Finish(fb.EndObject())
    table = root(bytes(fb.Output()))
    assert table.int8(0) == -128
    assert table.uint8(1) == 255
    assert table.int32(2) == -(2**31)
    assert table.uint32(3) == 2**32 - 1
    assert table.int64(4) == -(2**63)
    assert table.uint64(5) == 2**64 - 1
    assert table.float32(6) == 0.5
    assert table.boolean(7) is True
    assert table.text(8, "text") == "grüße"
    assert table.numbers(9, "<i8", "ints").tolist() == [-3, -2, -1, 0, 1, 2, 3]
    tables = table.tables(10, "inner")
    assert [tables[i].int8(0) for i in range(len(tables))] == [-7, -7]
    assert tables[1].what == "inner 1"
    for outside in (-1, 2):
        with pytest.raises(IndexError):
            tables[outside]


def test_numbers_are_a_read_only_view():
    values = root(BY_HAND).numbers(1, "<i2", "v")
    assert not values.flags.writeable
    assert not values.flags.owndata


@pytest.mark.parametrize("size", range(len(BY_HAND)))
def test_truncated_at_every_byte(size):
    with pytest.raises(BrokenBuffer):
        everything(BY_HAND[:size])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (changed(0, "<I", 0), "is 38 bytes; the table points to byte 0"),
        (changed(0, "<I", 0xFFFFFFFF), "is 38 bytes; the table points to byte 4,294,967,295"),
        (changed(16, "<i", 17), "is 38 bytes; the table has its field list at byte -1"),
        (changed(16, "<i", -22), "is 38 bytes; the table has its field list at byte 38"),
        (changed(16, "<i", -(2**31)), "field list at byte 2,147,483,664"),
        (changed(8, "<H", 2), "gives the table a field list of 2 bytes"),
        (changed(8, "<H", 9), "gives the table a field list of 9 bytes"),
        (changed(8, "<H", 65534), "the field list of the table ends at byte 65,542"),
        (changed(10, "<H", 3), "gives the table a size of 3 bytes"),
        (changed(10, "<H", 65535), "the table ends at byte 65,551"),
        (changed(12, "<H", 3), "puts field 0 of the table at byte 3 of its 12"),
        (changed(12, "<H", 9), "puts field 0 of the table at byte 9 of its 12"),
        (changed(24, "<I", 0), "v points to byte 24"),
        (changed(24, "<I", 0x80000000), "v points to byte 2,147,483,672"),
        (changed(28, "<I", 4), "is 38 bytes; v ends at byte 40"),
        (changed(28, "<I", 0xFFFFFFFF), "v ends at byte 8,589,934,622"),
    ],
)
def test_says_what_is_wrong(data, message):
    with pytest.raises(BrokenBuffer) as caught:
        everything(data)
    assert message in caught.value.message


def test_text_that_is_not_utf8_is_shown_with_replacements():
    assert root(changed(28, "<I", 6)).text(1, "v") == "\x01\x00\ufffd\ufffd,\x01"


def test_what_is_read_over_and_over_is_bounded():
    table = root(BY_HAND)
    allowed = (SHARING * len(BY_HAND) + SHARING_SMALLEST_BYTES) // 6
    for _ in range(allowed):
        table.numbers(1, "<i2", "v")
    with pytest.raises(BrokenBuffer, match="repeats its parts too often"):
        table.numbers(1, "<i2", "v")
