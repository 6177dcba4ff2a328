"""An operator's option table in the file -> a mapping of the schema's field names.

Driven by the tables of `schema.py`: a further operator is a line there. Enums come out as the
schema's words, absent fields as their defaults.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

from edge_deploy.model import schema
from edge_deploy.model.flatbuffer import BrokenBuffer, Table

OptionValue: TypeAlias = int | float | bool | str | tuple[int, ...] | tuple[float, ...]


def read_options(operator: Table, name: str) -> dict[str, OptionValue]:
    """The options of the operator called `name`, with every field of its table.

    An operator without an option table takes the defaults; one whose operator has no
    fields may carry any. Raises BrokenBuffer.
    """
    expected = schema.OPERATOR_OPTIONS.get(name)
    if expected is None or not expected.fields:
        return {}
    what = f"the {expected.name} of {operator.what}"
    code = operator.uint8(schema.Operator.BUILTIN_OPTIONS_TYPE)
    table = operator.table(schema.Operator.BUILTIN_OPTIONS, what) if code else None
    if table is not None and code != expected.code:
        given = schema.OPTIONS_BY_CODE.get(code)
        raise BrokenBuffer(
            f"gives {operator.what}, {name}, options of kind {given.name if given else code}"
        )
    if table is None:
        return {field.name: _word(field, field.default, what) for field in expected.fields}
    return {field.name: _value(table, field, what) for field in expected.fields}


def _value(table: Table, field: schema.OptionField, what: str) -> OptionValue:
    named = f"{field.name} in {what}"
    slot, default = field.slot, field.default
    if field.kind == "string":
        return table.text(slot, named)
    if field.kind == "[int32]":
        return tuple(table.numbers(slot, "<i4", named).tolist())
    if field.kind == "[float32]":
        return tuple(_finite(value, named) for value in table.numbers(slot, "<f4", named).tolist())
    # The other kinds are numbers, and so are their defaults.
    assert not isinstance(default, str | tuple)
    if field.kind == "float32":
        return _finite(table.float32(slot, default), named)
    if field.kind == "bool":
        return table.boolean(slot, default=bool(default))
    integers: dict[str, Callable[[int, int], int]] = {
        "int8": table.int8,
        "int32": table.int32,
        "uint32": table.uint32,
        "int64": table.int64,
    }
    return _word(field, integers[field.kind](slot, int(default)), named)


def _word(field: schema.OptionField, value: OptionValue, what: str) -> OptionValue:
    """An enum's number as its word; any other value as it is."""
    if not field.words:
        return value
    assert isinstance(value, int)
    if not 0 <= value < len(field.words):
        raise BrokenBuffer(f"has {value} for {what}, where the schema ends at {len(field.words)}")
    return field.words[value]


def _finite(value: float, what: str) -> float:
    if not math.isfinite(value):
        raise BrokenBuffer(f"has {value} for {what}")
    return value
