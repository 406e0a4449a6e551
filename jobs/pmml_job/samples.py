"""Rows made from what a model declares of its inputs, for models that come without a sample."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobs.pmml_job.mining_schema import InputField, Interval, Scalar

__all__ = ["samples"]

# By data type: three values that differ much, so that one of them gets past what a model does with them.
_VALUES: dict[str, tuple[Scalar, Scalar, Scalar]] = {
    "double": (0.5, 5.0, -1.0),
    "float": (0.5, 5.0, -1.0),
    "integer": (1, 5, 0),
    "boolean": (True, False, True),
    "string": ("a", "a longer sample of text", "1"),
}
_COUNTED = (20_000, 1, 0)  # days or seconds since some date


def samples(inputs: Sequence[InputField]) -> list[dict[str, Scalar]]:
    """Three inputs that the mining schema takes, in the order in which they are to be tried."""
    return [{field.name: _value(field, choice) for field in inputs} for choice in range(3)]


def _value(field: InputField, choice: int) -> Scalar:
    if field.valid_values:
        return field.valid_values[choice % len(field.valid_values)]
    wanted = _VALUES.get(field.data_type, _COUNTED)[choice]
    if not field.intervals or isinstance(wanted, str):
        return wanted
    inside = _inside(field.intervals[choice % len(field.intervals)])
    return round(inside) if field.data_type == "integer" else inside


def _inside(interval: Interval) -> float:
    match math.isinf(interval.low), math.isinf(interval.high):
        case True, True:
            return 0.0
        case True, False:
            return interval.high - 1
        case False, True:
            return interval.low + 1
        case _:
            return (interval.low + interval.high) / 2
