"""Checks of single values: what passes, what is treated, and what the messages say."""

import math
from collections.abc import Callable

import pytest

from jobs.pmml_job.fields import FieldCheck
from jobs.pmml_job.mining_schema import InputField, Interval, Invalid, Missing, Outliers
from penstock.errors import InputError
from penstock.serving.values import ABSENT

Field = Callable[..., InputField]

UNIT = (Interval(0.0, 1.0, low_open=False, high_open=False),)


@pytest.mark.parametrize(
    ("data_type", "value", "expected"),
    [
        ("double", 1.5, 1.5),
        ("double", 1, 1.0),
        ("double", 10**30, 1e30),
        ("float", 3.4e38, 3.4e38),
        ("integer", 5, 5),
        ("integer", 5.0, 5),
        ("integer", -(2**53), -(2**53)),
        ("boolean", False, False),
        ("string", "", ""),
        ("string", "ä", "ä"),
        ("dateDaysSince[1970]", 20000, 20000.0),
    ],
)
def test_good_values(field: Field, data_type: str, value: object, expected: object) -> None:
    """A value of the field's type passes, in the Python type that the engine is given."""
    found = FieldCheck(field(data_type=data_type))(value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("data_type", "value", "message"),
    [
        ("double", "1.5", "is the string '1.5', expected a number (double)"),
        ("double", True, "is true, expected a number (double)"),
        ("double", math.nan, "is the number nan, expected a number (double)"),
        ("double", -math.inf, "is the number -inf, expected a number (double)"),
        ("double", {"a": 1}, "is an object, expected a number (double)"),
        ("double", [1, 2], "is a list of 2, expected a number (double)"),
        ("float", 1e39, "is the number 1e+39, expected a number (float, up to 3.4e+38)"),
        ("integer", 1.5, "is the number 1.5, expected a whole number (integer, up to 2^53)"),
        ("integer", 2**53 + 1, "is the number 9007199254740993, expected a whole number (integer, up to 2^53)"),
        ("integer", False, "is false, expected a whole number (integer, up to 2^53)"),
        ("boolean", 1, "is the number 1, expected true or false (boolean)"),
        ("boolean", "true", "is the string 'true', expected true or false (boolean)"),
        ("string", 7, "is the number 7, expected a string"),
        ("string", "\ud800", "is the string '\\ud800', expected a string"),
        (
            "dateDaysSince[1970]",
            "2026-01-31",
            "is the string '2026-01-31', expected a number (dateDaysSince[1970])",
        ),
        ("timeSeconds", True, "is true, expected a number (timeSeconds)"),
    ],
)
def test_values_of_other_types(field: Field, data_type: str, value: object, message: str) -> None:
    """A value of another type is refused, and the message says field, what came and what was expected."""
    with pytest.raises(InputError) as caught:
        FieldCheck(field(data_type=data_type))(value)
    assert caught.value.reason == f"field 'x' {message}"


def test_huge_integer_is_no_double(field: Field) -> None:
    """An integer beyond every double is told, not turned into infinity."""
    with pytest.raises(InputError, match=r"field 'x' is the number 1000.*, expected a number"):
        FieldCheck(field())(10**400)


@pytest.mark.parametrize(("value", "words"), [(ABSENT, "is missing"), (None, "is null, which means missing")])
@pytest.mark.parametrize("missing", [Missing.UNSAID, Missing.RETURN_INVALID])
def test_missing_value_is_refused(field: Field, value: object, words: str, missing: Missing) -> None:
    """Where the mining schema does not allow it, a missing value is refused: absent and null are told apart."""
    with pytest.raises(InputError, match=rf"^field 'x' {words}, expected a number \(double\)$"):
        FieldCheck(field(missing=missing))(value)


@pytest.mark.parametrize("value", [ABSENT, None, -999])
def test_missing_value_is_passed_on(field: Field, value: object) -> None:
    """Where the mining schema allows it, absent, null and what stands for missing all go to the model as missing."""
    check = FieldCheck(field(missing=Missing.PASS, missing_replacement=1.0, missing_values=frozenset({-999.0})))
    assert check(value) is None


def test_text_that_stands_for_a_missing_number(field: Field) -> None:
    """What means missing need not be of the field's type."""
    assert FieldCheck(field(missing=Missing.PASS, missing_values=frozenset({"N/A"})))("N/A") is None


