"""Types that parameters of transforms and keys of the routing document share."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema

from penstock.errors import shown
from penstock.scalars import Scalar, kind

__all__ = ["CastRule", "Duration", "Fields", "JsonScalar", "Moment", "Number", "Separator", "duration_ms", "moment_ms"]


def _scalar(found: object) -> object:
    if not isinstance(found, str | int | float) or (isinstance(found, float) and not math.isfinite(found)):
        raise ValueError(f"expected text, a number, true or false, got {shown(found)} ({kind(found)})")
    return found


def _number(found: object) -> object:
    if type(found) not in {int, float} or (isinstance(found, float) and not math.isfinite(found)):
        raise ValueError(f"expected a number, got {shown(found)} ({kind(found)})")
    return found


_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"([1-9][0-9]{0,8})([smhd])")


def duration_ms(text: str) -> int:
    """Return a duration such as ``90s``, ``30m``, ``2h`` or ``7d`` in milliseconds; `ValueError` says what is wrong."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError(f"expected a whole number above 0 and s, m, h or d, as in '30m', got {shown(text)}")
    return int(found[1]) * _UNITS_MS[found[2]]


def moment_ms(text: str) -> int:
    """Return a time in RFC 3339 in milliseconds since 1970; `ValueError` says what is wrong."""
    advice = f"expected a time such as '2026-01-31T18:00:00Z', got {shown(text)}"
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(advice) from error
    if found.tzinfo is None:
        raise ValueError(f"{advice}, which has no offset from UTC (Z or +01:00)")
    return round(found.timestamp() * 1_000)


def _timed(text: str) -> str:
    moment_ms(text)
    return text


def _lasting(text: str) -> str:
    duration_ms(text)
    return text


Fields = Annotated[list[str], Field(min_length=1)]
JsonScalar = Annotated[Any, AfterValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})]
Number = Annotated[Any, AfterValidator(_number), WithJsonSchema({"type": "number"})]
Duration = Annotated[str, AfterValidator(_lasting), Field(json_schema_extra={"pattern": f"^{_DURATION.pattern}$"})]
Moment = Annotated[str, AfterValidator(_timed), Field(json_schema_extra={"format": "date-time"})]
CastRule = Annotated[
    Annotated[Scalar, Tag("all")] | Annotated[dict[str, Scalar], Tag("each")],
    # Named arms give one fault where pydantic would give one for each arm.
    Discriminator(lambda found: "each" if isinstance(found, dict) else "all"),
]
"""One type for all fields, or types by field."""
Separator = Annotated[str, Field(min_length=1, max_length=1, pattern=r'^[^"\r\n]$')]
"""Between two cells: one character that can be neither quote nor line end."""
