"""CRC, numbers and escapes of firmware/src/wire, held against Python's, for any value."""

from __future__ import annotations

import ctypes
import decimal
import math
import struct
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge_deploy.telemetry import wire
from tests.firmware import building

FIXED3_BYTES = 44
U64_BYTES = 20


@pytest.fixture(scope="module")
def library(host_compiler: str, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    output = tmp_path_factory.mktemp("wire") / "libwire.so"
    sources = [*building.wire_sources(), building.TESTS / "fake_port.c"]
    building.compile_c([host_compiler], sources, output, flags=["-O2", "-shared", "-fPIC"])
    loaded = ctypes.CDLL(str(output))
    loaded.ed_crc32.restype = ctypes.c_uint32
    loaded.ed_crc32.argtypes = [ctypes.c_uint32, ctypes.c_char_p, ctypes.c_size_t]
    loaded.ed_text_u64.restype = ctypes.c_size_t
    loaded.ed_text_u64.argtypes = [ctypes.c_char_p, ctypes.c_uint64]
    loaded.ed_text_fixed3.restype = ctypes.c_size_t
    loaded.ed_text_fixed3.argtypes = [ctypes.c_char_p, ctypes.c_float]
    loaded.ed_line_escaped.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    return loaded


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_crc_is_that_of_zlib(library: ctypes.CDLL, first: bytes, second: bytes) -> None:
    so_far = library.ed_crc32(0, first, len(first))
    assert so_far == zlib.crc32(first)
    assert library.ed_crc32(so_far, second, len(second)) == zlib.crc32(first + second)


@given(st.integers(0, 2**64 - 1))
def test_integers_read_as_python_writes_them(library: ctypes.CDLL, value: int) -> None:
    text = ctypes.create_string_buffer(U64_BYTES + 1)
    length = library.ed_text_u64(text, value)
    assert text.raw[:length].decode() == str(value)


def three_decimals(value: float) -> str:
    """The exact value, rounded half away from zero; no sign on what rounds to zero."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    with decimal.localcontext(prec=60):
        rounded = decimal.Decimal(value).quantize(decimal.Decimal("0.001"), decimal.ROUND_HALF_UP)
    text = f"{rounded:f}"
    return text.removeprefix("-") if rounded == 0 else text


@given(st.integers(0, 2**32 - 1))
@example(0x80000000)
@example(0x00000001)
@example(0x7F7FFFFF)
@example(0xFF800000)
@example(0x7FC00000)
@example(0x4AFFFFFF)
@example(0x4B000000)
def test_any_float_with_three_decimals(library: ctypes.CDLL, bits: int) -> None:
    (value,) = struct.unpack("<f", struct.pack("<I", bits))
    text = ctypes.create_string_buffer(FIXED3_BYTES + 1)
    length = library.ed_text_fixed3(text, value)
    assert length <= FIXED3_BYTES
    assert text.raw[:length].decode() == three_decimals(value)


@given(st.floats(-1e5, 1e5, width=32))
def test_floats_near_outputs_with_three_decimals(library: ctypes.CDLL, value: float) -> None:
    text = ctypes.create_string_buffer(FIXED3_BYTES + 1)
    length = library.ed_text_fixed3(text, value)
    assert text.raw[:length].decode() == three_decimals(value)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
@example("%*=[] \r\n\x7f~é")
def test_escapes_are_those_of_the_host(library: ctypes.CDLL, text: str) -> None:
    library.fake_port_clear()
    library.ed_line_escaped(text.encode(), 10_000)
    library.ed_line_end()
    size = ctypes.c_size_t.in_dll(library, "fake_port_sent_bytes").value
    sent = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(library, "fake_port_sent")), size)
    escaped = sent.removesuffix(b"\r\n").decode("ascii")
    assert escaped == wire.escape(text)
    assert wire.unescape(escaped) == text
