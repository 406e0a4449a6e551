"""Built-in transforms that read texts or write them."""

import re
import unicodedata
from typing import Self

import msgspec
from pydantic import RootModel, field_validator, model_validator

from penstock.objects import converted, having, in_field, object_in, text_in
from penstock.routing.parameters import CastRule, Fields, Separator
from penstock.routing.registry import Parameters, Step
from penstock.rows import cells, named_cells
from penstock.scalars import Scalar, casts_by_field, convert, plain_text

__all__ = ["Csv", "FirstLetter", "Template", "csv", "first_letter", "template"]


class FirstLetter(Parameters):
    """Where the text is."""

    field: str | None = None
    """The field of an object whose text is cut to its first letter; without it the data itself must be text."""


def first_letter(parameters: FirstLetter) -> Step:
    """Cut a text to its first letter: a coarse category, like the drawers of a card file, for models that use it."""

    def letter(found: object) -> str:
        text = text_in(found).lstrip()
        if not text:
            raise ValueError("expected a text with a letter in it, got an empty one")
        # A letter may come as a base and marks; composed, it is one character. Eight are more than any has.
        return unicodedata.normalize("NFC", text[:8])[0]

    field = parameters.field
    if field is None:
        return letter

    def step(data: object) -> dict[str, object]:
        fields = having(data, (field,))
        return {**fields, field: in_field(field, letter, fields)}

    return step


class Csv(Parameters):
    """How a row is to be read."""

    columns: Fields | None = None
    """Names of the cells, in their order; without them the data becomes a list."""
    cast: CastRule | None = None
    """The type of all cells, or of some by column; without it cells are text."""
    separator: Separator = ","

    @model_validator(mode="after")
    def _columns_fit(self) -> Self:
        if self.columns is not None and len(set(self.columns)) != len(self.columns):
            raise ValueError("two columns have the same name")
        unknown = sorted(set(self.cast) - set(self.columns or ())) if isinstance(self.cast, dict) else []
        if unknown:
            raise ValueError(f"cast names columns that are not there: {', '.join(map(repr, unknown))}")
        return self


def csv(parameters: Csv) -> Step:
    """Read a row of text into an object, or without columns into a list. An object passes: its fields have names."""
    columns, separator = parameters.columns, parameters.separator
    casts = casts_by_field(parameters.cast, columns or [])

    def named(row: str) -> dict[str, object]:
        fields: dict[str, object] = {**named_cells(row, columns or [], separator)}
        fields.update(converted(casts, fields))
        return fields

    def listed(row: str) -> list[object]:
        found = cells(row, separator)
        wanted = parameters.cast
        if not isinstance(wanted, str):
            return [*found]
        return [_cell(number, cell, wanted) for number, cell in enumerate(found, start=1)]

    return lambda data: data if isinstance(data, dict) else (listed if columns is None else named)(text_in(data))


def _cell(number: int, found: str, wanted: Scalar) -> object:
    try:
        return convert(found, wanted)
    except ValueError as error:
        raise ValueError(f"cell {number}: {error}") from error


_TEMPLATE = re.compile(r"(?P<brace>\{\{|\}\})|\{(?P<field>[^{}]*)\}|(?P<stray>[{}])")


class Template(RootModel[str]):
    """Text with fields in braces, ``{user}`` or deeper ``{outputs.species}``; a brace itself is written twice."""

    @field_validator("root")
    @classmethod
    def _plain(cls, text: str) -> str:
        for match in _TEMPLATE.finditer(text):
            field = match["field"]
            if match["stray"]:
                raise ValueError(f"a single {match['stray']!r} in a template; write it twice to have one in the text")
            # No formats, conversions or indexes: a document says what, and never runs anything.
            if field is not None and (not all(field.split(".")) or re.search(r"[!:\[\]]", field)):
                raise ValueError(f"{{{field}}} is no field; expected a name such as {{user}} or {{outputs.species}}")
        return text


def template(parameters: Template) -> Step:
    """Write a text with fields of an object in it; numbers, lists and objects are written as JSON."""
    segments: list[str | tuple[str, ...]] = []
    end = 0
    for match in _TEMPLATE.finditer(parameters.root):
        segments.append(parameters.root[end : match.start()])
        segments.append(match["brace"][0] if match["brace"] else tuple(match["field"].split(".")))
        end = match.end()
    segments.append(parameters.root[end:])

    def step(data: object) -> str:
        fields = object_in(data)
        return "".join(part if isinstance(part, str) else plain_text(_at(part, fields)) for part in segments)

    return step


def _at(path: tuple[str, ...], data: object) -> object:
    for depth, name in enumerate((*path, None)):
        if isinstance(data, msgspec.Raw):  # a result's input stays undecoded until somebody asks for a part of it
            data = msgspec.json.decode(data)
        if name is None:
            break
        if not isinstance(data, dict) or name not in data:
            raise ValueError(f"field {'.'.join(path[: depth + 1])!r} is missing")
        data = data[name]
    return data
