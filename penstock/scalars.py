"""Conversion of single values between the types that events and models have, with reasons where it is impossible."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from penstock.errors import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["SCALARS", "Cast", "Scalar", "casts_by_field", "convert", "kind", "plain_text"]

Scalar = Literal["float", "int", "str", "bool"]
SCALARS: tuple[Scalar, ...] = get_args(Scalar)

Cast = Scalar | dict[str, Scalar]
"""One type for all fields, or a type for each field that is to be converted."""

_DIGITS = re.compile(r"[+-]?[0-9]{1,4000}")  # Python refuses to read 4,300 and more
_TRUTHS = {"true": True, "false": False, "1": True, "0": False}
_KINDS = {bool: "bool", int: "int", float: "float", str: "text", type(None): "null", dict: "object", list: "list"}


def kind(found: object) -> str:
    """Name a value's kind as messages call it."""
    return _KINDS.get(type(found), type(found).__name__)


def convert(found: object, wanted: Scalar) -> float | int | str | bool:
    """Return the value as the wanted type.

    Numbers are read from text with blanks around it; a float becomes an int only without a fraction; true and false
    count as 1 and 0, and the texts "true", "false", "1", "0" as bool.

    Raises:
        ValueError: null, objects, lists and whatever else is not of that type; says what was expected and found.
    """
    return _CONVERTERS[wanted](found)


def casts_by_field(cast: Cast | None, fields: list[str]) -> dict[str, Callable[[object], object]]:
    """Return the conversion of each field that is to be converted."""
    wanted: Mapping[str, Scalar]
    if cast is None:
        wanted = {}
    elif isinstance(cast, dict):
        wanted = cast
    else:
        wanted = dict.fromkeys(fields, cast)
    return {field: _CONVERTERS[scalar] for field, scalar in wanted.items()}


def plain_text(found: object) -> str:
    """Return text as it is, anything else as its JSON text."""
    return found if isinstance(found, str) else msgspec.json.encode(found).decode()


def _refusal(wanted: str, found: object) -> ValueError:
    return ValueError(f"expected {wanted}, got {shown(found)} ({kind(found)})")


def _to_float(found: object) -> float:
    if type(found) is float:
        return found
    if isinstance(found, int):
        try:
            return float(found)
        except OverflowError:
            raise _refusal("float", found) from None
    if isinstance(found, str):
        try:
            number = float(found)
        except ValueError:
            raise _refusal("float", found) from None
        # float() also takes underscores, other scripts' digits and words such as "infinity", which are no numbers here.
        if math.isfinite(number) and "_" not in found and found.isascii():
            return number
    raise _refusal("float", found)


def _to_int(found: object) -> int:
    if isinstance(found, int):
        return int(found)
    number = found
    if isinstance(found, str):
        if _DIGITS.fullmatch(found.strip()):
            return int(found)  # not by way of float, which rounds whole numbers beyond 2**53
        try:
            number = _to_float(found)
        except ValueError:
            raise _refusal("int", found) from None
    if isinstance(number, float) and number.is_integer():
        return int(number)
    raise _refusal("int", found)


def _to_str(found: object) -> str:
    if isinstance(found, str | int | float):
        return plain_text(found)
    raise _refusal("str", found)


def _to_bool(found: object) -> bool:
    if isinstance(found, bool):
        return found
    if isinstance(found, int | float) and found in {0, 1}:
        return bool(found)
    if isinstance(found, str) and found.strip().lower() in _TRUTHS:
        return _TRUTHS[found.strip().lower()]
    raise _refusal("bool", found)


_CONVERTERS: Mapping[Scalar, Callable[[object], float | int | str | bool]] = {
    "float": _to_float,
    "int": _to_int,
    "str": _to_str,
    "bool": _to_bool,
}
