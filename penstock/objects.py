"""Objects as events and results have them: their fields, and the faults that everything reports alike.

All functions raise `ValueError`, whose text says which field, what was expected and what was found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.scalars import kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["converted", "having", "in_field", "listed", "object_in", "text_in"]


def object_in(data: Any) -> dict[str, object]:
    """Return the data, which must be an object."""
    if not isinstance(data, dict):
        raise ValueError(f"expected an object, got {kind(data)}")  # noqa: TRY004 the contract of a step
    return data


def text_in(data: object) -> str:
    """Return the data, which must be text."""
    if not isinstance(data, str):
        raise ValueError(f"expected text, got {kind(data)}")  # noqa: TRY004 the contract of a step
    return data


def having(data: object, names: tuple[str, ...]) -> dict[str, object]:
    """Return the data, which must be an object that has these fields."""
    fields = object_in(data)
    missing = [name for name in names if name not in fields]
    if missing:
        raise ValueError(f"{listed(missing)} missing")
    return fields


def listed(names: list[str]) -> str:
    """Say of names what is said of them: "field 'a' is", "fields 'a', 'b' are"."""
    return f"field {names[0]!r} is" if len(names) == 1 else f"fields {', '.join(map(repr, names))} are"


def converted(casts: Mapping[str, Callable[[object], object]], fields: Mapping[str, object]) -> dict[str, object]:
    """Apply the functions to their fields; a fault names the field, or all that are missing."""
    try:
        return {name: function(fields[name]) for name, function in casts.items()}
    except (KeyError, ValueError):  # rare, so that only here is asked which field it was
        having(fields, tuple(casts))
        return {name: in_field(name, function, fields) for name, function in casts.items()}


def in_field(name: str, function: Callable[[object], object], fields: Mapping[str, object]) -> object:
    """Apply a function to a field; its fault names the field."""
    try:
        return function(fields[name])
    except ValueError as error:
        raise ValueError(f"field {name!r}: {error}") from error
