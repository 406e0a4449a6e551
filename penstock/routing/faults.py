"""Faults of a routing document: each with its place, such as ``routes[2].model``, and with the key that was meant."""

from __future__ import annotations

import difflib
import typing
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel, RootModel

from penstock.errors import shown
from penstock.scalars import kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import ValidationError
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

__all__ = ["Fault", "Place", "faults_in", "nearest"]

Place = tuple[str | int, ...]


class Fault(NamedTuple):
    """One thing wrong with the document, and where."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.path or 'the document'}: {self.message}"

    @property
    def path(self) -> str:
        """The place as people write it: ``routes[2].model``; empty for the whole document."""
        return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.place).removeprefix(".")

    def below(self, *place: str | int) -> Fault:
        """Return the same fault, its place seen from further up."""
        return Fault((*place, *self.place), self.message)


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name was probably meant, or else which there are."""
    names = sorted(known)
    if not names:
        return "there are none"
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(map(repr, names))}"


def faults_in(error: ValidationError, model: type[BaseModel], data: object) -> Iterator[Fault]:
    """Translate what pydantic says of ``data`` into faults that name the rule, what was found and what to do."""
    for detail in error.errors():
        yield Fault(_place(detail["loc"], data), _message(detail, model, data))


def _place(loc: Place, data: object) -> Place:
    """Drop what pydantic adds to a place: the names of a union's arms are no keys of the document."""
    place: list[str | int] = []
    for depth, part in enumerate(loc):
        last = depth == len(loc) - 1
        if isinstance(data, dict) and (part in data or last):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int):
            data = data[part] if part < len(data) else None
        else:
            continue
        place.append(part)
    return tuple(place)


def _message(detail: ErrorDetails, model: type[BaseModel], data: object) -> str:
    found = detail["input"]
    expected = detail.get("ctx", {}).get("expected", "")
    quoted = f"got {shown(found)} ({kind(found)})"
    match detail["type"]:
        case "extra_forbidden":
            *above, key = _place(detail["loc"], data)
            text = f"unknown key {key!r}; {nearest(str(key), _keys(model, tuple(above)))}"
        case "missing":
            text = "is missing"
        case "literal_error" if isinstance(found, str):
            text = f"got {shown(found)}; {nearest(found, _words(expected))}"
        case "literal_error":
            text = f"expected {expected}, {quoted}"
        case "string_type":
            advice = "; put it in quotes" if isinstance(found, bool | int | float) else ""
            text = f"expected text, {quoted}{advice}"
        case "model_type" | "model_attributes_type" | "dict_type":
            text = f"expected keys with values, {quoted}"
        case "list_type":
            text = f"expected a list, {quoted}"
        case "too_short" | "string_too_short":
            text = "must not be empty"
        case "value_error":
            text = detail["msg"].removeprefix("Value error, ")
        case _:
            text = f"{detail['msg'][:1].lower()}{detail['msg'][1:]}, {quoted}"
    return text


def _words(expected: str) -> list[str]:
    return [word.strip("' ") for word in expected.replace(" or ", ",").split(",")]


def _keys(model: type[BaseModel], place: Place) -> Iterable[str]:
    """Return the keys that the model at this place has."""
    found: Any = model
    for part in place:
        fields = _fields(found)
        if part in fields:
            found = _model_in(fields[str(part)].annotation)
    return _fields(found)


def _fields(model: object) -> dict[str, FieldInfo]:
    """Return a model's fields by the keys that documents have for them."""
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        return {}
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the first model inside an annotation such as ``list[Route]``: list positions and keys lead through it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and not issubclass(annotation, RootModel):
        return annotation
    return next(filter(None, map(_model_in, typing.get_args(annotation))), None)
