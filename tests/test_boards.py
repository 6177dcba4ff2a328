"""boards.yaml is complete and sourced, and a damaged one is refused with its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_deploy import boards, places, yamlfile
from edge_deploy.boards import Board, UnknownBoard
from edge_deploy.errors import Exit
from edge_deploy.yamlfile import BadFile

FILE = Path("boards.yaml")
TEXT = places.shipped("boards.yaml").read_text(encoding="utf-8")
LINES = TEXT.splitlines(keepends=True)


def read(text: str) -> dict[str, Board]:
    return boards.read(yamlfile.read(text.encode(), file=FILE))


def refused(text: str) -> str:
    with pytest.raises(BadFile) as caught:
        read(text)
    assert caught.value.exit_code is Exit.BAD_INPUT
    return caught.value.message


def changed(old: str, new: str) -> tuple[str, int]:
    """boards.yaml with the first `old` replaced, and the line where that happened."""
    assert old in TEXT
    return TEXT.replace(old, new, 1), TEXT[: TEXT.index(old)].count("\n") + 1


def test_the_boards_of_the_house_are_there():
    assert list(boards.load_all()) == ["nano33", "xiao_esp32s3", "pi"]
    assert list(boards.load("nano33").variants) == ["ble", "ble_rev2", "sense", "sense_rev2"]
    assert list(boards.load("xiao_esp32s3").variants) == ["plain", "sense", "xiaoml"]
    assert list(boards.load("pi").variants) == ["zero2w", "pi4", "pi5"]


def test_the_nano_is_what_the_virtual_one_is_built_from():
    board = boards.load("nano33")
    assert (board.target, board.clock_hz, board.ram_bytes) == ("cortex_m4", 64_000_000, 262_144)
    # docs/virtual_board.md: the application's region, behind 65,536 bytes of bootloader.
    assert board.flash_bytes == 983_040
    assert board.application_flash_bytes == 983_040 - 97_340
    assert board.application_ram_bytes == 262_144 - 41_912
    assert board.flash_wait_states == 2
    assert "2 is the working assumption" in board.sources["flash_wait_states"]
    assert board.currents is not None
    assert board.supply_mv == 3300
    assert board.usb_ids["2341:805a"] == "application"
    assert board.usb_ids["2341:005a"] == "bootloader"


def test_what_is_not_known_is_absent():
    xiao, pi = boards.load("xiao_esp32s3"), boards.load("pi")
    assert xiao.currents is None
    assert xiao.flash_wait_states is None
    assert xiao.application_flash_bytes == xiao.flash_bytes
    assert pi.application_flash_bytes is None
    assert "flash_bytes" not in pi.as_json()


def test_variants_differ_where_the_hardware_does():
    nano, pi = boards.load("nano33"), boards.load("pi")
    assert "microphone" not in nano.variants["ble"].parts
    assert nano.variants["sense"].parts["imu"] == "LSM9DS1"
    assert nano.variants["sense_rev2"].parts["imu"] == "BMI270 and BMM150"
    assert min(variant.clock_hz for variant in pi.variants.values()) == pi.clock_hz
    assert min(variant.ram_bytes for variant in pi.variants.values()) == pi.ram_bytes


@pytest.mark.parametrize("name", ["nano33", "xiao_esp32s3", "pi"])
def test_every_value_has_its_source(name):
    board = boards.load(name)
    facts = board.facts()
    assert all(fact.source for fact in facts)
    assert len({fact.name for fact in facts}) == len(facts)
    document = board.as_json()
    shown = set(document) - {"name", "target", "sources", "variants", "currents", "usb_ids"}
    assert shown <= set(document["sources"])
    assert document["name"] == name


def test_facts_carry_their_units():
    found = {fact.name: (fact.text, fact.unit) for fact in boards.load("nano33").facts()}
    assert found["clock_hz"] == ("64,000,000", "Hz")
    assert found["ram_bytes"] == ("262,144", "B")
    assert found["flash_wait_states"] == ("2", "cycles")
    assert found["currents.idle_ua"] == ("4.5", "uA")
    assert found["sense.parts.imu"] == ("LSM9DS1", "")


@pytest.mark.parametrize(
    ("name", "near"), [("nano3", "nano33"), ("NANO33", "nano33"), ("xiao", None), ("", None)]
)
def test_an_unknown_board_is_a_usage_error(name, near):
    with pytest.raises(UnknownBoard, match="nano33, xiao_esp32s3, pi") as caught:
        boards.load(name)
    assert caught.value.exit_code is Exit.USAGE
    assert "edge-deploy boards" in caught.value.try_next
    if near:
        assert f"Did you mean {near}?" in caught.value.message


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "clock_hz: {value: 64_000_000,",
            "clock_hz: {value: 64MHz,",
            "boards.nano33.clock_hz.value",
        ),
        ("clock_hz: {value: 64_000_000,", "clock_hz: {value: 64,", "from 1000000 to"),
        ("clock_hz: {value: 64_000_000,", "clok_hz: {value: 64_000_000,", "did you mean clock_hz?"),
        ("target: cortex_m4", "target: cortex_m7", "one of cortex_m4, portable"),
        ("source: pio_nano33ble}", "source: pio_nano33}", "did you mean pio_nano33ble?"),
        ("value: 97_340, source", "value: 97_340, sauce", "sauce: unknown key"),
        ("value: 97_340", "value: 983_040", "reserved_flash_bytes.value: expected"),
        ('value: "2341:805a"', "value: 2341", "usb_ids[0].value: expected a text"),
        ('value: "2341:805a"', 'value: "2341:805A"', "expected a USB id"),
        ('value: "2341:005a"', 'value: "2341:805a"', "stands in this list already"),
        ("mode: bootloader", "mode: boot", "one of application, bootloader, either"),
        ("imu: {value: LSM9DS1", "gyro: {value: LSM9DS1", "unknown key"),
        ("active_ua: {value: 3300", "active_ua: {value: -3300", "currents.active_ua.value"),
        ("framework: arduino, ", "", "framework: missing"),
        ("flash_mode: dio", "flash_mode: dual", "one of qio, qout, dio, dout"),
        ("offset: 0x8000", "offset: 0x8001", "a multiple of 4096"),
        ("file: partitions.bin", "file: ../partitions.bin", "a plain file name"),
        ("application: 0x10000", "application: -1", "application: expected"),
    ],
)
def test_a_wrong_value_is_told_with_its_line_and_key(old, new, complaint):
    text, line = changed(old, new)
    message = refused(text)
    assert message.startswith(f"boards.yaml, line {line}: ")
    assert complaint in message


@pytest.mark.parametrize(
    "key", ["title", "target", "chip", "core", "clock_hz", "ram_bytes", "flash_wait_states"]
)
def test_a_missing_value_is_named(key):
    text, count = re.subn(rf"^    {key}: .*\n", "", TEXT, count=1, flags=re.MULTILINE)
    assert count == 1
    message = refused(text)
    assert f"{key}: missing" in message
    assert "boards.nano33" in message


def test_currents_need_a_voltage():
    text, _ = changed("    supply_mv: {value: 3300, source: arduino_nano33_pages}\n", "")
    assert "supply_mv: missing" in refused(text)


def test_a_board_or_a_value_may_not_come_twice():
    text, line = changed("  xiao_esp32s3:\n", "  nano33:\n")
    assert refused(text).startswith(f"boards.yaml, line {line}: boards.nano33: stands here again")


def test_a_source_that_nothing_names_is_refused():
    text, _ = changed("sources:\n", 'sources:\n  hearsay: "somebody said so"\n')
    assert "hearsay: no value names this source" in refused(text)


# Each damage keeps the file near to a right one: that is where a careless check lets through.
_LINE = st.integers(0, len(LINES) - 1)
_DAMAGE = st.one_of(
    st.tuples(st.just("drop"), _LINE, st.just("")),
    st.tuples(st.just("double"), _LINE, st.just("")),
    st.tuples(st.just("cut"), st.integers(0, len(TEXT) - 1), st.just("")),
    st.tuples(
        st.just("write"),
        st.integers(0, len(TEXT) - 1),
        st.text("{}[]:,#&*!|>'\"%@ \n\t0-9az_.\\?\x00\u00e9", min_size=1, max_size=3),
    ),
)


def damaged(damages) -> str:
    text = TEXT
    for kind, place, content in damages:
        if kind in {"drop", "double"}:
            lines = text.splitlines(keepends=True)
            if place < len(lines):
                lines[place] = lines[place] * 2 if kind == "double" else ""
                text = "".join(lines)
        elif kind == "cut":
            text = text[:place]
        else:
            text = text[:place] + content + text[place + len(content) :]
    return text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_DAMAGE, min_size=1, max_size=3))
def test_a_damaged_file_gives_boards_or_badfile(damages):
    try:
        found = read(damaged(damages))
    except BadFile as error:
        assert error.message.startswith("boards.yaml")
        assert "\n" not in error.message
    else:
        for board in found.values():
            assert board.application_ram_bytes > 0
            assert board.facts()
