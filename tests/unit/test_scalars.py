"""Conversion of single values: what is accepted, what is refused and why."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.scalars import SCALARS, Scalar, casts_by_field, convert, plain_text

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("found", "wanted", "converted"),
    [
        (5.1, "float", 5.1),
        (5, "float", 5.0),
        (True, "float", 1.0),
        (" 5.1 ", "float", 5.1),
        ("-1e3", "float", -1000.0),
        (".5", "float", 0.5),
        (5, "int", 5),
        (5.0, "int", 5),
        ("5", "int", 5),
        ("+5.0", "int", 5),
        (" 9007199254740993 ", "int", 9007199254740993),
        (False, "int", 0),
        ("text", "str", "text"),
        (5, "str", "5"),
        (1.0, "str", "1.0"),
        (True, "str", "true"),
        (False, "bool", False),
        (1, "bool", True),
        (0.0, "bool", False),
        ("TRUE", "bool", True),
        ("0", "bool", False),
    ],
)
def test_values_become_the_wanted_type(found: object, wanted: Scalar, converted: object) -> None:
    """Every accepted form, with the exact type of what comes out."""
    result = convert(found, wanted)

    assert result == converted
    assert type(result) is type(converted)


@pytest.mark.parametrize(
    ("found", "wanted", "message"),
    [
        ("wide", "float", r"^expected float, got 'wide' \(text\)$"),
        ("", "float", r"^expected float, got '' \(text\)$"),
        ("nan", "float", r"^expected float, got 'nan' \(text\)$"),
        ("Infinity", "float", "expected float, got 'Infinity'"),
        ("1e999", "float", "expected float, got '1e999'"),
        ("1_000", "float", "expected float, got '1_000'"),
        ("٣", "float", "expected float, got '٣'"),
        (None, "float", r"^expected float, got None \(null\)$"),
        ([1.0], "float", r"^expected float, got \[1.0\] \(list\)$"),
        (10**400, "float", "expected float, got 1000"),
        (5.5, "int", r"^expected int, got 5.5 \(float\)$"),
        ("5.5", "int", r"^expected int, got '5.5' \(text\)$"),
        ("1e999", "int", r"^expected int, got '1e999' \(text\)$"),
        ("1" * 5000, "int", "^expected int, got '1111"),
        ({"a": 1}, "str", r"^expected str, got \{'a': 1\} \(object\)$"),
        (2, "bool", r"^expected bool, got 2 \(int\)$"),
        ("yes", "bool", r"^expected bool, got 'yes' \(text\)$"),
        (b"x", "str", r"^expected str, got b'x' \(bytes\)$"),
    ],
)
def test_what_is_no_such_value_is_refused(found: object, wanted: Scalar, message: str) -> None:
    """The message says what was expected, what was found and of which kind it is."""
    with pytest.raises(ValueError, match=message):
        convert(found, wanted)


@given(json_values, st.sampled_from(SCALARS))
def test_whatever_comes_is_converted_or_refused(found: object, wanted: Scalar) -> None:
    """No value of an event makes any other exception, and what comes out can be written as JSON and converted again."""
    try:
        converted = convert(found, wanted)
    except ValueError:
        return

    assert not (isinstance(converted, float) and not math.isfinite(converted))
    msgspec.json.encode(converted)
    assert convert(converted, wanted) == converted


def test_one_type_counts_for_all_fields() -> None:
    """`cast: float` converts every field, a mapping only those it names."""
    assert set(casts_by_field("float", ["a", "b"])) == {"a", "b"}
    assert set(casts_by_field({"b": "int"}, ["a", "b"])) == {"b"}
    assert casts_by_field(None, ["a", "b"]) == {}


@pytest.mark.parametrize(
    ("found", "text"), [("a b", "a b"), (1.0, "1.0"), (None, "null"), (True, "true"), ({"a": [1]}, '{"a":[1]}')]
)
def test_plain_text_is_text_or_json(found: object, text: str) -> None:
    """Text has no quotes, everything else is as JSON writes it."""
    assert plain_text(found) == text
