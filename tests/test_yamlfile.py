"""A YAML file's mistakes are told with file, line and key, and nothing but BadFile comes out."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge_deploy import yamlfile
from edge_deploy.errors import Exit
from edge_deploy.yamlfile import BadFile, Value

FILE = Path("some.yaml")


def parse(text: str) -> Value:
    return yamlfile.read(text.encode(), file=FILE)


def value_of(text: str) -> Value:
    return parse(f"a: {text}").fields(required=("a",))["a"]


def refused(call, *arguments, **keywords) -> str:
    with pytest.raises(BadFile) as caught:
        call(*arguments, **keywords)
    assert caught.value.exit_code is Exit.BAD_INPUT
    assert "\n" not in caught.value.message
    return caught.value.message


def test_values_come_out_by_type():
    fields = parse(
        "text: some words\nname: nano_33\nwhole: 1_000\nhex: 0x10\nnumber: -2.5e3\nlist: [a, b]\n"
    ).fields(required=("text", "name", "whole", "hex", "number"), optional=("list", "absent"))
    assert fields["text"].text() == "some words"
    assert fields["name"].name() == "nano_33"
    assert fields["whole"].integer(0, 1000) == 1000
    assert fields["hex"].integer(0, 16) == 16
    assert fields["number"].number(-1e4, 0) == -2500
    assert [entry.text() for entry in fields["list"].entries()] == ["a", "b"]
    assert fields.get("absent") is None


def test_an_error_names_file_line_and_key():
    root = parse("boards:\n  nano33:\n    clock_hz: fast\n")
    board = root.fields(required=("boards",))["boards"].named()["nano33"]
    clock = board.fields(required=("clock_hz",))["clock_hz"]
    assert refused(clock.integer, 1, 9) == (
        "some.yaml, line 3: boards.nano33.clock_hz: "
        "expected a whole number from 1 to 9, found 'fast'."
    )


def test_an_unknown_key_is_refused_with_the_nearest():
    root = parse("title: x\nclok_hz: 5\n")
    message = refused(root.fields, required=("title",), optional=("clock_hz",))
    assert message.startswith("some.yaml, line 2: clok_hz: unknown key (did you mean clock_hz?)")


def test_a_missing_key_is_named():
    assert "line 1: b, c: missing" in refused(parse("a: 1").fields, required=("a", "b", "c"))


def test_a_key_may_not_come_twice():
    message = refused(parse("a: 1\nb: 2\na: 3\n").fields, required=("a", "b"))
    assert message == "some.yaml, line 3: a: stands here again; it is on line 1 already."


@pytest.mark.parametrize("text", ["1:", "[1]: 2", "? {a: 1}\n: 2", "null: 1", "yes: 1"])
def test_a_key_that_is_no_text_is_refused(text):
    assert "expected a text as key" in refused(parse(text).fields, required=(), optional=("a",))


@pytest.mark.parametrize(
    "text", ["5", "1.5", "yes", "null", "", "[a]", "{b: c}", '""', '" a"', '"a\\nb"', '"\\e[31m"']
)
def test_what_is_no_line_of_text_is_refused(text):
    refused(value_of(text).text)


@pytest.mark.parametrize(
    "text", ["1.0", "1e3", '"5"', "a", "", "[1]", "-1", "11", "0x", "1:30", "9" * 5000, "0b1"]
)
def test_what_is_no_whole_number_in_range_is_refused(text):
    refused(value_of(text).integer, 0, 10)


@pytest.mark.parametrize("text", [".nan", ".inf", "1e999", '"1"', "1:30", "", "11", "-0.1", "e"])
def test_what_is_no_number_in_range_is_refused(text):
    refused(value_of(text).number, 0, 10)


@pytest.mark.parametrize("text", ["A", "a-b", "../a", "a b", "3.5", "a" * 64, '""'])
def test_what_is_no_name_is_refused(text):
    refused(value_of(text).name)


def test_a_choice_is_one_of_the_known():
    assert value_of("ramp").choice(("none", "ramp")) == "ramp"
    assert "did you mean ramp" in refused(value_of("rmap").choice, ("none", "ramp"))
    refused(value_of("[ramp]").choice, ("none", "ramp"))


def test_lists_and_mappings_are_told_apart():
    refused(value_of("b").entries)
    refused(value_of("[]").entries, least=1)
    refused(value_of("{}").named)
    refused(value_of("{B: 1}").named)
    refused(value_of("[b]").fields, required=("b",))


def test_tags_and_merges_construct_nothing():
    refused(value_of("!!python/object/apply:os.system [echo]").text)
    refused(value_of("!odd 5").text)
    assert refused(parse("<<: {a: 1}").fields, required=("a",))


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"", "some.yaml: is empty."),
        (b"# only a comment\n", "some.yaml: is empty."),
        (b"a: 1\nb: \xff\n", "line 2: expected UTF-8"),
        (b"a: 1\nb: \x00\n", "line 2: holds a control character"),
        (b"a: [1\n", "is not YAML"),
        (b"a: 1\n b: 2\n", "line 2: is not YAML"),
        (b"--- a\n--- b\n", "is not YAML"),
        (b"a: *b\n", "line 1: is not YAML"),
        (b"[" * 100_000, "is nested too deeply"),
        (b"%YAML 9.9\n--- a\n", "is not YAML"),
        (b"a" * (yamlfile.MAX_BYTES + 1), "bytes"),
    ],
)
def test_files_that_are_no_document(data, where):
    assert where in refused(yamlfile.read, data, file=FILE)


def test_a_file_that_cannot_be_read(tmp_path):
    assert "cannot be read" in refused(yamlfile.load, tmp_path / "absent.yaml")
    assert "cannot be read" in refused(yamlfile.load, tmp_path)


def test_a_byte_order_mark_is_no_part_of_the_first_key():
    root = yamlfile.read(b"\xef\xbb\xbfa: b\n", file=FILE)
    assert root.fields(required=("a",))["a"].text() == "b"


def walk(value: Value, depth: int = 0) -> None:
    """Try every way to take `value`; only BadFile may come of it."""
    for take in (
        value.text,
        value.name,
        lambda: value.choice(("x",)),
        lambda: value.integer(-10, 10),
        lambda: value.number(-1.0, 1.0),
        lambda: value.fields(required=("a",), optional=("b",)),
    ):
        try:
            take()
        except BadFile as error:
            assert "\n" not in error.message
    inner: list[Value] = []
    for several in (value.entries, lambda: list(value.named().values())):
        with contextlib.suppress(BadFile):
            inner += several()
    for one in inner[:5]:
        if depth < 5:
            walk(one, depth + 1)


@given(st.binary(max_size=200) | st.text("ab:-[]{},&*!|>'\"%#?\n 0123.e\\_~<", max_size=60))
@example("0_")
@example("1__0")
@example("-1_000_.5")
def test_any_bytes_give_values_or_badfile(data):
    if isinstance(data, str):
        data = data.encode()
    try:
        root = yamlfile.read(data, file=FILE)
    except BadFile as error:
        assert "\n" not in error.message
        return
    walk(root)
