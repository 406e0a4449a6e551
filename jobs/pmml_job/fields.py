"""Checks of one input value by what the mining schema says of its field."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from jobs.pmml_job.mining_schema import Invalid, Missing, Outliers, Scalar
from penstock.errors import InputError
from penstock.serving.values import ABSENT, FLOAT_MAX, integer, is_text, kind, number

if TYPE_CHECKING:
    from jobs.pmml_job.mining_schema import InputField

__all__ = ["FieldCheck"]

_WORDS = {
    "double": "a number (double)",
    "float": f"a number (float, up to {FLOAT_MAX:.1e})",
    "integer": "a whole number (integer, up to 2^53)",
    "boolean": "true or false (boolean)",
    "string": "a string",
}
_SHOWN_VALUES = 10  # valid values that a message lists


class FieldCheck:
    """What becomes of one field's value: the value that the model gets, None for a missing one, or an `InputError`."""

    __slots__ = ("_valid", "expected", "field")

    def __init__(self, field: InputField) -> None:
        self.field = field
        self.expected = _expected(field)
        self._valid = frozenset(field.valid_values)

    def __call__(self, value: object) -> Scalar | None:
        """Check a value as JSON gave it; `ABSENT` where the row has none.

        A missing value is passed on as None: replacing it is left to the engine, which does not judge its own
        replacement again, as it would judge ours.
        """
        if value is ABSENT or value is None:
            self._allow_missing(value)
            return None
        scalar = _convert(value, self.field.data_type)
        if (value if scalar is None and isinstance(value, str) else scalar) in self.field.missing_values:
            self._allow_missing(value)
            return None
        if scalar is None or not self._is_valid(scalar):
            return self._invalid(value, scalar)
        return self._without_outliers(value, scalar)

    def _is_valid(self, scalar: Scalar) -> bool:
        field = self.field
        if scalar in field.invalid_values:
            return False
        if not self._valid and not field.intervals:
            return True
        if scalar in self._valid:
            return True
        return not isinstance(scalar, str) and any(scalar in interval for interval in field.intervals)

    def _allow_missing(self, value: object) -> None:
        if self.field.missing is not Missing.PASS:
            raise InputError(self._text("is missing" if value is ABSENT else f"is {kind(value)}, which means missing"))

    def _invalid(self, value: object, scalar: Scalar | None) -> Scalar | None:
        match self.field.invalid:
            case Invalid.AS_MISSING if self.field.missing is not Missing.RETURN_INVALID:
                return None
            case Invalid.AS_VALUE:
                return self.field.invalid_replacement
            case Invalid.AS_IS if scalar is not None:
                return scalar
            case _:
                raise InputError(self._text(f"is {kind(value)}"))

    def _without_outliers(self, value: object, scalar: Scalar) -> Scalar | None:
        field = self.field
        if field.outliers is Outliers.AS_IS or isinstance(scalar, str) or field.low <= scalar <= field.high:
            return scalar
        if field.outliers is Outliers.AS_EXTREME_VALUES:
            return field.low if scalar < field.low else field.high
        if field.missing is Missing.RETURN_INVALID:
            raise InputError(self._text(f"is {kind(value)}, an outlier, which means missing"))
        return None

    def _text(self, found: str) -> str:
        return f"field {self.field.name!r} {found}, expected {self.expected}"


def _expected(field: InputField) -> str:
    words = _WORDS.get(field.data_type, f"a number ({field.data_type})")
    if field.intervals:
        words += f" in {' or '.join(map(str, field.intervals))}"
    if field.valid_values:
        listed = ", ".join(repr(value) for value in field.valid_values[:_SHOWN_VALUES])
        more = len(field.valid_values) - _SHOWN_VALUES
        words += f"{' or' if field.intervals else ','} one of {listed}{f' and {more} more' if more > 0 else ''}"
    return words


def _convert(value: object, data_type: str) -> Scalar | None:
    """The value in the field's own type, None where it is of another: strings are no numbers, numbers no strings."""
    match data_type:
        case "double" | "float":
            return number(value, FLOAT_MAX if data_type == "float" else math.inf)
        case "integer":
            return integer(value)
        case "boolean":
            return value if isinstance(value, bool) else None
        case "string":
            return value if isinstance(value, str) and is_text(value) else None
        case _:  # PMML's counted dates and times (dateDaysSince[1970] and the like): the engine takes text for missing
            return number(value, math.inf)
