"""The schema's tables against the accessors that TensorFlow ships for its schema.fbs."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from edge_deploy.model import schema


@cache
def published() -> ModuleType:
    """TensorFlow's generated schema module, loaded by its path: TensorFlow itself stays out."""
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or spec.origin is None:
        pytest.skip("TensorFlow, which ships the published schema, is not installed")
    path = Path(spec.origin).parent / "lite" / "python" / "schema_py_generated.py"
    if not path.is_file():
        pytest.skip("this TensorFlow does not ship schema_py_generated.py")
    generated = importlib.util.spec_from_file_location("schema_py_generated", path)
    assert generated is not None
    assert generated.loader is not None
    module = importlib.util.module_from_spec(generated)
    generated.loader.exec_module(module)
    return module


def words(enum: Any) -> list[str]:
    """The enum's names in the order of their values, which must count from 0."""
    values = {name: value for name, value in vars(enum).items() if isinstance(value, int)}
    ordered = sorted(values, key=values.__getitem__)
    assert [values[name] for name in ordered] == list(range(len(ordered)))
    return ordered


def slots(table: str) -> dict[str, tuple[int, str, str]]:
    """field_name -> (slot, FlatBuffers type, default) of a published table's Add functions."""
    pattern = re.compile(
        rf"^def {table}Add(\w+)\(builder, \w+\):\s+builder\.Prepend(\w+)Slot\((\d+), .*, (.+)\)$",
        re.MULTILINE,
    )
    return {
        _bare(name): (int(slot), kind, default)
        for name, kind, slot, default in pattern.findall(_source())
    }


@cache
def _source() -> str:
    origin = published().__file__
    assert origin is not None
    return Path(origin).read_text(encoding="utf-8")


def _bare(name: str) -> str:
    """`DilationWFactor` and `dilation_w_factor` alike."""
    return name.replace("_", "").lower()


def test_operators_are_the_published_ones_in_order():
    assert list(schema.OPERATORS) == words(published().BuiltinOperator)[: len(schema.OPERATORS)]
    assert len(schema.OPERATORS) == 210


def test_tensor_types_are_the_published_ones_in_order():
    assert list(schema.TENSOR_TYPES) == words(published().TensorType)


@pytest.mark.parametrize("name", sorted(schema.ENUMS))
def test_enum_words_are_the_published_ones_in_order(name):
    assert list(schema.ENUMS[name]) == words(getattr(published(), name))


def test_option_tables_stand_at_their_codes_in_the_union():
    union = words(published().BuiltinOptions)[1:]
    assert [table.name for table in schema.OPTIONS_BY_NAME.values()] == union
    assert {name: i for i, name in enumerate(union, start=1)} == {
        table.name: table.code for table in schema.OPTIONS_BY_CODE.values()
    }


@pytest.mark.parametrize("name", sorted(schema.OPTIONS_BY_NAME))
def test_option_fields_are_the_published_ones(name):
    kinds = {
        "Int8": "int8",
        "Int32": "int32",
        "Uint32": "uint32",
        "Int64": "int64",
        "Float32": "float32",
        "Bool": "bool",
    }
    expected = slots(name)
    ours = {_bare(field.name): field for field in schema.OPTIONS_BY_NAME[name].fields}
    assert set(ours) == set(expected)
    for field, (slot, kind, default) in expected.items():
        assert ours[field].slot == slot
        if kind == "UOffsetTRelative":
            assert ours[field].kind in ("[int32]", "[float32]", "string")
            assert not ours[field].default
        else:
            assert ours[field].kind == kinds[kind]
            assert float(ours[field].default) == float(default)


# Vectors and strings are all "UOffsetTRelative" in the Add functions; the accessors tell them
# apart, and enums are plain int8 everywhere.
@pytest.mark.parametrize(
    ("table", "accessor", "kind"),
    [
        ("ReshapeOptions", "NewShapeAsNumpy", "Int32"),
        ("SqueezeOptions", "SqueezeDimsAsNumpy", "Int32"),
        ("ConcatEmbeddingsOptions", "NumColumnsPerChannelAsNumpy", "Int32"),
        ("ConcatEmbeddingsOptions", "EmbeddingDimPerChannelAsNumpy", "Int32"),
        ("BucketizeOptions", "BoundariesAsNumpy", "Float32"),
    ],
)
def test_vectors_hold_the_published_numbers(table, accessor, kind):
    text = _source()
    body = text[text.index(f"class {table}(") :]
    body = body[body.index(f"def {accessor}(") :][:400]
    assert f"number_types.{kind}Flags" in body
    field = {_bare(f.name): f for f in schema.OPTIONS_BY_NAME[table].fields}[
        _bare(accessor.removesuffix("AsNumpy"))
    ]
    assert field.kind == f"[{kind.lower()}]"


@pytest.mark.parametrize(
    "table", ["Model", "OperatorCode", "SubGraph", "Tensor", "QuantizationParameters", "Operator"]
)
def test_slots_of_the_fixed_tables_are_the_published_ones(table):
    ours = {
        _bare(name): slot
        for name, slot in vars(getattr(schema, table)).items()
        if not name.startswith("_")
    }
    expected = {name: slot for name, (slot, _, _) in slots(table).items()}
    assert ours
    assert ours.items() <= expected.items()


def test_slots_of_buffer_are_the_published_ones():
    expected = {name: slot for name, (slot, _, _) in slots("Buffer").items()}
    assert expected == {
        "data": schema.Buffer.DATA,
        "offset": schema.Buffer.OFFSET,
        "size": schema.Buffer.SIZE,
    }


def test_every_option_table_belongs_to_an_operator():
    used = {table.name for table in schema.OPERATOR_OPTIONS.values()}
    assert set(schema.OPTIONS_BY_NAME) == used


def test_operators_without_an_option_table_have_none_by_their_name():
    tables = {_bare(name.removesuffix("Options")) for name in schema.OPTIONS_BY_NAME}
    for operator in schema.OPERATORS:
        if operator not in schema.OPERATOR_OPTIONS:
            assert _bare(operator) not in tables
