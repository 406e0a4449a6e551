"""Values as JSON gives them: in words, and as one of the types that models have."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from penstock.errors import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ABSENT", "FLOAT_MAX", "INTEGER_MAX", "are_plain", "integer", "is_text", "kind", "number"]

INTEGER_MAX = 2**53
"""Integers beyond it are not exact in a double, which is what engines and JSON libraries keep numbers in."""
FLOAT_MAX = 3.4028234663852886e38
"""Largest number that fits into 32 bits."""


class _Absent:
    """The type of `ABSENT`."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = _Absent()
"""Stands for a field that the row does not have, which is not the same as null when it comes to telling about it."""


def kind(value: object) -> str:
    """A JSON value in words: what kind it is, and which."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return f"the {'string' if isinstance(value, str) else 'number'} {shown(value)}"


def number(value: object, bound: float) -> float | None:
    """The value as a finite number of at most that size, None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) and abs(found) <= bound else None


def integer(value: object, low: int = -INTEGER_MAX, high: int = INTEGER_MAX) -> int | None:
    """The value as a whole number in a range, None where it is none; 3.0 is one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not (value.is_integer() and abs(value) <= INTEGER_MAX):
        return None
    return int(value) if low <= value <= high else None


def is_text(text: str) -> bool:
    """Tell a lone half of a surrogate pair, which JSON can escape but nothing can write, from text."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def are_plain(names: Iterable[str]) -> bool:
    """Tell whether JSON has all names as they are, which is what msgspec wants of a struct's."""
    return not any(character in '"\\' or character < " " for name in names for character in name)
