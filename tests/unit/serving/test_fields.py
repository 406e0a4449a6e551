"""Requests read by what descriptors say: each field in its own type, in whatever form the row comes."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import DecodeError, InputError, ModelLoadError, RecordError
from penstock.event import CSV, JSON, REQUEST, TEXT
from penstock.models.descriptor import FieldDescriptor
from penstock.serving.fields import FieldRule, reader

if TYPE_CHECKING:
    from penstock.serving.requests import RequestReader

TYPES = ("double", "float", "half", "int8", "uint8", "integer", "long", "uint64", "boolean", "string")


def field(kind: str, name: str = "x", **said: Any) -> FieldDescriptor:
    """Make a field."""
    return FieldDescriptor(name=name, type=kind, **said)


def read(value: object, *fields: FieldDescriptor) -> tuple[Any, ...]:
    """Read a row."""
    return reader("m:1", fields or [field("double")]).read(json.dumps(value).encode(), JSON).row


@pytest.fixture
def text() -> RequestReader:
    """A reader of texts."""
    return reader("sentiment:1", [field("string", "text")])


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("double", 1, 1.0),
        ("float", -2.5, -2.5),
        ("float32", 3.4e38, 3.4e38),
        ("integer", 3.0, 3),
        ("int", -(2**31), -(2**31)),
        ("long", 2**63 - 1, 2**63 - 1),
        ("uint8", 255, 255),
        ("uint64", 2**64 - 1, 2**64 - 1),
        ("boolean", True, True),
        ("bool", False, False),
        ("string", "ü", "ü"),
        ("string", "", ""),
        ("double[]", [1, 2.5], [1.0, 2.5]),
        ("double[]", [], []),
        ("vector", [1], [1.0]),
        ("string[][]", [["a"], []], [["a"], []]),
    ],
)
def test_values_are_of_their_fields_types(kind: str, value: object, found: object) -> None:
    """A number with a fraction that is none is a whole number; a whole number is a number."""
    (row,) = read({"x": value}, field(kind))

    assert row == found
    assert type(row) is type(found)


@pytest.mark.parametrize(
    ("kind", "value", "fault"),
    [
        ("double", "1", "field 'x' is the string '1', expected a number (double)"),
        ("double", True, "field 'x' is true, expected a number (double)"),
        ("float", 3.5e38, "field 'x' is the number 3.5e+38, expected a number (float, up to 3.4e+38)"),
        ("half", 70_000, "expected a number (half, up to 6.6e+04)"),
        ("integer", 2**31, "field 'x' is the number 2147483648, expected a whole number (integer)"),
        ("integer", 1.5, "field 'x' is the number 1.5, expected a whole number (integer)"),
        ("long", 2**63, "expected a whole number (long)"),
        ("uint8", -1, "expected a whole number (uint8)"),
        ("uint64", 2**64, "expected a whole number (uint64)"),
        ("boolean", 1, "field 'x' is the number 1, expected true or false (boolean)"),
        ("string", 1, "field 'x' is the number 1, expected a string"),
        ("string", "\ud800", "expected a string"),
        ("string", None, "field 'x' is null, expected a string"),
        ("string", {}, "field 'x' is an object, expected a string"),
        ("double[]", 1, "field 'x' is the number 1, expected a list, each a number (double)"),
        ("double[]", [1, "a"], "field 'x'[1] is the string 'a', expected a number (double)"),
        ("long[][]", [[1], [1, []]], "field 'x'[1][1] is a list of 0, expected a whole number (long)"),
    ],
)
def test_values_of_other_types_are_refused(kind: str, value: object, fault: str) -> None:
    """With the place of the value, what it is and what was expected."""
    with pytest.raises(InputError) as caught:
        read({"x": value}, field(kind))

    assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "value", "fault"),
    [
        ([-1], 1, None),
        ([-1, 2], [1, 2], None),
        ([-1, -1], [1, 2, 3], None),
        ([-1, 2, -1], [[1], [2, 3]], None),
        ([-1, 2], [1], "field 'x' is a list of 1, expected a list of 2, each a number (float, up to 3.4e+38)"),
        ([-1, 2], 1, "field 'x' is the number 1, expected a list of 2, each"),
        ([-1], [1], "field 'x' is a list of 1, expected a number (float"),
        ([-1, 2, 1], [[1], [1, 2]], "field 'x'[1] is a list of 2, expected a list of 1, each"),
        ([-1, 2, -1, 3], 1, "expected a list of 2 lists of lists of 3, each a number"),
    ],
)
def test_tensors_have_their_shapes(shape: list[int], value: object, fault: str | None) -> None:
    """The first dimension is that of the batch."""
    one = field("float", shape=shape)
    if fault is None:
        assert read({"x": value}, one) == (value,)
        return
    with pytest.raises(InputError) as caught:
        read({"x": value}, one)
    assert fault in str(caught.value)


def test_rows_come_as_objects_and_as_lists() -> None:
    """Fields that the model does not name are left alone; in a list there are none."""
    fields = [field("double", "a"), field("string", "b")]

    assert read({"b": "t", "id": [1, {}], "a": 1}, *fields) == read([1, "t"], *fields) == (1.0, "t")
    with pytest.raises(InputError, match=r"expected a list of 2 values \(a, b\), got a list of 1"):
        read([1], *fields)
    with pytest.raises(InputError, match="field 'b' is missing, expected a string"):
        read({"a": 1}, *fields)
    with pytest.raises(InputError, match="expected a JSON object or list of a, b, got the string 't'"):
        read("t", *fields)


def test_fields_that_may_be_missing() -> None:
    """They are what the descriptor says instead, or nothing."""
    fields = [field("double", "a", required=False), field("long", "b", required=False, missing=7)]

    assert read({}, *fields) == read({"a": None, "b": None}, *fields) == (None, 7)
    assert read({"a": 1, "b": 2}, *fields) == (1.0, 2)
    assert read({}, fields[0]) == (None,)
    with pytest.raises(ModelLoadError, match="what stands in for a missing 'n' does not fit: field 'n' is the string"):
        reader("m:1", [field("long", "n", required=False, missing="seven")])


def test_fields_may_have_any_name() -> None:
    """Those that JSON escapes are read one by one."""
    fields = field("double", 'size in "'), field("string", "a\\b")

    assert read({'size in "': 5, "a\\b": "c"}, *fields) == (5.0, "c")
    assert read([5, "c"], *fields) == (5.0, "c")
    with pytest.raises(InputError, match="field 'size in \"' is missing"):
        read({}, *fields)


def test_event_is_kept_as_it_came() -> None:
    """In its own words, whichever way the row was read."""
    found = reader("m:1", [field("long")])

    for value in (b'{"x": 1, "y":  1.50}', b'{"x": 1.0, "y":  1.50}'):
        assert bytes(found.read(value, None).input) == value
    enveloped = found.read(b'{"input": {"event":  1.50}, "data": {"x": 1}}', REQUEST)
    assert (bytes(enveloped.input), enveloped.row) == (b'{"event":  1.50}', (1,))


@pytest.mark.parametrize("content_type", [TEXT, "text/plain; charset=utf-8", "TEXT/PLAIN"])
def test_text_is_a_request(text: RequestReader, content_type: str) -> None:
    """Of a model that has no other input; its result quotes it."""
    found = text.read('say "ü"\n'.encode(), content_type)

    assert found.row == ('say "ü"\n',)
    assert json.loads(bytes(found.input)) == 'say "ü"\n'


def test_text_in_json_is_a_request(text: RequestReader) -> None:
    """As a route's transform leaves it."""
    assert text.read(b'{"input": "whole", "data": "part"}', REQUEST).row == ("part",)
    assert text.read(b'"part"', JSON).row == text.read(b'{"text": "part"}', JSON).row == ("part",)