def test_value_that_stands_for_missing_is_refused(field: Field) -> None:
    """A dictionary that says what means missing has not yet said that missing is welcome."""
    with pytest.raises(InputError, match="field 'x' is the number -999, which means missing, expected a number"):
        FieldCheck(field(missing_values=frozenset({-999.0})))(-999)


@pytest.mark.parametrize("value", [-0.1, 1.1, "1"])
class TestInvalid:
    """What becomes of a value outside of its interval, or of another type, by the mining schema's word."""

    def test_return_invalid(self, field: Field, value: object) -> None:
        """The default: the row is refused, with the interval."""
        with pytest.raises(InputError, match=r"expected a number \(double\) in \[0, 1\]$"):
            FieldCheck(field(intervals=UNIT))(value)

    def test_as_missing(self, field: Field, value: object) -> None:
        """The value goes to the model as missing, for it or a replacement to deal with."""
        assert FieldCheck(field(intervals=UNIT, invalid=Invalid.AS_MISSING))(value) is None

    def test_as_missing_where_missing_is_refused(self, field: Field, value: object) -> None:
        """The two treatments work one after the other."""
        with pytest.raises(InputError, match="field 'x' is the"):
            FieldCheck(field(intervals=UNIT, invalid=Invalid.AS_MISSING, missing=Missing.RETURN_INVALID))(value)

    def test_as_value(self, field: Field, value: object) -> None:
        """The replacement takes its place, be it valid itself or not."""
        check = FieldCheck(field(intervals=UNIT, invalid=Invalid.AS_VALUE, invalid_replacement=5.0))
        assert check(value) == 5.0


def test_as_is_keeps_numbers(field: Field) -> None:
    """An invalid number goes to the model as it is; what is no number cannot."""
    check = FieldCheck(field(intervals=UNIT, invalid=Invalid.AS_IS))
    assert check(1.1) == 1.1
    with pytest.raises(InputError, match="field 'x' is the string '1'"):
        check("1")


def test_listed_values(field: Field) -> None:
    """Only listed values are valid, and the message lists them."""
    check = FieldCheck(field(data_type="string", valid_values=("red", "green")))
    assert check("red") == "red"
    with pytest.raises(InputError) as caught:
        check("blue")
    assert caught.value.reason == "field 'x' is the string 'blue', expected a string, one of 'red', 'green'"


def test_long_lists_are_cut(field: Field) -> None:
    """A message stays readable where a field has hundreds of values."""
    with pytest.raises(InputError, match=r"one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 90 more$"):
        FieldCheck(field(data_type="integer", valid_values=tuple(range(100))))(-1)


def test_listed_values_and_intervals(field: Field) -> None:
    """A value is valid if it is listed or in one of the intervals."""
    check = FieldCheck(field(intervals=UNIT, valid_values=(9.0,), invalid_values=frozenset({0.5})))
    assert [check(value) for value in (0, 1, 9)] == [0.0, 1.0, 9.0]
    for value in (0.5, 2):
        with pytest.raises(InputError, match=r"expected a number \(double\) in \[0, 1\] or one of 9.0$"):
            check(value)


def test_outliers_as_extreme_values(field: Field) -> None:
    """A valid value beyond the range becomes the range's end."""
    check = FieldCheck(field(outliers=Outliers.AS_EXTREME_VALUES, low=-1.0, high=1.0))
    assert [check(value) for value in (-5, -1, 0, 1, 5)] == [-1.0, -1.0, 0.0, 1.0, 1.0]


def test_outliers_as_missing_values(field: Field) -> None:
    """A valid value beyond the range becomes a missing one, which may be refused."""
    check = FieldCheck(field(outliers=Outliers.AS_MISSING_VALUES, low=-1.0, high=1.0))
    assert [check(value) for value in (-5, 0, 5)] == [None, 0.0, None]
    strict = field(outliers=Outliers.AS_MISSING_VALUES, low=-1.0, high=1.0, missing=Missing.RETURN_INVALID)
    with pytest.raises(InputError, match="field 'x' is the number 5, an outlier, which means missing"):
        FieldCheck(strict)(5)


def test_invalid_comes_before_outlier(field: Field) -> None:
    """An invalid value is treated as such, even where it is an outlier too."""
    check = FieldCheck(
        field(intervals=UNIT, invalid=Invalid.AS_IS, outliers=Outliers.AS_EXTREME_VALUES, low=0.2, high=0.8)
    )
    assert [check(value) for value in (5, 0.9)] == [5.0, 0.8]
