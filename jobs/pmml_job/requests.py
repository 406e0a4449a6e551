"""Requests to PMML models: a row of values, checked and treated by the mining schema."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from jobs.pmml_job.fields import FieldCheck
from jobs.pmml_job.mining_schema import InputField, Missing, Outliers, Scalar
from penstock.serving import requests
from penstock.serving.requests import Request
from penstock.serving.values import FLOAT_MAX, INTEGER_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Request", "RequestReader", "Row"]

Row = tuple[Scalar | None, ...]
"""One value for each input field, in the order of the mining schema; None is missing."""


class RequestReader(requests.RequestReader):
    """Reads requests to one model, whose mining schema says what becomes of each value."""

    def __init__(self, fields: Sequence[InputField]) -> None:
        super().__init__([_read_as(field) for field in fields])


def _read_as(field: InputField) -> requests.Field:
    """How the frame reads a field. What becomes of a missing value is left to the engine."""
    optional = field.missing is Missing.PASS
    return requests.Field(field.name, FieldCheck(field), _quick_type(field), optional=optional)


def _quick_type(field: InputField) -> Any:
    """A type that decodes only values which need no treatment, None where there is no such type."""
    return None if field.invalid_values or field.missing_values else _value_type(field)


def _value_type(field: InputField) -> Any:
    match field.data_type:
        case "double" | "float" if not field.valid_values:
            return _bounded(float, field, FLOAT_MAX if field.data_type == "float" else math.inf)
        case "integer" if not field.valid_values:
            return _bounded(int, field, INTEGER_MAX)
        case "boolean" if not field.valid_values:
            return bool
        case "string" if field.valid_values:
            return Literal[tuple(field.valid_values)]
        case "string":
            return str
        case _:
            return None


def _bounded(number: type[float], field: InputField, bound: float) -> Any:
    """A number within the field's interval, its data type's bound and the range outside of which it is an outlier."""
    if len(field.intervals) > 1:
        return None
    lows, highs = [(-bound, False)], [(bound, False)]
    for interval in field.intervals:
        lows.append((interval.low, interval.low_open))
        highs.append((interval.high, interval.high_open))
    if field.outliers is not Outliers.AS_IS:
        lows.append((field.low, False))
        highs.append((field.high, False))
    # Where two margins are equal the open one is the narrower.
    low, low_open = max(lows)
    high, high_open = min(highs, key=lambda margin: (margin[0], not margin[1]))
    limits: dict[str, Any] = {}
    if math.isfinite(low):
        limits["gt" if low_open else "ge"] = low if number is float else _whole(low, up=not low_open)
    if math.isfinite(high):
        limits["lt" if high_open else "le"] = high if number is float else _whole(high, up=high_open)
    return Annotated[number, msgspec.Meta(**limits)] if limits else number


def _whole(margin: float, *, up: bool) -> int:
    return math.ceil(margin) if up else math.floor(margin)