def test_text_that_is_none(text: RequestReader) -> None:
    """It is told where; and other models take no text."""
    with pytest.raises(DecodeError, match="the value is not UTF-8: invalid start byte at byte 1"):
        text.read(b"a\xff", TEXT)
    with pytest.raises(InputError, match="the request is 'text/plain', expected a JSON object or list of a, b"):
        reader("m:1", [field("string", "a"), field("string", "b")]).read(b"t", TEXT)
    with pytest.raises(InputError, match="the request is 'text/plain', expected"):
        reader("m:1", [field("string[]")]).read(b"t", TEXT)
    with pytest.raises(InputError, match="the request is 'text/csv', expected a JSON object or list of text; give"):
        text.read(b"t", CSV)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ([], "nobody says which inputs it has"),
        ([field("decimal")], "an input has type 'decimal', which no request can carry; expected one of bfloat16, "),
        ([field("double"), field("long")], "two of its inputs have the same name"),
        ([field("double[]", shape=[-1, 2])], "input 'x' has a shape and a list for its type"),
    ],
)
def test_models_that_no_request_can_ask(fields: list[FieldDescriptor], fault: str) -> None:
    """They are not loaded."""
    with pytest.raises(ModelLoadError, match=fault):
        reader("m:1", fields)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@given(kind=st.sampled_from([*TYPES, "double[]", "string[]", "uint8[][]"]), value=VALUES, required=st.booleans())
def test_quick_and_slow_ways_agree(*, kind: str, value: object, required: bool) -> None:
    """What is decoded in one go is what the rule makes of it, in value and in type; what one refuses, both do."""
    one = field(kind, required=required)
    if isinstance(value, float) and math.isinf(value):
        return
    try:
        expected: object = (None if value is None and not required else FieldRule.of(one)(value),)
    except RecordError as error:
        expected = str(error)
    try:
        found: object = read({"x": value}, one)
    except RecordError as error:
        found = str(error)

    assert repr(found) == repr(expected)
